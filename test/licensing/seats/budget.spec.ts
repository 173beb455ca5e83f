import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { fire, NIGHTLY } from "../../support/mail.ts";
import { metered, recorded } from "../../support/meter.ts";
import { activate, admin, call, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

/** What one call costs, counted by D1 itself: until it is answered, which takes one trip, and with what comes after. */
async function costOf(path: string, body: object, status: number) {
  const { bindings, cost, trips } = metered();
  const answer = await call(path, { body, bindings });
  expect(answer.status).toBe(status);
  return { answered: trips[0]!, total: cost, body: answer.body };
}

/** A license with that many seats taken, and neighbors on both sides: a walk over seats stops at the next row. */
async function licenseWith(limit: number | null, seats: number): Promise<string> {
  const { license, license_key } = await newLicense({ max_instances: limit });
  await activate((await newLicense()).license_key, "neighbor");
  const activated = Math.min(seats, 5);
  for (let n = 0; n < activated; n++) await activate(license_key, `seat-${n}`);
  const [like] = await rows<{ at: number; lease: number }>(
    "SELECT max(activated_at) AS at, max(lease_expires_at) AS lease FROM activations WHERE license_id = ?",
    license.id,
  );
  await rows(
    `WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?3)
     INSERT INTO activations (license_id, instance_id, id, activated_at, last_seen_at, lease_expires_at, check_in_at,
       seats_in_use, seats_lapsed, usage_day, requests)
     SELECT ?1, 'seat-' || i, 'act_' || substr(?1, 5) || '_' || i, ?4, ?4, ?5, ?4, 1, 0, '2026-11-01', 1
     FROM n WHERE i < ?3`,
    license.id,
    activated,
    seats,
    like?.at ?? 0,
    like?.lease ?? 0,
  );
  return license_key;
}

const today = (): string => new Date().toISOString().slice(0, 10);

describe("the budget of a call on D1", () => {
  it.each([
    [1, 0],
    [5, 4],
    [40, 39],
    [40, 10],
    [500, 499],
  ])(
    "activate, a new seat at limit %d with %d taken: 1 trip, ≤ 10 + limit read, ≤ 5 written, and nothing later",
    async (limit, taken) => {
      const license_key = await licenseWith(limit, taken);
      const { total } = await costOf("/v1/activate", { license_key, instance_id: "new" }, 200);
      expect(total.trips).toBe(1);
      expect(total.read).toBeLessThanOrEqual(10 + limit);
      // The activation, the event with its index, the id of the day, and the license's counts.
      expect(total.written).toBeLessThanOrEqual(5);
    },
  );

  it.each([[5], [500], [50_000]])(
    "a new seat beside %d of an unlimited license reads none of them, nor does a refused one",
    async (seats) => {
      const license_key = await licenseWith(null, seats);
      const { answered, body } = await costOf("/v1/activate", { license_key, instance_id: "new" }, 200);
      expect(body.instances).toEqual({ active: seats + 1, max: null });
      expect(answered.read).toBeLessThanOrEqual(10);
      const { jti } = JSON.parse(atob(license_key.split(".")[1]!)) as { jti: string };
      await admin(`/licenses/${jti}/suspend`, { body: { reason: "A look at what it reads" } });
      const refused = await costOf("/v1/activate", { license_key, instance_id: "newer" }, 403);
      expect(refused.answered.read).toBeLessThanOrEqual(10);
    },
  );

  it("a license without a limit forgets leases that ran out after the answer to a new instance", async () => {
    setTime(NOW);
    const { license_key } = await newLicense({ max_instances: null });
    for (const name of ["old-1", "old-2"]) await activate(license_key, name);
    setTime(NOW + 31 * DAY);
    const activeWith = async (instance_id: string): Promise<number> =>
      (await costOf("/v1/activate", { license_key, instance_id }, 200)).body.instances.active;
    expect(await activeWith("new-1")).toBe(3);
    expect(await activeWith("new-2")).toBe(2);
  });

  describe.each([
    [5, 5],
    [500, 500],
    [50_000, 50_000],
    [null, 50_000],
  ])("of who holds a seat, at limit %s with %d taken", (limit, seats) => {
    it("is 1 trip, ≤ 10 rows read and ≤ 3 written, whatever it asks for", { timeout: 120_000 }, async () => {
      const license_key = await licenseWith(limit, seats);
      const held = (await activate(license_key, "seat-0")).body;
      const day = (requests: number) => [{ date: today(), requests, services: 3 }];
      const holder = { license_key, instance_id: "seat-0", certificate: held.certificate };
      for (const [path, body, written] of [
        ["/v1/activate", holder, 1],
        ["/v1/check-in", holder, 1],
        // The first figures of the day, higher ones, and the same again.
        ["/v1/check-in", { ...holder, usage: day(10) }, 3],
        ["/v1/check-in", { ...holder, usage: day(20) }, 3],
        ["/v1/check-in", { ...holder, usage: day(20), hostname: "h", fingerprint: "f" }, 3],
      ] as const) {
        const { total } = await costOf(path, body, 200);
        expect(total.trips).toBe(1);
        expect(total.read).toBeLessThanOrEqual(10);
        expect(total.written).toBeLessThanOrEqual(written);
      }
      const unproven = await costOf("/v1/check-in", { ...holder, certificate: null, usage: day(30) }, 200);
      expect(unproven.body.usage_ignored).toEqual([today()]);
      expect(unproven.total).toMatchObject({ trips: 1, written: 1 });
      expect(unproven.total.read).toBeLessThanOrEqual(12);
      const freed = await costOf("/v1/deactivate", holder, 204);
      expect(freed.total.trips).toBe(1);
      expect(freed.total.read).toBeLessThanOrEqual(10);
      expect(freed.total.written).toBeLessThanOrEqual(5);
    });
  });

  it("does not grow with the instances that came and went", async () => {
    setTime(NOW);
    const license_key = await licenseWith(3, 0);
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 3; n++) await activate(license_key, `old-${round}-${n}`);
      setTime(NOW + (round + 1) * 30 * DAY);
    }
    // The first to come after the leases ran out still walks over them, then moves them out of the way.
    await activate(license_key, "first");
    const { answered } = await costOf("/v1/activate", { license_key, instance_id: "second" }, 200);
    expect(answered).toEqual({ trips: 1, read: expect.any(Number), written: 5 });
    expect(answered.read).toBeLessThanOrEqual(10 + 3);
  });

  it("refuses at the limit without writing; after the answer, once a minute, it is kept", async () => {
    const license_key = await licenseWith(5, 5);
    const { total } = await costOf("/v1/activate", { license_key, instance_id: "new" }, 403);
    // The event of the day, with its three indexes, and the refusal.
    expect(total).toMatchObject({ trips: 2, written: 6 });
    const again = await costOf("/v1/activate", { license_key, instance_id: "new" }, 403);
    expect(again.total).toMatchObject({ trips: 1, written: 0 });
  });

  it("validate: 1 trip, ≤ 4 read, none written", async () => {
    const license_key = await licenseWith(40, 40);
    const { total } = await costOf("/v1/validate", { license_key, instance_id: "seat-7" }, 200);
    expect(total).toEqual({ trips: 1, read: expect.any(Number), written: 0 });
    expect(total.read).toBeLessThanOrEqual(4);
  });

  it.each(["/.well-known/jwks.json", "/healthz", "/openapi.json", "/docs"])(
    "GET %s asks D1 nothing",
    async (path) => {
      const { bindings, cost } = metered();
      expect((await call(path, { bindings })).status).toBe(200);
      expect(cost).toEqual({ trips: 0, read: 0, written: 0 });
    },
  );

  // Every filter: test/licensing/licenses/lists.spec.ts.
  it.each(["/licenses", "/licenses?standing=active", "/activations", "/customers", "/events", "/messages"])(
    "a page of 50 of %s: ≤ 2 trips, ≤ 200 read, none written",
    async (path) => {
      const { bindings, cost } = recorded();
      const answer = await call(`/v1/admin${path}`, { token: env.ADMIN_TOKEN, bindings });
      expect(answer.status).toBe(200);
      expect(cost.trips).toBeLessThanOrEqual(2);
      expect(cost.read).toBeLessThanOrEqual(200);
      expect(cost.written).toBe(0);
    },
  );

  // One trip finds the session, one brings what the page shows. A list whose filters are checked row by row can say what
  // belongs to its rows only once it has them, and so can one of customers. How many rows there are is counted up to 201 of them.
  it.each([
    ["/admin", 2, 520],
    ["/admin/licenses", 2, 180],
    ["/admin/licenses?standing=active&customer_id={customer}", 3, 220],
    ["/admin/licenses/{id}", 2, 230],
    ["/admin/licenses/{id}/send", 2, 10],
    ["/admin/customers", 3, 420],
    // It looks at up to 5 000 instances.
    ["/admin/search?q=acme", 3, 5_420],
    ["/admin/customers/{customer}", 2, 90],
    ["/admin/instances", 3, 390],
    ["/admin/instances?license_id={id}", 3, 90],
    ["/admin/instances?active=true&silent_days=3", 2, 100],
    ["/admin/messages", 2, 60],
    ["/admin/activity", 3, 320],
  ])("the console's page %s: %d trips, ≤ %d read, none written", async (path, trips, read) => {
    const { license, license_key } = await newLicense({ max_instances: 40 });
    for (let n = 0; n < 40; n++) await activate(license_key, `seat-${n}`);
    await fire("*/10 * * * *", env);
    const { bindings, cost } = recorded();
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, bindings);
    const before = { ...cost };
    const address = path.replace("{id}", license.id).replace("{customer}", license.customer_id);
    expect((await visitor.get(address)).status).toBe(200);
    expect(cost.trips - before.trips).toBe(trips);
    expect(cost.read - before.read).toBeLessThanOrEqual(read);
    expect(cost.written - before.written).toBe(0);
  });

  it("the overview reads the same however many licenses and instances there are", async () => {
    setTime(NOW);
    const look = async () => {
      const { bindings, cost } = recorded();
      const visitor = await Visitor.signIn(env.ADMIN_TOKEN, bindings);
      const before = cost.read;
      await visitor.get("/admin");
      return cost.read - before;
    };
    const fill = async (licenses: number) => {
      setTime(NOW - 20 * DAY);
      const customer_id = (await newCustomer()).id;
      // As many that end soon, that are in their grace, and that are neither.
      for (const expires_at of ["2026-06-20", "2026-05-30", "2027-06-01"]) {
        const row = { customer_id, license_type: "standard", expires_at, grace_days: 10 };
        const body = Array.from({ length: licenses }, () => ({ ...row }));
        expect(await admin("/imports/licenses", { body })).toMatchObject({ status: 200 });
      }
      setTime(NOW);
      await env.DB.prepare(
        `INSERT INTO activations (license_id, instance_id, id, activated_at, last_seen_at, lease_expires_at,
           check_in_at, seats_in_use, seats_lapsed)
         SELECT id, 'silent', 'act_' || substr(id, 5) || '_1', 0, ?2, ?3, 0, 1, 0
         FROM licenses WHERE customer_id = ?1`,
      )
        .bind(customer_id, NOW - 5 * DAY, NOW + 5 * DAY)
        .run();
      await fire("*/10 * * * *", env);
    };
    await fill(120);
    const few = await look();
    await fill(400);
    expect(await look()).toBe(few);
    expect(few).toBeLessThanOrEqual(520);
  });

  it("what staff do with one license costs the same however many there are", async () => {
    const { license } = await newLicense();
    const budgets: [
      method: string,
      path: string,
      body: object | undefined,
      trips: number,
      written: number,
    ][] = [
      ["GET", `/licenses/${license.id}`, undefined, 1, 0],
      ["GET", `/licenses/${license.id}/key`, undefined, 2, 4],
      ["POST", "/licenses", { customer_id: license.customer_id, license_type: "standard" }, 3, 30],
      ["POST", `/licenses/${license.id}/renew`, { expires_days: 1 }, 4, 50],
      ["POST", `/licenses/${license.id}/suspend`, { reason: "x" }, 4, 50],
    ];
    // After the answer to a change, one more looks for webhook endpoints: once a minute in each isolate.
    for (const [method, path, body, trips, written] of budgets) {
      const { bindings, cost } = recorded();
      const answer = await call(`/v1/admin${path}`, { method, body, token: env.ADMIN_TOKEN, bindings });
      expect(answer.status, path).toBeLessThan(300);
      expect(cost.trips, path).toBeLessThanOrEqual(trips);
      expect(cost.read, path).toBeLessThanOrEqual(120);
      expect(cost.written, path).toBeLessThanOrEqual(written);
    }
  });

  it("a change costs the same however many rows refer to what is changed", async () => {
    const type = unique("type");
    await admin(`/license-types/${type}`, { method: "PUT", body: { name: "Before", max_instances: null } });
    const { license, license_key } = await newLicense({ license_type: type });
    let name = 0;
    const look = async (): Promise<number[]> => {
      const body = { name: `Name ${++name}` };
      const changes: [method: string, path: string, body: object][] = [
        ["PUT", `/license-types/${type}`, body],
        ["PATCH", `/customers/${license.customer_id}`, body],
        ["PATCH", `/licenses/${license.id}`, { metadata: body }],
      ];
      const reads: number[] = [];
      for (const [method, path, changed] of changes) {
        const { bindings, cost } = recorded();
        await call(`/v1/admin${path}`, { method, body: changed, token: env.ADMIN_TOKEN, bindings });
        reads.push(cost.read);
      }
      return reads;
    };
    // The first takes the name that it was made with away, with more words than the next ones.
    await look();
    const few = await look();
    const row = { customer_id: license.customer_id, license_type: type };
    await admin("/imports/licenses", { body: Array.from({ length: 200 }, () => row) });
    for (let n = 0; n < 30; n++) await activate(license_key, `seat-${n}`);
    expect(await look()).toEqual(few);
  });

  it("a change of a customer writes only the search terms that differ", async () => {
    const customer = await newCustomer({ name: "Many Words Make Many Terms" });
    const { bindings, cost } = recorded();
    const body = { metadata: { crm: 7 } };
    const path = `/v1/admin/customers/${customer.id}`;
    await call(path, { method: "PATCH", body, token: env.ADMIN_TOKEN, bindings });
    // The customer, the event with its three indexes, and one term with its index.
    expect(cost.written).toBeLessThanOrEqual(7);
  });

  it("export: 1 trip for each 1 000 licenses, ≤ 1 read for each", async () => {
    const customer_id = (await newCustomer()).id;
    const row = { customer_id, license_type: "standard", expires_days: 30 };
    await admin("/imports/licenses", { body: Array.from({ length: 1_100 }, () => row) });
    const { bindings, cost } = recorded();
    const answer = await call(`/v1/admin/exports/licenses?format=csv&customer_id=${customer_id}`, {
      token: env.ADMIN_TOKEN,
      bindings,
    });
    expect(answer.text.trim().split("\r\n")).toHaveLength(1_101);
    expect(cost.trips).toBeLessThanOrEqual(4);
    expect(cost.read).toBeLessThanOrEqual(1_110);
    expect(cost.written).toBeLessThanOrEqual(4);
  });

  it("statistics: ≤ 2 trips, none written, and the same read whatever the number of licenses", async () => {
    setTime(NOW);
    const statisticsCost = async () => {
      const { bindings, cost } = recorded();
      await call("/v1/admin/statistics", { token: env.ADMIN_TOKEN, bindings });
      return cost;
    };
    await newLicense();
    // The first run after them tells of the instances above that fell silent, after it folded; the next one folds that.
    for (let n = 0; n < 3; n++) await fire("*/10 * * * *", env);
    const few = await statisticsCost();
    for (let n = 0; n < 40; n++) await newLicense();
    await fire("*/10 * * * *", env);
    const many = await statisticsCost();
    expect(few.trips).toBeLessThanOrEqual(2);
    expect(many).toEqual({ ...few, written: 0 });
  });

  it("nightly: grows with what is due, not with what there is", async () => {
    setTime(NOW);
    const night = async () => {
      const { bindings, cost } = recorded();
      await fire(NIGHTLY, bindings, NOW);
      return cost;
    };
    const customer_id = (await newCustomer({ email: "it@budget.example" })).id;
    const issue = async (licenses: number, expires_days: number) => {
      for (let n = 0; n < licenses; n++) await newLicense({ customer_id, expires_days });
      // What was issued is folded into the statistics, which is no part of the night's own work.
      await fire("*/10 * * * *", env);
    };
    await issue(1, 300);
    await night();
    // Each night reads the events of the last seal again: of as many as below.
    await issue(60, 300);
    await night();
    const idle = await night();
    await issue(60, 300);
    // The first night after them seals the day's events: two statements more, and each event read once.
    const sealing = await night();
    expect(sealing.trips).toBeLessThanOrEqual(idle.trips + 1);
    expect(sealing.read - idle.read).toBeLessThanOrEqual(70);
    expect(sealing.written).toBeLessThanOrEqual(idle.written + 3);
    expect(await night()).toEqual(idle);
    const [few, many] = [10, 40];
    await issue(few, 30);
    const first = await night();
    await issue(many, 30);
    const second = await night();
    for (const [due, { read, written }] of [
      [few, first],
      [few + many, second],
    ] as const) {
      expect(read - idle.read).toBeLessThanOrEqual(due * 20);
      expect(written).toBeLessThanOrEqual(due * 8);
    }
  });

  it("nightly: reads no license twice where hundreds end at the same instant", async () => {
    setTime(NOW);
    const night = async () => {
      const { bindings, cost } = recorded();
      await fire(NIGHTLY, bindings, NOW);
      return cost;
    };
    const customer_id = (await newCustomer({ email: "it@budget.example" })).id;
    const row = { customer_id, license_type: "standard", expires_at: "2026-06-30T00:00:00Z" };
    const due = 1_600;
    await night();
    const idle = await night();
    await admin("/imports/licenses", { body: Array.from({ length: due }, () => row) });
    await fire("*/10 * * * *", env);
    await night();
    const again = await night();
    expect(again.read - idle.read).toBeLessThanOrEqual(due * 15);
  });
});
