// A few silent instances, for the overview. There is no index by the time last seen, because it would cost each
// check-in a write. So a walk goes through all activations, some thousands every ten minutes, and keeps the few that
// were silent longest. When they are shown, it is checked again whether they are still silent. The first round of a day
// also counts which versions run.
import type { Context } from "../../context.ts";
import { DAY, dayOf } from "../../kernel/dates.ts";
import { chunksOf } from "../../storage/bulk.ts";
import { NETWORKED, SILENT_DAYS } from "./census.ts";
import { countAt, dayOfCount, type PageVersion, versionsOf, withPage } from "./version-count.ts";

/** How many activations a step reads: 1.4 million a day, each read twice, and once more where versions are counted. */
const STEP = 10_000;

/** How many are kept: more than are shown, because some of them check in again before the walk comes back. */
const KEPT = 24;

/** The walk finds them a day before they are shown, so that a walk that takes a day misses none. */
const EARLY = DAY;

/** The instances of a list that hold a seat and were not seen since. */
const silentOf = (list: string, now: string, before: string): string => `
  json_each(${list}) one CROSS JOIN activations a
  WHERE a.license_id = one.value ->> 0 AND a.ended_at = 0 AND a.instance_id = one.value ->> 1
    AND a.lease_expires_at > ${now} AND a.last_seen_at <= ${before} AND a.${NETWORKED}`;

/** Those of the kept ones that are silent, the longest first. @param before SQL: when they were last seen, or earlier */
export const KNOWN_SILENT = (before: string, limit: number): string => `
  SELECT a.id, a.license_id, a.instance_id, a.hostname, a.last_seen_at
  FROM ${silentOf("(SELECT found FROM silence_walk WHERE only = 1)", "?1", before)}
  ORDER BY a.last_seen_at LIMIT ${limit}`;

const KNOWN = KNOWN_SILENT("?2", KEPT);

/** Columns of the next activations of the walk. */
const ahead = (columns: string): string => `
  SELECT ${columns} FROM activations
  WHERE (license_id, ended_at, instance_id) > (?1, ?2, ?3)
  ORDER BY license_id, ended_at, instance_id`;

const NEW = `
  SELECT license_id, instance_id, last_seen_at
  FROM (${ahead("license_id, ended_at, instance_id, lease_expires_at, last_seen_at, actor_type")} LIMIT ${STEP})
  WHERE ended_at = 0 AND lease_expires_at > ?4 AND last_seen_at <= ?5 AND ${NETWORKED}`;

const VERSIONS = versionsOf(
  `${ahead("license_id, ended_at, instance_id, lease_expires_at, app_version")} LIMIT ${STEP}`,
  "?4",
);

// A day is counted once, by the run that moves the walk on.
const KEEP_VERSIONS = `
  INSERT INTO version_days (day, versions, others)
  SELECT ?1, ?2, ?3 FROM silence_walk WHERE (license_id, ended_at, instance_id) = (?4, ?5, ?6)
  ON CONFLICT DO NOTHING`;

// What the replica found is looked at again. An instance that was seen again and then falls silent is told of again. The
// event is written by a trigger.
const TELL = `
  INSERT INTO silent_instances (license_id, instance_id, activation_id, seen_at, told_at, request_id)
  SELECT a.license_id, a.instance_id, a.id, a.last_seen_at, ?4, ?5 FROM ${silentOf("?1", "?2", "?3")}
  ON CONFLICT DO UPDATE SET activation_id = excluded.activation_id, seen_at = excluded.seen_at,
    told_at = excluded.told_at, request_id = excluded.request_id
  WHERE seen_at < excluded.seen_at`;

// Rows of instances that are gone, or were seen since, from the license of the step's start up to that of its end.
const FORGET = `
  DELETE FROM silent_instances WHERE license_id > ?1 AND license_id <= ?2 AND NOT EXISTS (
    SELECT 1 FROM activations a
    WHERE a.license_id = silent_instances.license_id AND a.ended_at = 0
      AND a.instance_id = silent_instances.instance_id AND a.last_seen_at <= silent_instances.seen_at)`;

/** Sorts after every id of a license. */
const LAST_LICENSE = "~";

/** The position where the step ends; no row if it reaches the end of the table. */
const END = `${ahead("license_id, ended_at, instance_id")} LIMIT 1 OFFSET ${STEP - 1}`;

interface Found {
  license_id: string;
  instance_id: string;
  last_seen_at: number;
}

interface Position {
  license_id: string;
  ended_at: number;
  instance_id: string;
}

interface Walk extends Position {
  /** What this round has counted of the versions. */
  counted: string;
  /** Whether the day's versions are kept. */
  is_counted: number;
}

const WALK = `
  SELECT license_id, ended_at, instance_id, counted, EXISTS (SELECT 1 FROM version_days WHERE day = ?1) AS is_counted
  FROM silence_walk WHERE only = 1`;

/**
 * Goes one step further, or starts again, and records which instances fell silent. Of two runs at the same time, one
 * moves the walk on; what fell silent is recorded once.
 * @param at the time for which the run was triggered; by hand, it can lie in the future
 */
export async function walkForSilent({ db, clock, requestId }: Context, at: number): Promise<void> {
  const now = clock.now();
  const due = Math.max(at, now);
  const silentSince = due - SILENT_DAYS * DAY;
  const before = silentSince + EARLY;
  const [walk, known] = await db.batch([db.sql(WALK, dayOf(due)), db.sql(KNOWN, now, before)]);
  const { counted, is_counted, ...begin } = walk!.results[0] as unknown as Walk;
  const position = keyOf(begin);
  const isBeginning = begin.license_id === "";
  const count = countAt(counted, position, isBeginning, is_counted === 1 ? null : dayOf(due));
  const replica = db.replica("lagging");
  const [end, found, versions] = await replica.batch([
    replica.sql(END, ...position),
    replica.sql(NEW, ...position, now, before),
    ...(count ? [replica.sql(VERSIONS, ...position, now)] : []),
  ]);
  const next = (end!.results[0] as unknown as Position | undefined) ?? BEGINNING;
  const passed = found!.results as unknown as Found[];
  const kept = [...(known!.results as unknown as Found[]), ...passed].toSorted(
    (one, other) => one.last_seen_at - other.last_seen_at,
  );
  const sum = count && withPage(count, versions!.results as unknown as PageVersion[], keyOf(next));
  const whole = sum && next === BEGINNING ? dayOfCount(sum) : null;
  await db.batch([
    ...(whole ? [db.sql(KEEP_VERSIONS, whole.day, whole.versions, whole.others, ...position)] : []),
    ...chunksOf(passed.filter((one) => one.last_seen_at <= silentSince).map(pairOf)).map((chunk) =>
      db.sql(TELL, chunk, due, silentSince, now, requestId),
    ),
    db.sql(FORGET, position[0], next === BEGINNING ? LAST_LICENSE : next.license_id),
    db.sql(
      `UPDATE silence_walk SET license_id = ?1, ended_at = ?2, instance_id = ?3, found = ?4, counted = ?5
       WHERE (license_id, ended_at, instance_id) = (?6, ?7, ?8)`,
      ...keyOf(next),
      listOf(kept),
      sum && !whole ? JSON.stringify(sum) : "{}",
      ...position,
    ),
  ]);
}

const BEGINNING: Position = { license_id: "", ended_at: -1, instance_id: "" };

const keyOf = ({ license_id, ended_at, instance_id }: Position): [string, number, string] => [
  license_id,
  ended_at,
  instance_id,
];

const pairOf = ({ license_id, instance_id }: Found): string[] => [license_id, instance_id];

/** The first ones, as the walk stores them. Each appears once, even if the walk passes a known one again. */
function listOf(sorted: Found[]): string {
  const pairs = new Set(sorted.map((one) => JSON.stringify(pairOf(one))));
  return `[${[...pairs].slice(0, KEPT).join()}]`;
}
