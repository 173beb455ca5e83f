// What whoever watches the service is told, and by which answer.
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../src/config.ts";
import { newTokens, PERSON_ROLES, ROLES, type Role } from "../support/crew.ts";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { failing, faulty, LOST, OVERLOADED } from "../support/faulty.ts";
import { DELIVERIES, fire, NIGHTLY } from "../support/mail.ts";
import { metered } from "../support/meter.ts";
import { forgetReceivers } from "../support/receivers.ts";
import { admin, call, newCustomer, newLicense, newToken, ORIGIN, rows, unique } from "../support/service.ts";

const HOUR = 3_600_000;
const START = Date.parse("2028-05-06T03:00:00Z");

beforeEach(async () => {
  setTime(START);
  await rows("DELETE FROM jobs");
  await rows("DELETE FROM backups");
  await rows("UPDATE messages SET status = 'skipped' WHERE status IN ('pending', 'failed')");
});

const runAll = async (): Promise<void> => {
  await fire(NIGHTLY, env, Date.now());
  await fire(DELIVERIES, env, Date.now());
};

/** A database that is full: it answers, and refuses every write that needs room. */
const full = (message = "D1_ERROR: Exceeded maximum DB size.") =>
  failing(/^\s*(INSERT|UPDATE)/, env, message);

describe("GET /v1/admin/health", () => {
  it("says that all is well, with what the jobs did, at one trip to write and one to read", async () => {
    await newCustomer();
    await runAll();
    const { bindings, cost } = metered();
    const { status, body } = await admin("/health", { bindings });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "ok",
      problems: [],
      jobs: {
        nightly: {
          last_start_at: "2028-05-06T03:00:00.000Z",
          last_end_at: "2028-05-06T03:00:00.000Z",
          outcome: "good",
          counts: { notices_written: expect.any(Number), mails_sent: 0 },
          failures: [],
          late: false,
        },
        deliveries: { outcome: "good" },
      },
      mail: { configured: false, waiting: 0, oldest_at: null, failed: 0 },
      webhook_endpoints: { active: 0, failing: 0, switched_off: 0, oldest_at: null },
      database: { of: 10_000_000_000, takes_writes: true },
      backups: { bound: true },
    });
    expect(body.database.bytes).toBeGreaterThan(100_000);
    expect(body.notes).toEqual([]);
    expect(cost.trips).toBe(2);
    expect(await rows("SELECT * FROM write_probe")).toEqual([]);
  });

  it("counts webhook endpoints, and says from when the oldest event is that one of them waits for", async () => {
    await forgetReceivers();
    await runAll();
    const EVENTS =
      "INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)";
    const [last] = await rows<{ id: number }>(
      `${EVENTS} VALUES (?, 'record.sealed', 'record', 'x', 'system', 'x', 'r', '{}') RETURNING id`,
      START - HOUR,
    );
    const has = async (active: number, failures: number, offAt: number | null, cursor: number) =>
      rows(
        `INSERT INTO webhook_endpoints (id, url, events, active, include_personal, cursor, failures, failing_since,
           switched_off_at, created_at, updated_at)
         VALUES (?, 'https://hooks.acme.example/secret', '["*"]', ?, 0, ?, ?, iif(?4 > 0, 1, NULL), ?, 0, 0)`,
        unique("whe"),
        active,
        cursor,
        failures,
        offAt,
      );
    // Those that are paused or switched off wait for nothing.
    await has(0, 0, null, 0);
    await has(0, 9, START, 0);
    await has(1, 0, null, last!.id);
    const read = async () => (await admin("/health")).body.webhook_endpoints;
    expect(await read()).toEqual({ active: 1, failing: 0, switched_off: 1, oldest_at: null });
    await has(1, 2, null, last!.id - 1);
    expect(await read()).toEqual({
      active: 2,
      failing: 1,
      switched_off: 1,
      oldest_at: "2028-05-06T02:00:00.000Z",
    });
    const { text } = await admin("/metrics");
    expect(text).toContain("caio_webhook_endpoints 2\n");
    expect(text).toContain("caio_webhook_endpoints_failing 1\n");
    expect(text).toContain("caio_webhook_endpoints_switched_off 1\n");
    expect(text).toContain(`caio_webhook_oldest_waiting_timestamp_seconds ${(START - HOUR) / 1_000}\n`);
    expect(text).not.toContain("acme");
    await forgetReceivers();
  });

  it("says so where no bucket is bound for backups", async () => {
    await runAll();
    const { BACKUPS: _none, ...bindings } = env;
    const { status, body } = await admin("/health", { bindings });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "ok", backups: { bound: false } });
    expect(body.notes).toEqual([expect.stringContaining("No bucket BACKUPS is bound")]);
  });

  it("is 503 once there was no good night for 26 hours, and well again after the next", async () => {
    await runAll();
    setTime(START + 26 * HOUR);
    await fire(DELIVERIES, env);
    expect((await admin("/health")).status).toBe(200);
    setTime(START + 26 * HOUR + 1);
    const late = await admin("/health");
    expect(late).toMatchObject({
      status: 503,
      body: {
        code: "SERVICE_UNAVAILABLE",
        detail: expect.stringContaining("The job nightly is late"),
        jobs: { nightly: { late: true, last_good_at: "2028-05-06T03:00:00.000Z" } },
      },
    });
    expect(Number(late.headers.get("Retry-After"))).toBeGreaterThan(0);
    await fire(NIGHTLY, env);
    expect((await admin("/health")).body.status).toBe("ok");
  });

  it("takes a service without cron triggers as well for the first 26 hours, and says that no job ran", async () => {
    const { status, body } = await admin("/health");
    expect([status, body.status]).toEqual([200, "ok"]);
    expect(body.notes.join()).toContain("No job ever ran");
    setTime(START + 27 * HOUR);
    expect((await admin("/health")).status).toBe(503);
  });

  it("is 503 where the database takes no writes, with what it could read", async () => {
    await runAll();
    const { status, body } = await admin("/health", { bindings: full() });
    expect(status).toBe(503);
    expect(body).toMatchObject({ database: { takes_writes: false }, jobs: { nightly: { outcome: "good" } } });
    expect(body.problems).toContain("The database takes no writes.");
  });

  it("tries with more than the room that may be left in the last pages", async () => {
    await runAll();
    const { DB } = full();
    let tried = 0;
    const bindings = { ...env };
    bindings.DB = {
      withSession: () => bindings.DB,
      prepare: (sql: string) =>
        sql.includes("INTO write_probe")
          ? {
              bind(...values: unknown[]) {
                tried = Number(values[0]);
                return DB.prepare(sql).bind(...values);
              },
            }
          : env.DB.prepare(sql),
      batch: (s: D1PreparedStatement[]) => DB.batch(s),
    } as unknown as D1Database;
    expect((await admin("/health", { bindings })).body.database.takes_writes).toBe(false);
    // As hexadecimal digits: two of a byte. A page has 4096 bytes.
    expect(2 * tried).toBeGreaterThan(3 * 4096);
  });

  it("is 503 where the database does not answer", async () => {
    for (const message of [LOST, OVERLOADED]) {
      const { bindings } = faulty(() => ({ moment: "before", message }));
      expect((await admin("/health", { bindings })).status).toBe(503);
    }
  });

  it("counts mail that waits and mail that failed lately", async () => {
    const { id } = await newCustomer({ email: `${unique("it")}@acme.example` });
    const { license } = await newLicense({ customer_id: id });
    await runAll();
    await admin(`/licenses/${license.id}/send-email`, { body: {} });
    await rows("UPDATE messages SET status = 'pending', next_try_at = 9e15 WHERE license_id = ?", license.id);
    expect((await admin("/health")).body.mail).toMatchObject({
      waiting: 1,
      oldest_at: "2028-05-06T03:00:00.000Z",
      failed: 0,
    });
    await rows("UPDATE messages SET status = 'failed' WHERE license_id = ?", license.id);
    expect((await admin("/health")).body.mail).toMatchObject({ waiting: 0, oldest_at: null, failed: 1 });
    setTime(START + 8 * 24 * HOUR);
    await runAll();
    expect((await admin("/health")).body.mail.failed).toBe(0);
  });

  it("says how much room there is", async () => {
    await runAll();
    const bindings = { ...env, DATABASE_MAX_BYTES: "100000" };
    const { body } = await admin("/health", { bindings });
    expect(body).toMatchObject({ status: "degraded", database: { of: 100_000 } });
    expect(body.problems.join()).toContain("of 100000 bytes");
  });

  it("says that HEARTBEAT_URL is malformed, and the service goes on", async () => {
    for (const url of ["no", "http://example.com/x", "ftp://example.com"]) {
      const { status, body } = await admin("/health", { bindings: { ...env, HEARTBEAT_URL: url } });
      expect([status, body.notes.join().includes("HEARTBEAT_URL is malformed")]).toEqual([200, true]);
    }
  });
});

describe("/readyz", () => {
  const readyz = (bindings: Env = env) => call("/readyz", { bindings });

  it("is ok before any job ran, degraded when one failed or is late, and never 503 for that", async () => {
    expect((await readyz()).body).toEqual({ status: "ok" });
    await runAll();
    expect((await readyz()).body).toEqual({ status: "ok" });
    await rows("UPDATE jobs SET outcome = 'failed' WHERE name = 'nightly'");
    expect((await readyz()).body).toEqual({ status: "degraded" });
    await rows("UPDATE jobs SET outcome = 'good'");
    setTime(START + 27 * HOUR);
    expect(await readyz()).toMatchObject({ status: 200, body: { status: "degraded" } });
  });

  it("is 503 from the first write that found the database full, until one succeeds", async () => {
    let isFull = false;
    const bindings = { ...full() };
    const fullDb = bindings.DB;
    bindings.DB = {
      prepare: (sql: string) => fullDb.prepare(sql),
      withSession: () => bindings.DB,
      batch: (s: D1PreparedStatement[]) => (isFull ? fullDb : env.DB).batch(s),
    } as unknown as D1Database;
    const customer = () => admin("/customers", { bindings, body: { id: unique("customer"), name: "Acme" } });
    expect((await customer()).status).toBe(201);
    isFull = true;
    expect((await readyz(bindings)).status).toBe(200);
    expect((await customer()).status).toBe(503);
    const refused = await readyz(bindings);
    expect(refused).toMatchObject({ status: 503, body: { detail: "The database takes no writes." } });
    isFull = false;
    expect((await customer()).status).toBe(201);
    expect((await readyz(bindings)).status).toBe(200);
  });

  it("tries again where a write failed for a reason that may be over, and is 503 while it is not", async () => {
    let isBroken = true;
    const bindings = { ...env };
    const { DB } = full("D1_ERROR: disk I/O error: SQLITE_IOERR");
    bindings.DB = {
      prepare: (sql: string) => DB.prepare(sql),
      withSession: () => bindings.DB,
      batch: (s: D1PreparedStatement[]) => (isBroken ? DB : env.DB).batch(s),
    } as unknown as D1Database;
    const body = { id: unique("customer"), name: "Acme" };
    expect((await admin("/customers", { bindings, body })).status).toBe(503);
    expect((await readyz(bindings)).status).toBe(503);
    isBroken = false;
    expect(await readyz(bindings)).toMatchObject({ status: 200, body: { status: "ok" } });
  });

  it("is 503 on a database that is not migrated yet", async () => {
    expect((await readyz({ ...env, DB: env.empty })).status).toBe(503);
  });

  it("costs one trip", async () => {
    const { bindings, cost } = metered();
    await readyz(bindings);
    expect(cost).toMatchObject({ trips: 1, written: 0 });
  });
});

describe("GET /v1/admin/metrics", () => {
  it("is OpenMetrics text, by its grammar, and names no customer", async () => {
    const name = unique("Very Special");
    const { id } = await newCustomer({ name, email: `${unique("it")}@acme.example` });
    await newLicense({ customer_id: id });
    await runAll();
    const { status, text, headers } = await admin("/metrics");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(text).not.toContain(name);
    expect(text).not.toContain(id);
    const families = new Map<string, string[]>();
    let family = "";
    for (const line of text.trimEnd().split("\n").slice(0, -1)) {
      const [, kind, named] = /^# (TYPE|UNIT|HELP) ([a-z_]+) \S.*$/.exec(line) ?? [];
      if (kind === "TYPE") {
        family = named!;
        // All lines of a family stand together.
        expect(families.has(family), line).toBe(false);
        families.set(family, []);
        expect(line).toBe(`# TYPE ${family} gauge`);
      } else if (kind !== undefined) {
        expect(named, line).toBe(family);
        if (kind === "UNIT") expect(family, line).toMatch(new RegExp(`_${line.split(" ").at(-1)}$`));
      } else {
        const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
        expect(line).toMatch(new RegExp(`^${family}(?:\\{${label}(?:,${label})*\\})? -?\\d+(?:\\.\\d+)?$`));
        const sample = line.split(" ")[0]!;
        expect(families.get(family), line).not.toContain(sample);
        families.get(family)!.push(sample);
      }
    }
    expect(text).toContain('caio_job_late{job="nightly"} 0\n');
    expect(text).toContain("caio_database_takes_writes 1\n");
    expect(text).toContain(`caio_job_last_good_timestamp_seconds{job="nightly"} ${START / 1_000}\n`);
  });

  it("goes on where health is 503, so that an alarm has figures", async () => {
    setTime(START);
    await runAll();
    setTime(START + 30 * HOUR);
    const { status, text } = await admin("/metrics", { bindings: full() });
    expect(status).toBe(200);
    expect(text).toContain('caio_job_late{job="nightly"} 1\n');
    expect(text).toContain("caio_database_takes_writes 0\n");
  });
});

describe("the role monitor", () => {
  it("has tokens of their own form, which a release before it does not take for a token", async () => {
    const { token, api_token } = await newToken({ role: "monitor" });
    expect(token).toMatch(/^caio_monitor_[A-Za-z0-9_-]{32}$/);
    expect(token).not.toMatch(/^caio_[A-Za-z0-9_-]{32}$/);
    expect(api_token).toMatchObject({ role: "monitor", prefix: token.slice(0, 19) });
    expect((await call("/v1/admin/health", { token })).status).toBe(200);
    expect((await call("/v1/admin/metrics", { token })).status).toBe(200);
    const listed = (await admin("/api-tokens?limit=100")).body.data;
    expect(listed.find((one: { id: string }) => one.id === api_token.id)).toMatchObject({ role: "monitor" });
    const made = await rows<{ detail: string }>(
      "SELECT detail FROM events WHERE entity_id = ?",
      api_token.id,
    );
    expect(JSON.parse(made[0]!.detail).after.role).toBe("monitor");
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    expect((await call("/v1/admin/health", { token })).status).toBe(401);
    const [, revoked] = await rows<{ detail: string }>(
      "SELECT detail FROM events WHERE entity_id = ? ORDER BY id",
      api_token.id,
    );
    expect(JSON.parse(revoked!.detail).role).toBe("monitor");
  });

  it("opens no page", async () => {
    const { token } = await newToken({ role: "monitor" });
    const answer = await call("/admin/sign-in", {
      raw: new URLSearchParams({ token }),
      headers: { Origin: ORIGIN },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("Set-Cookie")).toBeNull();
  });

  it("is for no person", async () => {
    const people = { method: "PUT", body: { role: "monitor" } };
    expect((await admin("/people/ada@smarthaus.example", people)).status).toBe(422);
  });

  it("is the only one that may not read", async () => {
    const tokens = await newTokens();
    const status = async (role: Role) => (await call("/v1/admin/me", { token: tokens[role] })).status;
    expect(await Promise.all(ROLES.map(status))).toEqual([200, 200, 200, 403]);
    expect(PERSON_ROLES).not.toContain("monitor");
  });
});
