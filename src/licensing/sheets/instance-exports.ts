// The export of instances: what the filters of their list find, with whose they are.
import type { ActivationFilter } from "../instances/instance-filter.ts";
import type { Context } from "../../context.ts";
import { allow } from "../../kernel/permissions.ts";
import { displayNameOf } from "../customers/display-name.ts";
import { listActivations, presentActivation } from "../instances/instances.ts";
import { holdersOf } from "../licenses/search/license-uses.ts";
import { type ExportedFile, type ExportFormat, fileOf, PAGE_SIZE } from "./exported-files.ts";
import { recordExport } from "./exports.ts";

/** The columns of CSV in order: new ones go behind. */
export const INSTANCE_COLUMNS = [
  "id",
  "license_id",
  "customer_id",
  "customer",
  "instance_id",
  "hostname",
  "app_version",
  "labels",
  "ip",
  "active",
  "activated_at",
  "last_seen_at",
  "lease_expires_at",
  "ended_at",
  "ended_by",
] as const;

/** The export is recorded before the first instance is read. */
export async function exportInstances(
  caller: Context,
  format: ExportFormat,
  filter: ActivationFilter,
): Promise<ExportedFile> {
  allow(caller, "read");
  const context: Context = { ...caller, db: caller.db.replica("from-here") };
  const filters = Object.keys(filter).join(" ");
  await recordExport(context, "instances", filters === "" ? { format } : { format, filters }, undefined);
  return fileOf(context, "instances", format, INSTANCE_COLUMNS, found(context, filter));
}

async function* found(context: Context, filter: ActivationFilter) {
  const now = context.clock.now();
  let cursor: string | undefined;
  do {
    const page = await listActivations(context, { limit: PAGE_SIZE, cursor }, filter);
    const holders = await holdersOf(
      context,
      page.data.map(({ license_id }) => license_id),
    );
    yield page.data.map((row) => {
      const holder = holders.get(row.license_id);
      return {
        ...presentActivation(row, now),
        customer_id: holder?.id ?? null,
        customer: holder ? displayNameOf(holder) : null,
      };
    });
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
