// One mail of what is due to one recipient in one night and is of one kind.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { passing } from "../support/faulty.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing, NIGHTLY, refusal } from "../support/mail.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../support/service.ts";

let resend: FakeResend;
let start = Date.parse("2070-01-10T09:00:00Z");

beforeEach(async () => {
  start += 365 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const night = (n: number): number => start + 18 * 3_600_000 + n * DAY;

async function fireAt(at: number, bindings: Env = mailing(), cron = NIGHTLY): Promise<void> {
  setTime(at);
  await fire(cron, bindings, at);
}

/** A customer with so many licenses that end in 8 days. */
async function customerWith(count: number, details: object = {}) {
  const email = `${unique("it")}@acme.example`;
  const { id } = await newCustomer({ email, ...details });
  const licenses: string[] = [];
  for (let n = 0; n < count; n++) {
    licenses.push((await newLicense({ customer_id: id, expires_days: 8 })).license.id);
  }
  return { id, email, licenses };
}

interface Row {
  id: string;
  license_id: string;
  status: string;
  joined: string | null;
  reason: string | null;
}

const rowsOf = (customer: string): Promise<Row[]> =>
  rows(
    "SELECT id, license_id, status, joined, reason FROM messages WHERE customer_id = ? ORDER BY id",
    customer,
  );

describe("three licenses of one customer", () => {
  it("are one mail and three messages; each shows the mail that tells it", async () => {
    const { id, email, licenses } = await customerWith(3);
    await fireAt(night(0));
    const [mail, ...more] = resend.to(email);
    expect(more).toEqual([]);
    for (const license of licenses) expect(mail!.text).toContain(license);
    const told = await rowsOf(id);
    expect(told).toHaveLength(3);
    for (const { id: message } of told) {
      const { body } = await admin(`/messages/${message}`);
      expect(body).toMatchObject({ status: "sent", subject: mail!.subject });
      expect(body.preview.text).toBe(mail!.text);
      expect(body.joined_to).toBe(message === told[0]!.id ? null : told[0]!.id);
    }
    await fireAt(night(1));
    expect(resend.to(email)).toHaveLength(1);
  });

  it("are shown as one mail where sending is not configured, and go out as one when it is", async () => {
    const { id, email, licenses } = await customerWith(3);
    await fireAt(night(0), env);
    const told = await rowsOf(id);
    expect(told).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: "skipped", reason: "not_configured" })),
    );
    for (const { id: message } of told) {
      const { body } = await admin(`/messages/${message}`);
      for (const license of licenses) expect(body.preview.text).toContain(license);
    }
    await admin(`/messages/${told[1]!.id}/retry`, { method: "POST", bindings: mailing() });
    expect(resend.to(email)).toHaveLength(1);
    for (const license of licenses) expect(resend.to(email)[0]!.text).toContain(license);
    expect((await rowsOf(id)).map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
  });

  it("are two mails where they are of two kinds, and one to each recipient", async () => {
    const { id, email } = await customerWith(2);
    await newLicense({ customer_id: id, expires_at: new Date(night(0) - 3_600_000).toISOString() });
    const other = `${unique("billing")}@acme.example`;
    await admin(`/customers/${id}/contacts`, { body: { email: other, roles: ["billing"] } });
    await fireAt(night(0));
    for (const recipient of [email, other]) {
      expect(
        resend
          .to(recipient)
          .map(({ subject }) => subject)
          .toSorted(),
      ).toEqual([expect.stringContaining("2 "), expect.stringContaining("has expired")]);
    }
  });

  it.each([0, 1, 2])("of which one (%i) is renewed while the mail waits: the others alone", async (which) => {
    for (const fault of [() => refusal(503, "x"), () => refusal(500, "x")]) {
      start += 365 * DAY;
      setTime(start);
      const { id, email, licenses } = await customerWith(3);
      resend.fault = fault;
      await fireAt(night(0));
      const about = (await rowsOf(id))[which]!.license_id;
      await admin(`/licenses/${about}/renew`, { body: { expires_days: 365 }, bindings: mailing() });
      resend.fault = () => null;
      await fireAt(night(0) + DAY / 2, mailing(), DELIVERIES);
      const warnings = resend.to(email).filter(({ subject }) => !subject.includes("renewed"));
      expect(warnings).toHaveLength(1);
      const said = licenses.filter((license) => warnings[0]!.text.includes(license));
      expect(said).toEqual(licenses.filter((license) => license !== about));
      const told = (await rowsOf(id)).filter(({ reason }) => reason === "superseded");
      expect(told.map(({ license_id }) => license_id)).toEqual([about]);
    }
  });

  it("are told once where the answer was lost, also if one of them changed since", async () => {
    const { id, email, licenses } = await customerWith(3);
    resend.loseAnswer = () => true;
    await fireAt(night(0));
    resend.loseAnswer = () => false;
    await admin(`/licenses/${licenses[0]}/suspend`, { body: { reason: "unpaid" } });
    for (const hours of [1, 4, 12, 30]) await fireAt(night(0) + hours * 3_600_000, mailing(), DELIVERIES);
    expect(resend.to(email)).toHaveLength(1);
    // Whether it was sent is not known: staff decide.
    expect((await rowsOf(id)).map(({ status }) => status).toSorted()).toEqual([
      "failed",
      "failed",
      "skipped",
    ]);
  });

  it("go out in the same bytes under the same key after a lost answer", async () => {
    const { email, id } = await customerWith(3);
    resend.loseAnswer = () => resend.requests.length === 1;
    await fireAt(night(0));
    await fireAt(night(0) + 3_600_000, mailing(), DELIVERIES);
    const [first, second] = resend.requests;
    expect(second).toEqual(first);
    expect(resend.to(email)).toHaveLength(1);
    expect((await rowsOf(id)).map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
  });

  it("are delivered together, and sent again together", async () => {
    const { id, email } = await customerWith(3);
    resend.fault = () => refusal(422, "validation_error");
    await fireAt(night(0));
    expect((await rowsOf(id)).map(({ status }) => status)).toEqual(["failed", "failed", "failed"]);
    resend.fault = () => null;
    const [, second] = await rowsOf(id);
    const answer = await admin(`/messages/${second!.id}/retry`, { method: "POST", bindings: mailing() });
    expect(answer).toMatchObject({ status: 200, body: { id: second!.id } });
    expect(resend.to(email)).toHaveLength(1);
    expect((await rowsOf(id)).map(({ status }) => status)).toEqual(["sent", "sent", "sent"]);
    const retried = await rows(
      "SELECT 1 FROM events WHERE action = 'message.retried' AND entity_id IN (SELECT id FROM messages WHERE customer_id = ?)",
      id,
    );
    expect(retried).toHaveLength(3);
  });

  it("wait for each other while the night writes, at whatever statement it dies", async () => {
    const { id, email } = await customerWith(2);
    const dead = dyingAfterNotices(mailing());
    setTime(night(0));
    await expect(fire(NIGHTLY, dead, night(0))).rejects.toThrow("killed");
    expect(await rowsOf(id)).toHaveLength(2);
    // The trigger every ten minutes comes while a night is still at work.
    await fireAt(night(0) + 1_000, mailing(), DELIVERIES);
    expect(resend.to(email)).toEqual([]);
    // If it is dead, they go by themselves.
    await fireAt(night(0) + 20 * 60_000, mailing(), DELIVERIES);
    expect(resend.to(email)).toHaveLength(1);
  });
});

/** Bindings of a D1 that dies right after the first notices were written, and sends nothing. */
function dyingAfterNotices(bindings: Env): Env {
  let dead = false;
  const pass = async <T>(run: () => Promise<T>, isHit: boolean): Promise<T> => {
    if (dead) throw new Error("killed");
    const result = await run();
    dead = isHit;
    return result;
  };
  return passing(/^INSERT INTO messages/, pass, bindings);
}

describe("licenses of a customer in many pages of the walk", () => {
  it("are one mail", async () => {
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    const template = (await newLicense({ customer_id: id, expires_days: 8 })).license.id;
    await rows(
      `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250)
       INSERT INTO licenses SELECT ${(await columns("licenses")).map((name) => (name === "id" ? "id || '_' || n" : name)).join(", ")}
       FROM licenses, n WHERE id = ?`,
      template,
    );
    await fireAt(night(0));
    expect(await rowsOf(id)).toHaveLength(251);
    expect(resend.to(email)).toHaveLength(1);
    expect(resend.to(email)[0]!.subject).toContain("251");
    await rows("UPDATE licenses SET status = 'revoked' WHERE customer_id = ?", id);
  });
});

const columns = async (table: string): Promise<string[]> =>
  (await rows<{ name: string }>("SELECT name FROM pragma_table_info(?)", table)).map(({ name }) => name);
