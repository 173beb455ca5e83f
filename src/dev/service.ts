// Runs the service on this machine: secrets, migrations, then the Worker on workerd with an embedded D1.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { CommandError } from "./command.ts";
import { ensureSecrets } from "./secrets.ts";
import { claimFolder } from "./state-folder.ts";
import { assertConfigured } from "./checks/settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");

/** Node options that end a process together with the holder of its standard input, a pipe. */
export const ENDS_WITH_PARENT = [
  "--import",
  pathToFileURL(join(import.meta.dirname, "ends-with-parent.ts")).href,
];

export interface ServiceOptions {
  port: number;
  /** Where the database is; wrangler's own folder if undefined. */
  persistTo?: string | undefined;
  /** The database exists and has all migrations: checking that takes as long as starting. */
  isMigrated?: boolean;
  /** NAME:VALUE, which wins over wrangler.toml and .dev.vars. */
  vars?: string[];
  /** Gets every line that the service logs. */
  onLine?: (line: string) => void;
}

export interface RunningService {
  url: string;
  /** The `iss` of what it signs, which is the url only if ISSUER says so. */
  issuer: string;
  token: string;
  /** Names of the secrets that were made for this start. */
  made: string[];
  /** Resolves when the service has ended, by itself or by `stop`. */
  ended: Promise<void>;
  stop(): Promise<void>;
  /** Like a power cut: no warning, nothing is finished. */
  kill(): Promise<void>;
}

const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function assertFree(port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const other = port === 65_535 ? 8787 : port + 1;
    throw new CommandError(
      `Port ${port} cannot be used (${code}). Choose another: npm start -- --port ${other} --var ISSUER:http://localhost:${other}`,
    );
  }
  server.close();
  await once(server, "close");
}

function wrangler(args: string[]): ChildProcess {
  return spawn(process.execPath, [...ENDS_WITH_PARENT, WRANGLER, ...args], {
    cwd: ROOT,
    // Its own process group, so that stopping it also stops workerd and every helper.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...process.env,
      CI: "true",
      NO_COLOR: "1",
      FORCE_COLOR: "0",
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // It would offer SQL to anyone who reaches the port, and store every request and statement beside the database.
      X_LOCAL_EXPLORER: "false",
      X_LOCAL_OBSERVABILITY: "false",
      WRANGLER_HIDE_BANNER: "true",
      // Compiling wrangler is a sixth of a start. Kept inside the project, where nobody else can put code for us to run.
      NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/node"),
    },
  });
}

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // The group is already gone.
  }
}

async function migrate(persistTo: string | undefined): Promise<void> {
  const child = wrangler([
    "d1",
    "migrations",
    "apply",
    "DB",
    "--local",
    ...(persistTo === undefined ? [] : ["--persist-to", persistTo]),
  ]);
  let output = "";
  child.stdout!.on("data", (chunk: Buffer) => (output += chunk));
  child.stderr!.on("data", (chunk: Buffer) => (output += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  throw new CommandError(
    `The database in ${persistTo ?? ".wrangler/state"} cannot be migrated:\n${output.trim()}\n\n` +
      "If a migration failed, docs/deploy.md says why that may be. To start with an empty database, move that folder away.",
  );
}

/**
 * Starts the service and waits until it answers.
 * @throws CommandError if something must be fixed first
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  await assertFree(options.port);
  const local = await ensureSecrets(join(ROOT, ".dev.vars"));
  assertConfigured(join(ROOT, "wrangler.toml"), local.secrets, options.vars ?? []);
  const release = claimFolder(options.persistTo ?? join(ROOT, ".wrangler/state"));
  try {
    const service = await startHolding(options, local);
    void service.ended.then(release);
    return service;
  } catch (error) {
    release();
    throw error;
  }
}

/** Starts it in a folder that this process holds. */
async function startHolding(
  { port, persistTo, isMigrated = false, vars = [], onLine }: ServiceOptions,
  { secrets, made }: Awaited<ReturnType<typeof ensureSecrets>>,
): Promise<RunningService> {
  if (!isMigrated) await migrate(persistTo);

  const child = wrangler([
    "dev",
    "--local",
    "--ip=127.0.0.1",
    `--port=${port}`,
    "--inspector-port=0",
    "--test-scheduled",
    "--show-interactive-dev-session=false",
    "--live-reload=false",
    ...(persistTo === undefined ? [] : ["--persist-to", persistTo]),
    ...vars.flatMap((pair) => ["--var", pair]),
  ]);
  const ended = once(child, "close").then(() => undefined);
  const log: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on("line", (line) => {
      log.push(line);
      if (log.length > 200) log.shift();
      onLine?.(line);
    });
  }

  const stop = async (): Promise<void> => {
    if (running(child)) signalGroup(child, "SIGINT");
    await Promise.race([ended, sleep(STOP_TIMEOUT, undefined, { ref: false })]);
    signalGroup(child, "SIGKILL");
    await ended;
  };

  const kill = (): Promise<void> => {
    signalGroup(child, "SIGKILL");
    return ended;
  };

  const url = `http://localhost:${port}`;
  const deadline = Date.now() + START_TIMEOUT;
  while (!(await isReady(`http://127.0.0.1:${port}`))) {
    if (running(child) && Date.now() < deadline) {
      await sleep(100);
      continue;
    }
    await stop();
    throw new CommandError(`The service did not start:\n${log.join("\n")}`);
  }
  const override = vars.findLast((pair) => pair.startsWith("ADMIN_TOKEN:"))?.slice("ADMIN_TOKEN:".length);
  const issuer = await issuerOf(`http://127.0.0.1:${port}`);
  return { url, issuer, token: override ?? secrets["ADMIN_TOKEN"]!, made, ended, stop, kill };
}

async function issuerOf(url: string): Promise<string> {
  const response = await fetch(`${url}/openapi.json`);
  const { servers } = (await response.json()) as { servers: [{ url: string }] };
  return servers[0].url;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}
