// Nights and deliveries that overlap.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { brokenIn } from "../support/invariants.ts";
import { DELIVERIES, FakeResend, fire, mailing, NIGHTLY, emptyOutbox } from "../support/mail.ts";
import { newCustomer, newLicense, rows, unique } from "../support/service.ts";

const NOW = Date.parse("2026-05-01T08:00:00Z");
const ROUNDS = env.RACE_ROUNDS;

describe("runs of the outbox that overlap", () => {
  beforeEach(async () => {
    await emptyOutbox();
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("send each mail once, in one request", { timeout: 600_000 }, async ({ task }) => {
    const resend = new FakeResend();
    let mails = 0;
    for (let n = 0; n < ROUNDS; n++) {
      setTime(NOW + n * 200 * DAY);
      const recipients: string[] = [];
      for (let m = 0; m < 6; m++) {
        const email = `${unique("it")}@acme.example`;
        const { id } = await newCustomer({ email });
        // A delivery has an attachment and so a request of its own; a warning shares one with others.
        const expires_at = new Date(Date.now() + 7.5 * DAY).toISOString();
        await newLicense({ customer_id: id, expires_at, send_email: true });
        recipients.push(email);
      }
      await rows(
        "UPDATE messages SET status = 'pending' WHERE recipient IN (SELECT value FROM json_each(?))",
        JSON.stringify(recipients),
      );
      // Two nights and six deliveries at once.
      await Promise.all(
        [NIGHTLY, NIGHTLY, ...Array(6).fill(DELIVERIES)].map((cron) => fire(cron, mailing(), Date.now())),
      );
      await fire(DELIVERIES, mailing());
      for (const recipient of recipients) {
        const subjects = resend.to(recipient).map(({ subject }) => subject);
        expect(subjects).toHaveLength(2);
        expect(new Set(subjects).size).toBe(2);
      }
      mails += 2 * recipients.length;
    }
    expect(new Set(resend.requests.map(({ key }) => key)).size).toBe(resend.requests.length);
    expect(await brokenIn((sql) => rows(sql))).toEqual({});
    task.meta.figures = { "mails, by 8 runs at once": mails, "sent twice": 0 };
  });
});
