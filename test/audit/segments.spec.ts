// Beginning the seals anew, seals of former releases, what each role sees of a seal, and the heads that leave the service.
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { checkSeal, checkSeals, type SealClaims } from "../../src/audit/chain.ts";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import {
  addEvents,
  bucket,
  byHand,
  claimsOf,
  faultNow,
  findings,
  freshRecord,
  headIds,
  night,
  sealIds,
  threeSeals,
} from "../support/record.ts";
import { activate, admin, call, newLicense, newToken, rows } from "../support/service.ts";

beforeEach(freshRecord);

const restart = (reason = "tried") => admin("/audit-seals/restart", { body: { reason } });

describe("an owner begins the seals anew", () => {
  it("after what is left of the chain, with a number that was never used, and an event that says so", async () => {
    await threeSeals();
    await byHand("DELETE FROM audit_seals WHERE id > 1");
    await expect(night()).rejects.toThrow("Nothing was sealed.");
    const { status, body } = await restart("Restored");
    expect({ status, body }).toMatchObject({ status: 201, body: { id: 4, from_id: 5, up_to: 14 } });
    expect(await claimsOf(body.token)).toMatchObject({ seal: 4, after: 1 });
    expect(await rows("SELECT action, actor_id, detail FROM events WHERE id > 12")).toEqual([
      {
        action: "job.failed",
        actor_id: "nightly",
        detail: JSON.stringify({ is: "failed", steps: ["seal"] }),
      },
      {
        action: "record.restarted",
        actor_id: "ADMIN_TOKEN",
        detail: JSON.stringify({ reason: "Restored", seal: 4 }),
      },
    ]);
    expect(await headIds()).toEqual([1, 2, 3, 4]);
    expect(await faultNow()).toBeNull();
    await addEvents(2);
    await night();
    expect(await sealIds()).toEqual([1, 4, 5]);
    const found = await findings();
    expect(found).toMatchObject([{ kind: "break", id: 4 }]);
    const claims: SealClaims[] = [];
    for (const id of [1, 4, 5])
      claims.push(await claimsOf((await admin(`/audit-seals/${id}`)).body.seal.token));
    expect(checkSeals(claims, new Set([4])).findings).toEqual([]);
    expect(checkSeals(claims, new Set([5])).findings).toHaveLength(1);
    // Who takes the segment before it away too is found out, whatever was accepted.
    expect(checkSeals(claims.slice(1), new Set([4])).findings).toMatchObject([{ kind: "seal", id: 4 }]);
  });

  it.each<[string, string[], object]>([
    ["all seals are gone", ["DELETE FROM audit_seals", "DELETE FROM audit_marks"], { id: 4, from_id: 1 }],
    [
      "the last token is nobody's",
      ["UPDATE audit_seals SET token = 'x' WHERE id = 3"],
      { id: 4, from_id: 13 },
    ],
    [
      "a forged seal covers what will ever be",
      [
        "INSERT INTO audit_seals SELECT 9, 13, 1000000000000, 1, head, '', token FROM audit_seals WHERE id = 3",
      ],
      { id: 10 },
    ],
    ["the last events are gone", ["DELETE FROM events WHERE id > 9"], { id: 4 }],
  ])("also where %s", async (_, statements, expected) => {
    await threeSeals();
    await byHand(...statements);
    expect(await faultNow()).not.toBeNull();
    const { status, body } = await restart();
    expect({ status, body }).toMatchObject({ status: 201, body: expected });
    expect(await faultNow()).toBeNull();
    await addEvents(2);
    await night();
    const [last] = await rows(
      "SELECT max(id) AS seal, (SELECT max(id) FROM events) AS event FROM audit_seals",
    );
    expect(last).toEqual({
      seal: body.id + 1,
      event: (await rows("SELECT max(up_to) AS u FROM audit_seals WHERE id > 9 OR up_to < 1000"))[0]!["u"],
    });
  });

  it("and nobody else does", async () => {
    await threeSeals();
    for (const role of ["manager", "viewer"]) {
      const { token } = await newToken({ role });
      const path = "/v1/admin/audit-seals/restart";
      expect((await call(path, { token, body: { reason: "x" } })).status).toBe(403);
      expect((await call(path, { token: "none", body: { reason: "x" } })).status).toBe(401);
    }
    expect((await admin("/audit-seals/restart", { body: {} })).status).toBe(422);
    // Whoever writes such an event into the database begins nothing with it.
    await byHand(
      "INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail) VALUES (1, 'record.restarted', 'record', 'seals', 'staff', 'x', 'r', '{}')",
      "DELETE FROM audit_seals WHERE id = 3",
    );
    await expect(night()).rejects.toThrow("Nothing was sealed.");
  });

  it("once, where two do at the same time", async () => {
    await threeSeals();
    const answers = await Promise.all([restart("one"), restart("two")]);
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.id);
    expect(new Set(made).size).toBe(made.length);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(await faultNow()).toBeNull();
  });
});

describe("a seal of a former release", () => {
  /** As they were made: up to 5 000 events, with the marks in the row. */
  const former = async (): Promise<void> => {
    await addEvents(4_000);
    await night();
    const { body } = await admin("/audit-seals/1");
    const [joined] = await rows<{ marks: string }>(
      "SELECT group_concat(marks, '') AS marks FROM (SELECT marks FROM audit_marks ORDER BY from_id)",
    );
    const [last] = await rows<{ head: string }>("SELECT head FROM audit_seals WHERE id = 4");
    expect(body.events).toHaveLength(1_000);
    const token = await sign({
      seal: 1,
      from_id: 1,
      up_to: 4_000,
      previous: "0".repeat(64),
      head: last!.head,
    });
    await byHand("DELETE FROM audit_seals", "DELETE FROM audit_marks");
    await env.DB.prepare(
      "INSERT INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token) VALUES (1, 1, 4000, 1, ?, ?, ?)",
    )
      .bind(last!.head, joined!.marks, token)
      .run();
    await bucket.delete(["seals/1", "seals/2", "seals/3", "seals/4"]);
  };

  const sign = async (claims: SealClaims): Promise<string> => {
    const { CompactSign, importJWK } = await import("jose");
    const [jwk] = JSON.parse(env.SIGNING_KEYS).keys;
    return new CompactSign(new TextEncoder().encode(JSON.stringify({ iss: env.ISSUER, iat: 1, ...claims })))
      .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "audit-seal+jwt" })
      .sign(await importJWK(jwk, "EdDSA"));
  };

  it("stays as it was signed, and its marks move into rows that a dump can bring back", async () => {
    await former();
    expect(await findings()).toEqual([]);
    await addEvents(3);
    await night();
    expect(await rows("SELECT id, length(marks) AS marks FROM audit_seals")).toEqual([
      { id: 1, marks: 0 },
      { id: 2, marks: 0 },
    ]);
    expect(await rows("SELECT seal, from_id, length(marks) AS marks FROM audit_marks")).toEqual([
      { seal: 1, from_id: 1, marks: 64_000 },
      { seal: 1, from_id: 1_001, marks: 64_000 },
      { seal: 1, from_id: 2_001, marks: 64_000 },
      { seal: 1, from_id: 3_001, marks: 64_000 },
      { seal: 2, from_id: 4_001, marks: 192 },
    ]);
    await byHand("UPDATE events SET actor_id = 'x' WHERE id IN (7, 3500)");
    expect((await findings()).map(({ kind, id }) => `${kind} ${id}`)).toEqual(["edited 7", "edited 3500"]);
  });

  it("keeps marks that are not all in rows, and marks that are none of its own", async () => {
    await former();
    await rows("INSERT INTO audit_marks SELECT 1, 1001, substr(marks, 1, 64000) FROM audit_seals");
    await addEvents(3);
    await night();
    expect(await rows("SELECT id, length(marks) AS marks FROM audit_seals")).toEqual([
      { id: 1, marks: 256_000 },
      { id: 2, marks: 0 },
    ]);
    expect(await findings()).toEqual([]);
  });

  it("without marks in its row is what that release sees of one of today: it judges by the head", async () => {
    await addEvents(3);
    await night();
    const [row] = await rows<{ marks: string; token: string }>("SELECT marks, token FROM audit_seals");
    expect(row!.marks).toBe("");
    const { events } = (await admin("/audit-seals/1")).body;
    expect(await checkSeal(await claimsOf(row!.token), row!.marks, events)).toEqual([]);
  });
});

describe("who is no owner", () => {
  it("gets the hash of each event of access in its place, and checks the seal all the same", async () => {
    await addEvents(2);
    const { token } = await newToken({ role: "viewer" });
    await addEvents(2);
    await night();
    const { body } = await call("/v1/admin/audit-seals/1", { token });
    const own = (await admin("/audit-seals/1")).body;
    const hidden = own.events.findIndex(({ action }: { action: string }) => action === "api_token.created");
    expect(body.events[hidden]).toEqual({
      id: own.events[hidden].id,
      mark: body.marks.slice(64 * hidden, 64 * (hidden + 1)),
    });
    expect(body.events.toSpliced(hidden, 1)).toEqual(own.events.toSpliced(hidden, 1));
    expect(await findings(token)).toEqual([]);
    expect((await call("/v1/admin/audit-seals/status", { token })).body.last_event).toBe(5);
  });

  it.each([
    ["hidden", 3],
    ["shown", 2],
  ])("notices that an event that is %s was edited, and nothing else", async (_, id) => {
    await addEvents(2);
    const { token } = await newToken({ role: "viewer" });
    await addEvents(2);
    await night();
    await byHand(`UPDATE events SET at = at + 1 WHERE id = ${id}`);
    expect((await findings(token)).map(({ kind, id: of }) => `${kind} ${of}`)).toEqual([`edited ${id}`]);
    await byHand("DELETE FROM audit_marks");
    expect(await findings(token)).toHaveLength(1);
  });
});

describe("the head of the record", () => {
  it("is in each certificate, at most five minutes old", async () => {
    const start = Date.parse("2031-01-01T00:00:00Z");
    setTime(start);
    const { license_key } = await newLicense();
    const sealIn = async (): Promise<unknown> =>
      decodeJwt((await activate(license_key, "box")).body.certificate)["seal"];
    expect(await sealIn()).toBeUndefined();
    await night();
    setTime(start + 5 * 60_000 + 1);
    const [first] = await rows("SELECT head FROM audit_seals");
    expect(await sealIn()).toBe(first!["head"]);
  });

  it("is in each digest, where anybody can find it", async () => {
    await addEvents(2);
    await night();
    await night({ ADMIN_EMAILS: "ops@smarthaus.example" });
    const [seal] = await rows<{ head: string }>("SELECT head FROM audit_seals");
    const { data } = (await admin("/messages")).body;
    const { preview } = (await admin(`/messages/${data[0].id}`)).body;
    expect(JSON.stringify(preview)).toContain(seal!.head);
  });
});
