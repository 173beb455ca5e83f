// Whatever D1 calls it: 503 with Retry-After to the caller, and one name in the log.
import { afterEach, describe, expect, it, vi } from "vitest";
import { isTransient, isUnavailable, reasonOf } from "../../src/storage/failures.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { faulty, LOST } from "../support/faulty.ts";
import { admin, call, newLicense, unique } from "../support/service.ts";

afterEach(() => vi.restoreAllMocks());

const patience = { now: () => 0, pause: () => Promise.resolve(), random: () => 0 };

/** From D1's documentation, its changelog, reports of others, and SQLite itself. */
const MESSAGES: [message: string, reason: ReturnType<typeof reasonOf>][] = [
  ["Network connection lost.", "lost"],
  ["Internal error in D1 DB storage caused object to be reset.", "lost"],
  ["Internal error while starting up D1 DB storage caused object to be reset.", "lost"],
  ["D1 DB reset because its code was updated.", "lost"],
  ["Cannot resolve D1 DB due to transient issue on remote node.", "lost"],
  ["Can't read from request stream because client disconnected.", "lost"],
  ["Exceeded maximum DB size.", "full"],
  ["Exceeded maximum DB size", "full"],
  ["Exceeded maximum account storage limit.", "full"],
  ["database or disk is full: SQLITE_FULL", "full"],
  ["database or disk is full", "full"],
  ["Your account has exceeded D1's free tier daily row write limit. Upgrade to a paid plan.", "full"],
  ["Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid plan.", "busy"],
  ["D1 DB is overloaded. Requests queued for too long.", "busy"],
  ["D1 DB is overloaded. Too many requests queued.", "busy"],
  ["D1 DB storage operation exceeded timeout which caused object to be reset.", "busy"],
  ["D1 DB's isolate exceeded its memory limit and was reset.", "busy"],
  ["D1 DB exceeded its CPU time limit and was reset.", "busy"],
  ["Currently processing a long-running export.", "busy"],
  ["Currently processing a long-running import.", "busy"],
  ["database is locked: SQLITE_BUSY", "busy"],
  ["database is locked: SQLITE_BUSY (extended: SQLITE_BUSY_SNAPSHOT)", "busy"],
  ["database table is locked: SQLITE_LOCKED", "busy"],
  ["out of memory: SQLITE_NOMEM", "busy"],
  ["disk I/O error: SQLITE_IOERR (extended: SQLITE_IOERR_WRITE)", "broken"],
  ["attempt to write a readonly database: SQLITE_READONLY", "broken"],
  ["unable to open database file: SQLITE_CANTOPEN", "broken"],
  ["database disk image is malformed: SQLITE_CORRUPT", "broken"],
  ["internal error; reference = 4q3vkf", "broken"],
  ["no such table: jobs: SQLITE_ERROR", "schema"],
  ["no such column: due_at: SQLITE_ERROR", "schema"],
  ["table usage has no column named corrected_at: SQLITE_ERROR", "schema"],
];

describe.each(MESSAGES)("D1_ERROR: %s", (words, reason) => {
  const message = `D1_ERROR: ${words}`;

  it(`is ${reason}: 503 with Retry-After for a write of staff and for an activation, logged by that name`, async () => {
    const log: Record<string, unknown>[] = [];
    vi.spyOn(console, "error").mockImplementation((line: string) => void log.push(JSON.parse(line)));
    const { license_key } = await newLicense();
    const { bindings } = faulty(() => ({ moment: "before", message }));
    for (const answer of [
      await admin("/customers", { bindings, body: { id: unique("c"), name: "C" } }),
      await call("/v1/activate", { bindings, body: { license_key, instance_id: "box" } }),
    ]) {
      expect(answer).toMatchObject({ status: 503, body: { code: "SERVICE_UNAVAILABLE", retryable: true } });
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
    expect(log).toHaveLength(2);
    for (const line of log)
      expect(line).toMatchObject({ event: "database unavailable", reason, error: message });
  });

  it("is judged alike where Drizzle wraps it", () => {
    const wrapped = new Error("Failed query: select 1 params: ada@acme.example", {
      cause: new Error(message),
    });
    expect([reasonOf(wrapped), isUnavailable(wrapped)]).toEqual([reason, true]);
    expect(isTransient(wrapped)).toBe(reason === "lost");
  });
});

it.each([
  "D1_ERROR: UNIQUE constraint failed: people.email: SQLITE_CONSTRAINT",
  'D1_ERROR: near "SELEC": syntax error: SQLITE_ERROR',
  "D1_ERROR: too many SQL variables: SQLITE_ERROR",
  "The license is suspended",
])("is the statement's own fault, not the database's: %s", (message) => {
  expect([reasonOf(new Error(message)), isUnavailable(new Error(message))]).toEqual([null, false]);
});

describe("a database", () => {
  it("counts each statement that it sends, those that it sends again included", async () => {
    const { bindings } = faulty((n) => (n === 1 ? { moment: "before", message: LOST } : null));
    const { db, queries } = openDatabase(bindings.DB, patience).counted();
    await db.batch([db.sql("SELECT 1"), db.sql("SELECT 2"), db.sql("SELECT 3")]);
    expect(queries()).toBe(6);
  });

  it("remembers for all its views whether the last write failed for a reason that may last", async () => {
    let message: string | null = "D1_ERROR: database or disk is full: SQLITE_FULL";
    const { bindings } = faulty(() => (message === null ? null : { moment: "before", message }));
    const db = openDatabase(bindings.DB, patience);
    const write = () =>
      db
        .counted()
        .db.batch([db.sql("DELETE FROM write_probe")])
        .catch(() => null);
    expect(db.writeFault()).toBeNull();
    await write();
    expect([db, db.gathering(), db.replica("lagging")].map((view) => view.writeFault())).toEqual([
      "full",
      "full",
      "full",
    ]);
    message = null;
    await db.batch([db.sql("SELECT 1")]);
    expect(db.writeFault()).toBe("full");
    await write();
    expect(db.writeFault()).toBeNull();
    for (const [said, fault] of [
      ["D1_ERROR: internal error; reference = 4q3vkf", "broken"],
      [LOST, null],
      ["D1_ERROR: UNIQUE constraint failed: people.email: SQLITE_CONSTRAINT", null],
    ] as const) {
      message = said;
      await write();
      expect(db.writeFault()).toBe(fault);
    }
  });
});
