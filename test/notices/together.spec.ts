// One mail to each recipient where staff renew or send several licenses at once.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Context } from "../../src/context.ts";
import { sendLicense } from "../../src/notices/keys/sending.ts";
import { Together } from "../../src/notices/keys/together.ts";
import { DAY, setTime } from "../support/clock.ts";
import { Visitor } from "../support/console.ts";
import { failing } from "../support/faulty.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing } from "../support/mail.ts";
import { asSystem } from "../support/spent.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../support/service.ts";

let resend: FakeResend;
let start = Date.parse("2150-01-10T09:00:00Z");

beforeEach(async () => {
  start += 30 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function customerWith(count: number) {
  const email = `${unique("it")}@together.example`;
  const { id } = await newCustomer({ email });
  const licenses = [];
  for (let n = 0; n < count; n++)
    licenses.push((await newLicense({ customer_id: id, expires_days: 20 })).license.id);
  return { id, email, licenses };
}

const messagesTo = (email: string) =>
  rows<{ id: string; license_id: string; status: string; joined: string | null; next_try_at: number }>(
    "SELECT id, license_id, status, joined, next_try_at FROM messages WHERE recipient = ? ORDER BY id",
    email,
  );

const bulk = (name: string, ids: string[]) =>
  `/admin/licenses/bulk?do=${name}&${ids.map((id) => `id=${id}`).join("&")}`;

describe.each([
  ["renew", "license_renewed"],
  ["send", "license_delivery"],
])("several licenses at once: %s", (name, kind) => {
  it("is one mail to each recipient, with every key, and a message for each license", async () => {
    const [one, other] = [await customerWith(3), await customerWith(1)];
    const second = `${unique("second")}@together.example`;
    await admin(`/customers/${one.id}/contacts`, { body: { email: second, roles: ["license"] } });
    const owner = await Visitor.signIn(undefined, mailing());
    const form = await owner.get(bulk(name, [...one.licenses, ...other.licenses]));
    expect(form.text).toContain("A customer of several gets one mail with all their keys.");
    expect((await owner.submit(form)).text).toContain("4 of 4 licenses done.");
    const [mail, ...more] = resend.to(one.email);
    expect(more).toEqual([]);
    expect(resend.to(second).map(({ attachments }) => attachments!.length)).toEqual([3]);
    expect(mail!.attachments).toHaveLength(3);
    const keys = await Promise.all(
      one.licenses.map(async (id) => (await admin(`/licenses/${id}/key`)).body.license_key),
    );
    expect(mail!.attachments!.map(({ content }) => atob(content)).toSorted()).toEqual(keys.toSorted());
    expect(resend.to(other.email)).toHaveLength(1);
    const told = await messagesTo(one.email);
    expect(told.map(({ license_id }) => license_id).toSorted()).toEqual(one.licenses.toSorted());
    const [carrier, ...others] = new Set(told.map(({ joined }) => joined));
    expect(others).toEqual([]);
    expect(told.map(({ id }) => id)).toContain(carrier);
    expect(told.map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
    for (const id of one.licenses) {
      const { data } = (await admin(`/messages?license_id=${id}`)).body;
      expect(data).toMatchObject([1, 2].map(() => ({ kind, status: "sent", license_id: id })));
      const events = (await admin(`/licenses/${id}/events`)).body.data;
      expect(events.filter(({ action }: { action: string }) => action === "license.mailed")).toHaveLength(2);
    }
    // Later runs send nothing more.
    setTime(start + DAY);
    await fire(DELIVERIES, mailing(), start + DAY);
    expect(resend.to(one.email)).toHaveLength(1);
    expect((await messagesTo(other.email))[0]).toMatchObject({ joined: null, status: "sent" });
  });

  it("goes out mail by mail where the mails could not be joined", async () => {
    const { email, licenses } = await customerWith(2);
    const bindings = { ...mailing(), DB: failing(/joined = mail/).DB };
    const owner = await Visitor.signIn(undefined, bindings);
    const answer = await owner.submit(await owner.get(bulk(name, licenses)));
    expect(answer.status).toBe(503);
    expect(resend.to(email)).toEqual([]);
    // They wait for each other no longer than some minutes.
    await fire(DELIVERIES, mailing(), start);
    expect(resend.to(email)).toEqual([]);
    setTime(start + 10 * 60_000);
    await fire(DELIVERIES, mailing(), start + 10 * 60_000);
    expect(resend.to(email)).toHaveLength(2);
    for (const { attachments } of resend.to(email)) expect(attachments).toHaveLength(1);
  });

  it("fails as one, and each of it can be sent again", async () => {
    const { email, licenses } = await customerWith(2);
    resend.fault = () =>
      Response.json({ statusCode: 422, name: "validation_error", message: "no" }, { status: 422 });
    const owner = await Visitor.signIn(undefined, mailing());
    await owner.submit(await owner.get(bulk(name, licenses)));
    expect((await messagesTo(email)).map(({ status }) => status)).toEqual(["failed", "failed"]);
    resend.fault = () => null;
    const [, second] = await messagesTo(email);
    const again = await owner.fill(`/admin/messages/${second!.id}/retry`);
    expect(again.text).toContain("It is sent again.");
    expect((await messagesTo(email)).every(({ status }) => status === "sent")).toBe(true);
  });
});

describe("several licenses changed at once", () => {
  const change = async (terms: Record<string, string>, ...groups: string[][]) => {
    const owner = await Visitor.signIn(undefined, mailing());
    return owner.submit(await owner.get(bulk("change", groups.flat())), terms);
  };

  it("are one mail to each customer, if it is chosen", async () => {
    const [one, other] = [await customerWith(3), await customerWith(1)];
    await change({ max_instances: "77" }, one.licenses, other.licenses);
    expect(resend.to(one.email)).toEqual([]);
    const done = await change({ max_instances: "78", send_email: "yes" }, one.licenses, other.licenses);
    expect(done.text).toContain("4 of 4 licenses done.");
    const [mail, ...more] = resend.to(one.email);
    expect(more).toEqual([]);
    for (const id of one.licenses) expect(mail!.text).toContain(id);
    expect(mail!.text.match(/77 → 78/g)).toHaveLength(3);
    expect(resend.to(other.email)).toHaveLength(1);
    const told = await messagesTo(one.email);
    expect(told.map(({ license_id }) => license_id).toSorted()).toEqual(one.licenses.toSorted());
    expect(new Set(told.map(({ joined }) => joined)).size).toBe(1);
    expect(told.map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
  });

  it("tell nothing where nothing changes, and refuse a customer without an address alone", async () => {
    const { email, licenses } = await customerWith(2);
    const { license } = await newLicense();
    await change({ max_instances: "5" }, licenses.slice(0, 1));
    const done = await change({ max_instances: "5", send_email: "yes" }, licenses, [license.id]);
    expect(done.text).toContain("2 of 3 licenses done.");
    expect(done.text).toContain("has no e-mail address");
    expect((await messagesTo(email)).map(({ license_id }) => license_id)).toEqual(licenses.slice(1));
    expect((await admin(`/licenses/${license.id}`)).body.max_instances).toBe(license.max_instances);
  });
});

it("writes another mail for another renewal", async () => {
  const { email, licenses } = await customerWith(2);
  const owner = await Visitor.signIn(undefined, mailing());
  await owner.submit(await owner.get(bulk("renew", licenses)));
  await owner.submit(await owner.get(bulk("renew", licenses)));
  expect(resend.to(email)).toHaveLength(2);
  expect(await messagesTo(email)).toHaveLength(4);
});

it("leaves alone what another run has claimed meanwhile", async () => {
  const { email, licenses } = await customerWith(2);
  const together = new Together();
  const context: Context = { ...asSystem(mailing()), actor: { type: "staff", id: "tok_1", role: "owner" } };
  for (const id of licenses) await sendLicense(context, id, {}, together);
  const [claimed, free] = await messagesTo(email);
  await rows("UPDATE messages SET attempts = 1, next_try_at = ? WHERE id = ?", start + DAY, claimed!.id);
  await together.send(context);
  expect(await messagesTo(email)).toMatchObject([
    { id: claimed!.id, joined: null, next_try_at: start + DAY },
    { id: free!.id, joined: null, next_try_at: 0 },
  ]);
});
