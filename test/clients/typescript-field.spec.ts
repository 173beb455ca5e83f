// What people and tools do to files, ids and folders of the TypeScript client.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compactVerify, decodeJwt, importJWK } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  FileStorage,
  type LicenseError,
  type LicenseOptions,
  MemoryStorage,
  NodeLicense,
} from "../../src/clients/typescript/src/node.ts";
import { canonicalAddress, cleanKey, decodeText } from "../../src/clients/typescript/src/texts.ts";
import { open, scripted, stateFolder } from "./support/scripted.ts";
import { signedByNobody, WEAK } from "../support/weak-key.ts";
import { createSigner } from "./support/signer.ts";

const issuer = "https://licenses.example";
const NOW = Date.parse("2027-01-05T00:00:00.000Z");
const DAY = 86_400_000;

const signer = await createSigner(issuer);
const [key, otherKey] = [await signer.licenseKey("lic_1"), await signer.licenseKey("lic_2")];

let folder: ReturnType<typeof stateFolder>;
let said: string[];

beforeEach(() => {
  folder = stateFolder();
  said = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

const license = (options: Partial<LicenseOptions> = {}) =>
  open({
    issuer,
    trustedKeys: signer.trustedKeys,
    licenseKey: key,
    storage: folder.storage,
    clock: () => NOW,
    onError: (error) => said.push(String(error)),
    ...options,
  });

const put = (name: string, text: string | Uint8Array): void => writeFileSync(join(folder.path, name), text);
const asides = (): string[] => readdirSync(folder.path).filter((name) => name.includes(".broken-"));
const utf16 = (text: string): Uint8Array => new Uint8Array([0xff, 0xfe, ...Buffer.from(text, "utf16le")]);

it("a trusted key that anybody can sign for verifies nothing", async () => {
  const licenseKey = signedByNobody("license+jwt", {
    iss: issuer,
    sub: "acme",
    jti: "lic_1",
    rev: 1,
    features: [],
  });
  const trustedKeys = { keys: [...signer.trustedKeys.keys, WEAK] };
  const opened = await license({ trustedKeys, licenseKey, fetchKeys: false });
  expect(opened.status()).toMatchObject({ state: "refused", code: "SIGNING_KEY_UNKNOWN" });
});

describe("an instance_id file", () => {
  it.each([
    ["with a byte order mark and CRLF", "\uFEFFrack-7\r\n"],
    ["with blanks around it", "  rack-7 \n\n"],
    ["without a newline", "rack-7"],
  ])("%s is read, and stays as it is", async (_, text) => {
    put("instance_id", text);
    expect((await license()).instanceId).toBe("rack-7");
    expect(readFileSync(join(folder.path, "instance_id"), "utf8")).toBe(text);
    expect(asides()).toEqual([]);
  });

  it("is one name in whatever form it is written", async () => {
    put("instance_id", "mu\u0308nchen");
    expect((await license()).instanceId).toBe("m\u00FCnchen");
  });

  it.each([
    ["UTF-16", utf16("rack-7\r\n"), /UTF-16/],
    ["no text", new Uint8Array([0xc3, 0x28, 0xff]), /not UTF-8/],
    ["too long", Buffer.from("x".repeat(129)), /cannot be used/],
    ["several lines", Buffer.from("one\ntwo\n"), /cannot be used/],
  ])("that is %s is set aside and told, never written over", async (_, bytes, told) => {
    put("instance_id", bytes);
    const { instanceId } = await license();
    expect(instanceId).toMatch(/^[0-9a-f-]{36}$/);
    expect(readFileSync(join(folder.path, asides()[0]!))).toEqual(Buffer.from(bytes));
    expect(said.join("\n")).toMatch(told);
    expect((await license()).instanceId).toBe(instanceId);
    expect(asides()).toHaveLength(1);
  });

  it("that is empty is filled", async () => {
    put("instance_id", "\n");
    const { instanceId } = await license({ instanceId: " rack-8 " });
    expect(instanceId).toBe("rack-8");
    expect(readFileSync(join(folder.path, "instance_id"), "utf8")).toBe("rack-8\n");
    expect(asides()).toEqual([]);
  });
});

describe("files", () => {
  it("with a byte order mark are read: the state, the trusted keys, a license file", async () => {
    await (await license()).flush();
    put("state.json", `\uFEFF${readFileSync(join(folder.path, "state.json"), "utf8")}`);
    put("keys.json", `\uFEFF${JSON.stringify(signer.trustedKeys)}`);
    vi.stubEnv("CAIO_LICENSE_KEYS", join(folder.path, "keys.json"));
    const node = await NodeLicense.open({ issuer, folder: folder.path, background: false, clock: () => NOW });
    expect(node.status()).toMatchObject({ licenseId: "lic_1" });
    expect(asides()).toEqual([]);
    const { nonce } = JSON.parse(await node.activationRequest());
    const certificate = await signer.certificate("lic_1", NOW / 1000, { nonce, sub: node.instanceId });
    const file = JSON.stringify({ license_key: `"${key}"`, certificate: `${certificate}\r\n` });
    put("vendor.caio-license", `\uFEFF${file}`);
    expect(await node.readLicenseFile(join(folder.path, "vendor.caio-license"))).toMatchObject({
      state: "entitled",
    });
  });

  it.each([
    [utf16(JSON.stringify(signer.trustedKeys)), /keys\.json is UTF-16/],
    ['{"keys":', /no JWK Set/],
    ["[".repeat(100_000), /no JWK Set/],
    ["[]", /no JWK Set/],
    ["{}", /no JWK Set/],
    [null, /ENOENT/],
  ])("that hold no pinned keys are told, and stop nobody (%#)", async (content, told) => {
    if (content !== null) put("keys.json", content);
    vi.stubEnv("CAIO_LICENSE_KEYS", join(folder.path, "keys.json"));
    const onError = (error: unknown): unknown => said.push(String(error));
    const options = { issuer, folder: folder.path, licenseKey: key, background: false, onError };
    const node = await NodeLicense.open(options);
    expect(said.join("\n")).toMatch(/CAIO_LICENSE_KEYS is passed over/);
    expect(said.join("\n")).toMatch(told);
    expect(node.status()).toMatchObject({ mayRun: true });
  });

  it("that are UTF-16 are refused by that name", async () => {
    put("vendor.caio-license", utf16("{}"));
    const node = await NodeLicense.open({ issuer, folder: folder.path, background: false });
    await expect(node.readLicenseFile(join(folder.path, "vendor.caio-license"))).rejects.toMatchObject({
      code: "LICENSE_FILE_INVALID",
      message: expect.stringContaining("UTF-16"),
    });
  });
});

describe("a user without a home", () => {
  it("has the license in memory, and is told once", async () => {
    writeFileSync(join(folder.path, "file"), "");
    vi.stubEnv("HOME", join(folder.path, "file"));
    const node = await NodeLicense.open({
      issuer,
      licenseKey: key,
      trustedKeys: signer.trustedKeys,
      background: false,
      clock: () => NOW,
      onError: (error) => said.push((error as LicenseError).code),
    });
    node.countRequests(3);
    await node.close();
    expect(node.status()).toMatchObject({ mayRun: true, warnings: ["INDETERMINATE_ENDS", "STATE_NOT_KEPT"] });
    expect(said.filter((code) => code === "STATE_NOT_KEPT")).toHaveLength(1);
  });

  it("that gets a place to write keeps what it had in memory", async () => {
    const path = join(folder.path, "later");
    writeFileSync(path, "");
    const client = await license({ storage: new FileStorage(path) });
    client.countRequests(3);
    await client.flush();
    expect(client.status().warnings).toContain("STATE_NOT_KEPT");
    rmSync(path);
    await client.flush();
    expect(client.status().warnings).not.toContain("STATE_NOT_KEPT");
    const state = JSON.parse(readFileSync(join(path, "state.json"), "utf8"));
    expect(state).toMatchObject({ license_key: key, usage: { "2027-01-05": { requests: 3 } } });
  });
});

describe("the air gap", () => {
  const cnf = (request: Record<string, unknown>) => ({
    nonce: request["nonce"],
    cnf: { jwk: request["public_key"] },
  });

  it("is asked for with a proof that the installation's own key signs", async () => {
    const client = await license({ instanceId: "i-1", leaseHours: 24 });
    const request = JSON.parse(await client.activationRequest());
    const { payload, protectedHeader } = await compactVerify(
      request.proof,
      await importJWK(request.public_key, "EdDSA"),
    );
    expect(protectedHeader).toMatchObject({ alg: "EdDSA", typ: "activation-request+jwt" });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      instance_id: "i-1",
      nonce: request.nonce,
      iat: NOW / 1000,
    });
    expect(request).toMatchObject({ lease_hours: 24, instance_id: "i-1" });
  });

  it.each(["the client that loaded it", "a client of before"])(
    "is not closed by the file of %s, loaded again after an online check-in",
    async (whose) => {
      const script = scripted();
      let now = NOW;
      const client = await license({ instanceId: "i-1", fetch: script.fetch, clock: () => now });
      const request = JSON.parse(await client.activationRequest());
      const certificate = await signer.certificate("lic_1", NOW / 1000, { ...cnf(request), jti: "act_1" });
      const file = JSON.stringify({ license_key: key, certificate });
      await client.loadLicenseFile(file);
      now += DAY;
      const online = {
        license_key: key,
        certificate: await signer.certificate("lic_1", now / 1000, { jti: "act_1" }),
      };
      const headers = { "content-type": "application/json" };
      script.answers = [{ status: 200, headers, body: JSON.stringify(online) }];
      await client.checkIn();
      if (whose === "a client of before")
        put("state.json", JSON.stringify({ ...folder.state(), license_file_sha256: null }));
      const before = client.status();
      expect(await client.loadLicenseFile(file)).toEqual(before);
      expect(folder.state()).toMatchObject({ certificate: online.certificate });
    },
  );

  it("is asked about the key that waits, and the answer takes it in", async () => {
    const client = await license({ instanceId: "i-1" });
    await client.installKey(otherKey);
    const request = JSON.parse(await client.activationRequest());
    expect(decodeJwt(request.license_key).jti).toBe("lic_2");
    const certificate = await signer.certificate("lic_2", NOW / 1000, cnf(request));
    const file = JSON.stringify({ license_key: otherKey, certificate });
    expect(await client.loadLicenseFile(file)).toMatchObject({
      state: "entitled",
      licenseId: "lic_2",
      candidate: null,
    });
    const restarted = await license({ instanceId: "i-1" });
    expect(restarted.status()).toMatchObject({ state: "entitled", licenseId: "lic_2", candidate: null });
  });
});

describe("the state of a client of before", () => {
  const before = async (more: object = {}) => ({
    version: 1,
    license_key: key,
    installed_key_sha256: null,
    certificate: await signer.certificate("lic_1", NOW / 1000),
    revocations: null,
    jwks: null,
    high_water: "2027-01-05T00:00:00.000Z",
    refusal: null,
    warnings: [],
    next_check_in: "2027-01-06T00:00:00.000Z",
    last_attempt_at: "2027-01-05T00:00:00.000Z",
    failures: 0,
    usage: { "2027-01-05": { requests: 7, services: 1 } },
    acknowledged: {},
    usage_license_id: "lic_1",
    seats_active: 1,
    offline_requests: [],
    ...more,
  });

  it("opens and goes on, with the instance id that was given in code beside another in the file", async () => {
    put("state.json", JSON.stringify(await before()));
    put("instance_id", "made-earlier\n");
    const client = await license({ instanceId: "i-1" });
    expect(client.instanceId).toBe("i-1");
    expect(client.status()).toMatchObject({ state: "entitled", warnings: [], candidate: null });
    expect(folder.state()).toMatchObject({ usage: { "2027-01-05": { requests: 7 } } });
  });

  it("tells a clock that was set back by the days that it counted on", async () => {
    put(
      "state.json",
      JSON.stringify(await before({ usage: { "2028-02-09": { requests: 1, services: 0 } } })),
    );
    put("instance_id", "i-1\n");
    expect((await license()).status().warnings).toEqual(["CLOCK_SET_BACK"]);
  });

  it("that is broken gives its key back: it is read out of what is left", async () => {
    put("state.json", JSON.stringify(await before()).slice(0, -40));
    put("instance_id", "i-1\n");
    const client = await license({ licenseKey: undefined });
    expect(client.status()).toMatchObject({ state: "entitled", licenseId: "lic_1" });
    expect(asides()).toHaveLength(1);
  });
});

describe("options that are none", () => {
  it.each([0, 8761, 1.5, Number.NaN])("%d lease hours are refused in code", async (leaseHours) => {
    await expect(license({ leaseHours, storage: new MemoryStorage() })).rejects.toThrow(RangeError);
  });

  it("are passed over in the environment, and told", async () => {
    vi.stubEnv("CAIO_LICENSE_LEASE_HOURS", "1 day");
    vi.stubEnv("CAIO_LICENSE_INSTANCE_ID", "a\u0001b");
    const onError = (error: unknown): unknown => said.push(String(error));
    const node = await NodeLicense.open({ issuer, folder: folder.path, background: false, onError });
    await node.close();
    expect(said.join("\n")).toMatch(/CAIO_LICENSE_LEASE_HOURS/);
    expect(said.join("\n")).toMatch(/CAIO_LICENSE_INSTANCE_ID/);
    expect(node.instanceId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("texts", () => {
  it("of files have no byte order mark, and one in the middle stays", () => {
    expect(decodeText(Buffer.from("\uFEFFa\uFEFFb"), "file")).toBe("a\uFEFFb");
  });

  it.each([
    ["a.b.c", "a.b.c"],
    ["", ""],
    ["''", ""],
    ["KEY=", ""],
    ["export  KEY = 'a.b.c' ", "a.b.c"],
    ['<"a.b.c">', "a.b.c"],
    ["\"a.b.c'", "\"a.b.c'"],
    ["\u202Ea.\u2066b.c\u00AD", "a.b.c"],
    ["1KEY=a", "1KEY=a"],
  ])("the key in %j is %j", (text, clean) => expect(cleanKey(text)).toBe(clean));

  it("that are far too long are no key, and keep nobody busy", () => {
    const begin = performance.now();
    for (const text of ['"'.repeat(1_000_000), "A=".repeat(500_000)]) expect(cleanKey(text)).toBe(text);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  it.each([
    ["HTTPS://Licensing.Example:443/", "https://licensing.example"],
    ["http://licensing.example.:80", "http://licensing.example"],
    ["https://licensing.example.:8443/Path/", "https://licensing.example:8443/Path"],
    ["http://licensing.example:443", "http://licensing.example:443"],
    ["\uFEFFhttps://licensing.example//\n", "https://licensing.example"],
    ["https://[::1]:8787/", "https://[::1]:8787"],
    ["https://user:secret@licensing.example/path/?a=1#b", "https://licensing.example/path"],
    ["https://licensing.\r\nexample", "https://licensing.example"],
    ["acme licensing", "acme licensing"],
  ])("%j is the address %j", (text, address) => expect(canonicalAddress(text)).toBe(address));
});

it("a folder that is not there yet is made for its owner alone", async () => {
  mkdirSync(join(folder.path, "deep"), { mode: 0o700 });
  const client = await license({ storage: new FileStorage(join(folder.path, "deep", "er")) });
  await client.flush();
  expect(readdirSync(join(folder.path, "deep", "er"))).toContain("state.json");
});
