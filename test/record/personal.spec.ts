// The record cannot forget, so it holds nothing of a person. Every call of staff that changes something, and every call
// of an installation, is made with marked values, and the record is searched for the marks.
import { beforeAll, describe, expect, it } from "vitest";
import { API, nameOf } from "../access/calls.ts";
import { DELIVERIES, FakeResend, fire, mailing } from "../support/mail.ts";
import { forgetReceivers, lastEvent, listen, newReceiver } from "../support/receivers.ts";
import { night } from "../support/record.ts";
import { admin, type Answer, call, rows } from "../support/service.ts";
import { env } from "../support/env.ts";

/** In every value that may be about a person. Reasons and ids are not: the record is made of them. */
const MARK = "zqxmark";

/** From where an installation calls. */
const HOME = "203.0.113.77";

const customer = (n: number) => ({
  name: `Ada ${MARK} ${n}`,
  email: `${MARK}-${n}@acme.example`,
  company: `${MARK} GmbH ${n}`,
  metadata: { [`${MARK}-key`]: `${MARK}-value-${n}`, nested: [{ of: MARK }] },
  notes: `Call ${MARK} ${n}`,
  tags: [`${MARK}-${n}`],
});

const license = (n: number) => {
  const { metadata, notes, tags } = customer(n);
  return { metadata, notes, tags };
};

/** Calls that take no value about a person: what they are about is named by an id or a term. */
const NOTHING_PERSONAL = new Set([
  "POST /v1/admin/audit-seals/restart",
  // People of the vendor are known by their addresses: these are their ids.
  "PUT /v1/admin/people/{email}",
  "DELETE /v1/admin/people/{email}",
  "PUT /v1/admin/license-types/{id}",
  "DELETE /v1/admin/license-types/{id}",
  "POST /v1/admin/entitlements",
  "PUT /v1/admin/entitlements/{code}",
  "PATCH /v1/admin/entitlements/{code}",
  "DELETE /v1/admin/entitlements/{code}",
  // Their events have ids and counts; test/backup/ tests what they say.
  "POST /v1/admin/backups",
  "POST /v1/admin/restores",
  "PUT /v1/admin/restores/{id}/pages/{table}/{page}",
  "POST /v1/admin/restores/{id}/finish",
]);

const made = new Set<string>();

async function staff(name: string, path: string, body?: unknown): Promise<Answer["body"]> {
  const [method] = name.split(" ") as [string];
  const answer = await call(path, { method, body, token: env.ADMIN_TOKEN, bindings: mailing() });
  expect(answer.status, `${name}: ${answer.text}`).toBeLessThan(300);
  made.add(name);
  return answer.body;
}

const instance = (path: string, body: object): Promise<Answer> =>
  call(path, { body, headers: { "CF-Connecting-IP": HOME } });

const box = (license_key: string, instance_id: string) => ({
  license_key,
  instance_id,
  hostname: `${MARK}-host`,
  fingerprint: `${MARK}-print`,
  labels: { owner: MARK },
});

async function everyCall(): Promise<void> {
  const resend = new FakeResend();
  const base = "/v1/admin";
  await staff("POST /v1/admin/customers", `${base}/customers`, { id: "one", ...customer(1) });
  await staff("POST /v1/admin/customers", `${base}/customers`, { id: "two", ...customer(2) });
  await staff("PATCH /v1/admin/customers/{id}", `${base}/customers/one`, customer(3));
  const contacts = "/v1/admin/customers/{id}/contacts";
  const contact = await staff(`POST ${contacts}`, `${base}/customers/one/contacts`, {
    email: `${MARK}-4@acme.example`,
    name: `Grace ${MARK}`,
  });
  await staff(`PATCH ${contacts}/{contact_id}`, `${base}/customers/one/contacts/${contact.id}`, {
    email: `${MARK}-5@acme.example`,
    name: `${MARK} Grace`,
  });

  const terms = { customer_id: "one", license_type: "standard", max_instances: 9, expires_in: "P1Y" };
  const of = "/v1/admin/licenses/{id}";
  const issued = await staff("POST /v1/admin/licenses", `${base}/licenses`, {
    ...terms,
    ...license(6),
    send_email: true,
  });
  const { license_key: key } = issued;
  const path = `${base}/licenses/${issued.license.id}`;
  await staff(`PATCH ${of}`, path, { ...license(7), max_services: 3, send_email: true });

  const { body: seat } = await instance("/v1/activate", box(key, "a"));
  await instance("/v1/check-in", {
    ...box(key, "a"),
    usage: [{ date: "2026-01-01", requests: 1, services: 1 }],
  });
  await instance("/v1/activate", {
    ...box(key, "a"),
    certificate: seat.certificate,
    fingerprint: `${MARK}-2`,
  });
  await instance("/v1/activate", box(key, "b"));
  const { body: third } = await instance("/v1/activate", box(key, "c"));
  await instance("/v1/deactivate", { license_key: key, instance_id: "c", certificate: third.certificate });
  const { body: held } = await instance("/v1/activate", box(key, "d"));
  await instance("/v1/activate", { ...box(key, "d"), hostname: `${MARK}-other` });
  const figures = { requests: 1, services: 1, reason: "Counted twice" };
  const day = new Date().toISOString().slice(0, 10);
  await staff(`PUT ${of}/usage/{date}/{instance_id}`, `${path}/usage/${day}/a`, figures);
  await rows("UPDATE activations SET clone_suspected_at = 1 WHERE id = ?", held.activation_id);
  await staff(
    "POST /v1/admin/activations/{id}/clear-clone",
    `${base}/activations/${held.activation_id}/clear-clone`,
    {
      reason: "Moved",
    },
  );
  await staff("DELETE /v1/admin/activations/{id}", `${base}/activations/${held.activation_id}`);
  const file = await staff(`POST ${of}/offline-activations`, `${path}/offline-activations`, {
    request: box(key, "box"),
  });
  expect(file).toBeTruthy();

  await staff(`POST ${of}/send-email`, `${path}/send-email`, { to: `${MARK}-8@acme.example` });
  await staff(`POST ${of}/renew`, `${path}/renew`, { expires_in: "P2Y" });
  await staff(`POST ${of}/settle`, `${path}/settle`, { kind: "silent", reason: "Known" });
  await staff(`POST ${of}/unsettle`, `${path}/unsettle`, { kind: "silent", reason: "Seen again" });
  await staff(`POST ${of}/suspend`, `${path}/suspend`, { reason: "Unpaid" });
  await staff(`POST ${of}/reinstate`, `${path}/reinstate`, {});
  await staff(`POST ${of}/reissue`, `${path}/reissue`, { reason: "Leaked" });
  const later = new Date(Date.now() + 86_400_000).toISOString();
  const ordered = await staff(`PATCH ${of}`, path, { ...license(9), effective_at: later });
  const change = `${path}/pending-changes/${ordered.pending_change.id}`;
  await rows("UPDATE pending_changes SET status = 'held' WHERE id = ?", ordered.pending_change.id);
  await staff(`POST ${of}/pending-changes/{change_id}/release`, `${change}/release`);
  await staff(`DELETE ${of}/pending-changes/{change_id}`, change);
  await staff(`POST ${of}/transfer`, `${path}/transfer`, {
    customer_id: "two",
    reason: "Sold",
    send_email: true,
  });
  await staff("POST /v1/admin/customers/{id}/suspend", `${base}/customers/two/suspend`, { reason: "Unpaid" });
  await staff("POST /v1/admin/customers/{id}/reinstate", `${base}/customers/two/reinstate`, {
    reason: "Paid",
  });
  await rows("UPDATE messages SET status = 'failed'");
  const [message] = await rows<{ id: string }>(
    "SELECT id FROM messages WHERE license_id = ? AND customer_id = 'two' AND key_revision IS NOT NULL LIMIT 1",
    issued.license.id,
  );
  await staff("POST /v1/admin/messages/{id}/retry", `${base}/messages/${message!.id}/retry`);
  await staff("POST /v1/admin/messages/retry", `${base}/messages/retry`, { status: "failed" });
  await rows(
    "UPDATE messages SET status = 'failed', recipient = ? WHERE id = ?",
    `${MARK}-gone@acme.example`,
    message!.id,
  );
  await staff("POST /v1/admin/messages/{id}/replace", `${base}/messages/${message!.id}/replace`);
  await call(`${base}/messages/${message!.id}`, { token: env.ADMIN_TOKEN });
  for (const [n, answer] of ["accept", "decline"].entries()) {
    const id = `req_${n}`;
    await rows(
      `INSERT INTO customer_requests (id, customer_id, contact_id, kind, text, created_at)
       VALUES (?, 'two', 'con_two', 'question', ?, 1)`,
      id,
      `I am ${MARK}`,
    );
    const words = `Dear ${MARK}`;
    await staff(
      `POST /v1/admin/requests/{id}/${answer}`,
      `${base}/requests/${id}/${answer}`,
      answer === "accept" ? { answer: words } : { reason: words },
    );
  }
  await staff("POST /v1/admin/customers/{id}/sign-out", `${base}/customers/two/sign-out`);
  await staff(`POST ${of}/revoke`, `${path}/revoke`, { reason: "Fraud" });

  await staff("POST /v1/admin/imports/customers", `${base}/imports/customers`, [
    { id: "three", ...customer(10) },
  ]);
  await staff("POST /v1/admin/imports/licenses", `${base}/imports/licenses`, [
    { customer_id: "three", license_type: "trial", metadata: license(11).metadata },
  ]);
  const erased = await staff(`POST ${contacts}`, `${base}/customers/one/contacts`, {
    email: `${MARK}-12@acme.example`,
  });
  const why = { reason: "Asked for by letter" };
  await staff(
    `POST ${contacts}/{contact_id}/erase`,
    `${base}/customers/one/contacts/${erased.id}/erase`,
    why,
  );
  await call(`${base}/customers/one/data`, { token: env.ADMIN_TOKEN });
  await staff(`DELETE ${contacts}/{contact_id}`, `${base}/customers/one/contacts/${contact.id}`);
  await staff("POST /v1/admin/customers/{id}/erase", `${base}/customers/one/erase`, why);
  await staff("DELETE /v1/admin/customers/{id}", `${base}/customers/one`);

  const token = await staff("POST /v1/admin/api-tokens", `${base}/api-tokens`, {
    name: `${MARK}'s laptop`,
    role: "viewer",
  });
  await staff("DELETE /v1/admin/api-tokens/{id}", `${base}/api-tokens/${token.api_token.id}`);

  const hooks = "/v1/admin/webhook-endpoints";
  const hook = await staff(`POST ${hooks}`, hooks, {
    url: `https://${MARK}.acme.example/`,
    events: ["*"],
    description: MARK,
    active: false,
  });
  const hooked = `${hooks}/${hook.webhook_endpoint.id}`;
  await staff(`PATCH ${hooks}/{id}`, hooked, {
    description: `${MARK} again`,
    url: `https://${MARK}-2.acme.example/`,
  });
  await staff(`POST ${hooks}/{id}/rotate-secret`, `${hooked}/rotate-secret`);
  await staff(`POST ${hooks}/{id}/test`, `${hooked}/test`);
  await staff(`POST ${hooks}/{id}/replay`, `${hooked}/replay`, { from_event: 1 });
  await staff(`DELETE ${hooks}/{id}`, hooked);
  expect(resend.inbox.length).toBeGreaterThan(0);
}

beforeAll(async () => {
  await everyCall();
  await night();
}, 60_000);

describe("what webhook endpoints get of it", () => {
  /** All that is told, of every event, in its order. */
  async function toldOf(input: object): Promise<{ types: string[]; text: string }> {
    listen();
    const receiver = await newReceiver({ active: false, ...input });
    const path = `/webhook-endpoints/${receiver.id}`;
    await admin(`${path}/replay`, { body: { from_event: 1 } });
    await admin(path, { method: "PATCH", body: { active: true } });
    await fire(DELIVERIES, env);
    expect(await receiver.read()).toMatchObject({ last_event: await lastEvent(), failures: 0 });
    await forgetReceivers();
    return {
      types: receiver.got.map(({ type }) => type),
      text: receiver.got.map(({ body }) => body).join("\n"),
    };
  }

  it("holds nothing personal by default, in no type of event: no value, no reason, no address", async () => {
    const { types, text } = await toldOf({});
    expect(new Set(types).size).toBeGreaterThan(35);
    expect(text.toLowerCase()).not.toContain(MARK);
    for (const personal of [HOME, "@", '"reason"', "Unpaid", "Leaked", "Asked for by letter"])
      expect(text).not.toContain(personal);
  });

  it("holds no key and no secret, whatever it asks for", async () => {
    const { text } = await toldOf({ include_personal: true });
    expect(text).toContain(MARK);
    expect(text).toContain("Asked for by letter");
    expect(text).not.toMatch(/eyJ|whsec_|caio_/);
    expect(text).not.toMatch(/"type":"(?:api_token|person|session)/);
  });
});

describe("the record", () => {
  it("has events of every call that changes something", () => {
    const changing = API.filter(({ method }) => method !== "GET").map(nameOf);
    const left = changing.filter((name) => !made.has(name) && !NOTHING_PERSONAL.has(name));
    // Its receipts are signed files: it takes nothing about a person.
    expect(left).toEqual(["POST /v1/admin/licenses/{id}/offline-deactivations"]);
  });

  it("holds no value of a personal member, in no column", async () => {
    const events = await rows("SELECT * FROM events");
    expect(events.length).toBeGreaterThan(40);
    const told = events.filter((event) => JSON.stringify(event).toLowerCase().includes(MARK));
    expect(told).toEqual([]);
  });

  it("holds no address of a customer's machine", async () => {
    const events = await rows("SELECT * FROM events");
    expect(events.filter((event) => JSON.stringify(event).includes(HOME))).toEqual([]);
    expect(await rows("SELECT DISTINCT actor_type FROM events WHERE ip IS NOT NULL")).toEqual([]);
  });

  it("holds none in its seals", async () => {
    const { body } = await call("/v1/admin/audit-seals", { token: env.ADMIN_TOKEN });
    expect(body.data.length).toBeGreaterThan(0);
    for (const { id } of body.data) {
      const { text } = await call(`/v1/admin/audit-seals/${id}`, { token: env.ADMIN_TOKEN });
      expect(text).not.toContain(MARK);
      expect(text).not.toContain(HOME);
    }
    expect(JSON.stringify(await rows("SELECT * FROM audit_seals, audit_marks"))).not.toContain(MARK);
  });

  it("says which personal members a customer was given, and which were changed", async () => {
    const told = await rows<{ action: string; detail: string }>(
      "SELECT action, detail FROM events WHERE entity_id = 'one' AND action IN ('customer.created', 'customer.changed') ORDER BY id",
    );
    const [created, changed] = told.map(({ detail }) => JSON.parse(detail));
    const personal = ["company", "email", "metadata", "name", "notes", "tags"];
    expect(created.members.toSorted()).toEqual(personal);
    expect(created.after).toMatchObject({ id: "one", version: 1 });
    expect(changed.changes).toEqual(Object.fromEntries(personal.map((name) => [name, {}])));
  });

  it("names the activation where an installation did something", async () => {
    const told = await rows<{ detail: string }>("SELECT detail FROM events WHERE actor_type = 'instance'");
    expect(told.length).toBeGreaterThan(3);
    for (const { detail } of told) expect(JSON.parse(detail).activation_id).toMatch(/^act_/);
  });

  it("says from where staff worked", async () => {
    await call("/v1/admin/customers/two", {
      method: "PATCH",
      body: { name: "Bob" },
      token: env.ADMIN_TOKEN,
      headers: { "CF-Connecting-IP": "198.51.100.9" },
    });
    expect(await rows("SELECT actor_type, ip FROM events WHERE ip IS NOT NULL")).toEqual([
      { actor_type: "staff", ip: "198.51.100.9" },
    ]);
  });
});
