// Tags, notes and metadata: who sees them, and how rows are found by them.
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { env } from "../../support/env.ts";
import { recorded, scansOf } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
  validate,
} from "../../support/service.ts";

const patch = (path: string, body: object, query = "") => admin(`${path}${query}`, { method: "PATCH", body });

/** All ids of a list, page by page. */
async function idsOf(path: string, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { status, body, text } = await admin(`${path}&limit=${limit}${more}`);
    if (status !== 200) throw new Error(text);
    ids.push(...body.data.map((row: { id: string }) => row.id));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(new Set(ids).size, path).toBe(ids.length);
  return ids.toSorted();
}

const q = (text: string): string => `q=${encodeURIComponent(text)}`;

describe("notes", () => {
  it("are shown to staff, and to nobody else", async () => {
    const secret = unique("Quarrel");
    const customer = await newCustomer({ notes: `${secret} in customer`, email: "ada@acme.example" });
    const { license, license_key } = await newLicense({
      customer_id: customer.id,
      notes: `${secret} in license`,
      tags: ["vip"],
      send_email: true,
    });
    expect(customer.notes).toBe(`${secret} in customer`);
    expect(license).toMatchObject({ notes: `${secret} in license`, tags: ["vip"] });
    expect(JSON.stringify(decodeJwt(license_key))).not.toMatch(/Quarrel|vip|notes|tags/);
    for (const answer of [
      await activate(license_key, "box"),
      await checkIn(license_key, "box"),
      await validate(license_key),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.text).not.toMatch(/Quarrel|"notes"|"tags"|suspension|terms_at/);
      const { certificate } = answer.body;
      if (certificate) expect(JSON.stringify(decodeJwt(certificate))).not.toMatch(/Quarrel|notes|tags/);
    }
    const { data } = (await admin(`/messages?license_id=${license.id}`)).body;
    expect(data.length).toBeGreaterThan(0);
    for (const { id } of data) expect((await admin(`/messages/${id}`)).text).not.toContain("Quarrel");
    // The export is for staff, and loses nothing.
    expect((await admin(`/exports/licenses?customer_id=${customer.id}`)).text).toContain("Quarrel");
  });

  it("are in no event: it says that they changed", async () => {
    const { license } = await newLicense({ notes: "Zebra" });
    const id = license.customer_id;
    await patch(`/customers/${id}`, { notes: "Zebra crossing", tags: ["a"] });
    await patch(`/licenses/${license.id}`, { notes: null, tags: ["b"] });
    const other = await newCustomer({ notes: "Zebra" });
    await admin(`/customers/${other.id}`, { method: "DELETE" });
    const imported = unique("imported");
    await admin("/imports/customers", { body: [{ id: imported, name: "A", notes: "Zebra" }] });
    const events = [id, license.id, other.id, imported].map(eventsOf);
    const told = (await Promise.all(events)).flat();
    expect(told).toHaveLength(7);
    expect(JSON.stringify(told)).not.toContain("Zebra");
    expect(JSON.parse((await eventsOf(id)).at(-1)!.detail)).toEqual({
      changes: { notes: {}, tags: {} },
    });
    expect(JSON.parse((await eventsOf(license.id)).at(-1)!.detail)).toEqual({
      changes: { notes: {}, tags: {} },
    });
  });

  it("have lines, and are cleared by null", async () => {
    const { id } = await newCustomer({ notes: "One\n\tTwo" });
    expect((await admin(`/customers/${id}`)).body.notes).toBe("One\n\tTwo");
    // A form sends them so. Nothing changed.
    const again = await patch(`/customers/${id}`, { notes: "One\r\n\tTwo\r" });
    expect(again.headers.get("etag")).toBe((await admin(`/customers/${id}`)).headers.get("etag"));
    expect(again.body.notes).toBe("One\n\tTwo");
    expect(await eventsOf(id)).toHaveLength(1);
    expect((await patch(`/customers/${id}`, { notes: "x\r\n".repeat(2_000) })).status).toBe(200);
    expect((await patch(`/customers/${id}`, { notes: null })).body.notes).toBeNull();
    for (const notes of ["", " ", "a\u0000b", "a\u0085b", "\ud800", "x".repeat(4_001), 7]) {
      expect(await patch(`/customers/${id}`, { notes }), JSON.stringify(notes)).toMatchObject({
        status: 422,
      });
    }
    expect((await patch(`/customers/${id}`, { notes: "😀".repeat(4_000) })).status).toBe(200);
  });
});

describe("tags", () => {
  it.each([
    ["a", true],
    ["0.9_x-y", true],
    ["a".repeat(32), true],
    ["a".repeat(33), false],
    ["", false],
    ["A", false],
    ["-a", false],
    ["ä", false],
    ["a b", false],
    ["a\n", false],
  ])("%j: %s", async (tag, allowed) => {
    const { license } = await newLicense();
    for (const path of [`/licenses/${license.id}`, `/customers/${license.customer_id}`]) {
      expect((await patch(path, { tags: [tag] })).status).toBe(allowed ? 200 : 422);
    }
  });

  it("are at most 20, each once", async () => {
    const { id } = await newCustomer();
    const tags = Array.from({ length: 20 }, (_, n) => `t${n}`);
    expect((await patch(`/customers/${id}`, { tags })).body.tags).toEqual(tags);
    expect(await patch(`/customers/${id}`, { tags: [...tags, "one-more"] })).toMatchObject({ status: 422 });
    expect(await patch(`/customers/${id}`, { tags: ["a", "a"] })).toMatchObject({ status: 422 });
  });

  it("filter customers and licenses, each by their own, also beside other filters", async () => {
    const tag = unique("t").slice(0, 30);
    const customer = await newCustomer({ tags: [tag, "other"] });
    const tagged = (await newLicense({ customer_id: customer.id, tags: [tag] })).license.id;
    const plain = (await newLicense({ customer_id: customer.id })).license.id;
    // A word that is the tag's is no tag.
    await newCustomer({ name: tag });
    await newLicense({ customer_id: customer.id, metadata: { word: tag } });
    expect(await idsOf(`/customers?tag=${tag}`, 1)).toEqual([customer.id]);
    expect(await idsOf(`/licenses?tag=${tag}`, 1)).toEqual([tagged]);
    expect(await idsOf(`/licenses?tag=${tag}&customer_id=${customer.id}`)).toEqual([tagged]);
    expect(await idsOf(`/licenses?tag=${tag}&status=active&sort=oldest`)).toEqual([tagged]);
    expect(await idsOf(`/licenses?tag=${tag}&sort=ending`)).toEqual([tagged]);
    expect(await idsOf(`/licenses?tag=${tag}&status=revoked`)).toEqual([]);
    expect(await idsOf(`/licenses?tag=${tag}&${q(customer.id)}`)).toEqual([tagged]);
    expect(await idsOf(`/licenses?${q(tag)}`)).toContain(plain);
    await patch(`/licenses/${tagged}`, { tags: [] });
    expect(await idsOf(`/licenses?tag=${tag}`)).toEqual([]);
    expect(await admin("/licenses?tag=No")).toMatchObject({ status: 422 });
  });
});

describe("metadata", () => {
  it("filters by a value of a key, of a key within a key, and of a list", async () => {
    const value = unique("Value");
    const wanted = { crm: value, n: 7, yes: true, old: { id: "x" }, list: ["a", value] };
    const customer = await newCustomer({ metadata: wanted });
    const { license } = await newLicense({ customer_id: customer.id, metadata: wanted });
    await newLicense({ metadata: { other: value } });
    for (const [filter, found] of [
      [`metadata.crm=${value}`, true],
      [`metadata.list=${value}`, true],
      [`metadata.n=7&metadata.crm=${value}`, true],
      [`metadata.yes=true&metadata.crm=${value}`, true],
      [`metadata.old.id=x&metadata.crm=${value}`, true],
      [`metadata.crm=${value.toLowerCase()}`, false],
      [`metadata.crm=${value}&metadata.n=8`, false],
      [`metadata.crm=${value.slice(0, -1)}`, false],
      [`metadata.Crm=${value}`, false],
      [`metadata.crm=${value}&sort=ending`, true],
    ] as const) {
      expect(await idsOf(`/licenses?${filter}`), filter).toEqual(found ? [license.id] : []);
      if (!filter.includes("sort"))
        expect(await idsOf(`/customers?${filter}`), filter).toEqual(found ? [customer.id] : []);
    }
    expect(await idsOf(`/licenses?metadata.crm=&customer_id=${customer.id}`)).toEqual([]);
  });

  it.each([
    "metadata=x",
    "metadata.__proto__=x",
    "metadata.=x",
    "metadata.a=1&metadata=2",
    "metadata.a=1&metadata.a=2",
    "label.a=1",
    "x.y=1",
  ])("filters by no %s", async (query) => {
    for (const list of ["customers", "licenses"])
      expect(await admin(`/${list}?${query}`), list).toMatchObject({
        status: 422,
        body: { code: "REQUEST_INVALID" },
      });
  });
});

describe("a search", () => {
  it("finds whatever staff typed, of licenses each once", async () => {
    const word = unique("Ünverwechselbar");
    const customer = await newCustomer({
      name: `Jürgen ${word}n`,
      company: `${word}c GmbH`,
      notes: `Ask for ${word}x\nbefore noon`,
      tags: ["gold"],
      metadata: { crm: `${word}m`, deep: { old: [`Alt ${word}l`] } },
    });
    const { license } = await newLicense({
      customer_id: customer.id,
      metadata: { old_number: `${word}o`, also: `${word}a` },
      notes: `See ${word}z`,
    });
    const other = (await newLicense({ customer_id: customer.id, metadata: { replaces: license.id } }))
      .license;
    const plain = word.replace("Ü", "u").toUpperCase();
    for (const end of ["n", "c", "x", "m", "l"]) {
      expect(await idsOf(`/customers?${q(plain + end)}`), end).toEqual([customer.id]);
      expect(await idsOf(`/licenses?${q(plain + end)}`), end).toEqual([license.id, other.id].toSorted());
    }
    for (const end of ["o", "a", "z"]) {
      expect(await idsOf(`/licenses?${q(word + end)}`, 1), end).toEqual([license.id]);
      expect(await idsOf(`/customers?${q(word + end)}`), end).toEqual([]);
    }
    // Found by its own words, and by those of its customer.
    expect(await idsOf(`/licenses?${q(word)}`, 1)).toEqual([license.id, other.id].toSorted());
    expect(await idsOf(`/licenses?${q(license.id)}`, 1)).toEqual([license.id, other.id].toSorted());
    await patch(`/licenses/${license.id}`, { metadata: {}, notes: null });
    expect(await rows("SELECT term FROM license_terms WHERE license_id = ?", license.id)).toEqual([]);
    expect(await idsOf(`/licenses?${q(`${word}o`)}`)).toEqual([]);
    expect(await idsOf(`/licenses?${q(word)}`)).toEqual([license.id, other.id].toSorted());
  });

  it.each([
    ["Müller", "muller"],
    ["İstanbul", "istanbul"],
    ["Istanbul", "İSTANBUL"],
    ["Straße", "strasse"],
    ["Strasse", "straße"],
    ["Łódź", "lodz"],
    ["O’Brien", "o'brien"],
    ["Müller (Berlin)", "müller (berlin)"],
  ])("for a customer called %s by %s finds it", async (name, text) => {
    const mark = unique("q");
    const { id } = await newCustomer({ name: `${name} ${mark}` });
    expect(await idsOf(`/customers?${q(`${text} ${mark}`)}`)).toEqual([id]);
  });

  it("by a tag lists the oldest first where that is asked for, page by page", async () => {
    const tag = unique("order").slice(0, 30);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await newLicense({ tags: [tag] })).license.id);
    ids.sort();
    for (const [sort, order] of [
      ["oldest", ids],
      ["newest", ids.toReversed()],
    ] as const) {
      const first = (await admin(`/licenses?tag=${tag}&sort=${sort}&limit=2`)).body;
      const next = (await admin(`/licenses?tag=${tag}&sort=${sort}&limit=2&cursor=${first.next_cursor}`))
        .body;
      const shown = [...first.data, ...next.data].map((row: { id: string }) => row.id);
      expect(shown, sort).toEqual(order);
    }
  });

  it("finds any word of a name, after marks and beyond the eighth, too", async () => {
    const mark = unique("w").replaceAll("-", "");
    const name = `One two three four five six seven eight ${mark}nine (${mark}ten) Rhein-${mark}main "${mark}quote"`;
    const { id } = await newCustomer({ name });
    for (const end of ["nine", "ten", "main", "quote"]) {
      expect(await idsOf(`/customers?${q(mark + end)}`), end).toEqual([id]);
    }
  });

  it("reads at most 200 rows in 2 trips among hundreds that match, by a tag or by metadata too", async () => {
    const tag = unique("crowd").slice(0, 30);
    const customers = Array.from({ length: 150 }, (_, n) => ({
      id: unique("crowd"),
      name: `${tag} number ${n}`,
      tags: [tag],
      metadata: { crowd: tag },
    }));
    const licenses = customers.map(({ id }) => ({
      customer_id: id,
      license_type: "standard",
      tags: [tag],
      metadata: { crowd: tag },
      notes: `${tag} and ${tag}x`,
    }));
    expect((await admin("/imports/customers", { body: customers })).status).toBe(200);
    expect((await admin("/imports/licenses", { body: licenses })).status).toBe(200);
    for (const list of ["customers", "licenses"]) {
      for (const filter of [
        q(tag),
        q(tag.slice(0, -1)),
        q("lic_0"),
        q("müll"),
        `tag=${tag}`,
        `metadata.crowd=${tag}`,
        `metadata.crowd=`,
        `${q(tag)}&tag=${tag}`,
        `tag=${tag}&metadata.crowd=none`,
      ]) {
        let cursor: string | null = null;
        let pages = 0;
        const seen: string[] = [];
        do {
          const { bindings, cost, statements } = recorded();
          const more: string = cursor === null ? "" : `&cursor=${cursor}`;
          const path = `/v1/admin/${list}?${filter}&limit=100${more}`;
          const answer = await call(path, { token: env.ADMIN_TOKEN, bindings });
          expect(answer.status, path).toBe(200);
          expect(cost.trips, path).toBeLessThanOrEqual(2);
          expect(cost.read, path).toBeLessThanOrEqual(200);
          expect(cost.written, path).toBe(0);
          if (pages++ < 2) expect(await scansOf(statements), path).toEqual([]);
          seen.push(...answer.body.data.map((row: { id: string }) => row.id));
          cursor = answer.body.next_cursor;
        } while (cursor !== null && pages < 30);
        expect(new Set(seen).size).toBe(seen.length);
        const all = filter === q(tag) || filter === `tag=${tag}` || filter === `metadata.crowd=${tag}`;
        if (all) expect(seen.length, filter).toBe(150);
      }
    }
  }, 60_000);

  it("finds no license by terms of another time", async () => {
    const { license } = await newLicense({ metadata: { a: unique("stale") } });
    const old = license.metadata.a;
    // As the release before terms of licenses changes it.
    await rows("UPDATE licenses SET metadata = '{}', version = version + 1 WHERE id = ?", license.id);
    expect(await idsOf(`/licenses?${q(old)}`)).toEqual([]);
  });
});
