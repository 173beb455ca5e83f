// The export of licenses with their keys: streamed page by page, so that any number of licenses needs only the memory
// of one page, and a slow reader sets the pace.
import { and, eq, getTableColumns, gt, sql } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { databaseMessage } from "../../storage/failures.ts";
import { type License, licenses } from "../../storage/schema.ts";
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { presentEntitlements } from "../entitlements/values.ts";
import { licenseKeyOf } from "../licenses/license-keys.ts";
import { csvOf } from "./sheets.ts";
import { standingOf } from "../licenses/standing.ts";

export const EXPORT_FORMATS = ["csv", "json"] as const;

type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Each page is one D1 round trip, and an invocation of a Worker may make 1,000 of them. */
const PAGE_SIZE = 1_000;

/** Without metadata, which is not exported and may be the largest part of a row. */
const { metadata: _notExported, ...SOURCE } = getTableColumns(licenses);

type Source = Pick<License, keyof typeof SOURCE>;

/** The columns in order; the order is part of the contract. */
async function exported(context: Context, license: Source, now: number) {
  return {
    id: license.id,
    customer_id: license.customer_id,
    license_key: await licenseKeyOf(context, license),
    license_type: license.license_type,
    issued_at: formatInstant(license.issued_at),
    expires_at: formatInstantOrNull(license.expires_at),
    status: license.status,
    standing: standingOf(license, now),
    features: license.features,
    max_instances: license.max_instances,
    max_services: license.max_services,
    max_requests_per_day: license.max_requests_per_day,
    revision: license.revision,
    entitlements: presentEntitlements(license.entitlements),
  };
}

type Exported = Awaited<ReturnType<typeof exported>>;

const COLUMNS = [
  "id",
  "customer_id",
  "license_key",
  "license_type",
  "issued_at",
  "expires_at",
  "status",
  "standing",
  "features",
  "max_instances",
  "max_services",
  "max_requests_per_day",
  "revision",
  "entitlements",
] as const satisfies (keyof Exported)[];

/** The beginning, a page and the end of a file in one format. */
interface Writer {
  head: string;
  page: (rows: Exported[], isFirst: boolean) => string;
  tail: string;
}

const WRITERS: Record<ExportFormat, Writer> = {
  csv: {
    head: csvOf([[...COLUMNS]]),
    page: (rows) =>
      csvOf(
        rows.map((row) => {
          const cells = {
            ...row,
            features: row.features.join(";"),
            entitlements: Object.keys(row.entitlements).length > 0 ? JSON.stringify(row.entitlements) : "",
          };
          return COLUMNS.map((column) => cells[column]);
        }),
      ),
    tail: "",
  },
  json: {
    head: "[",
    page: (rows, isFirst) =>
      rows.map((row, n) => `${isFirst && n === 0 ? "" : ","}\n${JSON.stringify(row)}`).join(""),
    tail: "\n]\n",
  },
};

/** The licenses of a customer, or only these; if neither is given, all. */
interface Choice {
  customer_id?: string | undefined;
  license_ids?: string[] | undefined;
}

export interface ExportRequest extends Choice {
  format: ExportFormat;
}

/**
 * The chosen licenses by id, with their current standing. The export is recorded before the first license is read,
 * because it includes the keys.
 * @returns the file's name and its bytes; if a page cannot be read, the bytes end with an error, never just early
 * @throws Problem CUSTOMER_NOT_FOUND
 */
export async function exportLicenses(
  caller: Context,
  { format, ...choice }: ExportRequest,
): Promise<{ name: string; bytes: ReadableStream<Uint8Array> }> {
  allow(caller, "keys");
  // The record is written first, on the primary; a replica that serves the pages has everything up to it.
  const context: Context = { ...caller, db: caller.db.replica("from-here") };
  const now = context.clock.now();
  const { customer_id: customerId, license_ids: licenseIds } = choice;
  const [recorded] = await context.db.batch([
    recordChange(
      context,
      now,
      "licenses.exported",
      customerId === undefined ? ["export", "licenses"] : ["customer", customerId],
      licenseIds === undefined ? { format } : { format, license_ids: licenseIds },
      customerId === undefined
        ? { sql: "", values: [] }
        : { sql: "WHERE EXISTS (SELECT 1 FROM customers WHERE id = ?)", values: [customerId] },
    ),
  ]);
  if (recorded?.meta.changes === 0) {
    throw new Problem("CUSTOMER_NOT_FOUND", `There is no customer with the id ${customerId}.`);
  }
  const name = `licenses-${formatInstant(now).slice(0, 10)}.${format}`;
  return { name, bytes: stream(context, WRITERS[format], choice, now) };
}

function stream(
  context: Context,
  { head, page, tail }: Writer,
  choice: Choice,
  now: number,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let after: string | undefined;
  return new ReadableStream(
    {
      // Called when the previous page was read: that is the back-pressure.
      async pull(controller) {
        try {
          const sources = await readPage(context, choice, after);
          const rows = await Promise.all(sources.map((license) => exported(context, license, now)));
          const isFirst = after === undefined;
          const isLast = sources.length < PAGE_SIZE;
          const text = (isFirst ? head : "") + page(rows, isFirst) + (isLast ? tail : "");
          if (text !== "") controller.enqueue(utf8.encode(text));
          after = sources.at(-1)?.id;
          if (isLast) controller.close();
        } catch (error) {
          // The answer has begun, so it can only be broken off: a part must not look like the whole.
          const { requestId } = context;
          context.log("error", { event: "export", request_id: requestId, error: databaseMessage(error) });
          throw error;
        }
      },
    },
    { highWaterMark: 0 },
  );
}

async function readPage(
  { db }: Context,
  { customer_id: customerId, license_ids: ids }: Choice,
  after: string | undefined,
): Promise<Source[]> {
  const [rows] = await db.orm.batch([
    db.orm
      .select(SOURCE)
      .from(licenses)
      .where(
        and(
          customerId === undefined ? undefined : eq(licenses.customer_id, customerId),
          ids && sql`${licenses.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
          after === undefined ? undefined : gt(licenses.id, after),
        ),
      )
      .orderBy(licenses.id)
      .limit(PAGE_SIZE),
  ]);
  return rows;
}
