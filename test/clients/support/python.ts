// Python for the tests of its client: Debian's, or any that has what the package needs.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");

export const LACKING = "There is no python3 with PyJWT, cryptography, FastAPI, uvicorn and PyYAML.";

export const PACKAGE = join(ROOT, "src/clients/python");
export const TESTS = join(PACKAGE, "tests");
const PHASE17 = join(ROOT, "test/clients/phase17");

/** The interpreter, or null where none has PyJWT, cryptography, FastAPI, uvicorn and PyYAML. */
export function findPython(): string | null {
  const fits = (command: string): boolean =>
    spawnSync(command, ["-W", "ignore", "-c", "import jwt, cryptography, fastapi, uvicorn, yaml"]).status ===
    0;
  return ["/usr/bin/python3", "python3"].find(fits) ?? null;
}

interface Run {
  code: number | null;
  output: string;
}

// Nothing of the machine's own settings: a proxy, a license.
const environment = (extra: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: process.env["HOME"],
  PYTHONPATH: [join(PACKAGE, "src"), TESTS, PHASE17].join(":"),
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONUNBUFFERED: "1",
  ...extra,
});

export const startPython = (
  python: string,
  args: string[],
  extra: Record<string, string> = {},
): ChildProcessWithoutNullStreams => spawn(python, args, { cwd: TESTS, env: environment(extra) });

/** Runs to the end; the output is both streams. */
export async function runPython(
  python: string,
  args: string[],
  extra: Record<string, string> = {},
): Promise<Run> {
  const child = startPython(python, args, extra);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

/** The modules of the client's own tests, each group run by one test. */
export const MODULES = {
  documents: ["test_conformance"],
  state: [
    "test_state",
    "test_disk",
    "test_usage",
    "test_meters",
    "test_entitlements",
    "test_client",
    "test_airgap",
    "test_transport",
    "test_validator",
    "test_coverage",
    "test_drill",
    "test_testing",
  ],
  field: ["test_field", "test_texts", "test_hostile"],
  kills: ["test_processes"],
  ends: ["test_ending"],
  service: ["test_live", "test_proof", "test_docs"],
  container: ["test_container"],
};

/** Runs modules of tests; none may be left out. */
export async function unittest(
  python: string,
  modules: string[],
  extra: Record<string, string> = {},
): Promise<void> {
  const { code, output } = await runPython(python, ["-m", "unittest", ...modules], extra);
  expect(code, output).toBe(0);
  expect(output).toMatch(/^Ran [1-9]\d* tests? in/m);
  expect(output).not.toContain("skipped");
}
