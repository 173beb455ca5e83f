// The sealed record in a database and a bucket of their own.
import { createLocalJWKSet, jwtVerify } from "jose";
import {
  checkSeal,
  checkSeals,
  type Finding,
  type SealClaims,
  type ShownEvent,
} from "../../src/audit/chain.ts";
import type { Env } from "../../src/config.ts";
import { env } from "./env.ts";
import { fire, NIGHTLY } from "./mail.ts";
import { admin, call, rows } from "./service.ts";

export { freshRecord } from "./migrated.ts";

export const bucket: R2Bucket = env.BACKUPS!;

export const night = (bindings: Partial<Env> = {}): Promise<void> => fire(NIGHTLY, { ...env, ...bindings });

/** Adds events as small as those of a busy day. */
export const addEvents = async (count: number): Promise<void> => {
  await rows(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
     SELECT 1780000000000 + i, 'activation.created', 'license', 'lic_1', 'instance', 'box-' || i, 'r', '{}' FROM n`,
    count,
  );
};

/** Twelve events under three seals. */
export const threeSeals = async (): Promise<void> => {
  for (let n = 0; n < 3; n++) {
    await addEvents(4);
    await night();
  }
};

/** As somebody with the database would: without the triggers that keep us from it. */
export async function byHand(...statements: string[]): Promise<void> {
  const triggers = await rows<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB '*_refuse_*'",
  );
  for (const { name } of triggers) await env.DB.prepare(`DROP TRIGGER ${name}`).run();
  for (const statement of statements) await env.DB.prepare(statement).run();
  for (const { sql } of triggers) await env.DB.prepare(sql).run();
}

export const sealIds = async (): Promise<number[]> =>
  (await rows<{ id: number }>("SELECT id FROM audit_seals ORDER BY id")).map(({ id }) => id);

export const headIds = async (): Promise<number[]> =>
  (await bucket.list()).objects.map(({ key }) => Number(key.replace("seals/", ""))).toSorted((a, b) => a - b);

/** What a seal's token says, by the published keys. */
export async function claimsOf(token: string, bindings: Env = env): Promise<SealClaims> {
  const keys = createLocalJWKSet((await call("/.well-known/jwks.json", { bindings })).body);
  const { payload } = await jwtVerify(token, keys, { typ: "audit-seal+jwt", issuer: env.ISSUER });
  return payload as unknown as SealClaims;
}

/** Checks the whole record as `audit verify` does, and that each head is in the bucket. */
export async function findings(token = env.ADMIN_TOKEN): Promise<Finding[]> {
  const all: SealClaims[] = [];
  const found: Finding[] = [];
  for (const id of await sealIds()) {
    const { body } = await call(`/v1/admin/audit-seals/${id}`, { token });
    const claims = await claimsOf(body.seal.token);
    all.push(claims);
    found.push(...(await checkSeal(claims, body.marks as string, body.events as ShownEvent[])));
  }
  return [...checkSeals(all).findings, ...found];
}

export const faultNow = async (bindings: Env = env): Promise<string | null> =>
  (await admin("/audit-seals/status", { bindings })).body.fault as string | null;
