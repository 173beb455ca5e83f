// What the TypeScript client keeps and counts, and what it says about itself.
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backOff, waitOf } from "../../src/clients/typescript/src/answers.ts";
import {
  FileStorage,
  License,
  LicenseError,
  MemoryStorage,
  type Storage,
} from "../../src/clients/typescript/src/node.ts";
import { addUsage, reportOf, settle } from "../../src/clients/typescript/src/usage.ts";
import { resolveConformance } from "../support/conformance.ts";
import { open, scripted, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const { cases, issuer, nonce: answered } = await resolveConformance();
const [entitled] = cases;
const activation = cases.find(({ name }) => name === "the first answer activates")!;
const NOW = Date.parse("2027-01-05T00:00:00.000Z");
const DAY = 86_400_000;

const signer = await createSigner(issuer);
const [firstKey, secondKey] = [await signer.licenseKey("lic_1"), await signer.licenseKey("lic_2")];

const known = { issuer, trustedKeys: entitled!.jwks, instanceId: "i-1", licenseKey: entitled!.license_key! };

let folder: ReturnType<typeof stateFolder>;

beforeEach(() => {
  folder = stateFolder();
  vi.spyOn(crypto, "randomUUID").mockReturnValue(answered);
});

afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

describe("usage", () => {
  const day = (n: number): string => new Date(Date.UTC(2027, 0, n)).toISOString().slice(0, 10);

  it("adds requests, and of services keeps the most at a time", () => {
    const usage = addUsage(
      { [day(1)]: { requests: 2, services: 9 } },
      { [day(1)]: { requests: 3, services: 4 } },
    );
    expect(usage).toEqual({ [day(1)]: { requests: 5, services: 9 } });
  });

  it("keeps 400 days, the latest", () => {
    const days = Object.fromEntries(
      Array.from({ length: 401 }, (_, n) => [day(n), { requests: n, services: 0 }]),
    );
    const report = reportOf(addUsage({}, days));
    expect(report).toHaveLength(400);
    expect(report[0]).toEqual({ date: day(1), requests: 1, services: 0 });
  });

  const two = { requests: 2, services: 0 };
  it.each([
    ["a day before yesterday that was told in full is dropped", 8, 2, false],
    ["yesterday is kept", 9, 2, true],
    ["today is kept", 10, 2, true],
    ["an old day that was counted on meanwhile is kept", 8, 1, true],
  ])("%s", (_, n, told, kept) => {
    const sent = { [day(n)]: { requests: told, services: 0 } };
    const days = { usage: { [day(n)]: two }, acknowledged: {}, settled: {} };
    const { usage, acknowledged } = settle(days, sent, Date.UTC(2027, 0, 10, 12));
    expect(Object.keys(usage)).toEqual(kept ? [day(n)] : []);
    expect(Object.keys(acknowledged)).toEqual(kept ? [day(n)] : []);
  });

  it("of a day that has not begun anywhere is not taken for acknowledged", () => {
    const usage = { [day(12)]: two };
    const days = { usage, acknowledged: {}, settled: {} };
    expect(settle(days, usage, Date.UTC(2027, 0, 10, 12)).acknowledged).toEqual({});
    expect(settle(days, usage, Date.UTC(2027, 0, 11, 0)).acknowledged).toEqual(usage);
  });

  it("goes on over midnight with the services that run on", async () => {
    let now = NOW;
    const license = await open({ ...known, storage: folder.storage, clock: () => now });
    license.setServices(6);
    now += DAY;
    await license.flush();
    expect(folder.state()["usage"]).toEqual({
      "2027-01-05": { requests: 0, services: 6 },
      "2027-01-06": { requests: 0, services: 6 },
    });
  });

  it.each([-1, 1.5, Number.NaN, Infinity])("refuses to count %d", async (n) => {
    const license = await open({ ...known, storage: new MemoryStorage() });
    expect(() => license.countRequests(n)).toThrow(RangeError);
    expect(() => license.setServices(n)).toThrow(RangeError);
  });

  it("of four processes that share a folder adds up", async () => {
    const counter = join(import.meta.dirname, "support/counter.ts");
    const children = [1, 2, 3, 4].map(() =>
      fork(counter, [folder.path, JSON.stringify(known), "25"], { stdio: "inherit" }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    const [figures] = Object.values(folder.state()["usage"]);
    expect(figures).toMatchObject({ requests: 100 });
  });
});

describe("the state folder", () => {
  it("is read by its owner alone, and holds no half-written file", async () => {
    const license = await open({ issuer, storage: folder.storage, licenseKey: "x" });
    license.countRequests();
    await license.flush();
    expect(readdirSync(folder.path).toSorted()).toEqual(["instance_id", "kept.json", "state.json"]);
    for (const name of ["instance_id", "kept.json", "state.json"])
      expect(statSync(join(folder.path, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder.path, "instance_id"), "utf8").trim()).toBe(license.instanceId);
  });

  it.each(["", "{", '{"license_key": "x"', "{}", '{"version": 2}', "[]", "null", "\0\0\0\0"])(
    "with a broken state %j goes on without it, and sets it aside",
    async (text) => {
      writeFileSync(join(folder.path, "state.json"), text);
      const license = await open({ ...known, storage: folder.storage, clock: () => NOW });
      expect(license.status()).toMatchObject({ state: "indeterminate", code: "NOT_ACTIVATED" });
      const aside = readdirSync(folder.path).find((name) => name.startsWith("state.json.broken-"));
      expect(readFileSync(join(folder.path, aside!), "utf8")).toBe(text);
    },
  );

  it("with members of the wrong types reads what is right", async () => {
    const state = {
      version: 1,
      license_key: 7,
      usage: [],
      high_water: "x",
      refusal: { code: "NONSENSE" },
      warnings: [1, "A"],
    };
    await folder.storage.write("state.json", JSON.stringify(state));
    const license = await open({ ...known, storage: folder.storage, clock: () => NOW });
    expect(license.status()).toMatchObject({ state: "indeterminate", code: "NOT_ACTIVATED" });
  });

  it("tells the service no usage that it would not take", async () => {
    const figures = (requests: unknown) => ({ requests, services: 0 });
    const usage = {
      hello: figures(1),
      "2027-02-30": figures(1),
      "2027-01-01": figures(1.5),
      "2027-01-02": figures(-1),
      "2027-01-03": figures(1e30),
      "2027-01-04": figures(7),
    };
    await folder.storage.write("state.json", JSON.stringify({ version: 1, usage }));
    const license = await open({ ...known, storage: folder.storage, clock: () => NOW });
    await license.flush();
    expect(folder.state()["usage"]).toEqual({
      "2027-01-01": figures(1),
      "2027-01-02": figures(0),
      "2027-01-03": figures(1_000_000_000_000),
      "2027-01-04": figures(7),
    });
  });

  it("that cannot be written any more stops nobody, and catches up", async () => {
    const errors: unknown[] = [];
    let broken = false;
    const storage: Storage = {
      read: (name) => folder.storage.read(name),
      write: async (name, text) => {
        if (broken) throw new Error("no space left");
        await folder.storage.write(name, text);
      },
    };
    const script = scripted();
    script.answers = [...activation.steps[0]!.answers!];
    const license = await open({
      ...known,
      storage,
      fetch: script.fetch,
      clock: () => NOW,
      onError: (error) => errors.push(error),
    });
    broken = true;
    license.countRequests(3);
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    license.countRequests(4);
    await license.flush();
    expect(errors.length).toBeGreaterThan(0);
    broken = false;
    await license.flush();
    expect(folder.state()).toMatchObject({ usage: { "2027-01-05": { requests: 7 } }, failures: 0 });
    const again = await open({ ...known, storage, clock: () => NOW });
    expect(again.status()).toMatchObject({ state: "entitled" });
  });

  it("that cannot be locked is read, and nobody stops", async () => {
    const script = scripted();
    script.answers = [...activation.steps[0]!.answers!];
    const first = await open({ ...known, storage: folder.storage, fetch: script.fetch, clock: () => NOW });
    await first.checkIn();
    const readOnly: Storage = {
      read: (name) => folder.storage.read(name),
      write: () => Promise.reject(new Error("read-only")),
      exclusively: () => Promise.reject(new Error("read-only")),
    };
    const { instanceId: _, ...rest } = known;
    writeFileSync(join(folder.path, "instance_id"), "i-1\n");
    const license = await open({ ...rest, storage: readOnly, clock: () => NOW });
    expect(license.status()).toMatchObject({ state: "entitled" });
    license.countRequests(2);
    await license.flush();
    expect(license.metrics()).toContain("caio_license_requests_today 2\n");
  });

  it("takes over what others wrote while it could not be written itself", async () => {
    let broken = true;
    const storage: Storage = {
      read: (name) => folder.storage.read(name),
      write: (name, text) =>
        broken ? Promise.reject(new Error("no space left")) : folder.storage.write(name, text),
    };
    const other = await open({ ...known, storage: folder.storage, clock: () => NOW });
    const license = await open({ ...known, storage, clock: () => NOW, fetch: scripted().fetch });
    license.countRequests(3);
    await license.checkIn();
    other.countRequests(4);
    await other.flush();
    broken = false;
    await license.flush();
    expect(folder.state()).toMatchObject({ usage: { "2027-01-05": { requests: 7 } }, failures: 1 });
  });

  it.each(["\0".repeat(37), "x".repeat(129), " "])("with the instance id %j makes one anew", async (text) => {
    writeFileSync(join(folder.path, "instance_id"), text);
    const { instanceId } = await open({ issuer, storage: folder.storage });
    expect(instanceId).toMatch(/^[0-9a-f-]{36}$/);
    expect(readFileSync(join(folder.path, "instance_id"), "utf8").trim()).toBe(instanceId);
  });

  it.each([null, "", "\0".repeat(37)])(
    "with the instance id %j finds it in the certificate",
    async (text) => {
      const { instanceId: _, ...rest } = known;
      const { license_key, certificate } = entitled!;
      await folder.storage.write("state.json", JSON.stringify({ version: 1, license_key, certificate }));
      if (text !== null) writeFileSync(join(folder.path, "instance_id"), text);
      const license = await open({ ...rest, storage: folder.storage, clock: () => NOW });
      expect(license.status()).toMatchObject({ state: "entitled" });
      expect(readFileSync(join(folder.path, "instance_id"), "utf8")).toBe("i-1\n");
    },
  );

  it("is not locked for good by a process that died", async () => {
    const lock = join(folder.path, "lock.node");
    writeFileSync(lock, "");
    const long = new Date(Date.now() - 60_000);
    utimesSync(lock, long, long);
    expect(await new FileStorage(folder.path).exclusively(async () => "mine")).toBe("mine");
    expect(existsSync(lock)).toBe(false);
  });

  it("is not locked by a lock from the time before the clock was set back", async () => {
    const lock = join(folder.path, "lock.node");
    writeFileSync(lock, "");
    const ahead = new Date(Date.now() + DAY);
    utimesSync(lock, ahead, ahead);
    const started = performance.now();
    expect(await new FileStorage(folder.path).exclusively(async () => "mine")).toBe("mine");
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(existsSync(lock)).toBe(false);
  });

  it("lets one in at a time", async () => {
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        new FileStorage(folder.path).exclusively(async () => {
          expect(++inside).toBe(1);
          await folder.storage.read("state.json");
          inside--;
        }),
      ),
    );
  });

  it("that cannot hold anything is told once, and stops nobody", async () => {
    writeFileSync(join(folder.path, "file"), "");
    const errors: unknown[] = [];
    const storage = new FileStorage(join(folder.path, "file"));
    const license = await open({ ...known, storage, onError: (error) => errors.push(error) });
    for (let n = 0; n < 3; n++) {
      license.countRequests();
      await license.flush();
    }
    expect(license.status()).toMatchObject({
      code: "NOT_ACTIVATED",
      mayRun: true,
      warnings: ["INDETERMINATE_ENDS", "STATE_NOT_KEPT"],
    });
    expect(errors.filter((error) => error instanceof LicenseError)).toMatchObject([
      { code: "STATE_NOT_KEPT" },
    ]);
  });

  it("keeps an instance id that somebody chose", async () => {
    writeFileSync(join(folder.path, "instance_id"), "rack-7\n");
    chmodSync(join(folder.path, "instance_id"), 0o600);
    expect((await open({ issuer, storage: folder.storage })).instanceId).toBe("rack-7");
    for (const instanceId of ["", " ", "a\nb", "x".repeat(129)])
      await expect(open({ issuer, storage: folder.storage, instanceId })).rejects.toThrow(TypeError);
  });
});

describe("the time of the next check-in", () => {
  const at = (instant: string): number => Date.parse(instant) / 1000;
  const lease = (check_in_at: string | null) => ({
    iat: at("2027-01-01T00:00:00Z"),
    exp: at("2027-01-31T00:00:00Z"),
    check_in_at,
  });

  it.each([
    ["the interval", "2027-01-02T00:00:00Z", 0, DAY],
    ["the interval and a tenth", "2027-01-02T00:00:00Z", 1, 1.1 * DAY],
    ["at most three quarters of the lease", "2027-01-23T00:00:00Z", 1, 22.5 * DAY],
    ["a day where nothing is said", null, 0, DAY],
    ["a minute at least", "2027-01-01T00:00:00Z", 0, 60_000],
  ])("is %s", (_, checkInAt, random, wait) => {
    expect(waitOf(lease(checkInAt), () => random)).toBeCloseTo(wait, -2);
  });

  it.each([
    [1, 30_000],
    [2, 60_000],
    [7, 1_920_000],
    [8, 3_600_000],
    [5_000, 3_600_000],
  ])("after %d failures is spread over %d ms", (failures, ceiling) => {
    expect(backOff(failures, null, () => 1)).toBe(ceiling);
    expect(backOff(failures, null, () => 0.5)).toBe(ceiling / 2);
    expect(backOff(failures, null, () => 0)).toBe(1_000);
    expect(backOff(failures, 7_200_000, () => 1)).toBe(7_200_000);
  });

  it("is kept by checkInIfDue, and passed over where the clock was set back behind the last attempt", async () => {
    let now = NOW;
    const script = scripted();
    const license = await open({ ...known, storage: folder.storage, fetch: script.fetch, clock: () => now });
    await license.checkInIfDue();
    await license.checkInIfDue();
    expect(script.requests).toHaveLength(1);
    now += 30_001;
    await license.checkInIfDue();
    expect(script.requests).toHaveLength(2);
    now -= DAY;
    await license.checkInIfDue();
    expect(script.requests).toHaveLength(3);
  });
});

describe("a license key", () => {
  it("that is installed while another is asked about is not refused for that one", async () => {
    const newer = cases.find(({ name }) => name === "another key forgets what was said of the old one")!;
    const { install } = newer.steps.find((step) => step.install !== undefined)!;
    const problem = { code: "LICENSE_KEY_SUPERSEDED", detail: "Replaced." };
    const license: License = await open({
      ...known,
      storage: folder.storage,
      clock: () => NOW,
      fetch: async () => {
        await license.installKey(install!);
        return Response.json(problem, {
          status: 403,
          headers: { "Content-Type": "application/problem+json" },
        });
      },
    });
    expect(await license.checkIn()).toMatchObject({ state: "indeterminate", code: "NOT_ACTIVATED" });
    expect(folder.state()).toMatchObject({
      refusal: { code: "LICENSE_KEY_SUPERSEDED" },
      candidate: { license_key: install, state: "pending", code: null, failures: 0, next_try_at: null },
    });
  });
});

describe("another license", () => {
  const trustedKeys = signer.trustedKeys;
  const day = "2027-01-05";
  const requests = (n: number) => [{ date: day, requests: n, services: 0 }];

  /** A service that grants whatever it is asked for. */
  function granting() {
    const told: unknown[] = [];
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      if (url.endsWith("/v1/deactivate")) return new Response(null, { status: 204 });
      const { license_key, usage } = JSON.parse(init.body as string);
      if (usage) told.push(usage);
      const { jti } = decodeJwt(license_key);
      return Response.json({ license_key, certificate: await signer.certificate(jti!, NOW / 1000) });
    };
    return { told, fetch };
  }

  const given = { ...known, trustedKeys, licenseKey: firstKey, clock: () => NOW };

  it.each<[string, (license: License) => Promise<unknown>]>([
    ["that is activated with", (license) => license.activate(secondKey)],
    ["that is installed", (license) => license.installKey(secondKey).then(() => license.checkIn())],
    ["that takes the place of a seat given back", (license) => license.activate(secondKey)],
  ])("%s is told only what the one before was not", async (name, change) => {
    const { told, fetch } = granting();
    const license = await open({ ...given, storage: folder.storage, fetch });
    await license.checkIn();
    license.countRequests(100);
    await license.checkIn();
    if (name.endsWith("given back")) await license.deactivate();
    license.countRequests(3);
    await change(license);
    license.countRequests(2);
    await license.checkIn();
    expect(told).toEqual([requests(100), requests(5)]);
  });

  it("that is the same one again goes on with its figures", async () => {
    const { told, fetch } = granting();
    const license = await open({ ...given, storage: folder.storage, fetch });
    await license.checkIn();
    license.countRequests(100);
    await license.deactivate();
    await license.activate(firstKey);
    license.countRequests(2);
    await license.checkIn();
    expect(told).toEqual([requests(100), requests(102)]);
  });

  it("is told no more where nothing can be written meanwhile", async () => {
    let full = false;
    const storage: Storage = {
      read: (name) => folder.storage.read(name),
      write: (name, text) =>
        full ? Promise.reject(new Error("no space left")) : folder.storage.write(name, text),
    };
    const { told, fetch } = granting();
    const license = await open({ ...given, storage, fetch });
    await license.checkIn();
    license.countRequests(100);
    await license.checkIn();
    full = true;
    await license.activate(secondKey);
    license.countRequests(5);
    await license.checkIn();
    full = false;
    await license.checkIn();
    expect(told).toEqual([requests(100), requests(5), requests(5)]);
    expect(folder.state()).toMatchObject({ usage_license_id: "lic_2", usage: { [day]: { requests: 5 } } });
  });

  it("whose request file goes out is told only the rest, and its answer acknowledges that", async () => {
    const { fetch } = granting();
    const license = await open({ ...given, storage: folder.storage, fetch });
    await license.checkIn();
    license.countRequests(100);
    await license.checkIn();
    license.countRequests(4);
    await license.installKey(secondKey);
    const { nonce, usage } = JSON.parse(await license.activationRequest());
    expect(usage).toEqual(requests(4));
    const certificate = await signer.certificate("lic_2", NOW / 1000, { nonce });
    await license.loadLicenseFile(JSON.stringify({ license_key: secondKey, certificate }));
    const figures = { [day]: { requests: 4, services: 0 } };
    expect(folder.state()).toMatchObject({ usage: figures, acknowledged: figures });
  });
});

describe("the seat", () => {
  it("that is given back is not taken again by a check-in that waited meanwhile", async () => {
    const script = scripted();
    script.answers = [
      ...activation.steps[0]!.answers!,
      { status: 204, headers: {}, body: "" },
      ...activation.steps[0]!.answers!,
    ];
    let checkIn: Promise<unknown> | undefined;
    const license: License = await open({
      ...known,
      storage: folder.storage,
      clock: () => NOW,
      fetch: (url, init) => {
        if (url.endsWith("/v1/deactivate")) checkIn = license.checkIn();
        return script.fetch(url, init);
      },
    });
    await license.checkIn();
    await license.deactivate();
    await checkIn;
    expect(script.requests.map(({ path }) => path)).toEqual(["/v1/activate", "/v1/deactivate"]);
    expect(license.status()).toMatchObject({ code: "LICENSE_KEY_MISSING" });
  });
});

describe("a request file", () => {
  it("is not handed out where its nonce cannot be kept, and drops none that was", async () => {
    let full = false;
    const storage: Storage = {
      read: (name) => folder.storage.read(name),
      write: (name, text) =>
        full ? Promise.reject(new Error("no space left")) : folder.storage.write(name, text),
    };
    const license = await open({ ...known, storage, clock: () => NOW });
    await license.activationRequest();
    const [kept] = folder.state()["offline_requests"];
    full = true;
    license.countRequests(2);
    for (let n = 0; n < 3; n++) await expect(license.activationRequest()).rejects.toThrow("no space left");
    full = false;
    await license.flush();
    expect(folder.state()).toMatchObject({
      offline_requests: [kept],
      usage: { "2027-01-05": { requests: 2 } },
    });
  });

  it("that cannot be, without a license key, drops none either", async () => {
    const license = await open({ ...known, licenseKey: undefined, storage: folder.storage });
    await expect(license.activationRequest()).rejects.toMatchObject({ code: "LICENSE_KEY_MISSING" });
    expect(folder.state()["offline_requests"]).toEqual([]);
  });
});

describe("what a caller is told", () => {
  it("about an installation is cut to what the service takes", async () => {
    const script = scripted();
    const labels = Object.fromEntries(
      Array.from({ length: 50 }, (_, n) => [`${n}`.repeat(50), "x".repeat(999)]),
    );
    const license = await open({
      ...known,
      storage: folder.storage,
      fetch: script.fetch,
      hostname: "h".repeat(999),
      fingerprint: `f${"😀".repeat(999)}`,
      labels: { "": "x", ...labels },
    });
    await license.checkIn();
    const body = script.requests[0]!.body as { hostname: string; fingerprint: string; labels: object };
    const { hostname, fingerprint, labels: sent } = body;
    expect(hostname).toHaveLength(255);
    expect(fingerprint).toBe(`f${"😀".repeat(255)}`);
    expect(Object.keys(sent)).toHaveLength(32);
    expect(Object.entries(sent).every(([name, text]) => name.length <= 64 && text.length === 256)).toBe(true);
  });

  it("requires a feature, or says why not", async () => {
    const script = scripted();
    script.answers = [...activation.steps[0]!.answers!];
    const license = await open({ ...known, storage: folder.storage, fetch: script.fetch, clock: () => NOW });
    await license.checkIn();
    license.requireFeature("audit");
    expect(() => license.requireFeature("teleport")).toThrow(
      expect.objectContaining({ name: "LicenseError", code: "FEATURE_NOT_LICENSED" }),
    );
    const nobody = await License.open({ issuer, storage: new MemoryStorage() });
    expect(() => nobody.requireFeature("audit")).toThrow(
      expect.objectContaining({ code: "LICENSE_KEY_MISSING" }),
    );
  });

  it("may use the features of a trial while nobody vouched for the key, unless it is strict", async () => {
    const stranger = { ...known, trustedKeys: undefined, clock: () => NOW };
    const license = await open({ ...stranger, storage: new MemoryStorage(), fetch: scripted().fetch });
    expect(license.status()).toMatchObject({ code: "SIGNING_KEY_UNKNOWN", mayRun: true, licenseId: null });
    license.requireFeature("orchestration");
    expect(() => license.requireFeature("audit")).toThrow(
      expect.objectContaining({ code: "FEATURE_NOT_LICENSED" }),
    );
    const strict = await open({ ...stranger, storage: new MemoryStorage(), onIndeterminate: "deny" });
    expect(() => strict.requireFeature("orchestration")).toThrow(
      expect.objectContaining({ code: "SIGNING_KEY_UNKNOWN" }),
    );
  });

  it("is OpenMetrics text", async () => {
    const script = scripted();
    script.answers = [...activation.steps[0]!.answers!];
    let now = NOW;
    const license = await open({ ...known, storage: folder.storage, fetch: script.fetch, clock: () => now });
    await license.checkIn();
    license.countRequests(12);
    license.setServices(3);
    now -= DAY;
    const text = license.metrics();
    expect(text.split("\n")).toEqual(
      expect.arrayContaining([
        'caio_license_state{caio_license_state="entitled"} 1',
        'caio_license_state{caio_license_state="refused"} 0',
        "caio_license_may_run 1",
        "caio_license_lease_days_left 31",
        "caio_license_requests_today 12",
        "caio_license_requests_limit 1000",
        "caio_license_services 3",
        'caio_license_warning{code="CLOCK_SET_BACK"} 1',
      ]),
    );
    expect(text).toMatch(/\n# EOF\n$/);
  });

  it("needs to know where the service is, or who it is", async () => {
    await expect(License.open({ storage: new MemoryStorage() })).rejects.toThrow(/its url, or the issuer/);
  });

  it("is offline where no url is given: nothing is asked", async () => {
    const script = scripted();
    const license = await License.open({ ...known, storage: folder.storage, fetch: script.fetch });
    expect(await license.checkIn()).toMatchObject({ code: "NOT_ACTIVATED" });
    await license.checkInIfDue();
    expect(script.requests).toEqual([]);
  });

  it("reads no answer without end", async () => {
    const endless = async () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) }),
        { headers: { "Content-Type": "application/json" } },
      );
    const license = await open({ ...known, storage: folder.storage, fetch: endless, clock: () => NOW });
    expect(await license.checkIn()).toMatchObject({ code: "NOT_ACTIVATED" });
    expect(folder.state()["failures"]).toBe(1);
  });
});

describe("a revocation list", () => {
  it("is asked for where none is passed on, and an older one does not take its place", async () => {
    const trustedKeys = { keys: [...known.trustedKeys.keys, ...signer.trustedKeys.keys] };
    const list: typeof signer.revocations = (...about) => signer.revocations(...about);
    let body: string | null = await list(NOW / 1000, ["lic_1"]);
    const license = await open({
      ...known,
      trustedKeys,
      storage: folder.storage,
      clock: () => NOW,
      fetch: async () => new Response(body, { status: body === null ? 503 : 200 }),
    });
    const revoked = { state: "refused", code: "LICENSE_REVOKED" };
    expect(await license.loadRevocations()).toMatchObject(revoked);
    expect(await license.loadRevocations(await list(NOW / 1000 - 1, []))).toMatchObject(revoked);
    body = null;
    await expect(license.loadRevocations()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await expect(license.loadRevocations("x")).rejects.toMatchObject({ code: "REVOCATION_LIST_INVALID" });
    expect(license.status()).toMatchObject(revoked);
    expect(await license.loadRevocations(await list(NOW / 1000 + 1, []))).toMatchObject({
      code: "NOT_ACTIVATED",
    });
  });

  it.each([
    ["of 100 000 licenses is taken, fetched or passed on", 100_000, null],
    ["of more than 4 MiB is not", 130_000, "REVOCATION_LIST_INVALID"],
  ])("%s", async (_, entries, code) => {
    const ids = Array.from({ length: entries }, (__, n) => `lic_${n}`.padEnd(22, "0"));
    const token = await signer.revocations(NOW / 1000, [...ids, "lic_1"]);
    const trustedKeys = { keys: [...known.trustedKeys.keys, ...signer.trustedKeys.keys] };
    const given = { ...known, trustedKeys, clock: () => NOW, fetch: async () => new Response(token) };
    const license = await open({ ...given, storage: folder.storage });
    const fetching = await open({ ...given, storage: new MemoryStorage() });
    if (code === null) {
      expect(await license.loadRevocations(token)).toMatchObject({ code: "LICENSE_REVOKED" });
      expect(await fetching.loadRevocations()).toMatchObject({ code: "LICENSE_REVOKED" });
      const again = await open({ ...given, storage: folder.storage });
      expect(again.status()).toMatchObject({ code: "LICENSE_REVOKED" });
    } else {
      await expect(license.loadRevocations(token)).rejects.toMatchObject({ code });
      await expect(fetching.loadRevocations()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    }
  });
});
