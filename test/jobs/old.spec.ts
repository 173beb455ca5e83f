// What is old goes, in pages, by both jobs, and nothing else does. Usage has test/licensing/usage/folding.spec.ts.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Context } from "../../src/context.ts";
import type { Env } from "../../src/config.ts";
import { dropExpired } from "../../src/access/expired.ts";
import { dropPassedTurns } from "../../src/licensing/figures/passed-turns.ts";
import { dropSettled } from "../../src/licensing/licenses/pending-old.ts";
import { dropEnded } from "../../src/licensing/seats/ended.ts";
import { forgetNewInstances } from "../../src/licensing/seats/ids/new-instances.ts";
import { forgetTexts } from "../../src/notices/outbox.ts";
import { servicesOf } from "../../src/services.ts";
import { DAY, setTime } from "../support/clock.ts";
import { Visitor } from "../support/console.ts";
import { env } from "../support/env.ts";
import { faulty, MOMENTS, OVERLOADED } from "../support/faulty.ts";
import { DELIVERIES, fire, mailing, NIGHTLY } from "../support/mail.ts";
import { metered, recorded, scansOf } from "../support/meter.ts";
import { brokenIn } from "../support/invariants.ts";
import { freshRecord } from "../support/record.ts";
import { activate, admin, deactivate, newCustomer, newLicense, rows } from "../support/service.ts";

const NOW = Date.parse("2026-06-10T08:00:00.000Z");
/** 25 months before. */
const LIMIT = Date.parse("2024-05-10T08:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  setTime(NOW);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

type Page = (context: Context) => Promise<boolean>;

const asSystem = (bindings: Env = env): Context => ({
  ...servicesOf(bindings),
  actor: { type: "system", id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

async function all(page: Page, bindings?: Env): Promise<number> {
  const context = asSystem(bindings);
  let pages = 1;
  while (await page(context)) pages++;
  return pages;
}

const idsOf = async (sql: string): Promise<unknown[]> =>
  (await rows(sql)).map((row) => Object.values(row)[0]);

/** A message, written so long ago. */
async function message(
  daysAgo: number,
  status = "sent",
  more: Record<string, unknown> = {},
): Promise<string> {
  const at = NOW - daysAgo * DAY;
  const id = `msg_${asSystem().ids.ulid(at)}`;
  const row = {
    id,
    dedupe_key: id,
    kind: "admin_digest",
    recipient: "ada@acme.example",
    subject: "S",
    ...more,
  };
  const columns = Object.keys(row);
  await rows(
    `INSERT INTO messages (${columns.join(", ")}, content, status, created_at, updated_at)
     VALUES (${columns.map(() => "?").join(", ")}, 'text', ?, ?, ?)`,
    ...Object.values(row),
    status,
    at,
    at,
  );
  return id;
}

const withText = () => idsOf("SELECT id FROM messages WHERE content <> '' ORDER BY id");

describe("the texts of mails", () => {
  it("go after RETAIN_MAIL_DAYS; the rows stay as they are", async () => {
    const old = await message(91);
    const young = await message(89);
    const [before] = await rows("SELECT * FROM messages WHERE id = ?", old);
    await all(forgetTexts);
    expect(await withText()).toEqual([young]);
    expect(await rows("SELECT * FROM messages WHERE id = ?", old)).toEqual([{ ...before, content: "" }]);
    await all(forgetTexts, { ...env, RETAIN_MAIL_DAYS: "30" });
    expect(await withText()).toEqual([]);
  });

  it("stay while a message waits, and of those that go out with it", async () => {
    await message(130);
    const beside = await message(120, "skipped", { batch_id: "bat_1" });
    const waiting = await message(110, "pending", { batch_id: "bat_1" });
    const later = await message(100);
    await all(forgetTexts);
    expect(await withText()).toEqual([beside, waiting, later]);
    await rows("UPDATE messages SET status = 'sent' WHERE id = ?", waiting);
    await all(forgetTexts);
    expect(await withText()).toEqual([]);
  });

  it("are shown no more, and cannot be sent again: by one, and by a filter", async () => {
    const { license } = await newLicense();
    const id = await message(91, "failed", { license_id: license.id, customer_id: license.customer_id });
    await all(forgetTexts);
    const { body } = await admin(`/messages/${id}`);
    expect(body).toMatchObject({ id, recipient: "ada@acme.example", status: "failed", preview: null });
    const bindings = mailing();
    expect(await admin(`/messages/${id}/retry`, { method: "POST", bindings })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT", detail: "Its text is not kept any more." },
    });
    const many = await admin("/messages/retry", { body: { status: "failed" }, bindings });
    expect(many.body).toMatchObject({ retried: 0 });
    const visitor = await Visitor.signIn();
    expect((await visitor.get(`/admin/messages/${id}/body`)).text).toContain("RETAIN_MAIL_DAYS");
    expect(await rows("SELECT status FROM messages")).toEqual([{ status: "failed" }]);
  });
});

/** Ends activations of a license at these instants. */
async function ended(...ends: number[]): Promise<string[]> {
  const { license, license_key: key } = await newLicense({ max_instances: null, license_type: "enterprise" });
  const ids: string[] = [];
  for (const [n, end] of ends.entries()) {
    ids.push((await activate(key, `box-${n}`)).body.activation_id);
    await deactivate(key, `box-${n}`);
    await rows(
      "UPDATE activations SET activated_at = 0, ended_at = ? WHERE license_id = ? AND instance_id = ?",
      end,
      license.id,
      `box-${n}`,
    );
  }
  ids.push((await activate(key, "runs")).body.activation_id);
  return ids;
}

describe("ended activations", () => {
  it("go after RETAIN_ENDED_MONTHS; seats that are held stay, and the figures and the record, too", async () => {
    const [, edge, recent, runs] = await ended(LIMIT - 1, LIMIT, NOW - DAY);
    const look = async () => [
      (await admin("/statistics")).text,
      (await rows("SELECT * FROM events ORDER BY id")).length,
      await rows("SELECT * FROM license_seats"),
    ];
    const before = await look();
    await all(dropEnded);
    const left = await idsOf("SELECT id FROM activations");
    expect(left.toSorted()).toEqual([edge, recent, runs].toSorted());
    expect(await look()).toEqual(before);
    await all(dropEnded, { ...env, RETAIN_ENDED_MONTHS: "1" });
    expect((await idsOf("SELECT id FROM activations")).toSorted()).toEqual([recent, runs].toSorted());
  });

  it("may activate again afterwards", async () => {
    const { license, license_key: key } = await newLicense({ expires_in: "P9Y" });
    await activate(key, "a");
    await deactivate(key, "a");
    await rows(
      "UPDATE activations SET activated_at = 0, ended_at = ? WHERE license_id = ?",
      LIMIT - 1,
      license.id,
    );
    await all(dropEnded);
    expect(await rows("SELECT 1 FROM activations")).toEqual([]);
    expect((await activate(key, "a")).status).toBe(200);
  });
});

describe("an ended activation that is gone", () => {
  it("is missed by no rule about the record, and one that ended lately is", async () => {
    const { license, license_key: key } = await newLicense({ expires_in: "P9Y" });
    const rule = "an activation's event has its row, or one that took its place, or it ended long ago";
    const broken = async () => Object.keys(await brokenIn((sql) => rows(sql))).includes(rule);
    const lived = async (instance: string, years: number) => {
      setTime(NOW - years * 365 * DAY);
      await activate(key, instance);
      await deactivate(key, instance);
    };
    await rows("UPDATE licenses SET issued_at = 0 WHERE id = ?", license.id);
    await lived("a", 3);
    await lived("b", 1);
    setTime(NOW);
    await activate(key, "now");
    await all(dropEnded);
    expect(await rows("SELECT instance_id FROM activations ORDER BY 1")).toEqual([
      { instance_id: "b" },
      { instance_id: "now" },
    ]);
    expect(await broken()).toBe(false);
    await rows("DELETE FROM activations WHERE instance_id = 'b'");
    expect(await broken()).toBe(true);
  });
});

describe("turns of licenses that passed long ago", () => {
  const figures = async () => (await admin("/statistics")).text;
  const finer = () => rows("SELECT count(*) AS n FROM license_turns WHERE size > 7 AND prefix < '2026-05'");

  it("leave their month, and the figures are the same whatever happens to the licenses", async () => {
    const licenses = [];
    for (const [n, ends] of [10, 100, 400, 4_000].entries()) {
      setTime(NOW - 500 * DAY);
      licenses.push((await newLicense({ expires_days: ends, grace_days: n })).license);
    }
    setTime(NOW);
    const before = await figures();
    expect((await finer())[0]!["n"]).toBeGreaterThan(10);
    await all(dropPassedTurns);
    expect(await finer()).toEqual([{ n: 0 }]);
    expect(await figures()).toBe(before);
    // Each leaves rows that are gone, and comes back to some.
    for (const { id } of licenses) await admin(`/licenses/${id}/renew`, { body: { expires_in: "P1Y" } });
    await admin(`/licenses/${licenses[0]!.id}/suspend`, { body: { reason: "Unpaid" } });
    await newLicense({ expires_days: 1 });
    const after = await figures();
    await rows("DELETE FROM license_turns");
    await rows(
      "INSERT INTO license_turns SELECT turn, size, prefix, count(*) FROM license_turns_of GROUP BY 1, 2, 3",
    );
    expect(await figures()).toBe(after);
    expect(await brokenIn((sql) => rows(sql))).toEqual({});
  });

  it("cost nothing where none is due, and each page what it drops", async () => {
    await newLicense({ expires_days: 400 });
    const idle = metered();
    await all(dropPassedTurns, idle.bindings);
    expect(idle.cost).toMatchObject({ trips: 1, written: 0 });
    // A look at each of sixteen places.
    expect(idle.cost.read).toBeLessThanOrEqual(48);
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
       INSERT INTO license_turns SELECT 'ends', 19, printf('2020-01-01T%05d', i), 0 FROM n`,
    );
    const { bindings, statements, cost } = recorded();
    expect(await all(dropPassedTurns, bindings)).toBe(2);
    expect(cost.read / 2_500).toBeLessThanOrEqual(4.1);
    expect(await scansOf(statements)).toEqual([]);
  });
});

describe("changes to come that were settled", () => {
  it("go after RETAIN_ENDED_MONTHS; those that wait stay", async () => {
    const { license } = await newLicense();
    for (const status of ["pending", "held", "done", "failed", "cancelled"]) {
      for (const at of [LIMIT - 1, LIMIT]) {
        await rows(
          `INSERT INTO pending_changes
             (id, license_id, action, effective_at, input, status, ordered_by, ordered_at, held_by, updated_at)
           VALUES (?, ?, 'suspend', ?, '{"reason":"x"}', ?, 'ADMIN_TOKEN', 0, ?, 0)`,
          `${status} ${at < LIMIT ? "old" : "new"}`,
          license.id,
          at,
          status,
          license.customer_id,
        );
      }
    }
    await all(dropSettled);
    expect(await idsOf("SELECT id FROM pending_changes ORDER BY id")).toEqual([
      "cancelled new",
      "done new",
      "failed new",
      "held new",
      "held old",
      "pending new",
      "pending old",
    ]);
  });
});

const session = (id: string, end: number) =>
  rows("INSERT INTO sessions (id, credential_hash, created_at, expires_at) VALUES (?, 'h', 0, ?)", id, end);

const key = (id: string, at: number) =>
  rows("INSERT INTO idempotency_keys VALUES ('a', ?, 'h', 'r', ?, NULL)", id, at);

const newId = (id: string, day: string) => rows("INSERT INTO new_instances VALUES (?, 'lic', ?)", day, id);

describe("sessions, idempotency keys, and new ids", () => {
  it("go when their time is over", async () => {
    await session("over", NOW);
    await session("open", NOW + 1);
    await key("old", NOW - DAY);
    await key("new", NOW - DAY + 1);
    for (const day of ["2026-06-08", "2026-06-09", "2026-06-10"]) await newId(`box ${day}`, day);
    await all(dropExpired);
    await all(forgetNewInstances);
    expect(await idsOf("SELECT id FROM sessions")).toEqual(["open"]);
    expect(await idsOf("SELECT key FROM idempotency_keys")).toEqual(["new"]);
    expect(await idsOf("SELECT day FROM new_instances")).toEqual(["2026-06-09", "2026-06-10"]);
  });
});

/** Something of each kind that is due. */
async function somethingOld(): Promise<void> {
  await message(91);
  await ended(LIMIT - 1);
  const { license } = await newLicense();
  await rows(
    `INSERT INTO pending_changes
       (id, license_id, action, effective_at, input, status, ordered_by, ordered_at, held_by, updated_at)
     VALUES ('chg_1', ?, 'suspend', 0, '{}', 'done', 'ADMIN_TOKEN', 0, ?, 0)`,
    license.id,
    license.customer_id,
  );
  await session("over", NOW);
  await key("old", NOW - DAY);
  await newId("box", "2026-06-08");
}

/** How much is left of it. */
const LEFT = `SELECT
  (SELECT count(*) FROM messages WHERE content <> '' AND kind = 'admin_digest' AND subject = 'S')
  + (SELECT count(*) FROM activations WHERE ended_at > 0) + (SELECT count(*) FROM pending_changes)
  + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM idempotency_keys) + (SELECT count(*) FROM new_instances
    WHERE day < '2026-06-09') AS n`;

describe("both jobs", () => {
  it.each([
    ["the nightly job", NIGHTLY],
    ["the ten-minute trigger", DELIVERIES],
  ])("%s does all of it, and the record keeps every event", async (_, cron) => {
    await somethingOld();
    await newCustomer();
    const events = await rows("SELECT * FROM events ORDER BY id");
    expect(await rows(LEFT)).toEqual([{ n: 6 }]);
    await fire(cron, env);
    expect(await rows(LEFT)).toEqual([{ n: 0 }]);
    expect((await rows("SELECT * FROM events ORDER BY id")).slice(0, events.length)).toEqual(events);
    expect(await rows("SELECT outcome, failures FROM jobs WHERE outcome IS NOT NULL")).toEqual([
      { outcome: "good", failures: "[]" },
    ]);
  });

  it.each(MOMENTS)("killed %s any request, and run again: the same", async (moment) => {
    await somethingOld();
    for (let killed = 12; killed <= 32; killed += 2) {
      const { bindings } = faulty((n) => (n === killed ? { moment, message: OVERLOADED } : null));
      await fire(DELIVERIES, bindings).catch(() => undefined);
    }
    await fire(DELIVERIES, env);
    expect(await rows(LEFT)).toEqual([{ n: 0 }]);
    expect(await rows("SELECT count(*) AS n FROM activations")).toEqual([{ n: 1 }]);
  });
});

const PAGES: [name: string, page: Page][] = [
  ["texts", forgetTexts],
  ["ended activations", dropEnded],
  ["settled changes", dropSettled],
  ["sessions and keys", dropExpired],
  ["new ids", forgetNewInstances],
];

describe("what it costs", () => {
  const cost = async (page: Page) => {
    const meter = metered();
    await all(page, meter.bindings);
    return { ...meter.cost };
  };

  it.each(PAGES)(
    "%s: if nothing is due, one trip that reads next to nothing, whatever there is",
    async (_, page) => {
      for (let n = 0; n < 20; n++) {
        await message(n);
        await session(`s ${n}`, NOW + n + 1);
        await key(`k ${n}`, NOW - n);
        await newId(`box ${n}`, "2026-06-10");
      }
      await ended(...[...Array(10).keys()].map((n) => NOW - n * DAY - 1));
      const spent = await cost(page);
      expect(spent).toMatchObject({ trips: 1, written: 0 });
      expect(spent.read).toBeLessThanOrEqual(20);
    },
  );

  it("grows with what is due: rows read and written for each", async () => {
    const due = 1_500;
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${due})
       INSERT INTO messages (id, dedupe_key, kind, recipient, subject, content, status, created_at, updated_at)
       SELECT 'msg_00' || i, 'd' || i, 'admin_digest', 'a', 's', 'text', 'sent', 0, 0 FROM n`,
    );
    await rows(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${due})
       INSERT INTO idempotency_keys SELECT 'a', 'k' || i, 'h', 'r', i, NULL FROM n`,
    );
    const texts = await cost(forgetTexts);
    expect(texts.trips).toBe(4);
    expect(texts.read / due).toBeLessThanOrEqual(5.1);
    expect(texts.written / due).toBeLessThanOrEqual(1.1);
    const keys = await cost(dropExpired);
    expect(keys.trips).toBe(2);
    expect(keys.read / due).toBeLessThanOrEqual(4.1);
    expect(keys.written / due).toBeLessThanOrEqual(2.1);
  });

  it.each(PAGES)("%s: scans no table", async (_, page) => {
    await somethingOld();
    const { bindings, statements } = recorded();
    await all(page, bindings);
    expect(await scansOf(statements)).toEqual([]);
  });
});
