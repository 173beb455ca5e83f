// The revocation list: what an installation without a network should stop trusting. Signed, so that anybody may pass it
// on.
import type { Context } from "../../context.ts";
import { sha256 } from "../../crypto/digests.ts";
import { isSameAddress } from "../../field/addresses.ts";
import { invalid } from "../../problems.ts";
import type { Row } from "../../storage/database.ts";
import { DAY, floorToSecond, HOUR, numericDate } from "../../kernel/dates.ts";

const LIFETIME = 7 * DAY;

// Everything that was signed for a license ends with its grace, or with the grace of an end that it had before. After
// that, it needs no entry. So the list holds the revocations of the last years, not all there ever were.
const ENDS = "max(coalesce(expires_at + grace_days * 86400000, 253402300799000), coalesce(signed_until, 0))";

// The condition status <> 'active' is redundant, but shows SQLite that it can use the partial index.
const STOPPED = `SELECT id FROM licenses WHERE status = ? AND status <> 'active' AND ${ENDS} > ? ORDER BY ${ENDS}, id`;

const SUPERSEDED = `SELECT id, revision FROM licenses WHERE revision > 1 AND ${ENDS} > ? ORDER BY ${ENDS}, id`;

const idsOf = (result: D1Result<Row> | undefined): string[] =>
  (result?.results ?? []).map((row) => String(row["id"]));

/** Every event that may change the list. */
const CHANGING = [
  "license.changed",
  "license.imported",
  "license.reinstated",
  "license.reissued",
  "license.renewed",
  "license.revoked",
  "license.suspended",
  "license.transferred",
];

// One index search for each action, however many events there are. Instances cause none of these events.
const LAST_CHANGE = `
  SELECT id, at FROM events WHERE id = (
    SELECT max((SELECT max(id) FROM events WHERE action = change.value AND actor_type <> 'instance'))
    FROM json_each(?) change)`;

/** The version of a list: the same version is the same document. Read from the primary, so that no change is missed. */
export interface ListVersion {
  /** The event that changed it last. */
  change: number;
  /**
   * When it was issued: the full hour, so that a client that has it need not load it again, but not before its last
   * change: a certificate of the same hour is newer than a list issued before it.
   */
  issued: number;
}

/** The current version. One round trip and a few rows, for any number of licenses. */
export async function revocationVersion({ db, clock }: Context): Promise<ListVersion> {
  const [last] = await db.batch([db.sql(LAST_CHANGE, JSON.stringify(CHANGING))]);
  const { id = 0, at = 0 } = last?.results[0] ?? {};
  const now = clock.now();
  return {
    change: Number(id),
    issued: Math.max(Math.floor(now / HOUR) * HOUR, Math.min(floorToSecond(Number(at)), floorToSecond(now))),
  };
}

/**
 * The issuer of the requested list: the one that is named, or else the one under which the caller knows the service.
 * @param address the address that the request was sent to: an installation trusts only the address that it knows
 * @throws Problem REQUEST_INVALID for an issuer that this service neither is nor was
 */
export function listIssuer({ config }: Context, named: string | undefined, address: string): string {
  const issuerAt = (sought: string): string | undefined =>
    config.issuers.find((issuer) => isSameAddress(issuer, sought));
  if (named === undefined) return issuerAt(address) ?? config.issuer;
  const issuer = issuerAt(named);
  if (issuer === undefined) throw invalid("issuer", "Is not an issuer of this service, now or formerly");
  return issuer;
}

/** The signed list of the current version, and its ETag. */
export async function revocationList(
  { db, keyring }: Context,
  { issued }: ListVersion,
  issuer: string,
): Promise<{ token: string; etag: string }> {
  const [revoked, suspended, superseded] = await db.batch([
    db.sql(STOPPED, "revoked", issued),
    db.sql(STOPPED, "suspended", issued),
    db.sql(SUPERSEDED, issued),
  ]);
  const token = await keyring.sign("revocations+jwt", {
    iss: issuer,
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
