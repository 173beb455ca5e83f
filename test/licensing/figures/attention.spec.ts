// What needs attention, by license and kind, and what staff need not look at again.
import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../../support/service.ts";

const NOW = Date.parse("2027-06-15T08:00:00Z");

const troublesOf = async (licenseId: string) =>
  (await admin("/attention")).body.data.filter(
    ({ license_id }: { license_id: string }) => license_id === licenseId,
  );

const unsettle = (id: string, body: object, options: object = {}) =>
  admin(`/licenses/${id}/unsettle`, { body, ...options });

const settledOf = async (id: string) =>
  (await admin("/attention/settled")).body.data.filter(
    ({ license_id }: { license_id: string }) => license_id === id,
  );

const eventsAbout = async (id: string, action: string) =>
  (await admin(`/licenses/${id}/events`)).body.data.filter(
    (event: { action: string }) => event.action === action,
  );

const settle = (id: string, body: object) => admin(`/licenses/${id}/settle`, { body });

/** A license with some marked seats. */
async function withClones(...at: number[]) {
  const { license, license_key } = await newLicense({ max_instances: null });
  for (const [n, mark] of at.entries()) {
    await activate(license_key, `seat-${n}`);
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = ?",
      mark,
      license.id,
      `seat-${n}`,
    );
  }
  return license;
}

describe("what needs attention", () => {
  it("is told by license and kind, with how often, the latest, and the worst", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ max_requests_per_day: 10, max_services: 4 });
    await activate(license_key, "a");
    await checkIn(license_key, "a", {
      usage: [
        { date: "2027-06-13", requests: 11, services: 4 },
        { date: "2027-06-14", requests: 30, services: 5 },
        { date: "2027-06-15", requests: 12, services: 1 },
      ],
    });
    expect(await troublesOf(license.id)).toEqual([
      {
        kind: "overused",
        license_id: license.id,
        license_type: "standard",
        customer_id: license.customer_id,
        customer_name: "Acme",
        count: 4,
        at: new Date(NOW).toISOString(),
        worst: { day: "2027-06-14", limit: "max_requests_per_day", allowed: 10, observed: 30 },
      },
    ]);
    const { text, html } = await (await Visitor.signInAs("manager")).get("/admin");
    expect(text).toContain("4 times, worst: requests per day: 30 of 10 on Jun 14, 2027");
    expect(html).toContain(`/admin/licenses/${license.id}/settle/overused`);
    expect((await (await Visitor.signInAs("viewer")).get("/admin")).html).not.toContain("/settle/");
  });

  it.each([
    ["none", "", "a day that is not known"],
    ["an odd one", "2027-02-31x", "2027-02-31x"],
  ])("is shown where the record has %s for its day", async (_, day, words) => {
    setTime(NOW);
    const { license } = await newLicense();
    await rows(
      `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
       VALUES (?, 'license.overused', 'license', ?, 'system', 'usage', 'r', json_object('day', ?, 'observed', 9))`,
      NOW,
      license.id,
      day,
    );
    const { status, text } = await (await Visitor.signInAs("viewer")).get("/admin");
    expect(status).toBe(200);
    expect(text).toContain(`on ${words}`);
  });

  it("leaves out what was settled until something new of its kind happens", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW - DAY, NOW - 2 * DAY);
    expect(await troublesOf(id)).toMatchObject([{ kind: "cloned", count: 2 }]);
    const answer = await settle(id, { kind: "cloned", reason: "Restored." });
    expect(answer).toMatchObject({ status: 200, body: { license_id: id, kind: "cloned", until: null } });
    expect(await troublesOf(id)).toEqual([]);
    // Of the same moment is not new; a moment later is.
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = 'seat-0'",
      NOW,
      id,
    );
    expect(await troublesOf(id)).toEqual([]);
    await rows(
      "UPDATE activations SET clone_suspected_at = ? WHERE license_id = ? AND instance_id = 'seat-0'",
      NOW + 1,
      id,
    );
    setTime(NOW + 1000);
    expect(await troublesOf(id)).toMatchObject([
      { kind: "cloned", count: 1, worst: { instance_id: "seat-0" } },
    ]);
    const event = (await admin(`/licenses/${id}/events`)).body.data.find(
      ({ action }: { action: string }) => action === "license.attention_settled",
    );
    expect(event.detail).toEqual({ kind: "cloned", until: null, reason: "Restored." });
  });

  it("leaves out what is snoozed to the day, whatever happens, and then tells again", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW + 2 * DAY);
    await settle(id, { kind: "cloned", snooze_days: 2, reason: "They know." });
    expect(await troublesOf(id)).toEqual([]);
    setTime(NOW + 2 * DAY - 1);
    expect(await troublesOf(id)).toEqual([]);
    setTime(NOW + 2 * DAY);
    expect(await troublesOf(id)).toHaveLength(1);
    // Another decision takes the place of the one before.
    await settle(id, { kind: "cloned", snooze_days: 1, reason: "Still." });
    expect(await troublesOf(id)).toEqual([]);
  });

  it("settles one kind of one license alone", async () => {
    setTime(NOW);
    const [one, other] = [await withClones(NOW), await withClones(NOW)];
    await rows("UPDATE activations SET scattered_at = ? WHERE license_id = ?", NOW, one.id);
    await settle(one.id, { kind: "cloned", reason: "Known." });
    expect(await troublesOf(one.id)).toMatchObject([{ kind: "scattered" }]);
    expect(await troublesOf(other.id)).toMatchObject([{ kind: "cloned" }]);
  });

  it("settles what ends, and tells of it again when its grace begins", async () => {
    const end = Date.parse("2081-06-01T08:00:00Z");
    setTime(end - 20 * DAY);
    const { license } = await newLicense({ expires_at: new Date(end).toISOString(), grace_days: 5 });
    setTime(end - 5 * DAY);
    expect(await troublesOf(license.id)).toMatchObject([{ kind: "ending" }]);
    await settle(license.id, { kind: "ending", reason: "They leave." });
    setTime(end - 1);
    expect(await troublesOf(license.id)).toEqual([]);
    setTime(end);
    expect(await troublesOf(license.id)).toMatchObject([{ kind: "ending" }]);
  });

  it("tells of a license 30 days before its end, of a short one in the last quarter of its term", async () => {
    const at = Date.parse("2083-03-01T08:00:00Z");
    setTime(at);
    const ending = async (days: number) =>
      (await newLicense({ expires_at: new Date(at + days * DAY).toISOString(), grace_days: 0 })).license.id;
    const toldFrom = async (id: string, from: number) => {
      setTime(from - 1);
      expect(await troublesOf(id)).toEqual([]);
      setTime(from);
      expect(await troublesOf(id)).toMatchObject([{ kind: "ending", at: new Date(from).toISOString() }]);
    };
    const [trial, edge, year] = [await ending(8), await ending(120), await ending(365)];
    await toldFrom(trial, at + 6 * DAY);
    await toldFrom(edge, at + 90 * DAY);
    // A renewed one has a new term, as long as what was added.
    setTime(at + 200 * DAY);
    await admin(`/licenses/${year}/renew`, { body: { expires_in: "P40D" } });
    await toldFrom(year, at + (365 + 40 - 10) * DAY);
  });

  it("is settled in the console, which says what it does", async () => {
    setTime(NOW);
    const license = await withClones(NOW);
    const visitor = await Visitor.signInAs("manager");
    const path = `/admin/licenses/${license.id}/settle/cloned`;
    const refused = await visitor.fill(path, { reason: "" });
    expect(refused.status).toBe(422);
    expect(await troublesOf(license.id)).toHaveLength(1);
    const done = await visitor.fill(path, { snooze_days: "30", reason: "A test bench." });
    expect(done.text).toContain("Settled.");
    expect(await troublesOf(license.id)).toEqual([]);
    expect((await visitor.get(`/admin/licenses/${license.id}`)).text).toContain("“A test bench.”");
    expect((await visitor.get(`/admin/licenses/${license.id}/settle/loud`)).status).toBe(404);
  });

  it.each([
    [{ kind: "loud", reason: "x" }, 422],
    [{ kind: "silent" }, 422],
    [{ kind: "silent", reason: "x", snooze_days: 0 }, 422],
    [{ kind: "silent", reason: "x", snooze_days: 366 }, 422],
    [{ kind: "silent", reason: "x", until: "2027-01-01" }, 422],
  ])("refuses %j", async (body, status) => {
    const { license } = await newLicense();
    expect((await settle(license.id, body)).status).toBe(status);
    expect(await rows("SELECT 1 FROM settled_attention WHERE license_id = ?", license.id)).toEqual([]);
  });

  it("refuses to settle for a license that is not there", async () => {
    const id = "lic_00000000000000000000000000";
    expect(await settle(id, { kind: "silent", reason: "x" })).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    expect((await call(`/v1/admin/licenses/${id}/settle`, { body: {} })).status).toBe(401);
  });

  it("reads a bounded number of rows", async () => {
    setTime(NOW);
    const customer_id = (await newCustomer({ name: unique("Many") })).id;
    for (let n = 0; n < 12; n++) {
      const { license } = await newLicense({ customer_id });
      for (let day = 0; day < 12; day++)
        await rows(
          `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
           VALUES (?, 'license.overused', 'license', ?, 'system', 'usage', 'r', '{"allowed":1,"observed":2}')`,
          NOW,
          license.id,
        );
    }
    const { bindings, cost } = metered();
    await call("/v1/admin/attention", { token: env.ADMIN_TOKEN, bindings });
    expect(cost.trips).toBe(1);
    expect(cost.read).toBeLessThanOrEqual(900);
  });
});

describe("a settlement that is taken back", () => {
  it("leaves what is still there to be looked at, and is recorded with the reason", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW - DAY);
    await rows("UPDATE activations SET scattered_at = ? WHERE license_id = ?", NOW - DAY, id);
    for (const kind of ["cloned", "scattered"]) await settle(id, { kind, reason: "Known." });
    expect(await troublesOf(id)).toEqual([]);
    expect(await unsettle(id, { kind: "cloned", reason: "A second one." })).toMatchObject({
      status: 200,
      body: { license_id: id, kind: "cloned" },
    });
    expect(await troublesOf(id)).toMatchObject([{ kind: "cloned", count: 1 }]);
    const [event, ...more] = await eventsAbout(id, "license.attention_unsettled");
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      actor: { type: "staff", id: "ADMIN_TOKEN" },
      detail: { kind: "cloned", reason: "A second one." },
    });
    // What is gone meanwhile needs no attention.
    await rows("UPDATE activations SET scattered_at = NULL WHERE license_id = ?", id);
    expect((await unsettle(id, { kind: "scattered" })).status).toBe(200);
    expect(await troublesOf(id)).toMatchObject([{ kind: "cloned" }]);
    const details = (await eventsAbout(id, "license.attention_unsettled")).map(
      ({ detail }: { detail: object }) => detail,
    );
    expect(details).toContainEqual({ kind: "scattered", reason: null });
  });

  it("is refused where nothing is settled, or not any more, and nothing is written", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW);
    const none = { status: 404, body: { code: "NOT_FOUND" } };
    expect(await unsettle(id, { kind: "cloned" })).toMatchObject(none);
    await settle(id, { kind: "cloned", snooze_days: 1, reason: "Known." });
    expect(await unsettle(id, { kind: "silent" })).toMatchObject(none);
    setTime(NOW + DAY);
    expect(await unsettle(id, { kind: "cloned" })).toMatchObject(none);
    setTime(NOW + DAY - 1);
    expect((await unsettle(id, { kind: "cloned" })).status).toBe(200);
    expect(await unsettle(id, { kind: "cloned" })).toMatchObject(none);
    expect(await eventsAbout(id, "license.attention_unsettled")).toHaveLength(1);
  });

  it("is refused for a license that is not there, to viewers, and with what it does not take", async () => {
    setTime(NOW);
    expect(await unsettle("lic_00000000000000000000000000", { kind: "silent" })).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    const { id } = await withClones(NOW);
    await settle(id, { kind: "cloned", reason: "Known." });
    const { token } = await newToken({ role: "viewer" });
    expect((await unsettle(id, { kind: "cloned" }, { token })).status).toBe(403);
    for (const body of [
      {},
      { kind: "loud" },
      { kind: "cloned", reason: "" },
      { kind: "cloned", until: null },
    ])
      expect((await unsettle(id, body)).status).toBe(422);
    expect(await settledOf(id)).toHaveLength(1);
    expect(await eventsAbout(id, "license.attention_unsettled")).toEqual([]);
  });

  it("is done once by parallel calls", async () => {
    setTime(NOW);
    const { id } = await withClones(NOW);
    await settle(id, { kind: "cloned", reason: "Known." });
    const answers = await Promise.all(Array.from({ length: 5 }, () => unsettle(id, { kind: "cloned" })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404, 404, 404, 404]);
    expect(await eventsAbout(id, "license.attention_unsettled")).toHaveLength(1);
  });
});

describe("the list of what is settled", () => {
  it("has what holds, the latest first, with who decided it and why", async () => {
    setTime(NOW);
    const [one, other] = [await withClones(NOW), await withClones(NOW)];
    await rows("UPDATE customers SET company = 'Acme Works' WHERE id = ?", one.customer_id);
    await settle(one.id, { kind: "cloned", reason: "First." });
    setTime(NOW + 1_000);
    await settle(one.id, { kind: "silent", snooze_days: 2, reason: "Away." });
    setTime(NOW + 2_000);
    // It replaces the first one.
    await settle(one.id, { kind: "cloned", reason: "Second." });
    const { token, api_token } = await newToken({ role: "manager", name: "Grace" });
    setTime(NOW + 3_000);
    await admin(`/licenses/${other.id}/settle`, { body: { kind: "cloned", reason: "Theirs." }, token });
    const about = {
      license_id: one.id,
      license_type: "standard",
      customer_id: one.customer_id,
      customer_name: "Acme Works",
      actor: { type: "staff", id: "ADMIN_TOKEN" },
    };
    const at = (ms: number) => new Date(NOW + ms).toISOString();
    expect(await settledOf(one.id)).toEqual([
      { ...about, kind: "cloned", settled_at: at(2_000), until: null, reason: "Second." },
      { ...about, kind: "silent", settled_at: at(1_000), until: at(1_000 + 2 * DAY), reason: "Away." },
    ]);
    expect(await settledOf(other.id)).toMatchObject([{ actor: { type: "staff", id: api_token.id } }]);
    // At its very end one holds no more.
    setTime(NOW + 1_000 + 2 * DAY - 1);
    expect(await settledOf(one.id)).toHaveLength(2);
    setTime(NOW + 1_000 + 2 * DAY);
    expect(await settledOf(one.id)).toMatchObject([{ kind: "cloned" }]);
    await unsettle(one.id, { kind: "cloned" });
    expect(await settledOf(one.id)).toEqual([]);
  });

  it("goes on page by page, past what holds no more, at a bounded cost", async () => {
    setTime(NOW);
    const { id } = (await newLicense()).license;
    await settle(id, { kind: "cloned", reason: "The oldest." });
    for (let n = 0; n < 100; n++)
      await rows(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         VALUES (?, 'license.attention_settled', 'license', ?, 'staff', 'ADMIN_TOKEN', 'r', '{"kind":"silent"}')`,
        NOW,
        id,
      );
    expect(await settledOf(id)).toEqual([]);
    const found: string[] = [];
    const { bindings, trips } = metered();
    let pages = 0;
    for (let cursor: string | null = ""; cursor !== null;) {
      expect(++pages).toBeLessThan(50);
      const query = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await call(`/v1/admin/attention/settled?limit=1${query}`, {
        token: env.ADMIN_TOKEN,
        bindings,
      });
      for (const { license_id, reason } of body.data) if (license_id === id) found.push(reason);
      cursor = body.next_cursor;
    }
    expect(found).toEqual(["The oldest."]);
    for (const { read } of trips) expect(read).toBeLessThanOrEqual(400);
    expect((await admin("/attention/settled?cursor=abc")).status).toBe(422);
  });

  it("is a page from which a manager takes one back, and so does the page of the license", async () => {
    setTime(NOW);
    const license = await withClones(NOW);
    const [manager, viewer] = [await Visitor.signInAs("manager"), await Visitor.signInAs("viewer")];
    await manager.fill(`/admin/licenses/${license.id}/settle/cloned`, { reason: "A test bench." });
    const back = `/admin/licenses/${license.id}/unsettle/cloned`;
    for (const [path, words] of [
      ["/admin/attention/settled", "“A test bench.”"],
      [`/admin/licenses/${license.id}`, "Settled: clone suspected, until something new happens"],
    ] as const) {
      const page = await manager.get(path);
      expect(page.text).toContain(words);
      expect(page.html).toContain(back);
      const seen = await viewer.get(path);
      expect(seen.text).toContain(words);
      expect(seen.html).not.toContain("/unsettle/");
    }
    // Names of tokens are for owners.
    const named = async (visitor: Visitor) =>
      /<a href="\/admin\/activity\?actor=[^"]*">by ([^<,]*),/.exec(
        (await visitor.get("/admin/attention/settled")).html,
      )?.[1];
    expect(await named(manager)).toMatch(/^tok_/);
    expect(await named(await Visitor.signInAs("owner"))).toBe("Test");
    const done = await manager.fill(back, { reason: "" });
    expect(done.text).toContain("Taken back.");
    expect(done.html).not.toContain(back);
    expect(await troublesOf(license.id)).toMatchObject([{ kind: "cloned" }]);
    const again = await manager.fill(back, { reason: "Once more." });
    expect(again.status).toBe(404);
    expect((await manager.get(`/admin/licenses/${license.id}`)).text).not.toContain("Settled: ");
  });
});
