// The business in figures, at the same cost for any number of licenses: from the counters of
// migrations/0002_statistics.sql and the few events that are not added to them yet.
import { allow } from "../../kernel/permissions.ts";
import type { Context, Services } from "../../context.ts";
import type { Row } from "../../storage/database.ts";
import { DAY, dayOf, formatInstant } from "../../kernel/dates.ts";
import { SHOWN_DAYS } from "./usage-days.ts";
import type { Standing } from "../licenses/standing.ts";

const MONTHS = 12;

/** How many new events are worth folding, and how many are folded at once. */
const FOLD_FROM = 200;
const FOLD_AT_ONCE = 10_000;

type Turn = "starts" | "expiring" | "expires" | "ends";

const TURNS: Turn[] = ["starts", "expiring", "expires", "ends"];

/** The prefixes of an instant by which turns are counted: month, day, hour, minute, second. */
const SIZES = [7, 10, 13, 16, 19];

/**
 * The ranges of prefixes that together cover every instant up to and including `now`: the months before this one, the
 * days of this month before today, …, the seconds of this minute up to this one.
 */
function rangesUpTo(now: number): { size: number; from: string; to: string }[] {
  const at = formatInstant(now);
  return SIZES.map((size, index) => ({
    size,
    from: index === 0 ? "" : at.slice(0, SIZES[index - 1]),
    // "~" sorts after every digit, so the last range includes this second.
    to: at.slice(0, size) + (size === 19 ? "~" : ""),
  }));
}

const PASSED = `
  SELECT t.turn, sum(t.n) AS n
  FROM json_each(?1) turn CROSS JOIN json_each(?2) range CROSS JOIN license_turns t
  WHERE t.turn = turn.value AND t.size = range.value ->> 'size'
    AND t.prefix >= range.value ->> 'from' AND t.prefix < range.value ->> 'to'
  GROUP BY t.turn`;

const STARTING = "SELECT coalesce(sum(n), 0) AS n FROM license_turns WHERE turn = 'starts' AND size = 7";

const EXPIRATIONS = `
  SELECT prefix AS month, n FROM license_turns
  WHERE turn = 'expires' AND size = 7 AND prefix >= ?1 AND prefix <= ?2`;

const ACTIVATION_DAYS = "SELECT day, n FROM activation_days WHERE day >= ?1 AND day <= ?2";

const USAGE_DAYS = "SELECT day, requests, services FROM usage_days WHERE day >= ?1 AND day <= ?2";

// What the events after the last folded one add to the counters.
const UNFOLDED = `
  SELECT strftime('%Y-%m-%d', at / 1000, 'unixepoch') AS day,
    count(*) AS events,
    count(*) FILTER (WHERE action = 'activation.created') AS made,
    count(*) FILTER (WHERE action = 'activation.created' AND detail ->> 'replaces' IS NULL)
      - count(*) FILTER (WHERE action IN ('activation.ended', 'activation.lapsed')) AS seated
  FROM events WHERE id > (SELECT up_to FROM activation_totals WHERE only = 1)
  GROUP BY day`;

const monthsFrom = (now: number, count: number): string[] => {
  const date = new Date(now);
  return Array.from({ length: count }, (_, index) =>
    formatInstant(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + index)).slice(0, 7),
  );
};

const daysUpTo = (now: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => dayOf(now - (count - 1 - index) * DAY));

const number = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);

const sum = (rows: Row[], column: string): number =>
  rows.reduce((total, row) => total + number(row, column), 0);

const by = (rows: Row[], column: string): Map<string, Row> =>
  new Map(rows.map((row) => [String(row[column]), row]));

/**
 * The current figures. One round trip.
 * @param shown of how many days up to today it has the activations, and of how many months from this one on the ends:
 *   a row each
 */
export async function readStatistics(
  context: Context,
  shown: { days: number; months: number } = { days: SHOWN_DAYS, months: MONTHS },
) {
  allow(context, "read");
  const db = context.db.replica("lagging");
  const now = context.clock.now();
  const months = monthsFrom(now, shown.months);
  const activated = daysUpTo(now, shown.days);
  const days = daysUpTo(now, SHOWN_DAYS);
  const results = await db.batch([
    db.sql("SELECT license_type, status, n FROM license_counts"),
    db.sql(PASSED, JSON.stringify(TURNS), JSON.stringify(rangesUpTo(now))),
    db.sql(STARTING),
    db.sql(EXPIRATIONS, months[0]!, months.at(-1)!),
    db.sql(ACTIVATION_DAYS, activated[0]!, activated.at(-1)!),
    db.sql("SELECT activations, seated FROM activation_totals WHERE only = 1"),
    db.sql(UNFOLDED),
    db.sql(USAGE_DAYS, days[0]!, days.at(-1)!),
  ]);
  const [counts, passed, starting, expirations, made, [totals], unfolded, used] = results.map(
    (result) => result.results,
  ) as [Row[], Row[], Row[], Row[], Row[], Row[], Row[], Row[]];

  const withStatus = (status: string): number =>
    sum(
      counts.filter((row) => row["status"] === status),
      "n",
    );
  const past = (turn: Turn): number =>
    number(
      passed.find((row) => row["turn"] === turn),
      "n",
    );

  const scheduled = number(starting[0], "n") - past("starts");
  const by_standing: Record<Standing, number> = {
    active: withStatus("active") - scheduled - past("expiring"),
    expiring: past("expiring") - past("expires"),
    grace: past("expires") - past("ends"),
    expired: past("ends"),
    scheduled,
    suspended: withStatus("suspended"),
    revoked: withStatus("revoked"),
  };
  const byType = new Map<string, number>();
  for (const row of counts) {
    const type = String(row["license_type"]);
    byType.set(type, (byType.get(type) ?? 0) + number(row, "n"));
  }
  const [endingIn, madeOn] = [by(expirations, "month"), by(made, "day")];
  const [madeSince, usedOn] = [by(unfolded, "day"), by(used, "day")];
  if (sum(unfolded, "events") >= FOLD_FROM) context.defer(foldEvents(context));

  return {
    total: sum(counts, "n"),
    active: by_standing.active + by_standing.expiring + by_standing.grace,
    expired: by_standing.expired,
    expiring_soon: by_standing.expiring,
    suspended: by_standing.suspended,
    revoked: by_standing.revoked,
    // From entries, because a type may have the name of a built-in member, such as "constructor".
    by_type: Object.fromEntries(byType),
    by_standing,
    instances: {
      active: number(totals, "seated") + sum(unfolded, "seated"),
      total: number(totals, "activations") + sum(unfolded, "made"),
    },
    activations_by_day: activated.map((date) => ({
      date,
      count: number(madeOn.get(date), "n") + number(madeSince.get(date), "made"),
    })),
    expirations_by_month: months.map((month) => ({ month, count: number(endingIn.get(month), "n") })),
    usage_by_day: days.map((date) => ({
      date,
      requests: number(usedOn.get(date), "requests"),
      services: number(usedOn.get(date), "services"),
    })),
  };
}

/**
 * Adds the events after the last folded one to the counters, some thousands at once. Two runs at the same time fold
 * each event only once: a batch is a transaction, and the second begins where the first ended.
 */
export async function foldEvents({ db }: Pick<Services, "db">): Promise<void> {
  const next = `
    FROM events
    WHERE id > (SELECT up_to FROM activation_totals WHERE only = 1)
      AND id <= (SELECT up_to FROM activation_totals WHERE only = 1) + ${FOLD_AT_ONCE}`;
  await db.batch([
    db.sql(`
      INSERT INTO activation_days (day, n)
      SELECT strftime('%Y-%m-%d', at / 1000, 'unixepoch') AS day, count(*)
      ${next} AND action = 'activation.created' GROUP BY day
      ON CONFLICT DO UPDATE SET n = n + excluded.n`),
    db.sql(`
      UPDATE activation_totals SET (up_to, activations, seated) = (
        SELECT max(activation_totals.up_to, coalesce(max(id), 0)),
          activation_totals.activations + count(*) FILTER (WHERE action = 'activation.created'),
          activation_totals.seated
            + count(*) FILTER (WHERE action = 'activation.created' AND detail ->> 'replaces' IS NULL)
            - count(*) FILTER (WHERE action IN ('activation.ended', 'activation.lapsed'))
        ${next}) WHERE only = 1`),
  ]);
}
