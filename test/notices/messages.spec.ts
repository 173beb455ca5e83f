import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, FakeResend, fire, mailing, messagesOf, refusal } from "../support/mail.ts";
import { recorded, scansOf } from "../support/meter.ts";
import {
  admin,
  type Answer,
  call,
  eventsOf,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../support/service.ts";

const EMAIL = "ada@acme.example";

const withMail = async (input: Record<string, unknown> = {}, email: string | null = EMAIL) =>
  newLicense({ customer_id: (await newCustomer({ email })).id, ...input });

describe("what owes a mail", () => {
  it("is issuing a license with send_email", async () => {
    const { license } = await withMail({ send_email: true });
    expect(await messagesOf(license.id)).toMatchObject([
      {
        kind: "license_delivery",
        status: "skipped",
        recipient: EMAIL,
        last_error: "RESEND_API_KEY is not set.",
      },
    ]);
    expect(license).not.toHaveProperty("send_email");
  });

  it("is not issuing one without it", async () => {
    expect(await messagesOf((await withMail()).license.id)).toEqual([]);
    expect(await messagesOf((await withMail({ send_email: false })).license.id)).toEqual([]);
  });

  it("needs an address, or nothing is issued", async () => {
    const { id } = await newCustomer();
    const answer = await admin("/licenses", {
      body: { customer_id: id, license_type: "trial", send_email: true },
    });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "send_email" }] } });
    expect(await rows("SELECT id FROM licenses WHERE customer_id = ?", id)).toEqual([]);
  });

  it("is each send-email, to the customer or to whom it names", async () => {
    const { license } = await withMail();
    const send = (body: object) => admin(`/licenses/${license.id}/send-email`, { body });
    expect((await send({})).body.recipient).toBe(EMAIL);
    expect((await send({ to: "it@acme.example" })).body.recipient).toBe("it@acme.example");
    expect(await send({ to: "nobody" })).toMatchObject({ status: 422 });
    expect(await messagesOf(license.id)).toHaveLength(2);
    expect((await eventsOf(license.id)).map(({ action }) => action)).toEqual([
      "license.issued",
      "license.mailed",
      "license.mailed",
    ]);
  });

  it("send-email refuses a customer without an address, a revoked license and an unknown one", async () => {
    const { license } = await withMail({}, null);
    const send = (id: string) => admin(`/licenses/${id}/send-email`, { body: {} });
    expect(await send(license.id)).toMatchObject({ status: 422, body: { errors: [{ path: "to" }] } });
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "x" } });
    expect(await send(license.id)).toMatchObject({ status: 409, body: { code: "INVALID_TRANSITION" } });
    expect(await send("lic_none")).toMatchObject({ status: 404, body: { code: "LICENSE_NOT_FOUND" } });
  });

  it("is a renewal, where there is an address and nobody is suspended", async () => {
    const { license } = await withMail();
    const renew = (id: string) => admin(`/licenses/${id}/renew`, { body: { expires_days: 30 } });
    await renew(license.id);
    await renew(license.id);
    expect(await messagesOf(license.id)).toMatchObject([
      { kind: "license_renewed" },
      { kind: "license_renewed" },
    ]);
    const { license: silent } = await withMail({}, null);
    expect(await renew(silent.id)).toMatchObject({ status: 200 });
    expect(await messagesOf(silent.id)).toEqual([]);
    const { license: suspended } = await withMail();
    await admin(`/licenses/${suspended.id}/suspend`, { body: { reason: "x" } });
    await renew(suspended.id);
    expect(await messagesOf(suspended.id)).toEqual([]);
  });

  it("is each renewal, also to an end that was told before, and each mailed key is in the record", async () => {
    const { license } = await withMail({ send_email: true, expires_at: "2027-06-01" });
    const renew = () => admin(`/licenses/${license.id}/renew`, { body: { expires_at: "2028-06-01" } });
    await renew();
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: { expires_at: "2027-06-01" } });
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "leaked" } });
    await renew();
    const told = await messagesOf(license.id);
    expect(told.map(({ kind }) => kind)).toEqual(["license_renewed", "license_renewed", "license_delivery"]);
    const mailed = (await eventsOf(license.id)).filter(({ action }) => action === "license.mailed");
    expect(mailed.map(({ detail }) => JSON.parse(detail).message_id)).toEqual(
      told.map(({ id }) => id).toReversed(),
    );
    expect(mailed.map(({ detail }) => JSON.parse(detail).revision)).toEqual([1, 1, 2]);
  });

  it("is owed once by a request that is sent again", async () => {
    const { license } = await withMail();
    const headers = { "Idempotency-Key": unique("key") };
    for (let n = 0; n < 2; n++) await admin(`/licenses/${license.id}/send-email`, { body: {}, headers });
    expect(await messagesOf(license.id)).toHaveLength(1);
  });
});

describe("/v1/admin/messages", () => {
  it("shows the whole mail to those who may see keys, records that, and shows a viewer none", async () => {
    const { license, license_key } = await withMail({ send_email: true });
    const [{ id }] = (await messagesOf(license.id)) as [Answer["body"]];
    const { body } = await admin(`/messages/${id}`);
    expect(body.preview.text).toContain(license_key);
    expect(body.preview.html).toContain("<html");
    expect(body.preview.attachments).toHaveLength(1);
    expect((await eventsOf(license.id)).at(-1)).toMatchObject({ action: "license.key_revealed" });
    const viewer = await newToken({ role: "viewer" });
    const seen = await admin(`/messages/${id}`, { token: viewer.token });
    expect(seen).toMatchObject({ status: 200, body: { id, preview: null } });
    expect(await admin("/messages/msg_none")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
  });

  it("sends nothing by hand where sending is not configured", async () => {
    const { license } = await withMail({ send_email: true });
    const [{ id }] = (await messagesOf(license.id)) as [Answer["body"]];
    const answer = await admin(`/messages/${id}/retry`, { method: "POST" });
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });

  it.each(["reissue", "revoke"])("does not send a key again that is dead by a %s", async (end) => {
    const { license } = await withMail({ send_email: true });
    const [{ id }] = (await messagesOf(license.id)) as [Answer["body"]];
    await admin(`/licenses/${license.id}/${end}`, { body: { reason: "leaked" } });
    const resend = new FakeResend();
    const answer = await admin(`/messages/${id}/retry`, { method: "POST", bindings: mailing() });
    vi.unstubAllGlobals();
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(answer.body.detail).toContain("Send the license anew");
    expect(resend.requests).toEqual([]);
  });

  it("finds by status, kind and license, page by page, each along an index", async () => {
    const { license } = await withMail({ send_email: true });
    for (let n = 0; n < 4; n++) await admin(`/licenses/${license.id}/send-email`, { body: {} });
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await admin(`/messages?license_id=${license.id}&limit=2${cursor}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    expect(seen).toHaveLength(5);
    expect(seen).toEqual(seen.toSorted().toReversed());
    for (const query of [
      "",
      "status=skipped",
      "kind=license_delivery",
      `license_id=${license.id}&status=skipped`,
      "status=sent&kind=license_renewed",
      "recipient=it@acme.example",
      "recipient=it@acme.example&status=skipped",
    ]) {
      const { bindings, cost, statements } = recorded();
      const answer = await admin(`/messages?${query}`, { bindings });
      expect(answer.status).toBe(200);
      expect(await scansOf(statements)).toEqual([]);
      expect(cost.read).toBeLessThanOrEqual(200);
    }
    expect((await admin(`/messages?license_id=${license.id}&status=sent`)).body.data).toEqual([]);
    expect(await admin("/messages?status=lost")).toMatchObject({ status: 422 });
  });

  it("finds what went to an address, whatever its case, and nothing else", async () => {
    const email = `${unique("It")}@acme.example`;
    const { license } = await newLicense({
      customer_id: (await newCustomer({ email })).id,
      send_email: true,
    });
    await admin(`/licenses/${license.id}/send-email`, { body: { to: `x${email}` } });
    const to = async (query: string) =>
      (await admin(`/messages?${query}`)).body.data.map(({ recipient }: Answer["body"]) => recipient);
    expect(await to(`recipient=${email.toUpperCase()}`)).toEqual([email]);
    expect(await to(`recipient=x${email}&license_id=${license.id}`)).toEqual([`x${email}`]);
    expect(await to(`recipient=${email}&kind=license_renewed`)).toEqual([]);
    expect(await to(`recipient=${email.slice(2)}`)).toEqual([]);
  });
});

const SECRET = `whsec_${btoa("0123456789abcdef01234567")}`;

const receipt = (type: string, message: string, changes: Record<string, string> = {}): Promise<Answer> =>
  signed({ type, data: { email_id: "re_1", to: [EMAIL], tags: { message_id: message } } }, changes);

async function signed(
  event: object,
  changes: Record<string, string> = {},
  bindings: Env = { ...env, RESEND_WEBHOOK_SECRET: SECRET },
): Promise<Answer> {
  const payload = JSON.stringify({ created_at: new Date(Date.now()).toISOString(), ...event });
  const id = "evt_1";
  const timestamp = changes["timestamp"] ?? String(Math.floor(Date.now() / 1000));
  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.from(atob(SECRET.slice(6)), (char) => char.charCodeAt(0)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const mac = await crypto.subtle.sign(
    "HMAC",
    key,
    new TextEncoder().encode(`${id}.${timestamp}.${payload}`),
  );
  const signature = `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
  return call("/webhooks/resend", {
    raw: changes["payload"] ?? payload,
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "svix-id": id,
      "svix-timestamp": timestamp,
      "svix-signature": changes["signature"] ?? signature,
    },
    bindings,
  });
}

async function sentMessage(): Promise<{ id: string; customer: string; license: string }> {
  const { license } = await withMail({ send_email: true });
  const [{ id }] = (await messagesOf(license.id)) as [Answer["body"]];
  await rows("UPDATE messages SET status = 'sent', provider_id = 're_1' WHERE id = ?", id);
  return { id, customer: license.customer_id, license: license.id };
}

/** The id of one more mail that the customer was sent. */
async function anotherOf(customer_id: string): Promise<string> {
  const { license } = await newLicense({ customer_id, send_email: true });
  const [{ id }] = (await messagesOf(license.id)) as [Answer["body"]];
  await rows("UPDATE messages SET status = 'sent', provider_id = 're_1' WHERE id = ?", id);
  return id;
}

const statusOf = async (id: string): Promise<string> => (await admin(`/messages/${id}`)).body.status;

describe("receipts of Resend", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("say that a mail was delivered, and later that it bounced after all; twice is as once", async () => {
    const { id, customer } = await sentMessage();
    expect((await receipt("email.delivered", id)).status).toBe(204);
    expect(await statusOf(id)).toBe("delivered");
    for (let n = 0; n < 3; n++) await receipt("email.bounced", id);
    // A late one does not bring it back.
    await receipt("email.delivered", id);
    expect(await statusOf(id)).toBe("bounced");
    expect((await admin(`/customers/${customer}`)).body.email_status).toBe("bounced");
    expect((await eventsOf(customer)).map(({ action }) => action)).toEqual([
      "customer.created",
      "customer.email_bounced",
    ]);
    const changed = await admin(`/customers/${customer}`, {
      method: "PATCH",
      body: { email: "new@acme.example" },
    });
    expect(changed.body.email_status).toBeNull();
    await receipt("email.bounced", id);
    expect((await admin(`/customers/${customer}`)).body.email_status).toBeNull();
  });

  it("that come late say nothing of an attempt made by hand since", async () => {
    const { id } = await sentMessage();
    await receipt("email.bounced", id);
    await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
    const resend = new FakeResend();
    resend.fault = () => refusal(503, "application_error");
    const bindings = mailing();
    await admin(`/messages/${id}/retry`, { method: "POST", bindings });
    // Resend takes nothing right now: whatever bounced was what went out before.
    await receipt("email.bounced", id);
    expect(await statusOf(id)).toBe("pending");
    resend.fault = () => null;
    setTime(Date.now() + 3_600_000);
    await fire(DELIVERIES, bindings);
    expect(resend.inbox).toHaveLength(1);
    await receipt("email.bounced", id);
    expect(await statusOf(id)).toBe("sent");
  });

  it("say that the recipient does not want it", async () => {
    const { id, customer } = await sentMessage();
    await receipt("email.delivered", id);
    await receipt("email.complained", id);
    expect((await admin(`/messages/${id}`)).body).toMatchObject({
      status: "delivered",
      last_error: "The recipient marked it as spam.",
    });
    expect((await admin(`/customers/${customer}`)).body.email_status).toBe("complained");
  });

  it("never take back a complaint: a bounce of another mail, or a later one, does not open the address", async () => {
    const { id, customer } = await sentMessage();
    const other = await anotherOf(customer);
    const told = async () => (await admin(`/customers/${customer}`)).body.email_status;
    await receipt("email.complained", id);
    const { version } = (await admin(`/customers/${customer}`)).body;
    for (const mail of [other, id]) await receipt("email.bounced", mail);
    expect(await told()).toBe("complained");
    expect((await admin(`/customers/${customer}`)).body.version).toBe(version);
    expect((await eventsOf(customer)).map(({ action }) => action)).toEqual([
      "customer.created",
      "customer.email_complained",
    ]);
  });

  it("tell of a complaint also where a mail bounced before", async () => {
    const { id, customer } = await sentMessage();
    await receipt("email.bounced", id);
    await receipt("email.complained", await anotherOf(customer));
    expect((await admin(`/customers/${customer}`)).body.email_status).toBe("complained");
  });

  it("that come again say nothing of an address that works since", async () => {
    const { id, customer } = await sentMessage();
    await receipt("email.bounced", id);
    for (const email of ["new@acme.example", EMAIL])
      await admin(`/customers/${customer}`, { method: "PATCH", body: { email } });
    await receipt("email.bounced", id);
    expect((await admin(`/customers/${customer}`)).body.email_status).toBeNull();
  });

  it("name the mail by Resend's id where they have no tag of ours, found along an index", async () => {
    const { id, customer } = await sentMessage();
    const providerId = unique("re");
    await rows("UPDATE messages SET provider_id = ? WHERE id = ?", providerId, id);
    await signed({ type: "email.delivered", data: { email_id: unique("re") } });
    expect(await statusOf(id)).toBe("sent");
    const { bindings, statements } = recorded();
    const bounce = { type: "email.bounced", data: { email_id: providerId, tags: { other: "x" } } };
    await signed(bounce, {}, { ...bindings, RESEND_WEBHOOK_SECRET: SECRET });
    expect(await statusOf(id)).toBe("bounced");
    expect((await admin(`/customers/${customer}`)).body.email_status).toBe("bounced");
    expect(await scansOf(statements)).toEqual([]);
  });

  const report = (type: string, message: string, data: object): Promise<Answer> =>
    signed({ type, data: { email_id: "re_1", tags: { message_id: message }, ...data } });

  it.each([
    [
      "email.bounced",
      { bounce: { type: "Permanent", subType: "General", message: "No such user" } },
      { status: "bounced", reason: "No such user", bounce_type: "Permanent" },
      "bounced",
    ],
    [
      "email.bounced",
      { bounce: { type: "Transient", subType: "MailboxFull", message: "The mailbox is full" } },
      { status: "bounced", reason: "The mailbox is full", bounce_type: "Transient" },
      null,
    ],
    [
      "email.bounced",
      { bounce: { type: "Undetermined", subType: "Undetermined" } },
      { status: "bounced", reason: "Undetermined", bounce_type: "Undetermined" },
      "bounced",
    ],
    [
      "email.suppressed",
      { suppressed: { type: "OnAccountSuppressionList", message: "On the suppression list" } },
      { status: "failed", reason: "On the suppression list", bounce_type: null },
      "bounced",
    ],
    [
      "email.failed",
      { failed: { reason: "reached_daily_quota" } },
      { status: "failed", reason: "reached_daily_quota", bounce_type: null },
      null,
    ],
    ["email.failed", {}, { status: "failed", reason: "failed" }, null],
    // What Resend may send one day: only what cannot be read is left out.
    ["email.failed", { failed: null }, { status: "failed", reason: "failed" }, null],
    [
      "email.bounced",
      { bounce: { type: 5, message: "No such user" } },
      { status: "bounced", reason: "No such user", bounce_type: null },
      "bounced",
    ],
  ])(
    "%s of %j: the message says why, and the address is flagged only where it is to blame",
    async (type, data, shown, flagged) => {
      const { id, customer } = await sentMessage();
      expect((await report(type, id, data)).status).toBe(204);
      const { body } = await admin(`/messages/${id}`);
      expect(body).toMatchObject(shown);
      expect(body.last_error).toContain(shown.reason === "failed" ? "could not send" : shown.reason);
      expect((await admin(`/customers/${customer}`)).body.email_status).toBe(flagged);
      const [contact] = (await admin(`/customers/${customer}/contacts`)).body.data;
      expect(contact.email_status).toBe(flagged);
    },
  );

  it.each(["email.suppressed", "email.failed"])("%s of a mail that arrived says nothing", async (type) => {
    const { id, customer } = await sentMessage();
    await report("email.delivered", id, {});
    expect((await report(type, id, {})).status).toBe(204);
    expect(await statusOf(id)).toBe("delivered");
    expect((await admin(`/customers/${customer}`)).body.email_status).toBeNull();
  });

  it("are about all notices that the mail told, and record the address once", async () => {
    const { id, customer } = await sentMessage();
    const follower = await anotherOf(customer);
    const apart = await anotherOf(customer);
    await rows("UPDATE messages SET joined = ? WHERE id IN (?, ?)", id, id, follower);
    const shown = { status: "bounced", reason: "No such user", bounce_type: "Permanent" };
    const bounce = { type: "Permanent", message: "No such user" };
    expect((await report("email.bounced", id, { bounce })).status).toBe(204);
    for (const told of [id, follower]) {
      expect((await admin(`/messages/${told}`)).body).toMatchObject(shown);
    }
    expect(await statusOf(apart)).toBe("sent");
    const flagged = (await eventsOf(customer)).filter(({ action }) => action === "customer.email_bounced");
    expect(flagged).toHaveLength(1);
  });

  it("flag the contact that the mail went to, and not the customer's own address", async () => {
    const { id: customer } = await newCustomer({ email: EMAIL });
    const email = `${unique("billing")}@acme.example`;
    const { body: contact } = await admin(`/customers/${customer}/contacts`, { body: { email } });
    const { license } = await newLicense({ customer_id: customer, send_email: true });
    const message = (await messagesOf(license.id)).find(({ recipient }) => recipient === email)!;
    await rows("UPDATE messages SET status = 'sent', provider_id = 're_1' WHERE id = ?", message.id);
    for (let n = 0; n < 2; n++) await report("email.bounced", message.id, {});
    expect((await admin(`/customers/${customer}`)).body.email_status).toBeNull();
    const path = `/customers/${customer}/contacts/${contact.id}`;
    expect((await admin(path)).body.email_status).toBe("bounced");
    const told = (await eventsOf(customer)).filter(({ action }) => action === "contact.email_bounced");
    expect(told.map(({ detail }) => JSON.parse(detail))).toEqual([
      { message_id: message.id, contact_id: contact.id },
    ]);
    const moved = await admin(path, { method: "PATCH", body: { email: `${unique("b")}@acme.example` } });
    expect(moved.body.email_status).toBeNull();
  });

  it("say what is wrong with a signature, and ask for no API token", async () => {
    const { id } = await sentMessage();
    const refused = await receipt("email.bounced", id, { signature: "v1,AAAA" });
    expect(refused).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(refused.body.remedy).toContain("signing secret");
    expect(refused.body.remedy).not.toMatch(/Bearer/);
    expect(refused.headers.get("WWW-Authenticate")).toBeNull();
  });

  it("may be about mail of somebody else, or of no interest", async () => {
    const { id } = await sentMessage();
    expect((await receipt("email.delivered", "msg_none")).status).toBe(204);
    expect((await receipt("email.opened", id)).status).toBe(204);
    expect(await statusOf(id)).toBe("sent");
  });

  it.each([
    ["another signature", { signature: "v1,AAAA" }],
    ["none", { signature: "" }],
    ["another body", { payload: "{}" }],
    ["an old timestamp", { timestamp: "1700000000" }],
  ])("are refused with %s", async (_, changes) => {
    const { id } = await sentMessage();
    expect(await receipt("email.bounced", id, changes)).toMatchObject({ status: 401 });
    expect(await statusOf(id)).toBe("sent");
  });

  it("are not taken without a secret", async () => {
    const answer = await call("/webhooks/resend", { method: "POST", raw: "{}" });
    expect(answer).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
  });
});
