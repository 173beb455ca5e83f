// Meters and entitlements of the TypeScript client: what the table of cases does not ask.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { allows, entitlementsAt } from "../../src/clients/typescript/src/entitlements.ts";
import { type License, LicenseError } from "../../src/clients/typescript/src/node.ts";
import { parseState } from "../../src/clients/typescript/src/state.ts";
import {
  addUsage,
  type Days,
  MAX_REPORT,
  portionOf,
  reportOf,
  settle,
  toldAnew,
  withCounted,
} from "../../src/clients/typescript/src/usage.ts";
import { open, scripted, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const DAY = "2027-01-05";
const NOW = Date.parse(`${DAY}T00:00:00.000Z`);

const signer = await createSigner("https://licenses.example");
const terms = { sub: "acme", jti: "lic_1", rev: 1, features: [] };
const keyWith = (entitlements: object) => signer.document("license+jwt", { ...terms, entitlements });

let folder: ReturnType<typeof stateFolder>;

beforeEach(() => {
  folder = stateFolder();
});

afterEach(() => folder.remove());

const client = async (entitlements: object = {}, options: object = {}): Promise<License> =>
  open({
    licenseKey: await keyWith(entitlements),
    trustedKeys: signer.trustedKeys,
    storage: folder.storage,
    fetch: scripted().fetch,
    clock: () => NOW,
    onError: () => undefined,
    ...options,
  });

describe("meters", () => {
  it("of processes on one folder add up, and the highest peak counts", async () => {
    const [one, other] = [await client(), await client()];
    for (const [license, tokens, gpus] of [
      [one, 100, 4],
      [other, 20, 3],
      [one, 1, 2],
    ] as const) {
      license.count("tokens", tokens);
      license.observe("gpus", gpus);
      await license.flush();
    }
    expect(one.metersToday()).toEqual({ tokens: 121, gpus: 4 });
    expect(folder.state()["usage"]).toEqual({
      [DAY]: { requests: 0, services: 0, "sum:tokens": 121, "peak:gpus": 4 },
    });
  });

  it.each(["", "0tokens", "a b", "-a", "a:b", "ü", "a".repeat(65), "a\n", null, 7])(
    "have no code like %j",
    async (code) => {
      const license = await client();
      expect(() => license.count(code as string)).toThrow(RangeError);
      expect(() => license.observe(code as string, 1)).toThrow(RangeError);
      expect(license.metersToday()).toEqual({});
    },
  );

  it.each([-1, 0.5, Number.NaN, "1", null, 2 ** 60])("are no number like %j", async (n) => {
    const license = await client();
    expect(() => license.count("tokens", n as number)).toThrow(RangeError);
    expect(() => license.observe("gpus", n as number)).toThrow(RangeError);
    expect(license.metersToday()).toEqual({});
  });

  it("are counted or observed, not both, also by another process", async () => {
    const license = await client();
    license.count("tokens");
    expect(() => license.observe("tokens", 1)).toThrow(/either/);
    await license.flush();
    const other = await client();
    expect(() => other.observe("tokens", 1)).toThrow(/either/);
    other.count("tokens");
    expect(other.metersToday()).toEqual({ tokens: 2 });
  });

  it("are at most 32 a day, of at most a trillion", async () => {
    let now = NOW;
    const license = await client({}, { clock: () => now });
    for (let n = 0; n < 32; n++) {
      license.count(`m${n}`, 1e12);
      license.count(`m${n}`, 1e12);
    }
    expect(() => license.count("m32")).toThrow(/at most 32/);
    expect(() => license.observe("m32", 1)).toThrow(/at most 32/);
    license.count("m31");
    expect(Object.values(license.metersToday())).toEqual(Array.from({ length: 32 }, () => 1e12));
    now += 86_400_000;
    license.count("m32");
    expect(license.metersToday()).toEqual({ m32: 1 });
  });

  it("may be called as what every object has", async () => {
    const license = await client({ constructor: { value: 8 } });
    license.count("constructor", 5);
    expect(Object.entries(license.metersToday())).toEqual([["constructor", 5]]);
    expect(license.statement("2027-01").meters["constructor"]).toEqual({ total: 5, peak: 5 });
    expect(license.allows("constructor", 8)).toBe(true);
    expect(license.allows("constructor", 9)).toBe(false);
  });

  it("are kept in memory where nothing can be written, and catch up", async () => {
    const license = await client();
    const writing = vi.spyOn(folder.storage, "write").mockRejectedValue(new Error("ENOSPC"));
    license.count("tokens", 5);
    license.observe("gpus", 4);
    await license.flush();
    license.count("tokens", 1);
    license.observe("gpus", 2);
    await license.flush();
    expect(license.metersToday()).toEqual({ tokens: 6, gpus: 4 });
    expect(license.statement("2027-01").meters).toEqual({
      tokens: { total: 6, peak: 6 },
      gpus: { total: 4, peak: 4 },
    });
    writing.mockRestore();
    await license.flush();
    expect(folder.state()["usage"][DAY]).toMatchObject({ "sum:tokens": 6, "peak:gpus": 4 });
  });

  it("that are observed go on over a day on which nothing is written", async () => {
    let now = NOW;
    const license = await client({}, { clock: () => now });
    license.observe("gpus", 4);
    now += 86_400_000;
    license.count("tokens", 1);
    now += 86_400_000;
    await license.flush();
    const peaks = Object.values<Record<string, number>>(folder.state()["usage"]).map(
      (day) => day["peak:gpus"],
    );
    expect(peaks).toEqual([4, 4, 4]);
  });

  it("of a year make no request that the service would not take", async () => {
    const day = (n: number) => new Date(NOW - n * 86_400_000).toISOString().slice(0, 10);
    const meters = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`sum:meter-${n}`, 1e11]));
    const usage = Object.fromEntries(
      Array.from({ length: 360 }, (_, n) => [day(n), { requests: 1, services: 1, ...meters }]),
    );
    const licenseKey = await keyWith({});
    const state = {
      version: 1,
      license_key: licenseKey,
      certificate: await signer.certificate("lic_1", NOW / 1000),
      usage,
    };
    await folder.storage.write("state.json", JSON.stringify(state));
    await folder.storage.write("instance_id", "i-1");
    const script = scripted();
    const license = await client({}, { licenseKey, fetch: script.fetch });
    await license.checkIn();
    const [{ path, body }] = script.requests as [{ path: string; body: { usage: { date: string }[] } }];
    expect([path, body.usage[0]!.date]).toEqual(["/v1/check-in", day(359)]);
    expect(JSON.stringify(body).length).toBeLessThan(60_000);
    const request = JSON.parse(await license.activationRequest());
    expect(JSON.stringify(request).length).toBeLessThan(60_000);
  });

  it("of a day that is taken while the disk is full are sent again", async () => {
    const [licenseKey, script] = [await keyWith({}), scripted()];
    const grant = async (at: number) => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        license_key: licenseKey,
        certificate: await signer.certificate("lic_1", at / 1000),
      }),
    });
    let now = NOW;
    await folder.storage.write("instance_id", "i-1");
    const license = await client({}, { licenseKey, fetch: script.fetch, clock: () => now });
    script.answers = [await grant(now)];
    await license.checkIn();
    license.count("tokens", 5);
    await license.flush();
    now += 9 * 86_400_000;
    const writing = vi.spyOn(folder.storage, "write").mockRejectedValue(new Error("ENOSPC"));
    script.answers = [await grant(now)];
    await license.checkIn();
    writing.mockRestore();
    await license.flush();
    const { usage, settled } = folder.state();
    expect([usage[DAY]["sum:tokens"], settled]).toEqual([5, {}]);
  });

  it("go with a courier", async () => {
    const license = await client();
    license.count("tokens", 5);
    license.observe("gpus", 4);
    const { usage } = JSON.parse(await license.activationRequest());
    expect(usage).toEqual([{ date: DAY, requests: 0, services: 0, meters: { tokens: 5, gpus: 4 } }]);
    expect(folder.state()["offline_requests"][0].usage[DAY]).toMatchObject({
      "sum:tokens": 5,
      "peak:gpus": 4,
    });
  });

  it("are in the metrics, beside what is allowed", async () => {
    const entitlements = {
      gpus: { value: 8 },
      nodes: { value: null },
      sso: { value: true },
      audit: { value: false },
      region: { value: "eu" },
    };
    const license = await client(entitlements);
    license.count("tokens", 5);
    license.observe("gpus", 4);
    const lines = license.metrics().split("\n");
    expect(lines.filter((line) => /^caio_license_(?:meter|entitlement)\{/.test(line))).toEqual([
      'caio_license_entitlement{code="audit"} 0',
      'caio_license_entitlement{code="gpus"} 8',
      'caio_license_entitlement{code="sso"} 1',
      'caio_license_meter{code="gpus"} 4',
      'caio_license_meter{code="tokens"} 5',
    ]);
  });
});

describe("a state", () => {
  const figures = { requests: 3, services: 1, "sum:tokens": 5, "peak:gpus": 4 };

  it("of before, and one of later, can be read", () => {
    const read = (usage: object) => parseState(JSON.stringify({ version: 1, usage }))!;
    expect(read({ [DAY]: { requests: 3, services: 1 } })).toMatchObject({
      usage: { [DAY]: { requests: 3, services: 1 } },
      settled: {},
      over_limit: [],
    });
    const faulty = { "sum:0": 1, "sum:a": -1, "peak:b": 0.5, "mean:c": 1, "peak:": 1, d: 1, "sum:e": 1e13 };
    expect(read({ [DAY]: { ...figures, ...faulty, "sum:f": true } }).usage).toEqual({ [DAY]: figures });
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`sum:m${n}`, 1]));
    expect(Object.keys(read({ [DAY]: many }).usage[DAY]!)).toHaveLength(34);
  });

  const settled = (): Days => {
    const usage = { "2027-01-01": figures };
    return settle({ usage, acknowledged: {}, settled: {} }, usage, NOW);
  };

  it("keeps the days that the service has, and counts late ones on from there", () => {
    expect(settled()).toEqual({ usage: {}, acknowledged: {}, settled: { "2027-01-01": figures } });
    const counted = addUsage({}, { "2027-01-01": { "sum:tokens": 2, "peak:gpus": 1 } });
    const more = { ...figures, "sum:tokens": 7 };
    const late = withCounted(settled(), counted);
    expect(late).toEqual({
      usage: { "2027-01-01": more },
      acknowledged: { "2027-01-01": figures },
      settled: {},
    });
    expect(settle(late, {}, NOW).usage).toEqual({ "2027-01-01": more });
    expect(toldAnew(late)).toEqual({
      usage: { "2027-01-01": { requests: 0, services: 0, "sum:tokens": 2 } },
      acknowledged: {},
      settled: {},
    });
  });

  it("keeps them for 132 days", () => {
    const later = (days: number) => Date.parse("2027-01-01T00:00:00Z") + days * 86_400_000;
    expect(Object.keys(settle(settled(), {}, later(132)).settled)).toEqual(["2027-01-01"]);
    expect(settle(settled(), {}, later(133)).settled).toEqual({});
  });

  it("keeps no more than 32 meters of a day, whoever adds them", () => {
    let usage = {};
    for (let n = 0; n < 40; n++) usage = addUsage(usage, { [DAY]: { requests: 1, [`sum:m${n}`]: 1 } });
    expect(Object.keys(usage[DAY as never])).toHaveLength(34);
    expect(usage).toMatchObject({ [DAY]: { requests: 40, "sum:m31": 1 } });
  });

  it("is reported after a long outage in portions that the service takes, the oldest days first", () => {
    const day = (n: number) => new Date(NOW + n * 86_400_000).toISOString().slice(0, 10);
    const meters = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`sum:meter-${n}`, 1e11]));
    const usage = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [day(n), { requests: 1, services: 1, ...meters }]),
    );
    let days: Days = { usage, acknowledged: {}, settled: {} };
    let checks = 0;
    for (; Object.keys(days.usage).length > 0; checks++) {
      const sent = portionOf(days.usage);
      const dates = Object.keys(sent);
      expect(dates).toEqual(Object.keys(days.usage).slice(0, dates.length));
      expect(JSON.stringify(reportOf(sent)).length).toBeLessThan(MAX_REPORT + 2 * dates.length);
      days = settle(days, sent, NOW + 500 * 86_400_000);
    }
    expect(checks).toBeLessThan(40);
    const plain = Object.fromEntries(
      Array.from({ length: 400 }, (_, n) => [day(n), { requests: 1e12, services: 1e12 }]),
    );
    expect(portionOf(plain)).toEqual(plain);
  });
});

describe("a statement", () => {
  let license: License;
  beforeEach(async () => {
    license = await client();
  });

  it.each(["2027", "2027-1", "2027-13", "2027-00", "2027-01-01", ""])("is of no month like %j", (month) => {
    expect(() => license.statement(month)).toThrow(RangeError);
  });

  it("names the days without figures up to yesterday", () => {
    const empty = { total: 0, peak: 0 };
    expect(license.statement("2027-02")).toEqual({
      license_id: "lic_1",
      instance_id: license.instanceId,
      month: "2027-02",
      requests: empty,
      services: empty,
      meters: {},
      days_without_report: [],
      days_not_taken: [],
    });
    expect(license.statement("2024-02").days_without_report).toHaveLength(29);
    expect(license.statement("2027-01").days_without_report).toEqual([
      "2027-01-01",
      "2027-01-02",
      "2027-01-03",
      "2027-01-04",
    ]);
  });

  it("has what runs now, before it is written", () => {
    license.observe("gpus", 4);
    license.observe("gpus", 0);
    license.observe("nodes", 2);
    expect(license.statement("2027-01")).toMatchObject({
      meters: { gpus: { total: 4, peak: 4 }, nodes: { total: 2, peak: 2 } },
      days_not_taken: [DAY],
    });
  });
});

describe("an entitlement", () => {
  const refusalOf = (work: () => void): string => {
    try {
      work();
      return "allowed";
    } catch (error) {
      return error instanceof LicenseError ? `${error.code}: ${error.message}` : String(error);
    }
  };

  it("is guarded with its amount", async () => {
    const license = await client({ gpus: { value: 8 }, sso: { value: false } });
    expect(refusalOf(() => license.requireEntitlement("gpus", 8))).toBe("allowed");
    expect(refusalOf(() => license.requireEntitlement("gpus"))).toBe("allowed");
    expect(refusalOf(() => license.requireEntitlement("gpus", 9))).toBe(
      "FEATURE_NOT_LICENSED: The license does not include 9 gpus.",
    );
    expect(refusalOf(() => license.requireEntitlement("sso"))).toBe(
      "FEATURE_NOT_LICENSED: The license does not include sso.",
    );
  });

  it("guards nothing where the installation may not run", async () => {
    const license = await client({ gpus: { value: 8 } }, { onIndeterminate: "deny" });
    expect(license.allows("gpus", 8)).toBe(true);
    expect(refusalOf(() => license.requireEntitlement("gpus", 8))).toMatch(/^NOT_ACTIVATED: /);
  });

  it("with a number that is none, or without a value, is left out", () => {
    const claim = JSON.parse('{"a": {"value": 1e999}, "b": {}, "c": {"value": 1}}');
    expect(entitlementsAt(claim, NOW)).toEqual({ c: { value: 1, until: null } });
  });

  it("that is missing is allowed only where the terms cannot be read", async () => {
    const status = { ...(await client()).status(), entitlements: {} };
    expect(allows(status, "gpus", 0)).toBe(false);
    expect(allows({ ...status, licenseId: null }, "gpus", 9)).toBe(true);
    expect(allows({ ...status, licenseId: null, mayRun: false }, "gpus", 9)).toBe(false);
  });
});
