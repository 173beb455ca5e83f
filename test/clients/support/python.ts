// Python for the tests of its client: Debian's, or any that has what the package needs.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

export const PACKAGE = join(ROOT, "src/clients/python");
const TESTS = join(PACKAGE, "tests");
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
