import { createExecutionContext } from "cloudflare:test";
import Papa from "papaparse";
import { afterEach, describe, expect, it } from "vitest";
import type { Env } from "../../../src/config.ts";
import worker from "../../../src/worker.ts";
import { setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  eventsOf,
  newCustomer,
  newLicense,
  ORIGIN,
  rows,
  unique,
} from "../../support/service.ts";

const COLUMNS =
  "id,customer_id,license_key,license_type,issued_at,expires_at,status,standing,features,max_instances,max_services,max_requests_per_day,revision,starts_at,grace_days,lease_days,check_in_hours,notice_days,unproven_lease_hours,clone_policy,updates_until,metadata,tags,notes,signed_until,unproven_until,term_began_at,suspension,entitlements";

const exportOf = (customer: string, format = "csv", bindings: Env = env) =>
  admin(`/exports/licenses?format=${format}&customer_id=${customer}`, { bindings });

const parse = (text: string) => {
  const { data, errors } = Papa.parse<Record<string, string>>(text, { header: true, newline: "\r\n" });
  expect(errors.filter(({ code }) => code !== "TooFewFields")).toEqual([]);
  return data.filter(({ id }) => id !== "");
};

describe("the export of licenses", () => {
  it("as CSV has the columns of the contract, and reads back", async () => {
    setTime("2026-03-01T23:30:00.000Z");
    const customer = (await newCustomer()).id;
    const first = await newLicense({ customer_id: customer, features: ["sso", "api"], max_services: null });
    const second = await newLicense({
      customer_id: customer,
      license_type: "enterprise",
      expires_at: null,
      features: [],
    });
    const { status, headers, text } = await exportOf(customer);
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    expect(headers.get("Content-Disposition")).toBe('attachment; filename="licenses-2026-03-01.csv"');
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(text.split("\r\n")).toHaveLength(4);
    expect(text.split("\r\n").at(0)).toBe(COLUMNS);
    expect(text.endsWith("\r\n")).toBe(true);
    const [read, ...others] = parse(text).filter(({ id }) => id === first.license.id);
    expect(others).toEqual([]);
    expect(read).toEqual({
      id: first.license.id,
      customer_id: customer,
      license_key: first.license_key,
      license_type: "standard",
      issued_at: "2026-03-01T23:30:00.000Z",
      expires_at: "2027-03-01T23:30:00.000Z",
      status: "active",
      standing: "active",
      features: "sso;api",
      max_instances: "2",
      max_services: "",
      max_requests_per_day: "10000",
      revision: "1",
      starts_at: "",
      grace_days: "14",
      lease_days: "30",
      check_in_hours: "24",
      notice_days: "",
      unproven_lease_hours: "72",
      clone_policy: "warn",
      updates_until: "",
      metadata: "{}",
      tags: "",
      notes: "",
      signed_until: "",
      unproven_until: "",
      term_began_at: "",
      suspension: "",
      entitlements: "{}",
    });
    expect(parse(text).find(({ id }) => id === second.license.id)).toMatchObject({
      license_key: second.license_key,
      expires_at: "",
      features: "",
      max_instances: "",
    });
  });

  it("as JSON says the same with types", async () => {
    setTime("2026-03-01T10:00:00.000Z");
    const customer = (await newCustomer()).id;
    for (let n = 0; n < 3; n++)
      await newLicense({ customer_id: customer, expires_at: null, max_instances: null });
    const { headers, body } = await exportOf(customer, "json");
    expect(headers.get("Content-Type")).toBe("application/json");
    expect(headers.get("Content-Disposition")).toBe('attachment; filename="licenses-2026-03-01.json"');
    const twins = parse((await exportOf(customer)).text);
    expect(body).toHaveLength(3);
    for (const [n, license] of body.entries()) {
      expect(Object.keys(license).join()).toBe(COLUMNS);
      expect(license).toMatchObject({ expires_at: null, max_instances: null, max_services: 10, revision: 1 });
      const flat = {
        ...license,
        features: license.features.join(";"),
        tags: license.tags.join(";"),
        metadata: JSON.stringify(license.metadata),
        entitlements: JSON.stringify(license.entitlements),
      };
      expect(Papa.unparse([Object.values(flat)])).toBe(Papa.unparse([Object.values(twins[n]!)]));
    }
  });

  it("derives the standing at the moment of the export", async () => {
    setTime("2026-03-01T10:00:00.000Z");
    const customer = (await newCustomer()).id;
    await newLicense({ customer_id: customer, expires_days: 10, grace_days: 3 });
    const seen = [];
    for (const at of ["2026-03-02T10:00:00Z", "2026-03-11T10:00:00Z", "2026-03-14T10:00:00Z"]) {
      setTime(at);
      seen.push(parse((await exportOf(customer)).text)[0]!["standing"]);
    }
    expect(seen).toEqual(["expiring", "grace", "expired"]);
  });

  it("is empty for a customer without licenses, and valid all the same", async () => {
    const customer = (await newCustomer()).id;
    expect((await exportOf(customer)).text).toBe(`${COLUMNS}\r\n`);
    expect((await exportOf(customer, "json")).body).toEqual([]);
  });

  it("lets no cell start a formula", async () => {
    for (const start of ["-", "-2+3-", "."]) {
      const customer = unique(start).replaceAll("+", ".");
      await newCustomer({ id: customer });
      await newLicense({ customer_id: customer });
      const { text } = await exportOf(customer);
      const cell = start === "." ? customer : `'${customer}`;
      expect(parse(text)).toMatchObject([{ customer_id: cell }]);
      for (const value of Object.values(parse(text)[0]!)) expect(value).not.toMatch(/^[=+\-@\t\r]/);
    }
  });

  it("quotes what holds quotes, commas or line ends, and escapes what a formula begins with", async () => {
    const customer = (await newCustomer()).id;
    const type = `=HYPERLINK("http://x.example", "${unique("a")}")\r\nb`;
    await rows(
      "INSERT INTO license_types (id, name, grace_days, lease_days, check_in_hours, features, created_at, updated_at) VALUES (?, 'x', 0, 1, 1, '[]', 0, 0)",
      type,
    );
    const { license } = await newLicense({ customer_id: customer });
    await rows("UPDATE licenses SET license_type = ? WHERE id = ?", type, license.id);
    const { text } = await exportOf(customer);
    expect(text).toContain(`,"'${type.replaceAll('"', '""')}",`);
    expect(parse(text)).toMatchObject([{ license_type: `'${type}`, id: license.id }]);
    expect((await exportOf(customer, "json")).body).toMatchObject([{ license_type: type }]);
    await rows("DELETE FROM licenses WHERE id = ?", license.id);
    await rows("DELETE FROM license_types WHERE id = ?", type);
  });

  it("has the licenses of all customers where none is named", async () => {
    const ids = [(await newLicense()).license.id, (await newLicense()).license.id];
    const exported = parse((await admin("/exports/licenses")).text).map(({ id }) => id);
    expect(exported).toEqual(expect.arrayContaining(ids));
    expect(exported).toEqual(exported.toSorted());
    const [{ n } = { n: 0 }] = await rows<{ n: number }>("SELECT count(*) n FROM licenses");
    expect(exported).toHaveLength(n);
  });

  it("is recorded, without the keys that it shows", async () => {
    const customer = (await newCustomer()).id;
    const { license_key } = await newLicense({ customer_id: customer });
    await exportOf(customer, "json");
    const event = (await eventsOf(customer)).at(-1)!;
    expect(event).toMatchObject({
      action: "licenses.exported",
      actor_id: "ADMIN_TOKEN",
      detail: '{"format":"json"}',
    });
    const before = (await eventsOf("licenses")).length;
    await admin("/exports/licenses");
    const events = await eventsOf("licenses");
    expect(events).toHaveLength(before + 1);
    expect(events.at(-1)).toMatchObject({ action: "licenses.exported", entity_type: "export" });
    expect(JSON.stringify(events)).not.toContain(license_key);
  });

  it("refuses an unknown customer before it begins, and records nothing", async () => {
    const answer = await exportOf("nobody");
    expect(answer).toMatchObject({ status: 404, body: { code: "CUSTOMER_NOT_FOUND" } });
    expect(await eventsOf("nobody")).toEqual([]);
  });

  it("has what filters find, and records which they were", async () => {
    const customer = (await newCustomer()).id;
    const { license } = await newLicense({ customer_id: customer, tags: ["pilot"] });
    await newLicense({ customer_id: customer });
    const { text } = await admin(`/exports/licenses?customer_id=${customer}&tag=pilot&standing=active`);
    expect(parse(text).map(({ id }) => id)).toEqual([license.id]);
    expect((await eventsOf(customer)).at(-1)).toMatchObject({
      action: "licenses.exported",
      detail: JSON.stringify({ format: "csv", filters: "tag standing" }),
    });
  });

  it.each([
    "limit=2500",
    "cursor=x",
    "standing=odd",
    "format=xml",
    "format=",
    "customer_id=%3F",
    "colour=red",
  ])("refuses ?%s", async (query) => {
    expect(await admin(`/exports/licenses?${query}`)).toMatchObject({ status: 422 });
  });
});

/** Licenses of a customer by the thousand, past the API. */
async function seed(count: number): Promise<string> {
  const customer = (await newCustomer()).id;
  await rows(
    `INSERT INTO licenses
       (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days, lease_days, check_in_hours, features, max_instances, updated_at)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     SELECT printf('lic_%s%08d', substr(upper(hex(?1)), -18), i), ?1, 'standard', 'active', 1, 1767225600000,
       4102444800000 + i * 1000, 14, 30, 24, '["orchestration","api"]', 2, 1767225600000 FROM n`,
    customer,
    count,
  );
  seeded.push(customer);
  return customer;
}

const seeded: string[] = [];

// The other tests read the same database.
afterEach(async () => {
  for (const customer of seeded.splice(0)) {
    await rows(
      "DELETE FROM license_terms WHERE license_id IN (SELECT id FROM licenses WHERE customer_id = ?)",
      customer,
    );
    await rows("DELETE FROM licenses WHERE customer_id = ?", customer);
  }
});

/** The stream of an export, as it comes. */
async function streamOf(customer: string, bindings: Env): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const request = new Request(`${ORIGIN}/v1/admin/exports/licenses?customer_id=${customer}`, {
    headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}` },
  });
  const response = await worker.fetch(request, bindings, createExecutionContext());
  expect(response.status).toBe(200);
  return response.body!.getReader();
}

describe("the export of instances", () => {
  it("has what the filters find, with its customer, as CSV and as JSON", async () => {
    const { id } = await newCustomer({ name: "Ada Price", company: "Cobalt, Inc." });
    const { license_key } = await newLicense({ customer_id: id });
    await activate(license_key, "old", { app_version: "1.9.0", hostname: "=box" });
    await activate(license_key, "new", { app_version: "2.0.0" });
    const path = `/exports/instances?customer_id=${id}&app_version_below=2.0`;
    const { status, headers, text } = await admin(path);
    expect(status).toBe(200);
    expect(headers.get("Content-Disposition")).toMatch(/filename="instances-[\d-]+\.csv"/);
    expect(parse(text)).toMatchObject([
      { instance_id: "old", customer: "Cobalt, Inc.", customer_id: id, active: "true", hostname: "'=box" },
    ]);
    const { body } = await admin(`${path}&format=json`);
    expect(body).toMatchObject([
      { instance_id: "old", customer: "Cobalt, Inc.", active: true, hostname: "=box" },
    ]);
    expect(body).toHaveLength(1);
  });

  it.each(["app_version_below=new", "colour=red", "cursor=x", "limit=5"])("refuses ?%s", async (query) => {
    expect(await admin(`/exports/instances?${query}`)).toMatchObject({ status: 422 });
  });
});

describe("a large export", () => {
  it("is streamed in pages of at most 2 500, one D1 trip each", async () => {
    const customer = await seed(20_000);
    const { bindings, cost } = metered();
    const reader = await streamOf(customer, bindings);
    const utf8 = new TextDecoder();
    let [lines, chunks, largest] = [0, 0, 0];
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const text = utf8.decode(chunk.value);
      lines += text.split("\r\n").length - 1;
      largest = Math.max(largest, text.split("\r\n").length - 1);
      chunks += 1;
    }
    expect(lines).toBe(20_001);
    expect(chunks).toBe(8);
    expect(largest).toBe(2_501);
    // The event, the pages, and the look that finds no more.
    expect(cost.trips).toBe(1 + 8 + 1);
    expect(cost.read).toBeLessThanOrEqual(20_000 + 100);
  }, 60_000);

  // An invocation may send 1,000 statements: pages for people would break off a file of 100,000.
  it.each([
    ["whose every row fits", "status=active", 2],
    ["that looks at each row", "license_type=standard&ends_from=2000-01-01", 1],
    ["by what staff noted", "tag=bulk", 1],
    ["by a search", "q=bulk", 1],
  ])("by a filter %s takes pages of 2 500 too", async (_, query, spare) => {
    const customer = await seed(2_600);
    await rows(`UPDATE licenses SET tags = '["bulk"]', terms_at = version WHERE customer_id = ?`, customer);
    await rows(
      "INSERT INTO license_terms (term, license_id) SELECT 'tag:bulk', id FROM licenses WHERE customer_id = ?1 UNION ALL SELECT 'bulk', id FROM licenses WHERE customer_id = ?1",
      customer,
    );
    const { bindings, cost } = metered();
    const { status, text } = await admin(`/exports/licenses?format=csv&${query}`, { bindings });
    expect(status).toBe(200);
    expect(parse(text).filter(({ customer_id }) => customer_id === customer)).toHaveLength(2_600);
    expect(cost.trips).toBeLessThanOrEqual(1 + 2 + spare);
  });

  it("reads at most one page further than its reader does", async () => {
    const customer = await seed(6_000);
    const { bindings, cost } = metered();
    const reader = await streamOf(customer, bindings);
    expect(cost.trips).toBe(1);
    await reader.read();
    expect(cost.trips).toBeLessThanOrEqual(3);
    await reader.cancel();
    expect(cost.trips).toBeLessThanOrEqual(3);
  });

  it.each(["csv", "json"])(
    "as %s breaks off, and does not end, where a page cannot be read",
    async (format) => {
      const customer = await seed(6_000);
      let batches = 0;
      const DB: D1Database = {
        withSession: () => DB,
        prepare: (sql: string) => env.DB.prepare(sql),
        batch: (statements: D1PreparedStatement[]) =>
          ++batches === 4
            ? Promise.reject(new Error("D1_ERROR: D1 DB is overloaded."))
            : env.DB.batch(statements),
      } as unknown as D1Database;
      await expect(exportOf(customer, format, { ...env, DB })).rejects.toThrow("overloaded");
      expect(batches).toBe(4);
    },
  );
});
