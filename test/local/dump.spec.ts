// restore.md: a dump can come back whatever a night sealed. D1 takes no statement over 100 KB.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompactSign, importJWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChainedEvent, GENESIS, hashOf } from "../../src/audit/chain.ts";
import { generateKeys } from "../../src/dev/keys.ts";
import { insertion, openDatabase, tamper } from "./support/database.ts";
import { Site } from "./support/site.ts";

const LIMIT = 100_000;

let site: Site;
let dump: string;

const events = (count: number): string => `
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
  SELECT 1780000000000 + i, 'activation.created', 'license', 'lic_1', 'instance', 'box', 'r', '{}' FROM n`;

/** A seal as releases of before made them: up to 5 000 events, and their marks in its own row. */
async function formerSeal(up_to: number): Promise<void> {
  const all: ChainedEvent[] = [];
  const database = openDatabase(site.state);
  for (const row of database.prepare("SELECT * FROM events ORDER BY id").all() as any[]) {
    const { actor_type, actor_id, entity_type, entity_id, ...event } = row;
    all.push({
      ...event,
      at: new Date(event.at).toISOString(),
      detail: JSON.parse(event.detail),
      actor: { type: actor_type, id: actor_id },
      entity: { type: entity_type, id: entity_id },
    });
  }
  database.close();
  let head = GENESIS;
  let marks = "";
  for (const event of all) marks += head = await hashOf(head, event);
  const [jwk] = JSON.parse(site.vars["SIGNING_KEYS"]!).keys;
  const claims = { iss: site.service!.issuer, iat: 1, seal: 1, from_id: 1, up_to, previous: GENESIS, head };
  const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "audit-seal+jwt" })
    .sign(await importJWK(jwk, "EdDSA"));
  tamper(
    site.state,
    insertion("audit_seals", { id: 1, from_id: 1, up_to, sealed_at: 1, head, marks, token }),
  );
}

/** The longest statement of a dump, which has one on each line. */
const longest = (): number =>
  Math.max(
    ...readFileSync(dump, "utf8")
      .split(/;\n/)
      .map((line) => Buffer.byteLength(line)),
  );

async function exported(): Promise<void> {
  await site.service!.stop();
  await site.wrangler(site.state, "d1", "export", "DB", "--output", dump);
}

beforeAll(async () => {
  site = new Site({ ADMIN_TOKEN: `caio_${"a".repeat(32)}`, SESSION_SECRET: "s".repeat(43) });
  site.vars["SIGNING_KEYS"] = await generateKeys();
  dump = site.file("backup.sql");
  await site.deploy();
  tamper(site.state, events(2_000));
  await formerSeal(2_000);
});

afterAll(() => site.close());

describe("a dump", { timeout: 300_000 }, () => {
  it("of a release before could not come back, which its first night mends", async () => {
    await exported();
    expect(longest()).toBeGreaterThan(LIMIT);
    const empty = site.newState("too-big");
    const wrangler = site.wrangler(empty, "d1", "execute", "DB", "--file", dump, "--yes");
    await expect(wrangler).rejects.toThrow(/TOOBIG|too (?:big|long)/i);
    await site.deploy();
    expect(await site.json("audit", "verify")).toMatchObject({ valid: true, seals: 1 });
  });

  it("of 20 000 events that one night sealed comes back, with all seals", async () => {
    tamper(site.state, events(20_000));
    await site.night();
    await site.ok("audit", "verify", "--state", "before.json");
    await exported();
    expect(longest()).toBeLessThan(LIMIT);
    const restored = site.newState("restored");
    await site.wrangler(restored, "d1", "execute", "DB", "--file", dump, "--yes");
    // The bucket stays when the database is made anew.
    cpSync(join(site.state, "v3/r2"), join(restored, "v3/r2"), { recursive: true });
    await site.deploy(restored);
    const checked = await site.json("audit", "verify", "--state", "before.json");
    expect(checked).toMatchObject({ valid: true, seals: 21, up_to: 22_000, unsealed: 0 });
    tamper(restored, events(3));
    await site.night();
    expect(await site.json("audit", "verify")).toMatchObject({ valid: true, seals: 22 });
    writeFileSync(dump, "");
  });
});
