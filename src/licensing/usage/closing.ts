// Closing months. A statement says what was allowed as it is closed, and what comes later is a revision: so that it does
// not matter when somebody first looks, a night closes the months of all licenses that have meters, or counted some.
import type { Context } from "../../context.ts";
import { dayOf } from "../../kernel/dates.ts";
import { named } from "../../storage/database.ts";
import type { Entitlements } from "../../storage/schema.ts";
import { figuresOf, type Sold } from "./figures.ts";
import { firstMonth, lastClosed, nextMonth } from "./months.ts";
import { dayIn, type DayRow, DAYS, keepStatements, signStatement } from "./statements.ts";

/** How many licenses a page looks at, and how many it closes: about a megabyte of statements. */
const LOOKED_AT = 2_000;
const CLOSED_AT_ONCE = 250;

const WALK = named("SELECT month, license_id FROM statement_walk WHERE only = 1");

/** The next licenses, each with whether its month is to be closed. */
const NEXT = named(`
  SELECT id, (
      instr(entitlements, '"meter":[') > 0 AND issued_at < :end
      OR EXISTS (SELECT 1 FROM dates CROSS JOIN license_usage one
        ON one.day = :month || '-' || dates.date AND one.license_id = licenses.id WHERE one.meters IS NOT NULL)
      OR EXISTS (SELECT 1 FROM license_usage_months folded CROSS JOIN json_each(folded.days) date
        WHERE folded.month = :month AND folded.license_id = licenses.id AND date.value -> 2 IS NOT NULL)
    ) AND NOT EXISTS (
      SELECT 1 FROM statements WHERE statements.license_id = licenses.id AND statements.month = :month) AS due
  FROM licenses WHERE id > :after ORDER BY id LIMIT ${LOOKED_AT}`);

const SOLD = named(`
  SELECT id, customer_id, issued_at, expires_at, grace_days, entitlements, max_requests_per_day, max_services
  FROM licenses WHERE id IN (SELECT value FROM json_each(:licenses))`);

const GO_ON = named(`
  UPDATE statement_walk SET month = :month, license_id = :after
  WHERE only = 1 AND month = :was_month AND license_id = :was_after`);

type SoldRow = Omit<Sold, "entitlements"> & { id: string; customer_id: string; entitlements: string };

/** The statements of these licenses, signed. */
async function statementsOf(context: Context, now: number, month: string, ids: string[]) {
  const { db } = context;
  const licenses = JSON.stringify(ids);
  const [sold, days] = await db.batch([db.run(SOLD, { licenses }), db.run(DAYS, { licenses, month })]);
  const told = Map.groupBy(days!.results as unknown as DayRow[], (row) => row.license_id);
  return Promise.all(
    (sold!.results as unknown as SoldRow[]).map(({ id, customer_id, entitlements, ...terms }) => {
      const license = { ...terms, entitlements: JSON.parse(entitlements) as Entitlements };
      const figures = figuresOf(license, month, (told.get(id) ?? []).map(dayIn), dayOf(now));
      const stated = { license_id: id, customer_id, month, revision: 1, previous: null, ...figures };
      return signStatement(context, now, stated);
    }),
  );
}

/**
 * Closes a month of the next licenses. Each page is one batch that also says how far it came: a run that is killed, or
 * two at the same time, close nothing twice.
 * @returns whether there may be more
 */
export async function closeStatements(context: Context): Promise<boolean> {
  const { db, clock } = context;
  const now = clock.now();
  const last = lastClosed(now);
  const [walk] = await db.batch([db.run(WALK, {})]);
  const was = walk!.results[0] as { month: string; license_id: string };
  // A service that stood still for years: the days of older months are not kept.
  const first = firstMonth(now);
  const month = was.month === "" ? last : was.month < first ? first : was.month;
  if (month > last) return false;
  const after = month === was.month ? was.license_id : "";
  const values = { month, end: Date.parse(`${nextMonth(month)}-01`), after };
  const [next] = await db.batch([db.run(NEXT, values)]);
  const looked = next!.results as { id: string; due: number }[];
  const due = looked.filter((one) => one.due).map(({ id }) => id);
  const closing = due.slice(0, CLOSED_AT_ONCE);
  const isCut = due.length > closing.length;
  const isOver = !isCut && looked.length < LOOKED_AT;
  const signed = closing.length === 0 ? [] : await statementsOf(context, now, month, closing);
  const goOn = {
    month: isOver ? nextMonth(month) : month,
    after: isOver ? "" : isCut ? closing.at(-1)! : looked.at(-1)!.id,
    was_month: was.month,
    was_after: was.license_id,
  };
  await db.batch([...keepStatements(context, now, signed), db.run(GO_ON, goOn)], "repeatable");
  return !isOver || nextMonth(month) <= last;
}
