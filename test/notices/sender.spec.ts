// The sender's own faults: nothing fails, all waits, and staff are told. And what the headers say.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import {
  DELIVERIES,
  emptyOutbox,
  FakeResend,
  fire,
  mailing,
  messagesOf,
  NIGHTLY,
  refusal,
} from "../support/mail.ts";
import { Visitor } from "../support/console.ts";
import { admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

let resend: FakeResend;
let start = Date.parse("2110-01-10T09:00:00Z");

beforeEach(async () => {
  start += 365 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
  await rows(
    "UPDATE mail_pace SET fault = NULL, fault_since = NULL, fault_until = NULL, fault_config = NULL",
  );
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const MINUTE = 60_000;
const night = (n: number): number => start + 18 * 60 * MINUTE + n * DAY;

async function fireAt(at: number, bindings = mailing(), cron = NIGHTLY): Promise<void> {
  setTime(at);
  await fire(cron, bindings, at);
}

async function dueLicense(email = `${unique("it")}@acme.example`) {
  const { id } = await newCustomer({ email, name: `Customer ${unique("n")}` });
  const { license, license_key } = await newLicense({ customer_id: id, expires_days: 8 });
  return { license, license_key, email, customer: id };
}

describe("an answer that says that the sender is at fault", () => {
  it.each([
    [401, "missing_api_key"],
    [403, "invalid_api_key"],
    [403, "validation_error"],
    // The address of Resend is wrong: no message is to blame for that either.
    [404, "not_found"],
    [405, "method_not_allowed"],
    [308, "moved"],
    [422, "invalid_from_address"],
  ])("%i %s: nothing fails, and another configuration is tried at once", async (status, name) => {
    const [one, other] = [await dueLicense(), await dueLicense()];
    resend.fault = () => refusal(status, name);
    await fireAt(night(0));
    expect(resend.requests, "one is enough to know").toHaveLength(1);
    for (const { license } of [one, other]) {
      expect(await messagesOf(license.id)).toMatchObject([{ status: "pending", attempts: 0 }]);
    }
    // Within its pause nothing is tried, whatever asks for it.
    await admin(`/licenses/${one.license.id}/send-email`, { body: {}, bindings: mailing() });
    expect(resend.requests).toHaveLength(1);
    resend.fault = () => null;
    await fireAt(night(0) + MINUTE, mailing({ RESEND_API_KEY: "re_mended" }), DELIVERIES);
    for (const { email } of [one, other]) expect(resend.to(email).length).toBeGreaterThan(0);
    expect(resend.to(other.email)).toHaveLength(1);
  });

  it("is tried again by each trigger, for days, and never given up", async () => {
    const { license, email } = await dueLicense();
    resend.fault = () => refusal(403, "validation_error");
    await fireAt(night(0));
    for (let n = 1; n <= 120; n++) await fireAt(night(0) + n * 60 * MINUTE, mailing(), DELIVERIES);
    expect(resend.requests).toHaveLength(121);
    expect(await messagesOf(license.id)).toMatchObject([{ status: "pending" }]);
    resend.fault = () => null;
    await fireAt(night(5) + 10 * MINUTE, mailing(), DELIVERIES);
    expect(resend.to(email)).toMatchObject([{ subject: expect.stringContaining("in 2 days") }]);
  });

  it("is said by the digest and the console, with how many wait, and no more once it is mended", async () => {
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    await dueLicense();
    resend.fault = () => refusal(403, "invalid_api_key");
    await fireAt(night(0), bindings);
    await fireAt(night(1), bindings);
    await fireAt(night(2), bindings);
    resend.fault = () => null;
    await fireAt(night(2) + 10 * MINUTE, bindings, DELIVERIES);
    const texts = resend.to(staff).map(({ text }) => text.replaceAll(/\s+/g, " "));
    expect(texts).toHaveLength(3);
    const first = new Date(night(0)).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
    for (const text of texts.slice(1)) {
      expect(text).toMatch(/refused: invalid_api_key/);
      expect(text).toContain(`since ${first}, 03:00 UTC`);
      expect(text).toMatch(/\d+ messages? waits?/);
    }
    await fireAt(night(3), bindings);
    expect(resend.to(staff).at(-1)!.text).not.toContain("invalid_api_key");
  });
});

describe("what failed", () => {
  it("is in the next digest with its reason, by customer", async () => {
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    await fireAt(night(-1), bindings);
    const { license, email, customer } = await dueLicense();
    resend.fault = ({ emails }) =>
      emails.some(({ to }) => to === email) ? refusal(422, "validation_error") : null;
    await fireAt(night(0), bindings);
    expect(await messagesOf(license.id)).toMatchObject([{ status: "failed" }]);
    resend.inbox.length = 0;
    await fireAt(night(1), bindings);
    const [digest] = resend.to(staff);
    const { name } = (await admin(`/customers/${customer}`)).body;
    for (const said of [name, email, license.id, "validation_error"]) expect(digest!.text).toContain(said);
  });
});

describe("a MAIL_FROM that cannot be used", () => {
  it("is told by the overview, with how many wait only where some do", async () => {
    const visitor = await Visitor.signIn(undefined, mailing({ MAIL_FROM: "nobody" }));
    const none = "No mail goes out: MAIL_FROM cannot be used. It goes on by itself";
    expect((await visitor.get("/admin")).text).toContain(none);
    const { license } = await dueLicense();
    await admin(`/licenses/${license.id}/send-email`, {
      body: {},
      bindings: mailing({ MAIL_FROM: "nobody" }),
    });
    expect((await visitor.get("/admin")).text).toContain(
      "No mail goes out: MAIL_FROM cannot be used. 1 message waits; nothing is lost. It goes on by itself",
    );
  });

  it("holds mail, stops no instance, and is told; then the mail goes from the mended sender", async () => {
    const faulty = mailing({ MAIL_FROM: "nobody" });
    const { license, license_key, email } = await dueLicense();
    expect((await call("/healthz", { bindings: faulty })).status).toBe(200);
    const activated = { body: { license_key, instance_id: "i" }, bindings: faulty };
    expect((await call("/v1/activate", activated)).status).toBe(200);
    const sent = await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: faulty });
    expect(sent).toMatchObject({ status: 200, body: { status: "pending" } });
    await fireAt(start + 20 * MINUTE, faulty, DELIVERIES);
    expect(resend.requests).toEqual([]);
    await fireAt(start + 30 * MINUTE, mailing({ MAIL_FROM: "Licensing, Inc. <a@b.example>" }), DELIVERIES);
    expect(resend.to(email)).toMatchObject([{ from: '"Licensing, Inc." <a@b.example>' }]);
  });
});

it.each([{ RESEND_API_KEY: "re key" }, { RESEND_BASE_URL: "nowhere" }])(
  "a faulty variable holds mail as well, and does not write it off as unsent: %j",
  async (faulty) => {
    const { license, email } = await dueLicense();
    const sent = await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing(faulty) });
    expect(sent).toMatchObject({ status: 200, body: { status: "pending" } });
    await fireAt(start + 20 * MINUTE, mailing(faulty), DELIVERIES);
    expect(resend.requests).toEqual([]);
    await fireAt(start + 30 * MINUTE, mailing(), DELIVERIES);
    expect(resend.to(email)).toHaveLength(1);
  },
);

describe("a MAIL_FROM whose domain Resend does not know", () => {
  const unknown = mailing({ MAIL_FROM: "Licensing <a@unknown.example>" });
  const known = mailing({ MAIL_FROM: "Licensing <a@known.example>" });
  const refuseUnknown = (): void => {
    resend.fault = ({ emails }) =>
      emails.some(({ from }) => from.includes("unknown")) ? refusal(403, "validation_error") : null;
  };

  it("holds mail, and what waited goes out from the sender that is configured then", async () => {
    const { license, email } = await dueLicense();
    const other = await dueLicense();
    refuseUnknown();
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: unknown });
    await fireAt(night(0), unknown);
    expect(resend.inbox).toEqual([]);
    await fireAt(night(0) + 10 * MINUTE, known, DELIVERIES);
    for (const to of [email, other.email])
      expect(new Set(resend.to(to).map(({ from }) => from))).toEqual(
        new Set(["Licensing <a@known.example>"]),
      );
    expect(resend.to(email)).toHaveLength(2);
  });

  it("is kept in a request that may be through: the same bytes, so that nobody gets it twice", async () => {
    const { license, email } = await dueLicense();
    resend.loseAnswer = () => true;
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: unknown });
    resend.loseAnswer = () => false;
    await fireAt(start + 20 * MINUTE, known, DELIVERIES);
    expect(resend.to(email)).toMatchObject([{ from: "Licensing <a@unknown.example>" }]);
    expect(await messagesOf(license.id)).toMatchObject([{ status: "sent" }]);
  });

  it("is replaced in the stored mail, so that a lost answer under the new one does no harm", async () => {
    const { license, email } = await dueLicense();
    refuseUnknown();
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: unknown });
    resend.loseAnswer = () => true;
    await fireAt(start + 20 * MINUTE, known, DELIVERIES);
    resend.loseAnswer = () => false;
    await fireAt(start + 40 * MINUTE, known, DELIVERIES);
    const [, lost, again] = resend.requests;
    expect(again).toEqual(lost);
    expect(resend.to(email)).toMatchObject([{ from: "Licensing <a@known.example>" }]);
    expect(await messagesOf(license.id)).toMatchObject([{ status: "sent" }]);
  });
});

describe("each mail", () => {
  it("says that a machine wrote it, and goes to the ASCII form of an address in another script", async () => {
    const { license } = await dueLicense("it@bücher.example");
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
    const [mail] = resend.inbox;
    expect(mail).toMatchObject({
      to: "it@xn--bcher-kva.example",
      headers: { "Auto-Submitted": "auto-generated" },
    });
    expect(await messagesOf(license.id)).toMatchObject([{ recipient: "it@bücher.example" }]);
  });
});

describe("sending many again", () => {
  async function failedOnes(count: number) {
    const found = [];
    for (let n = 0; n < count; n++) found.push(await dueLicense());
    resend.fault = () => refusal(422, "validation_error");
    await fireAt(night(0));
    resend.fault = () => null;
    return found;
  }
  const retryAll = (body: object, bindings = mailing()) => admin("/messages/retry", { body, bindings });

  it("takes all that failed in a night, each once, and records each", async () => {
    const found = await failedOnes(3);
    const day = new Date(night(0)).toISOString().slice(0, 10);
    setTime(night(0) + 60 * MINUTE);
    const before = (await rows("SELECT 1 FROM events WHERE action = 'message.retried'")).length;
    expect(await retryAll({ status: "failed", since: day, until: day })).toMatchObject({
      status: 200,
      body: { retried: 3, more: false },
    });
    for (const { email } of found) expect(resend.to(email)).toHaveLength(1);
    expect(await retryAll({ status: "failed", since: day, until: day })).toMatchObject({
      body: { retried: 0 },
    });
    expect(await rows("SELECT 1 FROM events WHERE action = 'message.retried'")).toHaveLength(before + 3);
  });

  it("takes by kind and license, and leaves what is not true any more", async () => {
    const [one, renewed, other] = await failedOnes(3);
    await admin(`/licenses/${renewed!.license.id}/renew`, {
      body: { expires_days: 99 },
      bindings: mailing(),
    });
    const of = (license: string, kind = "expiry_warning") =>
      retryAll({ status: "failed", kind, license_id: license });
    expect((await of(one!.license.id, "license_expired")).body.retried).toBe(0);
    expect((await of(renewed!.license.id)).body.retried).toBe(0);
    expect((await of(one!.license.id)).body.retried).toBe(1);
    expect(resend.to(one!.email)).toHaveLength(1);
    expect(resend.to(other!.email)).toEqual([]);
  });

  it("is refused without a status, with a status at which nothing rests, and where nothing can be sent", async () => {
    for (const body of [{}, { status: "pending" }, { status: "sent" }, { status: "failed", all: true }]) {
      expect(await retryAll(body)).toMatchObject({ status: 422 });
    }
    const { RESEND_API_KEY: _none, ...without } = mailing();
    expect(await retryAll({ status: "failed" }, without)).toMatchObject({ status: 409 });
  });
});
