// The parts that are test suites: run by vitest with longer settings, and asked for the figures that they found.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SCRATCH } from "./house.ts";
import type { Part } from "./report.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Result {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: {
      fullName: string;
      status: string;
      failureMessages: string[];
      meta: { figures?: Part["figures"] };
    }[];
  }[];
}

/** Runs the suites whose file names hold one of these. @param settings environment variables that make them long */
export async function suites(
  name: string,
  files: string[],
  settings: Record<string, string | number> = {},
): Promise<Part> {
  mkdirSync(SCRATCH, { recursive: true });
  const file = join(SCRATCH, `${name}.json`);
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const child = spawn(
    process.execPath,
    [
      vitest,
      "run",
      "--config=test/vitest.config.ts",
      "--project=worker",
      "--reporter=json",
      `--outputFile=${file}`,
      ...files,
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        ...Object.fromEntries(Object.entries(settings).map(([k, v]) => [k, String(v)])),
      },
    },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk).slice(-5_000)));
  const stop = (): void => void child.kill("SIGTERM");
  process.once("exit", stop);
  const [code] = (await once(child, "close")) as [number | null];
  process.off("exit", stop);
  let result: Result;
  try {
    result = JSON.parse(readFileSync(file, "utf8")) as Result;
  } catch {
    return { name, figures: {}, faults: [`vitest ended with ${code}:\n${said}`] };
  }
  const tests = result.testResults.flatMap(({ assertionResults }) => assertionResults);
  const faults = tests
    .filter(({ status }) => status === "failed")
    .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join("\n").slice(0, 2_000)}`);
  for (const { name: path, status, message, assertionResults } of result.testResults)
    if (status === "failed" && assertionResults.length === 0) faults.push(`${path}: ${message}`);
  if (code !== 0 && faults.length === 0) faults.push(`vitest ended with ${code}:\n${said}`);
  if (tests.length === 0) faults.push("no test was found");
  const figures: Part["figures"] = { tests: result.numPassedTests };
  for (const { meta } of tests) Object.assign(figures, meta.figures);
  return { name, figures, faults };
}
