// The import rules between rooms, as `npm run verify` reads them from docs/architecture.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { faultsOf, readArrows, readRooms } from "../../src/dev/checks/rooms.ts";

const ROOT = join(import.meta.dirname, "../..");

const page = (...rows: string[]): string => ["| room | holds | uses |", "|---|---|---|", ...rows].join("\n");

const HOUSE = page(
  "| `http/console` | pages | `http` `domain` |",
  "| `http` | calls | `domain` |",
  "| `domain` | rules | |",
  "| `kernel` | what all use | |",
  "| `storage` | rows | |",
);

/** Every arrow that the house allows and needs. */
const ARROWS = [
  ["http/console/page.tsx", "http/endpoint.ts"],
  ["http/console/page.tsx", "domain/verb.ts"],
  ["http/endpoint.ts", "domain/verb.ts"],
  ["domain/verb.ts", "storage/schema.ts"],
  ["http/console/page.tsx", "kernel/dates.ts"],
] as const;

const faults = (more: [string, string][] = [], without = -1): string[] =>
  faultsOf(
    readRooms(HOUSE),
    [...ARROWS.filter((_, at) => at !== without), ...more].map(([from, to]) => ({ from, to })),
  );

describe("imports between rooms", () => {
  it("may go where the table says, to the ground, and within a room", () => {
    expect(faults([["domain/verb.ts", "domain/other.ts"]])).toEqual([]);
  });

  it.each([
    ["up", "domain/verb.ts", "http/endpoint.ts", "domain does not use http"],
    [
      "from a room to one within it",
      "http/endpoint.ts",
      "http/console/page.tsx",
      "http does not use http/console",
    ],
    ["up from the ground", "kernel/dates.ts", "domain/verb.ts", "kernel does not use domain"],
    ["up within the ground", "storage/schema.ts", "kernel/dates.ts", "storage does not use kernel"],
  ])("may not go %s", (_, from, to, fault) => {
    expect(faults([[from, to]])).toEqual([`${from} must not import ${to}: ${fault}.`]);
  });

  it("are struck out of the table when nobody makes them any more", () => {
    expect(faults([], 2)).toEqual(["http does not use domain any more: strike it out."]);
  });

  it("from a file in no room are said", () => {
    expect(faults([["stray/file.ts", "domain/verb.ts"]])).toEqual([
      "stray/file.ts is in no room of the table.",
    ]);
  });
});

it("a table that lets a room use one above it is refused", () => {
  const upside = readRooms(page("| `a` | | |", "| `b` | | `a` |", "| `kernel` | | |"));
  expect(faultsOf(upside, [{ from: "b/x.ts", to: "a/y.ts" }])).toEqual([
    "b lies below a and must not use it.",
  ]);
});

it("a table that names a room without a row is refused", () => {
  expect(() => readRooms(page("| `a` | | `nowhere` |"))).toThrow("no row for nowhere, used by a");
});

it("the house is as its page says, types included", () => {
  const rooms = readRooms(readFileSync(join(ROOT, "docs/architecture.md"), "utf8"));
  const arrows = readArrows(join(ROOT, "src"));
  expect(rooms.length).toBeGreaterThan(20);
  expect(arrows.length).toBeGreaterThan(800);
  // A type alone is an import too.
  expect(arrows).toContainEqual({ from: "kernel/permissions.ts", to: "context.ts" });
  expect(faultsOf(rooms, arrows)).toEqual([]);
});
