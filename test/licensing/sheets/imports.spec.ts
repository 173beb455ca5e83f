import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../../src/problems.ts";
import { setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  type Answer,
  admin,
  type Call,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";

type Kind = "customers" | "licenses";

const importCsv = (kind: Kind, raw: BodyInit, options: Call = {}, query = ""): Promise<Answer> =>
  admin(`/imports/${kind}${query}`, {
    method: "POST",
    raw,
    headers: { "Content-Type": "text/csv" },
    ...options,
  });

const importJson = (kind: Kind, body: unknown, options: Call = {}): Promise<Answer> =>
  admin(`/imports/${kind}`, { body, ...options });

/** CSV of cells that need no quotes. */
const csv = (...lines: unknown[][]): string => lines.map((cells) => `${cells.join(",")}\r\n`).join("");

const faultsOf = (answer: Answer): [string, string][] => {
  expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
  return answer.body.errors.map((error: { path: string; message: string }) => [error.path, error.message]);
};

const counts = () =>
  rows(
    "SELECT (SELECT count(*) FROM customers) c, (SELECT count(*) FROM customer_terms) t, (SELECT count(*) FROM licenses) l, (SELECT count(*) FROM events) e",
  );

const licensesOf = (customerId: string): Promise<any[]> =>
  rows("SELECT * FROM licenses WHERE customer_id = ? ORDER BY id", customerId);

let serial = 0;

/** A license id that is in no database yet. */
const newLicenseId = (): string => `lic_01IMPORT${String(++serial).padStart(18, "0")}`;

describe("importing customers", () => {
  it("creates what a file of CSV says, with events and search terms", async () => {
    const id = unique("cust");
    const file = `\ufeffid,name,email,company,metadata\r\n${id},"Price, Ada ""the"" 1st",ada@acme.example,Acme GmbH,"{""crm"": [7, null]}"\r\n${id}-2,Grace,,,\r\n`;
    expect(await importCsv("customers", file)).toMatchObject({
      status: 200,
      body: { dry_run: false, rows: 2, created: 2 },
    });
    const { body } = await admin(`/customers/${id}`);
    expect(body).toMatchObject({
      id,
      name: 'Price, Ada "the" 1st',
      email: "ada@acme.example",
      company: "Acme GmbH",
      metadata: { crm: [7, null] },
    });
    expect((await admin(`/customers/${id}-2`)).body).toMatchObject({
      email: null,
      company: null,
      metadata: {},
    });
    const [event, ...more] = await eventsOf(id);
    expect(event).toMatchObject({
      action: "customer.imported",
      actor_id: "ADMIN_TOKEN",
      entity_type: "customer",
    });
    const { after, members } = JSON.parse(event!.detail);
    expect(after).toMatchObject({ id, version: 1 });
    expect(members.toSorted()).toEqual(["company", "email", "metadata", "name"]);
    expect(more).toEqual([]);
    const terms = await rows<{ term: string }>("SELECT term FROM customer_terms WHERE customer_id = ?", id);
    expect(terms.map(({ term }) => term)).toEqual(
      expect.arrayContaining([id, "ada@acme.example", "acme.example", "acme gmbh", "gmbh", "1st"]),
    );
  });

  it("takes JSON, as an array and as data, and generates ids", async () => {
    const email = `${unique("ada")}@acme.example`;
    expect(await importJson("customers", [{ name: "Ada", email }])).toMatchObject({
      status: 200,
      body: { created: 1 },
    });
    const other = { name: "Ada", email, metadata: { a: "\u0000é", b: { c: [] } }, company: null };
    expect(await importJson("customers", { data: [other] })).toMatchObject({ status: 200 });
    const created = await rows<any>("SELECT * FROM customers WHERE email = ?", email);
    expect(created.map(({ id }) => id)).toEqual([
      expect.stringMatching(/^cus_[0-9A-Z]{26}$/),
      expect.stringMatching(/^cus_[0-9A-Z]{26}$/),
    ]);
    expect(created.map(({ metadata }) => JSON.parse(metadata))).toContainEqual(other.metadata);
  });

  it("lists what is wrong by row and column, and writes nothing", async () => {
    const taken = (await newCustomer()).id;
    const before = await counts();
    const answer = await importCsv(
      "customers",
      csv(
        ["id", "name", "email", "metadata"],
        ["fine", "Ada", "", ""],
        ["a/b", "Ada", "nobody", "[1]"],
        ["twice", "", "", "{"],
        ["twice", "Ada", "", ""],
        ["twice", "Ada", "", ""],
        [taken, "Ada", "", ""],
      ),
    );
    expect(faultsOf(answer)).toEqual([
      ["rows.3.id", expect.any(String)],
      ["rows.3.email", expect.any(String)],
      ["rows.3.metadata", expect.any(String)],
      ["rows.4.metadata", "Must be a JSON object"],
      ["rows.4.name", expect.any(String)],
      ["rows.6.id", "The id is in the file twice"],
      ["rows.7.id", "A customer with this id exists already"],
    ]);
    expect(await counts()).toEqual(before);
  });

  it.each([
    ["rows.1.nickname", csv(["name", "nickname"], ["Ada", "A"])],
    ["rows.1.name", csv(["id", "email"], ["a", "a@acme.example"])],
  ])("refuses a header with %s", async (path, file) => {
    expect(faultsOf(await importCsv("customers", file)).map(([where]) => where)).toEqual([path]);
  });

  it("counts rows of JSON from 0 and refuses unknown members", async () => {
    const answer = await importJson("customers", [{ name: "Ada" }, { name: 7, nickname: "A" }]);
    expect(
      faultsOf(answer)
        .map(([path]) => path)
        .toSorted(),
    ).toEqual(["rows.1.name", "rows.1.nickname"]);
  });

  it("imports 5 000 customers with one bad row among them not at all, and without it in one batch", async () => {
    const prefix = unique("many");
    const lines = Array.from({ length: 5_000 }, (_, n) => [
      `${prefix}-${n}`,
      `Ada ${n}`,
      `ada${n}@acme.example`,
    ]);
    const before = await counts();
    const bad = csv(["id", "name", "email"], ...lines.with(4_711, [`${prefix}-x`, "Ada", "nobody"]));
    expect(faultsOf(await importCsv("customers", bad)).map(([path]) => path)).toEqual(["rows.4713.email"]);
    expect(await counts()).toEqual(before);

    const { bindings, cost } = metered();
    // Looks for webhook endpoints after the answer, and so nobody does within the next minute.
    await importCsv("customers", csv(["name"], ["Ada"]), { bindings });
    const looked = cost.trips;
    const answer = await importCsv("customers", csv(["id", "name", "email"], ...lines), { bindings });
    expect(answer).toMatchObject({ status: 200, body: { rows: 5_000, created: 5_000 } });
    // What is there already, and all rows.
    expect(cost.trips - looked).toBe(2);
    const [found] = await rows("SELECT count(*) n FROM customers WHERE id GLOB ?", `${prefix}-*`);
    expect(found).toEqual({ n: 5_000 });
  });
});

/** What the licenses of a customer say, but for who they are. */
const termsIn = async (customerId: string): Promise<string[]> =>
  (await licensesOf(customerId)).map((row) => JSON.stringify({ ...row, id: "", customer_id: "" })).toSorted();

describe("importing new licenses", () => {
  it("issues them as the call for one does", async () => {
    setTime("2026-03-01T10:00:00.789Z");
    const [customer, twin] = [(await newCustomer()).id, (await newCustomer()).id];
    const file = [
      "customer_id,license_type,expires_days,expires_at,starts_at,grace_days,features,max_instances,max_services,metadata",
      `${customer},professional,,,,,,,,`,
      `${customer},trial,10,,,,sso; custom:feature,7,,`,
      `${customer},standard,,2031-12-31,2031-01-01,0,,,,`,
      `${customer},standard,,never,,,,,unlimited,"{""order"": ""PO, 77""}"`,
    ].join("\n");
    for (const license of [
      { license_type: "professional" },
      { license_type: "trial", expires_days: 10, max_instances: 7, features: ["sso", "custom:feature"] },
      { license_type: "standard", expires_at: "2031-12-31", starts_at: "2031-01-01", grace_days: 0 },
      { license_type: "standard", expires_at: null, max_services: null, metadata: { order: "PO, 77" } },
    ]) {
      await newLicense({ ...license, customer_id: twin });
    }
    expect(await importCsv("licenses", file)).toMatchObject({
      status: 200,
      body: { dry_run: false, rows: 4, created: 4, customers_created: 0 },
    });
    expect(await termsIn(customer)).toEqual(await termsIn(twin));
    for (const { id } of await licensesOf(customer)) {
      const events = await eventsOf(id);
      expect(events).toMatchObject([{ action: "license.imported", actor_id: "ADMIN_TOKEN" }]);
      expect(JSON.parse(events[0]!.detail).after).toMatchObject({
        id,
        customer_id: customer,
        status: "active",
      });
    }
  });

  it("takes JSON with the members of that call", async () => {
    const customer_id = (await newCustomer()).id;
    const terms = { features: [], max_instances: null, metadata: { nested: [{ deep: "\u0000" }] } };
    const answer = await importJson("licenses", [
      { customer_id, license_type: "trial", expires_at: null, ...terms },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { created: 1 } });
    const { body } = await admin(`/licenses?customer_id=${customer_id}`);
    expect(body.data).toMatchObject([{ ...terms, expires_at: null, license_type: "trial" }]);
  });

  it("lists what is wrong by row and column, and writes nothing", async () => {
    const customer = (await newCustomer()).id;
    const { license } = await newLicense();
    const again = newLicenseId();
    const header =
      "id,customer_id,license_type,expires_days,expires_at,starts_at,features,max_instances,status,revision,issued_at";
    const before = await counts();
    const answer = await importCsv(
      "licenses",
      [
        header,
        `,${customer},standard,,,,,,,,`,
        `,nobody,golden,,,,,,,,`,
        `,${customer},standard,soon,,,,-1,,,`,
        `,${customer},standard,30,2031-01-01,,,,,,`,
        `,${customer},standard,,2020-01-01,,,,,,`,
        `,${customer},standard,,2031-01-01,2031-06-01,,,,,`,
        `,${customer},standard,,2031-02-30,,sso;sso,0,,,`,
        `,${customer},standard,,,,,,suspended,2,2020-01-01`,
        `${license.id},${customer},standard,,,,,,,,`,
        `${again},${customer},standard,,,,,,,,`,
        `${again},${customer},standard,,,,,,,,`,
        `lic_x,${customer},standard,,,,,,paused,1.5,`,
        `${newLicenseId()},${customer},standard,,,,,,,,2999-01-01T00:00:00Z`,
        `${newLicenseId()},${customer},standard,,2020-01-01,2021-01-01,,,,,`,
        "",
      ].join("\n"),
    );
    expect(
      faultsOf(answer)
        .map(([path]) => path)
        .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })),
    ).toEqual([
      "rows.3.customer_id",
      "rows.3.license_type",
      "rows.4.expires_days",
      "rows.4.max_instances",
      "rows.5.expires_at",
      "rows.6.expires_at",
      "rows.7.expires_at",
      "rows.8.expires_at",
      "rows.8.features",
      "rows.8.max_instances",
      "rows.9.issued_at",
      "rows.9.revision",
      "rows.9.status",
      "rows.10.id",
      "rows.12.id",
      "rows.13.id",
      "rows.13.revision",
      "rows.13.status",
      "rows.14.issued_at",
      "rows.15.expires_at",
    ]);
    expect(await counts()).toEqual(before);
  });

  it("lists 100 faults and says how many more there are", async () => {
    const file = csv(
      ["customer_id", "license_type"],
      ...Array.from({ length: 130 }, () => ["nobody", "trial"]),
    );
    const answer = await importCsv("licenses", file);
    expect(faultsOf(answer)).toHaveLength(100);
    expect(answer.body.detail).toMatch(/130 faults.*100 of them; there are 30 more/);
  });

  it("with dry_run checks all and writes nothing", async () => {
    const customer = (await newCustomer()).id;
    const header = ["id", "customer_id", "license_type"];
    const before = await counts();
    const good = csv(header, ["", customer, "standard"], [newLicenseId(), unique("new"), "trial"]);
    expect(await importCsv("licenses", good, {}, "?dry_run=true")).toMatchObject({
      status: 200,
      body: { dry_run: true, rows: 2, created: 2, customers_created: 1 },
    });
    const bad = csv(header, ["", customer, "golden"]);
    expect(faultsOf(await importCsv("licenses", bad, {}, "?dry_run=true"))).toHaveLength(1);
    expect(await importCsv("customers", csv(["name"], ["Ada"]), {}, "?dry_run=true")).toMatchObject({
      body: { dry_run: true, created: 1 },
    });
    expect(await counts()).toEqual(before);
  });
});

describe("restoring licenses", () => {
  it("brings back what an export says, with a customer where there is none", async () => {
    setTime("2026-03-01T10:00:00.000Z");
    const [id, customer] = [newLicenseId(), unique("-gone")];
    const file = [
      "id,customer_id,license_key,license_type,issued_at,expires_at,status,standing,features,max_instances,max_services,max_requests_per_day,revision",
      `${id},'${customer},not-a-key,standard,2020-01-01T00:00:00.000Z,2021-01-01T12:00:00.000Z,suspended,active,,,3,,4`,
      `,'${customer},,trial,,,,,,,,,`,
    ].join("\r\n");
    expect(await importCsv("licenses", file)).toMatchObject({
      status: 200,
      body: { rows: 2, created: 2, customers_created: 1 },
    });
    expect((await admin(`/customers/${customer}`)).body).toMatchObject({ id: customer, name: customer });
    expect(await eventsOf(customer)).toMatchObject([{ action: "customer.imported" }]);
    expect(await rows("SELECT term FROM customer_terms WHERE customer_id = ?", customer)).toContainEqual({
      term: customer,
    });
    expect((await admin(`/licenses/${id}`)).body).toMatchObject({
      customer_id: customer,
      license_type: "standard",
      issued_at: "2020-01-01T00:00:00.000Z",
      starts_at: null,
      expires_at: "2021-01-01T12:00:00.000Z",
      status: "suspended",
      features: [],
      max_instances: null,
      max_services: 3,
      max_requests_per_day: null,
      revision: 4,
      grace_days: 14,
      lease_days: 30,
      check_in_hours: 24,
    });
  });

  it("takes what a file leaves out from the type", async () => {
    setTime("2026-03-01T10:00:00.000Z");
    const [short, long] = [newLicenseId(), newLicenseId()];
    const customer = (await newCustomer()).id;
    await importCsv("licenses", csv(["id", "customer_id", "license_type"], [short, customer, "trial"]));
    expect((await admin(`/licenses/${short}`)).body).toMatchObject({
      issued_at: "2026-03-01T10:00:00.000Z",
      expires_at: "2026-03-31T10:00:00.000Z",
      max_instances: 1,
      status: "active",
      revision: 1,
    });
    const header = ["id", "customer_id", "license_type", "expires_at", "expires_days", "max_instances"];
    await importCsv("licenses", csv(header, [long, customer, "trial", "", 60, "unlimited"]));
    expect((await admin(`/licenses/${long}`)).body).toMatchObject({
      expires_at: "2026-04-30T10:00:00.000Z",
      max_instances: null,
    });
  });

  it.each(["csv", "json"])(
    "an export as %s, imported into an empty database, is the same export again",
    async (format) => {
      setTime("2026-03-01T10:00:00.000Z");
      const customer = unique("round");
      await newCustomer({ id: customer });
      const issued = [
        await newLicense({ customer_id: customer }),
        await newLicense({
          customer_id: customer,
          license_type: "enterprise",
          expires_at: null,
          features: [],
        }),
        await newLicense({ customer_id: customer, license_type: "trial", expires_days: 1, max_instances: 9 }),
        await newLicense({ customer_id: customer, starts_at: "2026-09-01T00:00:00Z", features: ["sso"] }),
      ];
      await rows("UPDATE licenses SET status = 'revoked', revision = 3 WHERE id = ?", issued[0].license.id);
      // A day and the grace of the trial later it is long expired.
      setTime("2026-03-20T10:00:00.000Z");
      const exported = await admin(`/exports/licenses?format=${format}&customer_id=${customer}`);

      await rows("DELETE FROM licenses WHERE customer_id = ?", customer);
      await rows("DELETE FROM customer_terms WHERE customer_id = ?", customer);
      await rows("DELETE FROM customers WHERE id = ?", customer);
      const type = format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/json";
      const answer = await importCsv("licenses", exported.text, { headers: { "Content-Type": type } });
      expect(answer.body).toEqual({ dry_run: false, rows: 4, created: 4, customers_created: 1 });

      const again = await admin(`/exports/licenses?format=${format}&customer_id=${customer}`);
      expect(again.text).toBe(exported.text);
      expect(again.text).toContain(issued[1].license_key);
      const { payload } = await verifyPublished(issued[1].license_key, "license+jwt");
      expect(payload.jti).toBe(issued[1].license.id);
      expect((await admin(`/licenses/${issued[3].license.id}`)).body).toMatchObject({
        starts_at: "2026-09-01T00:00:00.000Z",
        standing: "scheduled",
      });
    },
  );

  it("takes nothing from another license's key: the row is refused", async () => {
    const { license_key } = await newLicense({ starts_at: "2026-09-01T00:00:00Z", expires_at: null });
    const { license_type, customer_id } = { license_type: "trial", customer_id: (await newCustomer()).id };
    const id = newLicenseId();
    const answer = await importJson("licenses", [{ id, customer_id, license_type, license_key }]);
    expect(faultsOf(answer).map(([path]) => path)).toEqual(["rows.0.id", "rows.0.customer_id"]);
    expect(await admin(`/licenses/${id}`)).toMatchObject({ status: 404 });
  });
});

/** Bindings under whose `n`th batch another request comes first. */
const overtaken = (n: number, by: () => Promise<unknown>): typeof env => {
  let batches = 0;
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch(statements: D1PreparedStatement[]) {
      if (++batches === n) await by();
      return env.DB.batch(statements);
    },
  } as D1Database;
  return { ...env, DB };
};

describe("an import that another request overtakes", () => {
  it("is rolled back whole where the id of its last customer was taken", async () => {
    const prefix = unique("race");
    const ids = Array.from({ length: 3_000 }, (_, n) => `${prefix}-${n}`);
    const bindings = overtaken(2, () => newCustomer({ id: ids.at(-1)! }));
    const file = csv(["id", "name", "company"], ...ids.map((id) => [id, "Ada", "x".repeat(200)]));
    const answer = await importCsv("customers", file, { bindings });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await rows("SELECT id FROM customers WHERE id GLOB ?", `${prefix}-*`)).toEqual([
      { id: ids.at(-1) },
    ]);
    expect(await rows("SELECT customer_id FROM customer_terms WHERE customer_id = ?", ids[0])).toEqual([]);
    expect(await eventsOf(ids[0]!)).toEqual([]);
  });

  it("is rolled back whole where the id of its last license was taken", async () => {
    const [customer, other] = [(await newCustomer()).id, (await newCustomer()).id];
    const ids = Array.from({ length: 3_000 }, () => newLicenseId());
    const header = ["id", "customer_id", "license_type"];
    const bindings = overtaken(2, () => importCsv("licenses", csv(header, [ids.at(-1), other, "trial"])));
    const file = csv(header, ...ids.map((id, n) => [id, n === 0 ? unique("brought") : customer, "trial"]));
    const answer = await importCsv("licenses", file, { bindings });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await licensesOf(customer)).toEqual([]);
    expect(await rows("SELECT id FROM customers WHERE id GLOB 'brought-*'")).toEqual([]);
    expect(await eventsOf(ids[0]!)).toEqual([]);
  });

  it("is rolled back where its customer was deleted", async () => {
    const customer = (await newCustomer()).id;
    const bindings = overtaken(2, () => rows("DELETE FROM customers WHERE id = ?", customer));
    const file = csv(["customer_id", "license_type"], [customer, "trial"]);
    expect(await importCsv("licenses", file, { bindings })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT" },
    });
    expect(await licensesOf(customer)).toEqual([]);
  });
});

describe("the statistics", () => {
  it("count what imports wrote", async () => {
    const customer = (await newCustomer()).id;
    const before = await rows("SELECT sum(n) n FROM license_counts WHERE license_type = 'trial'");
    const lines = Array.from({ length: 7 }, () => [customer, "trial"]);
    await importCsv("licenses", csv(["customer_id", "license_type"], ...lines));
    const after = await rows("SELECT sum(n) n FROM license_counts WHERE license_type = 'trial'");
    expect(after[0]!["n"]).toBe((before[0]!["n"] as number) + 7);
    expect(await rows("SELECT * FROM license_counts WHERE n > 0 ORDER BY license_type, status")).toEqual(
      await rows(
        "SELECT license_type, status, count(*) n FROM licenses GROUP BY license_type, status ORDER BY license_type, status",
      ),
    );
    expect(await rows("SELECT * FROM license_turns WHERE n > 0 ORDER BY turn, size, prefix")).toEqual(
      await rows("SELECT turn, size, prefix, count(*) n FROM license_turns_of GROUP BY turn, size, prefix"),
    );
  });
});

/** A good file of exactly that size: a customer, and space after it. */
const sized = (bytes: number): string => {
  const file = csv(["name"], ["Ada"]);
  return file + "\n".repeat(7) + " ".repeat(bytes - file.length - 7);
};

const streamed = (bytes: number) =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(sized(bytes)));
      controller.close();
    },
  });

const MIB = 1024 * 1024;

describe("the file of an import", () => {
  it("has at most 5 MiB, announced or streamed", async () => {
    expect(await importCsv("customers", sized(5 * MIB))).toMatchObject({ status: 200, body: { rows: 1 } });
    expect(await importCsv("customers", streamed(5 * MIB))).toMatchObject({ status: 200, body: { rows: 1 } });
    for (const raw of [sized(5 * MIB + 1), streamed(5 * MIB + 1)]) {
      expect(await importCsv("customers", raw)).toMatchObject({
        status: 413,
        body: { code: "PAYLOAD_TOO_LARGE" },
      });
    }
    const json = JSON.stringify([{ name: "Ada" }]).padEnd(5 * MIB + 1);
    const headers = { "Content-Type": "application/json" };
    expect(await importCsv("customers", json, { headers })).toMatchObject({ status: 413 });
  });

  it("leaves every other call at 64 KiB", async () => {
    const answer = await admin("/customers", { body: { name: "x".repeat(65_536) } });
    expect(answer).toMatchObject({ status: 413, body: { code: "PAYLOAD_TOO_LARGE" } });
  });

  it("is not read for a stranger", async () => {
    let read = false;
    const raw = new ReadableStream({ pull: () => void (read = true) }, { highWaterMark: 0 });
    expect(await importCsv("customers", raw, { token: "wrong" })).toMatchObject({ status: 401 });
    expect(read).toBe(false);
  });

  it.each(["text/plain", "application/csv", "text/csvx", "multipart/form-data", ""])(
    "is not of the type %j",
    async (type) => {
      const answer = await importCsv("customers", "name\nAda\n", { headers: { "Content-Type": type } });
      expect(answer).toMatchObject({
        status: 415,
        body: { code: "UNSUPPORTED_MEDIA_TYPE", remedy: PROBLEMS.UNSUPPORTED_MEDIA_TYPE.remedy },
      });
    },
  );

  it("may have a header and no rows", async () => {
    expect(await importCsv("licenses", "customer_id,license_type\r\n")).toMatchObject({
      status: 200,
      body: { rows: 0, created: 0, customers_created: 0 },
    });
    expect(await importJson("customers", [])).toMatchObject({ status: 200, body: { rows: 0, created: 0 } });
  });

  it.each<[string, string, BodyInit]>([
    ["CSV that is empty", "text/csv", ""],
    ["CSV with a quote that never ends", "text/csv", 'name\n"Ada\n'],
    ["CSV that is not UTF-8", "text/csv", new Uint8Array([0x6e, 0x61, 0x6d, 0x65, 0x0a, 0xc4, 0x64, 0x61])],
    ["CSV that is a spreadsheet's own format", "text/csv", "PK\u0003\u0004\u0000\u0000"],
    ["JSON that is cut off", "application/json", '[{"name": "Ada"}'],
    ["JSON that is no list", "application/json", '{"name": "Ada"}'],
    ["JSON in a deep hole", "application/json", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ])("is not %s", async (_, type, raw) => {
    for (const kind of ["customers", "licenses"] as const) {
      const answer = await importCsv(kind, raw, { headers: { "Content-Type": type } });
      expect(faultsOf(answer).length).toBeGreaterThan(0);
    }
  });

  it.each([
    ["text/csv", "name\nZürich\n"],
    ["application/json", '[{"name": "Zürich"}]'],
  ])("%s with a byte order mark is read, and in UTF-16 named as that", async (type, text) => {
    const headers = { "Content-Type": type };
    const marked = await importCsv("customers", `\ufeff${text}`, { headers });
    expect(marked).toMatchObject({ status: 200, body: { created: 1 } });
    const units = Uint16Array.from(`\ufeff${text}`, (character) => character.charCodeAt(0));
    const wide = await importCsv("customers", new Uint8Array(units.buffer), { headers });
    expect(wide.body).toMatchObject({
      code: "REQUEST_INVALID",
      detail: "The file is in UTF-16: save it as UTF-8",
    });
  });

  it("comes with no other parameter than dry_run", async () => {
    for (const query of ["?dry_run=yes", "?dry_run=", "?dryrun=true"]) {
      expect(await importCsv("customers", "name\nAda\n", {}, query)).toMatchObject({ status: 422 });
    }
  });
});

describe("a file from a spreadsheet", () => {
  it("is refused where the key of a row names another customer or license", async () => {
    const customer = unique("00042");
    await newCustomer({ id: customer });
    const { license, license_key } = await newLicense({ customer_id: customer });
    const changed = customer.replace(/^0+/, "");
    const columns = ["id", "customer_id", "license_type", "license_key"];
    const other = newLicenseId();
    const before = await counts();
    const answer = await importCsv(
      "licenses",
      csv(
        columns,
        [other, changed, "standard", license_key],
        ["", changed, "standard", `"${license_key}\n"`],
        [license.id, changed, "standard", license_key],
      ),
    );
    const faults = faultsOf(answer);
    expect(faults).toContainEqual([
      "rows.2.id",
      `The license key in this row is that of the license ${license.id}`,
    ]);
    for (const row of [2, 3, 4]) {
      expect(faults).toContainEqual([
        `rows.${row}.customer_id`,
        `The license key in this row is that of the customer ${customer}. A spreadsheet may have changed the id: have it read the column as text`,
      ]);
    }
    expect(await counts()).toEqual(before);
  });

  it("is restored where the key agrees, or is no key of this service", async () => {
    const customer = unique("00042");
    await newCustomer({ id: customer });
    const { license_key } = await newLicense({ customer_id: customer });
    const columns = ["id", "customer_id", "license_type", "license_key"];
    // Without an id a row issues another license to the same customer.
    const issued = csv(columns, ["", customer, "standard", license_key]);
    expect(await importCsv("licenses", issued)).toMatchObject({ status: 200, body: { created: 1 } });
    const broken = `${license_key.slice(0, -4)}AAAA`;
    const restored = csv(columns, [newLicenseId(), customer, "standard", broken]);
    expect(await importCsv("licenses", restored)).toMatchObject({ status: 200, body: { created: 1 } });
  });

  it("brings tags and notes, and is found by them at once", async () => {
    const [id, tag] = [unique("cust"), unique("t").slice(0, 30)];
    const file = `sep=;\r\nid;name;tags;notes;;\r\n${id};Ada;"vip; ${tag}";"Met in\nKöln";;\r\n;;;;;\r\n`;
    expect(await importCsv("customers", file)).toMatchObject({ status: 200, body: { rows: 1, created: 1 } });
    expect((await admin(`/customers/${id}`)).body).toMatchObject({
      tags: ["vip", tag],
      notes: "Met in\nKöln",
    });
    const found = await admin(`/customers?q=koln&tag=${tag}`);
    expect(found.body.data).toMatchObject([{ id }]);
    const license = csv(["customer_id", "license_type", "tags"], [id, "standard", tag]);
    expect(await importCsv("licenses", license)).toMatchObject({ status: 200 });
    expect((await admin(`/licenses?tag=${tag}`)).body.data).toMatchObject([{ customer_id: id, tags: [tag] }]);
    const bad = csv(["name", "tags"], ["Ada", "Nope"]);
    expect(faultsOf(await importCsv("customers", bad))[0]![0]).toBe("rows.2.tags.0");
  });

  it("separated by tabs is taken, with or without its media type", async () => {
    for (const type of [
      "text/csv",
      "text/tab-separated-values",
      "text/tab-separated-values; charset=utf-8",
    ]) {
      const headers = { "Content-Type": type };
      const answer = await importCsv("customers", "\ufeffname\tcompany\r\nAda\tAcme\r\n", { headers });
      expect(answer, type).toMatchObject({ status: 200, body: { created: 1 } });
    }
  });

  it("that is a workbook, or UTF-16, is called what it is", async () => {
    const zip = Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x06, 0x00);
    expect(faultsOf(await importCsv("customers", zip))).toEqual([
      ["", "The file is a workbook or an archive, such as .xlsx: save it as CSV in UTF-8"],
    ]);
    const utf16 = new Uint8Array(
      Uint16Array.from("\ufeffname\r\nAda\r\n", (unit) => unit.charCodeAt(0)).buffer,
    );
    expect(faultsOf(await importCsv("customers", utf16))).toEqual([
      ["", "The file is in UTF-16: save it as UTF-8"],
    ]);
    const headers = { "Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };
    const named = await importCsv("customers", zip, { headers });
    expect(named).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
    expect(named.body.detail).toContain("Save a workbook as CSV");
  });

  it("with a column that has values and no name, or with dates in its own form, says so", async () => {
    expect(faultsOf(await importCsv("customers", csv(["name", ""], ["Ada", "x"])))).toEqual([
      ["rows.1", "A column with values has no name"],
    ]);
    const customer = (await newCustomer()).id;
    for (const day of ["31.01.2027", "1/31/2027", "44957"]) {
      const file = csv(["customer_id", "license_type", "expires_at"], [customer, "standard", day]);
      expect(faultsOf(await importCsv("licenses", file)), day).toEqual([
        ["rows.2.expires_at", expect.stringContaining("a date (2027-01-31)")],
      ]);
    }
  });
});
