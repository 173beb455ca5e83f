// A mail that is given up is an event.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing, NIGHTLY, refusal } from "../support/mail.ts";
import { admin, eventsOf, newCustomer, newLicense, rows, unique } from "../support/service.ts";

beforeEach(emptyOutbox);

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("mail.failed", () => {
  it("is told once, without its recipient", async () => {
    const resend = new FakeResend();
    resend.fault = () => refusal(422, "validation_error");
    const email = `${unique("ada")}@acme.example`;
    const { id } = await newCustomer({ email });
    const { license } = await newLicense({ customer_id: id });
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
    await fire(DELIVERIES, mailing());
    const [message] = await rows<{ id: string; status: string }>(
      "SELECT id, status FROM messages WHERE license_id = ?",
      license.id,
    );
    expect(message!.status).toBe("failed");
    // A later receipt writes the same status.
    await rows("UPDATE messages SET status = 'failed' WHERE id = ?", message!.id);
    const told = await eventsOf(message!.id);
    expect(told.map(({ action, detail }) => [action, JSON.parse(detail)])).toEqual([
      ["mail.failed", { kind: "license_delivery", license_id: license.id, customer_id: id }],
    ]);
  });

  it("is told once of a mail that tells several notices", async () => {
    const start = Date.parse("2061-01-10T09:00:00Z");
    setTime(start);
    new FakeResend().fault = () => refusal(422, "validation_error");
    const { id } = await newCustomer({ email: `${unique("ada")}@acme.example` });
    for (let n = 0; n < 3; n++) await newLicense({ customer_id: id, expires_days: 8 });
    const night = start + DAY;
    setTime(night);
    await fire(NIGHTLY, mailing(), night);
    const notices = await rows<{ id: string; status: string; joined: string }>(
      "SELECT id, status, joined FROM messages WHERE customer_id = ?",
      id,
    );
    expect(notices.map(({ status }) => status)).toEqual(["failed", "failed", "failed"]);
    const [mail, ...others] = new Set(notices.map(({ joined }) => joined));
    expect(others).toEqual([]);
    const told = await Promise.all(
      notices.map(async (notice) => [notice.id, (await eventsOf(notice.id)).map(({ action }) => action)]),
    );
    expect(told.filter(([, actions]) => actions!.length > 0)).toEqual([[mail, ["mail.failed"]]]);
  });
});
