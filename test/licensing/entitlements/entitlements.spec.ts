// Definitions of entitlements, their values on types and licenses, and what is signed of them.
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import {
  activate,
  admin,
  checkIn,
  eventsOf,
  newCustomer,
  newLicense,
  unique,
  validate,
} from "../../support/service.ts";

const NOW = Date.parse("2026-11-29T08:00:00.000Z");

beforeEach(() => setTime(NOW));

/** Defines an entitlement under a code of its own. */
async function define(members: object): Promise<string> {
  const code = unique("ent");
  const answer = await admin("/entitlements", { body: { code, name: "Something", ...members } });
  expect(answer.status, answer.text).toBe(201);
  return code;
}

const read = async (id: string) => (await admin(`/licenses/${id}`)).body.entitlements;

const patch = (id: string, entitlements: unknown, more: object = {}) =>
  admin(`/licenses/${id}`, { method: "PATCH", body: { entitlements, ...more } });

describe("a definition", () => {
  it("is created, read, listed, replaced, changed, and deleted, each with an event", async () => {
    const code = unique("gpus");
    const body = { code, name: "GPUs", kind: "limit", unit: "GPUs", default: 4 };
    const made = await admin("/entitlements", { body });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...body, aggregate: null, period: null, over: null });
    expect((await admin("/entitlements", { body })).body.code).toBe("CONFLICT");
    expect((await admin(`/entitlements/${code}`)).body).toEqual(made.body);
    expect((await admin("/entitlements?limit=100")).body.data).toContainEqual(made.body);
    const put = { method: "PUT", body: { name: "Cards", kind: "limit" } };
    expect((await admin(`/entitlements/${code}`, put)).body).toMatchObject({
      name: "Cards",
      unit: null,
      default: null,
    });
    const renamed = await admin(`/entitlements/${code}`, { method: "PATCH", body: { unit: "cards" } });
    expect(renamed.body).toMatchObject({ name: "Cards", kind: "limit", unit: "cards" });
    const stale = {
      method: "PATCH",
      body: { name: "x" },
      headers: { "If-Match": made.headers.get("ETag")! },
    };
    expect((await admin(`/entitlements/${code}`, stale)).status).toBe(412);
    expect((await admin(`/entitlements/${code}`, { method: "DELETE" })).status).toBe(204);
    expect((await admin(`/entitlements/${code}`)).status).toBe(404);
    expect((await eventsOf(code)).map(({ action }) => action)).toEqual([
      "entitlement.created",
      "entitlement.changed",
      "entitlement.changed",
      "entitlement.deleted",
    ]);
  });

  it("of a meter sums a month and warns, unless it says otherwise", async () => {
    const code = await define({ kind: "meter" });
    const { body } = await admin(`/entitlements/${code}`);
    expect(body).toMatchObject({ aggregate: "sum", period: "month", over: "warn" });
    const changed = await admin(`/entitlements/${code}`, {
      method: "PATCH",
      body: { aggregate: "peak", period: "day", over: "refuse_new" },
    });
    expect(changed.body).toMatchObject({ aggregate: "peak", period: "day", over: "refuse_new" });
    const flag = await admin(`/entitlements/${code}`, { method: "PATCH", body: { kind: "flag" } });
    expect(flag.body).toMatchObject({ kind: "flag", aggregate: null, period: null, over: null });
  });

  it.each([
    [{ kind: "flag", aggregate: "sum" }, ["aggregate"]],
    [{ kind: "limit", period: "day", over: "warn" }, ["period", "over"]],
    [{ kind: "flag", default: 3 }, ["default"]],
    [{ kind: "limit", default: true }, ["default"]],
    [{ kind: "text", default: 1 }, ["default"]],
    [{ kind: "number" }, ["kind"]],
    [{ kind: "meter", aggregate: "mean" }, ["aggregate"]],
    [{ kind: "flag", code: "1gpu" }, ["code"]],
    [{ kind: "flag", code: "with blank" }, ["code"]],
    // What warnings call the limits that every license has, and what every object has.
    [{ kind: "meter", code: "max_services" }, ["code"]],
    [{ kind: "meter", code: "constructor" }, ["code"]],
    [{ kind: "flag", color: "red" }, ["color"]],
  ])("%j is refused at %j", async (members, paths) => {
    const answer = await admin("/entitlements", { body: { code: unique("x"), name: "X", ...members } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(paths);
  });

  it("that a license or a type has is not deleted, and is counted as before", async () => {
    const code = await define({ kind: "meter" });
    const { license } = await newLicense({ entitlements: { [code]: { value: 5 } } });
    const path = `/entitlements/${code}`;
    for (const body of [{ kind: "limit" }, { aggregate: "peak" }, { period: "day" }]) {
      const answer = await admin(path, { method: "PATCH", body });
      expect([answer.status, answer.body.code]).toEqual([409, "CONFLICT"]);
    }
    expect((await admin(path, { method: "PATCH", body: { name: "Other", over: "refuse_new" } })).status).toBe(
      200,
    );
    expect((await admin(path, { method: "DELETE" })).body.code).toBe("CONFLICT");
    await patch(license.id, { [code]: null });
    const type = unique("type");
    const typed = { method: "PUT", body: { name: "T", entitlements: { [code]: { value: 1 } } } };
    expect((await admin(`/license-types/${type}`, typed)).status).toBe(201);
    expect((await admin(path, { method: "DELETE" })).status).toBe(409);
    await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T" } });
    expect((await admin(path, { method: "DELETE" })).status).toBe(204);
  });
});

describe("the values of a license", () => {
  it("come from the type, are overridden code by code, and null leaves one out", async () => {
    const [gpus, nodes, sso] = [
      await define({ kind: "limit" }),
      await define({ kind: "limit" }),
      await define({ kind: "flag" }),
    ];
    const type = unique("type");
    const entitlements = { [gpus]: { value: 4 }, [nodes]: { value: null }, [sso]: { value: true } };
    const put = await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", entitlements } });
    expect(put.body.entitlements).toEqual(entitlements);
    const plain = await newLicense({ license_type: type });
    expect(plain.license.entitlements).toEqual(entitlements);
    const own = { [gpus]: { value: 8, until: "2027-06-30" }, [sso]: null };
    const { license } = await newLicense({ license_type: type, entitlements: own });
    expect(license.entitlements).toEqual({
      [gpus]: { value: 8, until: "2027-07-01T12:00:00.000Z" },
      [nodes]: { value: null },
    });
    const changed = await patch(license.id, { [nodes]: { value: 3 }, [gpus]: { value: 16 } });
    expect(changed.body.entitlements).toEqual({ [gpus]: { value: 16 }, [nodes]: { value: 3 } });
    await patch(license.id, { [gpus]: null });
    expect(await read(license.id)).toEqual({ [nodes]: { value: 3 } });
  });

  it.each([
    ["flag", 1],
    ["flag", null],
    ["flag", "true"],
    ["limit", true],
    ["limit", -1],
    ["limit", 1.5],
    ["limit", 1e15],
    ["meter", "7"],
    ["text", 7],
    ["text", null],
  ])("of kind %s cannot be %j", async (kind, value) => {
    const code = await define({ kind });
    const { license } = await newLicense();
    const answer = await patch(license.id, { [code]: { value } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(`entitlements.${code}.value`);
    expect(await read(license.id)).toEqual({});
  });

  it.each([
    ["flag", true],
    ["flag", false],
    ["limit", 0],
    ["limit", null],
    ["meter", 1_000_000_000_000],
    ["text", "Berlin"],
  ])("of kind %s can be %j", async (kind, value) => {
    const code = await define({ kind });
    const { license, license_key } = await newLicense({ entitlements: { [code]: { value } } });
    expect(license.entitlements).toEqual({ [code]: { value } });
    expect(decodeJwt(license_key)["entitlements"]).toEqual({ [code]: { value } });
  });

  it("of an unknown code, or of too many bytes, are refused at their place", async () => {
    const { license } = await newLicense();
    const unknown = await patch(license.id, { nothing: { value: 1 } });
    expect(unknown.body.errors).toEqual([
      { path: "entitlements.nothing", message: "There is no entitlement nothing" },
    ]);
    expect((await patch(license.id, { nothing: null })).status).toBe(200);
    const many: Record<string, unknown> = {};
    for (let n = 0; n < 18; n++) many[await define({ kind: "text" })] = { value: "x".repeat(200) };
    const answer = await patch(license.id, many);
    expect(answer.body.errors).toMatchObject([{ path: "entitlements" }]);
    const [first, ...others] = Object.entries(many);
    expect((await patch(license.id, Object.fromEntries(others))).status, first![0]).toBe(200);
  });

  it("are at most 32 meters", async () => {
    const { license } = await newLicense();
    const many: Record<string, unknown> = {};
    for (let n = 0; n < 33; n++) many[await define({ kind: "meter" })] = { value: 1 };
    expect((await patch(license.id, many)).body.errors).toEqual([
      { path: "entitlements", message: "Must have at most 32 meters" },
    ]);
    const [, ...others] = Object.entries(many);
    expect((await patch(license.id, Object.fromEntries(others))).status).toBe(200);
  });

  it("follow the type at a change of type, except where the request gives them", async () => {
    const [gpus, sso] = [await define({ kind: "limit" }), await define({ kind: "flag" })];
    const type = unique("type");
    const entitlements = { [gpus]: { value: 4 } };
    await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", entitlements } });
    const own = { [sso]: { value: true } };
    const kept = await newLicense({ entitlements: own });
    const body = { license_type: type, terms: "keep" };
    expect(
      (await admin(`/licenses/${kept.license.id}`, { method: "PATCH", body })).body.entitlements,
    ).toEqual(own);
    const taken = await newLicense({ entitlements: own });
    const other = { license_type: type, terms: "type", entitlements: { [sso]: { value: false } } };
    const after = await admin(`/licenses/${taken.license.id}`, { method: "PATCH", body: other });
    expect(after.body.entitlements).toEqual({ [gpus]: { value: 4 }, [sso]: { value: false } });
  });

  it("can be changed for a later time, and that is held where it lowers what was renewed meanwhile", async () => {
    const gpus = await define({ kind: "limit" });
    const { license } = await newLicense({ entitlements: { [gpus]: { value: 8 } } });
    const ordered = await patch(
      license.id,
      { [gpus]: { value: 4, until: "2027-06-30" } },
      { effective_at: "2026-12-24T00:00:00Z" },
    );
    expect(ordered.status).toBe(202);
    expect(ordered.body.pending_change.input.entitlements).toEqual({
      [gpus]: { value: 4, until: "2027-07-01T12:00:00.000Z" },
    });
  });
});

describe("what is signed", () => {
  it("has the values with their ends; what has ended is left out, offline and online", async () => {
    const [gpus, sso] = [await define({ kind: "limit" }), await define({ kind: "flag" })];
    const until = "2026-12-31T00:00:00.000Z";
    const { license, license_key } = await newLicense({
      entitlements: { [gpus]: { value: 8, until }, [sso]: { value: true } },
    });
    const both = { [gpus]: { value: 8, until }, [sso]: { value: true } };
    expect(decodeJwt(license_key)["entitlements"]).toEqual(both);
    const held = await activate(license_key, "box");
    expect(decodeJwt(held.body.certificate)["entitlements"]).toEqual(both);
    expect((await validate(license_key)).body.license.entitlements).toEqual(both);
    setTime(Date.parse(until) - 1);
    expect(decodeJwt((await checkIn(license_key, "box")).body.certificate)["entitlements"]).toEqual(both);
    setTime(Date.parse(until));
    const later = await checkIn(license_key, "box");
    expect(decodeJwt(later.body.certificate)["entitlements"]).toEqual({ [sso]: { value: true } });
    expect(decodeJwt(later.body.license_key)["entitlements"]).toEqual({ [sso]: { value: true } });
    expect((await validate(license_key)).body.license.entitlements).toEqual({ [sso]: { value: true } });
    expect(await read(license.id)).toEqual(both);
  });

  it("has no such claim where there is none: the claims are those of before, in their order", async () => {
    const { license_key } = await newLicense();
    const { body } = await activate(license_key, "box");
    expect(Object.keys(decodeJwt(license_key))).toEqual([
      "iss",
      "sub",
      "jti",
      "iat",
      "exp",
      "license_type",
      "features",
      "max_instances",
      "max_services",
      "max_requests_per_day",
      "rev",
    ]);
    expect(decodeJwt(body.certificate)).not.toHaveProperty("entitlements");
  });
});

describe("an export", () => {
  it("brings entitlements back as they were", async () => {
    const [gpus, sso, city] = [
      await define({ kind: "limit" }),
      await define({ kind: "flag" }),
      await define({ kind: "text" }),
    ];
    const customer_id = (await newCustomer()).id;
    const type = unique("type");
    await admin(`/license-types/${type}`, {
      method: "PUT",
      body: { name: "T", entitlements: { [sso]: { value: true } } },
    });
    const entitlements = {
      [gpus]: { value: null, until: "2027-06-30" },
      [city]: { value: 'Köln, "Nord"; 1' },
      [sso]: null,
    };
    const { license } = await newLicense({ customer_id, license_type: type, entitlements });
    const none = await newLicense({ customer_id, license_type: type, entitlements: { [sso]: null } });
    const csv = await admin(`/exports/licenses?format=csv&customer_id=${customer_id}`);
    const renamed = (id: string) => `${id.slice(0, -6)}ZZ${id.slice(-4)}`;
    const raw = [license.id, none.license.id]
      .reduce((text, id) => text.replaceAll(id, renamed(id)), csv.text)
      .split("\r\n")
      // Their keys are those of the licenses that they were.
      .map((line: string) => line.replace(/eyJ[\w.-]+/, ""))
      .join("\r\n");
    const headers = { "Content-Type": "text/csv" };
    const imported = await admin("/imports/licenses", { method: "POST", raw, headers });
    expect(imported.status, imported.text).toBe(200);
    expect(await read(renamed(license.id))).toEqual(await read(license.id));
    expect(await read(renamed(none.license.id))).toEqual({});
    setTime(NOW + DAY);
  });

  it("refuses what is not defined, row by row", async () => {
    const customer_id = (await newCustomer()).id;
    const row = { customer_id, license_type: "standard" };
    const flag = await define({ kind: "flag" });
    const body = [row, { ...row, entitlements: { nope: { value: 1 }, [flag]: { value: 2 } } }];
    const answer = await admin("/imports/licenses", { body });
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual([
      "rows.1.entitlements.nope",
      `rows.1.entitlements.${flag}.value`,
    ]);
  });
});
