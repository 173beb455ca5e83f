// The core of the TypeScript client in a Worker, against the service in the same workerd.
import { beforeEach, describe, expect, it } from "vitest";
import { type Fetch, License, MemoryStorage } from "../../src/clients/typescript/src/index.ts";
import { DAY, setTime } from "../support/clock.ts";
import { admin, call, newLicense, ORIGIN } from "../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const fetch: Fetch = async (url, { method = "GET", body, headers }) => {
  const { pathname } = new URL(url);
  const sent = body == null ? {} : { raw: body };
  const answer = await call(pathname, { method, headers: headers as Record<string, string>, ...sent });
  const { status, text } = answer;
  return new Response(status === 204 ? null : text, { status, headers: answer.headers });
};

const unreachable: Fetch = async () => {
  throw new TypeError("Network connection lost.");
};

const open = (storage: MemoryStorage, licenseKey?: string, more: object = {}): Promise<License> =>
  License.open({ url: ORIGIN, storage, licenseKey, fetch, ...more });

describe("the TypeScript client in a Worker", () => {
  it("activates, checks in when that is due, and tells the usage once", async () => {
    const { license, license_key } = await newLicense({ expires_days: 100, grace_days: 10 });
    const storage = new MemoryStorage();
    const first = await open(storage, license_key);
    expect(await first.checkInIfDue()).toMatchObject({ state: "entitled", licenseId: license.id });
    first.countRequests(5);
    await first.flush();

    // Each event of a Worker may have an isolate of its own: nothing but the storage is kept.
    setTime(NOW + 2 * DAY);
    const second = await open(storage);
    expect(second.instanceId).toBe(first.instanceId);
    second.countRequests(2);
    await second.checkInIfDue();
    await (await open(storage)).checkIn();
    const { data } = (await admin(`/licenses/${license.id}/usage?from=2026-06-01&to=2026-06-03`)).body;
    expect(data.map(({ date, requests }: any) => [date, requests])).toEqual([
      ["2026-06-01", 5],
      ["2026-06-03", 2],
    ]);
  });

  it("judges offline: entitled, then without a lease, then at its end", async () => {
    const { license_key } = await newLicense({ expires_days: 100, grace_days: 10 });
    const storage = new MemoryStorage();
    await (await open(storage, license_key)).checkIn();
    const license = await open(storage, license_key, { fetch: unreachable });
    const at = async (days: number) => {
      setTime(NOW + days * DAY);
      await license.checkIn();
      const { state, code } = license.status();
      return [state, code];
    };
    expect(await at(29)).toEqual(["entitled", null]);
    expect(await at(31)).toEqual(["indeterminate", "LEASE_EXPIRED"]);
    expect(await at(111)).toEqual(["refused", "LICENSE_EXPIRED"]);
  });

  it("stops at a suspension and goes on after it, and gives the seat back", async () => {
    const { license, license_key } = await newLicense();
    const client = await open(new MemoryStorage(), license_key);
    await client.checkIn();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    expect(await client.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_SUSPENDED" });
    await admin(`/licenses/${license.id}/reinstate`, { body: {} });
    expect(await client.checkIn()).toMatchObject({ state: "entitled", code: null });
    await client.deactivate();
    const { data } = (await admin(`/activations?license_id=${license.id}&active=true`)).body;
    expect(data).toEqual([]);
  });

  it("makes a request file and a receipt that the service takes", async () => {
    const { license, license_key } = await newLicense();
    const trustedKeys = (await call("/.well-known/jwks.json")).body;
    const island = await License.open({
      issuer: ORIGIN,
      storage: new MemoryStorage(),
      licenseKey: license_key,
      trustedKeys,
    });
    const request = JSON.parse(await island.activationRequest());
    const file = await admin(`/licenses/${license.id}/offline-activations`, { body: { request } });
    expect(await island.loadLicenseFile(file.text)).toMatchObject({ state: "entitled" });
    let receipt = "";
    await island.deactivationReceipt(async (text) => {
      receipt = text;
    });
    const path = `/licenses/${license.id}/offline-deactivations`;
    expect(await admin(path, { body: { receipt } })).toMatchObject({ status: 204 });
  });
});
