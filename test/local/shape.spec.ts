// The shape of the sources: what `npm run verify` refuses of circles of files, and of folders that are heaps.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkFolders } from "../../src/dev/checks/folders.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-shape-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text = "export const one = 1;\n"): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

describe("a circle of files", () => {
  /** What the linter says, with the project's own rules. */
  function lint(): { status: number | null; said: string } {
    write(".oxlintrc.json", readFileSync(join(ROOT, ".oxlintrc.json"), "utf8"));
    const oxlint = join(ROOT, "node_modules/oxlint/bin/oxlint");
    const { status, stdout, stderr } = spawnSync(process.execPath, [oxlint, "--deny-warnings", "."], {
      cwd: folder,
      encoding: "utf8",
    });
    return { status, said: stdout + stderr };
  }

  it.each<[string, Record<string, string>]>([
    [
      "of values",
      {
        "src/a.ts": 'import { b } from "./b.ts";\nexport const a = (): number => b();\n',
        "src/b.ts": 'import { a } from "./a.ts";\nexport const b = (): number => a();\n',
      },
    ],
    [
      "of types alone",
      {
        "src/a.ts": 'import type { B } from "./b.ts";\nexport interface A {\n  b: B;\n}\n',
        "src/b.ts": 'import type { A } from "./a.ts";\nexport type B = A | number;\n',
      },
    ],
    [
      "of a type one way and a value the other, over a third file that hands it on",
      {
        "src/a.ts": 'import type { B } from "./b.ts";\nexport const a = 1;\nexport type A = B;\n',
        "src/b.ts": 'import { a } from "./c.ts";\nexport const b = a;\nexport type B = number;\n',
        "src/c.ts": 'export { a } from "./a.ts";\n',
      },
    ],
    [
      "of a type that is imported where it is used",
      {
        "src/a.ts": 'export type A = import("./b.ts").B | string;\n',
        "src/b.ts": 'export type B = import("./a.ts").A | number;\n',
      },
    ],
  ])("%s is refused", (_, files) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    const { status, said } = lint();
    expect(status, said).toBe(1);
    expect(said).toMatch(/no-cycle|consistent-type-imports/);
  });

  it("is not a file that two others import", () => {
    write("src/a.ts", 'import type { C } from "./c.ts";\nexport type A = C;\n');
    write(
      "src/b.ts",
      'import type { A } from "./a.ts";\nimport type { C } from "./c.ts";\nexport type B = A | C;\n',
    );
    write("src/c.ts", "export type C = number;\n");
    const { status, said } = lint();
    expect(status, said).toBe(0);
  });
});

describe("a folder of src", () => {
  const fill = (name: string, files: number): void => {
    for (let n = 0; n < files; n++) write(`${name}/file-${n}.ts`);
  };

  it("may hold 16 files and any number of folders", () => {
    fill("src/rooms", 16);
    for (let n = 0; n < 20; n++) fill(`src/rooms/room-${n}`, 1);
    expect(() => checkFolders(folder)).not.toThrow();
  });

  it("may not hold 17, however deep it lies; all that do are told at once", () => {
    fill("src/rooms", 17);
    fill("src/house/attic/chest", 18);
    expect(() => checkFolders(folder)).toThrow(
      "src/house/attic/chest has 18 files, src/rooms has 17 files; at most 16 are allowed.",
    );
  });

  it("may hold more in the clients and in what a browser gets", () => {
    fill("src/clients/python/src", 30);
    fill("src/http/console/assets/icons", 30);
    expect(() => checkFolders(folder)).not.toThrow();
  });

  it("holds no more in this project", () => {
    expect(() => checkFolders(ROOT)).not.toThrow();
  });
});
