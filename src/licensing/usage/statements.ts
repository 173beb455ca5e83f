// Usage statements: what a license used in a month. Once the month is closed its statement is signed and kept; figures
// that come later make the next revision, which names the hash of the one before.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { sha256 } from "../../crypto/digests.ts";
import { DAY, dayOf, formatInstantOrNull, numericDate } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { overtaken } from "../../kernel/resources.ts";
import { invalid } from "../../problems.ts";
import { named } from "../../storage/database.ts";
import { recordChange } from "../../record/events.ts";
import type { License, Meters } from "../../storage/schema.ts";
import { getLicense } from "../licenses/licenses.ts";
import { type Figures, figuresOf, type MonthDay, type StatedLicense } from "./figures.ts";
import { firstMonth } from "./months.ts";

export const Month = z
  .string()
  .check(z.regex(/^(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])$/, "Must be a month, such as 2026-11"));

/** So long after its end, a month is closed: by then, couriers have brought what they had. */
const CLOSED_AFTER = 40 * DAY;

const TYPE = "usage-statement+jwt";

/** The instant from which a month is closed. */
export function closesAt(month: string): number {
  const [year, index] = month.split("-").map(Number) as [number, number];
  return Date.UTC(year, index) + CLOSED_AFTER;
}

/** The days of a month, wherever they lie. */
const DAYS = named(`
  SELECT one.day, one.requests, one.services, one.meters
  FROM dates CROSS JOIN license_usage one
    ON one.day = :month || '-' || dates.date AND one.license_id = :license
  UNION ALL
  SELECT folded.month || '-' || date.key, date.value ->> 0, date.value ->> 1, date.value -> 2
  FROM license_usage_months folded CROSS JOIN json_each(folded.days) date
  WHERE folded.month = :month AND folded.license_id = :license
  ORDER BY 1`);

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

type DayRow = Omit<MonthDay, "meters"> & { meters: string | null };

async function read({ db }: Context, license: Pick<License, "id">, month: string) {
  const values = { license: license.id, month };
  const [days, last] = await db.batch([db.run(DAYS, values), db.run(LAST, values)]);
  const told = (days!.results as unknown as DayRow[]).map(({ day, requests, services, meters }) => {
    const counted = meters === null ? undefined : (JSON.parse(meters) as Meters);
    return { day, requests, services, meters: counted };
  });
  return { told, last: (last!.results[0] as unknown as Kept | undefined) ?? null };
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
  license: StatedLicense,
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
  const { keyring, config, db } = context;
  const token = await keyring.sign(TYPE, {
    iss: config.issuer,
    sub: stated.license_id,
    iat: numericDate(now),
    ...stated,
  });
  const { license_id, month, revision } = stated;
  const hash = await sha256(token);
  const acting: Context = { ...context, actor: { type: "system", id: "statements" }, ip: null };
  const [, , found] = await db.batch([
    db.sql(
      `INSERT INTO statements (license_id, month, revision, closed_at, token, hash, figures)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      license_id,
      month,
      revision,
      now,
      token,
      hash,
      JSON.stringify(stated),
    ),
    recordChange(acting, now, "statement.closed", ["license", license_id], { month, revision, hash }),
    db.run(LAST, { license: license_id, month }),
  ]);
  const kept = found?.results[0] as unknown as Kept | undefined;
  if (!kept) throw overtaken(undefined);
  return shown(statedIn(kept), kept);
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
