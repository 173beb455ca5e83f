// The resource that an event is about, as the API shows it now.
import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { presentJob } from "../health/health.ts";
import { runsIn, selectRuns } from "../health/runs.ts";
import { presentCustomer } from "../licensing/customers/customers.ts";
import { presentDefinition } from "../licensing/entitlements/definitions.ts";
import { presentLicenseType, readType } from "../licensing/licenses/license-types.ts";
import { presentLicense } from "../licensing/licenses/licenses.ts";
import { messagesById, presentMessage } from "../notices/messages.ts";
import {
  customers,
  entitlements,
  type Event,
  licenses,
  licenseTypes,
  webhookEndpoints,
} from "../storage/schema.ts";
import { presentEndpoint } from "./endpoints.ts";

/** By type and id. */
export type Objects = Map<string, Record<string, unknown>>;

export const keyOf = ({ entity_type, entity_id }: Pick<Event, "entity_type" | "entity_id">): string =>
  `${entity_type} ${entity_id}`;

const among = (column: { name: string }, ids: string[]) =>
  sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;

/** Reads what the events are about, one statement a type. What is gone, or no resource of the API, is not in it. */
export async function readObjects(context: Context, events: readonly Event[]): Promise<Objects> {
  const { orm } = context.db;
  const now = context.clock.now();
  const idsOf = (type: string): string[] => [
    ...new Set(events.filter(({ entity_type }) => entity_type === type).map(({ entity_id }) => entity_id)),
  ];
  const found: Objects = new Map();
  const read = async <T>(
    type: string,
    query: (ids: string[]) => Promise<T[]>,
    show: (row: T) => [id: string, object: Record<string, unknown>],
  ): Promise<void> => {
    const ids = idsOf(type);
    if (ids.length === 0) return;
    for (const row of await query(ids)) {
      const [id, object] = show(row);
      found.set(keyOf({ entity_type: type, entity_id: id }), object);
    }
  };
  await Promise.all([
    read(
      "license",
      async (ids) => orm.select().from(licenses).where(among(licenses.id, ids)),
      (row) => [row.id, presentLicense(row, now)],
    ),
    read(
      "customer",
      async (ids) => orm.select().from(customers).where(among(customers.id, ids)),
      (row) => [row.id, presentCustomer(row)],
    ),
    read(
      "license_type",
      async (ids) => orm.select().from(licenseTypes).where(among(licenseTypes.id, ids)),
      (row) => [row.id, presentLicenseType(readType(row))],
    ),
    read(
      "entitlement",
      async (ids) => orm.select().from(entitlements).where(among(entitlements.code, ids)),
      (row) => [row.code, presentDefinition(row)],
    ),
    read(
      "message",
      async (ids) => messagesById(context, ids),
      (row) => [row.id, presentMessage(row)],
    ),
    read(
      "job",
      async () => runsIn((await context.db.batch([selectRuns(context)]))[0]!),
      (row) => [row.name, presentJob(row, now)],
    ),
    read(
      "webhook_endpoint",
      async (ids) => orm.select().from(webhookEndpoints).where(among(webhookEndpoints.id, ids)),
      (row) => [row.id, presentEndpoint(row)],
    ),
  ]);
  return found;
}
