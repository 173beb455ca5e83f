// All that is kept about a customer, for whoever asks what it is: rows as they are, with instants that people can read,
// and mails opened.
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import type { Row } from "../../storage/database.ts";
import { getCustomer } from "../customers/customers.ts";
import { isAbout } from "../customers/traces.ts";
import { streamed } from "./streamed.ts";

/** Each page is a trip, and rows of mail are the largest: 15 KB each. */
const PAGE = 200;

interface Section {
  name: string;
  /** A table, and which rows of it are the customer's: ?1 is its id. */
  rows: string;
  /** What they are ordered by, unique, and the place before all of them. */
  key: string[];
  start: (string | number)[];
}

const OWN = "license_id IN (SELECT id FROM licenses WHERE customer_id = ?1)";

const SECTIONS: Section[] = [
  { name: "contacts", rows: "contacts WHERE customer_id = ?1", key: ["id"], start: [""] },
  { name: "licenses", rows: "licenses WHERE customer_id = ?1", key: ["id"], start: [""] },
  {
    name: "pending_changes",
    rows: `pending_changes WHERE ${OWN}`,
    key: ["license_id", "id"],
    start: ["", ""],
  },
  {
    name: "activations",
    rows: `activations WHERE ${OWN}`,
    key: ["license_id", "ended_at", "instance_id"],
    start: ["", -1, ""],
  },
  {
    name: "usage",
    rows: `usage WHERE ${OWN}`,
    key: ["license_id", "day", "instance_id"],
    start: ["", "", ""],
  },
  {
    // Its key begins with the month, so each month is asked for by itself.
    name: "usage_months",
    rows: `usage_months WHERE month IN (
      WITH RECURSIVE months (month) AS (
        SELECT min(month) FROM usage_months
        UNION ALL SELECT (SELECT min(u.month) FROM usage_months u WHERE u.month > months.month) FROM months
        WHERE month IS NOT NULL)
      SELECT month FROM months WHERE month IS NOT NULL) AND ${OWN}`,
    key: ["month", "license_id", "instance_id"],
    start: ["", "", ""],
  },
  {
    name: "license_months",
    rows: `license_months WHERE ${OWN}`,
    key: ["license_id", "month"],
    start: ["", ""],
  },
  {
    name: "overuse",
    rows: `overuse WHERE ${OWN}`,
    key: ["license_id", "day", "limit_name"],
    start: ["", "", ""],
  },
  {
    name: "meter_overuse",
    rows: `meter_overuse WHERE ${OWN}`,
    key: ["day", "license_id", "code"],
    start: ["", "", ""],
  },
  {
    name: "statements",
    rows: `statements WHERE ${OWN}`,
    key: ["license_id", "month", "revision"],
    start: ["", "", 0],
  },
  {
    name: "license_told",
    rows: `license_told WHERE ${OWN}`,
    key: ["license_id", "ends_at", "stage", "days", "code"],
    start: ["", 0, "", 0, ""],
  },
  {
    name: "silent_instances",
    rows: `silent_instances WHERE ${OWN}`,
    key: ["license_id", "instance_id"],
    start: ["", ""],
  },
  { name: "license_refusals", rows: `license_refusals WHERE ${OWN}`, key: ["license_id"], start: [""] },
  {
    name: "settled_attention",
    rows: `settled_attention WHERE ${OWN}`,
    key: ["license_id", "kind"],
    start: ["", ""],
  },
  {
    name: "customer_requests",
    rows: "customer_requests WHERE customer_id = ?1",
    key: ["id"],
    start: [""],
  },
  {
    name: "portal_invitations",
    rows: "portal_invitations WHERE customer_id = ?1",
    key: ["id"],
    start: [""],
  },
  {
    name: "portal_sessions",
    rows: "portal_sessions WHERE customer_id = ?1",
    key: ["hash"],
    start: [""],
  },
  {
    name: "portal_frees",
    rows: `portal_frees WHERE ${OWN}`,
    key: ["license_id", "freed_at", "activation_id"],
    start: ["", 0, ""],
  },
  {
    name: "webhook_deliveries",
    rows: `webhook_deliveries WHERE EXISTS (
      SELECT 1 FROM events e WHERE e.id = event_id AND ${isAbout("e", "?1")})`,
    key: ["endpoint_id", "number"],
    start: ["", 0],
  },
  {
    name: "mails",
    rows: "messages WHERE customer_id = ?1 AND recipient <> ''",
    key: ["id"],
    start: [""],
  },
  {
    name: "events",
    rows: `events WHERE entity_id IN (SELECT ?1 UNION ALL SELECT id FROM licenses WHERE customer_id = ?1)
      AND entity_type IN ('customer', 'license')`,
    key: ["entity_id", "id"],
    start: ["", 0],
  },
];

/** What the service notes for itself. */
const INTERNAL = new Set(["terms_at", "version", "dedupe_key", "content", "batch_id", "told_on", "told"]);

const JSON_COLUMNS = new Set([
  "metadata",
  "tags",
  "roles",
  "features",
  "notice_days",
  "labels",
  "unproven",
  "input",
  "days",
  "meters",
  "figures",
  "detail",
]);

/** JSON in which instants are, too. */
const WITH_INSTANTS = new Set(["entitlements", "refusals"]);

const isInstant = (name: string): boolean => /(?:^|_)at$|(?:^|_)until$|_since$/.test(name);

function shown(name: string, value: unknown): unknown {
  if (typeof value === "string" && JSON_COLUMNS.has(name)) return JSON.parse(value) as unknown;
  if (typeof value === "string" && WITH_INSTANTS.has(name))
    return JSON.parse(value, (member, inner: unknown) =>
      typeof inner === "number" ? shown(member, inner) : inner,
    ) as unknown;
  if (typeof value !== "number" || !isInstant(name)) return value;
  return value === 0 ? null : formatInstant(value);
}

const shownRow = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !INTERNAL.has(name))
      .map(([name, value]) => [name, shown(name, value)]),
  );

/** Who reads it asked for data about themselves, not for a key. */
const LICENSE_KEY = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;

async function shownMail(context: Context, row: Row): Promise<Row> {
  const text = await context.mail.textOf(context, { id: String(row["id"]), content: String(row["content"]) });
  return { ...shownRow(row), text: text?.replaceAll(LICENSE_KEY, "(license key)") ?? null };
}

async function* pagesOf(context: Context, customer: Row): AsyncGenerator<string, void> {
  const { db } = context;
  yield `{\n"customer": ${JSON.stringify(shownRow(customer))}`;
  for (const { name, rows, key, start } of SECTIONS) {
    yield `,\n"${name}": [`;
    let place = start;
    let separator = "\n";
    for (;;) {
      const [page] = await db.batch([
        db.sql(
          `SELECT * FROM ${rows} AND (${key.join(", ")}) > (${key.map((_, n) => `?${n + 2}`).join(", ")})
           ORDER BY ${key.join(", ")} LIMIT ${PAGE}`,
          String(customer["id"]),
          ...place,
        ),
      ]);
      const found = page?.results ?? [];
      const texts = await Promise.all(
        found.map(async (row) =>
          JSON.stringify(name === "mails" ? await shownMail(context, row) : shownRow(row)),
        ),
      );
      if (texts.length > 0) yield separator + texts.join(",\n");
      separator = ",\n";
      if (found.length < PAGE) break;
      place = key.map((column) => found.at(-1)![column] as string | number);
    }
    yield "]";
  }
  yield "\n}\n";
}

/**
 * All that is kept about a customer, as JSON. That it was read is recorded first.
 * @returns the file's name and its bytes
 * @throws Problem CUSTOMER_NOT_FOUND
 */
export async function customerData(
  caller: Context,
  id: string,
): Promise<{ name: string; bytes: ReadableStream<Uint8Array> }> {
  allow(caller, "erasure");
  const context: Context = { ...caller, db: caller.db.replica("from-here") };
  const now = context.clock.now();
  const always = { sql: "WHERE EXISTS (SELECT 1 FROM customers WHERE id = ?)", values: [id] };
  await context.db.batch([recordChange(context, now, "customer.data_read", ["customer", id], {}, always)]);
  const customer = await getCustomer(context, id);
  return {
    name: `${id}-${formatInstant(now).slice(0, 10)}.json`,
    bytes: streamed(context, pagesOf(context, customer)),
  };
}
