// Entitlements in the console: their definitions, and the fields that follow them.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTime } from "../../../support/clock.ts";
import { Visitor } from "../../../support/console.ts";
import { env } from "../../../support/env.ts";
import { activate, admin, checkIn, newCustomer, newLicense, rows, unique } from "../../../support/service.ts";

beforeEach(() => setTime("2026-11-20T08:00:00Z"));

const define = async (members: object): Promise<string> => {
  const code = unique("c");
  const answer = await admin("/entitlements", { body: { code, name: code, ...members } });
  expect(answer.status, answer.text).toBe(201);
  return code;
};

const held = async (id: string) => (await admin(`/licenses/${id}`)).body.entitlements;

describe("the definitions", () => {
  it("are made, changed and deleted, each by its form", async () => {
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN);
    const code = unique("gpus");
    const fields = { code, name: "GPUs", kind: "limit", unit: "cards", default: "4" };
    await visitor.fill("/admin/settings/new-entitlement", fields);
    expect((await admin(`/entitlements/${code}`)).body).toMatchObject({
      ...fields,
      default: 4,
      aggregate: null,
    });
    expect((await visitor.get("/admin/settings/entitlements")).text).toContain(code);
    const path = `/admin/settings/entitlements/${code}`;
    await visitor.fill(`${path}/edit`, {
      name: "Cards",
      kind: "meter",
      aggregate: "peak",
      period: "day",
      default: "",
    });
    expect((await admin(`/entitlements/${code}`)).body).toMatchObject({
      name: "Cards",
      kind: "meter",
      aggregate: "peak",
      period: "day",
      over: "warn",
      default: null,
    });
    await visitor.fill(`${path}/delete`, {});
    expect((await admin(`/entitlements/${code}`)).status).toBe(404);
  });
});

describe("the fields of a license follow the definitions", () => {
  it("from issue, where they begin with the default, to the edit, and say what the API says", async () => {
    const [gpus, sso, city] = [
      await define({ kind: "limit", unit: "cards", default: 3 }),
      await define({ kind: "flag" }),
      await define({ kind: "text" }),
    ];
    const customer = await newCustomer();
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN);
    const page = await visitor.get(`/admin/licenses/new?customer_id=${customer.id}`);
    expect(page.html).toMatch(new RegExp(`name="entitlement.${gpus}"[^>]*value="3"`));
    const { license } = await newLicense({
      customer_id: customer.id,
      entitlements: { [gpus]: { value: 8, until: "2027-06-30T15:00:00Z" }, [sso]: { value: true } },
    });
    const path = `/admin/licenses/${license.id}/edit`;
    // Nothing is changed by saving what is shown, not even an end within a day.
    await visitor.fill(path, { metadata: "{}" });
    expect(await held(license.id)).toEqual({
      [gpus]: { value: 8, until: "2027-06-30T15:00:00.000Z" },
      [sso]: { value: true },
    });
    await visitor.fill(path, {
      [`entitlement.${gpus}`]: "16",
      [`entitlement.${gpus}.until`]: "2027-12-31",
      [`entitlement.${city}`]: "Berlin",
    });
    expect(await held(license.id)).toEqual({
      [gpus]: { value: 16, until: "2028-01-01T12:00:00.000Z" },
      [sso]: { value: true },
      [city]: { value: "Berlin" },
    });
    await visitor.fill(path, { [`entitlement.${gpus}.unlimited`]: "yes", [`entitlement.${city}`]: "" });
    expect(await held(license.id)).toMatchObject({ [gpus]: { value: null } });
    expect(await held(license.id)).not.toHaveProperty(city);
    expect((await visitor.get(`/admin/licenses/${license.id}`)).text).toContain(`${gpus} unlimited through`);
  });
});

describe("a change", () => {
  it("is shown in words: before it is made, where somebody else was faster, and while it waits", async () => {
    const [gpus, sso] = [await define({ kind: "limit" }), await define({ kind: "flag" })];
    const { license } = await newLicense({
      entitlements: { [gpus]: { value: 8_000, until: "2027-06-30" }, [sso]: { value: true } },
    });
    const path = `/admin/licenses/${license.id}/edit`;
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN);
    const page = await visitor.get(path);
    const fields = { [`entitlement.${gpus}.unlimited`]: "yes", [`entitlement.${sso}`]: "" };
    const old = `${gpus} 8,000 through Jun 30, 2027; ${sso}`;
    const looked = (await visitor.submit(page, { ...fields, look: "yes" })).text;
    expect(looked).toContain(`entitlements ${old} ${gpus} unlimited through Jun 30, 2027`);
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: { notes: "Somebody was faster" } });
    const overtaken = (await visitor.submit(page, fields)).text;
    expect(overtaken).toContain(old);
    expect(overtaken).toContain(`without ${sso}`);
    const later = { entitlements: { [gpus]: { value: 1, until: "2027-06-30" }, [sso]: null } };
    const body = { ...later, effective_at: "2026-12-24T00:00:00Z" };
    await admin(`/licenses/${license.id}`, { method: "PATCH", body });
    expect((await visitor.get(`/admin/licenses/${license.id}`)).text).toContain(
      `entitlements: ${gpus} 1 through Jun 30, 2027; without ${sso}`,
    );
  });
});

describe("more definitions than a form shows", () => {
  const MANY = "INSERT INTO entitlements (code, name, kind, created_at, updated_at)";

  afterEach(() => rows("DELETE FROM entitlements WHERE code GLOB 'A-many-*'"));

  it("leave what a license or a type has in its form", async () => {
    const code = unique("z");
    await admin("/entitlements", { body: { code, name: "Last", kind: "limit" } });
    const entitlements = { [code]: { value: 5 } };
    const type = unique("type");
    await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", entitlements } });
    const { license } = await newLicense({ entitlements });
    await rows(
      `${MANY} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 201)
       SELECT printf('A-many-%03d', i), 'Many', 'flag', 0, 0 FROM n`,
    );
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN);
    await visitor.fill(`/admin/settings/license-types/${type}/edit`, { name: "Renamed" });
    const saved = (await admin(`/license-types/${type}`)).body;
    expect([saved.name, saved.entitlements]).toEqual(["Renamed", entitlements]);
    await visitor.fill(`/admin/licenses/${license.id}/edit`, { [`entitlement.${code}`]: "6" });
    expect(await held(license.id)).toEqual({ [code]: { value: 6 } });
    const page = await visitor.get(`/admin/licenses/new?license_type=${type}`);
    expect(page.html).toMatch(new RegExp(`name="entitlement.${code}"[^>]*value="5"`));
    expect(page.html).not.toContain("A-many-201");
  });
});

describe("the usage of a license", () => {
  it("has a chart of each meter with its limit, the day on which it runs out, and a statement", async () => {
    const code = await define({ kind: "meter" });
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value: 3_000 } } });
    await activate(license_key, "box");
    const usage = [{ date: "2026-11-20", requests: 1, services: 1, meters: { [code]: 2_500 } }];
    await checkIn(license_key, "box", { usage });
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN);
    const page = (await visitor.get(`/admin/licenses/${license.id}`)).text;
    expect(page).toContain(`${code}: this month so far`);
    // 2 500 in 20 days are 125 a day: 500 more take four.
    expect(page).toContain("At this pace it is reached on Nov 24, 2026.");
    const statement = await visitor.get(`/admin/licenses/${license.id}/statements/2026-11`);
    expect(statement.text).toContain("2,500");
    expect((await visitor.get(`/admin/licenses/${license.id}/statements/nonsense`)).status).toBe(404);
  });
});
