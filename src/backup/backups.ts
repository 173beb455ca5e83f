// Backups: beginning one, carrying it on, and the copies in the bucket. docs/operations/restore.md says how they are used.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { isBase64url } from "../crypto/compact.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { formatInstant } from "../kernel/dates.ts";
import { openList, type PageRequest } from "../kernel/pages.ts";
import { allow } from "../kernel/permissions.ts";
import { invalid, Problem } from "../problems.ts";
import { recordChange } from "../record/events.ts";
import { listStored, readStored, storedBackup } from "./bucket.ts";
import { endBackup, type Position, readPage, signManifest, startOf } from "./pages.ts";

const PURPOSE = "caio-licensing backup cursor";

const ALWAYS = { sql: "", values: [] };

/** Begins a backup that leaves the service, and records it. @returns its position, which is before the first page */
async function startBackup(context: Context, withAccess: boolean): Promise<Position> {
  const { db, ids, clock } = context;
  const now = clock.now();
  const id = `bck_${ids.ulid(now)}`;
  const [, , found] = await db.batch([
    db.sql(
      "INSERT INTO backups (id, stored, event_id, begun_at, seen_at) VALUES (?1, 0, 0, ?2, ?2)",
      id,
      now,
    ),
    recordChange(context, now, "database.exported", ["export", id], { with_access: withAccess }, ALWAYS),
    db.sql("UPDATE backups SET event_id = last_insert_rowid() WHERE id = ? RETURNING event_id", id),
  ]);
  return startOf(id, Number(found!.results[0]!["event_id"]), now, withAccess);
}

/** What a caller reads next. `cursor` is opaque. */
export interface Opened {
  id: string;
  event: number;
  at: string;
  with_access: boolean;
  issuer: string;
  cursor: string;
}

/**
 * Begins a backup, or opens one that is in the bucket. Recorded as an export.
 * @param asked with the id of one in the bucket, if it is not a new one
 * @throws Problem NOT_FOUND if the bucket has no such backup; REQUEST_INVALID for access to one that is stored
 */
export async function openBackup(
  context: Context,
  { id, with_access = false }: { id?: string | undefined; with_access?: boolean | undefined },
): Promise<Opened> {
  allow(context, "backups");
  const { config } = context;
  if (id === undefined) {
    const position = await startBackup(context, with_access);
    const { begun_at, event } = position;
    return {
      id: position.id,
      event,
      at: formatInstant(begun_at),
      with_access,
      issuer: config.issuer,
      cursor: await cursorOf(context, position.id, { live: position }),
    };
  }
  if (with_access) throw invalid("with_access", "A backup in the bucket never has the tokens and people");
  const stored = await storedBackup(context, id);
  await context.db.batch([
    recordChange(context, context.clock.now(), "database.exported", ["export", id], { stored: true }, ALWAYS),
  ]);
  return {
    id,
    event: stored.event,
    at: stored.at,
    with_access: false,
    issuer: config.issuer,
    cursor: await cursorOf(context, id, { page: 1 }),
  };
}

/** Where a caller is: in the tables, or in the pages of the bucket. */
type Place = { live: Position } | { page: number };

/**
 * The page at the cursor, with a last line that says what comes next: {"next": cursor} or {"manifest": token}.
 * @throws Problem REQUEST_INVALID for a cursor of another backup; as `readPage`
 */
export async function pageAt(context: Context, id: string, cursor: string): Promise<string> {
  allow(context, "backups");
  const place = await placeIn(context, id, cursor);
  if (place === null) throw invalid("cursor", "Not a cursor of this backup");
  if ("page" in place) {
    const { text, manifest } = await readStored(context, id, place.page);
    return `${text}${JSON.stringify(manifest === null ? { next: await cursorOf(context, id, { page: place.page + 1 }) } : { manifest })}\n`;
  }
  const { text, next } = await readPage(context, place.live);
  if (next === null) {
    await endBackup(context, id);
    return `${JSON.stringify({ manifest: await signManifest(context, context.clock.now(), place.live) })}\n`;
  }
  const tail = { next: await cursorOf(context, id, { live: next }) };
  return `${text}${JSON.stringify(tail)}\n`;
}

async function cursorOf({ config }: Context, id: string, place: Place): Promise<string> {
  const sealed = await seal(config.sessionSecret, PURPOSE, id, JSON.stringify(place));
  return base64url.encode(new Uint8Array(sealed));
}

async function placeIn({ config }: Context, id: string, cursor: string): Promise<Place | null> {
  if (!isBase64url(cursor)) return null;
  const opened = await unseal(config.sessionSecret, PURPOSE, id, Uint8Array.from(base64url.decode(cursor)));
  return opened === null ? null : (JSON.parse(opened) as Place);
}

/** A page of the backups in the bucket, the newest first. @throws Problem NOT_FOUND if there is no bucket */
export async function listBackups(context: Context, request: PageRequest) {
  allow(context, "backups");
  if (!context.backups) throw new Problem("NOT_FOUND", "No bucket BACKUPS is bound to this service.");
  const list = await openList(context, "backups", request);
  const before = list.after?.[0];
  const stored = (await listStored(context)).filter(({ id }) => before === undefined || id < String(before));
  return list.page(stored, stored.length + 1, ({ id }) => [id]);
}
