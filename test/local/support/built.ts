// The built Worker on workerd, as `npm start` runs it, but without wrangler: loading that and building anew takes five
// times as long as the service itself takes to start. start.spec.ts tests what wrangler adds.
import { type ChildProcess, spawn } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import type * as Wrangler from "wrangler";
import { bundle } from "../../../src/dev/bundle/bundle.ts";
import { ensureSecrets } from "../../../src/dev/secrets.ts";
import type { RunningService } from "../../../src/dev/service.ts";

const ROOT = join(import.meta.dirname, "../../..");

const ENTRY = "worker.mjs";

async function prepare() {
  const { secrets, made } = await ensureSecrets(join(ROOT, ".dev.vars"));
  const wrangler = createRequire(import.meta.url)("wrangler") as typeof Wrangler;
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
  const { files } = await bundle("src/worker.ts", "dist");
  const modules = files
    .map(({ path, text }) => ({ type: "ESModule" as const, path: basename(path), contents: text }))
    .filter(({ path }) => path.endsWith(".mjs"))
    // Miniflare runs the first.
    .toSorted((a, b) => Number(b.path === ENTRY) - Number(a.path === ENTRY));
  return { workerOptions, modules, made, bindings: { ...(workerOptions["bindings"] as object), ...secrets } };
}

let prepared: ReturnType<typeof prepare> | undefined;

let warden: ChildProcess | undefined;

/** Has a process ended when this one is gone, even if it was killed. */
function endWithUs(pid: number): void {
  if (!warden) {
    const program = `
let pids = "";
process.stdin.on("data", (text) => (pids += text)).on("close", () => {
  for (const pid of pids.trim().split(" ")) try { process.kill(Number(pid), "SIGKILL"); } catch {}
});`;
    warden = spawn(process.execPath, ["-e", program], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    warden.unref();
    (warden.stdin as unknown as { unref(): void }).unref();
  }
  warden.stdin!.write(`${pid} `);
}

/** One after the other, so that each finds its own process. */
let last: Promise<unknown> = Promise.resolve();

interface Built {
  port: number;
  /** Where the database is, with all migrations. */
  persistTo: string;
  /** NAME:VALUE, which wins over wrangler.toml and .dev.vars. */
  vars?: string[];
}

/** Starts the service and waits until it answers. */
export function startBuilt(options: Built): Promise<RunningService> {
  const started = last.then(() => start(options));
  last = started.catch(() => undefined);
  return started;
}

async function start({ port, persistTo, vars = [] }: Built): Promise<RunningService> {
  prepared ??= prepare();
  const { workerOptions, modules, made, bindings: configured } = await prepared;
  const given = vars.map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)]);
  const bindings = { ...configured, ...Object.fromEntries(given) };
  const children: ChildProcess[] = [];
  // Told before the process is there, so its id comes later.
  const note = (message: unknown): void => void children.push((message as { process: ChildProcess }).process);
  subscribe("child_process", note);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port,
      cf: false,
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => undefined,
      resourcePersistencePath: join(persistTo, "v3"),
      unsafeTriggerHandlers: true,
      workers: [{ ...workerOptions, name: "caio-licensing", modules, bindings }],
    }),
  );
  await miniflare.ready.finally(() => unsubscribe("child_process", note));
  const workerd = children.find(({ spawnfile }) => basename(spawnfile).startsWith("workerd"));
  endWithUs(workerd!.pid!);
  const ended = once(workerd!, "exit").then(() => undefined);
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    await ended;
  };
  const kill = async (): Promise<void> => {
    workerd!.kill("SIGKILL");
    await ended;
    await miniflare.dispose();
  };
  const url = `http://localhost:${port}`;
  const { ISSUER: issuer, ADMIN_TOKEN: token } = bindings as Record<string, string>;
  return { url, issuer: issuer!, token: token!, made, ended, stop, kill };
}
