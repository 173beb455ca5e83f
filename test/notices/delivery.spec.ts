import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, FakeResend, fire, mailing, messagesOf, refusal, emptyOutbox } from "../support/mail.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const NOW = Date.parse("2026-09-01T08:00:00Z");
const MINUTE = 60_000;

let resend: FakeResend;

beforeEach(async () => {
  resend = new FakeResend();
  // What other tests owe is not to be sent here.
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const address = (): string => `${unique("it")}@acme.example`;

/** Owes expiry warnings to so many customers, by the night, and sends none of them. */
async function owed(count: number): Promise<string[]> {
  const recipients: string[] = [];
  for (let n = 0; n < count; n++) {
    const email = address();
    const { id } = await newCustomer({ email });
    const expires_at = new Date(Date.now() + 7.5 * DAY).toISOString();
    await newLicense({ customer_id: id, expires_at, license_type: "standard" });
    recipients.push(email);
  }
  const down: Env = mailing();
  resend.fault = () => refusal(429, "rate_limit_exceeded");
  await fire("0 3 * * *", down, Date.now());
  await rows(
    "UPDATE messages SET status = 'skipped' WHERE status = 'pending' AND recipient NOT IN (SELECT value FROM json_each(?))",
    JSON.stringify(recipients),
  );
  await rows("UPDATE messages SET attempts = 0, next_try_at = 0, batch_id = NULL WHERE status = 'pending'");
  resend.fault = () => null;
  resend.requests.length = 0;
  return recipients;
}

const statuses = async (recipients: string[]): Promise<string[]> =>
  (
    await rows<{ status: string }>(
      "SELECT DISTINCT status FROM messages WHERE recipient IN (SELECT value FROM json_each(?)) ORDER BY 1",
      JSON.stringify(recipients),
    )
  ).map(({ status }) => status);

const expectOnce = (recipients: string[]): void => {
  for (const recipient of recipients) expect(resend.to(recipient), recipient).toHaveLength(1);
};

describe("delivery", () => {
  it("sends a mail right after the answer, with the key as an attachment, under its own request", async () => {
    const email = address();
    const { id } = await newCustomer({ email });
    const issued = await newLicense({ customer_id: id });
    const answer = await admin(`/licenses/${issued.license.id}/send-email`, {
      body: {},
      bindings: mailing(),
    });
    expect(answer).toMatchObject({ status: 200, body: { status: "pending", recipient: email } });
    expect(resend.requests).toMatchObject([{ path: "/emails" }]);
    const [mail] = resend.to(email);
    expect(atob(mail!.attachments![0]!.content)).toBe(issued.license_key);
    const [message] = await messagesOf(issued.license.id);
    expect(message).toMatchObject({ status: "sent", attempts: 1, next_try_at: null, last_error: null });
    expect(message.provider_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("sends many in one request, and each once by two runs at the same time", async () => {
    setTime(NOW);
    const recipients = await owed(5);
    await Promise.all([fire(DELIVERIES, mailing()), fire(DELIVERIES, mailing())]);
    expect(resend.requests).toMatchObject([{ path: "/emails/batch" }]);
    expectOnce(recipients);
    expect(await statuses(recipients)).toEqual(["sent"]);
  });

  it.each([
    ["a 500", true, () => refusal(500, "application_error")],
    ["a 429", false, () => refusal(429, "rate_limit_exceeded", { "Retry-After": "30" })],
    ["a concurrent request", true, () => refusal(409, "concurrent_idempotent_requests")],
    [
      "a lost connection",
      true,
      () => {
        throw new TypeError("Network connection lost.");
      },
    ],
  ])("comes back after %s with the same bytes under the same key", async (_, mayBeThrough, fault) => {
    setTime(NOW);
    const recipients = await owed(3);
    resend.fault = fault;
    await fire(DELIVERIES, mailing());
    expect(resend.requests).toHaveLength(1);
    expect(await statuses(recipients)).toEqual(["pending"]);
    resend.fault = () => null;
    await fire(DELIVERIES, mailing());
    expect(resend.requests, "not before its time").toHaveLength(1);
    setTime(NOW + 10 * MINUTE);
    // Another sender by now: what may be through goes out as it was.
    await fire(DELIVERIES, mailing({ MAIL_FROM: mayBeThrough ? "other@acme.example" : env.MAIL_FROM }));
    const [first, second] = resend.requests;
    expect(second).toEqual(first);
    expectOnce(recipients);
    expect(await statuses(recipients)).toEqual(["sent"]);
  });

  it("sends nothing twice where the answer to what was accepted is lost", async () => {
    setTime(NOW);
    const recipients = await owed(3);
    resend.loseAnswer = () => resend.requests.length === 1;
    await fire(DELIVERIES, mailing());
    setTime(NOW + 10 * MINUTE);
    await fire(DELIVERIES, mailing());
    expect(resend.requests).toHaveLength(2);
    expectOnce(recipients);
    expect(await statuses(recipients)).toEqual(["sent"]);
  });

  it("keeps a Retry-After for all that is due", async () => {
    setTime(NOW);
    await owed(1);
    resend.fault = () => refusal(429, "rate_limit_exceeded", { "Retry-After": "600" });
    await fire(DELIVERIES, mailing());
    const { license } = await newLicense({ customer_id: (await newCustomer({ email: address() })).id });
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
    setTime(NOW + 9 * MINUTE);
    await fire(DELIVERIES, mailing());
    expect(resend.requests).toHaveLength(1);
    resend.fault = () => null;
    setTime(NOW + 11 * MINUTE);
    await fire(DELIVERIES, mailing());
    expect(await messagesOf(license.id)).toMatchObject([{ status: "sent" }]);
  });

  it("sends by a trigger for a later time what is due by then, and keeps pauses and pace apart", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    resend.fault = () => refusal(503, "unavailable");
    await fire(DELIVERIES, mailing());
    const later = NOW + 10 * MINUTE;
    await fire(DELIVERIES, mailing(), later);
    expect(resend.requests).toHaveLength(2);
    resend.fault = () => null;
    await fire(DELIVERIES, mailing(), later);
    expect(resend.requests, "not before its time, which counts from the trigger's").toHaveLength(2);
    await fire(DELIVERIES, mailing(), later + 10 * MINUTE);
    expectOnce(recipients);
    expect(await statuses(recipients)).toEqual(["sent"]);
    const { license } = await newLicense({ customer_id: (await newCustomer({ email: address() })).id });
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
    expect(await messagesOf(license.id), "the present is not held up").toMatchObject([{ status: "sent" }]);
  });

  it.each([
    ["another request under the same key", 409, "invalid_idempotent_request"],
    ["a 409 that nobody knows", 409, "conflict"],
  ])(
    "takes %s as final: nothing of the request goes out again, apart or together",
    async (_, status, name) => {
      setTime(NOW);
      const recipients = await owed(3);
      resend.fault = () => refusal(status, name);
      await fire(DELIVERIES, mailing());
      expect(resend.requests).toMatchObject([{ path: "/emails/batch" }]);
      expect(await statuses(recipients)).toEqual(["failed"]);
      resend.fault = () => null;
      for (const hours of [1, 12, 48]) {
        setTime(NOW + hours * 60 * MINUTE);
        await fire(DELIVERIES, mailing());
      }
      expect(resend.requests).toHaveLength(1);
      expect(resend.inbox).toEqual([]);
      const [{ last_error }] = (await rows(
        "SELECT last_error FROM messages WHERE recipient = ?",
        recipients[0],
      )) as [{ last_error: string }];
      expect(last_error).toBe(`${status}: refused: ${name}`);
    },
  );

  it("sends nothing a second time where Resend says that it has the key with another body", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    resend.loseAnswer = () => true;
    await fire(DELIVERIES, mailing());
    resend.loseAnswer = () => false;
    resend.fault = () => refusal(409, "invalid_idempotent_request");
    for (const minutes of [10, 60, 600]) {
      setTime(NOW + minutes * MINUTE);
      await fire(DELIVERIES, mailing());
      resend.fault = () => null;
    }
    expect(resend.requests).toHaveLength(2);
    expectOnce(recipients);
    expect(await statuses(recipients)).toEqual(["failed"]);
  });

  it("sends the others apart where one mail cannot be read, unless all may be through already", async () => {
    for (const lost of [false, true]) {
      setTime(NOW);
      const recipients = await owed(3);
      resend.loseAnswer = () => lost;
      if (lost) await fire(DELIVERIES, mailing());
      resend.loseAnswer = () => false;
      await rows(
        "UPDATE messages SET content = (SELECT content FROM messages WHERE recipient = ?) WHERE recipient = ?",
        recipients[1],
        recipients[0],
      );
      for (const minutes of [10, 60, 600]) {
        setTime(NOW + minutes * MINUTE);
        await fire(DELIVERIES, mailing());
      }
      const [unread, ...others] = recipients.map((recipient) => resend.to(recipient).length);
      expect([lost, unread, ...others]).toEqual([lost, lost ? 1 : 0, 1, 1]);
      expect(await statuses(recipients)).toEqual(lost ? ["failed"] : ["failed", "sent"]);
      await emptyOutbox();
    }
  });

  it.each([400, 422])(
    "sends apart what a %i refused together, each under a key of its own",
    async (status) => {
      setTime(NOW);
      const [bad, ...good] = await owed(3);
      resend.fault = ({ emails }) =>
        emails.some(({ to }) => to === bad) ? refusal(status, "validation_error") : null;
      await fire(DELIVERIES, mailing());
      expect(resend.requests.map(({ path }) => path)).toEqual(["/emails/batch", ...Array(3).fill("/emails")]);
      expect(new Set(resend.requests.map(({ key }) => key)).size).toBe(4);
      expectOnce(good);
      expect([await statuses(good), await statuses([bad!])]).toEqual([["sent"], ["failed"]]);
    },
  );

  it("gives a request up that is not answered for 30 seconds, and takes it as lost", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const asked: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      asked.push(ms);
      return timeout(ms / 1_000);
    });
    const never = new Promise<Response>(() => {});
    resend.fault = () => (resend.requests.length === 1 ? never : null);
    await fire(DELIVERIES, mailing());
    expect(asked).toEqual([30_000]);
    expect(await statuses(recipients)).toEqual(["pending"]);
    setTime(NOW + 10 * MINUTE);
    await fire(DELIVERIES, mailing());
    const [first, second] = resend.requests;
    expect(second).toEqual(first);
    expectOnce(recipients);
  });

  it("gives up after a bounded number of tries, and sends by hand what failed", async () => {
    setTime(NOW);
    const recipients = await owed(1);
    resend.fault = () => refusal(429, "rate_limit_exceeded");
    for (let n = 0; n < 60; n++) {
      setTime(NOW + n * 180 * MINUTE);
      await fire(DELIVERIES, mailing());
    }
    expect(resend.requests).toHaveLength(48);
    expect(await statuses(recipients)).toEqual(["failed"]);
    const [message] = await rows<{ id: string }>(
      "SELECT id FROM messages WHERE recipient = ?",
      recipients[0],
    );
    resend.fault = () => null;
    const retried = await admin(`/messages/${message!.id}/retry`, { method: "POST", bindings: mailing() });
    expect(retried).toMatchObject({
      status: 200,
      body: { status: "pending", attempts: 0, last_error: null },
    });
    expectOnce(recipients);
    const again = await admin(`/messages/${message!.id}/retry`, { method: "POST", bindings: mailing() });
    expect(again).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });

  it("takes no mail by hand out of a request that goes out again", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    const [bounced, other] = recipients as [string, string];
    resend.loseAnswer = () => true;
    await fire(DELIVERIES, mailing());
    await rows("UPDATE messages SET status = 'bounced' WHERE recipient = ?", bounced);
    const [message] = await rows<{ id: string }>("SELECT id FROM messages WHERE recipient = ?", bounced);
    const retry = () => admin(`/messages/${message!.id}/retry`, { method: "POST", bindings: mailing() });
    const refused = await retry();
    expect(refused).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(refused.body.detail).toContain("not known yet");
    resend.loseAnswer = () => false;
    setTime(NOW + 5 * MINUTE);
    await fire(DELIVERIES, mailing());
    expect(await statuses([other])).toEqual(["sent"]);
    expectOnce(recipients);
    expect((await retry()).status).toBe(200);
    expect([bounced, other].map((recipient) => resend.to(recipient).length)).toEqual([2, 1]);
  });

  it("takes back a key that is replaced or revoked before it goes out", async () => {
    setTime(NOW);
    resend.fault = () => refusal(503, "application_error");
    for (const end of ["reissue", "revoke"]) {
      const { id } = await newCustomer({ email: address() });
      const body = { customer_id: id, license_type: "standard", send_email: true };
      const { license } = (await admin("/licenses", { body, bindings: mailing() })).body;
      expect(await messagesOf(license.id)).toMatchObject([{ status: "pending" }]);
      await admin(`/licenses/${license.id}/${end}`, { body: { reason: "leaked" } });
      const failed = { status: "failed", last_error: expect.stringContaining("not accepted any more") };
      expect(await messagesOf(license.id)).toMatchObject([failed]);
    }
    resend.fault = () => null;
    setTime(NOW + 600 * MINUTE);
    await fire(DELIVERIES, mailing());
    expect(resend.inbox).toEqual([]);
  });

  it("takes back no key for a suspension, also where the release before wrote the mail", async () => {
    setTime(NOW);
    resend.fault = () => refusal(503, "application_error");
    const { id } = await newCustomer({ email: address() });
    const body = { customer_id: id, license_type: "standard", send_email: true };
    const { license } = (await admin("/licenses", { body, bindings: mailing() })).body;
    await rows("UPDATE messages SET key_revision = NULL WHERE license_id = ?", license.id);
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "unpaid" } });
    expect(await messagesOf(license.id)).toMatchObject([{ status: "pending" }]);
  });

  it("never sends again what is uncertain once Resend has forgotten it", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    resend.loseAnswer = () => true;
    await fire(DELIVERIES, mailing());
    setTime(NOW + DAY);
    resend.loseAnswer = () => false;
    await fire(DELIVERIES, mailing());
    expect(resend.requests).toHaveLength(1);
    expect(await rows("SELECT status, last_error FROM messages WHERE recipient = ?", recipients[0])).toEqual([
      { status: "failed", last_error: expect.stringContaining("may have been sent") },
    ]);
  });

  it("recovers what a run that died had claimed", async () => {
    setTime(NOW);
    const recipients = await owed(2);
    const { promise, resolve } = Promise.withResolvers<Response>();
    let stuck = true;
    resend.fault = () => (stuck ? promise : null);
    const dead = fire(DELIVERIES, mailing());
    await vi.waitFor(() => expect(resend.requests).toHaveLength(1));
    stuck = false;
    await fire(DELIVERIES, mailing());
    expect(resend.requests, "its claim holds").toHaveLength(1);
    setTime(NOW + 3 * MINUTE);
    await fire(DELIVERIES, mailing());
    expectOnce(recipients);
    // It was not dead after all: what it learns late changes nothing.
    resolve(refusal(500, "application_error"));
    await dead;
    expect(await statuses(recipients)).toEqual(["sent"]);
  });

  it("leaves nothing readable in the database", async () => {
    const { id } = await newCustomer({ email: address() });
    const { license, license_key } = await newLicense({ customer_id: id, send_email: true });
    const [row] = await rows("SELECT * FROM messages WHERE license_id = ?", license.id);
    expect(JSON.stringify(row)).not.toContain(license_key.split(".")[2]);
  });
});

describe("the pace", () => {
  /** Sends mails that each take a request of their own, and returns after how many milliseconds each was made. */
  async function requestsOf(count: number, bindings: Env, runs: number): Promise<number[]> {
    for (let n = 0; n < count; n++) {
      const { license } = await newLicense({
        customer_id: (await newCustomer({ email: address() })).id,
        send_email: true,
      });
      await rows("UPDATE messages SET status = 'pending' WHERE license_id = ?", license.id);
    }
    const made: number[] = [];
    const begun = Date.now();
    resend.fault = () => {
      made.push(Date.now() - begun);
      return null;
    };
    await Promise.all(Array.from({ length: runs }, () => fire(DELIVERIES, bindings)));
    expect(resend.inbox).toHaveLength(count);
    return made;
  }

  // A timer may come a little before its time by the clock that is asked afterwards.
  const EARLY = 20;

  it.each([1, 3])("is RESEND_RATE_PER_SECOND, kept by %i runs at once", async (runs) => {
    const made = await requestsOf(3, mailing({ RESEND_RATE_PER_SECOND: "4" }), runs);
    made.forEach((after, n) => expect(after).toBeGreaterThanOrEqual(n * 250 - EARLY));
  });

  it("is two a second where nothing is said", async () => {
    const { RESEND_RATE_PER_SECOND: _none, ...unpaced } = mailing();
    const made = await requestsOf(3, unpaced, 1);
    made.forEach((after, n) => expect(after).toBeGreaterThanOrEqual(n * 500 - EARLY));
  });
});
