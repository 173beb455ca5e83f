// Somebody rewrites the record, with the database alone or with the bucket too, and waits for the night: who notices,
// before and after it, with nothing, with a state, and with what others keep.
import { readFileSync, writeFileSync } from "node:fs";
import { CompactSign, importJWK } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ChainedEvent, GENESIS, hashOf } from "../../../src/audit/chain.ts";
import { generateKeys } from "../../../src/dev/keys.ts";
import { type Desk, openDesk } from "../support/cli.ts";
import { type Kept, keepRecord, putBack, tamper, tamperHeads } from "../support/database.ts";

let desk: Desk;
let keys: string;
let state: string;
let kept: Kept;
/** The state of a check before any attack. */
let before: string;
/** A key that signed nothing, and is retired since seal 0. */
let retired: string;

const call = async (path: string, body?: object): Promise<any> => {
  const response = await fetch(desk.service.url + path, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${desk.service.token}`, "Content-Type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return response.json();
};

const night = async (): Promise<number> =>
  (await fetch(`${desk.service.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("0 3 * * *")}`)).status;

const customers = async (...ids: string[]): Promise<void> => {
  for (const id of ids) await call("/v1/admin/customers", { id, name: id });
};

beforeAll(async () => {
  keys = await generateKeys();
  const others = JSON.parse(await generateKeys()).keys;
  retired = JSON.stringify(others[0]);
  const { d: _private, ...half } = others[0];
  desk = await openDesk([
    `SIGNING_KEYS:${keys}`,
    `RETIRED_KEYS:${JSON.stringify({ keys: [{ ...half, last_seal: 1 }] })}`,
    "ADMIN_EMAILS:ops@smarthaus.example",
  ]);
  state = desk.file("state");
  await desk.cli(["login", "--url", desk.service.url, "--token-stdin"], { input: desk.service.token });
  await customers("one", "two");
  await night();
  await customers("three", "four");
  await night();
  await customers("five", "six");
  await night();
  // What others keep: the first certificate of this isolate names the head of now.
  const { license_key } = await call("/v1/admin/licenses", { customer_id: "one", license_type: "standard" });
  const { certificate } = await call("/v1/activate", { license_key, instance_id: "box" });
  writeFileSync(desk.file("certificate.jwt"), certificate);
  const [row] = await desk.json("audit", "seals");
  writeFileSync(desk.file("head.jwt"), row.token);
  writeFileSync(desk.file("digest.txt"), `-- \nSeal 3 of the record:\n${row.head}\n`);
  await desk.ok("audit", "verify", "--state", "before.json");
  before = readFileSync(desk.file("before.json"), "utf8");
  kept = keepRecord(state);
});

afterAll(() => desk.close());

beforeEach(() => {
  putBack(state, kept);
  // A check that finds nothing goes on from what it saw.
  writeFileSync(desk.file("before.json"), before);
});

const verify = async (...options: string[]): Promise<number | null> =>
  (await desk.cli(["audit", "verify", "--json", ...options])).code;

/** Who notices: nobody with anything at hand, a state, each kind of witness. */
async function noticed(): Promise<Record<string, boolean>> {
  const codes = [
    await verify(),
    await verify("--state", "before.json"),
    await verify("--witness", "certificate.jwt"),
    await verify("--witness", "digest.txt", "head.jwt"),
  ];
  for (const code of codes) expect([0, 5]).toContain(code);
  const [plain, remembered, certificate, digest] = codes.map((code) => code === 5);
  return { plain: plain!, state: remembered!, certificate: certificate!, digest: digest! };
}

const ALL = { plain: true, state: true, certificate: true, digest: true };
const KEPT = { ...ALL, plain: false };

const EDIT = "UPDATE events SET actor_id = 'mallory' WHERE id = 5";

it("a record that nobody touched is what all of them expect", async () => {
  expect(await noticed()).toEqual({ plain: false, state: false, certificate: false, digest: false });
  expect(await night()).toBe(200);
  expect(await noticed()).toEqual({ plain: false, state: false, certificate: false, digest: false });
});

/** Puts hashes and marks right after an edit, and signs with a key if there is one. */
async function sealAnew(
  jwk: { kid: string; [member: string]: unknown } | null,
  renamed?: string,
): Promise<void> {
  tamper(state, EDIT);
  const { seal } = await call("/v1/admin/audit-seals/2");
  const { events } = await call("/v1/admin/audit-seals/3");
  let head = seal.head;
  let marks = "";
  for (const event of events as ChainedEvent[]) marks += head = await hashOf(head, event);
  const old = (await call("/v1/admin/audit-seals/3")).seal;
  const parts = old.token.split(".");
  const header = JSON.parse(Buffer.from(parts[0], "base64url").toString());
  const claims = { ...JSON.parse(Buffer.from(parts[1], "base64url").toString()), head };
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = jwk
    ? await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "audit-seal+jwt" })
        .sign(await importJWK(jwk as never, "EdDSA"))
    : [encode({ ...header, kid: renamed ?? header.kid }), encode(claims), parts[2]].join(".");
  tamper(
    state,
    `UPDATE audit_seals SET head = '${head}', token = '${token}' WHERE id = 3`,
    `UPDATE audit_marks SET marks = '${marks}' WHERE seal = 3`,
  );
}

describe("with the database alone, everybody notices, before the night and after it, who", () => {
  it.each<[string, () => Promise<void> | void]>([
    [
      "edits an event and removes the last seal",
      () => tamper(state, EDIT, "DELETE FROM audit_seals WHERE id = 3"),
    ],
    [
      "edits an event and removes all seals",
      () => tamper(state, EDIT, "DELETE FROM audit_seals", "DELETE FROM audit_marks"),
    ],
    ["edits an event, puts the hashes right and renames the key", () => sealAnew(null, "of-before")],
    ["does so under the name of the key", () => sealAnew(null)],
    ["does so with a retired key, for a seal after its last one", () => sealAnew(JSON.parse(retired))],
    [
      "puts an older database in its place",
      () =>
        tamper(
          state,
          "DELETE FROM audit_seals WHERE id = 3",
          "DELETE FROM audit_marks WHERE seal = 3",
          "DELETE FROM events WHERE id > 4",
        ),
    ],
    [
      "swaps two seals",
      () =>
        tamper(
          state,
          "UPDATE audit_seals SET id = id + 10 WHERE id > 1",
          "UPDATE audit_seals SET id = 15 - id WHERE id > 10",
        ),
    ],
    [
      "puts an old token into a new seal",
      () =>
        tamper(
          state,
          EDIT,
          "UPDATE audit_seals SET token = (SELECT token FROM audit_seals WHERE id = 2) WHERE id = 3",
        ),
    ],
    [
      "puts an event in between",
      () =>
        tamper(
          state,
          "UPDATE events SET id = -id WHERE id >= 5",
          "UPDATE events SET id = 1 - id WHERE id < 0",
          "INSERT INTO events SELECT 5, at, action, entity_type, 'x', actor_type, actor_id, request_id, ip, detail FROM events WHERE id = 1",
        ),
    ],
    [
      "moves the marks to another seal and edits an event",
      () => tamper(state, EDIT, "UPDATE audit_marks SET seal = 13 WHERE seal = 3"),
    ],
    [
      "says that an owner began the seals anew",
      () =>
        tamper(
          state,
          EDIT,
          "DELETE FROM audit_seals WHERE id > 1",
          "INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail) VALUES (1, 'record.restarted', 'record', 'seals', 'staff', 'ADMIN_TOKEN', 'r', '{}')",
        ),
    ],
    [
      "makes the last sealed event one that no program can read",
      () =>
        tamper(
          state,
          "PRAGMA ignore_check_constraints = ON",
          "UPDATE events SET at = 9000000000000000000, detail = 'no JSON' WHERE id = 6",
        ),
    ],
    [
      "puts a seal of his own at the end",
      () =>
        tamper(
          state,
          EDIT,
          "INSERT INTO audit_seals SELECT 4, 7, 1000000000000, 1, head, '', token FROM audit_seals WHERE id = 3",
        ),
    ],
  ])("%s", async (_, attack) => {
    await attack();
    expect(await noticed()).toEqual(ALL);
    await night();
    expect(await noticed()).toEqual(ALL);
  });
});

it("the time of the last seal is the one that was signed, whatever its row says", async () => {
  const { sealed_at } = await desk.json("audit", "verify");
  tamper(state, "UPDATE audit_seals SET sealed_at = 9000000000000000000");
  expect(await desk.json("audit", "verify")).toMatchObject({ valid: true, sealed_at });
  expect(Math.abs(Date.now() - Date.parse(sealed_at))).toBeLessThan(600_000);
});

describe("with the bucket too, whoever keeps something notices, who", () => {
  it.each<[string, () => void]>([
    [
      "edits an event and removes the last seal",
      () => {
        tamper(state, EDIT, "DELETE FROM audit_seals WHERE id = 3", "DELETE FROM audit_marks WHERE seal = 3");
        tamperHeads(state, "DELETE FROM _mf_objects WHERE key = 'seals/3'");
      },
    ],
    [
      "edits an event and removes all seals",
      () => {
        tamper(state, EDIT, "DELETE FROM audit_seals", "DELETE FROM audit_marks");
        tamperHeads(state, "DELETE FROM _mf_objects");
      },
    ],
  ])("%s", async (_, attack) => {
    attack();
    expect(await noticed()).toEqual(KEPT);
    expect(await night()).toBe(200);
    expect(await noticed()).toEqual(KEPT);
  });

  it("and everybody, who removes the heads only", async () => {
    tamperHeads(state, "DELETE FROM _mf_objects");
    expect(await verify()).toBe(5);
    expect(await night()).not.toBe(200);
  });
});

describe("an owner who began the seals anew", () => {
  it("is named by every check, which passes with --accept-break alone, also for what was given up", async () => {
    tamper(state, "DELETE FROM audit_seals WHERE id = 3", "DELETE FROM audit_marks WHERE seal = 3");
    expect(await night()).not.toBe(200);
    expect((await desk.cli(["audit", "restart", "--reason", "Restored"])).code).toBe(2);
    expect(await desk.ok("audit", "restart", "--reason", "Restored", "--yes")).toMatch(
      /^Seal 4 begins a new segment/,
    );
    const { code, out } = await desk.cli(["audit", "verify"]);
    expect(code).toBe(5);
    expect(out).toMatch(/seal 4 +break +Seal 4 begins a new segment after seal 2/);
    expect(await verify("--accept-break", "3")).toBe(5);
    expect(await verify("--accept-break", "4")).toBe(0);
    await customers("seven");
    expect(await night()).toBe(200);
    expect(await verify("--accept-break", "4")).toBe(0);
    expect(await verify("--accept-break", "4", "--state", "before.json")).toBe(0);
    // A certificate does not say which seal its head is of; the seal that BACKUPS keeps does.
    expect(await verify("--accept-break", "4", "--witness", "head.jwt")).toBe(0);
    expect(await verify("--accept-break", "4", "--witness", "certificate.jwt")).toBe(5);
    expect(await verify("--accept-break", "4", "--witness", "certificate.jwt", "head.jwt")).toBe(0);
    // The new segment holds what it goes on from.
    tamper(state, "UPDATE events SET actor_id = 'mallory' WHERE id = 3");
    expect(await verify("--accept-break", "4")).toBe(5);
  });

  it("where the last token was nobody's accepts it as it was found then, and no other", async () => {
    tamper(state, "UPDATE audit_seals SET token = 'x' WHERE id = 3");
    expect(await night()).not.toBe(200);
    await desk.ok("audit", "restart", "--reason", "Looked at", "--yes");
    expect(await verify()).toBe(5);
    expect(await verify("--accept-break", "4")).toBe(0);
    tamper(state, `UPDATE audit_seals SET head = '${GENESIS}' WHERE id = 3`);
    expect(await verify("--accept-break", "4")).toBe(5);
  });
});

describe("a witness", () => {
  it.each([
    ["that is not genuine", "eyJhIjoxfQ.b.c", 5, "proves nothing"],
    [
      "that names another head",
      `Seal 3 of the record: ${"ab".repeat(32)}`,
      5,
      "which the record does not have",
    ],
    ["that names nothing", "Hello. How are. You", 2, "names no head of the record"],
    [
      "that is a mail without a head",
      `From: a@b.example\r\nX-Id: ${"ab".repeat(32)}\r\n\r\nHello`,
      2,
      "names no head",
    ],
  ])("%s", async (_, content, expected, says) => {
    writeFileSync(desk.file("witness"), content);
    const { code, out, err } = await desk.cli(["audit", "verify", "--witness", "witness"]);
    expect(code).toBe(expected);
    expect(out + err).toContain(says);
  });

  it("may be a mail as it was sent, with its lines broken", async () => {
    const [row] = await desk.json("audit", "seals");
    const broken = `Seal 3 of the record: ${row.head.slice(0, 20)}=\r\n${row.head.slice(20)}`;
    writeFileSync(
      desk.file("mail.eml"),
      `Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>${broken}</p>`,
    );
    expect(await desk.json("audit", "verify", "--witness", "mail.eml")).toMatchObject({ witnessed: 1 });
  });
});
