// The runbooks of docs/operations, carried out: what they promise is what happens.
import { randomBytes } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Site } from "./support/site.ts";

const newToken = (): string => `caio_${randomBytes(24).toString("base64url")}`;

let site: Site;

/** An installation: it keeps what it is given, as the clients do. */
interface Installation {
  instance_id: string;
  license_key: string;
  certificate: string;
}

const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

const issue = async (customer: string, more: object = {}): Promise<{ id: string; key: string }> => {
  await site.call("/v1/admin/customers", { id: customer, name: customer, email: `it@${customer}.example` });
  const { status, body } = await site.call("/v1/admin/licenses", {
    customer_id: customer,
    license_type: "standard",
    ...more,
  });
  expect(status).toBe(201);
  return { id: body.license.id, key: body.license_key };
};

async function install(license_key: string, instance_id = "box-1"): Promise<Installation> {
  const { status, body } = await site.call("/v1/activate", { license_key, instance_id }, null);
  expect({ status, code: body.code }).toEqual({ status: 200, code: undefined });
  return { instance_id, license_key: body.license_key, certificate: body.certificate };
}

const checkIn = (installation: Installation) => site.call("/v1/check-in", installation, null);

async function checkInAndKeep(installation: Installation): Promise<void> {
  const { status, body } = await checkIn(installation);
  expect(status).toBe(200);
  Object.assign(installation, { license_key: body.license_key, certificate: body.certificate });
}

const published = async (): Promise<string[]> =>
  (await site.call("/.well-known/jwks.json", undefined, null)).body.keys.map(
    ({ kid }: { kid: string }) => kid,
  );

const keyIds = (set: string): string[] => JSON.parse(set).keys.map(({ kid }: { kid: string }) => kid);

/** What `caio-license verify` says of a document by the keys that are published now. */
async function verified(token: string): Promise<string> {
  const { body } = await site.call("/.well-known/jwks.json", undefined, null);
  writeFileSync(site.file("jwks.json"), JSON.stringify(body));
  writeFileSync(site.file("document"), token);
  const { out } = await site.cli(["verify", "document", "--jwks", "jwks.json", "--json"]);
  return JSON.parse(out).code;
}

beforeAll(async () => {
  site = new Site({ ADMIN_TOKEN: newToken(), SESSION_SECRET: randomBytes(32).toString("base64url") });
  site.vars["SIGNING_KEYS"] = await site.npm("keys", ["generate"]);
  await site.deploy();
});

afterAll(() => site.close());

/** What each check accepts after the leaked key. */
let broken: string[] = [];

describe("rotate-signing-keys.md", () => {
  let old: string;
  let untouched: { id: string; key: string };
  let running: Installation;
  let quiet: Installation;

  beforeAll(async () => {
    old = keyIds(site.vars["SIGNING_KEYS"]!)[0]!;
    untouched = await issue("rotation");
    running = await install(untouched.key, "running");
    quiet = await install(untouched.key, "quiet");
    await site.night();
    await site.ok("audit", "verify", "--state", "audit.json");
    site.vars["SIGNING_KEYS"] = await site.npm("keys", ["rotate"], site.vars["SIGNING_KEYS"]);
    await site.deploy();
  });

  it("publishes both keys, and signs with the new one", async () => {
    const [fresh, ...others] = keyIds(site.vars["SIGNING_KEYS"]!);
    expect(others).toEqual([old]);
    expect(await published()).toEqual([fresh, old]);
    expect(kidOf((await issue("rotation-new")).key)).toBe(fresh);
    expect(kidOf(await site.ok("licenses", "key", untouched.id))).toBe(fresh);
  });

  it("leaves what the old key signed good", async () => {
    expect(kidOf(untouched.key)).toBe(old);
    expect(await verified(untouched.key)).toBe("VALID");
    expect(await verified(running.certificate)).toBe("VALID");
    expect((await site.call("/v1/validate", { license_key: untouched.key }, null)).body.valid).toBe(true);
  });

  it("hands the new key to whoever checks in, and tells who did not yet", async () => {
    // Instants of the API are whole seconds.
    await sleep(1_100);
    const rotatedAt = new Date().toISOString();
    await sleep(1_100);
    await checkInAndKeep(running);
    expect([kidOf(running.license_key), kidOf(running.certificate)]).not.toContain(old);
    const behind = await site.json(
      "instances",
      "list",
      "--license",
      untouched.id,
      "--seen-before",
      rotatedAt,
    );
    expect(behind.map(({ instance_id }: { instance_id: string }) => instance_id)).toEqual(["quiet"]);
  });

  it("then, without the old key, refuses what it signed and goes on with the rest", async () => {
    await site.night();
    const { keys } = (await site.call("/.well-known/jwks.json", undefined, null)).body;
    const { use: _use, ...half } = keys.find(({ kid }: { kid: string }) => kid === old);
    const [{ id: last_seal }] = await site.json("audit", "seals", "--limit", "1");
    site.vars["RETIRED_KEYS"] = JSON.stringify({ keys: [{ ...half, last_seal }] });
    site.vars["SIGNING_KEYS"] = await site.npm("keys", ["retire", old], site.vars["SIGNING_KEYS"]);
    await site.deploy();
    expect(await published()).not.toContain(old);
    await checkInAndKeep(running);
    expect((await checkIn(quiet)).body.code).toBe("LICENSE_KEY_INVALID");
    expect(await verified(quiet.certificate)).toBe("KEY_UNKNOWN");
  });

  it("and the record stays verifiable, by the public half of the old key", async () => {
    expect(await site.json("audit", "verify")).toMatchObject({ valid: true, seals: 2 });
    expect(await site.json("audit", "verify", "--state", "audit.json")).toMatchObject({ valid: true });
  });

  it("an installation that was left behind goes on with the key that its customer is sent", async () => {
    const again = await install((await site.ok("licenses", "key", untouched.id)).trim(), "quiet");
    expect(decodeJwt(again.certificate).jti).toBe(decodeJwt(quiet.certificate).jti);
  });
});

describe("leaked-signing-key.md", () => {
  let stolen: { kid: string; x: string; d: string };
  let license: { id: string; key: string };
  let running: Installation;
  let late: Installation;

  /** What a thief with the key can sign. */
  const forge = async (claims: object, typ = "license+jwt"): Promise<string> =>
    new SignJWT({ ...decodeJwt(license.key), ...claims })
      .setProtectedHeader({ alg: "EdDSA", kid: stolen.kid, typ })
      .sign(await importJWK({ ...stolen, kty: "OKP", crv: "Ed25519" }, "EdDSA"));

  const activation = async (license_key: string, instance_id: string): Promise<string> =>
    (await site.call("/v1/activate", { license_key, instance_id }, null)).body.code ?? "activated";

  beforeAll(async () => {
    [stolen] = JSON.parse(site.vars["SIGNING_KEYS"]!).keys;
    license = await issue("leak", { max_instances: 3 });
    running = await install(license.key, "running");
    late = await install(license.key, "late");
  });

  it("a forged key is worth what the database says, however much it promises", async () => {
    const invented = await forge({ jti: "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8", max_instances: 1_000 });
    expect(await verified(invented)).toBe("VALID");
    expect(await activation(invented, "thief-1")).toBe("LICENSE_NOT_FOUND");
    const greedy = await forge({ max_instances: 1_000, features: ["everything"] });
    expect(await activation(greedy, "thief-1")).toBe("activated");
    expect(await activation(greedy, "thief-2")).toBe("ACTIVATION_LIMIT_REACHED");
  });

  it("reissuing alone does not help: whoever has the signing key forges the next revision, too", async () => {
    const reason = ["--reason", "The signing key leaked.", "--unproven-hours", "0"];
    await site.ok("licenses", "reissue", license.id, ...reason);
    expect(await activation(license.key, "thief-1")).toBe("LICENSE_KEY_SUPERSEDED");
    expect(await activation(await forge({ rev: 2 }), "thief-1")).toBe("activated");
  });

  it("with a new key in front, whoever checks in goes over to it", async () => {
    site.vars["SIGNING_KEYS"] = await site.npm("keys", ["rotate"], site.vars["SIGNING_KEYS"]);
    await site.deploy();
    await checkInAndKeep(running);
    expect(kidOf(running.license_key)).not.toBe(stolen.kid);
  });

  it("without the leaked key, nothing forged is good anywhere, and those who went over go on", async () => {
    site.vars["SIGNING_KEYS"] = await site.npm("keys", ["retire", stolen.kid], site.vars["SIGNING_KEYS"]);
    await site.deploy();
    const forged = await forge({ rev: 9 });
    expect(await activation(forged, "thief-1")).toBe("LICENSE_KEY_INVALID");
    expect(
      (await site.call("/v1/check-in", { license_key: forged, instance_id: "thief-1" }, null)).body.code,
    ).toBe("LICENSE_KEY_INVALID");
    expect(await verified(forged)).toBe("KEY_UNKNOWN");
    expect(await verified(await forge({ revoked: [license.id] }, "revocations+jwt"))).toBe("KEY_UNKNOWN");
    await checkInAndKeep(running);
  });

  it("the record goes on in a new segment, whose beginning is accepted", async () => {
    expect((await site.cli(["audit", "verify"])).code).toBe(5);
    const begun = await site.ok("audit", "restart", "--reason", "The signing key leaked.", "--yes");
    const [, seal] = /^Seal (\d+) begins/.exec(begun)!;
    expect((await site.cli(["audit", "verify"])).code).toBe(5);
    broken = ["--accept-break", seal!];
    expect(await site.json("audit", "verify", ...broken)).toMatchObject({ valid: true });
    await site.night();
  });

  it("the seat that was taken with a forged key is freed", async () => {
    const held = await site.json("instances", "list", "--license", license.id, "--active");
    const thief = held.find(({ instance_id }: { instance_id: string }) => instance_id === "thief-1");
    await site.ok("instances", "free", thief.id, "--yes");
    expect(await site.json("instances", "list", "--license", license.id, "--active")).toHaveLength(2);
  });

  it("who came too late is refused, until the new key is there", async () => {
    expect((await checkIn(late)).body.code).toBe("LICENSE_KEY_INVALID");
    const again = await install((await site.ok("licenses", "key", license.id)).trim(), "late");
    expect(decodeJwt(again.certificate).jti).toBe(decodeJwt(late.certificate).jti);
  });
});

describe("leaked-admin-token.md", () => {
  let thief: { api_token: { id: string }; token: string };
  let license: { id: string; key: string };
  let running: Installation;
  let cookie: string;
  let seen: string;

  const signIn = async (token: string): Promise<string> => {
    const response = await fetch(`${site.url}/admin/sign-in`, {
      method: "POST",
      body: new URLSearchParams({ token }),
      headers: { Origin: site.url, "Sec-Fetch-Site": "same-origin" },
      redirect: "manual",
    });
    return response.headers.get("Set-Cookie")!.split(";")[0]!;
  };

  const page = async (session: string): Promise<number> =>
    (await fetch(`${site.url}/admin`, { headers: { Cookie: session }, redirect: "manual" })).status;

  const events = (actor: string): Promise<{ action: string; entity: { id: string } }[]> =>
    site.json("events", "--actor", actor, "--all");

  beforeAll(async () => {
    license = await issue("token");
    running = await install(license.key);
    thief = (await site.call("/v1/admin/api-tokens", { name: "CI", role: "owner" })).body;
    // What somebody who found the token might do.
    cookie = await signIn(thief.token);
    seen = (await site.call(`/v1/admin/licenses/${license.id}/key`, undefined, thief.token)).body.license_key;
    await site.call("/v1/admin/api-tokens", { name: "Backdoor", role: "owner" }, thief.token);
  });

  it("revoking it ends its sessions with it, at once", async () => {
    expect(await page(cookie)).toBe(200);
    await site.ok("tokens", "revoke", thief.api_token.id, "--yes");
    expect((await site.call("/v1/admin/me", undefined, thief.token)).status).toBe(401);
    expect(await page(cookie)).toBe(303);
  });

  it("the record tells what was done with it, and what to undo", async () => {
    const done = await events(thief.api_token.id);
    expect(done.map(({ action }) => action)).toEqual([
      "api_token.created",
      "license.key_revealed",
      "session.opened",
    ]);
    for (const { action, entity } of done) {
      if (action === "api_token.created") await site.ok("tokens", "revoke", entity.id, "--yes");
      if (action === "license.key_revealed")
        await site.ok("licenses", "reissue", entity.id, "--reason", "A token that could see it leaked.");
    }
    const left = await site.json("tokens", "list", "--all");
    expect(left.every(({ revoked_at }: { revoked_at: string | null }) => revoked_at !== null)).toBe(true);
  });

  it("the key that was seen is refused, and the instance that runs goes over to the new one", async () => {
    expect(
      (await site.call("/v1/activate", { license_key: seen, instance_id: "thief" }, null)).body.code,
    ).toBe("LICENSE_KEY_SUPERSEDED");
    await checkInAndKeep(running);
    expect(decodeJwt(running.license_key)["rev"]).toBe(2);
  });

  it("ADMIN_TOKEN is replaced by a deploy, and its sessions end with it", async () => {
    const leaked = site.vars["ADMIN_TOKEN"]!;
    const session = await signIn(leaked);
    expect(await page(session)).toBe(200);
    site.vars["ADMIN_TOKEN"] = newToken();
    await site.deploy();
    expect((await site.call("/v1/admin/me", undefined, leaked)).status).toBe(401);
    expect(await page(session)).toBe(303);
    expect((await events("ADMIN_TOKEN")).length).toBeGreaterThan(0);
  });
});

describe("restore.md", () => {
  let license: { id: string; key: string };
  let running: Installation;
  let exported: string;

  const rowsOf = (csv: string): string[] => csv.trimEnd().split("\r\n").toSorted();

  beforeAll(async () => {
    license = await issue("restored", { max_instances: 1 });
    running = await install(license.key);
    await issue("scheduled", { starts_at: "2099-01-01", expires_at: "2100-01-01" });
    const { id } = await issue("stopped");
    await site.ok("licenses", "suspend", id, "--reason", "A test.");
    await site.ok("export", "--output", "licenses.csv");
    exported = readFileSync(site.file("licenses.csv"), "utf8");
    await site.night();
    await site.ok("audit", "verify", "--state", "before.json", ...broken);
  });

  it("from a dump: everything is as it was, the record and its seals included", async () => {
    await site.service!.stop();
    const dump = site.file("backup.sql");
    await site.wrangler(site.state, "d1", "export", "DB", "--output", dump);
    const empty = site.newState("from-a-dump");
    await site.wrangler(empty, "d1", "execute", "DB", "--file", dump, "--yes");
    const before = await (async () => {
      await site.deploy();
      return site.json("stats");
    })();
    // The bucket stays when the database is made anew.
    cpSync(join(site.state, "v3/r2"), join(empty, "v3/r2"), { recursive: true });
    await site.deploy(empty);
    expect(await site.json("stats")).toEqual(before);
    expect(rowsOf(await site.ok("export"))).toEqual(rowsOf(exported));
    expect(await site.json("audit", "verify", "--state", "before.json", ...broken)).toMatchObject({
      valid: true,
    });
    const seat = decodeJwt(running.certificate).jti;
    await checkInAndKeep(running);
    expect(decodeJwt(running.certificate).jti).toBe(seat);
    const { body } = await site.call(
      "/v1/activate",
      { license_key: running.license_key, instance_id: "another" },
      null,
    );
    expect(body.code).toBe("ACTIVATION_LIMIT_REACHED");
  });

  it("from an export: the same licenses and keys, and installations activate again by themselves", async () => {
    await site.deploy(site.newState("from-an-export"));
    expect((await site.json("stats")).total).toBe(0);
    await site.ok("import", "licenses", "licenses.csv", "--dry-run");
    await site.ok("import", "licenses", "licenses.csv");
    expect(rowsOf(await site.ok("export"))).toEqual(rowsOf(exported));
    // The seats are gone with the database; who is told so activates, and needs nobody for it.
    expect((await checkIn(running)).body.code).toBe("INSTANCE_NOT_ACTIVATED");
    expect(await verified(running.certificate)).toBe("VALID");
    const again = await install(running.license_key);
    expect(decodeJwt(again.license_key)["jti"]).toBe(license.id);
  });

  it("what is lost by an export shows: contacts, seats, the record", async () => {
    expect(await site.json("customers", "show", "restored")).toMatchObject({ name: "restored", email: null });
    expect(await site.json("instances", "list", "--all")).toHaveLength(1);
    const { code, out } = await site.cli(["audit", "verify", "--state", "before.json", ...broken]);
    expect(code).toBe(5);
    expect(out).toContain("is gone");
  });
});
