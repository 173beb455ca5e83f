// Which notice goes out on which day, what it says, and what is taken back: through Resend with its faults.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { setTime } from "../support/clock.ts";
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
import { admin, newCustomer, newLicense, unique } from "../support/service.ts";

let resend: FakeResend;

beforeEach(async () => {
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const address = (): string => `${unique("it")}@acme.example`;

async function licenseAt(issued: string, input: object, email = address()) {
  setTime(Date.parse(issued));
  const { id } = await newCustomer({ email });
  const { license } = await newLicense({ customer_id: id, ...input });
  return { license, email, customer: id };
}

/** The night of a day, at 03:00 UTC. */
async function night(day: string, bindings: Env = mailing()): Promise<void> {
  const at = Date.parse(`${day}T03:00:00Z`);
  setTime(at);
  await fire(NIGHTLY, bindings, at);
}

async function deliveries(at: string, bindings: Env = mailing()): Promise<void> {
  setTime(Date.parse(at));
  await fire(DELIVERIES, bindings, Date.parse(at));
}

const subjects = (email: string): string[] => resend.to(email).map(({ subject }) => subject);

const flat = (text: string): string => text.replaceAll(/\s+/g, " ");

const retry = (id: string) => admin(`/messages/${id}/retry`, { method: "POST", bindings: mailing() });

describe("a notice says the days that its reader counts", () => {
  it("on the last morning: today, at the hour, and the date that staff see", async () => {
    const { email } = await licenseAt("2029-01-01T10:00:00Z", { expires_at: "2030-01-31", grace_days: 0 });
    await night("2030-02-01");
    const [mail, ...more] = resend.to(email);
    expect(more).toEqual([]);
    expect(flat(mail!.text)).toMatch(/today at 12:00 UTC/);
    expect(flat(mail!.text)).toContain("31 January 2030");
    expect(flat(mail!.text)).not.toMatch(/tomorrow|1 day left|1 February/);
  });

  it("in the nights of a year's license: each on its day, in its words", async () => {
    const { email } = await licenseAt("2031-02-10T10:00:00Z", { expires_at: "2032-01-31" });
    const told: [string, string[]][] = [];
    for (const day of [
      "01-01",
      "01-02",
      "01-03",
      "01-17",
      "01-18",
      "01-24",
      "01-25",
      "01-26",
      "01-30",
      "01-31",
    ]) {
      resend.inbox.length = 0;
      await night(`2032-${day}`);
      told.push([day, subjects(email)]);
    }
    resend.inbox.length = 0;
    await night("2032-02-01");
    await night("2032-02-02");
    told.push(["02-02", subjects(email)]);
    expect(told.filter(([, mails]) => mails.length > 0)).toEqual([
      ["01-02", [expect.stringContaining("in 30 days")]],
      ["01-18", [expect.stringContaining("in 14 days")]],
      ["01-25", [expect.stringContaining("in 7 days")]],
      ["01-31", [expect.stringContaining("tomorrow")]],
      ["02-02", [expect.stringContaining("has expired")]],
    ]);
  });

  it("on the day on which it goes out, not on the day on which it was written", async () => {
    const { email } = await licenseAt("2033-02-10T10:00:00Z", { expires_at: "2034-01-31" });
    resend.fault = () => refusal(503, "application_error");
    await night("2034-01-25");
    resend.fault = () => null;
    await deliveries("2034-01-27T08:00:00Z");
    expect(subjects(email)).toEqual([expect.stringContaining("in 5 days")]);
  });
});

describe("an address that is written in other letters", () => {
  it.each([
    ["in capitals", 2070, (email: string) => email.toUpperCase()],
    ["with its domain in ASCII", 2074, (email: string) => email.replace("bücher", "xn--bcher-kva")],
  ])("%s is the same mailbox: nobody is told twice", async (_, year, anew) => {
    const email = `${unique("it")}@bücher.example`;
    const { license, customer } = await licenseAt(
      `${year - 1}-02-01T10:00:00Z`,
      { expires_at: `${year}-01-31` },
      email,
    );
    await night(`${year}-01-18`);
    const { body } = await admin(`/customers/${customer}`, { method: "PATCH", body: { email: anew(email) } });
    expect(body.email).toBe(anew(email));
    await night(`${year}-01-19`);
    await night(`${year}-01-25`);
    const told = (await messagesOf(license.id)).map(({ recipient, subject }) => [recipient, subject]);
    expect(told).toEqual([
      [anew(email), expect.stringContaining("in 7 days")],
      [email, expect.stringContaining("in 14 days")],
    ]);
  });
});

describe("what had passed when the term began is not due", () => {
  it("for a trial of thirty days: nothing the night after its delivery", async () => {
    const { email } = await licenseAt("2035-03-01T17:00:00Z", { license_type: "trial" });
    for (let n = 2; n <= 20; n++) await night(`2035-03-${String(n).padStart(2, "0")}`);
    expect(subjects(email)).toEqual([]);
    await night("2035-03-24");
    expect(subjects(email)).toEqual([expect.stringContaining("in 7 days")]);
  });

  it("for a renewal by thirty days", async () => {
    const { license, email } = await licenseAt("2036-03-01T17:00:00Z", { expires_days: 30 });
    setTime(Date.parse("2036-03-31T16:00:00Z"));
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 30 }, bindings: mailing() });
    resend.inbox.length = 0;
    for (const day of ["2036-04-01", "2036-04-02"]) await night(day);
    expect(subjects(email)).toEqual([]);
    await night("2036-04-16");
    expect(subjects(email)).toEqual([expect.stringContaining("in 14 days")]);
  });
});

describe("taking back", () => {
  const OUTAGES: [string, () => Response][] = [
    ["refuses all", () => refusal(503, "application_error")],
    ["fails, perhaps after taking it", () => refusal(500, "application_error")],
    [
      "cannot be reached",
      () => {
        throw new TypeError("Network connection lost.");
      },
    ],
  ];

  it.each(OUTAGES)(
    "where Resend %s from the day before the end to the day after: the end alone",
    async (_, fault) => {
      const year = 2040 + OUTAGES.findIndex(([name]) => name === _);
      const { license, email } = await licenseAt(`${year - 1}-05-01T10:00:00Z`, {
        expires_at: `${year}-05-10T12:00:00Z`,
        notice_days: [14, 1, 0],
      });
      resend.fault = fault;
      for (const day of ["08", "09", "10"]) {
        await night(`${year}-05-${day}`);
        for (const hour of ["06", "12", "18"]) await deliveries(`${year}-05-${day}T${hour}:00:00Z`);
      }
      resend.fault = () => null;
      await night(`${year}-05-11`);
      await deliveries(`${year}-05-11T09:00:00Z`);
      expect(subjects(email)).toEqual([expect.stringContaining("has expired")]);
      const [end, ...older] = await messagesOf(license.id);
      expect(end).toMatchObject({ kind: "license_expired", status: "sent" });
      expect(older.length).toBeGreaterThan(0);
      for (const message of older) {
        expect((await retry(message.id)).status).toBe(409);
      }
      expect(subjects(email)).toHaveLength(1);
    },
  );

  it("from an address that is no contact any more: the new one is told, the old one is not", async () => {
    const { license, email, customer } = await licenseAt("2047-05-01T10:00:00Z", {
      expires_at: "2048-05-10T12:00:00Z",
    });
    resend.fault = () => refusal(503, "application_error");
    await night("2048-05-02");
    const next = address();
    await admin(`/customers/${customer}`, { method: "PATCH", body: { email: next } });
    resend.fault = () => null;
    await night("2048-05-03");
    expect([subjects(email), subjects(next)]).toEqual([[], [expect.stringContaining("in 7 days")]]);
    const old = (await messagesOf(license.id)).find(({ recipient }) => recipient === email);
    expect(old).toMatchObject({ status: "skipped", reason: "superseded" });
    expect((await retry(old!.id)).status).toBe(409);
  });

  it("from a contact that is removed while it waits; the others get theirs", async () => {
    const { license, email, customer } = await licenseAt("2080-05-01T10:00:00Z", {
      expires_at: "2081-05-10T12:00:00Z",
    });
    const gone = address();
    const { body } = await admin(`/customers/${customer}/contacts`, { body: { email: gone } });
    resend.fault = () => refusal(503, "application_error");
    await night("2081-05-03");
    await admin(`/customers/${customer}/contacts/${body.id}`, { method: "DELETE" });
    resend.fault = () => null;
    await deliveries("2081-05-03T09:00:00Z");
    expect([subjects(email), subjects(gone)]).toEqual([[expect.stringContaining("in 7 days")], []]);
    const old = (await messagesOf(license.id)).find(({ recipient }) => recipient === gone);
    expect(old).toMatchObject({ status: "skipped", reason: "superseded" });
  });

  it("by the next of two thresholds that are a day apart", async () => {
    const { license, email } = await licenseAt("2082-05-01T10:00:00Z", {
      expires_at: "2083-05-10T12:00:00Z",
      notice_days: [3, 2],
    });
    resend.fault = () => refusal(503, "application_error");
    await night("2083-05-07");
    await night("2083-05-08");
    resend.fault = () => null;
    await deliveries("2083-05-08T09:00:00Z");
    expect(subjects(email)).toEqual([expect.stringContaining("in 2 days")]);
    expect(await messagesOf(license.id)).toMatchObject([
      { status: "sent", reason: null },
      { status: "skipped", reason: "superseded" },
    ]);
  });

  it("by the end itself, before the night after it", async () => {
    const { license, email } = await licenseAt("2043-05-01T10:00:00Z", {
      expires_at: "2044-05-10T12:00:00Z",
    });
    resend.fault = () => refusal(503, "application_error");
    await night("2044-05-09");
    resend.fault = () => null;
    await deliveries("2044-05-10T12:00:00Z");
    expect(subjects(email)).toEqual([]);
    expect(await messagesOf(license.id)).toMatchObject([{ status: "skipped", reason: "superseded" }]);
  });

  it("of what failed: by hand no 'in 14 days' goes out after 'tomorrow'", async () => {
    const { license, email } = await licenseAt("2045-05-01T10:00:00Z", {
      expires_at: "2046-05-10T12:00:00Z",
    });
    resend.fault = () => refusal(422, "validation_error");
    await night("2046-04-26");
    resend.fault = () => null;
    const [old] = await messagesOf(license.id);
    expect(old).toMatchObject({ status: "failed" });
    await night("2046-05-09");
    expect(subjects(email)).toEqual([expect.stringContaining("tomorrow")]);
    const refused = await retry(old!.id);
    expect(refused).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(refused.body.detail).toContain("not true any more");
    expect(subjects(email)).toHaveLength(1);
  });

  it.each(OUTAGES)("by a renewal, where Resend %s", async (_, fault) => {
    const year = 2050 + OUTAGES.findIndex(([name]) => name === _);
    const { license, email } = await licenseAt(`${year - 1}-05-01T10:00:00Z`, {
      expires_at: `${year}-05-10`,
    });
    resend.fault = fault;
    await night(`${year}-05-04`);
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 365 }, bindings: mailing() });
    resend.fault = () => null;
    await deliveries(`${year}-05-04T20:00:00Z`);
    expect(subjects(email)).toEqual([expect.stringContaining("renewed")]);
    const warning = (await messagesOf(license.id)).find(({ kind }) => kind === "expiry_warning");
    expect(warning).toMatchObject({ status: "skipped", reason: "superseded" });
    expect((await retry(warning!.id)).status).toBe(409);
  });

  it("leaves the others of a request as they are, each once, also if Resend had taken it", async () => {
    for (const [n, lost] of [false, true].entries()) {
      const year = 2060 + n;
      const kept = await licenseAt(`${year - 1}-05-01T10:00:00Z`, { expires_at: `${year}-05-10` });
      const renewed = await licenseAt(`${year - 1}-05-01T10:00:00Z`, { expires_at: `${year}-05-10` });
      resend.inbox.length = 0;
      resend.fault = lost ? () => null : () => refusal(500, "application_error");
      resend.loseAnswer = () => lost;
      await night(`${year}-05-04`);
      resend.loseAnswer = () => false;
      resend.fault = () => null;
      await admin(`/licenses/${renewed.license.id}/suspend`, { body: { reason: "unpaid" } });
      for (const hour of ["05", "08", "12", "20"]) await deliveries(`${year}-05-04T${hour}:00:00Z`);
      expect([lost, resend.to(kept.email).length]).toEqual([lost, 1]);
      expect(resend.to(renewed.email)).toHaveLength(lost ? 1 : 0);
    }
  });
});
