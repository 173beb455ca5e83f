// A database of some size with the Workers on it, and the keys and certificates of its hot licenses.
import { readFileSync, globSync } from "node:fs";
import { join } from "node:path";
import { CompactSign, importJWK, type JWK } from "jose";
import { dropDatabase, fileOf, type House, ISSUER, newSecrets, openHouse, type Secrets } from "./house.ts";
import type { World } from "./operations.ts";
import { HOT, licenseId, plainCount, seed, type Size } from "./seed.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");

/** A key of a license, as the service would sign it at another second. */
export async function signKey({ SIGNING_KEYS }: Secrets, n: number, iat: number): Promise<string> {
  const [jwk] = (JSON.parse(SIGNING_KEYS) as { keys: [JWK & { kid: string }] }).keys;
  const claims = { iss: ISSUER, sub: "customer-0000001", jti: licenseId(n + 1), iat, rev: 1 };
  const terms = { license_type: "standard", features: ["orchestration", "api"], max_instances: null };
  return new CompactSign(new TextEncoder().encode(JSON.stringify({ ...claims, ...terms })))
    .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "license+jwt" })
    .sign(await importJWK(jwk, "EdDSA"));
}

/** Several times what an isolate remembers: asked in turn, none is found again. */
const FRESH = 10 * HOT;

export async function migrate(database: string, secrets: Secrets): Promise<void> {
  const house = await openHouse(database, secrets);
  for (const file of globSync("*.sql", { cwd: MIGRATIONS }).toSorted()) {
    const sql = readFileSync(join(MIGRATIONS, file), "utf8");
    // As wrangler sends a migration: statement by statement, triggers whole.
    for (const statement of statementsOf(sql)) await house.db.prepare(statement).run();
  }
  await house.miniflare.dispose();
}

/** The statements of a migration; those of a trigger end with END. */
function statementsOf(sql: string): string[] {
  const bare = sql.replaceAll(/^\s*--.*$/gm, "");
  return bare
    .split(/;\s*\n/)
    .reduce<string[]>((all, piece) => {
      const open = all.at(-1);
      const inTrigger = open !== undefined && /CREATE TRIGGER/i.test(open) && !/\bEND\s*$/i.test(open);
      if (inTrigger) all[all.length - 1] = `${open};\n${piece}`;
      else all.push(piece);
      return all;
    }, [])
    .map((statement) => statement.trim().replace(/;$/, ""))
    .filter((statement) => statement !== "");
}

/** @throws where the statistics of the seeded database are not what counting its rows says */
async function assertCounted({ house }: World, counted: Record<string, number>): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${house.ports.app}/v1/admin/statistics`, {
    headers: { Authorization: `Bearer ${house.secrets.ADMIN_TOKEN}` },
  });
  const told = await response.json<Record<string, unknown> & { instances: { active: number } }>();
  for (const [name, n] of Object.entries(counted)) {
    const said = name === "instances" ? told.instances.active : told[name];
    if (said !== n) throw new Error(`The statistics say ${name} ${String(said)}; there are ${n}.`);
  }
}

/** @returns the cookie of a new session of the console */
async function signIn({ ports, secrets }: House): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${ports.app}/admin/sign-in`, {
    method: "POST",
    headers: { Origin: `http://127.0.0.1:${ports.app}` },
    body: new URLSearchParams({ token: secrets.ADMIN_TOKEN }),
    redirect: "manual",
  });
  const cookie = answer.headers.get("Set-Cookie");
  if (!cookie) throw new Error(`The sign-in was answered with ${answer.status}: ${await answer.text()}`);
  return cookie.slice(0, cookie.indexOf(";"));
}

export async function buildWorld(size: Size): Promise<World> {
  const database = `${size.licenses}-${size.due}`;
  const secrets = await newSecrets();
  dropDatabase(database);
  await migrate(database, secrets);
  const file = fileOf(database);
  await seed(file, size, secrets.SIGNING_KEYS);
  const counted = plainCount(file);
  const house = await openHouse(database, secrets);
  const numbers = Array.from({ length: HOT }, (_, n) => n);
  const keys = await Promise.all(numbers.map((n) => signKey(secrets, n, 1_700_000_000)));
  const fresh = await Promise.all(
    Array.from({ length: FRESH }, (_, n) => signKey(secrets, n % HOT, 1_700_000_001 + n)),
  );
  const world: World = { database, house, keys, fresh, certificates: [], cookie: await signIn(house) };
  await assertCounted(world, counted);
  // Nobody has the certificates of these seats. So their last proven lease is over: the next to ask is proven.
  await house.db
    .prepare("UPDATE activations SET proven_until = last_seen_at WHERE instance_id = 'seat-0'")
    .run();
  for (const key of keys) {
    const answer = await fetch(`http://127.0.0.1:${house.ports.app}/v1/activate`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ license_key: key, instance_id: "seat-0" }),
    });
    world.certificates.push((await answer.json<{ certificate: string }>()).certificate);
  }
  return world;
}

export async function endWorld({ house, database }: World): Promise<void> {
  await house.miniflare.dispose();
  dropDatabase(database);
}
