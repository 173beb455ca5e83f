// A quarter behind an air gap: what an installation counts, what the courier's files carry, and what both sides state.
import { beforeEach, describe, expect, it } from "vitest";
import { License, MemoryStorage } from "../../src/clients/typescript/src/index.ts";
import { DAY, setTime } from "../support/clock.ts";
import { admin, call, newLicense, ORIGIN, unique } from "../support/service.ts";

const ISSUED = Date.parse("2026-09-01T08:00:00.000Z");
const BACK = Date.parse("2026-12-01T09:00:00.000Z");
const MONTHS = ["2026-09", "2026-10", "2026-11"];

beforeEach(() => setTime(ISSUED));

async function island(license_key: string): Promise<License> {
  const trustedKeys = (await call("/.well-known/jwks.json")).body;
  return License.open({ issuer: ORIGIN, storage: new MemoryStorage(), licenseKey: license_key, trustedKeys });
}

/** The two steps of the air gap: a request file goes out, and a license file comes back. */
async function courier(id: string, from: License): Promise<void> {
  const request = JSON.parse(await from.activationRequest());
  const file = await admin(`/licenses/${id}/offline-activations`, { body: { request } });
  expect(file.status, file.text).toBe(200);
  expect(await from.loadLicenseFile(file.text)).toMatchObject({ state: "entitled" });
}

const statement = async (id: string, month: string) => {
  const { body, status, text } = await admin(`/licenses/${id}/statements/${month}`);
  expect(status, text).toBe(200);
  return body;
};

/** What both sides say of a figure: what is allowed only the license says. */
const used = ({ total, peak }: { total: number; peak: number }) => ({ total, peak });

/** The figures of a statement that both sides make. */
const figuresOf = ({ month, meters, requests, services, days_without_report }: any) =>
  JSON.stringify({
    month,
    requests: used(requests),
    services: used(services),
    meters: Object.fromEntries(Object.entries<any>(meters).map(([code, one]) => [code, used(one)])),
    days_without_report,
  });

describe("a quarter that a courier brings", () => {
  it("comes to the same figures on both sides, byte for byte, month by month", async () => {
    const [tokens, gpus] = [unique("tokens"), unique("gpus")];
    await admin("/entitlements", { body: { code: tokens, name: "Tokens", kind: "meter" } });
    const peak = { aggregate: "peak", period: "day" };
    await admin("/entitlements", { body: { code: gpus, name: "GPUs", kind: "meter", ...peak } });
    const { license, license_key } = await newLicense({
      expires_in: "P1Y",
      max_requests_per_day: 500,
      entitlements: { [tokens]: { value: 9_000 }, [gpus]: { value: 6 } },
    });
    const box = await island(license_key);
    await courier(license.id, box);

    for (let at = ISSUED, n = 0; at < BACK - DAY; at += DAY, n++) {
      // Nobody works on Sundays, and over New Moon the box is off.
      if (n % 7 === 5 || (n > 40 && n < 52)) continue;
      setTime(at);
      box.countRequests(100 + 7 * n);
      box.setServices(1 + (n % 4));
      box.count(tokens, 13 * n);
      box.observe(gpus, n % 9);
      // At night nothing runs: what is there now would go on.
      box.setServices(0);
      box.observe(gpus, 0);
      await box.flush();
    }

    setTime(BACK);
    const before = MONTHS.map((month) => box.statement(month));
    expect(before.map(({ days_not_taken }) => days_not_taken.length)).not.toContain(0);
    for (const month of MONTHS) expect((await statement(license.id, month)).requests.total).toBe(0);

    await courier(license.id, box);
    for (const [n, month] of MONTHS.entries()) {
      const ours = box.statement(month);
      expect(ours.days_not_taken, month).toEqual([]);
      // The way changes nothing of what the box counted.
      expect(figuresOf(ours)).toBe(figuresOf(before[n]));
      const theirs = await statement(license.id, month);
      expect(figuresOf(theirs), month).toBe(figuresOf(ours));
      expect([theirs.meters[tokens].value, theirs.meters[gpus].value]).toEqual([9_000, 6]);
    }
    expect(box.statement("2026-10").days_without_report).toHaveLength(14);

    // A second courier with the same file brings nothing twice, and 40 days later it is signed as it was.
    await courier(license.id, box);
    for (const month of MONTHS) {
      setTime(Date.parse("2027-02-01T00:00:00Z"));
      const closed = await statement(license.id, month);
      expect(closed.closed_at).not.toBeNull();
      setTime(BACK);
      expect(figuresOf(closed)).toBe(figuresOf(box.statement(month)));
    }
  });

  it("comes to the sum of two boxes, and where it comes late, to a revision", async () => {
    const tokens = unique("tokens");
    await admin("/entitlements", { body: { code: tokens, name: "Tokens", kind: "meter" } });
    const { license, license_key } = await newLicense({
      expires_in: "P1Y",
      entitlements: { [tokens]: { value: 100 } },
    });
    const boxes = [await island(license_key), await island(license_key)];
    for (const box of boxes) await courier(license.id, box);
    for (const [n, day] of ["2026-09-10", "2026-10-10", "2026-11-10"].entries()) {
      setTime(Date.parse(`${day}T10:00:00Z`));
      for (const [which, box] of boxes.entries()) {
        box.count(tokens, (n + 1) * 10 + which);
        await box.flush();
      }
    }
    setTime(BACK);
    await courier(license.id, boxes[0]!);
    // September is closed before the other courier comes.
    const first = await statement(license.id, "2026-09");
    expect([first.revision, first.meters[tokens]]).toMatchObject([1, { total: 10, peak: 10 }]);
    expect(first.closed_at).not.toBeNull();
    await courier(license.id, boxes[1]!);
    for (const [n, month] of MONTHS.entries()) {
      const [one, other] = boxes.map((box) => box.statement(month).meters[tokens]!.total);
      const stated = await statement(license.id, month);
      expect(stated.meters[tokens]).toMatchObject({ total: one! + other!, peak: 20 * (n + 1) + 1 });
      expect(stated.previous).toBe(n === 0 ? first.hash : null);
    }
  });
});
