// How long an isolate needs until it can answer: wrangler's own profile of it, the median of a few.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { SCRATCH } from "./house.ts";

const ROOT = join(import.meta.dirname, "../..");
const TIMES = 3;

/** @returns milliseconds busy, or null where wrangler does not tell */
export function startupOf(): number | null {
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    const profile = join(SCRATCH, "startup.cpuprofile");
    const said = execFileSync(process.execPath, [wrangler, "check", "startup", "--outfile", profile], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
    });
    const active = /Active: ([\d.]+) ms/.exec(said)?.[1];
    if (active !== undefined) times.push(Number(active));
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? null;
}
