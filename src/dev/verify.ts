// `npm run verify`: every check of the code that does not run it. Ends at the first fault.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, loadedAtOnce, whole } from "./bundle/bundle.ts";
import { checkFolders } from "./checks/folders.ts";
import { checkMigrations } from "./checks/migrations.ts";
import { commandLine, CommandError, runCommand } from "./command.ts";
import { ENVIRONMENTS } from "./preflight.ts";
import { faultsOf, readArrows, readRooms } from "./checks/rooms.ts";
import { missingBindings, readWranglerConfig } from "./checks/wrangler-config.ts";

const USAGE = `Usage: npm run verify

Looks at everything that can be said about the code without running it, and ends at the first fault.`;

const ROOT = join(import.meta.dirname, "../..");
// docs/decisions/0014-late-files.md
const MAX_AT_ONCE_KIB = 200;
const MAX_BUNDLE_KIB = 400;

/** @returns what the command printed @throws if it failed, after showing its output */
function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  if (status === 0) return stdout;
  if (error)
    throw new CommandError(`${command} cannot be run (${error.message}). By npm it can: npm run verify`);
  console.error(stdout + stderr);
  throw new CommandError(`${command} ${args.join(" ")} failed`);
}

const sizeOf = (kib: number, most: number): string => `${kib.toFixed(1)} of ${most} KiB gzip`;

async function checkBundle(): Promise<string> {
  // Whether wrangler takes it, with all that wrangler.toml says.
  run("wrangler", "deploy", "--dry-run", "--env", "production");
  const made = await bundle("src/worker.ts", "dist");
  const { kibGzip: atOnce } = loadedAtOnce(made, "src/worker.ts");
  const { kibGzip: all } = whole(made);
  const sizes = `${sizeOf(atOnce, MAX_AT_ONCE_KIB)} at once, ${sizeOf(all, MAX_BUNDLE_KIB)} in all`;
  if (atOnce > MAX_AT_ONCE_KIB || all > MAX_BUNDLE_KIB)
    throw new CommandError(`The bundle is too large: ${sizes}.`);
  return sizes;
}

function checkWranglerConfig(): void {
  const config = readWranglerConfig(join(ROOT, "wrangler.toml"));
  for (const environment of ENVIRONMENTS) {
    const missing = missingBindings(config, environment);
    if (missing.length > 0)
      throw new CommandError(`[env.${environment}] in wrangler.toml lacks ${missing.join(", ")}.`);
  }
}

function checkRooms(): string {
  const page = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
  const [rooms, arrows] = [readRooms(page), readArrows(join(ROOT, "src"))];
  const faults = faultsOf(rooms, arrows);
  if (faults.length > 0)
    throw new Error(`The table of rooms in docs/architecture.md says otherwise:\n${faults.join("\n")}`);
  return `${arrows.length} imports between ${rooms.length} rooms`;
}

const PROJECTS = [
  ".",
  "src/dev",
  "src/cli",
  "src/clients/typescript",
  "test",
  "test/local",
  "test/mutation",
  "test/clients",
  "test/browser",
  "test/bench",
  "test/bench/workers",
  "test/torture",
];

const CHECKS: [name: string, check: () => string | void | Promise<string>][] = [
  ["format", () => void run("oxfmt", "--check", ".")],
  ["rooms", checkRooms],
  ["lint and import rules", () => void run("oxlint", "--type-aware", "--deny-warnings", ".")],
  ["types", () => PROJECTS.forEach((project) => run("tsc", "-p", project))],
  ["unused code", () => void run("knip")],
  ["folders", () => checkFolders(ROOT)],
  ["migrations", () => checkMigrations(join(ROOT, "migrations"))],
  ["wrangler.toml", checkWranglerConfig],
  ["bundle", checkBundle],
];

await runCommand(async () => {
  commandLine(USAGE, {});
  for (const [name, check] of CHECKS) {
    const started = performance.now();
    const said = await check();
    console.log(
      `ok ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)${said ? `: ${said}` : ""}`,
    );
  }
});
