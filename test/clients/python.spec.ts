// The Python client's own tests, all but those that need a service.
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isHere } from "../local/support/everything.ts";
import { writeConformance } from "../support/conformance.ts";
import { findPython, LACKING, MODULES, TESTS, unittest } from "./support/python.ts";

const found = findPython();
const isPythonHere = isHere(found !== null, LACKING);
const python = found ?? "";

describe.runIf(isPythonHere)(`the Python client${isPythonHere ? "" : ` (${LACKING})`}`, () => {
  it("has no test that is left out here", () => {
    const files = globSync("test_*.py", { cwd: TESTS });
    const named = Object.values(MODULES).flat();
    expect(named.toSorted()).toEqual(files.map((file) => file.slice(0, -".py".length)).toSorted());
  });

  it("makes of every document and answer what all clients make of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "caio-licensing-python-"));
    const file = join(folder, "conformance.json");
    try {
      await writeConformance(file);
      await unittest(python, MODULES.documents, { CONFORMANCE_FILE: file });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("keeps state, counts and files as it should", () => unittest(python, MODULES.state));

  it("makes the best of what the field does to it", () => unittest(python, MODULES.field));
});
