// The turns of licenses that only time makes: days before the end, the start of grace, the end, and the end of an
// entitlement. Each is an event, once for each end, however often and in whatever order the triggers come: what was told
// has a row, and its event comes from the row.
//
// A change that makes a turn at once, such as a reinstatement after the end, is told by its own event.
import type { Context } from "../../../context.ts";
import { DAY, HOUR } from "../../../kernel/dates.ts";
import { named } from "../../../storage/database.ts";
import { selectThresholds, thresholdsIn } from "./thresholds.ts";

/** How many turns of a kind a round writes. */
const PAGE = 500;

/** Licenses that were written while a run looked are found by the next one. */
const OVERLAP = HOUR;

/** How far back it is looked if the clock went back since the last run. */
const LOOKED_BACK = 8 * DAY;

/** Longer than any run looks back, triggers that were missed for weeks aside: those find where the last one ended. */
const KEPT = 60 * DAY;

const instant = (at: string): string => `strftime('%Y-%m-%dT%H:%M:%fZ', ${at} / 1000.0, 'unixepoch')`;

const OF_LICENSE = {
  from: "licenses l",
  ends: "l.expires_at",
  member: "expires_at",
  code: "''",
};

const OF_ENTITLEMENT = {
  // A join in this order, along the index: otherwise SQLite may read every license.
  from: "entitlement_uses u INDEXED BY entitlement_uses_by_end CROSS JOIN licenses l ON l.id = u.id",
  ends: "u.until",
  member: "until",
  code: "u.code",
};

/** The statement that tells one kind of turn of what came to it after :after, up to :at. */
const telling = (
  stage: string,
  due: string,
  detail: string,
  condition: string,
  { from, ends, member, code } = OF_LICENSE,
) =>
  named(`
  INSERT INTO license_told (license_id, ends_at, stage, days, code, due_at, told_at, request_id, detail)
  SELECT l.id, ${ends}, '${stage}', :days, ${code}, ${due}, :now, :request,
    json_object('${member}', ${instant(ends)}, ${detail})
  FROM ${from} WHERE ${condition} AND NOT EXISTS (
    SELECT 1 FROM license_told told
    WHERE told.license_id = l.id AND told.ends_at = ${ends} AND told.stage = '${stage}' AND told.days = :days
      AND told.code = ${code})
  ORDER BY ${due}, l.id, ${code} LIMIT ${PAGE}
  ON CONFLICT DO NOTHING RETURNING license_id`);

const BEFORE_END = `:days * ${DAY}`;

// The plus keeps SQLite from using the index by status. A threshold that had passed when the term began was never to come.
const EXPIRING = telling(
  "expiring",
  `l.expires_at - ${BEFORE_END}`,
  "'days', :days",
  `l.expires_at > :after + ${BEFORE_END} AND l.expires_at <= :at + ${BEFORE_END} AND +l.status = 'active'
    AND l.expires_at - ${BEFORE_END} > coalesce(l.term_began_at, max(l.issued_at, coalesce(l.starts_at, 0)))
    AND EXISTS (
      SELECT 1 FROM json_each(coalesce(l.notice_days, (SELECT t.notice_days FROM license_types t WHERE t.id = l.license_type)))
      WHERE value = :days)`,
);

const GRACE_STARTED = telling(
  "grace_started",
  "l.expires_at",
  "'grace_days', l.grace_days",
  "l.expires_at > :after AND l.expires_at <= :at AND +l.status = 'active' AND l.grace_days > 0",
);

const GRACE_END = `l.expires_at + l.grace_days * ${DAY}`;

const EXPIRED = telling(
  "expired",
  GRACE_END,
  "'grace_days', l.grace_days",
  `${GRACE_END} > :after AND ${GRACE_END} <= :at AND l.status = 'active' AND l.expires_at IS NOT NULL`,
  // Otherwise SQLite may take the index by status, along which it reads every active license.
  { ...OF_LICENSE, from: "licenses l INDEXED BY licenses_by_grace_end" },
);

// Of a suspended license, too: when it is reinstated, the entitlement does not come back.
const ENTITLEMENT_ENDED = telling(
  "entitlement_ended",
  "u.until",
  "'code', u.code",
  "u.holder = 'license' AND u.until > :after AND u.until <= :at AND l.status <> 'revoked'",
  OF_ENTITLEMENT,
);

/**
 * Tells the turns that came since the last run.
 * @param at the time for which the run was triggered; by hand, it can lie in the future
 * @param mayGoOn asked before each round; the next run tells what is left
 */
export async function tellTurns(context: Context, at: number, mayGoOn: () => boolean): Promise<void> {
  const { db, clock, requestId } = context;
  const now = clock.now();
  const until = Math.max(at, now);
  const [walk, thresholds] = await db.batch([
    db.sql("SELECT up_to FROM time_walk WHERE only = 1"),
    selectThresholds(context),
  ]);
  const upTo = (walk!.results[0]?.["up_to"] as number | null | undefined) ?? null;
  if (upTo !== null) {
    const after = upTo > until ? until - LOOKED_BACK : upTo - OVERLAP;
    const days = thresholdsIn(thresholds!).filter((threshold) => threshold > 0);
    const own = { after, at: until, now, request: requestId };
    // The longest before the end first: where triggers were missed, the turns of a license are told in their order.
    const statements = [
      ...days
        .toSorted((one, other) => other - one)
        .map((threshold) => db.run(EXPIRING, { ...own, days: threshold })),
      db.run(GRACE_STARTED, { ...own, days: 0 }),
      db.run(EXPIRED, { ...own, days: 0 }),
      db.run(ENTITLEMENT_ENDED, { ...own, days: 0 }),
    ];
    let isMore = true;
    while (isMore) {
      if (!mayGoOn()) return;
      const told = await db.batch(statements, "repeatable");
      isMore = told.some(({ results }) => results.length === PAGE);
    }
  }
  await db.batch(
    [
      db.sql("UPDATE time_walk SET up_to = ? WHERE only = 1 AND up_to IS NOT ?", until, until),
      db.sql(
        `DELETE FROM license_told WHERE (license_id, ends_at, stage, days, code) IN (
           SELECT license_id, ends_at, stage, days, code FROM license_told WHERE due_at < ? ORDER BY due_at LIMIT ${2 * PAGE})`,
        Math.min(now, until) - KEPT,
      ),
    ],
    "repeatable",
  );
}
