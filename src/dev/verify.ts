// `npm run verify`: every check of the code that does not run it. Ends at the first fault.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkFolders } from "./checks/folders.ts";
import { checkMigrations } from "./checks/migrations.ts";
import { commandLine, CommandError, runCommand } from "./command.ts";
import { ENVIRONMENTS } from "./preflight.ts";
import { faultsOf, readArrows, readRooms } from "./checks/rooms.ts";
import { missingBindings, readWranglerConfig } from "./wrangler-config.ts";

const USAGE = `Usage: npm run verify

Looks at everything that can be said about the code without running it, and ends at the first fault.`;

const ROOT = join(import.meta.dirname, "../..");
const MAX_BUNDLE_KIB = 200;

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

function checkBundle(): string {
  const folder = mkdtempSync(join(tmpdir(), "caio-licensing-bundle-"));
  try {
    const output = run("wrangler", "deploy", "--dry-run", "--env", "production", "--outdir", folder);
    const kib = Number(/gzip: ([\d.]+) KiB/.exec(output)?.[1]);
    if (!(kib <= MAX_BUNDLE_KIB))
      throw new CommandError(`The bundle has ${kib} KiB gzip; at most ${MAX_BUNDLE_KIB} are allowed.`);
    return `${kib} of ${MAX_BUNDLE_KIB} KiB gzip`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

const CHECKS: [name: string, check: () => string | void][] = [
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
    const said = check();
    console.log(
      `ok ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)${said ? `: ${said}` : ""}`,
    );
  }
});
