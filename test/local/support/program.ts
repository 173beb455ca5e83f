// Runs commands of caio-license one after the other in this process, each as if the process were its own: to start one and
// to load the program into it is most of what a short command takes. caio-license.ts starts this, and sends the commands.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Readable, Writable } from "node:stream";
import { forgetSecrets } from "../../../src/cli/failures.ts";

export interface Call {
  args: string[];
  /** All of it, as for a new process. */
  env: Record<string, string>;
  input: string;
  cwd: string;
}

export interface Ended {
  code: number;
  out: string;
  err: string;
}

const MAIN = "../../../src/cli/main.ts";

/** How long a command may go on after its end. */
const LINGERS = 10_000;

/** Puts something in the place of a stream of the process. */
const stand = (name: "stdin" | "stdout" | "stderr", value: unknown): void =>
  void Object.defineProperty(process, name, { value, configurable: true, enumerable: true });

function collecting(name: "stdout" | "stderr"): () => Promise<string> {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  stand(name, stream);
  return async () => {
    await new Promise<void>((resolve) => void stream.end(resolve));
    return Buffer.concat(chunks).toString("utf8");
  };
}

const DISPATCHER = Symbol.for("undici.globalDispatcher.1");

/** A process of its own would have connections of its own. */
async function closeConnections(): Promise<void> {
  const shared = globalThis as unknown as Record<symbol, { close(): Promise<void> } | undefined>;
  const used = shared[DISPATCHER];
  if (!used) return;
  shared[DISPATCHER] = new (used.constructor as new () => typeof used)();
  await used.close();
}

/** Waits until nothing is left that would keep a process of its own from ending. */
async function settled(before: string[]): Promise<void> {
  const upTo = Date.now() + LINGERS;
  for (;;) {
    const left = process.getActiveResourcesInfo().filter((name) => name !== "Immediate");
    for (const name of before) if (left.includes(name)) left.splice(left.indexOf(name), 1);
    if (left.length === 0) return;
    if (Date.now() > upTo) throw new Error(`the command does not end: ${left.join(", ")}`);
    await sleep(1);
  }
}

const exitCode = (): number => Number(process.exitCode ?? 0);

type Listener = (...args: unknown[]) => void;

const listening = (): [event: string, listener: Listener][] =>
  process
    .eventNames()
    .flatMap((event) =>
      process
        .listeners(event as "exit")
        .map((listener): [string, Listener] => [String(event), listener as Listener]),
    );

/** Runs what the command wanted to be run at the end of its process, and takes back what it listens to. */
function leave(before: ReturnType<typeof listening>): void {
  const kept = new Set(before.map(([, listener]) => listener));
  for (const [event, listener] of listening()) {
    if (kept.has(listener)) continue;
    if (event === "exit") listener(exitCode());
    process.off(event, listener);
  }
}

async function run({ args, env, input, cwd }: Call): Promise<Ended> {
  const before = process.getActiveResourcesInfo();
  const listeners = listening();
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, "caio-license", ...args];
  process.exitCode = undefined;
  forgetSecrets();
  stand("stdin", Readable.from(input === "" ? [] : [Buffer.from(input)]));
  const out = collecting("stdout");
  const err = collecting("stderr");
  // Its statements run anew under each address; what it imports stays loaded.
  await import(`${MAIN}?${randomUUID()}`);
  await closeConnections();
  await settled(before);
  leave(listeners);
  const [printed, said] = [await out(), await err()];
  return { code: exitCode(), out: printed, err: said };
}

// Whoever started this is gone.
process.on("disconnect", () => process.exit());

process.on("message", (call: Call) => {
  // What is thrown here ends the process, and the test fails with it.
  void run(call).then((ended) => process.send!(ended));
});
