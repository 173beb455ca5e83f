// The weekly backup in the bucket BACKUPS: an object a page, carried on by the ten-minute trigger, kept for 35 days. The
// bucket alone says what is there, because it must be enough when the database is gone.
import { decodeTime } from "ulid";
import type { Context } from "../context.ts";
import { DAY, formatInstant } from "../kernel/dates.ts";
import { Problem } from "../problems.ts";
import { BACKUP_GIVEN_UP_AFTER } from "../licensing/usage/folding.ts";
import { named } from "../storage/database.ts";
import { endBackup, type Position, readPage, signManifest, startOf } from "./pages.ts";

const PREFIX = "backups/";

/** The next backup begins so long after the last one: six days and a half, so that the same night makes it each week. */
const WEEK = 6.5 * DAY;

const KEPT_FOR = 35 * DAY;

/** So many pages in a run, so that other work goes on. */
const MAX_PAGES = 60;

const pageKey = (id: string, page: number): string => `${PREFIX}${id}/${String(page).padStart(7, "0")}`;
const manifestKey = (id: string): string => `${PREFIX}${id}/manifest`;

/** Written last, so that a backup with it is whole. */
interface Stored {
  id: string;
  at: string;
  event: number;
  pages: number;
  rows: number;
  manifest: string;
}

const asked = async <T>(work: Promise<T>): Promise<T> =>
  work.catch(() => {
    throw new Problem("SERVICE_UNAVAILABLE", "The bucket BACKUPS does not answer.");
  });

/** The id and the time of each backup that has objects, also of those that were not finished; the newest first. */
async function idsIn(bucket: R2Bucket): Promise<{ id: string; at: number }[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await asked(
      bucket.list({ prefix: PREFIX, delimiter: "/", ...(cursor === undefined ? {} : { cursor }) }),
    );
    ids.push(...page.delimitedPrefixes.map((prefix) => prefix.slice(PREFIX.length, -1)));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return ids
    .filter((id) => /^bck_[0-9A-HJKMNP-TV-Z]{26}$/.test(id))
    .map((id) => ({ id, at: decodeTime(id.slice(4)) }))
    .toSorted((a, b) => b.at - a.at);
}

const readJson = async (bucket: R2Bucket, id: string): Promise<Stored | null> =>
  asked(bucket.get(manifestKey(id)).then(async (found) => (found ? await found.json<Stored>() : null)));

/** The whole backups in the bucket, the newest first. */
export async function listStored({ backups }: Context) {
  const found = await Promise.all((await idsIn(backups!)).map(({ id }) => readJson(backups!, id)));
  return found.filter((stored) => stored !== null).map(({ manifest: _signed, ...stored }) => stored);
}

/** @throws Problem NOT_FOUND if the bucket has no whole backup with this id */
export async function storedBackup({ backups }: Context, id: string): Promise<Stored> {
  const stored = backups && (await readJson(backups, id));
  if (!stored) throw new Problem("NOT_FOUND", `BACKUPS has no whole backup ${id}.`);
  return stored;
}

/** A page, and the manifest if it is the last one. @throws Problem NOT_FOUND */
export async function readStored(
  context: Context,
  id: string,
  page: number,
): Promise<{ text: string; manifest: string | null }> {
  const { pages, manifest } = await storedBackup(context, id);
  const text = await asked(
    context.backups!.get(pageKey(id, page)).then(async (found) => (found ? await found.text() : null)),
  );
  if (text === null) throw new Problem("NOT_FOUND", `BACKUPS has lost page ${page} of ${id}.`);
  return { text, manifest: page < pages ? null : manifest };
}

interface Running {
  id: string;
  pages: number;
  position: string;
}

/** The backup of the bucket that goes on; null if none does. */
async function running({ db }: Context, now: number): Promise<Running | null> {
  const [found] = await db.batch([
    db.sql(
      `SELECT id, pages, position FROM backups WHERE stored = 1 AND ended_at IS NULL AND seen_at > ?
       ORDER BY seen_at DESC LIMIT 1`,
      now - BACKUP_GIVEN_UP_AFTER,
    ),
  ]);
  return (found!.results[0] as unknown as Running | undefined) ?? null;
}

/**
 * Carries the backup of the bucket on. A run that is killed after it wrote a page writes that page again.
 * @returns how many pages it wrote
 */
export async function carryOnBackup(context: Context, mayGoOn: () => boolean): Promise<number> {
  const { db, backups, clock } = context;
  if (!backups) return 0;
  const found = await running(context, clock.now());
  if (!found) return 0;
  const { id } = found;
  let position = JSON.parse(found.position) as Position;
  let { pages } = found;
  for (let written = 0; ; written++) {
    if (written >= MAX_PAGES || !mayGoOn()) return written;
    const { text, next } = await readPage(context, position);
    if (next === null) {
      const rows = Object.values(position.told).reduce((sum, told) => sum + told.rows, 0);
      const stored: Stored = {
        id,
        at: formatInstant(position.begun_at),
        event: position.event,
        pages,
        rows,
        manifest: await signManifest(context, clock.now(), position),
      };
      await asked(backups.put(manifestKey(id), JSON.stringify(stored)));
      await endBackup(context, id);
      return written;
    }
    pages += 1;
    await asked(backups.put(pageKey(id, pages), text));
    position = next;
    await db.batch(
      [
        db.sql(
          "UPDATE backups SET pages = ?, position = ? WHERE id = ?",
          pages,
          JSON.stringify(position),
          id,
        ),
      ],
      "repeatable",
    );
  }
}

// One statement, so that two nights at once begin one backup. Where nothing ever happened, there is no event, and none.
// The last event is found first: with the condition beside it, SQLite reads the whole record where there is a backup.
const BEGIN = named(`
  INSERT INTO backups (id, stored, event_id, begun_at, seen_at, position)
  SELECT :id, 1, id, :now, :now, json_set(:start, '$.event', id) FROM (SELECT id FROM events ORDER BY id DESC LIMIT 1)
  WHERE NOT EXISTS (
    SELECT 1 FROM backups
    WHERE begun_at > :week_ago AND stored = 1 AND (ended_at IS NOT NULL OR seen_at > :given_up))`);

/**
 * Begins the week's backup, if it is due in this night, and drops backups that are older than 35 days, and what is known
 * of others as old. What begins here is no export: it does not leave the account.
 * @param due the time for which the trigger was scheduled
 */
export async function renewBackups({ db, backups, ids, clock }: Context, due: number): Promise<void> {
  const now = clock.now();
  const before = now - KEPT_FOR;
  const id = `bck_${ids.ulid(now)}`;
  await db.batch(
    [
      ...(backups
        ? [
            db.run(BEGIN, {
              id,
              now,
              start: JSON.stringify(startOf(id, 0, now, false)),
              week_ago: due - WEEK,
              given_up: due - BACKUP_GIVEN_UP_AFTER,
            }),
          ]
        : []),
      db.sql("DELETE FROM backups WHERE begun_at < ?", before),
    ],
    "repeatable",
  );
  if (!backups) return;
  for (const { id: old } of (await idsIn(backups)).filter(({ at }) => at < before)) {
    // The manifest goes first: what is left without it is not shown as a backup.
    await asked(backups.delete(manifestKey(old)));
    for (;;) {
      const { objects } = await asked(backups.list({ prefix: `${PREFIX}${old}/`, limit: 1_000 }));
      if (objects.length === 0) break;
      await asked(backups.delete(objects.map(({ key }) => key)));
    }
  }
}
