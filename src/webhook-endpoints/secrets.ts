// The secrets that sign deliveries: shown once, and kept encrypted, because each delivery needs them again.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { seal, unseal } from "../crypto/sealing.ts";
import { DAY } from "../kernel/dates.ts";
import type { Row } from "../storage/database.ts";
import { newSecret } from "./signing.ts";

const PURPOSE = "caio-licensing webhook secret";

/** For this long after a change both secrets sign, so that a receiver can be changed at any time in between. */
export const OVERLAP = DAY;

/** The statement that stores a new secret, on condition that the one before it in the batch changed something. */
export async function makeSecret(
  context: Context,
  now: number,
  endpointId: string,
): Promise<{ secret: string; insert: D1PreparedStatement }> {
  const { db, ids, config } = context;
  const id = `whs_${ids.ulid(now)}`;
  const secret = newSecret();
  const sealed = await seal(config.sessionSecret, PURPOSE, id, secret);
  const insert = db.sql(
    "INSERT INTO webhook_secrets (id, endpoint_id, secret) SELECT ?, ?, ? WHERE changes() > 0",
    id,
    endpointId,
    base64url.encode(new Uint8Array(sealed)),
  );
  return { secret, insert };
}

/** Besides the newest: each signs each delivery, in a header that receivers limit. */
const MAX_FORMER = 4;

/** The statement that removes former secrets: those that sign no more, and of the others all but the latest. */
export const forgetFormer = ({ db }: Pick<Context, "db">, now: number, endpointId: string) =>
  db.sql(
    `DELETE FROM webhook_secrets WHERE endpoint_id = ?1 AND until IS NOT NULL AND id NOT IN (
       SELECT id FROM webhook_secrets WHERE endpoint_id = ?1 AND until > ?2 ORDER BY until DESC LIMIT ${MAX_FORMER})`,
    endpointId,
    now,
  );

/** The secrets of an endpoint that sign now, the newest first. */
export const selectSecrets = ({ db }: Pick<Context, "db">, endpointId: string, now: number) =>
  db.sql(
    `SELECT id, secret FROM webhook_secrets WHERE endpoint_id = ? AND (until IS NULL OR until > ?)
     ORDER BY until IS NOT NULL, until DESC`,
    endpointId,
    now,
  );

/** What `selectSecrets` found; without those that cannot be read because SESSION_SECRET was changed. */
export async function secretsIn({ config }: Context, { results }: D1Result<Row>): Promise<string[]> {
  const opened = await Promise.all(
    (results as unknown as { id: string; secret: string }[]).map(({ id, secret }) =>
      unseal(config.sessionSecret, PURPOSE, id, Uint8Array.from(base64url.decode(secret))),
    ),
  );
  return opened.filter((secret) => secret !== null);
}
