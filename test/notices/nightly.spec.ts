import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { failing, passing } from "../support/faulty.ts";
import { DELIVERIES, FakeResend, fire, mailing, messagesOf, NIGHTLY, refusal } from "../support/mail.ts";
import { recorded, plansOf, scansOf } from "../support/meter.ts";
import { freshRecord } from "../support/record.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../support/service.ts";

let resend: FakeResend;
/** A year of its own for each test, so that no other license of the run ends near it. */
let start = Date.parse("2040-01-10T09:00:00Z");

beforeEach(async () => {
  start += 365 * DAY;
  setTime(start);
  resend = new FakeResend();
  await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const NIGHT = 18 * 3_600_000;

/** 03:00 of the n-th night after the start. */
const night = (n: number): number => start + NIGHT + n * DAY;

async function fireAt(at: number, bindings: Env = mailing(), cron = NIGHTLY): Promise<void> {
  setTime(at);
  await fire(cron, bindings, at);
}

async function licenseFor(input: Record<string, unknown> = {}, customer: object = {}) {
  const email = `${unique("it")}@acme.example`;
  const { id } = await newCustomer({ email, ...customer });
  const { license, license_key } = await newLicense({ customer_id: id, ...input });
  return { license, license_key, email, customer: id };
}

const subjects = (recipient: string): string[] => resend.to(recipient).map(({ subject }) => subject);

describe("the nightly job", () => {
  it("walks a license down its ladder, one notice each, whichever nights it runs and how often", async () => {
    const { license, email } = await licenseFor({ expires_days: 40 });
    for (let n = 0; n < 45; n++) {
      if (n === 26 || n === 40) continue;
      for (let times = 0; times <= n % 3; times++) await fireAt(night(n));
    }
    const kinds = (await messagesOf(license.id)).map(({ kind }) => kind);
    expect(kinds).toEqual([
      "license_expired",
      "expiry_warning",
      "expiry_warning",
      "expiry_warning",
      "expiry_warning",
    ]);
    expect(resend.to(email)).toHaveLength(5);
    expect(new Set(resend.to(email).map(({ subject }) => subject)).size).toBe(5);
  });

  it("starts a new ladder after a renewal", async () => {
    const { license, email } = await licenseFor({ expires_days: 8 });
    await fireAt(night(0));
    setTime(night(0) + 60_000);
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 60 }, bindings: mailing() });
    for (const n of [1, 37, 60]) await fireAt(night(n));
    expect((await messagesOf(license.id)).map(({ kind }) => kind)).toEqual([
      "expiry_warning",
      "expiry_warning",
      "license_renewed",
      "expiry_warning",
    ]);
    expect(resend.to(email)).toHaveLength(4);
  });

  it("goes by the thresholds of the license, or of its type as they are now", async () => {
    const own = await licenseFor({ expires_days: 4, notice_days: [3] });
    const none = await licenseFor({ expires_days: 4, notice_days: [] });
    const type = unique("type");
    await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", notice_days: [90] } });
    const ofType = await licenseFor({ license_type: type, expires_days: 91 });
    await fireAt(night(0));
    expect(subjects(own.email)).toHaveLength(1);
    expect(subjects(none.email)).toEqual([]);
    expect(subjects(ofType.email)).toHaveLength(1);
    await admin(`/licenses/${none.license.id}`, { method: "PATCH", body: { notice_days: null } });
    await fireAt(night(2));
    expect(subjects(none.email)).toHaveLength(1);
  });

  it("goes by thresholds that were imported", async () => {
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    const imported = await admin("/imports/licenses", {
      raw: `customer_id,license_type,expires_days,notice_days\n${id},standard,51,50;20\n${id},standard,51,\n`,
      headers: { "Content-Type": "text/csv" },
    });
    expect(imported.status).toBe(200);
    expect(await rows("SELECT notice_days FROM licenses WHERE customer_id = ? ORDER BY 1", id)).toEqual([
      { notice_days: null },
      { notice_days: "[50,20]" },
    ]);
    await fireAt(night(0));
    expect(resend.to(email)).toHaveLength(1);
  });

  it("says nothing about what is suspended, revoked or perpetual", async () => {
    const suspended = await licenseFor({ expires_days: 8 });
    const revoked = await licenseFor({ expires_days: 8 });
    const perpetual = await licenseFor({ expires_at: null });
    await admin(`/licenses/${suspended.license.id}/suspend`, { body: { reason: "x" } });
    await admin(`/licenses/${revoked.license.id}/revoke`, { body: { reason: "x" } });
    await fireAt(night(0));
    for (const { email } of [suspended, revoked, perpetual]) expect(resend.to(email)).toEqual([]);
  });

  it("says nothing about what was renewed or suspended between being read and being written", async () => {
    const [renewed, suspended, left] = [
      await licenseFor({ expires_days: 8 }),
      await licenseFor({ expires_days: 8 }),
      await licenseFor({ expires_days: 8 }),
    ];
    const bindings = mailing();
    const late = beforeWriting(bindings, async () => {
      await admin(`/licenses/${renewed.license.id}`, { method: "PATCH", body: { expires_at: "2090-01-01" } });
      await admin(`/licenses/${suspended.license.id}/suspend`, { body: { reason: "x" } });
    });
    await fireAt(night(0), late);
    expect([renewed, suspended, left].map(({ email }) => resend.to(email).length)).toEqual([0, 0, 1]);
  });

  it("sends staff one digest a day, however often it runs", async () => {
    const staff = [`${unique("a")}@smarthaus.example`, `${unique("b")}@smarthaus.example`];
    const bindings = mailing({ ADMIN_EMAILS: staff.join(", ") });
    const soon = await licenseFor({ expires_days: 8 }, { company: "Soon Works" });
    const silent = await licenseFor(
      { expires_days: 8 },
      { email: null, name: "No Mail", company: "Quiet Works" },
    );
    const over = await licenseFor({ expires_days: 1, notice_days: [] }, { company: "Over Works" });
    const full = await licenseFor({ max_instances: 1 }, { company: "Full Works" });
    setTime(start + 10_000);
    await activate(full.license_key, "a");
    await fireAt(start + DAY + 1_000, bindings);
    await fireAt(start + DAY + 2_000, bindings);
    for (const recipient of staff) {
      const [digest, ...more] = resend.to(recipient);
      expect(more).toEqual([]);
      const [expiring = "", rest = ""] = digest!.text.split(/^Expired \(/m);
      expect(expiring).toContain(soon.license.id);
      expect(rest).toContain(over.license.id);
      const [, atLimit = ""] = rest.split(/^At the limit \(/m);
      expect(atLimit).toContain(full.license.id);
      expect(atLimit).not.toContain(soon.license.id);
      expect(digest!.text).toContain(silent.license.id);
      // Staff know customers by their companies.
      expect(expiring).toContain("Soon Works");
      expect(rest).toContain("Over Works");
      expect(atLimit).toContain("Full Works");
      expect(digest!.text).toContain("Quiet Works");
      expect(digest!.text).not.toContain("No Mail");
    }
    await fireAt(start + 2 * DAY, bindings);
    expect(resend.to(staff[0]!)).toHaveLength(2);
  });

  it.each([
    ["a night is missed", [0, 2]],
    ["one comes early", [0, 0.9, 1, 2]],
    ["all come twice", [0, 0, 1, 1, 2, 2]],
  ])("tells staff once of what happened, also where %s", async (_, nights) => {
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    const at = (n: number): string => new Date(night(n)).toISOString();
    const over = await licenseFor({ expires_at: at(0.95), notice_days: [] });
    const silent = await licenseFor({ expires_at: at(7.95), notice_days: [7] }, { email: null });
    for (const n of nights) await fireAt(night(n), bindings);
    const told = (text: string, name: string, id: string): boolean =>
      (text.split(new RegExp(`^${name} \\(`, "m"))[1]?.split(/^[A-Z].* \(\d/m)[0] ?? "").includes(id);
    const digests = resend.to(staff).map(({ text }) => text);
    expect(digests.filter((text) => told(text, "Expired", over.license.id))).toHaveLength(1);
    expect(digests.filter((text) => told(text, "Without an e-mail address", silent.license.id))).toHaveLength(
      1,
    );
  });

  it("makes each of its steps, whatever fails before", async () => {
    const staff = `${unique("staff")}@smarthaus.example`;
    const { license, email } = await licenseFor({ expires_days: 40 });
    resend.fault = () => refusal(503, "application_error");
    await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
    resend.fault = () => null;
    const seals = async (): Promise<number> => (await rows("SELECT 1 FROM audit_seals")).length;
    const before = await seals();
    const broken = failing(/^SELECT created_at FROM messages WHERE kind/, mailing({ ADMIN_EMAILS: staff }));
    await expect(fireAt(night(0), broken)).rejects.toThrow("The job nightly failed at notices (");
    expect(resend.to(email)).toHaveLength(1);
    expect(await seals()).toBe(before + 1);
  });

  it("takes back a warning that waited for Resend when the license is renewed, and warns anew", async () => {
    const { license, email } = await licenseFor({ expires_days: 8 });
    resend.fault = () => refusal(503, "application_error");
    await fireAt(night(0));
    const renewal = { body: { expires_days: 365 }, bindings: mailing() };
    await admin(`/licenses/${license.id}/renew`, renewal);
    resend.fault = () => null;
    await fireAt(night(0) + DAY / 2, mailing(), DELIVERIES);
    expect(subjects(email)).toEqual([expect.stringContaining("renewed")]);
    const { license: paused, email: theirs } = await licenseFor({ expires_days: 8 });
    resend.fault = () => refusal(503, "application_error");
    await fireAt(night(1));
    await admin(`/licenses/${paused.id}/suspend`, { body: { reason: "unpaid" } });
    await admin(`/licenses/${paused.id}/reinstate`, { method: "POST" });
    resend.fault = () => null;
    await fireAt(night(2));
    expect(resend.to(theirs)).toHaveLength(1);
  });

  it("gives the same inbox when two runs overlap", async () => {
    const emails = [];
    for (let n = 0; n < 6; n++) emails.push((await licenseFor({ expires_days: 8 })).email);
    setTime(night(0));
    await Promise.all([1, 2, 3].map(() => fire(NIGHTLY, mailing(), night(0))));
    for (const email of emails) expect(resend.to(email)).toHaveLength(1);
  });

  it("gives the same inbox when it is killed at any write and run again", { timeout: 120_000 }, async () => {
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    let boundary = 0;
    let died = true;
    // Each round kills the run right before its next write or request to Resend. After the one before is the same.
    // Two months lie between them: long enough for nothing to be due of what the last one sold.
    for (; died; boundary++) {
      start += 60 * DAY;
      setTime(start);
      const recipients: string[] = [];
      for (let n = 0; n < 3; n++) recipients.push((await licenseFor({ expires_days: 8 })).email);
      const before = resend.to(staff).length;
      const killed = dyingAt(boundary, bindings);
      resend.fault = killed.asked;
      setTime(night(0));
      await fire(NIGHTLY, killed.bindings, night(0)).catch(() => {});
      died = killed.died();
      resend.fault = () => null;
      await fireAt(night(0) + 60_000, bindings);
      // Claims of the run that died come back by themselves.
      await fireAt(night(0) + 600_000, bindings, DELIVERIES);
      for (const recipient of recipients)
        expect(resend.to(recipient), `killed at ${boundary}`).toHaveLength(1);
      expect(resend.to(staff)).toHaveLength(before + 1);
    }
    // Its row, the notices, their release, the seal, the digest, what is taken back, joined, claimed, asked, recorded …
    expect(boundary).toBeGreaterThan(10);
  });

  it("reads what is due, not all there is", async () => {
    await freshRecord();
    await fireAt(night(-1));
    setTime(start);
    const other = await newCustomer();
    for (let n = 0; n < 30; n++) await newLicense({ customer_id: other.id, expires_days: 300 });
    const { email } = await licenseFor({ expires_days: 8 });
    const { bindings, cost, statements } = recorded();
    setTime(night(0));
    await fire(NIGHTLY, { ...bindings, ADMIN_EMAILS: "ops@smarthaus.example" }, night(0));
    expect(await rows("SELECT status FROM messages WHERE recipient = ?", email)).toEqual([
      { status: "skipped" },
    ]);
    const scans = await scansOf(statements);
    // Types are few, the latest thousand events are walked from the end, and the indexes of long marks and of
    // open erasures have only those.
    expect(
      scans.filter(
        (scan) =>
          !/^SCAN (audit_seals USING INDEX audit_seals_by_long_marks|erasures USING INDEX erasures_open|license_types|events|own|taken|json_each|sent)/.test(
            scan,
          ),
      ),
    ).toEqual([]);
    // Along the index of standings the digest would read every active license.
    expect((await plansOf(statements)).filter((plan) => plan.includes("licenses_by_status"))).toEqual([]);
    // A night with a digest and nothing that is due asks 36 times (test/jobs/jobs.spec.ts). The license that ends takes
    // six more: its contacts, what was told before, the notice, what to join, the joined mail, and the seal.
    expect(cost.trips).toBe(36 + 6);
  });

  it("refuses a trigger that it does not know", async () => {
    await expect(fire("1 2 3 4 5", env)).rejects.toThrow("1 2 3 4 5");
  });
});

/** Bindings where something happens right before the first mail is written. */
function beforeWriting(bindings: Env, happens: () => Promise<void>): Env {
  let happened = false;
  const pass = async <T>(run: () => Promise<T>, isHit: boolean): Promise<T> => {
    if (!happened && isHit) {
      happened = true;
      await happens();
    }
    return run();
  };
  return passing(/^INSERT INTO messages/, pass, bindings);
}

/** Bindings whose D1 dies, and stays dead, before its n-th write; requests to Resend count as one. */
function dyingAt(boundary: number, bindings: Env) {
  let steps = 0;
  let dead = false;
  const pass = (isStep: boolean): void => {
    dead ||= isStep && steps++ === boundary;
    if (dead) throw new Error("killed");
  };
  const reads = new WeakSet<object>();
  const DB = {
    prepare: (sql: string) => ({
      bind(...values: unknown[]) {
        const statement = bindings.DB.prepare(sql).bind(...values);
        if (/^\s*(SELECT|WITH)\b/.test(sql)) reads.add(statement);
        const [all, raw] = [statement.all.bind(statement), statement.raw.bind(statement)];
        const alone = async <T>(run: () => Promise<T>): Promise<T> => {
          pass(false);
          return run();
        };
        return Object.assign(statement, { all: () => alone(() => all()), raw: () => alone(() => raw()) });
      },
    }),
    async batch(statements: D1PreparedStatement[]) {
      pass(!statements.every((statement) => reads.has(statement)));
      return bindings.DB.batch(statements);
    },
  } as unknown as D1Database;
  return {
    bindings: { ...bindings, DB },
    asked: (): null => {
      pass(true);
      return null;
    },
    died: () => dead,
  };
}
