// The testing kit in the hand of an application's own tests, and what keeps a drill and production apart.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { drillClock, offsetOf } from "../../src/clients/typescript/src/drill-clock.ts";
import { isDrill, mayMoveClock } from "../../src/clients/typescript/src/drill.ts";
import { NodeLicense, type NodeLicenseOptions } from "../../src/clients/typescript/src/node.ts";
import {
  DRILL_ISSUER,
  LicenseDrill,
  licenseDrill,
  type Outage,
} from "../../src/clients/typescript/src/testing.ts";
import { createSigner } from "./support/signer.ts";

const DAY = 86_400_000;

const drilled = test.extend({ drill: licenseDrill });

describe("a license in a test", () => {
  drilled("goes through its life, with the clock in the hand", async ({ drill }) => {
    const license = await drill.open({ licenseKey: await drill.issue({ expiresDays: 100 }) });
    expect(await license.checkIn()).toMatchObject({ state: "entitled", warnings: ["DRILL"] });
    expect(license.status().detail).toMatch(/^DRILL: /);
    drill.outage();
    drill.advance({ days: 40 });
    expect(await license.checkIn()).toMatchObject({ state: "indeterminate", mayRun: true });
    drill.recover();
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    drill.advance({ days: 35 });
    expect((await license.checkIn()).warnings).toEqual(["DRILL", "LICENSE_EXPIRING"]);
    drill.advance({ days: 26 });
    expect(await license.checkIn()).toMatchObject({ state: "grace" });
    drill.advance({ days: 14 });
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_EXPIRED" });
    drill.renew({ days: 365 });
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    drill.suspend();
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_SUSPENDED" });
    drill.reinstate();
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    const key = await drill.reissue();
    expect((await license.checkIn()).warnings).toContain("LICENSE_KEY_SUPERSEDED");
    expect(await license.activate(key)).toMatchObject({ state: "entitled", candidate: null });
    const before = drill.trustedKeys.keys.length;
    await drill.rotateKeys();
    expect(drill.trustedKeys.keys).toHaveLength(before + 1);
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    drill.setBack({ hours: 3 });
    expect(license.status()).toMatchObject({ state: "entitled", warnings: ["CLOCK_SET_BACK", "DRILL"] });
    drill.setBack({});
    drill.revoke();
    drill.suspend();
    drill.reinstate();
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_REVOKED" });
  });

  drilled("is one of several, each by its key", async ({ drill }) => {
    const [one, two] = [await drill.issue(), await drill.issue({ licenseType: "trial" })];
    const [first, second] = [await drill.open({ licenseKey: one }), await drill.open({ licenseKey: two })];
    drill.suspend(one);
    expect(await first.checkIn()).toMatchObject({ state: "refused" });
    expect(await second.checkIn()).toMatchObject({
      state: "entitled",
      licenseType: "trial",
      maxInstances: 1,
    });
    expect(() => drill.suspend("eyJhbGciOiJFZERTQSJ9.e30.AA")).toThrow(/no such license/);
  });

  drilled("reports what it used", async ({ drill }) => {
    const license = await drill.open({ licenseKey: await drill.issue({ maxRequestsPerDay: 2 }) });
    await license.checkIn();
    license.countRequests(3);
    license.setServices(2);
    expect((await license.checkIn()).warnings).toContain("OVER_LIMIT");
    const today = new Date(drill.clock()).toISOString().slice(0, 10);
    expect(drill.usageOn(today)).toEqual({ requests: 3, services: 2 });
  });

  it.each<[Outage, RegExp]>([
    ["down", /connection|socket|closed/],
    ["error", /503/],
    ["silent", /no answer in time/],
    ["page", /none of the license service/],
  ])("does not take the outage %s for a refusal", async (kind, reason) => {
    const drill = await LicenseDrill.start();
    try {
      const license = await drill.open({ licenseKey: await drill.issue(), timeout: 1_000 });
      await license.checkIn();
      drill.outage(kind);
      const status = await license.checkIn();
      expect(status).toMatchObject({ state: "entitled", mayRun: true });
      expect(status.lastFailure?.reason).toMatch(reason);
      drill.recover();
      expect(await license.checkIn()).toMatchObject({ lastFailure: null });
    } finally {
      await drill.close();
    }
  });

  it("is really signed, and begins when it is told to", async () => {
    const drill = await LicenseDrill.start({ at: "2031-02-03T04:05:06Z" });
    try {
      expect(drill.clock()).toBe(Date.UTC(2031, 1, 3, 4, 5, 6));
      const verified = await jwtVerify(await drill.issue(), createLocalJWKSet(drill.trustedKeys as never), {
        issuer: DRILL_ISSUER,
        typ: "license+jwt",
        currentDate: new Date(drill.clock()),
      });
      expect(verified.payload).toMatchObject({ iss: DRILL_ISSUER, rev: 1 });
      expect(() => drill.advance({ days: -1 })).toThrow(/forward only/);
      // A date alone does not say when; the service has a rule for it, the drill takes instants.
      expect(() => drill.issue({ expiresAt: "2032-01-31" })).toThrow(RangeError);
      expect(new URL(drill.url).hostname).toBe("127.0.0.1");
    } finally {
      await drill.close();
    }
    for (const at of ["yesterday", "2031-02-03"])
      await expect(LicenseDrill.start({ at })).rejects.toThrow(RangeError);
  });
});

describe("whose clock may be moved", () => {
  const ours = { keys: [{ kid: "drill-1" }] };
  it.each<[string, readonly string[], { keys: { kid?: string }[] } | undefined, boolean]>([
    ["the drill's issuer, no pinned keys", [DRILL_ISSUER], undefined, true],
    ["the drill's issuer and keys", [DRILL_ISSUER], ours, true],
    ["a key of somebody else among them", [DRILL_ISSUER], { keys: [...ours.keys, { kid: "2026" }] }, false],
    ["a key without a name", [DRILL_ISSUER], { keys: [{}] }, false],
    ["another issuer", ["https://licensing.example"], ours, false],
    ["another issuer beside it", [DRILL_ISSUER, "https://licensing.example"], ours, false],
    ["an issuer that begins alike", [`${DRILL_ISSUER}.example`], undefined, false],
    ["its port", [`${DRILL_ISSUER}:8443`], undefined, false],
    ["no issuer", [], undefined, false],
  ])("%s", (_, issuers, pinned, expected) => {
    expect(mayMoveClock(issuers, pinned)).toBe(expected);
  });

  it("is a drill where all issuers are the drill's", () => {
    expect(isDrill([DRILL_ISSUER, DRILL_ISSUER])).toBe(true);
    expect(isDrill([])).toBe(false);
  });
});

describe("what CAIO_LICENSE_CLOCK says", () => {
  const now = Date.UTC(2026, 0, 1);
  it.each<[string, number | null]>([
    ["+40d", 40 * DAY],
    ["-3h", -3 * 3_600_000],
    ["+90m", 90 * 60_000],
    ["+15s", 15_000],
    ["-250ms", -250],
    ["2026-03-01T00:00:00Z", 59 * DAY],
    ["40d", null],
    ["+40", null],
    ["+40w", null],
    ["+4 d", null],
    ["+1.5d", null],
    ["2026-03-01", null],
    ["-99999d", null],
    ["+999999999d", null],
    ["", null],
  ])("%j", (text, expected) => {
    expect(offsetOf(text, now)).toBe(expected);
  });

  it("may stand in a file that changes, and that is broken for a moment", () => {
    const folder = mkdtempSync(join(tmpdir(), "caio-license-clock-"));
    const file = join(folder, "clock");
    const off = (clock: () => number): number => Math.round((clock() - Date.now()) / 1000);
    try {
      expect(drillClock(file)).toBeNull();
      writeFileSync(file, "+1h\n");
      const clock = drillClock(file)!;
      expect(off(clock)).toBe(3600);
      writeFileSync(file, "+2h");
      expect(off(clock)).toBe(7200);
      writeFileSync(file, "+2");
      expect(off(clock)).toBe(7200);
      rmSync(file);
      expect(off(clock)).toBe(7200);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("an installation and its environment", () => {
  let folder: string;
  let drill: LicenseDrill;
  let key: string;
  let said: string[];
  const licenses: NodeLicense[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "caio-license-drill-node-"));
    drill = await LicenseDrill.start({ runs: true });
    key = await drill.issue();
    said = [];
    vi.stubEnv("HOME", folder);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const license of licenses.splice(0)) await license.close();
    await drill.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (options: NodeLicenseOptions = {}): Promise<NodeLicense> => {
    const onError = (error: unknown): void => void said.push(String(error));
    const license = await NodeLicense.open({ background: false, onError, ...options });
    licenses.push(license);
    return license;
  };
  const use = (variables: Record<string, string>): void => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  };

  it("takes part in a drill by its environment alone, in a state folder of its own", async () => {
    use(drill.environment(folder, key));
    const license = await open();
    drill.advance({ days: 40 });
    expect(await license.checkIn()).toMatchObject({ state: "entitled", warnings: ["DRILL"] });
    expect(Date.parse(license.status().leaseExpiresAt!) - Date.now()).toBeGreaterThan(69 * DAY);
    expect(said.join()).toContain("DRILL: the license comes from a drill, which moves the clock.");
    expect(readdirSync(join(folder, "state"))).toEqual(["drill"]);
    expect(drill.heard.at(-1)).toMatchObject({ drillClock: expect.stringMatching(/^\d{4}-/), status: 200 });
  });

  it("keeps production's folder as it is, where that is passed in code", async () => {
    const production = join(folder, "production");
    const service = await createSigner("https://licensing.example");
    const options = {
      issuer: "https://licensing.example",
      trustedKeys: service.trustedKeys,
      fetchKeys: false,
    };
    const before = await open({
      ...options,
      folder: production,
      licenseKey: await service.licenseKey("l-1"),
    });
    await before.close();
    const texts = (): string[] =>
      ["state.json", "kept.json", "instance_id"].map((name) => readFileSync(join(production, name), "utf8"));
    const kept = texts();
    use(drill.environment(folder, key));
    const rehearsed = await open({ folder: production });
    drill.advance({ days: 400 });
    expect(await rehearsed.checkIn()).toMatchObject({ mayRun: false });
    await rehearsed.close();
    expect(texts()).toEqual(kept);
    expect(existsSync(join(production, "drill/state.json"))).toBe(true);
  });

  it("of production believes no drill, and moves no clock", async () => {
    const service = await createSigner("https://licensing.example");
    use({ ...drill.environment(folder, key), CAIO_LICENSE_ISSUER: "", CAIO_LICENSE_CLOCK: "-400d" });
    const license = await open({
      issuer: "https://licensing.example",
      trustedKeys: service.trustedKeys,
      fetchKeys: false,
      folder: join(folder, "own"),
      licenseKey: await service.licenseKey("l-1"),
    });
    expect(license.status()).toMatchObject({ state: "indeterminate", code: "NOT_ACTIVATED" });
    expect(license.status().warnings).not.toContain("DRILL");
    expect(Date.parse(license.status().until!)).toBeGreaterThan(Date.now());
    expect(said.join()).toContain("CAIO_LICENSE_CLOCK is passed over");
    // The drill granted it; nobody here believes that.
    expect(await license.activate(key)).toMatchObject({ licenseId: "l-1", leaseExpiresAt: null });
    expect(license.status().candidate).toMatchObject({ licenseId: null, state: "pending" });
    expect(drill.heard.at(-1)).toMatchObject({ path: "/v1/activate", status: 200, drillClock: null });
  });

  // Each is what somebody might try to let a license of production last.
  it.each<[string, (service: Awaited<ReturnType<typeof createSigner>>) => NodeLicenseOptions]>([
    ["under the drill's issuer", () => ({})],
    ["with its own keys pinned", ({ trustedKeys }) => ({ trustedKeys, fetchKeys: false })],
    ["with its own keys pinned, and the published ones", ({ trustedKeys }) => ({ trustedKeys })],
    ["without any service", () => ({ url: "" })],
  ])("refuses a license of production at once, %s", async (_, optionsOf) => {
    const service = await createSigner("https://licensing.example");
    use({ ...drill.environment(folder, key), CAIO_LICENSE_CLOCK: "-400d" });
    const license = await open({ ...optionsOf(service), licenseKey: await service.licenseKey("l-1") });
    expect(license.status()).toMatchObject({ state: "refused", code: "ISSUER_MISMATCH", mayRun: false });
    drill.outage();
    await license.checkIn();
    expect(license.status()).toMatchObject({ state: "refused", mayRun: false });
    expect(() => license.requireFeature("audit")).toThrow(/^DRILL: /);
  });

  it("with production's issuer beside the drill's moves no clock, and is no drill", async () => {
    use({
      ...drill.environment(folder, key),
      CAIO_LICENSE_ISSUER: `${DRILL_ISSUER},https://licensing.example`,
    });
    drill.advance({ days: 40 });
    const license = await open();
    expect(license.status().warnings).not.toContain("DRILL");
    expect(said.join()).toContain("CAIO_LICENSE_CLOCK is passed over");
    await license.checkIn();
    expect(drill.heard.at(-1)).toMatchObject({ drillClock: null });
    // And it believes nothing of the drill, whose clock might stand still.
    expect(license.status()).toMatchObject({ state: "indeterminate", licenseId: null });
  });

  it("keeps the clock that is passed in code", async () => {
    use(drill.environment(folder, key));
    drill.advance({ days: 40 });
    const license = await open({ clock: Date.now });
    await license.checkIn();
    expect(said.join()).toContain("CAIO_LICENSE_CLOCK is passed over");
    const told = Date.parse(drill.heard.at(-1)!.drillClock!);
    expect(Math.abs(told - Date.now())).toBeLessThan(60_000);
  });
});
