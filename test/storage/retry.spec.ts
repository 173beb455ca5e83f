import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/storage/database.ts";
import { faulty, LOST, OVERLOADED } from "../support/faulty.ts";
import { rows, unique } from "../support/service.ts";

/** A database that fails so many times, a clock that only pauses move, and the pauses made. */
function unsteady(failures: number, message = LOST, slowness = 0) {
  const pauses: number[] = [];
  let now = 0;
  const { bindings, calls } = faulty((call) => {
    now += slowness;
    return call <= failures ? { moment: "after", message } : null;
  });
  const db = openDatabase(bindings.DB, {
    now: () => now,
    pause: async (milliseconds) => {
      pauses.push(milliseconds);
      now += milliseconds;
    },
    random: () => 0.5,
  });
  return { db, calls, pauses };
}

const KEY = "INSERT INTO people (email, role, created_at, updated_at) VALUES (?, 'viewer', 1, 1)";

const readings = {
  "a batch that reads": ({ db }: ReturnType<typeof unsteady>) => db.batch([db.sql("SELECT 1 AS one")]),
  "a repeatable write": ({ db }: ReturnType<typeof unsteady>) =>
    db.batch([db.sql(`${KEY} ON CONFLICT DO NOTHING`, unique("ada"))], "repeatable"),
};

describe.each(Object.entries(readings))("%s", (_, ask) => {
  it("is made again after a lost connection, with growing pauses", async () => {
    const database = unsteady(2);
    await expect(ask(database)).resolves.toHaveLength(1);
    expect(database.calls()).toBe(3);
    expect(database.pauses).toEqual([45, 180]);
  });

  it("is given up after the third failure", async () => {
    const database = unsteady(9);
    await expect(ask(database)).rejects.toThrow(LOST);
    expect(database.calls()).toBe(3);
  });

  it("is not made again once the caller has waited long", async () => {
    const database = unsteady(9, LOST, 2_000);
    await expect(ask(database)).rejects.toThrow(LOST);
    expect(database.calls()).toBe(1);
  });

  it.each([OVERLOADED, "D1_ERROR: UNIQUE constraint failed: people.email: SQLITE_CONSTRAINT"])(
    "is not made again after %s",
    async (message) => {
      const database = unsteady(9, message);
      await expect(ask(database)).rejects.toThrow(message);
      expect(database.calls()).toBe(1);
    },
  );
});

it("a write that nobody called repeatable is made once", async () => {
  const { db, calls } = unsteady(1);
  const email = unique("bob");
  await expect(db.batch([db.sql(KEY, email)])).rejects.toThrow(LOST);
  expect(calls()).toBe(1);
  expect(await rows("SELECT role FROM people WHERE email = ?", email)).toHaveLength(1);
});
