// Landed migrations are frozen: what `npm run verify` says of each way to break that.
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkMigrations } from "../../src/dev/checks/migrations.ts";
import { CommandError } from "../../src/dev/command.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-migrations-"));
  cpSync(MIGRATIONS, folder, { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** What the check refuses, line by line. */
function refused(): string[] {
  try {
    checkMigrations(folder);
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError);
    return (error as Error).message.split("\n");
  }
  return [];
}

it("the migrations of the project are as they landed", () => {
  expect(checkMigrations(MIGRATIONS) ?? "").not.toMatch(/^[0-9a-f]{64} {2}00(0\d|1[01])_/m);
});

it("the list is one that sha256sum takes, so that anybody can check it", () => {
  const lines = readFileSync(join(MIGRATIONS, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(11);
  for (const line of lines) {
    const [hash, name] = line.split("  ");
    expect(
      createHash("sha256")
        .update(readFileSync(join(MIGRATIONS, name!)))
        .digest("hex"),
    ).toBe(hash);
  }
});

describe("a landed migration", () => {
  it("may not be changed, not by a remark at its end either", () => {
    appendFileSync(join(folder, "0007_audit_seals.sql"), "-- a remark\n");
    expect(refused()).toEqual([
      expect.stringMatching(/^0007_audit_seals\.sql has landed and was changed\. .*write a new migration\.$/),
    ]);
  });

  it("may not be removed", () => {
    rmSync(join(folder, "0011_what_was_signed_before.sql"));
    expect(refused()).toEqual([
      expect.stringMatching(/^0011_what_was_signed_before\.sql has landed and is gone\. .*new migration/),
    ]);
  });

  it("may not be renamed, to whatever number", () => {
    for (const name of ["0007_seals.sql", "0099_audit_seals.sql"]) {
      renameSync(join(folder, "0007_audit_seals.sql"), join(folder, name));
      expect(refused()).toEqual([expect.stringContaining(`was renamed to ${name}. `)]);
      renameSync(join(folder, name), join(folder, "0007_audit_seals.sql"));
    }
  });

  it("may not change places with another", () => {
    renameSync(join(folder, "0009_silent_instances.sql"), join(folder, "kept"));
    renameSync(join(folder, "0010_messages_by_provider.sql"), join(folder, "0009_silent_instances.sql"));
    renameSync(join(folder, "kept"), join(folder, "0010_messages_by_provider.sql"));
    expect(refused()).toEqual([
      expect.stringMatching(/^0009_silent_instances\.sql has landed and was changed/),
      expect.stringMatching(/^0010_messages_by_provider\.sql has landed and was changed/),
    ]);
  });

  it("is told of together with all others, so that one look is enough", () => {
    write("0001_licensing.sql", "SELECT 1;\n");
    rmSync(join(folder, "0003_access.sql"));
    expect(refused().map((line) => line.split(" ")[0])).toEqual(["0001_licensing.sql", "0003_access.sql"]);
  });
});

describe("a new migration", () => {
  it("is taken, with the line that freezes it when it lands; from then on it is frozen", () => {
    write("9000_for_later.sql", "CREATE TABLE later (id INTEGER PRIMARY KEY);\n");
    write("9001_for_later_still.sql", "CREATE TABLE later_still (id INTEGER PRIMARY KEY);\n");
    const said = checkMigrations(folder)!;
    const lines = said.split("\n").filter((line) => line.includes("_for_later"));
    expect(said).toMatch(/^new; when they land, add to migrations\/SHA256SUMS:\n/);
    expect(lines).toHaveLength(2);
    appendFileSync(join(folder, "SHA256SUMS"), `${lines.join("\n")}\n`);
    expect(checkMigrations(folder) ?? "").not.toContain("_for_later");
    write("9000_for_later.sql", "CREATE TABLE later (id TEXT PRIMARY KEY);\n");
    expect(refused()).toEqual([expect.stringMatching(/^9000_for_later\.sql has landed and was changed/)]);
  });

  it.each([
    ["0000_before_all.sql", /has a number that is taken/],
    ["0007_between.sql", /has a number that is taken/],
    ["0011_beside_the_last.sql", /has a number that is taken/],
    ["12_short.sql", /is no name of a migration/],
    ["add_column.sql", /is no name of a migration/],
    ["9000_Upper Case.sql", /is no name of a migration/],
  ])("is refused as %s", (name, message) => {
    write(name, "SELECT 1;\n");
    expect(refused()).toEqual([expect.stringMatching(message)]);
  });

  it("does not share its number with another new one", () => {
    write("9000_one.sql", "SELECT 1;\n");
    write("9000_two.sql", "SELECT 2;\n");
    expect(refused()).toEqual([expect.stringMatching(/^9000_two\.sql has a number that is taken/)]);
  });
});

describe("the list", () => {
  const HASH = "0".repeat(64);

  it.each([
    ["nonsense"],
    [`${HASH}  README.md`],
    [`${HASH.toUpperCase()}  9000_x.sql\n${HASH.slice(1)}  9001_y.sql`],
    [`${HASH}  0001_licensing.sql`],
  ])("is refused with the line %j", (line) => {
    appendFileSync(join(folder, "SHA256SUMS"), `${line}\n`);
    expect(refused()).toEqual([expect.stringContaining("migrations/SHA256SUMS has a line")]);
  });

  it("is refused where it freezes what is not there", () => {
    appendFileSync(join(folder, "SHA256SUMS"), `${HASH}  9000_x.sql\n`);
    expect(refused()).toEqual([expect.stringMatching(/^9000_x\.sql has landed and is gone/)]);
  });
});
