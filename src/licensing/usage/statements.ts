// Usage statements: what a license used in a month. Once the month is closed its statement is signed and kept; figures
// that come later make the next revision, which names the hash of the one before.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { sha256 } from "../../crypto/digests.ts";
import { dayOf, formatInstantOrNull, numericDate } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { overtaken } from "../../kernel/resources.ts";
import { invalid } from "../../problems.ts";
import { named } from "../../storage/database.ts";
import { recordChange } from "../../record/events.ts";
import { chunksOf } from "../../storage/bulk.ts";
import type { License, Meters } from "../../storage/schema.ts";
import { getLicense } from "../licenses/licenses.ts";
import { type Figures, figuresOf, type MonthDay, type Sold } from "./figures.ts";
import { closesAt, firstMonth } from "./months.ts";

export const Month = z
  .string()
  .check(z.regex(/^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])$/, "Must be a month, such as 2026-11"));

const TYPE = "usage-statement+jwt";

/** The days of a month of licenses, wherever they lie. */
export const DAYS = named(`
  SELECT chosen.value AS license_id, one.day, one.requests, one.services, one.meters
  FROM json_each(:licenses) chosen CROSS JOIN dates CROSS JOIN license_usage one
    ON one.day = :month || '-' || dates.date AND one.license_id = chosen.value
  UNION ALL
  SELECT chosen.value, folded.month || '-' || date.key, date.value ->> 0, date.value ->> 1, date.value -> 2
  FROM json_each(:licenses) chosen CROSS JOIN license_usage_months folded
    ON folded.month = :month AND folded.license_id = chosen.value CROSS JOIN json_each(folded.days) date
  ORDER BY 1, 2`);

const LAST = named(`
  SELECT revision, closed_at, token, hash, figures FROM statements
  WHERE license_id = :license AND month = :month ORDER BY revision DESC LIMIT 1`);

/** A statement as it was closed. */
interface Kept {
  revision: number;
  closed_at: number;
  token: string;
  hash: string;
  /** JSON. */
  figures: string;
}

/** What a statement says of a license and a month. */
type Stated = {
  license_id: string;
  customer_id: string;
  month: string;
  revision: number;
  previous: string | null;
} & Figures;

export type Statement = Stated & {
  closed_at: string | null;
  /** The signed statement; null while the month is open. */
  statement: string | null;
  hash: string | null;
};

const shown = (stated: Stated, kept: Kept | null): Statement => ({
  ...stated,
  closed_at: formatInstantOrNull(kept?.closed_at ?? null),
  statement: kept?.token ?? null,
  hash: kept?.hash ?? null,
});

/** What a kept statement says. */
const statedIn = (kept: Kept): Stated => JSON.parse(kept.figures) as Stated;

/** A row of DAYS; its meters are JSON. */
export type DayRow = Omit<MonthDay, "meters"> & { license_id: string; meters: string | null };

export const dayIn = ({ day, requests, services, meters }: DayRow): MonthDay => ({
  day,
  requests,
  services,
  meters: meters === null ? undefined : (JSON.parse(meters) as Meters),
});

async function read({ db }: Context, license: Pick<License, "id">, month: string) {
  const [days, last] = await db.batch([
    db.run(DAYS, { licenses: JSON.stringify([license.id]), month }),
    db.run(LAST, { license: license.id, month }),
  ]);
  return {
    told: (days!.results as unknown as DayRow[]).map(dayIn),
    last: (last!.results[0] as unknown as Kept | undefined) ?? null,
  };
}

const sums = ({ total, peak }: { total: number; peak: number }): string => `${total} ${peak}`;

/** What was used, without what was allowed: that may change later, and says nothing about the month. */
const used = ({ meters, requests, services, days_without_report }: Figures): string => {
  const counted = Object.entries(meters).flatMap(([code, figure]) =>
    figure.total > 0 ? [`${code} ${sums(figure)}`] : [],
  );
  return JSON.stringify([counted, sums(requests), sums(services), days_without_report]);
};

/**
 * The statement of a month: signed and kept once the month is closed. The same statement is always the same bytes.
 * @throws Problem LICENSE_NOT_FOUND, REQUEST_INVALID for a month to come, or one of which no days are kept any more
 */
export async function readStatement(context: Context, id: string, month: string): Promise<Statement> {
  allow(context, "read");
  return statementOf(context, await getLicense(context, id), month);
}

/** The same for a license that its caller may see. @throws Problem REQUEST_INVALID as readStatement */
export async function statementOf(
  context: Context,
  license: Sold & Pick<License, "id" | "customer_id">,
  month: string,
): Promise<Statement> {
  const { id } = license;
  const now = context.clock.now();
  if (month > dayOf(now).slice(0, 7)) throw invalid("month", "Must not be in the future");
  const { told, last } = await read(context, license, month);
  if (month < firstMonth(now)) {
    if (last) return shown(statedIn(last), last);
    throw invalid("month", `Must not be before ${firstMonth(now)}: the days of older months are not kept`);
  }
  const figures = figuresOf(license, month, told, dayOf(now));
  if (last) {
    // What was allowed stays as it was stated.
    if (used(statedIn(last)) === used(figures)) return shown(statedIn(last), last);
  } else if (now < closesAt(month)) {
    const open = { license_id: id, customer_id: license.customer_id, month, revision: 1, previous: null };
    return shown({ ...open, ...figures }, null);
  }
  return close(context, now, {
    license_id: id,
    customer_id: license.customer_id,
    month,
    revision: (last?.revision ?? 0) + 1,
    previous: last?.hash ?? null,
    ...figures,
  });
}

/** Signs a statement and keeps it. Of two at the same time, the first counts for both. */
async function close(context: Context, now: number, stated: Stated): Promise<Statement> {
  const { license_id: license, month } = stated;
  const signed = await signStatement(context, now, stated);
  const results = await context.db.batch([
    ...keepStatements(context, now, [signed]),
    context.db.run(LAST, { license, month }),
  ]);
  const kept = results.at(-1)?.results[0] as unknown as Kept | undefined;
  if (!kept) throw overtaken(undefined);
  return shown(statedIn(kept), kept);
}

/** A row of the table of statements. */
interface Signed extends Omit<Kept, "figures"> {
  license_id: string;
  month: string;
  figures: Stated;
}

export async function signStatement(
  { keyring, config }: Context,
  now: number,
  stated: Stated,
): Promise<Signed> {
  const token = await keyring.sign(TYPE, {
    iss: config.issuer,
    sub: stated.license_id,
    iat: numericDate(now),
    ...stated,
  });
  const { license_id, month, revision } = stated;
  return { license_id, month, revision, closed_at: now, token, hash: await sha256(token), figures: stated };
}

/** The statements that keep signed ones, each with its event, where there is none of that revision yet. */
export function keepStatements(context: Context, now: number, signed: Signed[]): D1PreparedStatement[] {
  const { db } = context;
  const acting: Context = { ...context, actor: { type: "system", id: "statements" }, ip: null };
  return chunksOf(signed).flatMap((chunk) => [
    // First, while those that are new are not there.
    recordChange(
      acting,
      now,
      "statement.closed",
      ["license", { sql: "one.value ->> 'license_id'", values: [] }],
      {
        sql: "json_object('month', one.value ->> 'month', 'revision', one.value ->> 'revision', 'hash', one.value ->> 'hash')",
        values: [],
      },
      {
        sql: `FROM json_each(?) one WHERE NOT EXISTS (SELECT 1 FROM statements kept
          WHERE kept.license_id = one.value ->> 'license_id' AND kept.month = one.value ->> 'month'
            AND kept.revision = one.value ->> 'revision')`,
        values: [chunk],
      },
    ),
    db.sql(
      `INSERT INTO statements (license_id, month, revision, closed_at, token, hash, figures)
       SELECT value ->> 'license_id', value ->> 'month', value ->> 'revision', value ->> 'closed_at', value ->> 'token',
         value ->> 'hash', value -> 'figures'
       FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
      chunk,
    ),
  ]);
}

const COLUMNS = ["meter", "total", "peak", "value", "days_over"];

/** A statement as the rows of a sheet: a head, its figures, and its days without a report. */
export function statementRows(statement: Statement): (string | number | null)[][] {
  const figures = [
    ...Object.entries(statement.meters),
    ["requests", statement.requests] as const,
    ["services", statement.services] as const,
  ];
  return [
    ["license_id", "month", "revision", ...COLUMNS, "days_without_report"],
    ...figures.map(([code, { total, peak, value, days_over }]) => [
      statement.license_id,
      statement.month,
      statement.revision,
      code,
      total,
      peak,
      value === null ? "unlimited" : (value ?? ""),
      days_over,
      statement.days_without_report.join(";"),
    ]),
  ];
}
