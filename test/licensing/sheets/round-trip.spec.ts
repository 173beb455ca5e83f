// Export, import into an empty service, export: the same bytes. Values are as hostile as the service takes them.
import { beforeEach, describe, expect, it } from "vitest";
import { setTime } from "../../support/clock.ts";
import { freshRecord } from "../../support/record.ts";
import { admin, type Answer, newCustomer, newLicense, rows } from "../../support/service.ts";

const TYPES = { csv: "text/csv", json: "application/json" } as const;

type Format = keyof typeof TYPES;

const exportOf = async (kind: string, format: Format): Promise<string> =>
  (await admin(`/exports/${kind}?format=${format}`)).text;

const importOf = (kind: string, format: Format, raw: string): Promise<Answer> =>
  admin(`/imports/${kind}`, { raw, headers: { "Content-Type": TYPES[format] } });

/** What spreadsheets, CSV and JSON trip over. */
const TEXTS = [
  "=1+1",
  "'=1",
  "''+2",
  "-3",
  "@SUM(A1)",
  'a "quoted", word; and; more',
  "null",
  "none",
  "never",
  "0042",
  "1e5",
  "true",
  "ÄÖÜ ß İ 日本 🦄 e\u0301",
  "<b>&amp;</b>",
  "sep=;",
  "a\u2028b\u00adc",
  "[1]",
  "{}",
];

const metadataOf = (text: string) => ({
  [text.slice(0, 64)]: text,
  constructor: { nested: [1, -0.5, 1.5e-300, true, null, "", text, { 'a"b': "\u0000\r\n\t" }] },
  "": "empty",
});

async function fill(): Promise<void> {
  setTime("2026-03-01T10:11:12.345Z");
  for (const [n, text] of TEXTS.entries()) {
    setTime(Date.parse("2026-03-01T10:11:12.345Z") + n * 1_001);
    const noted = {
      metadata: metadataOf(text),
      notes: `${text}\n\n\tsecond "line",\n${text}`,
      tags: ["b.1", "a-2"],
    };
    const { id } = await newCustomer({
      id: `${"-.A_"[n % 4]}customer-${n}`,
      name: text,
      company: n % 3 === 0 ? null : text,
      email: n % 2 === 0 ? `Own+${n}'x@acme.example` : null,
      ...noted,
    });
    for (let m = 0; m < n % 4; m++) {
      await admin(`/customers/${id}/contacts`, {
        body: {
          email: `c${m}-${n}@acme.example`,
          name: m === 0 ? text : null,
          roles: ["billing", "license"].slice(0, 1 + (m % 2)),
          language: [null, "ja", "en"][m],
          portal: m % 2 === 0,
        },
      });
    }
    if (n === 4) {
      const own = { roles: ["technical"], language: "de", portal: true, name: text };
      await admin(`/customers/${id}/contacts/con_${id}`, { method: "PATCH", body: own });
      await rows("UPDATE customers SET email_status = 'bounced' WHERE id = ?", id);
    }
    const { license } = await newLicense({
      customer_id: id,
      license_type: ["trial", "standard", "professional", "enterprise"][n % 4],
      features: n % 5 === 0 ? [] : ["a:b/c", "sso"],
      max_instances: n % 2 === 0 ? null : n,
      max_services: n + 1,
      grace_days: n,
      notice_days: [null, [], [30, 0, 7]][n % 3],
      unproven_lease_hours: 1 + n,
      clone_policy: n % 2 === 0 ? "refuse" : "warn",
      expires_at: n % 6 === 0 ? null : `2098-0${1 + (n % 9)}-15T01:02:0${n % 10}Z`,
      starts_at: n % 3 === 0 ? "2097-05-06" : null,
      updates_until: n % 2 === 0 ? "2097-12-31" : null,
      ...noted,
    });
    const path = `/licenses/${license.id}`;
    if (n % 4 === 1)
      await admin(path, { method: "PATCH", body: { lease_days: 3 + n, check_in_hours: 5 + n } });
    if (n % 4 === 2 && license.expires_at)
      await admin(path, { method: "PATCH", body: { expires_at: "2097-08-01" } });
    if (n % 5 === 3) await admin(`${path}/reissue`, { body: { reason: "Leaked", unproven_hours: 5 } });
    if (n % 7 === 4) await admin(`${path}/suspend`, { body: { reason: "Unpaid" } });
    if (n % 7 === 5) await admin(`/customers/${id}/suspend`, { body: { reason: "Unpaid" } });
    if (n % 7 === 6) await admin(`${path}/revoke`, { body: { reason: "The end" } });
    if (n === 1) await admin(`${path}/renew`, { body: { expires_in: "P1Y" } });
  }
}

beforeEach(freshRecord);

describe.each(["csv", "json"] as const)("a round trip as %s", (format) => {
  it("loses nothing", async () => {
    await fill();
    setTime("2026-03-02T10:00:00Z");
    const customers = await exportOf("customers", format);
    const licenses = await exportOf("licenses", format);
    const stated = await rows("SELECT * FROM licenses ORDER BY id");
    // Whatever has a term of its own differs somewhere from what its type gives.
    for (const column of [
      "signed_until",
      "unproven_until",
      "suspension",
      "starts_at",
      "notice_days",
      "term_began_at",
    ]) {
      expect(new Set(stated.map((row) => row[column])).size, column).toBeGreaterThan(1);
    }
    await freshRecord();
    expect(await importOf("customers", format, customers)).toMatchObject({
      status: 200,
      body: { created: TEXTS.length },
    });
    expect(await importOf("licenses", format, licenses)).toMatchObject({
      status: 200,
      body: { created: TEXTS.length, customers_created: 0 },
    });
    expect(await exportOf("customers", format)).toBe(customers);
    expect(await exportOf("licenses", format)).toBe(licenses);

    // Every column of the row, but those that count changes and say when they were.
    const own = new Set(["version", "updated_at", "terms_at"]);
    const shown = (row: Record<string, unknown>) => Object.entries(row).filter(([name]) => !own.has(name));
    expect((await rows("SELECT * FROM licenses ORDER BY id")).map(shown)).toEqual(stated.map(shown));
    // And they are found by what they are called.
    expect((await admin("/customers?q=%40sum")).body.data).toMatchObject([{ name: "@SUM(A1)" }]);
    expect((await admin("/customers?q=c0-1@acme")).body.data).toMatchObject([{ name: "'=1" }]);
  }, 60_000);
});

describe("files of before", () => {
  it("have fewer columns, and are taken: the type gives what is missing", async () => {
    const { license, license_key } = await newLicense({
      license_type: "standard",
      starts_at: "2097-01-01T00:00:00Z",
      expires_at: "2098-01-01T00:00:00Z",
      updates_until: "2097-06-01T00:00:00Z",
    });
    const { text } = await admin("/exports/licenses");
    const [header, row] = text.split("\r\n") as [string, string];
    const columns = header.split(",").slice(0, 13);
    expect(columns.at(-1)).toBe("revision");
    const old = `${columns.join(",")}\r\n${row.split(",").slice(0, 13).join(",")}\r\n`;
    await freshRecord();
    expect((await importOf("licenses", "csv", old)).body).toMatchObject({ created: 1, customers_created: 1 });
    const { body } = await admin(`/licenses/${license.id}`);
    expect(body).toMatchObject({
      starts_at: "2097-01-01T00:00:00.000Z",
      updates_until: "2097-06-01T00:00:00.000Z",
      grace_days: 14,
      lease_days: 30,
      check_in_hours: 24,
      notice_days: null,
      notes: null,
    });
    expect((await admin(`/licenses/${license.id}/key`)).body.license_key).toBe(license_key);
    const customers = "id,name,email\r\nacme,Acme,it@acme.example\r\n";
    expect((await importOf("customers", "csv", customers)).body).toMatchObject({ created: 1 });
    expect((await admin("/customers/acme/contacts")).body.data).toMatchObject([{ own: true, portal: false }]);
  });
});

describe("contacts of a file", () => {
  const CONTACT = "con_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

  it.each([
    [
      "an own one that is not the customer's address",
      [{ own: true, email: "b@acme.example" }],
      "contacts.0.email",
    ],
    ["another one with the customer's address", [{ email: "A@acme.example" }], "contacts.0.email"],
    ["two with one address", [{ email: "b@acme.example" }, { email: "B@acme.example" }], "contacts.1.email"],
    [
      "two with one id",
      [
        { id: CONTACT, email: "b@acme.example" },
        { id: CONTACT, email: "c@acme.example" },
      ],
      "contacts.1.id",
    ],
    ["an id of another form", [{ id: "con_x", email: "b@acme.example" }], "contacts.0.id"],
    ["no address", [{ name: "Ada" }], "contacts.0.email"],
    ["something else", "Ada", "contacts"],
    ["too many", Array.from({ length: 51 }, (_, n) => ({ email: `${n}@acme.example` })), "contacts"],
  ])("are refused: %s", async (_, contacts, path) => {
    const row = { id: "acme", name: "Acme", email: "a@acme.example", contacts };
    const refused = await importOf("customers", "json", JSON.stringify([row]));
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: `rows.0.${path}` }] } });
    expect(await rows("SELECT 1 FROM customers")).toEqual([]);
  });

  it("are refused if their id is there already, or they come from the future", async () => {
    const row = (id: string, more: object = {}) => ({
      id,
      name: id,
      contacts: [{ id: CONTACT, email: "b@acme.example" }],
      ...more,
    });
    expect((await importOf("customers", "json", JSON.stringify([row("one")]))).status).toBe(200);
    const taken = await importOf("customers", "json", JSON.stringify([row("two")]));
    expect(taken.body.errors).toMatchObject([{ path: "rows.0.contacts.0.id" }]);
    const late = { created_at: "2999-01-01", contacts: [] };
    const future = await importOf("customers", "json", JSON.stringify([row("two", late)]));
    expect(future.body.errors).toMatchObject([{ path: "rows.0.created_at" }]);
  });

  it("get an id, all roles, and the customer's site where the file says nothing", async () => {
    const contacts = [{ email: "b@acme.example" }, { own: true, email: "a@acme.example" }];
    const row = { id: "acme", name: "Acme", email: "a@acme.example", contacts };
    await importOf("customers", "json", JSON.stringify([row]));
    expect((await admin("/customers/acme/contacts")).body.data).toMatchObject([
      { id: "con_acme", own: true, portal: false, roles: ["license", "billing", "technical"] },
      { id: expect.stringMatching(/^con_[0-9A-Z]{26}$/), own: false, portal: true },
    ]);
  });
});

describe("the export of customers", () => {
  it("has one customer where one is named, and is recorded", async () => {
    const { id } = await newCustomer({ id: "acme" });
    await newCustomer({ id: "globex" });
    const answer = await admin(`/exports/customers?format=json&customer_id=${id}`);
    expect(answer.body.map((row: { id: string }) => row.id)).toEqual(["acme"]);
    await admin("/exports/customers");
    expect(
      await rows("SELECT entity_type, entity_id FROM events WHERE action = 'customers.exported'"),
    ).toEqual([
      { entity_type: "customer", entity_id: "acme" },
      { entity_type: "export", entity_id: "customers" },
    ]);
    expect((await admin("/exports/customers?customer_id=nobody")).body.code).toBe("CUSTOMER_NOT_FOUND");
  });

  it("keeps the order of its columns", async () => {
    expect(await exportOf("customers", "csv")).toBe(
      "id,name,email,company,metadata,tags,notes,email_status,created_at,contacts,portal\r\n",
    );
  });

  it("goes on beyond a page, with each one's contacts", async () => {
    await rows(
      `INSERT INTO customers (id, name, email, created_at, updated_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001)
       SELECT printf('c-%05d', i), 'Acme', 'it' || i || '@acme.example', i, i FROM n`,
    );
    const { body } = await admin("/exports/customers?format=json");
    expect(body).toHaveLength(2001);
    expect(body.every(({ email, contacts }: Answer["body"]) => contacts[0].email === email)).toBe(true);
  });
});
