import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { recorded, scansOf } from "../../support/meter.ts";
import {
  type Answer,
  activate,
  admin,
  call,
  deactivate,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";

/** All ids of a list, read page by page. */
async function idsOf(path: string, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`;
    const { status, body, text }: Answer = await admin(
      `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${more}`,
    );
    if (status !== 200) throw new Error(text);
    expect(body.data.length).toBeLessThanOrEqual(limit);
    ids.push(...body.data.map((row: { id: string }) => row.id));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(new Set(ids).size).toBe(ids.length);
  return ids;
}

describe("listing licenses", () => {
  it("walks a customer's licenses page by page, the newest first, none twice and none left out", async () => {
    const customer_id = (await newCustomer()).id;
    const issued = [];
    for (let n = 0; n < 5; n++) issued.push((await newLicense({ customer_id })).license.id);
    await newLicense();
    expect(await idsOf(`/licenses?customer_id=${customer_id}`, 2)).toEqual(issued.toSorted().toReversed());
  });

  it.each(["newest", "oldest", "ending", "ending_last"])(
    "walks in the order %s page by page, none twice and none left out",
    async (sort) => {
      const customer_id = (await newCustomer()).id;
      const issued: { end: string; id: string }[] = [];
      // Two end at the same instant.
      for (const end of ["2099-03-01", "2099-02-01", "2099-02-01", "2099-01-01"])
        issued.push({ end, id: (await newLicense({ customer_id, expires_at: end })).license.id });
      const isByEnd = sort.startsWith("ending");
      const inOrder = issued
        .map(({ end, id }) => `${isByEnd ? end : ""} ${id}`)
        .toSorted()
        .map((key) => key.split(" ")[1]!);
      const isBackwards = sort === "newest" || sort === "ending_last";
      expect(await idsOf(`/licenses?customer_id=${customer_id}&sort=${sort}`, 1)).toEqual(
        isBackwards ? inOrder.toReversed() : inOrder,
      );
    },
  );

  it("is stable while licenses are issued between two pages", async () => {
    const customer_id = (await newCustomer()).id;
    const issued = [];
    for (let n = 0; n < 4; n++) issued.push((await newLicense({ customer_id })).license.id);
    const first = await admin(`/licenses?customer_id=${customer_id}&limit=2`);
    await newLicense({ customer_id });
    const second = await admin(
      `/licenses?customer_id=${customer_id}&limit=2&cursor=${first.body.next_cursor}`,
    );
    const seen = [...first.body.data, ...second.body.data].map((license: { id: string }) => license.id);
    expect(seen).toEqual(issued.toSorted().toReversed());
    expect(second.body.next_cursor).toBeNull();
  });

  it("finds each license by its standing and status, and by no other", async () => {
    setTime("2026-06-01T00:00:00Z");
    const customer_id = (await newCustomer()).id;
    const make = async (input: object) => (await newLicense({ customer_id, ...input })).license.id as string;
    const ids = {
      active: await make({ expires_days: 100 }),
      perpetual: await make({ expires_at: null }),
      expiring: await make({ expires_days: 35 }),
      grace: await make({ expires_days: 3, grace_days: 30 }),
      expired: await make({ expires_days: 3, grace_days: 0 }),
      scheduled: await make({ starts_at: "2026-12-01", expires_days: 300 }),
      suspended: await make({}),
      revoked: await make({}),
    };
    await admin(`/licenses/${ids.suspended}/suspend`, { body: { reason: "x" } });
    await admin(`/licenses/${ids.revoked}/revoke`, { body: { reason: "x" } });
    setTime(Date.parse("2026-06-01T00:00:00Z") + 10 * DAY);
    const mine = new Set<string>(Object.values(ids));
    const find = async (query: string) =>
      (await idsOf(`/licenses?${query}`)).filter((id) => mine.has(id)).toSorted();
    const byStanding = async (standing: string) => [
      await find(`standing=${standing}`),
      await find(`standing=${standing}&customer_id=${customer_id}`),
      await find(`standing=${standing}&license_type=standard`),
    ];
    const same = (...wanted: string[]) => Array.from({ length: 3 }, () => wanted.toSorted());
    expect(await byStanding("active")).toEqual(same(ids.active, ids.perpetual));
    expect(await byStanding("expiring")).toEqual(same(ids.expiring));
    expect(await byStanding("grace")).toEqual(same(ids.grace));
    expect(await byStanding("expired")).toEqual(same(ids.expired));
    expect(await byStanding("scheduled")).toEqual(same(ids.scheduled));
    expect(await byStanding("suspended")).toEqual(same(ids.suspended));
    expect(await byStanding("revoked")).toEqual(same(ids.revoked));
    for (const standing of ["expiring", "grace", "expired", "scheduled"] as const) {
      for (const more of ["", `&customer_id=${customer_id}`]) {
        expect(await find(`standing=${standing}&sort=ending${more}`), standing).toEqual([ids[standing]]);
      }
    }
    expect(await find("standing=active&sort=ending")).toEqual([ids.active]);
    expect(await find("status=revoked")).toEqual([ids.revoked]);
    expect(await find("expiring_within_days=25")).toEqual([ids.expiring]);
    expect(await find("expiring_within_days=24")).toEqual([]);
    expect(await find("expiring_within_days=90")).toEqual([ids.active, ids.expiring].toSorted());
    expect(await find("license_type=trial")).toEqual([]);
  });

  it("finds licenses by the beginning of their id, and of anything about their customer", async () => {
    const word = unique("Zeppelin");
    const email = `${unique("ada")}@${unique("mail")}.example`;
    const company = `The ${unique("Hüttenwerk")} AG`;
    const customer = await newCustomer({ name: `Ada ${word}`, email, company });
    const first = (await newLicense({ customer_id: customer.id })).license.id;
    const second = (await newLicense({ customer_id: customer.id })).license.id;
    const wanted = [first, second].toSorted();
    for (const q of [
      customer.id,
      `ada ${word}`,
      word.toLowerCase(),
      word.slice(0, -3),
      email,
      email.split("@")[1]!,
      company.toUpperCase(),
      company.slice(4),
    ]) {
      expect((await idsOf(`/licenses?q=${encodeURIComponent(q)}`, 1)).toSorted(), q).toEqual(wanted);
      expect(await idsOf(`/customers?q=${encodeURIComponent(q)}`, 1), q).toEqual([customer.id]);
    }
    expect(await idsOf(`/licenses?q=${first.slice(0, 20)}`)).toContain(first);
    expect(await idsOf(`/licenses?q=${first.toLowerCase()}`)).toEqual([first]);
    expect(await idsOf(`/licenses?q=${first}&status=revoked`)).toEqual([]);
    expect(await idsOf(`/licenses?q=${word}-nobody`)).toEqual([]);
    const odd = await newCustomer({ id: unique("lic_corp") });
    const { license } = await newLicense({ customer_id: odd.id });
    expect(await idsOf(`/licenses?q=${odd.id}`)).toEqual([license.id]);
  });

  it("finds customers whose id or name begins like an id of ours", async () => {
    for (const id of [unique("lic_corp"), unique("lic_7"), `lic_7${"Z".repeat(30)}`]) {
      const customer = await newCustomer({ id, name: `Lic_${unique("name")}` });
      const { license } = await newLicense({ customer_id: customer.id });
      for (const q of [id, id.slice(0, -1), customer.name]) {
        expect(await idsOf(`/licenses?q=${encodeURIComponent(q)}`, 1), q).toEqual([license.id]);
      }
    }
    const customer = await newCustomer({ id: unique("lic_7") });
    const several = [
      await newLicense({ customer_id: customer.id }),
      await newLicense({ customer_id: customer.id }),
    ];
    expect(await idsOf("/licenses?q=lic_7", 1)).toEqual(
      expect.arrayContaining(several.map(({ license }) => license.id)),
    );
  });

  it("searches with characters that mean something to LIKE, and longer than LIKE allows", async () => {
    const name = `${unique("100%_")} ${"long ".repeat(20)}end`;
    const { id } = await newCustomer({ name });
    expect(await idsOf(`/customers?q=${encodeURIComponent(name.slice(0, 90))}`)).toEqual([id]);
    expect(await idsOf(`/customers?q=${encodeURIComponent("%")}`)).not.toContain(id);
  });

  it("gets past many customers without licenses to one that has some", async () => {
    const word = unique("crowd");
    for (let n = 0; n < 30; n++) await newCustomer({ name: `${word} ${String(n).padStart(2, "0")}` });
    const last = await newCustomer({ name: `${word} 99` });
    const { license } = await newLicense({ customer_id: last.id });
    expect(await idsOf(`/licenses?q=${word}`)).toEqual([license.id]);
  });

  it("finds a customer under the new name and not under the old one after a change", async () => {
    const [old, fresh] = [unique("before"), unique("after")];
    const { id } = await newCustomer({ name: old });
    await admin(`/customers/${id}`, { method: "PATCH", body: { name: fresh } });
    expect(await idsOf(`/customers?q=${old}`)).toEqual([]);
    expect(await idsOf(`/customers?q=${fresh}`)).toEqual([id]);
  });
});

describe("cursors", () => {
  const REFUSED = { status: 422, body: { code: "REQUEST_INVALID", errors: [{ path: "cursor" }] } };

  const encoded = (text: string): string =>
    btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

  /** What somebody may read in a text that looks like base64url: the text, and each stretch of it decoded. */
  const readable = (text: string): string[] => [
    text,
    ...Array.from({ length: 4 }, (_, start) =>
      text
        .slice(start)
        .split(/[^\w-]+/)
        .map((part) => part.slice(0, part.length - (part.length % 4 === 1 ? 1 : 0)))
        .map((part) => atob(part.replaceAll("-", "+").replaceAll("_", "/")))
        .join(" "),
    ),
  ];

  it("tell nothing of what they stand for, such as the address that was searched for", async () => {
    const host = unique("mail");
    const email = `ada@${host}.example`;
    const customer_id = (await newCustomer({ email })).id;
    await newCustomer({ email: `bob@${host}.example` });
    for (let n = 0; n < 2; n++) await newLicense({ customer_id });
    // In the same way a cursor that is no secret would be read.
    expect(readable(`${encoded(JSON.stringify([email, customer_id]))}.seal`).join(" ")).toContain(email);
    for (const path of [
      `/customers?q=${host}`,
      `/licenses?q=${email}`,
      `/licenses?customer_id=${customer_id}`,
    ]) {
      const { body } = await admin(`${path}&limit=1`);
      expect(body.next_cursor, path).toMatch(/^[\w-]{60,200}$/);
      for (const seen of readable(body.next_cursor)) {
        expect(seen, path).not.toContain(host);
        expect(seen, path).not.toContain(customer_id);
        expect(seen, path).not.toContain("lic_");
      }
    }
  });

  it("fit into what is taken for one, however long their key is", async () => {
    const word = unique("😀");
    const name = `${word}${"😀".repeat(120)}`;
    for (const id of [unique("long"), unique("long")].map((start) => start.padEnd(64, "x")))
      await newCustomer({ id, name });
    expect(await idsOf(`/customers?q=${encodeURIComponent(word)}`, 1)).toHaveLength(2);
  });

  it("that are forged, altered, cut off or drawn out are refused", async () => {
    const customer_id = (await newCustomer()).id;
    for (let n = 0; n < 3; n++) await newLicense({ customer_id });
    const path = `/licenses?customer_id=${customer_id}&limit=1`;
    const cursor: string = (await admin(path)).body.next_cursor;
    const forged = encoded(JSON.stringify(["lic_0"]));
    const replaced = (at: number): string =>
      `${cursor.slice(0, at)}${cursor[at] === "A" ? "B" : "A"}${cursor.slice(at + 1)}`;
    const bad = [
      "x",
      "%00",
      "",
      forged,
      "A".repeat(16),
      "A".repeat(38),
      // As cursors once were: readable, with a signature behind them.
      `${forged}.AAAAAAAAAAAAAAAA`,
      ...Array.from({ length: cursor.length }, (_, at) => replaced(at)),
      ...Array.from({ length: 5 }, (_, n) => cursor.slice(0, -1 - n)),
      ...Array.from({ length: 5 }, (_, n) => cursor.slice(1 + n)),
      ...["x", "A", "AAAA", ".x", ".", "=", "==", "%20", "%0A", "%2B"].map((more) => `${cursor}${more}`),
      `%20${cursor}`,
      `${cursor}.${cursor}`,
      `${cursor}${cursor}`,
    ];
    for (const one of bad) expect(await admin(`${path}&cursor=${one}`), one).toMatchObject(REFUSED);
    expect(await admin(`${path}&cursor=${cursor}`)).toMatchObject({ status: 200 });
  });

  it("have one spelling: bits that are left over in the last character are not overlooked", async () => {
    const customer_id = unique("spelling");
    // Keys of three lengths in a row, so that the bytes of some do not fill the last character.
    for (let n = 1; n <= 4; n++) await newCustomer({ id: `${customer_id}${"x".repeat(n)}` });
    const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const lengths = new Set<number>();
    const first = `/customers?q=${customer_id}&limit=`;
    for (let limit = 1; limit <= 3; limit++) {
      const cursor: string = (await admin(`${first}${limit}`)).body.next_cursor;
      lengths.add(cursor.length % 4);
      for (const last of ALPHABET) {
        const respelled = `${cursor.slice(0, -1)}${last}`;
        const answer = await admin(`${first}${limit}&cursor=${respelled}`);
        expect(answer, respelled).toMatchObject(respelled === cursor ? { status: 200 } : REFUSED);
      }
    }
    expect([...lengths].toSorted()).toEqual([0, 2, 3]);
  });

  it("of another list or other filters are refused", async () => {
    const customer_id = (await newCustomer()).id;
    for (let n = 0; n < 3; n++) await newLicense({ customer_id });
    const path = `/licenses?customer_id=${customer_id}`;
    const cursor: string = (await admin(`${path}&limit=1`)).body.next_cursor;
    for (const other of [
      "/licenses?limit=1",
      `${path}&status=active`,
      `${path}&sort=ending`,
      "/customers?limit=1",
      `/activations?customer_id=${customer_id}`,
      "/events?limit=1",
    ])
      expect(await admin(`${other}&cursor=${cursor}`), other).toMatchObject(REFUSED);
    // How many rows a page has is no filter.
    expect(await admin(`${path}&limit=2&cursor=${cursor}`)).toMatchObject({ status: 200 });
  });
});

describe("listing activations", () => {
  it("by license, customer, state and search", async () => {
    const customer_id = (await newCustomer()).id;
    const one = await newLicense({ customer_id, max_instances: 5 });
    await newLicense({ customer_id });
    const two = await newLicense({ customer_id });
    const id = async (key: string, instance: string, hostname: string) =>
      (await activate(key, instance, { hostname })).body.activation_id as string;
    const a = await id(one.license_key, "alpha", "web-1");
    const b = await id(one.license_key, "beta", "web-2");
    const c = await id(two.license_key, "gamma", "db-1");
    await deactivate(one.license_key, "beta");
    expect(await idsOf(`/activations?license_id=${one.license.id}`, 1)).toEqual([a, b]);
    const ofOne = `/licenses/${one.license.id}/activations`;
    expect(await idsOf(ofOne, 1)).toEqual([a, b]);
    expect(await idsOf(`${ofOne}?active=true`)).toEqual([a]);
    expect(await idsOf(`${ofOne}?active=false`)).toEqual([b]);
    expect(await idsOf(`${ofOne}?q=beta`)).toEqual([b]);
    expect(await admin(`${ofOne}?license_id=${two.license.id}`)).toMatchObject({ status: 422 });
    expect(await idsOf(`/activations?customer_id=${customer_id}`, 1)).toEqual([a, b, c]);
    expect(await idsOf(`/activations?customer_id=${customer_id}&active=true`)).toEqual([a, c]);
    expect(await idsOf(`/activations?license_id=${one.license.id}&active=false`)).toEqual([b]);
    expect(await idsOf(`/activations?customer_id=${customer_id}&q=WEB`)).toEqual([a, b]);
    expect(await idsOf(`/activations?customer_id=${customer_id}&q=gam`)).toEqual([c]);
    expect(await idsOf(`/activations?license_id=${one.license.id}&customer_id=nobody`)).toEqual([]);
    const all = await idsOf("/activations?active=true");
    expect(all).toEqual(expect.arrayContaining([a, c]));
    expect(all).not.toContain(b);
    expect(await admin("/activations?active=perhaps")).toMatchObject({ status: 422 });
  });

  it("by when they were last seen, to the millisecond", async () => {
    setTime("2026-03-01T12:00:00.500Z");
    const { license, license_key } = await newLicense();
    const { activation_id } = (await activate(license_key, "box")).body;
    for (const [query, found] of [
      ["seen_since=2026-03-01T12:00:00.500Z", [activation_id]],
      ["seen_since=2026-03-01T12:00:00.501Z", []],
      ["seen_before=2026-03-01T12:00:00.500Z", []],
      ["seen_before=2026-03-01T12:00:00.501Z", [activation_id]],
    ] as const) {
      expect(await idsOf(`/activations?license_id=${license.id}&${query}`), query).toEqual(found);
    }
  });

  it("gets past a customer's many licenses without any", async () => {
    const customer_id = (await newCustomer()).id;
    for (let n = 0; n < 45; n++) await newLicense({ customer_id });
    const { license_key } = await newLicense({ customer_id });
    const { body } = await activate(license_key, "a");
    expect(await idsOf(`/activations?customer_id=${customer_id}`)).toEqual([body.activation_id]);
  });

  it("shows one, and takes its seat back", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const { body } = await activate(license_key, "a", { fingerprint: "fp", labels: { env: "prod" } });
    const shown = await admin(`/activations/${body.activation_id}`);
    expect(shown.body).toMatchObject({
      id: body.activation_id,
      license_id: license.id,
      instance_id: "a",
      active: true,
      ended_at: null,
      fingerprint: "fp",
      labels: { env: "prod" },
      lease_expires_at: body.lease_expires_at,
    });
    for (let again = 0; again < 2; again++) {
      expect(await admin(`/activations/${body.activation_id}`, { method: "DELETE" })).toMatchObject({
        status: 204,
      });
    }
    expect((await admin(`/activations/${body.activation_id}`)).body).toMatchObject({
      active: false,
      ended_at: expect.any(String),
    });
    expect(await activate(license_key, "b")).toMatchObject({ status: 200 });
    const ended = (await admin(`/licenses/${license.id}/events`)).body.data.filter(
      (event: { action: string }) => event.action === "activation.ended",
    );
    expect(ended).toMatchObject([
      { actor: { type: "staff", id: "ADMIN_TOKEN" }, detail: { instance_id: "a" } },
    ]);
    for (const id of ["act_none", "nonsense", `act_${license.id.slice(4)}_AAAAAAAAAA`]) {
      expect(await admin(`/activations/${id}`)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
      expect(await admin(`/activations/${id}`, { method: "DELETE" })).toMatchObject({ status: 404 });
    }
  });
});

describe("what a page costs", () => {
  // Some hundred rows of each kind, so that a walk that is too long shows.
  it("is at most 2 round trips and 200 rows read, whatever is asked, and scans no table", async () => {
    const customer_id = (await newCustomer({ name: "Costly Customer" })).id;
    const { license, license_key } = await newLicense({ customer_id, max_instances: null });
    for (let n = 0; n < 120; n++) {
      await newLicense({
        customer_id,
        expires_days: 1 + n,
        ...(n % 3 ? {} : { starts_at: "2026-12-30", expires_days: 400 }),
      });
      await activate(license_key, `box-${n}`);
    }
    const paths = [
      "/customers",
      "/customers?q=costly",
      "/license-types",
      "/licenses",
      `/licenses?customer_id=${customer_id}`,
      "/licenses?license_type=standard",
      "/licenses?status=active",
      "/licenses?status=revoked",
      ...["active", "expiring", "grace", "expired", "scheduled", "suspended", "revoked"].map(
        (s) => `/licenses?standing=${s}`,
      ),
      "/licenses?standing=expired&license_type=trial",
      "/licenses?standing=grace&sort=ending",
      `/licenses?standing=expired&sort=ending&customer_id=${customer_id}`,
      "/licenses?expiring_within_days=40",
      "/licenses?q=costly",
      `/licenses?q=${license.id}`,
      "/licenses?q=lic_7",
      "/activations",
      `/activations?license_id=${license.id}`,
      `/activations?customer_id=${customer_id}&active=true`,
      "/activations?active=false",
      "/activations?q=box",
      `/licenses/${license.id}/activations`,
      `/licenses/${license.id}/events`,
      "/events",
      `/events?entity=${license.id}`,
      "/events?actor=ADMIN_TOKEN",
      "/events?action=license.issued",
      "/events?action=activation.created",
      "/events?action=instance.clone_suspected",
      `/events?entity=${license.id}&since=2026-01-01`,
    ];
    for (const path of paths) {
      const { bindings, cost, statements } = recorded();
      const answer = await call(`/v1/admin${path}`, { token: env.ADMIN_TOKEN, bindings });
      expect(answer.status, path).toBe(200);
      expect(cost.trips, path).toBeLessThanOrEqual(2);
      expect(cost.read, path).toBeLessThanOrEqual(200);
      expect(cost.written, path).toBe(0);
      expect(await scansOf(statements), path).toEqual([]);
    }
  });

  it("is the same amid hundreds of licenses that start and end at the same instant", async () => {
    setTime("2026-06-01T00:00:00Z");
    const customer_id = (await newCustomer()).id;
    const row = { customer_id, license_type: "standard", starts_at: "2026-06-20", expires_at: "2026-07-15" };
    const made = await admin("/imports/licenses", { body: Array.from({ length: 400 }, () => row) });
    expect(made.status).toBe(200);
    const pages = async (path: string): Promise<number> => {
      let cursor: string | null = null;
      let read = 0;
      do {
        const { bindings, cost } = recorded();
        const more: string = cursor === null ? "" : `&cursor=${cursor}`;
        const answer = await call(`/v1/admin${path}${more}`, { token: env.ADMIN_TOKEN, bindings });
        expect(answer.status, path).toBe(200);
        expect(cost.read, path).toBeLessThanOrEqual(200);
        read += answer.body.data.length;
        cursor = answer.body.next_cursor;
      } while (cursor !== null);
      return read;
    };
    for (const path of [
      "/licenses?standing=scheduled",
      "/licenses?sort=ending",
      `/licenses?sort=ending&customer_id=${customer_id}`,
    ]) {
      expect(await pages(path), path).toBeGreaterThanOrEqual(400);
    }
    setTime("2026-07-01T00:00:00Z");
    expect(await pages("/licenses?standing=expiring")).toBeGreaterThanOrEqual(400);
  });
});

describe("licenses whose seats are all taken", () => {
  it("are found from the seat that fills them on, and only they", async () => {
    const { id } = await newCustomer();
    const make = (max_instances: number | null) => newLicense({ customer_id: id, max_instances });
    const [full, free, unlimited] = [await make(2), await make(2), await make(null)];
    await activate(full.license_key, "a");
    for (const { license_key } of [free, unlimited]) await activate(license_key, "a");
    const found = async (query = ""): Promise<string[]> =>
      (await admin(`/licenses?customer_id=${id}&seats=full${query}`)).body.data.map((one: any) => one.id);
    expect(await found()).toEqual([]);
    await activate(full.license_key, "b");
    expect(await found()).toEqual([full.license.id]);
    expect(await found(`&q=${full.license.id}`)).toEqual([full.license.id]);
    expect(await found(`&q=${free.license.id}`)).toEqual([]);
    expect((await admin(`/licenses?customer_id=${id}&seats=empty`)).status).toBe(422);
  });
});

describe("licenses by their end, and by what was mailed about it", () => {
  const found = async (customer: string, query: string): Promise<string[]> =>
    (await admin(`/licenses?customer_id=${customer}&${query}`)).body.data.map((one: any) => one.id);

  it("are found from one day through another, as their ends are shown, or between instants", async () => {
    const { id } = await newCustomer();
    const ending = async (expires_at: string | null) =>
      (await newLicense({ customer_id: id, expires_at })).license.id;
    const last = await ending("2098-11-30");
    const first = await ending("2098-12-01");
    const middle = await ending("2098-12-15T08:00:00Z");
    const end = await ending("2098-12-31");
    const next = await ending("2099-01-01");
    await ending(null);
    const december = "ends_from=2098-12-01&ends_until=2098-12-31";
    expect(await found(id, `${december}&sort=ending`)).toEqual([first, middle, end]);
    expect((await found(id, december)).toSorted()).toEqual([first, middle, end].toSorted());
    expect(await found(id, "ends_from=2098-12-31&sort=ending")).toEqual([end, next]);
    expect(await found(id, "ends_until=2098-11-30")).toEqual([last]);
    // To the instant: both are in the range.
    const instants = "ends_from=2098-12-15T08:00:00Z&ends_until=2099-01-01T12:00:00Z&sort=ending";
    expect(await found(id, instants)).toEqual([middle, end]);
    expect(await found(id, `${december}&standing=expired`)).toEqual([]);
    expect((await admin("/licenses?ends_from=soon")).status).toBe(422);
  });

  it("are found by whether their customer was told of the present end, and by their last mail", async () => {
    const email = `${unique("it")}@told.example`;
    const { id } = await newCustomer({ email });
    const expires_at = "2098-12-15T08:00:00.000Z";
    const license = async () => (await newLicense({ customer_id: id, expires_at })).license.id;
    const [told, failed, older, other, none] = [
      await license(),
      await license(),
      await license(),
      await license(),
      await license(),
    ];
    const write = (licenseId: string, status: string, end: string, kind = "expiry_warning") =>
      rows(
        `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status,
           created_at, updated_at)
         VALUES ('msg_' || hex(randomblob(13)), ?, ?, ?, ?, ?, 's', 'c', ?, 0, 0)`,
        `notice:${licenseId}:${Date.parse(end)}:14`,
        kind,
        licenseId,
        id,
        email,
        status,
      );
    await write(told, "delivered", expires_at);
    await write(failed, "bounced", expires_at);
    await write(older, "delivered", "2097-12-15T08:00:00Z");
    await write(other, "delivered", expires_at, "entitlement_expiring");
    const range = "ends_from=2098-12-01&ends_until=2098-12-31";
    expect(await found(id, `${range}&told=yes`)).toEqual([told]);
    expect((await found(id, `${range}&told=no`)).toSorted()).toEqual([failed, older, other, none].toSorted());
    expect(await found(id, "last_mail=bounced")).toEqual([failed]);
    expect(await found(id, "last_mail=none")).toEqual([none]);
    expect((await admin("/licenses?told=maybe")).status).toBe(422);
    expect((await admin("/licenses?last_mail=lost")).status).toBe(422);
    const page = await (await Visitor.signIn()).get(`/admin/licenses?customer_id=${id}&told=no&${range}`);
    expect(page.text.match(/Not told of its end\./g)).toHaveLength(4);
    expect(page.text).toContain("Expiry warning bounced");
  });
});
