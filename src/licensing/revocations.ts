// The revocation list: what an installation that cannot ask should stop trusting. Signed, so that anybody may
// pass it on.
import type { Context } from "../context.ts";
import { sha256 } from "../crypto/digests.ts";
import type { Row } from "../storage/database.ts";
import { DAY, HOUR, numericDate } from "./dates.ts";

const LIFETIME = 7 * DAY;

// Everything that was ever signed for a license ends with its grace: after that it needs no entry. So the
// list holds the last years' revocations and not all there ever were.
const ENDS = "coalesce(expires_at + grace_days * 86400000, 253402300799000)";

// That the status is not active is said once more for SQLite to see that the partial index will do.
const STOPPED = `SELECT id FROM licenses WHERE status = ? AND status <> 'active' AND ${ENDS} > ? ORDER BY ${ENDS}, id`;

const SUPERSEDED = `SELECT id, revision FROM licenses WHERE revision > 1 AND ${ENDS} > ? ORDER BY ${ENDS}, id`;

const idsOf = (result: D1Result<Row> | undefined): string[] =>
  (result?.results ?? []).map((row) => String(row["id"]));

/**
 * The signed list of now, and an ETag of it. Issued by the hour, so that the same list is the same document
 * and a client that has it need not load it again.
 */
export async function revocationList(context: Context): Promise<{ token: string; etag: string }> {
  const { db, keyring, config } = context;
  const now = context.clock.now();
  const [revoked, suspended, superseded] = await db.batch([
    db.sql(STOPPED, "revoked", now),
    db.sql(STOPPED, "suspended", now),
    db.sql(SUPERSEDED, now),
  ]);
  const issued = Math.floor(now / HOUR) * HOUR;
  const token = await keyring.sign("revocations+jwt", {
    iss: config.issuer,
    iat: numericDate(issued),
    exp: numericDate(issued + LIFETIME),
    revoked: idsOf(revoked),
    suspended: idsOf(suspended),
    superseded: Object.fromEntries(
      (superseded?.results ?? []).map((row) => [String(row["id"]), Number(row["revision"])]),
    ),
  });
  return { token, etag: `"${(await sha256(token)).slice(0, 32)}"` };
}
