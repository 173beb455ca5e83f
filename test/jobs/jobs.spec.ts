// What is kept of a run of a job, who is told, and what becomes of a night that fails, dies, is missed, or comes twice.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { runNightly } from "../../src/jobs/nightly.ts";
import { runJob, type Step } from "../../src/jobs/run.ts";
import { oldSteps } from "../../src/jobs/steps.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { failing, faulty, OVERLOADED } from "../support/faulty.ts";
import { DELIVERIES, FakeResend, fire, mailing, NIGHTLY } from "../support/mail.ts";
import { recorded } from "../support/meter.ts";
import { freshRecord } from "../support/record.ts";
import { spent } from "../support/spent.ts";
import { visitorOf } from "../support/crew.ts";
import { admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const HOUR = 3_600_000;
let night = Date.parse("2033-01-10T03:00:00Z");
let log: Record<string, unknown>[];

beforeEach(async () => {
  night += 400 * DAY;
  setTime(night);
  await rows("DELETE FROM jobs");
  await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
  // Other tests' licenses that end in these weeks are told by no night here.
  await rows(
    "UPDATE licenses SET notice_days = '[]' WHERE expires_at BETWEEN ?1 AND ?1 + 864e7",
    night - 30 * DAY,
  );
  // Nor are the turns of these 400 days, and nobody listens.
  await rows("UPDATE time_walk SET up_to = ?", night - DAY);
  await rows("UPDATE webhook_endpoints SET active = 0");
  log = [];
  for (const method of ["log", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((line: string) => void log.push(JSON.parse(line)));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

interface Job {
  due_at: number;
  started_at: number;
  ended_at: number | null;
  outcome: string;
  counts: string;
  failures: string;
  good_at: number | null;
  good_due_at: number | null;
}

/** An end whose seventh day is told this night. */
const inAWeek = (): string => new Date(Date.now() + 7.5 * DAY).toISOString();

const rowOf = async (name = "nightly"): Promise<Job> =>
  (await rows<Job>("SELECT * FROM jobs WHERE name = ?", name))[0]!;

const told = async (): Promise<Record<string, unknown>[]> =>
  (
    await rows<{ entity_id: string; actor_type: string; detail: string }>(
      "SELECT entity_id, actor_type, detail FROM events WHERE action = 'job.failed' AND at BETWEEN ?1 AND ?1 + 864e6 ORDER BY id",
      night,
    )
  ).map(({ entity_id, detail }) => Object.assign({ job: entity_id }, JSON.parse(detail)));

const SEALING = /INSERT INTO audit_seals/;

describe("a good run", () => {
  it("is one line in the log and a row, each with what it did", async () => {
    await freshRecord();
    const { id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    await newLicense({ customer_id: id, expires_at: inAWeek() });
    log = [];
    await fire(NIGHTLY, env, night);
    expect(log).toEqual([
      {
        level: "info",
        event: "job",
        job: "nightly",
        outcome: "good",
        request_id: expect.stringMatching(/^[\w-]{36}$/),
        ms: 0,
        notices_written: 1,
        mails_sent: 0,
        queries: expect.any(Number),
      },
    ]);
    const { queries } = log[0] as { queries: number };
    expect(queries).toBe(57);
    const row = await rowOf();
    expect(row).toMatchObject({ due_at: night, started_at: night, ended_at: night, outcome: "good" });
    expect(JSON.parse(row.counts)).toEqual({ notices_written: 1, mails_sent: 0, queries });
    log = [];
    await fire(DELIVERIES, env, night);
    expect(log).toMatchObject([{ event: "job", job: "deliveries" }]);
    expect(await told()).toEqual([]);
  });

  it("asks only so often where nothing is due", async () => {
    await freshRecord();
    await newLicense();
    await fire(NIGHTLY, env, night);
    await fire(DELIVERIES, env, night);
    const cost = async (cron: string, more: Partial<Env> = {}) => {
      const { bindings: counting, cost: asked, statements } = recorded();
      await fire(cron, { ...counting, ...more }, Date.now());
      return { trips: asked.trips, statements: statements.length, written: asked.written };
    };
    setTime(night + DAY);
    expect(await cost(NIGHTLY)).toEqual({ trips: 29, statements: 54, written: 4 });
    // The first of a day counts the versions that run.
    expect(await cost(DELIVERIES)).toEqual({ trips: 25, statements: 56, written: 6 });
    expect(await cost(DELIVERIES)).toEqual({ trips: 25, statements: 54, written: 5 });
    setTime(night + 2 * DAY);
    // With a digest for staff.
    const staff = { ADMIN_EMAILS: "ops@smarthaus.example" };
    expect(await cost(NIGHTLY, staff)).toMatchObject({ trips: 36, statements: 67 });
  });

  it("counts the mail that it sent", async () => {
    const resend = new FakeResend();
    const { id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    await newLicense({ customer_id: id, expires_at: inAWeek() });
    await fire(NIGHTLY, mailing(), night);
    expect(JSON.parse((await rowOf()).counts)).toMatchObject({ notices_written: 1, mails_sent: 1 });
    expect(resend.inbox).toHaveLength(1);
  });
});

describe("a run that fails", () => {
  it("keeps the first 300 characters of the error in its row: a database may say a lot", async () => {
    await newCustomer();
    const message = `D1_ERROR: ${"x".repeat(5_000)}`;
    await fire(NIGHTLY, failing(SEALING, env, message), night).catch(() => null);
    expect(JSON.parse((await rowOf()).failures)).toEqual([{ step: "seal", error: message.slice(0, 300) }]);
  });

  it("has failed, also where another step has more to do", async () => {
    const steps: Step[] = [
      { name: "long", run: async () => ({ unfinished: true }) },
      {
        name: "bad",
        run: async () => {
          throw new Error("no");
        },
      },
      { name: "last", run: async () => ({ counts: { done: 1 } }) },
    ];
    await expect(runJob(spent(env, 0), "nightly", night, steps)).rejects.toThrow("failed at bad");
    const row = await rowOf();
    expect(row).toMatchObject({ outcome: "failed", good_at: null });
    expect(JSON.parse(row.counts)).toMatchObject({ done: 1 });
    expect(await told()).toEqual([{ job: "nightly", is: "failed", steps: ["bad"] }]);
  });

  it("is told for each job by itself, both on the same day", async () => {
    await newCustomer();
    const bad = failing(/INSERT INTO audit_seals|INSERT INTO activation_days/);
    await fire(NIGHTLY, bad, night).catch(() => null);
    await newCustomer();
    await fire(DELIVERIES, bad, night).catch(() => null);
    expect((await told()).map(({ job }) => job)).toEqual(["nightly", "deliveries"]);
  });

  it("logs each failure with job, step, and request id, and goes on with the next step", async () => {
    await admin("/customers", { body: { id: unique("c"), name: "C" } });
    log = [];
    const bindings = failing(/INSERT INTO audit_seals|INSERT INTO activation_days/);
    await expect(fire(NIGHTLY, bindings, night)).rejects.toThrow(
      "The job nightly failed at seal, statistics (",
    );
    const failures = log.filter(({ level }) => level === "error");
    expect(failures).toMatchObject([
      { event: "database unavailable", reason: "busy", job: "nightly", step: "seal", error: OVERLOADED },
      { event: "database unavailable", reason: "busy", job: "nightly", step: "statistics" },
    ]);
    expect(new Set(failures.map(({ request_id }) => request_id)).size).toBe(1);
    expect(log.filter(({ event }) => event === "job")).toEqual([]);
    const row = await rowOf();
    expect(row).toMatchObject({ ended_at: night, outcome: "failed", good_at: null });
    expect(JSON.parse(row.failures)).toEqual([
      { step: "seal", error: OVERLOADED },
      { step: "statistics", error: OVERLOADED },
    ]);
    expect(await told()).toEqual([{ job: "nightly", is: "failed", steps: ["seal", "statistics"] }]);
  });

  it("is an event once a night, and anew after a good run", async () => {
    await newCustomer();
    const bad = failing(SEALING);
    for (let n = 0; n < 3; n++) await fire(NIGHTLY, bad, night).catch(() => null);
    expect(await told()).toHaveLength(1);
    await fire(NIGHTLY, env, night);
    await newCustomer();
    await fire(NIGHTLY, bad, night).catch(() => null);
    expect(await told()).toHaveLength(2);
    setTime(night + DAY);
    await fire(NIGHTLY, bad, night + DAY).catch(() => null);
    expect(await told()).toHaveLength(3);
  });

  it("is told to staff in the digest of the same night, and of the next one", async () => {
    const resend = new FakeResend();
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    await newCustomer();
    const bad = failing(SEALING, bindings);
    for (const [n, database] of [bad, bad, bindings, bindings].entries()) {
      setTime(night + n * DAY);
      await fire(DELIVERIES, env, night + n * DAY);
      await fire(NIGHTLY, database, night + n * DAY).catch(() => null);
    }
    const [first, second, third, fourth] = resend.to(staff).map(({ text }) => text);
    // Once, also where the night before failed as well.
    for (const text of [first, second])
      expect(text).toMatch(
        /^Jobs \(1\)[\s\S]*nightly[\s\S]*seal[\s\S]*failed[\s\S]*overloaded[\s\S]*docs\/operations\/broken-seals\.md/m,
      );
    expect(third).toMatch(/^Jobs \(1\)[\s\S]*nightly/m);
    expect(fourth).not.toMatch(/^Jobs /m);
  });

  it.each([
    ["in one run", async () => undefined],
    ["in two", async (bindings: Env) => runNightly(spent(bindings, 745), night + 2 * DAY)],
  ])("loses nothing of what the digest tells where the next one ends %s", async (_, begin) => {
    const resend = new FakeResend();
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = mailing({ ADMIN_EMAILS: staff });
    const { id } = await newCustomer({ email: null });
    await fire(NIGHTLY, bindings, night);
    const { license } = await newLicense({
      customer_id: id,
      notice_days: [7],
      expires_at: new Date(night + 8.5 * DAY).toISOString(),
    });
    setTime(night + DAY);
    await fire(
      NIGHTLY,
      failing(/FROM json_each\(license_types|WITH RECURSIVE own/, bindings),
      night + DAY,
    ).catch(() => null);
    setTime(night + 2 * DAY);
    // Its period begins again at the last good night.
    await begin(bindings);
    await fire(NIGHTLY, bindings, night + 2 * DAY);
    const [, broken, mended] = resend.to(staff).map(({ text }) => text);
    expect(broken).toMatch(/^Jobs /m);
    expect(broken).not.toContain("Without an e-mail address");
    expect(mended!.split("Without an e-mail address")[1]).toContain(license.id);
  });

  it("tells of eight days, however long ago the last good night was", async () => {
    const resend = new FakeResend();
    const staff = `${unique("staff")}@smarthaus.example`;
    const { id } = await newCustomer();
    setTime(night - 20 * DAY);
    const endedAgo = async (days: number): Promise<string> => {
      const expires_at = new Date(night - days * DAY).toISOString();
      return (await newLicense({ customer_id: id, expires_at, notice_days: [] })).license.id;
    };
    const [lately, before] = [await endedAgo(7), await endedAgo(9)];
    setTime(night);
    const bindings = mailing({ ADMIN_EMAILS: staff });
    await fire(NIGHTLY, env, night);
    await rows(
      "UPDATE jobs SET outcome = 'failed', good_due_at = ? WHERE name = 'nightly'",
      night - 20 * DAY,
    );
    await fire(NIGHTLY, bindings, night);
    const [digest] = resend.to(staff);
    expect(digest!.text).toContain(lately);
    expect(digest!.text).not.toContain(before);
  });

  it("is logged and still does what it can where its row cannot be written", async () => {
    const resend = new FakeResend();
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    await newLicense({ customer_id: id, expires_at: inAWeek() });
    log = [];
    await expect(fire(NIGHTLY, failing(/\bjobs\b/, mailing()), night)).rejects.toThrow("at begin, end (");
    expect(log.map(({ step }) => step)).toEqual(["begin", "end"]);
    expect(resend.to(email)).toHaveLength(1);
  });

  it("says so for every step where the database is gone", async () => {
    const { bindings } = faulty(() => ({ moment: "before", message: OVERLOADED }));
    await expect(fire(NIGHTLY, bindings, night)).rejects.toThrow("nightly failed");
    const old = oldSteps.map(({ name }) => name);
    expect(log.map(({ step }) => step)).toEqual([
      "begin",
      "erasures",
      "notices",
      "seal",
      "statistics",
      "statements",
      ...old,
      "backup",
      "turns",
      "webhooks",
      "end",
    ]);
  });
});

describe("a night that does not come", () => {
  it("is told once a day by the ten-minute trigger", async () => {
    await fire(NIGHTLY, env, night);
    for (let minutes = 0; minutes < 30 * 60; minutes += 120) {
      setTime(night + minutes * 60_000);
      await fire(DELIVERIES, env, Date.now());
    }
    expect(await told()).toEqual([{ job: "nightly", is: "late", steps: [] }]);
    setTime(night + 2.2 * DAY);
    await fire(DELIVERIES, env, Date.now());
    expect(await told()).toHaveLength(2);
  });
});

describe("a night that was killed", () => {
  it("is carried on by the ten-minute trigger, for the same time", async () => {
    const resend = new FakeResend();
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    await newLicense({ customer_id: id, expires_at: inAWeek() });
    await fire(DELIVERIES, env, night);
    await rows("UPDATE jobs SET due_at = ?1, started_at = ?1 WHERE name = 'nightly'", night);
    setTime(night + 10 * 60_000);
    await fire(DELIVERIES, mailing(), Date.now());
    expect(resend.to(email)).toHaveLength(0);
    setTime(night + 30 * 60_000);
    log = [];
    await fire(DELIVERIES, mailing(), Date.now());
    expect(resend.to(email)).toHaveLength(1);
    expect(await rowOf()).toMatchObject({
      due_at: night,
      outcome: "good",
      good_at: night + 30 * 60_000,
      good_due_at: night,
    });
    // The two together might take more queries than D1 allows.
    expect(log.filter(({ event }) => event === "job").map(({ job }) => job)).toEqual(["nightly"]);
    setTime(night + 40 * 60_000);
    log = [];
    await fire(DELIVERIES, mailing(), Date.now());
    expect(log).toMatchObject([{ event: "job", job: "deliveries" }]);
  });
});

it("a ten-minute run that cannot read how the night ended says so, and still sends", async () => {
  const resend = new FakeResend();
  const email = `${unique("it")}@acme.example`;
  const { id } = await newCustomer({ email });
  const { license } = await newLicense({ customer_id: id });
  await admin(`/licenses/${license.id}/send-email`, { body: {}, bindings: mailing() });
  log = [];
  await expect(fire(DELIVERIES, failing(/\bjobs\b/, mailing()), night)).rejects.toThrow("at begin, end (");
  expect(log).toMatchObject([
    { event: "database unavailable", job: "deliveries", step: "carry on" },
    { step: "begin" },
    { step: "end" },
  ]);
  expect(resend.to(email)).toHaveLength(1);
});

describe("a night that failed and has more to do", () => {
  it("is carried on by the ten-minute trigger until all is written, and tells staff of its failure", async () => {
    const resend = new FakeResend();
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = failing(SEALING, mailing({ ADMIN_EMAILS: staff }));
    const email = `${unique("it")}@acme.example`;
    const { id } = await newCustomer({ email });
    await newLicense({ customer_id: id, expires_at: inAWeek() });
    // No room for a page of notices.
    await expect(runNightly(spent(bindings, 745), night)).rejects.toThrow("failed at seal");
    expect(await rowOf()).toMatchObject({ outcome: "failed" });
    expect([resend.to(email), resend.to(staff)]).toEqual([[], []]);
    setTime(night + 10 * 60_000);
    log = [];
    await expect(fire(DELIVERIES, bindings, Date.now())).rejects.toThrow("The job nightly failed at seal");
    expect(resend.to(email)).toHaveLength(1);
    expect(resend.to(staff)).toMatchObject([{ text: expect.stringMatching(/^Jobs \(1\)[\s\S]*seal/m) }]);
    expect(await told()).toEqual([{ job: "nightly", is: "failed", steps: ["seal"] }]);
    // All is written now: it failed, and is not begun again.
    setTime(night + 20 * 60_000);
    log = [];
    await fire(DELIVERIES, env, Date.now());
    expect(log).toMatchObject([{ event: "job", job: "deliveries" }]);
    expect(await rowOf()).toMatchObject({ due_at: night, outcome: "failed", good_at: null });
  });
});

describe("HEARTBEAT_URL", () => {
  const URL_OF = "https://watch.smarthaus.example/ping/5f0c";
  let calls: string[];
  let answer: () => Response;

  beforeEach(() => {
    calls = [];
    answer = () => new Response("OK");
    vi.stubGlobal("fetch", async (url: string) => {
      calls.push(url);
      return answer();
    });
  });

  const bindings = (url = URL_OF): Env => ({ ...env, HEARTBEAT_URL: url });

  it("is called after each good night, and after no other run", async () => {
    await fire(NIGHTLY, bindings(), night);
    expect(calls).toEqual([URL_OF]);
    await fire(DELIVERIES, bindings(), night);
    await newCustomer();
    await fire(NIGHTLY, failing(SEALING, bindings()), night).catch(() => null);
    expect(calls).toHaveLength(1);
  });

  it.each<[string, () => Response, string]>([
    ["refuses", () => new Response("no", { status: 500 }), "It answered 500."],
    [
      "does not answer",
      () => {
        throw new TypeError(`no route to ${URL_OF}`);
      },
      "TypeError",
    ],
  ])("never fails the night where it %s; the address is not logged", async (_, given, error) => {
    answer = given;
    await fire(NIGHTLY, bindings(), night);
    expect(log).toContainEqual(expect.objectContaining({ level: "error", event: "heartbeat", error }));
    expect(JSON.stringify(log)).not.toContain("5f0c");
    expect(await rowOf()).toMatchObject({ outcome: "good" });
  });

  it("is waited for no longer than ten seconds", async () => {
    const timeout = vi
      .spyOn(AbortSignal, "timeout")
      .mockReturnValue(AbortSignal.abort(new TypeError("over")));
    vi.stubGlobal("fetch", async (_url: string, { signal }: RequestInit) => {
      signal!.throwIfAborted();
      return new Response("OK");
    });
    await fire(NIGHTLY, bindings(), night);
    expect(timeout).toHaveBeenCalledWith(10_000);
    expect(log).toContainEqual(expect.objectContaining({ event: "heartbeat", error: "TypeError" }));
    expect(await rowOf()).toMatchObject({ outcome: "good" });
  });

  it("is https, or on this machine while the service is", async () => {
    for (const url of ["http://localhost:9/x", "http://127.0.0.1:9/x"])
      await fire(NIGHTLY, bindings(url), night);
    expect(calls).toHaveLength(2);
    for (const url of ["http://watch.example/x", "file:///x", "nothing"]) {
      await fire(NIGHTLY, bindings(url), night);
      expect(log).toContainEqual(
        expect.objectContaining({ event: "heartbeat", error: "HEARTBEAT_URL is malformed." }),
      );
    }
    const outside = {
      ...bindings("http://localhost:9/x"),
      ISSUER: "https://licensing.smarthaus.example",
      // Whose seals these are.
      ISSUER_FORMER: env.ISSUER,
    };
    await fire(NIGHTLY, outside, night);
    expect(calls).toHaveLength(2);
  });
});

describe("the console", () => {
  it("shows a job that failed, and one that is late, under what needs attention", async () => {
    await newCustomer();
    await fire(NIGHTLY, failing(SEALING), night).catch(() => null);
    const { headers } = await visitorOf(env.ADMIN_TOKEN);
    const page = await call("/admin", { headers });
    expect(page.text).toContain("job failed");
    expect(page.text).toContain('href="/admin/activity?action=job.failed"');
    expect(page.text).toContain("D1 DB is overloaded");
    expect(page.text).toContain("What to do: docs/operations/broken-seals.md");
    expect(page.text).not.toContain("docs/operations/database-full.md");
    await rows("UPDATE jobs SET outcome = 'good', good_at = ?1, known_since = ?1", night - 27 * HOUR);
    expect((await call("/admin", { headers })).text).toContain("job late");
  });

  it("and the digest say that the database is nearly full, and what to do", async () => {
    const resend = new FakeResend();
    const staff = `${unique("staff")}@smarthaus.example`;
    const bindings = { ...mailing({ ADMIN_EMAILS: staff }), DATABASE_MAX_BYTES: "100000" };
    await fire(NIGHTLY, bindings, night);
    const [digest] = resend.to(staff);
    expect(digest!.subject).toMatch(/(?:, |: )database nearly full/);
    expect(digest!.text).toMatch(
      /^Database nearly full \(1\)[\s\S]*docs\/operations\/database-full\.md[\s\S]*of 100000 bytes\.$/m,
    );
    const { headers } = await visitorOf(env.ADMIN_TOKEN);
    const page = await call("/admin", { headers, bindings });
    expect(page.text).toMatch(/of 100000 bytes\.[\s\S]*docs\/operations\/database-full\.md/);
  });
});
