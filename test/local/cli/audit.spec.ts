import { readFileSync, writeFileSync } from "node:fs";
import { CompactSign, importJWK } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ChainedEvent, hashOf } from "../../../src/audit/chain.ts";
import { generateKeys } from "../../../src/dev/keys.ts";
import { type Desk, interfere, openDesk } from "../support/cli.ts";
import { insertion, type Kept, keepRecord, putBack, tamper, tamperHeads } from "../support/database.ts";

let desk: Desk;
let keys: string;
let state: string;
/** The record as it was sealed: three nights, and an event that is not sealed yet. */
let kept: Kept;

const night = async (): Promise<void> => {
  const at = `${desk.service.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("0 3 * * *")}`;
  expect((await fetch(at)).status).toBe(200);
};

const customers = async (...ids: string[]): Promise<void> => {
  for (const id of ids) await desk.ok("customers", "create", "--id", id, "--name", id);
};

beforeAll(async () => {
  keys = await generateKeys();
  desk = await openDesk([`SIGNING_KEYS:${keys}`]);
  state = desk.file("state");
  const { service } = desk;
  await desk.cli(["login", "--url", service.url, "--token-stdin"], { input: service.token });
  await customers("one", "two", "three");
  await night();
  await customers("four", "five");
  await night();
  await customers("six");
  await night();
  await customers("seven");
  kept = keepRecord(state);
});

afterAll(() => desk.close());

beforeEach(() => putBack(state, kept));

/** What a check finds; it ends with 5 where that is anything. */
async function findings(...options: string[]): Promise<{ kind: string; id: number; says: string }[]> {
  const { code, out, err } = await desk.cli(["audit", "verify", "--json", ...options]);
  expect([0, 5], err).toContain(code);
  const checked = JSON.parse(out);
  expect(checked.valid).toBe(checked.findings.length === 0);
  expect(code).toBe(checked.valid ? 0 : 5);
  return checked.findings;
}

/** Remembers the record as it is now. */
async function remember(): Promise<string> {
  const file = desk.file(`state-${Math.random()}.json`);
  expect(await findings("--state", file)).toEqual([]);
  return file;
}

describe("a record that nobody touched", () => {
  it("is valid, and says how far it is sealed", async () => {
    const { code, out, err } = await desk.cli(["audit", "verify"]);
    expect({ code, out }).toEqual({
      code: 0,
      out: "valid: 3 seals cover the events up to 6, each as it was sealed.\n",
    });
    expect(err).toMatch(
      /Last sealed: .* ago\)\. Not sealed yet, and so not checked: 1 events\.\n.*--state FILE/,
    );
    expect(await desk.json("audit", "verify")).toMatchObject({
      valid: true,
      seals: 3,
      up_to: 6,
      unsealed: 1,
    });
  });

  it("goes on from what was seen the last time", async () => {
    const file = await remember();
    await customers("eight");
    await night();
    expect(await findings("--state", file, "--from", "4")).toEqual([]);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ seal: 4, up_to: 8, last_event: 8 });
  });

  it("is listed seal by seal", async () => {
    expect(await desk.ok("audit", "seals")).toMatch(/^SEAL .*\n3 .* 6 to 6 .*\n2 .* 4 to 5 .*\n1 .* 1 to 3 /);
    expect((await desk.json("audit", "seals")).map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
  });
});

describe("somebody with the database is found out", () => {
  it.each([
    ["who edits an event", ["UPDATE events SET actor_id = 'mallory' WHERE id = 2"], ["edited 2"]],
    [
      "who edits several",
      ["UPDATE events SET at = at - 1 WHERE id IN (1, 3, 5)"],
      ["edited 1", "edited 3", "edited 5"],
    ],
    ["who removes one", ["DELETE FROM events WHERE id = 4"], ["removed 4"]],
    [
      "who removes one and moves the others up",
      ["DELETE FROM events WHERE id = 2", "UPDATE events SET id = id - 1 WHERE id = 3"],
      ["edited 2", "removed 3"],
    ],
    [
      "who gives its number to another",
      [
        "DELETE FROM events WHERE id = 2",
        "INSERT INTO events SELECT 2, at, 'customer.deleted', entity_type, entity_id, actor_type, actor_id, request_id, ip, detail FROM events WHERE id = 1",
      ],
      ["edited 2"],
    ],
    [
      "who puts one in before the first",
      [
        "INSERT INTO events SELECT 0, at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail FROM events WHERE id = 1",
      ],
      ["inserted 0"],
    ],
    [
      "who puts one in between and moves the others down",
      [
        "UPDATE events SET id = -id WHERE id >= 6",
        "UPDATE events SET id = 1 - id WHERE id < 0",
        "INSERT INTO events SELECT 6, at, action, entity_type, 'nine', actor_type, actor_id, request_id, ip, detail FROM events WHERE id = 1",
      ],
      ["seal 3", "edited 6"],
    ],
    ["who removes a seal", ["DELETE FROM audit_seals WHERE id = 2"], ["seal 3"]],
    [
      "who removes the first seal with its events",
      ["DELETE FROM audit_seals WHERE id = 1", "DELETE FROM events WHERE id < 4"],
      ["seal 2"],
    ],
    [
      "who makes a seal cover less",
      ["UPDATE audit_seals SET up_to = 1 WHERE id = 1"],
      ["removed 2", "removed 3"],
    ],
    [
      "who edits a seal's token",
      ["UPDATE audit_seals SET token = substr(token, 1, length(token) - 4) || 'AAAA' WHERE id = 2"],
      ["seal 2"],
    ],
  ])("%s", async (_, statements, expected) => {
    tamper(state, ...statements);
    const found = await findings();
    expect(found.map(({ kind, id }) => `${kind} ${id}`)).toEqual(expected);
    const { code, out } = await desk.cli(["audit", "verify"]);
    expect(code).toBe(5);
    for (const { kind, id, says } of found) {
      expect(out).toContain(kind === "seal" ? `seal ${id} ` : `event ${id} `);
      expect(out).toContain(says);
    }
  });

  it("who touches an event and puts hash and marks right, but cannot sign", async () => {
    tamper(state, "UPDATE events SET actor_id = 'mallory' WHERE id = 6");
    const [seal] = await desk.json("audit", "seals");
    const [second] = await eventsAndHeads();
    const marks = await hashOf(second!.head, (await sealOf(3)).events[0]!);
    tamper(
      state,
      `UPDATE audit_seals SET head = '${marks}' WHERE id = ${seal.id}`,
      `UPDATE audit_marks SET marks = '${marks}' WHERE seal = ${seal.id}`,
    );
    expect(await findings()).toMatchObject([
      { kind: "seal", id: 3, says: expect.stringContaining("row of seal 3") },
      { kind: "edited", id: 6, says: expect.stringContaining("marks") },
    ]);
  });
});

const sealOf = async (
  id: number,
): Promise<{ seal: { head: string; token: string }; events: ChainedEvent[] }> => {
  const answer = await fetch(`${desk.service.url}/v1/admin/audit-seals/${id}`, {
    headers: { Authorization: `Bearer ${desk.service.token}` },
  });
  return answer.json();
};

const eventsAndHeads = async (): Promise<{ head: string }[]> =>
  (await desk.json("audit", "seals")).slice(1) as { head: string }[];

describe("whoever keeps a state notices", () => {
  it("that the latest seals and their events were taken away", async () => {
    const file = await remember();
    tamper(state, "DELETE FROM audit_seals WHERE id = 3", "DELETE FROM events WHERE id > 5");
    tamperHeads(state, "DELETE FROM _mf_objects WHERE key = 'seals/3'");
    expect(await findings()).toEqual([]);
    expect(await findings("--state", file)).toEqual([
      { kind: "seal", id: 3, says: "Seal 3 was there, with the events up to 6, and is gone." },
    ]);
  });

  it("that everything was taken away", async () => {
    const file = await remember();
    tamper(state, "DELETE FROM audit_seals", "DELETE FROM events");
    tamperHeads(state, "DELETE FROM _mf_objects");
    expect(await findings()).toEqual([]);
    expect(await findings("--state", file)).toMatchObject([{ kind: "seal", id: 3 }]);
  });

  it("that an event was taken away before it was sealed", async () => {
    const file = await remember();
    tamper(state, "DELETE FROM events WHERE id = 7");
    expect(await findings("--state", file)).toMatchObject([{ kind: "removed", id: 7 }]);
  });

  it("that the record was written anew, and signed with the service's own key", async () => {
    const file = await remember();
    tamper(state, "UPDATE events SET actor_id = 'mallory' WHERE id = 2", "DELETE FROM audit_seals");
    tamperHeads(state, "DELETE FROM _mf_objects");
    await night();
    expect(await findings()).toEqual([]);
    expect(await findings("--state", file)).toMatchObject([{ kind: "seal", id: 3 }]);
    await forgeLikeBefore();
    tamperHeads(state, "DELETE FROM _mf_objects");
    expect(await findings()).toEqual([]);
    expect(await findings("--state", file)).toEqual([
      {
        kind: "seal",
        id: 3,
        says: "Seal 3 is not the one it was: the record up to it was rewritten.",
      },
    ]);
  });

  /** Seals the record as it is now where the seals were before, with the service's own key. */
  async function forgeLikeBefore(): Promise<void> {
    const { events } = await sealOf(1);
    const [jwk] = JSON.parse(keys).keys;
    const key = await importJWK(jwk, "EdDSA");
    let head = "0".repeat(64);
    const statements = ["DELETE FROM audit_seals"];
    for (const [n, [from_id, up_to]] of (
      [
        [1, 3],
        [4, 5],
        [6, 6],
      ] as const
    ).entries()) {
      const previous = head;
      let marks = "";
      for (const event of events.slice(from_id - 1, up_to)) marks += head = await hashOf(head, event);
      const claims = {
        iss: desk.service.url.replace(/:\d+$/, ":8787"),
        iat: 1,
        seal: n + 1,
        from_id,
        up_to,
        previous,
        head,
      };
      const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "audit-seal+jwt" })
        .sign(key);
      statements.push(
        insertion("audit_seals", { id: n + 1, from_id, up_to, sealed_at: 1, head, marks, token }),
      );
    }
    tamper(state, ...statements);
  }
});

describe("a state", () => {
  it("that is none, or of another service, decides nothing", async () => {
    const file = await remember();
    const seen = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...seen, issuer: "https://other.example" }));
    expect((await desk.cli(["audit", "verify", "--state", file])).err).toContain(
      "belongs to https://other.example",
    );
    writeFileSync(file, "{}");
    expect(await desk.cli(["audit", "verify", "--state", file])).toMatchObject({ code: 2, out: "" });
  });

  it("goes along when the service moves to another address", async () => {
    const file = await remember();
    const old = JSON.parse(readFileSync(file, "utf8")).issuer;
    const [jwk] = JSON.parse(keys).keys;
    const list = await new CompactSign(
      new TextEncoder().encode(JSON.stringify({ iss: "https://new.example" })),
    )
      .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "revocations+jwt" })
      .sign(await importJWK(jwk, "EdDSA"));
    const moved = await interfere(desk.service.url, (_, inbound, outbound, pass) => {
      if (inbound.url === "/v1/revocations") outbound.end(list);
      else pass();
    });
    const env = { CAIO_LICENSE_URL: moved.url, CAIO_LICENSE_TOKEN: desk.service.token };
    const verify = (...options: string[]) => desk.cli(["audit", "verify", ...options], { env });
    const untold = await verify("--state", file);
    expect(untold).toMatchObject({ code: 2, out: "" });
    expect(untold.err).toContain(`--issuer ${old}`);
    expect((await verify()).code).toBe(5);
    expect((await verify("--issuer", "https://another.example")).code).toBe(5);
    const told = await verify("--state", file, "--issuer", `${old.toUpperCase().replace("HTTP", "http")}/`);
    expect(told).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ issuer: "https://new.example" });
    expect(await verify("--state", file)).toMatchObject({ code: 0 });
    await moved.close();
  });

  it("stays as it was where something was found", async () => {
    const file = await remember();
    const before = readFileSync(file, "utf8");
    tamper(state, "DELETE FROM events WHERE id = 1");
    expect(await findings("--state", file)).toHaveLength(1);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("keeps the key that it knows under a name, whatever is published", async () => {
    const file = await remember();
    const seen = JSON.parse(readFileSync(file, "utf8"));
    const [other] = JSON.parse(await generateKeys()).keys;
    writeFileSync(file, JSON.stringify({ ...seen, keys: [{ ...seen.keys[0], x: other.x }] }));
    const found = await findings("--state", file);
    expect(found.map(({ kind, id }) => `${kind} ${id}`)).toEqual(["seal 1", "seal 2", "seal 3"]);
    expect(found[0]!.says).toContain("not genuine");
  });

  it("of an owner is no false alarm for a viewer, who is not shown the last event", async () => {
    const viewer = (await desk.ok("tokens", "create", "--name", "Nightly", "--role", "viewer")).trim();
    const file = await remember();
    const env = { CAIO_LICENSE_URL: desk.service.url, CAIO_LICENSE_TOKEN: viewer };
    const verify = ["audit", "verify", "--state", file];
    expect(await desk.cli(verify, { env })).toMatchObject({ code: 0 });
    // The last event counts for both, though only an owner sees it.
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ last_event: 8 });
    tamper(state, "DELETE FROM events WHERE id = 8");
    expect(await desk.cli(verify, { env })).toMatchObject({ code: 5 });
  });
});
