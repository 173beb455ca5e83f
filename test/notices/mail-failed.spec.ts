// A mail that is given up is an event.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { emptyOutbox, FakeResend, mailing, DELIVERIES, fire } from "../support/mail.ts";
import { admin, eventsOf, newCustomer, newLicense, rows, unique } from "../support/service.ts";

beforeEach(emptyOutbox);

describe("mail.failed", () => {
  it("is told once, without its recipient", async () => {
    const resend = new FakeResend();
    resend.fault = () =>
      Response.json({ name: "validation_error", message: "no", statusCode: 422 }, { status: 422 });
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
    vi.unstubAllGlobals();
  });
});
