// The ladder warns before an entitlement ends whose license goes on, as it does before a license ends.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing, NIGHTLY, refusal } from "../support/mail.ts";
import { recorded, scansOf } from "../support/meter.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../support/service.ts";

let resend: FakeResend;
let start = Date.parse("2090-01-10T03:00:00Z");
const [gpus, sso, region] = ["ends.gpus", "ends.sso", "ends.region"] as const;

beforeAll(async () => {
  await admin("/entitlements", {
    body: { code: gpus, name: "Graphics cards", kind: "limit", unit: "cards" },
  });
  await admin("/entitlements", { body: { code: sso, name: "Single sign-on", kind: "flag" } });
  await admin("/entitlements", { body: { code: region, name: "Region", kind: "text" } });
});

beforeEach(async () => {
  start += 400 * DAY;
  setTime(start);
  resend = new FakeResend();
  await emptyOutbox();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const iso = (days: number): string => new Date(start + days * DAY).toISOString();
const flat = (text: string): string => text.replaceAll(/\s+/g, " ");

/** What the license entitles to, until so many days from the start. */
const until = (days: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(days).map(([code, n]) => [
      code,
      { value: { [gpus]: 8, [sso]: true, [region]: "Berlin" }[code], until: iso(n) },
    ]),
  );

async function holder(details: object = {}) {
  const email = `${unique("it")}@acme.example`;
  const { id } = await newCustomer({ email, ...details });
  return { email, customer: id };
}

const licensed = async (customer: string, days: Record<string, number>, more: object = {}): Promise<string> =>
  (await newLicense({ customer_id: customer, expires_at: null, entitlements: until(days), ...more })).license
    .id;

async function fireAt(days: number, cron = NIGHTLY): Promise<void> {
  const at = start + days * DAY;
  setTime(at);
  await fire(cron, mailing(), at);
}

const subjects = (email: string): string[] => resend.to(email).map(({ subject }) => subject);

const noticesOf = (license: string) =>
  rows<{
    kind: string;
    status: string;
    reason: string | null;
    notice_days: number;
    joined: string | null;
    id: string;
  }>(
    `SELECT id, kind, status, reason, notice_days, joined FROM messages
     WHERE license_id = ? AND notice_end IS NOT NULL ORDER BY created_at, notice_end`,
    license,
  );

/** A night in which nothing gets through: its mails wait. */
async function nightThatWaits(days: number): Promise<void> {
  resend.fault = () => refusal(403, "validation_error");
  await fireAt(days);
}

const change = (id: string, body: object) => admin(`/licenses/${id}`, { method: "PATCH", body });

describe("before an entitlement ends", () => {
  it("its license's contacts for billing are told on the days of the license, and not after the end", async () => {
    const { email, customer } = await holder();
    const billing = `${unique("it")}@acme.example`;
    await admin(`/customers/${customer}/contacts`, {
      body: { email: billing, roles: ["billing"], language: "de" },
    });
    const { data: contacts } = (await admin(`/customers/${customer}/contacts`)).body;
    const own = (contacts as { id: string; email: string }[]).find((contact) => contact.email === email)!;
    await admin(`/customers/${customer}/contacts/${own.id}`, {
      method: "PATCH",
      body: { roles: ["license"] },
    });
    const id = await licensed(customer, { [gpus]: 40, [sso]: 200 });
    for (const days of [9, 10, 10.5, 11, 26, 33, 38, 39, 40, 41]) await fireAt(days);
    expect((await noticesOf(id)).map(({ kind, notice_days }) => [kind, notice_days])).toEqual(
      [30, 14, 7, 1].map((days) => ["entitlement_expiring", days]),
    );
    expect(subjects(email)).toEqual([]);
    const [first, ...rest] = resend.to(billing);
    expect(rest).toHaveLength(3);
    expect(first!.subject).toMatch(/^Ein Teil Ihrer Lizenz für \S+ endet in 30 Tagen: /);
    expect(rest.at(-1)!.subject).toMatch(/endet morgen: /);
    expect(flat(first!.text)).toContain("Graphics cards: 8 cards");
    expect(flat(first!.text)).not.toContain("Single sign-on");
  });

  it("a license with days of its own has these", async () => {
    const { email, customer } = await holder();
    await licensed(customer, { [gpus]: 20 }, { notice_days: [5, 0] });
    for (const days of [6, 13, 15, 19, 20, 21]) await fireAt(days);
    expect(subjects(email)).toEqual([expect.stringContaining("ends in 5 days")]);
  });

  it.each([
    ["before it", 39, 0],
    ["with it", 40, 0],
    ["after it", 41, 1],
  ])("a license that ends %s tells of it only if it goes on", async (_, end, count) => {
    const { customer } = await holder();
    const id = await licensed(customer, { [gpus]: 40 }, { expires_at: iso(end), notice_days: [7] });
    await fireAt(33);
    const about = (await noticesOf(id)).filter(({ kind }) => kind === "entitlement_expiring");
    expect(about).toHaveLength(count);
  });

  it("nothing is told that had passed when the license was issued, or of a license that is stopped", async () => {
    const { email, customer } = await holder();
    await licensed(customer, { [gpus]: 5.5 });
    const suspended = await licensed(customer, { [gpus]: 40 });
    await admin(`/licenses/${suspended}/suspend`, { body: { reason: "x" } });
    for (const days of [0, 1]) await fireAt(days);
    expect(subjects(email)).toEqual([]);
    await fireAt(4);
    expect(subjects(email)).toEqual([expect.stringContaining("ends tomorrow")]);
    await fireAt(10);
    expect(await noticesOf(suspended)).toEqual([]);
  });

  it("a renewal of the license before that changes nothing about it", async () => {
    const { email, customer } = await holder();
    const id = await licensed(customer, { [gpus]: 15 }, { expires_at: iso(20), notice_days: [7] });
    await admin(`/licenses/${id}/renew`, { body: { expires_at: iso(400) } });
    await fireAt(8);
    expect(subjects(email)).toEqual([expect.stringContaining("ends in 7 days")]);
  });

  it("what ends then of a license, and of others of its customer, is one mail", async () => {
    const { email, customer } = await holder();
    const one = await licensed(customer, { [gpus]: 8, [sso]: 8, [region]: 31 });
    const other = await licensed(customer, { [gpus]: 8.2 }, { license_type: "enterprise" });
    await fireAt(1);
    const [mail, ...more] = resend.to(email);
    expect(more).toEqual([]);
    expect(mail!.subject).toMatch(/^Parts of 2 \S+ licenses end, the first in 7 days: /);
    const text = flat(mail!.text);
    for (const words of ["Graphics cards: 8 cards", "Single sign-on", "Region: Berlin", one, other])
      expect(text).toContain(words);
    const notices = [...(await noticesOf(one)), ...(await noticesOf(other))];
    expect(notices.map(({ notice_days }) => notice_days).toSorted()).toEqual([30, 7, 7]);
    expect(new Set(notices.map(({ joined }) => joined)).size).toBe(1);
    for (const { status } of notices) expect(status).toBe("sent");
  });

  it("two ends of one license are told as one license, each with its date", async () => {
    const { email, customer } = await holder();
    await licensed(customer, { [gpus]: 8, [sso]: 31 });
    await fireAt(1);
    const [mail, ...more] = resend.to(email);
    expect(more).toEqual([]);
    expect(mail!.subject).toMatch(/^Part of your \S+ license ends in 7 days: /);
    expect(flat(mail!.text)).toMatch(/Graphics cards: 8 cards.*in 7 days.*Single sign-on.*in 30 days/);
  });

  it("is another mail than that about the end of a license, on the same night", async () => {
    const { email, customer } = await holder();
    await licensed(customer, { [gpus]: 8 });
    await licensed(customer, {}, { expires_at: iso(8) });
    await fireAt(1);
    expect(subjects(email).toSorted()).toEqual([
      expect.stringContaining("Part of your"),
      expect.stringContaining("license expires in 7 days"),
    ]);
  });

  it("is told although the license was once told of the same end as its own", async () => {
    const { customer } = await holder();
    const id = await licensed(customer, { [gpus]: 20 }, { expires_at: iso(20), notice_days: [7] });
    await fireAt(13);
    await admin(`/licenses/${id}/renew`, { body: { expires_at: iso(400) } });
    // An older threshold is due then: the license's own notice is no nearer one of it.
    await change(id, { notice_days: [14] });
    await fireAt(13.2);
    await fireAt(13.3);
    expect((await noticesOf(id)).map(({ kind, status }) => [kind, status])).toEqual([
      ["expiry_warning", "sent"],
      ["entitlement_expiring", "sent"],
    ]);
  });

  it("staff read in the digest of whom nobody can be told", async () => {
    const { id } = await newCustomer({ email: null, name: "Nobody to tell" });
    await licensed(id, { [gpus]: 8 });
    setTime(start + DAY);
    await fire(NIGHTLY, mailing({ ADMIN_EMAILS: "staff@vendor.example" }), start + DAY);
    const [digest] = resend.to("staff@vendor.example");
    expect(flat(digest!.text)).toContain("Nobody to tell");
  });

  it("is found by indexes", async () => {
    const { customer } = await holder();
    await licensed(customer, { [gpus]: 8 });
    const { bindings, statements } = recorded();
    setTime(start + DAY);
    await fire(NIGHTLY, { ...mailing(), ...bindings }, start + DAY);
    const own = statements.filter(({ sql }) => sql.includes("entitlement_uses"));
    expect(own.length).toBeGreaterThan(0);
    expect(await scansOf(own)).toEqual([]);
  });
});

describe("a notice that waits is taken back", () => {
  const waiting = async (more: object = {}) => {
    const { email, customer } = await holder();
    const id = await licensed(customer, { [gpus]: 8, [sso]: 20 }, more);
    await nightThatWaits(1);
    expect(await noticesOf(id)).toMatchObject([{ status: "pending" }]);
    return { email, customer, id };
  };

  const afterwards = async (id: string) => {
    await fireAt(1.1, DELIVERIES);
    return (await noticesOf(id)).map(({ status, reason }) => [status, reason]);
  };

  const GONE = [["skipped", "superseded"]];
  const WAITS = [["pending", null]];

  it.each<[string, (id: string) => Promise<unknown>, unknown]>([
    ["taken away", (id) => change(id, { entitlements: { [gpus]: null } }), GONE],
    [
      "given another value",
      (id) => change(id, { entitlements: { [gpus]: { value: 9, until: iso(8) } } }),
      GONE,
    ],
    [
      "given another end",
      (id) => change(id, { entitlements: { [gpus]: { value: 8, until: iso(9) } } }),
      GONE,
    ],
    ["given no end", (id) => change(id, { entitlements: { [gpus]: { value: 8 } } }), GONE],
    ["set as it was", (id) => change(id, { entitlements: { [gpus]: { value: 8, until: iso(8) } } }), WAITS],
    ["not what changed", (id) => change(id, { entitlements: { [sso]: null } }), WAITS],
    ["of a license that now ends then", (id) => change(id, { expires_at: iso(8) }), GONE],
    ["of a license that now ends later", (id) => change(id, { expires_at: iso(9) }), WAITS],
    ["of a suspended license", (id) => admin(`/licenses/${id}/suspend`, { body: { reason: "x" } }), GONE],
  ])("where the entitlement is %s", async (_, act, outcome) => {
    const { id } = await waiting();
    await act(id);
    // At once, and no more by the next trigger.
    expect((await noticesOf(id)).map(({ status, reason }) => [status, reason])).toEqual(outcome);
    expect(await afterwards(id)).toEqual(outcome);
  });

  it("where the license goes to another customer", async () => {
    const { id } = await waiting();
    const other = await holder();
    await admin(`/licenses/${id}/transfer`, { body: { customer_id: other.customer, reason: "Sold" } });
    expect(await afterwards(id)).toEqual(GONE);
  });

  it("by a nearer one, and by the end", async () => {
    const { id } = await waiting();
    await nightThatWaits(7);
    expect((await noticesOf(id)).map(({ reason, notice_days }) => [notice_days, reason])).toEqual([
      [7, "superseded"],
      [1, null],
      [14, null],
    ]);
    await fireAt(8, DELIVERIES);
    expect((await noticesOf(id))[1]).toMatchObject({ notice_days: 1, reason: "superseded" });
  });

  it("and the change is told anew the next night, with what is there now", async () => {
    const { email, id } = await waiting();
    await change(id, { entitlements: { [gpus]: { value: 9, until: iso(8) } } });
    resend = new FakeResend();
    await fireAt(2);
    expect(resend.to(email).map(({ text }) => flat(text))).toEqual([
      expect.stringContaining("Graphics cards: 9 cards"),
    ]);
  });

  it("and one that is sent later says what is there then, on the day", async () => {
    const { email, id } = await waiting();
    resend = new FakeResend();
    await fireAt(3, DELIVERIES);
    expect(subjects(email)).toEqual([expect.stringContaining("ends in 5 days")]);
    expect(await noticesOf(id)).toMatchObject([{ status: "sent" }]);
  });

  it("and is refused a retry once it is not true any more", async () => {
    const { id } = await waiting();
    await rows("UPDATE messages SET status = 'failed' WHERE license_id = ?", id);
    const [message] = await noticesOf(id);
    await change(id, { entitlements: { [gpus]: null } });
    const refused = await admin(`/messages/${message!.id}/retry`, { method: "POST", bindings: mailing() });
    expect(refused.status).toBe(409);
  });
});
