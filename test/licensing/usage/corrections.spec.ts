import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  eventsOf,
  newLicense,
  newToken,
  rows,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-10T08:00:00.000Z");
const TODAY = "2026-06-10";

beforeEach(() => {
  setTime(NOW);
});

/** A license with an instance that told what it used today. */
async function used(requests: number, services = 3, more: Record<string, unknown> = {}) {
  const { license, license_key } = await newLicense(more);
  let { certificate } = (await activate(license_key, "box")).body;
  const report = async (figures: object, date = TODAY): Promise<Answer> => {
    const usage = [{ date, ...figures }];
    const answer = await call("/v1/check-in", {
      body: { license_key, instance_id: "box", certificate, usage },
    });
    ({ certificate } = answer.body);
    return answer;
  };
  expect((await report({ requests, services })).status).toBe(200);
  return { license, license_key, report };
}

const correct = (
  id: string,
  figures: object,
  { date = TODAY, instance = "box", ...options }: { date?: string; instance?: string; token?: string } = {},
): Promise<Answer> =>
  admin(`/licenses/${id}/usage/${date}/${encodeURIComponent(instance)}`, {
    method: "PUT",
    body: { reason: "A load test was counted.", ...figures },
    ...options,
  });

const dayOf = async (id: string, date = TODAY) =>
  (await admin(`/licenses/${id}/usage?from=${date}&to=${date}`)).body.data[0];

const sumOf = async (id: string) =>
  (await rows("SELECT requests, services FROM license_usage WHERE day = ? AND license_id = ?", TODAY, id))[0];

describe("a corrected day", () => {
  it("has the figures of staff, in the usage, the sums and the instance's row; what was before is recorded", async () => {
    const { license } = await used(1_000_000_000_000);
    const answer = await correct(license.id, { requests: 40, services: 2 });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        license_id: license.id,
        date: TODAY,
        instance_id: "box",
        requests: 40,
        services: 2,
        corrected_at: new Date(NOW).toISOString(),
      },
    });
    expect(await dayOf(license.id)).toEqual({
      date: TODAY,
      requests: 40,
      services: 2,
      instances: [{ instance_id: "box", requests: 40, services: 2, corrected: true }],
    });
    expect(await sumOf(license.id)).toEqual({ requests: 40, services: 2 });
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    expect(seat.usage).toEqual({ date: TODAY, requests: 40, services: 2 });
    const event = (await eventsOf(license.id)).at(-1)!;
    expect(event).toMatchObject({ action: "usage.corrected", actor_type: "staff" });
    expect(JSON.parse(event.detail)).toEqual({
      date: TODAY,
      instance_id: "box",
      from: { requests: 1_000_000_000_000, services: 3 },
      to: { requests: 40, services: 2 },
      reason: "A load test was counted.",
    });
  });

  it("takes no more reports, while the other days and instances do", async () => {
    const { license, license_key, report } = await used(500, 3, { max_requests_per_day: 100 });
    await correct(license.id, { requests: 40, services: 2 });
    // Higher than before, in a report of one day and in one of several; and no warning of over-use.
    const answer = await report({ requests: 900, services: 9 });
    expect(answer).toMatchObject({ status: 200, body: { warnings: [] } });
    const yesterday = new Date(NOW - DAY).toISOString().slice(0, 10);
    const { certificate } = answer.body;
    const usage = [
      { date: yesterday, requests: 7, services: 1 },
      { date: TODAY, requests: 901, services: 9 },
    ];
    await call("/v1/check-in", { body: { license_key, instance_id: "box", certificate, usage } });
    expect(await dayOf(license.id)).toMatchObject({ requests: 40, services: 2 });
    expect(await dayOf(license.id, yesterday)).toMatchObject({ requests: 7 });
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    expect(seat.usage).toEqual({ date: TODAY, requests: 40, services: 2 });

    const other = (await activate(license_key, "other")).body.certificate;
    const theirs = [{ date: TODAY, requests: 5, services: 1 }];
    await call("/v1/check-in", {
      body: { license_key, instance_id: "other", certificate: other, usage: theirs },
    });
    expect(await sumOf(license.id)).toMatchObject({ requests: 45 });
    setTime(NOW + DAY);
    await report({ requests: 3, services: 1 }, "2026-06-11");
    await report({ requests: 8, services: 1 }, "2026-06-11");
    const [next] = (await admin(`/activations?license_id=${license.id}&q=box`)).body.data;
    expect(next.usage).toEqual({ date: "2026-06-11", requests: 8, services: 1 });
  });

  it("can be corrected again; the same figures change and record nothing", async () => {
    const { license } = await used(500);
    const recorded = async () =>
      (await eventsOf(license.id)).filter(({ action }) => action === "usage.corrected").length;
    await correct(license.id, { requests: 40, services: 2 });
    setTime(NOW + 1000);
    const again = await correct(license.id, { requests: 40, services: 2, reason: "Again." });
    expect(again).toMatchObject({ status: 200, body: { corrected_at: new Date(NOW).toISOString() } });
    expect(await recorded()).toBe(1);
    expect((await correct(license.id, { requests: 60, services: 2 })).status).toBe(200);
    expect(await recorded()).toBe(2);
    expect(await sumOf(license.id)).toEqual({ requests: 60, services: 2 });
  });

  it("may be confirmed as it was told: then it takes no more reports", async () => {
    const { license, report } = await used(500, 3);
    await correct(license.id, { requests: 500, services: 3 });
    await report({ requests: 900, services: 9 });
    expect(await dayOf(license.id)).toMatchObject({ requests: 500, services: 3 });
  });

  it("may be one that the instance told nothing of, before or after the last, also where it is gone", async () => {
    const { license, report } = await used(500);
    for (const date of ["2026-06-01", "2026-06-11"]) {
      expect((await correct(license.id, { requests: 9, services: 1 }, { date })).status).toBe(200);
      expect(await dayOf(license.id, date)).toMatchObject({ requests: 9 });
    }
    await report({ requests: 77, services: 1 }, "2026-06-01");
    expect(await dayOf(license.id, "2026-06-01")).toMatchObject({ requests: 9 });
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    await admin(`/activations/${seat.id}`, { method: "DELETE" });
    expect((await correct(license.id, { requests: 0, services: 0 })).status).toBe(200);
    expect(await dayOf(license.id)).toMatchObject({ requests: 0 });
  });

  it("is found by an instance whose id has any letters", async () => {
    const { license, license_key } = await newLicense();
    const instance = "a/b?c=d#é %2F";
    await activate(license_key, instance);
    const answer = await correct(license.id, { requests: 1, services: 1 }, { instance });
    expect(answer).toMatchObject({ status: 200, body: { instance_id: instance } });
  });

  it.each([" café-1", "café-1\n", "\u200Bcafé-1", "cafe\u0301-1"])(
    "is found by an instance whose id is written %j",
    async (instance) => {
      const { license, license_key } = await newLicense();
      await activate(license_key, "café-1");
      const answer = await correct(license.id, { requests: 4, services: 1 }, { instance });
      expect(answer).toMatchObject({ status: 200, body: { instance_id: "café-1", requests: 4 } });
      expect((await dayOf(license.id)).instances).toEqual([
        { instance_id: "café-1", requests: 4, services: 1, corrected: true },
      ]);
      expect((await eventsOf(license.id)).filter(({ action }) => action === "usage.corrected")).toHaveLength(
        1,
      );
    },
  );

  it("is found by an id of before, stored as it was written", async () => {
    const { license } = await used(500);
    await rows("UPDATE activations SET instance_id = 'box ' WHERE license_id = ?", license.id);
    await rows("UPDATE usage SET instance_id = 'box ' WHERE license_id = ?", license.id);
    const answer = await correct(license.id, { requests: 4, services: 1 }, { instance: "box " });
    expect(answer).toMatchObject({ status: 200, body: { instance_id: "box " } });
    expect(await sumOf(license.id)).toEqual({ requests: 4, services: 1 });
  });
});

describe("a correction is refused", () => {
  it.each([
    ["without a reason", { requests: 1, services: 1, reason: undefined }],
    ["with a blank reason", { requests: 1, services: 1, reason: " " }],
    ["without requests", { services: 1 }],
    ["with null", { requests: null, services: 1 }],
    ["below zero", { requests: -1, services: 1 }],
    ["in parts", { requests: 0.5, services: 1 }],
    ["beyond all figures", { requests: 1_000_000_000_001, services: 1 }],
    ["in words", { requests: "1", services: 1 }],
    ["with what it does not know", { requests: 1, services: 1, mode: "add" }],
  ])("%s", async (_, figures) => {
    const { license } = await used(500);
    const before = await eventsOf(license.id);
    expect((await correct(license.id, figures)).status).toBe(422);
    expect(await sumOf(license.id)).toMatchObject({ requests: 500 });
    expect(await eventsOf(license.id)).toEqual(before);
  });

  it.each(["2026-06-31", "2026-6-1", "soon", "1969-12-31", "2026-06-12", "9999-12-31"])(
    "of the day %s",
    async (date) => {
      const { license } = await used(500);
      expect((await correct(license.id, { requests: 1, services: 1 }, { date })).status).toBe(422);
      expect(await rows("SELECT * FROM usage WHERE license_id = ?", license.id)).toHaveLength(1);
    },
  );

  it("of a license or an instance that there is not", async () => {
    const { license } = await used(500);
    expect(await correct("lic_none", { requests: 1, services: 1 })).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    expect(await correct(license.id, { requests: 1, services: 1 }, { instance: "another" })).toMatchObject({
      status: 404,
      body: { code: "NOT_FOUND" },
    });
    expect(await rows("SELECT * FROM usage WHERE license_id = ?", license.id)).toHaveLength(1);
  });

  it("of a viewer", async () => {
    const { license } = await used(500);
    const { token } = await newToken({ role: "viewer" });
    expect((await correct(license.id, { requests: 1, services: 1 }, { token })).status).toBe(403);
    const { token: manager } = await newToken({ role: "manager" });
    expect((await correct(license.id, { requests: 1, services: 1 }, { token: manager })).status).toBe(200);
  });
});

describe("corrections and reports at once", () => {
  it("leave the correction, and the sums equal to the rows", async () => {
    const { license, report } = await used(1);
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        n % 3 === 0
          ? correct(license.id, { requests: 10 + n, services: 1 })
          : report({ requests: 1_000 + n, services: 9 }),
      ),
    );
    const [row] = await rows<{ requests: number; corrected_at: number }>(
      "SELECT requests, corrected_at FROM usage WHERE license_id = ?",
      license.id,
    );
    expect([10, 13, 16, 19]).toContain(row!.requests);
    expect(await sumOf(license.id)).toMatchObject({ requests: row!.requests });
  });
});

describe("the console", () => {
  const path = (id: string): string => `/admin/licenses/${id}/correct-usage`;

  it("corrects a day from the license's page", async () => {
    const { license } = await used(500);
    const visitor = await Visitor.signInAs("manager");
    expect((await visitor.get(`/admin/licenses/${license.id}`)).html).toContain(`href="${path(license.id)}"`);
    const done = await visitor.fill(path(license.id), {
      date: TODAY,
      instance_id: "box",
      requests: "40",
      services: "2",
      reason: "A load test.",
    });
    expect(done.text).toContain("The usage is corrected.");
    expect(done.text).toContain("Usage corrected “A load test.”");
    expect(await dayOf(license.id)).toMatchObject({ requests: 40, services: 2 });
  });

  it("says what is wrong at its field, and does nothing", async () => {
    const { license } = await used(500);
    const visitor = await Visitor.signIn();
    const whole = { date: TODAY, instance_id: "box", requests: "40", services: "2", reason: "x" };
    for (const name of Object.keys(whole)) {
      const page = await visitor.fill(path(license.id), { ...whole, [name]: "" });
      expect([name, page.status]).toEqual([name, 422]);
      expect(page.html).toContain(`id="${name}-fault"`);
    }
    const unknown = await visitor.fill(path(license.id), { ...whole, instance_id: "another" });
    expect(unknown.status).toBe(404);
    expect(unknown.text).toContain("has no instance another");
    expect(await dayOf(license.id)).toMatchObject({ requests: 500 });
  });

  it("is not offered to a viewer", async () => {
    const { license } = await used(500);
    const viewer = await Visitor.signInAs("viewer");
    expect((await viewer.get(`/admin/licenses/${license.id}`)).html).not.toContain("correct-usage");
    expect((await viewer.get(path(license.id))).status).toBe(403);
  });
});
