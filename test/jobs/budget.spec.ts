// D1 allows 1 000 queries an invocation, and each statement of a batch is one.
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, FakeResend, fire, mailing, NIGHTLY } from "../support/mail.ts";
import { rows } from "../support/service.ts";
import { spent } from "../support/spent.ts";

const NIGHT = Date.parse("2110-03-01T03:00:00Z");
/** Rendering 20 000 mails takes minutes, so FAULTS=all asks for them. Otherwise the queries of fewer are projected. */
const MANY = env.FAULTS === "all" ? 20_000 : 1_000;
const MEANT = 20_000;

/** Bindings whose D1 refuses more than so many queries of one invocation, as the real one does. */
function limited(bindings: Env, limit = 1_000) {
  let queries = 0;
  const spend = (n: number): void => {
    queries += n;
    if (queries > limit) throw new Error("Too many API requests by single worker invocation.");
  };
  const DB = {
    withSession: () => DB,
    prepare: (sql: string) => ({
      bind(...values: unknown[]) {
        const statement = env.DB.prepare(sql).bind(...values);
        const [all, raw] = [statement.all.bind(statement), statement.raw.bind(statement)];
        return Object.assign(statement, {
          async all() {
            spend(1);
            return all();
          },
          async raw() {
            spend(1);
            return raw();
          },
        });
      },
    }),
    async batch(statements: D1PreparedStatement[]) {
      spend(statements.length);
      return env.DB.batch(statements);
    },
  } as unknown as D1Database;
  return { bindings: { ...bindings, DB }, queries: () => queries };
}

/** Licenses of as many customers, for which this night is the last one with seven days left; written at once. */
async function due(from: number, upTo: number): Promise<void> {
  await rows(
    `INSERT INTO customers (id, name, email, created_at, updated_at)
     WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
     SELECT printf('budget_%06d', i), 'Budget', printf('it%d@budget.example', i), 0, 0 FROM n`,
    from,
    upTo,
  );
  await rows(
    `INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days,
       lease_days, check_in_hours, features, notice_days, updated_at)
     WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
     SELECT printf('lic_budget_%06d', i), printf('budget_%06d', i), 'standard', 'active', 1, ?3, ?4 + (i % 3600) * 1000, 14, 30, 24, '[]', '[7]', ?3
     FROM n`,
    from,
    upTo,
    NIGHT - 100 * DAY,
    NIGHT + 7 * DAY,
  );
}

const pending = async (): Promise<number> =>
  (
    await rows<{ n: number }>(
      "SELECT count(*) AS n FROM messages WHERE license_id GLOB 'lic_budget_*' AND status = 'pending'",
    )
  )[0]!.n;

beforeAll(async () => {
  await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
  await rows("DELETE FROM jobs");
  for (let n = 0; n < MANY; n += 1_000) await due(n, n + 1_000);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a night with 20 000 due and 20 000 to send", () => {
  it(
    "stays within the queries of an invocation, and the ten-minute trigger sends the rest",
    {
      timeout: 900_000,
    },
    async () => {
      // Without mail first: what the notices take, whatever else is due.
      setTime(NIGHT - DAY);
      const quiet = limited(env);
      await fire(NIGHTLY, quiet.bindings, NIGHT - DAY);
      const resend = new FakeResend();
      setTime(NIGHT);
      const night = limited(mailing());
      await fire(NIGHTLY, night.bindings, NIGHT);
      expect(night.queries()).toBeLessThanOrEqual(1_000);
      const [row] = await rows<{ outcome: string; counts: string }>(
        "SELECT outcome, counts FROM jobs WHERE name = 'nightly'",
      );
      const counts = JSON.parse(row!.counts);
      expect([row!.outcome, counts.notices_written]).toEqual(["good", MANY]);
      // Mail stops by itself: six for a request, and four for a page of 500 that is joined.
      const mail = resend.requests.length * 6 + Math.ceil((MANY + 1) / 500) * 4;
      const perNotice = (night.queries() - quiet.queries() - mail) / MANY;
      // What is left by the notices of 20 000 is for the seals, the digest, and the first mail.
      expect(quiet.queries() + perNotice * MEANT).toBeLessThan(750);
      for (let n = 1; n < 6 && (await pending()) > 0; n++) {
        const at = NIGHT + n * 600_000;
        setTime(at);
        const run = limited(mailing());
        await fire(DELIVERIES, run.bindings, at);
        expect(run.queries()).toBeLessThanOrEqual(1_000);
      }
      expect(await pending()).toBe(0);
      expect(resend.inbox).toHaveLength(MANY);
    },
  );

  it("stops sending before D1 takes no more", { timeout: 120_000 }, async () => {
    const resend = new FakeResend();
    await rows(
      "UPDATE messages SET status = 'pending', batch_id = NULL, attempts = 0, next_try_at = 0 WHERE id IN (SELECT id FROM messages WHERE license_id GLOB 'lic_budget_*' LIMIT 1000)",
    );
    setTime(NIGHT + DAY);
    const { runDeliveries } = await import("../../src/jobs/deliveries.ts");
    await runDeliveries(spent(mailing(), 880), NIGHT + DAY);
    expect(resend.requests.length).toBeGreaterThan(1);
    expect(resend.requests.length).toBeLessThan(10);
    const [row] = await rows<{ counts: string }>("SELECT counts FROM jobs WHERE name = 'deliveries'");
    expect(JSON.parse(row!.counts).queries).toBeLessThanOrEqual(1_000);
  });
});

describe("a night with more than one invocation can write", () => {
  it(
    "stops in time and is carried on by the ten-minute trigger, each notice once",
    { timeout: 120_000 },
    async () => {
      await rows("DELETE FROM messages WHERE license_id GLOB 'lic_budget_*'");
      setTime(NIGHT);
      const calls: string[] = [];
      vi.stubGlobal("fetch", async (url: string) => {
        calls.push(url);
        return new Response("OK");
      });
      const staff = "budget@smarthaus.example";
      const bindings: Env = { ...env, ADMIN_EMAILS: staff, HEARTBEAT_URL: "https://watch.example/ping" };
      const digests = () => rows("SELECT id FROM messages WHERE recipient = ?", staff);
      const { runNightly } = await import("../../src/jobs/nightly.ts");
      const written = async () =>
        (
          await rows<{ n: number }>("SELECT count(*) AS n FROM messages WHERE license_id GLOB 'lic_budget_*'")
        )[0]!.n;
      await runNightly(spent(bindings, 738), NIGHT);
      const first = await written();
      expect(first).toBeGreaterThanOrEqual(500);
      expect(first).toBeLessThan(MANY);
      expect(await rows("SELECT outcome FROM jobs WHERE name = 'nightly'")).toEqual([
        { outcome: "unfinished" },
      ]);
      // What tells of the night as a whole waits for its end.
      expect([await digests(), calls]).toEqual([[], []]);
      setTime(NIGHT + 600_000);
      await fire(DELIVERIES, bindings, NIGHT + 600_000);
      expect(await written()).toBe(MANY);
      expect(await rows("SELECT outcome FROM jobs WHERE name = 'nightly'")).toEqual([{ outcome: "good" }]);
      expect(await digests()).toHaveLength(1);
      expect(calls).toEqual([bindings.HEARTBEAT_URL]);
    },
  );
});
