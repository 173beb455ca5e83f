// Mail that did not arrive because the address was wrong.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { Visitor } from "../support/console.ts";
import { emptyOutbox, FakeResend, fire, mailing, NIGHTLY } from "../support/mail.ts";
import { admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";
import { env } from "../support/env.ts";

let resend: FakeResend;
let start = Date.parse("2160-01-10T09:00:00Z");

beforeEach(async () => {
  start += 365 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const address = (word: string) => `${unique(word)}@replaced.example`.toLowerCase();

const replace = (id: string) =>
  call(`/v1/admin/messages/${id}/replace`, { method: "POST", token: env.ADMIN_TOKEN, bindings: mailing() });

const bounce = async (licenseId: string) =>
  (
    await rows<{ id: string; recipient: string }>(
      "UPDATE messages SET status = 'bounced', bounce_type = 'Permanent' WHERE license_id = ? RETURNING id, recipient",
      licenseId,
    )
  ).map(({ id }) => id);

/** A license whose key was mailed to a wrong address. */
async function mailed() {
  const wrong = address("wrong");
  const { id } = await newCustomer({ email: wrong });
  const { license, license_key } = await newLicense({ customer_id: id, send_email: true, expires_days: 8 });
  const [message] = await bounce(license.id);
  return { wrong, customer: id, license, license_key, message: message! };
}

const correct = (customer: string, email: string) =>
  admin(`/customers/${customer}`, { method: "PATCH", body: { email } });

describe("a key that bounced", () => {
  it("goes to the corrected address once, and the old message is superseded", async () => {
    const { customer, license, license_key, message } = await mailed();
    const right = address("right");
    const asksForAttention = async () =>
      (await admin("/attention")).body.data.some(
        (trouble: { kind: string; license_id: string }) =>
          trouble.kind === "undelivered" && trouble.license_id === license.id,
      );
    expect(await asksForAttention()).toBe(true);
    const early = await replace(message);
    expect(early).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(early.body.detail).toContain("still an address of the customer");
    await correct(customer, right);
    const answer = await replace(message);
    expect(answer).toMatchObject({
      status: 200,
      body: { kind: "license_delivery", recipient: right, license_id: license.id, status: "pending" },
    });
    const [mail, ...more] = resend.to(right);
    expect(more).toEqual([]);
    expect(atob(mail!.attachments![0]!.content)).toBe(license_key);
    expect((await admin(`/messages/${message}`)).body).toMatchObject({
      status: "bounced",
      reason: "superseded",
    });
    expect(await asksForAttention()).toBe(false);
    const again = await replace(message);
    expect(again).toMatchObject({ status: 409 });
    expect(again.body.detail).toContain("replaced");
    expect(
      (
        await call(`/v1/admin/messages/${message}/retry`, {
          method: "POST",
          token: env.ADMIN_TOKEN,
          bindings: mailing(),
        })
      ).status,
    ).toBe(409);
    expect(resend.to(right)).toHaveLength(1);
    const events = (await admin(`/events?entity=${message}`)).body.data;
    expect(events[0]).toMatchObject({ action: "message.replaced", detail: { message_id: answer.body.id } });
    expect((await admin(`/licenses/${license.id}/events`)).body.data).toContainEqual(
      expect.objectContaining({
        action: "license.mailed",
        detail: { message_id: answer.body.id, revision: 1 },
      }),
    );
  });

  it("does not go to who got it already, nor anywhere while there is no other address", async () => {
    const [wrong, fine] = [address("wrong"), address("fine")];
    const { id } = await newCustomer({ email: wrong });
    await admin(`/customers/${id}/contacts`, {
      body: { email: fine, roles: ["license", "billing", "technical"] },
    });
    const { license } = await newLicense({ customer_id: id, send_email: true });
    const messages = await rows<{ id: string; recipient: string }>(
      "SELECT id, recipient FROM messages WHERE license_id = ?",
      license.id,
    );
    expect(messages).toHaveLength(2);
    await bounce(license.id);
    await rows("UPDATE messages SET status = 'delivered', bounce_type = NULL WHERE recipient = ?", fine);
    await correct(id, null as unknown as string);
    const lost = messages.find(({ recipient }) => recipient === wrong)!.id;
    const none = await replace(lost);
    expect(none).toMatchObject({ status: 409 });
    expect(none.body.detail).toContain("no other address");
    const right = address("right");
    await correct(id, right);
    expect((await replace(lost)).body.recipient).toBe(right);
    expect([resend.to(right).length, resend.to(fine).length]).toEqual([1, 0]);
  });

  it("is not sent for another customer, for a revoked license, or if it arrived", async () => {
    const moved = await mailed();
    await correct(moved.customer, address("right"));
    await admin(`/licenses/${moved.license.id}/transfer`, {
      body: { customer_id: (await newCustomer()).id, reason: "Sold." },
    });
    expect((await replace(moved.message)).body.detail).toContain("another customer");
    const revoked = await mailed();
    await correct(revoked.customer, address("right"));
    await admin(`/licenses/${revoked.license.id}/revoke`, { body: { reason: "x" } });
    expect((await replace(revoked.message)).body.detail).toContain("revoked");
    const arrived = await mailed();
    await correct(arrived.customer, address("right"));
    await rows("UPDATE messages SET status = 'delivered' WHERE id = ?", arrived.message);
    expect((await replace(arrived.message)).body.detail).toContain("this one is delivered");
    expect((await replace("msg_00000000000000000000000000")).status).toBe(404);
    expect(resend.inbox).toEqual([]);
  });
});

describe("a notice that bounced", () => {
  it("goes out in the words of the day, is not written again by the night, and takes those of its mail along", async () => {
    const [wrong, right] = [address("wrong"), address("right")];
    const { id } = await newCustomer({ email: wrong });
    const both = [];
    for (let n = 0; n < 2; n++)
      both.push((await newLicense({ customer_id: id, expires_days: 8 })).license.id);
    const night = start + 18 * 3_600_000;
    setTime(night);
    await fire(NIGHTLY, mailing(), night);
    expect(resend.to(wrong)).toHaveLength(1);
    const lost = [...(await bounce(both[0])), ...(await bounce(both[1]))];
    await correct(id, right);
    setTime(night + 3_600_000);
    const answer = await replace(lost[1]!);
    expect(answer).toMatchObject({ status: 200, body: { kind: "expiry_warning", recipient: right } });
    const [{ dedupe_key }] = (await rows<{ dedupe_key: string }>(
      "SELECT dedupe_key FROM messages WHERE id = ?",
      answer.body.id,
    )) as [{ dedupe_key: string }];
    expect(dedupe_key).toMatch(new RegExp(`^notice:${both[1]}:\\d+:\\d+:${right}$`));
    const [mail, ...more] = resend.to(right);
    expect(more).toEqual([]);
    for (const license of both) expect(mail!.text).toContain(license);
    for (const message of lost)
      expect((await admin(`/messages/${message}`)).body).toMatchObject({
        status: "bounced",
        reason: "superseded",
      });
    setTime(night + DAY);
    await fire(NIGHTLY, mailing(), night + DAY);
    expect(resend.to(right)).toHaveLength(1);
  });

  it("is not sent once the license goes on longer", async () => {
    const wrong = address("wrong");
    const { id } = await newCustomer({ email: wrong });
    const { license } = await newLicense({ customer_id: id, expires_days: 8 });
    const night = start + 18 * 3_600_000;
    setTime(night);
    await fire(NIGHTLY, mailing(), night);
    const [lost] = await bounce(license.id);
    await correct(id, address("right"));
    await admin(`/licenses/${license.id}/renew`, { body: { expires_in: "P1Y" } });
    const answer = await replace(lost!);
    expect(answer.status).toBe(409);
    expect(answer.body.detail).toContain("not true any more");
  });
});

it("a note of changed terms goes to the corrected address with the same words", async () => {
  const [wrong, right] = [address("wrong"), address("right")];
  const { id } = await newCustomer({ email: wrong });
  const { license } = await newLicense({ customer_id: id, max_instances: 2 });
  await call(`/v1/admin/licenses/${license.id}`, {
    method: "PATCH",
    body: { max_instances: 77, send_email: true },
    token: env.ADMIN_TOKEN,
    bindings: mailing(),
  });
  const before = resend.to(wrong)[0]!;
  const [lost] = await bounce(license.id);
  await correct(id, right);
  expect((await replace(lost!)).status).toBe(200);
  expect(resend.to(right)).toMatchObject([{ subject: before.subject, text: before.text }]);
});

describe("in the console", () => {
  it("the address is corrected and the mail sent in one form", async () => {
    const { wrong, customer, message } = await mailed();
    const right = address("right");
    const visitor = await Visitor.signIn(undefined, mailing());
    const page = await visitor.get(`/admin/messages/${message}`);
    expect(page.text).toContain("Correct and send");
    const empty = await visitor.fill(`/admin/messages/${message}/replace`, { email: "nobody" });
    expect(empty.status).toBe(422);
    const unchanged = await visitor.fill(`/admin/messages/${message}/replace`, { email: wrong });
    expect(unchanged.text).toContain("still an address of the customer");
    const sent = await visitor.fill(`/admin/messages/${message}/replace`, { email: right });
    expect(sent.text).toContain("It is on its way.");
    expect(sent.text).toContain(right);
    expect((await admin(`/customers/${customer}`)).body.email).toBe(right);
    expect(resend.to(right)).toHaveLength(1);
    const old = await visitor.get(`/admin/messages/${message}`);
    expect(old.text).toContain("it is superseded");
    expect(old.text).not.toContain("Send again");
  });

  it("says where it can go, and what the night will do, once the address was corrected", async () => {
    const { wrong, customer, message } = await mailed();
    const right = address("right");
    await correct(customer, right);
    const visitor = await Visitor.signIn(undefined, mailing());
    const page = await visitor.get(`/admin/messages/${message}`);
    expect(page.text).toContain(
      `${wrong} is no address of the customer any more. It can go to ${right} now.`,
    );
    expect(page.text).toContain(`Send to ${right}`);
    expect(page.text).not.toContain("Send again");
    await rows("UPDATE messages SET kind = 'expiry_warning' WHERE id = ?", message);
    expect((await visitor.get(`/admin/messages/${message}`)).text).toContain(
      "the coming night sends it there",
    );
    const viewer = await (await Visitor.signInAs("viewer")).get(`/admin/messages/${message}`);
    expect(viewer.text).not.toContain("Send to");
  });
});
