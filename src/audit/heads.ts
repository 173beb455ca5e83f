// The heads of the seals outside the database: in the bucket BACKUPS, and in what leaves the service.
import { Problem } from "../problems.ts";
import type { Database, Row } from "../storage/database.ts";

/** An object a seal: its token. */
const keyOf = (seal: number): string => `seals/${seal}`;

/** @throws Problem SERVICE_UNAVAILABLE if R2 fails */
async function asking<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch {
    throw new Problem("SERVICE_UNAVAILABLE", "The bucket BACKUPS does not answer.");
  }
}

/** The token kept under this number, or null. */
export async function keptToken(bucket: R2Bucket, seal: number): Promise<string | null> {
  return asking(bucket.get(keyOf(seal)).then((kept) => (kept === null ? null : kept.text())));
}

export const isKept = async (bucket: R2Bucket, seal: number): Promise<boolean> =>
  (await asking(bucket.head(keyOf(seal)))) !== null;

/** Keeps a token unless one is kept under its number already, and returns the one that is kept. */
export async function keepToken(bucket: R2Bucket, seal: number, token: string): Promise<string> {
  const put = await asking(
    bucket.put(keyOf(seal), token, {
      onlyIf: { etagDoesNotMatch: "*" },
      httpMetadata: { contentType: "application/jose" },
    }),
  );
  // R2 returns null where there is an object already.
  return put === null ? ((await keptToken(bucket, seal)) ?? "") : token;
}

/** The highest number that is kept; 0 if none is. Asks for all of them, since numbers do not sort as names. */
export async function highestKept(bucket: R2Bucket): Promise<number> {
  let highest = 0;
  let cursor: string | undefined;
  do {
    const page = await asking(bucket.list({ prefix: "seals/", ...(cursor === undefined ? {} : { cursor }) }));
    for (const { key } of page.objects) {
      const seal = Number(key.slice("seals/".length));
      if (Number.isSafeInteger(seal)) highest = Math.max(highest, seal);
    }
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return highest;
}

/** Reads the head of the last seal, as `head`; one row, or none if nothing is sealed. */
export const lastHead = (db: Database): D1PreparedStatement =>
  db.sql("SELECT id AS seal, head FROM audit_seals WHERE id > 0 ORDER BY id DESC LIMIT 1");

/** How old the head in a certificate may be: a call of an instance has no row to spare for it each time. */
const FRESH = 5 * 60_000;

/** As this isolate read it last. An isolate has one database. */
let latest: { head: string | null; at: number } = { head: null, at: Number.NEGATIVE_INFINITY };

/** Whether the next batch should read `lastHead`. */
export const isHeadDue = (now: number): boolean => now - latest.at > FRESH || now < latest.at;

/** The head for what is signed now; `read` is the result of `lastHead`, if it was asked. */
export function headToSign(now: number, read: D1Result<Row> | null): string | null {
  if (read) latest = { head: (read.results[0]?.["head"] as string | undefined) ?? null, at: now };
  return latest.head;
}
