// The export of customers with the filters of their list.
import { describe, expect, it } from "vitest";
import { recorded } from "../../support/meter.ts";
import { admin, newCustomer, rows, unique } from "../../support/service.ts";

const idsOf = async (query: string) =>
  (await admin(`/exports/customers?format=json&${query}`)).body.map(({ id }: { id: string }) => id);

describe("the export of customers", () => {
  it("has what the filters of the list find, in its order, each with its contacts", async () => {
    const tag = unique("t").slice(0, 30);
    const email = `${tag}@export.example`;
    const { id: first } = await newCustomer({ tags: [tag], name: "Zeta", email });
    const { id: second } = await newCustomer({ tags: [tag], name: "Alpha", metadata: { crm: tag } });
    const { id: other } = await newCustomer({ name: `Other ${tag}` });
    await admin(`/customers/${first}/contacts`, { body: { email: `second.${email}` } });
    expect(await idsOf(`tag=${tag}`)).toEqual([first, second].toSorted());
    expect(await idsOf(`tag=${tag}&email_status=none`)).toEqual([second]);
    expect(await idsOf(`metadata.crm=${tag}`)).toEqual([second]);
    expect(await idsOf(`q=${tag}`)).toEqual(expect.arrayContaining([other]));
    expect(await idsOf("q=nobody-is-called-this")).toEqual([]);
    const named = await idsOf("sort=name");
    expect(named.indexOf(second)).toBeLessThan(named.indexOf(first));
    const { body } = await admin(`/exports/customers?format=json&q=${email}`);
    expect(body).toMatchObject([
      { id: first, contacts: [{ own: true, email }, { email: `second.${email}` }] },
    ]);
    const csv = (await admin(`/exports/customers?tag=${tag}`)).text;
    expect(csv.split("\r\n")).toHaveLength(4);
  });

  it("records which filters there were, not what for", async () => {
    await admin("/exports/customers?format=json&q=somebody&email_status=none");
    const [event] = await rows<{ entity_type: string; detail: string }>(
      "SELECT entity_type, detail FROM events WHERE action = 'customers.exported' ORDER BY id DESC LIMIT 1",
    );
    expect(event!.entity_type).toBe("export");
    expect(JSON.parse(event!.detail)).toEqual({ format: "json", filters: "q email_status" });
  });

  it("is of one customer or of a filter, not both, and of no filter that there is not", async () => {
    const { id } = await newCustomer();
    const both = await admin(`/exports/customers?customer_id=${id}&email_status=none`);
    expect(both).toMatchObject({ status: 422, body: { errors: [{ path: "customer_id" }] } });
    expect((await admin("/exports/customers?standing=active")).status).toBe(422);
    expect((await admin("/exports/customers?email_status=splendid")).status).toBe(422);
  });

  it("reads what a filter finds in large pages", async () => {
    const tag = unique("many").slice(0, 30);
    await rows(
      `INSERT INTO customers (id, name, tags, terms_at, created_at, updated_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2600)
       SELECT printf('${tag}-%05d', i), 'Many', json_array('${tag}'), 1, i, i FROM n`,
    );
    await rows(
      "INSERT INTO customer_terms (customer_id, term) SELECT id, id FROM customers WHERE name = 'Many'",
    );
    for (const query of [`q=${tag}-`, "email_status=none"]) {
      const { bindings, statements } = recorded();
      const { body } = await admin(`/exports/customers?format=json&${query}`, { bindings });
      expect(body.filter(({ id }: { id: string }) => id.startsWith(tag))).toHaveLength(2600);
      expect(statements.length, query).toBeLessThan(30);
    }
  });
});
