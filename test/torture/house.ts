// The service in a process group of its own, on a state that outlives it, so that it can be killed as a machine
// that loses its power: workerd and all.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { bundle, write } from "../../src/dev/bundle/bundle.ts";
import { ENDS_WITH_PARENT } from "../../src/dev/service.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Git-ignored, and under the working directory: workerd takes no script from elsewhere. */
export const SCRATCH = join(ROOT, ".wrangler/torture");

const STATE = join(SCRATCH, "state");

/** Bundles the Worker as it is deployed, and takes away the state of an earlier run. */
export async function prepare(): Promise<void> {
  rmSync(SCRATCH, { recursive: true, force: true });
  mkdirSync(STATE, { recursive: true });
  write(await bundle("src/worker.ts", ".wrangler/torture/worker"));
}

export interface RunningHouse {
  url: string;
  /** Kills the whole group, with no warning. */
  kill(): Promise<void>;
}

export interface Bindings {
  ADMIN_TOKEN: string;
  [name: string]: string;
}

/** Runs at the end of this process too, however that comes. */
const running = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of running) killGroup(child);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

function launch(bindings: Bindings): ChildProcess {
  const program = join(import.meta.dirname, "house-process.ts");
  const child = spawn(process.execPath, [...ENDS_WITH_PARENT, program, STATE], {
    cwd: ROOT,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, TORTURE_BINDINGS: JSON.stringify(bindings) },
  });
  running.add(child);
  void once(child, "close").then(() => running.delete(child));
  return child;
}

const killed = async (child: ChildProcess): Promise<void> => {
  const closed = once(child, "close");
  killGroup(child);
  await closed;
};

/** Starts the service on the state that is there. */
export async function startHouse(bindings: Bindings): Promise<RunningHouse> {
  const child = launch(bindings);
  const said: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => said.push(line));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const at = /^ready (http:\S+)$/.exec(line)?.[1];
      if (at !== undefined) resolve(at);
    });
    child.once("close", () => reject(new Error(`The service did not start:\n${said.join("\n")}`)));
  });
  return { url, kill: () => killed(child) };
}

/** Starts the service and kills it after a while, wherever it has got to. */
export async function killWhileStarting(bindings: Bindings, milliseconds: number): Promise<void> {
  const child = launch(bindings);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await killed(child);
}

function databaseIn(folder: string): string {
  const file = readdirSync(folder, { recursive: true })
    .map(String)
    .find((path) => path.endsWith(".sqlite") && !path.endsWith("metadata.sqlite"));
  if (file === undefined) throw new Error(`There is no database in ${folder}.`);
  return join(folder, file);
}

/** Looks at the database as the dead service left it: at a copy, so that recovering it stays workerd's task. */
export function inspect<T>(look: (database: DatabaseSync) => T): T {
  const copy = join(SCRATCH, "copy");
  rmSync(copy, { recursive: true, force: true });
  cpSync(STATE, copy, { recursive: true });
  const database = new DatabaseSync(databaseIn(copy));
  try {
    return look(database);
  } finally {
    database.close();
  }
}

/** Changes the database of the dead service by hand. */
export function tamper(sql: string): void {
  const database = new DatabaseSync(databaseIn(STATE));
  database.exec(sql);
  database.close();
}
