// People are forgotten: what says something about them leaves every table. The tables are walked, not listed, so a new
// one that keeps a name is found.
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../../src/config.ts";
import { addErasure, applyErasure } from "../../../src/licensing/customers/erasure.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { keptOf } from "../../support/kept.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing, NIGHTLY } from "../../support/mail.ts";
import { bucket, byHand, findings } from "../../support/record.ts";
import { asSystem } from "../../support/spent.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";

let homes = 0;

const ADMINS = { ADMIN_EMAILS: "staff@caio.example" };

let start = Date.parse("2032-01-05T08:00:00.000Z");

let resend: FakeResend;

beforeEach(async () => {
  start += 400 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
});

const staff = (path: string, body?: unknown, more: object = {}): Promise<Answer> =>
  admin(path, { body, ...more });

const once = (): object => ({ headers: { "Idempotency-Key": unique("once") } });

/** A mark that no other value has. */
const newMark = (): string => `zq${unique("m").replaceAll("-", "")}`;

/** Someone who left traces wherever the service keeps anything: each of them holds the mark. */
async function someone(mark = newMark()) {
  const name = { name: `Ada ${mark} Müller`, email: `${mark}@acme.example`, company: `${mark} GmbH` };
  const noted = { metadata: { [`${mark}-key`]: `${mark}-value` }, notes: `Call ${mark}`, tags: [mark] };
  const { body: customer } = await staff(
    "/customers",
    { id: unique("customer"), ...name, ...noted },
    { headers: { "Idempotency-Key": `make-${mark}` } },
  );
  const { id } = customer;
  const contact = { email: `grace-${mark}@acme.example`, name: `Grace ${mark}`, language: "de" };
  await staff(`/customers/${id}/contacts`, contact, once());
  const terms = { customer_id: id, license_type: "standard", expires_at: "2099-01-01" };
  const { body } = await staff("/licenses", { ...terms, ...noted, send_email: true }, once());
  const { license, license_key } = body;
  // Where their machines are.
  const home = `203.0.113.${++homes}`;
  const box = {
    hostname: `${mark}-host`,
    fingerprint: `${mark}-print`,
    labels: { owner: mark },
    app_version: mark,
  };
  const at = (instance_id: string, hostname = box.hostname) => ({
    body: { license_key, instance_id, ...box, hostname },
    headers: { "CF-Connecting-IP": home },
  });
  await call("/v1/activate", at("a"));
  await call("/v1/activate", at("b"));
  // Without its certificate: counted with address and host name.
  await call("/v1/activate", at("b", `${mark}-other`));
  const later = { notes: `Later ${mark}`, effective_at: new Date(start + 30 * DAY).toISOString() };
  await staff(`/licenses/${license.id}`, later, { method: "PATCH" });
  await staff(`/licenses/${license.id}/send-email`, { to: `other-${mark}@acme.example` }, once());
  return { mark, id, license, license_key, home };
}

/** What a receiver said of the last event about the customer: in an answer, and where it was not reached. */
async function answered(id: string, words: string): Promise<string> {
  const endpoint = unique("whe");
  await rows(
    `INSERT INTO webhook_endpoints (id, url, events, active, include_personal, cursor, created_at, updated_at)
     VALUES (?, 'https://hooks.acme.example/', '["*"]', 0, 1, 0, 0, 0)`,
    endpoint,
  );
  await rows(
    `INSERT INTO webhook_deliveries (endpoint_id, number, event_id, action, at, status, ms, error, answer)
     SELECT ?1, column1, (SELECT max(id) FROM events WHERE entity_id = ?2), 'x', ?3, column2, 5, column3, column4
     FROM (VALUES (1, 200, NULL, 'Thanks, ' || ?4), (2, 500, 'It answered 500.', 'No ' || ?4),
       (3, NULL, 'It could not be reached: ' || ?4, ''), (4, 204, NULL, ''))`,
    endpoint,
    id,
    start,
    words,
  );
  return endpoint;
}

/** What a contact asked for on the customer's site, and staff's answer. */
async function asked(id: string, contact: string, words: string, status = "accepted"): Promise<string> {
  const request = unique("req");
  await rows(
    `INSERT INTO customer_requests (id, customer_id, contact_id, kind, text, status, answer, answered_at, created_at)
     VALUES (?1, ?2, ?3, 'question', 'I am ' || ?4, ?5, iif(?5 = 'open', NULL, 'Dear ' || ?4), iif(?5 = 'open', NULL, ?6), ?6)`,
    request,
    id,
    contact,
    words,
    status,
    start,
  );
  return request;
}

/** The same, with a digest about them, and with licenses that let nothing run any more. */
async function someoneWhoLeft() {
  const one = await someone();
  for (const about of [one.id, one.license.id]) await answered(about, one.mark);
  // What only time makes, and a statement.
  await rows(
    `INSERT INTO license_told VALUES (?, ?, 'expired', 0, '', ?2, ?2, 'r', json_object('expires_at', '2032-01-01'))`,
    one.license.id,
    start,
  );
  await rows("INSERT INTO silent_instances VALUES (?, 'a', 'act_1', ?2, ?2, 'r')", one.license.id, start);
  const day = new Date(start - DAY).toISOString().slice(0, 10);
  await rows("INSERT INTO meter_overuse VALUES (?, ?, 'tokens')", day, one.license.id);
  await rows("INSERT INTO overuse VALUES (?, ?, 'max_services')", one.license.id, day);
  await asked(one.id, "con_gone", one.mark);
  await asked(one.id, "con_gone", one.mark, "open");
  await rows(
    "INSERT INTO portal_sessions VALUES (?, ?, NULL, ?, ?4, ?4 + 1)",
    one.mark,
    one.id,
    one.license.id,
    start,
  );
  await rows(
    `INSERT INTO portal_invitations (id, customer_id, invited_by, hash, email, name, roles, created_at)
     VALUES (?1, ?2, 'con_x', ?1, ?3, ?3, '[]', ?4)`,
    unique("con"),
    one.id,
    `${one.mark}@later.example`,
    start,
  );
  await rows("INSERT INTO portal_frees VALUES (?, ?, 'act_1')", one.license.id, start);
  const closed = new Date(start - 100 * DAY).toISOString().slice(0, 7);
  const statement = await admin(`/licenses/${one.license.id}/statements/${closed}`);
  expect(statement.body.statement, statement.text).toMatch(/^eyJ/);
  await rows("UPDATE activations SET clone_suspected_at = ? WHERE license_id = ?", start, one.license.id);
  await fire(NIGHTLY, mailing(ADMINS), start);
  await staff(`/licenses/${one.license.id}/suspend`, { reason: "The end" });
  await callRefused(one, "a");
  return one;
}

/** An installation that goes on calling. */
async function callRefused(one: { license_key: string; mark: string; home: string }, instance_id: string) {
  const body = { license_key: one.license_key, instance_id, hostname: `${one.mark}-refused` };
  const answer = await call("/v1/activate", { body, headers: { "CF-Connecting-IP": one.home } });
  expect(answer.status, answer.text).toBe(403);
}

const REASON = { reason: "Asked for by letter." };

const erase = (id: string, query = "", more: object = {}): Promise<Answer> =>
  staff(`/customers/${id}/erase${query}`, REASON, more);

const eraseContact = (id: string, contact: string, query = "", more: object = {}): Promise<Answer> =>
  staff(`/customers/${id}/contacts/${contact}/erase${query}`, REASON, more);

const contactsOf = async (id: string): Promise<Answer["body"][]> =>
  (await admin(`/customers/${id}/contacts`)).body.data;

describe("erasing a customer", () => {
  it("leaves nothing of them in any table, any mail, any kept answer, or the bucket", async () => {
    const { mark, id, license, home } = await someoneWhoLeft();
    const before = await keptOf([mark, home]);
    // The test looks where it should: each of these keeps something of them.
    const places = new Set(before.map((found) => found.split(":")[0]));
    for (const place of [
      "customers",
      "customer_terms",
      "contacts",
      "licenses",
      "license_terms",
      "activations",
      "messages",
      "pending_changes",
      "idempotency_keys",
      "license_refusals",
      "webhook_deliveries",
      "customer_requests",
      "portal_invitations",
      "portal_sessions",
    ]) {
      expect(places).toContain(place);
    }
    const erased = await erase(id);
    expect(erased).toMatchObject({
      status: 200,
      body: { customer_id: id, contact_id: null, kept: true, finished: true, events_that_stay: 0 },
    });
    expect(await keptOf([mark, home])).toEqual([]);

    // Ids stay, and what was sold.
    expect((await admin(`/customers/${id}`)).body).toMatchObject({
      id,
      name: "Erased",
      email: null,
      metadata: {},
    });
    expect((await admin(`/licenses/${license.id}`)).body).toMatchObject({
      customer_id: id,
      license_type: "standard",
    });
    const seats = await rows("SELECT instance_id FROM activations WHERE license_id = ?", license.id);
    expect(seats).toHaveLength(2);
    expect((await admin(`/customers?q=${id}`)).body.data).toMatchObject([{ id }]);
    expect((await admin(`/licenses/${license.id}/refusals`)).body.data).toEqual([
      {
        at: new Date(start).toISOString(),
        code: "LICENSE_SUSPENDED",
        instance_id: "a",
        hostname: null,
        ip: null,
      },
    ]);
    for (const table of ["statements", "license_told", "silent_instances", "meter_overuse"])
      expect(await rows(`SELECT 1 FROM ${table} WHERE license_id = ?`, license.id)).toHaveLength(1);
    // Whether it was delivered stays.
    const said = await rows(
      `SELECT number, status, error, answer FROM webhook_deliveries
       WHERE event_id IN (SELECT id FROM events WHERE entity_id = ?) ORDER BY number`,
      license.id,
    );
    expect(said).toEqual([
      { number: 1, status: 200, error: null, answer: "" },
      { number: 2, status: 500, error: "It answered 500.", answer: "" },
      { number: 3, status: null, error: "Erased.", answer: "" },
      { number: 4, status: 204, error: null, answer: "" },
    ]);
  });

  it("keeps where installations go on no more, until staff enter a customer anew", async () => {
    const one = await someoneWhoLeft();
    const latest = async () => (await admin(`/licenses/${one.license.id}/refusals`)).body.data[0];
    await erase(one.id);
    setTime(start + 60_000);
    await callRefused(one, "b");
    expect(await latest()).toMatchObject({ instance_id: "b", hostname: null, ip: null });
    expect(await keptOf([one.mark, one.home])).toEqual([]);
    await staff(`/customers/${one.id}`, { name: "Acme" }, { method: "PATCH" });
    setTime(start + 120_000);
    await callRefused(one, "c");
    expect(await latest()).toMatchObject({ instance_id: "c", hostname: `${one.mark}-refused`, ip: one.home });
  });

  it("takes what a receiver says at the same moment in the night, and of nobody else", async () => {
    const { mark, id } = await someoneWhoLeft();
    const other = newMark();
    await answered((await newCustomer()).id, other);
    await erase(id);
    await answered(id, mark);
    expect(await keptOf([mark])).toHaveLength(3);
    await fire(NIGHTLY, mailing(ADMINS), start + DAY);
    expect(await keptOf([mark])).toEqual([]);
    expect(await keptOf([other])).toHaveLength(3);
  });

  it("takes what was said of their mails, of a license that they gave away, and a refused address alone", async () => {
    const mark = newMark();
    const { id } = await newCustomer();
    const { license } = await newLicense({ customer_id: id, expires_days: 1, grace_days: 0 });
    const { license: away } = await newLicense();
    setTime(start + 3 * DAY);
    const mail = unique("msg");
    await rows(
      `INSERT INTO messages (id, dedupe_key, kind, customer_id, recipient, subject, content, status, created_at, updated_at)
       VALUES (?1, ?1, 'license_delivery', ?2, 'a@acme.example', 'Hello', '', 'failed', 0, 0)`,
      mail,
      id,
    );
    for (const [type, entity, detail] of [
      ["message", mail, {}],
      ["license", away.id, { customer_id: { from: id, to: "x" } }],
    ] as const) {
      await rows(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
         VALUES (?, 'x', ?, ?, 'staff', 'x', 'r', ?)`,
        start,
        type,
        entity,
        JSON.stringify(detail),
      );
      await answered(entity, mark);
    }
    const refusal = { at: 1, code: "LICENSE_EXPIRED", instance_id: "a", hostname: null, ip: mark };
    await rows(
      "INSERT INTO license_refusals VALUES (?, ?, 1, NULL)",
      license.id,
      JSON.stringify([refusal, { ...refusal, ip: null }]),
    );
    expect(await keptOf([mark])).toHaveLength(7);
    expect(await erase(id)).toMatchObject({ status: 200, body: { goes: { refusals: 1, deliveries: 6 } } });
    expect(await keptOf([mark])).toEqual([]);
  });

  it("is recorded by ids alone, and the record stays sound", async () => {
    const { mark, id, home } = await someoneWhoLeft();
    await erase(id);
    const last = (await eventsOf(id)).at(-1)!;
    expect(last.action).toBe("customer.erased");
    expect(JSON.parse(last.detail)).toEqual({ erasure_id: expect.stringMatching(/^era_/), ...REASON });
    await fire(NIGHTLY, mailing(ADMINS), start + DAY);
    expect(await findings()).toEqual([]);
    expect(await keptOf([mark, home])).toEqual([]);
  });

  it("sends no mail that waits, and carries out no change to come", async () => {
    const { mark, id, license } = await someoneWhoLeft();
    await staff(`/licenses/${license.id}/reinstate`, {});
    const { body } = await staff(
      `/licenses/${license.id}/send-email`,
      {},
      { bindings: mailing({ RESEND_API_KEY: "" }) },
    );
    await rows("UPDATE messages SET status = 'pending' WHERE id = ?", body.id);
    await staff(`/licenses/${license.id}/revoke`, { reason: "The end" });
    // A revoked license withdraws its own; what remains waits for any reason.
    await rows(
      "UPDATE messages SET status = 'pending', last_error = ? WHERE customer_id = ?",
      `to ${mark}`,
      id,
    );
    await erase(id);
    resend = new FakeResend();
    setTime(start + 31 * DAY);
    await fire(DELIVERIES, mailing(ADMINS), start + 31 * DAY);
    expect(resend.inbox.filter((mail) => JSON.stringify(mail).includes(mark))).toEqual([]);
    expect(
      await rows("SELECT DISTINCT status, reason, recipient FROM messages WHERE customer_id = ?", id),
    ).toEqual([{ status: "skipped", reason: "erased", recipient: "" }]);
    expect(await rows("SELECT status, input FROM pending_changes WHERE license_id = ?", license.id)).toEqual([
      { status: "cancelled", input: "{}" },
    ]);
  });

  it("takes the address out of what makes a notice one, and the error of a mail", async () => {
    const { mark, id, license } = await someoneWhoLeft();
    await rows(
      `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status, last_error,
         created_at, updated_at)
       VALUES (?1, 'notice:' || ?2 || ':1893456000000:7:' || ?3, 'expiry_warning', ?2, ?4, ?3, 's', '', 'failed',
         'No mailbox ' || ?3, 0, 0)`,
      unique("msg"),
      license.id,
      `${mark}@acme.example`,
      id,
    );
    await erase(id);
    expect(await keptOf([mark])).toEqual([]);
    expect(
      await rows(
        "SELECT notice_end, notice_days FROM messages WHERE license_id = ? AND notice_end > 0",
        license.id,
      ),
    ).toEqual([{ notice_end: 1_893_456_000_000, notice_days: 7 }]);
  });

  it("forgets a mail that was written at the same moment, in the night", async () => {
    const mark = newMark();
    const { id } = await newCustomer();
    await erase(id);
    await rows(
      `INSERT INTO messages (id, dedupe_key, kind, customer_id, recipient, subject, content, status, created_at, updated_at)
       VALUES (?1, ?1, 'license_expired', ?2, ?3, 's', '', 'sent', 0, 0)`,
      unique("msg"),
      id,
      `${mark}@acme.example`,
    );
    setTime(start + DAY);
    await fire(NIGHTLY, env, start + DAY);
    expect(await keptOf([mark])).toEqual([]);
  });

  it("changes nothing where its own rule refuses it in the end", async () => {
    const { mark, id } = await someoneWhoLeft();
    const before = await keptOf([mark]);
    const erasure = { id: `era_${unique("x")}`, customer_id: id, contact_id: null, erased_at: start };
    const done = await applyErasure(asSystem(), erasure, {
      decide: () => [addErasure(asSystem(), erasure, "false")],
    });
    expect(done).toEqual({ decided: false, kept: false, finished: false });
    expect(await keptOf([mark])).toEqual(before);
  });

  it("is refused while a license may run, or will, and changes nothing then", async () => {
    for (const [terms, status] of [
      [{ expires_at: "2099-01-01" }, 409],
      [{ starts_at: "2098-01-01", expires_at: "2099-01-01" }, 409],
      [{ expires_at: null }, 409],
      [{ expires_days: 1, grace_days: 2 }, 409],
      [{ expires_days: 1, grace_days: 1 }, 200],
    ] as const) {
      setTime(start);
      const mark = newMark();
      const { id } = await newCustomer({ name: mark });
      await newLicense({ customer_id: id, ...terms });
      setTime(start + 2 * DAY);
      const before = await keptOf([mark]);
      const dry = await erase(id, "?dry_run=true");
      const answer = await erase(id);
      expect([terms, dry.status, answer.status]).toEqual([terms, status, status]);
      expect(await keptOf([mark])).toEqual(status === 409 ? before : []);
    }
  });

  it("loses to a license that is issued at the same moment", async () => {
    const { id } = await newCustomer({ name: newMark() });
    const slow = { ...env, DB: env.DB } as Env;
    const [erased, issued] = await Promise.all([
      erase(id, "", { bindings: slow }),
      admin("/licenses", { body: { customer_id: id, license_type: "standard" } }),
    ]);
    expect(issued.status).toBe(201);
    // Whichever was first: an erased customer is one with a license afterwards, or nothing was erased.
    expect([200, 409]).toContain(erased.status);
    const { name } = (await admin(`/customers/${id}`)).body;
    expect(name === "Erased").toBe(erased.status === 200);
  });

  it("says before what goes, and writes nothing then", async () => {
    const { mark, id } = await someoneWhoLeft();
    const before = await keptOf([mark]);
    const { body } = await erase(id, "?dry_run=true");
    expect(body).toEqual({
      dry_run: true,
      customer_id: id,
      contact_id: null,
      goes: {
        contacts: 2,
        licenses: 1,
        instances: 2,
        mails: 3,
        digests: expect.any(Number),
        pending_changes: 1,
        requests: 2,
        refusals: 1,
        deliveries: 6,
      },
      events_that_stay: 0,
    });
    expect(body.goes.digests).toBeGreaterThan(0);
    expect(await keptOf([mark])).toEqual(before);
    expect((await erase(id)).body.goes).toEqual(body.goes);
  });

  it("tells how many events of before hold values that nobody can take out", async () => {
    const { id } = await newCustomer();
    const { license } = await newLicense({ customer_id: id, expires_days: 1, grace_days: 0 });
    setTime(start + 3 * DAY);
    const old: [string, string, string | null, object][] = [
      [id, "staff", null, { after: { id, name: "Ada", metadata: {} } }],
      [id, "staff", null, { changes: { metadata: { from: {}, to: { crm: 1 } } } }],
      [license.id, "staff", null, { message_id: "msg_1", to: "ada@acme.example" }],
      [license.id, "instance", "192.0.2.1", { activation_id: "act_1" }],
      // These hold none.
      [id, "staff", "198.51.100.1", { changes: { name: {}, status: { from: "active", to: "suspended" } } }],
      [license.id, "instance", null, { activation_id: "act_1", members: ["name"] }],
      ["somebody else", "staff", null, { after: { name: "Ada" } }],
    ];
    for (const [entity, actor, ip, detail] of old) {
      await rows(
        `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
         VALUES (?, 'x', 'license', ?, ?, 'x', 'r', ?, ?)`,
        start,
        entity,
        actor,
        ip,
        JSON.stringify(detail).replaceAll("ada@acme.example", "ada"),
      );
    }
    expect((await erase(id, "?dry_run=true")).body.events_that_stay).toBe(4);
  });

  it("refuses a reason that names them, because the record keeps it for ever", async () => {
    const { mark, id } = await someoneWhoLeft();
    for (const reason of [`${mark}@ACME.example wrote`, `On behalf of ${mark} gmbh.`, `Grace ${mark}`]) {
      const refused = await staff(`/customers/${id}/erase`, { reason });
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: "reason" }] } });
    }
    expect((await eventsOf(id)).map(({ action }) => action)).not.toContain("customer.erased");
  });

  it("leaves others as they are, and their kept answers", async () => {
    const other = await someone();
    const before = (await keptOf([other.mark])).filter((found) => !found.startsWith("messages"));
    const { id } = await someoneWhoLeft();
    await erase(id);
    const after = (await keptOf([other.mark])).filter((found) => !found.startsWith("messages"));
    expect(after).toEqual(before);
    const mails = await rows("SELECT recipient FROM messages WHERE customer_id = ?", other.id);
    expect(mails.filter(({ recipient }) => recipient === "")).toEqual([]);
  });

  it("tells a repeated request that its answer is gone, and does nothing twice", async () => {
    const { id } = await newCustomer({ name: newMark() });
    const request = { license_type: "standard", customer_id: id, expires_days: 1, grace_days: 0 };
    const key = { headers: { "Idempotency-Key": unique("issue") } };
    expect((await staff("/licenses", request, key)).status).toBe(201);
    setTime(start + DAY - 1);
    await rows("UPDATE licenses SET status = 'revoked' WHERE customer_id = ?", id);
    await erase(id);
    expect(await staff("/licenses", request, key)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await rows("SELECT id FROM licenses WHERE customer_id = ?", id)).toHaveLength(1);
  });

  it("finds mails of a customer who was deleted before", async () => {
    const mark = newMark();
    const { id } = await newCustomer({ email: `${mark}@acme.example` });
    await rows(
      `INSERT INTO messages (id, dedupe_key, kind, customer_id, recipient, subject, content, status, created_at, updated_at)
       VALUES (?1, ?1, 'license_delivery', ?2, ?3, 'Hello', '', 'sent', 0, 0)`,
      unique("msg"),
      id,
      `${mark}@acme.example`,
    );
    await admin(`/customers/${id}`, { method: "DELETE" });
    expect(await keptOf([mark])).toHaveLength(1);
    expect(await erase(id)).toMatchObject({ status: 200, body: { goes: { mails: 1 } } });
    expect(await keptOf([mark])).toEqual([]);
    expect((await admin(`/customers/${id}`)).status).toBe(404);
    expect(await erase("nobody")).toMatchObject({ status: 404, body: { code: "CUSTOMER_NOT_FOUND" } });
  });

  it("can be done twice", async () => {
    const { id } = await newCustomer({ name: newMark() });
    expect((await erase(id)).status).toBe(200);
    const again = await erase(id);
    expect(again).toMatchObject({ status: 200, body: { goes: { contacts: 0, licenses: 0, mails: 0 } } });
  });

  it("keeps what staff enter later", async () => {
    const { id } = await someoneWhoLeft();
    await erase(id);
    const name = newMark();
    const email = `${name}@acme.example`;
    await staff(`/customers/${id}`, { name, email }, { method: "PATCH" });
    const { body } = await staff("/licenses", {
      customer_id: id,
      license_type: "standard",
      send_email: true,
      notes: name,
    });
    await fire(NIGHTLY, mailing(ADMINS), start + DAY);
    expect((await admin(`/customers/${id}`)).body).toMatchObject({ name, email });
    expect((await admin(`/licenses/${body.license.id}`)).body.notes).toBe(name);
    expect(await rows("SELECT recipient FROM messages WHERE license_id = ?", body.license.id)).toEqual([
      { recipient: email },
    ]);
  });
});

describe("erasing a contact", () => {
  it("is possible while licenses run, and leaves nothing of them", async () => {
    const { mark, id, license_key } = await someone();
    const gone = newMark();
    const { body: contact } = await staff(
      `/customers/${id}/contacts`,
      { email: `${gone}@acme.example`, name: gone },
      once(),
    );
    const { body: license } = await staff(
      "/licenses",
      { customer_id: id, license_type: "standard", send_email: true },
      once(),
    );
    await answered(id, gone);
    await rows(
      `INSERT INTO portal_invitations (id, customer_id, invited_by, email, roles, created_at)
       VALUES (?, ?, 'con_x', ?, '[]', ?)`,
      unique("con"),
      id,
      `${gone}@ACME.example`,
      start,
    );
    const request = await asked(id, contact.id, gone, "open");
    const other = await asked(id, "con_other", mark);
    expect(new Set((await keptOf([gone])).map((found) => found.split(":")[0]))).toEqual(
      new Set([
        "contacts",
        "customer_terms",
        "messages",
        "idempotency_keys",
        "webhook_deliveries",
        "customer_requests",
        "portal_invitations",
      ]),
    );
    const dry = (await eraseContact(id, contact.id, "?dry_run=true")).body;
    const { body } = await eraseContact(id, contact.id);
    expect(body).toMatchObject({
      contact_id: contact.id,
      goes: {
        contacts: 1,
        licenses: 0,
        instances: 0,
        mails: 2,
        pending_changes: 0,
        requests: 1,
        refusals: 0,
        deliveries: 3,
      },
      kept: true,
      finished: true,
    });
    expect(body.goes).toEqual(dry.goes);
    expect(await keptOf([gone])).toEqual([]);
    expect(JSON.parse((await eventsOf(id)).at(-1)!.detail)).toMatchObject({ contact_id: contact.id });
    // Everything else is as it was: what they asked for still waits.
    expect(
      await rows(
        "SELECT id, status, text, answer FROM customer_requests WHERE customer_id = ? ORDER BY id",
        id,
      ),
    ).toEqual(
      [
        { id: request, status: "open", text: "", answer: null },
        { id: other, status: "accepted", text: `I am ${mark}`, answer: `Dear ${mark}` },
      ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
    expect((await contactsOf(id)).map(({ email }) => email)).toEqual([
      `${mark}@acme.example`,
      `grace-${mark}@acme.example`,
    ]);
    expect((await activate(license_key, "a")).status).toBe(200);
    const mails = await rows("SELECT recipient FROM messages WHERE license_id = ?", license.license.id);
    expect(mails.map(({ recipient }) => recipient).toSorted()).toEqual(
      ["", `${mark}@acme.example`, `grace-${mark}@acme.example`].toSorted(),
    );
    expect((await admin(`/customers?q=grace-${mark}`)).body.data).toMatchObject([{ id }]);
  });

  it("takes the customer's own address, and addresses that the contact had before", async () => {
    const mark = newMark();
    const { id } = await newCustomer({ email: `one-${mark}@acme.example` });
    await staff("/licenses", { customer_id: id, license_type: "standard", send_email: true });
    await staff(`/customers/${id}`, { email: `two-${mark}@acme.example` }, { method: "PATCH" });
    expect((await keptOf([`one-${mark}`])).length).toBeGreaterThan(0);
    expect((await eraseContact(id, `con_${id}`)).status).toBe(200);
    expect(await keptOf([mark])).toEqual([]);
    expect((await admin(`/customers/${id}`)).body.email).toBeNull();
    expect((await admin(`/customers?q=two-${mark}`)).body.data).toEqual([]);
  });

  it("takes a contact who was removed before", async () => {
    const mark = newMark();
    const { id } = await newCustomer();
    const { body: contact } = await staff(`/customers/${id}/contacts`, { email: `${mark}@acme.example` });
    await staff("/licenses", { customer_id: id, license_type: "standard", send_email: true });
    await admin(`/customers/${id}/contacts/${contact.id}`, { method: "DELETE" });
    expect((await keptOf([mark])).length).toBeGreaterThan(0);
    expect((await eraseContact(id, contact.id)).status).toBe(200);
    expect(await keptOf([mark])).toEqual([]);
  });

  it("knows only contacts of the customer", async () => {
    const { id } = await newCustomer();
    const { body: contact } = await staff(`/customers/${(await newCustomer()).id}/contacts`, {
      email: "a@acme.example",
    });
    for (const unknown of [contact.id, "con_nobody"]) {
      expect(await eraseContact(id, unknown)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    }
    expect((await eraseContact("nobody", contact.id)).body.code).toBe("CUSTOMER_NOT_FOUND");
  });

  it("wins over a change that was read before", async () => {
    const mark = newMark();
    const { id } = await newCustomer();
    const path = `/customers/${id}/contacts`;
    const { body: contact } = await staff(path, { email: `${mark}@acme.example`, name: mark });
    await Promise.all([
      eraseContact(id, contact.id),
      staff(`${path}/${contact.id}`, { name: `Other ${mark}` }, { method: "PATCH" }),
      staff(path, { email: "b@acme.example" }),
    ]);
    expect(await contactsOf(id)).toMatchObject([{ email: "b@acme.example" }]);
    expect(await keptOf([mark])).toEqual([]);
  });
});

describe("an erasure outlives the database", () => {
  const kept = async (id: string) => JSON.parse(await (await bucket.get(`erasures/${id}.json`))!.text());

  it("by ids in the bucket", async () => {
    const { id } = await newCustomer();
    const { body } = await erase(id);
    expect(await kept(body.erasure_id)).toEqual({
      id: body.erasure_id,
      customer_id: id,
      contact_id: null,
      erased_at: start,
    });
  });

  it.each([
    ["does not answer", { put: () => Promise.reject(new Error("down")) } as unknown as R2Bucket],
    ["is not bound", undefined],
  ])("is told where the bucket %s, and the night tries again", async (_, BACKUPS) => {
    const { id } = await newCustomer();
    const { BACKUPS: _bound, ...bindings } = env;
    const { body } = await erase(id, "", { bindings: BACKUPS ? { ...bindings, BACKUPS } : bindings });
    expect(body).toMatchObject({ kept: false, finished: true });
    expect(await bucket.get(`erasures/${body.erasure_id}.json`)).toBeNull();
    setTime(start + 5 * DAY);
    await fire(NIGHTLY, env, start + 5 * DAY);
    expect(await kept(body.erasure_id)).toMatchObject({ customer_id: id });
    expect(await rows("SELECT kept_at FROM erasures WHERE id = ?", body.erasure_id)).toEqual([
      { kept_at: start + 5 * DAY },
    ]);
  });

  it("and is applied again to a database of before", async () => {
    const { mark, id, home } = await someoneWhoLeft();
    const tables = [
      "customers",
      "contacts",
      "customer_terms",
      "licenses",
      "license_terms",
      "activations",
      "messages",
      "pending_changes",
      "license_refusals",
      "webhook_deliveries",
      "customer_requests",
    ];
    const backup = await Promise.all(tables.map((name) => rows(`SELECT * FROM ${name}`)));
    const { body } = await erase(id);
    // As a restore does: the rows of before, without the triggers.
    await byHand("PRAGMA defer_foreign_keys = true");
    for (const [n, name] of tables.entries()) {
      for (const row of backup[n]!) {
        const columns = Object.keys(row).filter(
          (column) => !/^notice_(?:end|days)$/.test(column) || name !== "messages",
        );
        await rows(
          `INSERT OR REPLACE INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
          ...columns.map((column) => row[column]),
        );
      }
    }
    await rows("DELETE FROM erasures WHERE id = ?", body.erasure_id);
    expect((await keptOf([mark])).length).toBeGreaterThan(8);
    // Who restored by another way than ours did not call it: the night finds it in the bucket.
    await fire(NIGHTLY, env, start + DAY);
    expect(await keptOf([mark, home])).toEqual([]);
    for (let n = 0; n < 2; n++) {
      const done = await applyErasure(asSystem(), await kept(body.erasure_id));
      expect(done).toEqual({ decided: true, kept: true, finished: true });
      expect(await keptOf([mark, home])).toEqual([]);
    }
    expect(await rows("SELECT count(*) AS n FROM erasures WHERE id = ?", body.erasure_id)).toEqual([
      { n: 1 },
    ]);
  });

  it("goes on in the night where a request could not do all of it", async () => {
    const mark = newMark();
    const { id } = await newCustomer({ name: mark });
    const { license } = await newLicense({ customer_id: id, expires_days: 1, grace_days: 0 });
    await rows(
      `INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at, lease_expires_at,
         check_in_at, seats_in_use, seats_lapsed, hostname)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
       SELECT ?1, i % 3, 'box-' || i, 'act_' || ?1 || i, 0, 0, 0, 0, 0, 0, ?2 FROM n`,
      license.id,
      mark,
    );
    setTime(start + 3 * DAY);
    let pages = 4;
    const erasure = { id: `era_${unique("x")}`, customer_id: id, contact_id: null, erased_at: start };
    const done = await applyErasure(asSystem(), erasure, { mayGoOn: () => pages-- > 0 });
    expect(done.finished).toBe(false);
    const left = async () => (await rows("SELECT 1 FROM activations WHERE hostname = ?", mark)).length;
    expect(await left()).toBe(700);
    await fire(NIGHTLY, env, start + 3 * DAY);
    expect(await left()).toBe(0);
    expect(await keptOf([mark])).toEqual([]);
    expect(await rows("SELECT finished_at FROM erasures WHERE id = ?", erasure.id)).toEqual([
      { finished_at: start + 3 * DAY },
    ]);
  });
});

describe("all that is kept about a customer", () => {
  it("is one document, with every trace but license keys, and recorded", async () => {
    const { mark, id, license, license_key } = await someoneWhoLeft();
    await rows(
      "INSERT INTO usage_months VALUES ('2026-01', ?1, 'a', '{\"05\":[1,1]}'), ('2026-02', ?1, 'a', '{\"05\":[1,1]}')",
      license.id,
    );
    const answer = await admin(`/customers/${id}/data`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Disposition")).toContain(`attachment; filename="${id}-`);
    const { body } = answer;
    expect(body.customer).toMatchObject({
      id,
      name: `Ada ${mark} Müller`,
      metadata: { [`${mark}-key`]: `${mark}-value` },
    });
    expect(body.contacts).toHaveLength(2);
    expect(body.licenses).toMatchObject([{ id: license.id, notes: `Call ${mark}` }]);
    expect(body.pending_changes).toMatchObject([{ input: { notes: `Later ${mark}` } }]);
    expect(body.activations.map(({ hostname }: { hostname: string }) => hostname)).toEqual([
      `${mark}-host`,
      `${mark}-host`,
    ]);
    expect(body.activations[1].unproven).toMatchObject({});
    expect(body.usage_months).toHaveLength(2);
    expect(body.statements).toMatchObject([{ license_id: license.id, figures: { customer_id: id } }]);
    expect(body.license_told).toMatchObject([{ stage: "expired", told_at: new Date(start).toISOString() }]);
    expect(body.silent_instances).toMatchObject([{ instance_id: "a" }]);
    expect(body.meter_overuse).toHaveLength(1);
    expect(body.overuse).toMatchObject([{ license_id: license.id, limit_name: "max_services" }]);
    const at = new Date(start).toISOString();
    expect(body.license_refusals[0].refusals).toMatchObject([{ at, hostname: `${mark}-refused` }]);
    expect(body.customer_requests).toMatchObject([
      { text: `I am ${mark}`, answered_at: at },
      { text: `I am ${mark}`, answered_at: null },
    ]);
    expect(body.portal_invitations).toMatchObject([{ email: `${mark}@later.example`, created_at: at }]);
    expect(body.portal_sessions).toMatchObject([{ license_id: license.id, created_at: at }]);
    expect(body.portal_frees).toMatchObject([{ activation_id: "act_1", freed_at: at }]);
    expect(body.webhook_deliveries).toHaveLength(8);
    expect(body.mails).toHaveLength(3);
    expect(body.mails[0].text).toContain(mark);
    expect(answer.text).not.toContain(license_key);
    expect(answer.text).toContain("(license key)");
    expect(body.events.length).toBeGreaterThan(4);
    expect((await eventsOf(id)).at(-1)).toMatchObject({ action: "customer.data_read", detail: "{}" });
    expect((await admin("/customers/nobody/data")).body.code).toBe("CUSTOMER_NOT_FOUND");

    await erase(id);
    expect((await admin(`/customers/${id}/data`)).text).not.toContain(mark);
  });

  it("comes in pages, each row once", async () => {
    const { id } = await newCustomer();
    const { license } = await newLicense({ customer_id: id });
    await rows(
      `INSERT INTO usage (license_id, day, instance_id, requests, services)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 401)
       SELECT ?, '2032-02-0' || (1 + i % 3), 'box-' || i, i, 1 FROM n`,
      license.id,
    );
    // Entitlements that end at the same instant.
    await rows(
      `INSERT INTO license_told
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 401)
       SELECT ?1, ?2, 'entitlement_ended', 0, 'code-' || i, ?2, ?2, 'r', '{}' FROM n`,
      license.id,
      start,
    );
    const { body } = await admin(`/customers/${id}/data`);
    expect(new Set(body.license_told.map(({ code }: { code: string }) => code)).size).toBe(401);
    expect(new Set(body.usage.map(({ requests }: { requests: number }) => requests)).size).toBe(401);
    expect(body.usage).toHaveLength(401);
  });
});
