// Resend is down for two days. Licensing goes on, and afterwards each mail is there once.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { DELIVERIES, FakeResend, fire, mailing, NIGHTLY, refusal, emptyOutbox } from "../support/mail.ts";
import { activate, admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const NOW = Date.parse("2026-10-02T17:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let resend: FakeResend;

beforeEach(async () => {
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

interface Owed {
  at: number;
  recipient: string;
  message: string;
}

/** Two days of what happens anyway, every ten minutes; something is sold and mailed every six hours. */
async function twoDays(): Promise<Owed[]> {
  const owed: Owed[] = [];
  const { license_key } = await newLicense({ max_instances: 1, expires_days: 365 });
  for (let at = NOW; at < NOW + 2 * DAY; at += 10 * MINUTE) {
    setTime(at);
    const hours = (at - NOW) / HOUR;
    if (hours % 6 === 0) {
      const recipient = `${unique("it")}@acme.example`;
      const { id } = await newCustomer({ email: recipient });
      const body = { customer_id: id, license_type: "standard", expires_days: 7, send_email: true };
      const issued = await admin("/licenses", { body, bindings: mailing() });
      expect(issued.status).toBe(201);
      const { data } = (await admin(`/messages?license_id=${issued.body.license.id}`)).body;
      owed.push({ at, recipient, message: data[0].id });
    }
    if (hours % 1 === 0) {
      expect((await activate(license_key, "box")).status).toBe(200);
      const body = { license_key, instance_id: "box", usage: [{ date: "2026-10-03", requests: hours }] };
      expect((await call("/v1/check-in", { body, bindings: mailing() })).status).toBe(200);
    }
    if (new Date(at).toISOString().endsWith("T03:00:00.000Z")) await fire(NIGHTLY, mailing(), at);
    await fire(DELIVERIES, mailing());
  }
  expect(resend.inbox).toEqual([]);
  return owed;
}

async function afterwards(): Promise<void> {
  resend.fault = () => null;
  for (let at = NOW + 2 * DAY; at < NOW + 2 * DAY + 5 * HOUR; at += 10 * MINUTE) {
    setTime(at);
    await fire(DELIVERIES, mailing());
  }
}

const statusOf = async ({ message }: Owed): Promise<string> =>
  (await admin(`/messages/${message}`)).body.status;

describe("two days without Resend", () => {
  it.each([503, 530])(
    "that answers %i: each mail arrives once when it is back, without anybody doing anything",
    { timeout: 120_000 },
    async (status) => {
      resend.fault = () => refusal(status, "service_unavailable");
      const owed = await twoDays();
      expect(resend.requests.length).toBeGreaterThan(owed.length);
      await afterwards();
      for (const mail of owed) {
        // The key, and the warning that a license of seven days is due in the nights.
        const subjects = resend.to(mail.recipient).map(({ subject }) => subject);
        expect(new Set(subjects).size).toBe(subjects.length);
        expect(await statusOf(mail)).toBe("sent");
      }
      expect(await rows("SELECT id FROM messages WHERE status IN ('pending', 'failed')")).toEqual([]);
    },
  );

  it(
    "whose connections break off: nothing is sent twice, and what nobody can know is shown to staff",
    { timeout: 120_000 },
    async ({ task }) => {
      resend.fault = () => {
        throw new TypeError("Network connection lost.");
      };
      const owed = await twoDays();
      await afterwards();
      for (const mail of owed) {
        // Resend knows a key for a day: what was first tried before then may be through, and is not tried again.
        const isUncertain = NOW + 2 * DAY - mail.at >= 23 * HOUR;
        expect([mail.at, await statusOf(mail)]).toEqual([mail.at, isUncertain ? "failed" : "sent"]);
        if (isUncertain) {
          const retried = await admin(`/messages/${mail.message}/retry`, {
            method: "POST",
            bindings: mailing(),
          });
          expect(retried.status).toBe(200);
        }
        const subjects = resend.to(mail.recipient).map(({ subject }) => subject);
        expect(new Set(subjects).size).toBe(subjects.length);
        expect(await statusOf(mail)).toBe("sent");
      }
      const { length } = owed;
      task.meta.figures = { "days without Resend": 6, "mails owed": 3 * length, "sent twice": 0, lost: 0 };
    },
  );
});
