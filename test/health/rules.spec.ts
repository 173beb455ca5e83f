import { describe, expect, it } from "vitest";
import {
  type Figures,
  judge,
  lateFrom,
  nightToCarryOn,
  runbookFor,
  spaceTrouble,
  troublesOf,
} from "../../src/health/rules.ts";
import type { JobRow } from "../../src/storage/schema.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-11-28T12:00:00Z");

const job = (name: string, changes: Partial<JobRow> = {}): JobRow => ({
  name,
  known_since: 0,
  due_at: null,
  started_at: null,
  ended_at: null,
  outcome: null,
  counts: {},
  failures: [],
  good_at: null,
  good_due_at: null,
  told_at: null,
  ...changes,
});

describe("a job is late", () => {
  it.each([
    ["nightly", { good_at: NOW - 26 * HOUR }, false],
    ["nightly", { good_at: NOW - 26 * HOUR - 1 }, true],
    ["deliveries", { good_at: NOW - HOUR }, false],
    ["deliveries", { good_at: NOW - HOUR - 1 }, true],
    // It never ran: from when it was first expected.
    ["nightly", { known_since: NOW - 26 * HOUR }, false],
    ["nightly", { known_since: NOW - 26 * HOUR - 1 }, true],
    // Expected anew after its last good run: the later of the two counts.
    ["nightly", { good_at: NOW - 30 * HOUR, known_since: NOW - 25 * HOUR }, false],
    // A run that fails, or is killed, is no good run.
    ["nightly", { good_at: NOW - 27 * HOUR, started_at: NOW - HOUR }, true],
    ["nightly", { good_at: NOW - 27 * HOUR, ended_at: NOW - HOUR, outcome: "failed" }, true],
  ] as const)("%s, with %o: %s", (name, changes, late) => {
    const row = job(name, changes);
    expect(lateFrom(name, row) < NOW).toBe(late);
    expect(troublesOf([row], NOW).some(({ is }) => is === "late")).toBe(late);
  });

  it("and is told of once, with the steps that fail", () => {
    const failures = [{ step: "seal", error: "x" }];
    const failed = job("nightly", { good_at: NOW - HOUR, ended_at: NOW, outcome: "failed", failures });
    expect(troublesOf([failed], NOW)).toEqual([
      { job: "nightly", is: "failed", at: NOW, steps: ["seal"], why: "x" },
    ]);
    const late = { ...failed, good_at: NOW - 30 * HOUR };
    expect(troublesOf([late], NOW)).toEqual([
      { job: "nightly", is: "late", at: NOW - 30 * HOUR, steps: ["seal"], why: "x" },
    ]);
    // What failed before a good run is over.
    const mended = { ...late, outcome: "good" as const };
    expect(troublesOf([mended], NOW)).toMatchObject([{ is: "late", steps: [], why: null }]);
    expect(troublesOf([job("nightly", { good_at: NOW })], NOW)).toEqual([]);
    expect(troublesOf([], NOW)).toEqual([]);
  });
});

it.each([
  [[], "night-did-not-run"],
  [["seal"], "broken-seals"],
  [["notices"], "night-did-not-run"],
  [["notices", "seal"], "night-did-not-run"],
])("what to do where %j failed stands in %s", async (steps, name) => {
  expect(runbookFor({ steps })).toBe(`docs/operations/${name}.md`);
});

it("what to do about the room stands in a runbook from nine tenths on", () => {
  expect(spaceTrouble({ bytes: 899, of: 1_000 })).toBeNull();
  expect(spaceTrouble({ bytes: 900, of: 1_000 })).toEqual({
    what: "The database holds 900 of 1000 bytes.",
    runbook: "docs/operations/database-full.md",
  });
});

describe("the service", () => {
  const fine: Figures = {
    jobs: [job("nightly", { good_at: NOW }), job("deliveries", { good_at: NOW })],
    mail: { waiting: 0, oldest_at: null, failed: 0 },
    webhookEndpoints: { active: 0, failing: 0, switched_off: 0, oldest_at: null },
    database: { bytes: 1, of: 100, takesWrites: true },
    backedUpAt: NOW - 9 * 24 * HOUR,
  };

  it.each<[string, Partial<Figures>, boolean, number]>([
    ["is fine", {}, false, 0],
    ["takes no writes", { database: { bytes: 1, of: 100, takesWrites: false } }, true, 1],
    ["is not yet nearly full", { database: { bytes: 89, of: 100, takesWrites: true } }, false, 0],
    ["is nearly full", { database: { bytes: 90, of: 100, takesWrites: true } }, false, 1],
    ["has mail that waits", { mail: { waiting: 1, oldest_at: NOW - 6 * HOUR, failed: 0 } }, false, 0],
    ["has mail that backs up", { mail: { waiting: 1, oldest_at: NOW - 6 * HOUR - 1, failed: 0 } }, false, 1],
    ["misses its nights", { jobs: [job("nightly")] }, true, 1],
    ["misses its deliveries", { jobs: [job("deliveries")] }, false, 1],
    ["has an old backup", { backedUpAt: NOW - 9 * 24 * HOUR - 1 }, false, 1],
    ["has no backup yet", { backedUpAt: null }, false, 0],
    ["had a bad night", { jobs: [job("nightly", { good_at: NOW, outcome: "failed" })] }, false, 1],
  ])("%s: failing? problems?", (_, changes, failing, problems) => {
    const verdict = judge({ ...fine, ...changes }, NOW);
    expect([verdict.failing, verdict.problems.length]).toEqual([failing, problems]);
    for (const problem of verdict.problems) expect(problem).toMatch(/^[A-Z].*\.$/);
  });
});

describe("a night is carried on", () => {
  const MINUTE = 60_000;
  const due = NOW - HOUR;
  it.each<[string, Partial<JobRow>, boolean]>([
    ["that never began", {}, false],
    ["that ended well", { due_at: due, started_at: due, ended_at: due + 1, outcome: "good" }, false],
    ["that failed", { due_at: due, started_at: due, ended_at: due + 1, outcome: "failed" }, false],
    [
      "that stopped by itself",
      { due_at: due, started_at: due, ended_at: due + 1, outcome: "unfinished" },
      true,
    ],
    [
      "that failed and stopped by itself at once",
      { due_at: due, started_at: due, ended_at: due + 1, outcome: "failed", counts: { unfinished: 1 } },
      true,
    ],
    [
      "that failed with all steps at their end",
      { due_at: due, started_at: due, ended_at: due + 1, outcome: "failed", counts: { unfinished: 0 } },
      false,
    ],
    ["that may still run", { due_at: due, started_at: NOW - 20 * MINUTE }, false],
    ["that was killed", { due_at: due, started_at: NOW - 20 * MINUTE - 1 }, true],
    [
      "that was killed after a good one",
      { due_at: due, started_at: due, ended_at: due - 1, outcome: "good" },
      true,
    ],
    ["of six hours ago", { due_at: NOW - 6 * HOUR, started_at: NOW - 6 * HOUR }, false],
    ["of less than that", { due_at: NOW - 6 * HOUR + 1, started_at: NOW - 6 * HOUR + 1 }, true],
  ])("%s: %s", (_, changes, carried) => {
    const row = job("nightly", changes);
    expect(nightToCarryOn([job("deliveries", { due_at: 1, started_at: 1 }), row], NOW)).toBe(
      carried ? row.due_at : null,
    );
  });
});
