import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import {
  type ChainedEvent,
  checkSeal,
  checkSeals,
  type Finding,
  hashOf,
  type SealClaims,
} from "../../src/audit/chain.ts";
import worker from "../../src/worker.ts";
import { env } from "../support/env.ts";
import { admin, call, newCustomer, newToken, rows } from "../support/service.ts";

async function night(): Promise<void> {
  const controller = createScheduledController({ cron: "0 3 * * *", scheduledTime: new Date() });
  const execution = createExecutionContext();
  await worker.scheduled(controller, env, execution);
  await waitOnExecutionContext(execution);
}

interface Seal {
  seal: { id: number; from_id: number; up_to: number; head: string; token: string };
  marks: string;
  events: ChainedEvent[];
}

const readSeal = async (id: number): Promise<Seal> => (await admin(`/audit-seals/${id}`)).body;

async function lastSeal(): Promise<Seal> {
  const { data } = (await admin("/audit-seals?limit=1")).body;
  return readSeal(data[0].id);
}

/** What a seal says, by the published keys alone. */
async function claimsOf({ seal }: Seal): Promise<SealClaims> {
  const keys = createLocalJWKSet((await call("/.well-known/jwks.json")).body);
  const { payload } = await jwtVerify(seal.token, keys, { typ: "audit-seal+jwt", issuer: env.ISSUER });
  return payload as unknown as SealClaims;
}

async function sealed(): Promise<{ customer: string; seal: Seal; claims: SealClaims }> {
  const { id } = await newCustomer();
  await newCustomer();
  await newCustomer();
  await night();
  const seal = await lastSeal();
  return { customer: id, seal, claims: await claimsOf(seal) };
}

const eventOf = ({ events }: Seal, id: string): ChainedEvent =>
  events.find(({ entity }) => entity.id === id)!;

describe("every night the record is sealed", () => {
  it("up to its last event, in a row that has no gap, by a signature that anybody can check", async () => {
    const { customer, seal, claims } = await sealed();
    expect(eventOf(seal, customer).action).toBe("customer.created");
    expect(claims).toMatchObject({ seal: seal.seal.id, from_id: seal.seal.from_id, up_to: seal.seal.up_to });
    expect(await checkSeal(claims, seal.marks, seal.events)).toEqual([]);
    const all: SealClaims[] = [];
    for (let id = 1; id <= seal.seal.id; id++) all.push(await claimsOf(await readSeal(id)));
    expect(checkSeals(all)).toEqual({ findings: [], breaks: [] });
  });

  it("once, where the trigger fires twice, and not at all where nothing happened", async () => {
    await newCustomer();
    await Promise.all([night(), night()]);
    const before = (await lastSeal()).seal.id;
    await night();
    expect((await lastSeal()).seal.id).toBe(before);
    const [row] = await rows(
      "SELECT count(*) AS seals, count(DISTINCT from_id) AS begins, max(id) AS last FROM audit_seals",
    );
    expect(row).toEqual({ seals: before, begins: before, last: before });
  });

  it("and neither a seal nor an event can be changed or deleted", async () => {
    await sealed();
    await expect(rows("UPDATE audit_seals SET head = ''")).rejects.toThrow("seals are append-only");
    await expect(rows("DELETE FROM audit_seals")).rejects.toThrow("seals are append-only");
    await expect(rows("UPDATE audit_marks SET marks = marks")).rejects.toThrow("marks are append-only");
    await expect(rows("DELETE FROM audit_marks")).rejects.toThrow("marks are append-only");
  });

  it("for whoever may read", async () => {
    const { token } = await newToken({ role: "viewer" });
    expect((await call("/v1/admin/audit-seals", { token })).status).toBe(200);
    expect((await call("/v1/admin/audit-seals")).status).toBe(401);
    expect((await admin("/audit-seals/999999")).status).toBe(404);
    expect((await admin("/audit-seals/none")).status).toBe(422);
  });
});

describe("whoever writes to the database by hand is found out", () => {
  /** As somebody with the database would: without the triggers that keep us from it. */
  async function byHand(...statements: string[]): Promise<void> {
    const triggers = await rows<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'events_refuse_*'",
    );
    for (const { name } of triggers) await env.DB.prepare(`DROP TRIGGER ${name}`).run();
    for (const statement of statements) await env.DB.prepare(statement).run();
    for (const { sql } of triggers) await env.DB.prepare(sql).run();
  }

  const check = async (seal: Seal, claims: SealClaims): Promise<Finding[]> => {
    const { marks, events } = await readSeal(seal.seal.id);
    return checkSeal(claims, marks, events);
  };

  it.each([
    ["what", "action = 'customer.changed'"],
    ["who", "actor_id = 'somebody else'"],
    ["when", "at = at - 1"],
    ["about what", "entity_id = 'somebody else'"],
    ["from where", "ip = '192.0.2.1'"],
    ["the detail", "detail = json_set(detail, '$.after.name', 'Another')"],
  ])("who edits an event: %s", async (_, change) => {
    const { customer, seal, claims } = await sealed();
    const { id } = eventOf(seal, customer);
    const [kept] = await rows("SELECT * FROM events WHERE id = ?", id);
    await byHand(`UPDATE events SET ${change} WHERE id = ${id}`);
    const findings = await check(seal, claims);
    const { at, action, actor_id, entity_id, ip, detail } = kept as Record<string, string | number | null>;
    const text = (value: string | number | null | undefined): string =>
      value === null || value === undefined ? "NULL" : `'${String(value).replaceAll("'", "''")}'`;
    await byHand(
      `UPDATE events SET at = ${at}, action = ${text(action)}, actor_id = ${text(actor_id)}, entity_id = ${text(entity_id)}, ip = ${text(ip)}, detail = ${text(detail)} WHERE id = ${id}`,
    );
    expect(findings).toEqual([{ kind: "edited", id, says: expect.any(String) }]);
    expect(await check(seal, claims)).toEqual([]);
  });

  it("who removes one, and who gives its number to another", async () => {
    const { customer, seal, claims } = await sealed();
    const event = eventOf(seal, customer);
    const others = seal.events.filter(({ id }) => id !== event.id);
    expect(await checkSeal(claims, seal.marks, others)).toEqual([
      { kind: "removed", id: event.id, says: expect.any(String) },
    ]);
    const another = [...others];
    another.splice(seal.events.indexOf(event), 0, { ...event, action: "customer.deleted" });
    expect(await checkSeal(claims, seal.marks, another)).toMatchObject([{ kind: "edited", id: event.id }]);
  });

  it("each of several, since the check goes on behind the first", async () => {
    const { seal, claims } = await sealed();
    const [first, ...between] = seal.events.slice(-4);
    const last = between.pop()!;
    const touched = seal.events
      .filter(({ id }) => id !== between[0]!.id)
      .map((event) => (event === first || event === last ? Object.assign({}, event, { ip: "x" }) : event));
    expect(await checkSeal(claims, seal.marks, touched)).toMatchObject([
      { kind: "edited", id: first!.id },
      { kind: "removed", id: between[0]!.id },
      { kind: "edited", id: last.id },
    ]);
  });

  it("who inserts one", async () => {
    const { seal, claims } = await sealed();
    const inserted = [...seal.events, { ...seal.events[0]!, id: claims.up_to + 1 }];
    expect(await checkSeal(claims, seal.marks, inserted)).toMatchObject([
      { kind: "inserted", id: claims.up_to + 1 },
    ]);
  });

  it("also before the first one", async () => {
    await sealed();
    const event = "'customer.created', 'customer', 'x', 'staff', 'ADMIN_TOKEN', 'r', '{}'";
    await byHand(
      `INSERT INTO events (id, at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail) VALUES (-7, 0, ${event})`,
    );
    const first = await readSeal(1);
    await byHand("DELETE FROM events WHERE id = -7");
    expect(await checkSeal(await claimsOf(first), first.marks, first.events)).toMatchObject([
      { kind: "inserted", id: -7 },
    ]);
  });

  it.each([
    ["takes the marks away", () => ""],
    ["changes the last one", (marks: string) => marks.slice(0, -1) + (marks.endsWith("0") ? "1" : "0")],
    ["puts them all right", (_: string, right: string) => right],
  ])("also who %s, since the head is signed", async (_, change) => {
    const { customer, seal, claims } = await sealed();
    const touched = structuredClone(seal.events);
    eventOf({ ...seal, events: touched }, customer).action = "customer.changed";
    let hash = claims.previous;
    let right = "";
    for (const event of touched) right += hash = await hashOf(hash, event);
    const marks = change(seal.marks, right);
    expect(await checkSeal(claims, marks, touched)).toMatchObject([{ kind: "edited", id: claims.up_to }]);
  });

  it("who takes a seal out of the row, or puts another in", async () => {
    const first = await sealed();
    const second = await sealed();
    const all: SealClaims[] = [];
    for (let id = 1; id <= second.seal.seal.id; id++) all.push(await claimsOf(await readSeal(id)));
    expect(checkSeals(all.filter(({ seal }) => seal !== first.claims.seal)).findings).toMatchObject([
      { kind: "seal" },
    ]);
    expect(checkSeals([...all, second.claims]).findings).toMatchObject([{ kind: "seal" }]);
  });
});
