// The application under drill: a process group of its own, which ends with the drill, however that ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { usage } from "../failures.ts";

/** How long the group has to end by itself, in milliseconds. */
const FAREWELL = 3_000;

/** How much of its output is kept for a report. */
const KEPT = 4_000;

const NEVER = new Promise<never>(() => undefined);

export class Application {
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #heard: (text: string) => void;
  #child: ChildProcess | null = null;
  #exit: Promise<unknown> = Promise.resolve();
  #isOver = false;
  /** The exit code of the last process that ended by itself. */
  exitCode: number | null = null;
  /** How often it ended by itself, and how often it was started. */
  exits = 0;
  starts = 0;
  output = "";

  constructor(command: readonly string[], env: NodeJS.ProcessEnv, heard: (text: string) => void) {
    this.#command = command;
    this.#env = env;
    this.#heard = heard;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** @throws Failure if there is no such command */
  async start(): Promise<void> {
    if (this.#isOver) return NEVER;
    if (this.#child) return;
    const [file = "", ...args] = this.#command;
    // Its own group, so that what it starts ends with it.
    const child = spawn(file, args, {
      env: this.#env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output = (this.output + text).slice(-KEPT);
        this.#heard(text);
      });
    this.#child = child;
    try {
      await once(child, "spawn");
    } catch (error) {
      this.#child = null;
      throw usage(`${file} cannot be started (${(error as NodeJS.ErrnoException).code}).`);
    }
    this.starts += 1;
    this.#exit = once(child, "exit").then(([code]) => {
      // What left its group keeps them open for as long as it runs, and would keep the drill from its end.
      for (const stream of [child.stdout, child.stderr]) (stream as Socket).unref();
      // Told to end: then nobody counts it.
      if (this.#child !== child) return;
      this.#child = null;
      this.exits += 1;
      this.exitCode = code as number | null;
      signal(child, "SIGKILL");
    });
  }

  async stop(): Promise<void> {
    if (this.#isOver) return NEVER;
    const child = this.#child;
    this.#child = null;
    if (!child) return;
    signal(child, "SIGTERM");
    const exit = this.#exit;
    await Promise.race([exit, sleep(FAREWELL, undefined, { ref: false })]);
    // What its first process left behind, too.
    signal(child, "SIGKILL");
    await exit;
  }

  /** Stops it, and lets nobody start it again: the process ends then, and the drill, which plays on, waits for that. */
  async end(): Promise<void> {
    // A scene may be stopping it already.
    const ended = Promise.all([this.stop(), this.#exit]);
    this.#isOver = true;
    await ended;
  }

  /** At once, for a process that ends: nothing can be waited for there. */
  kill(): void {
    if (this.#child) signal(this.#child, "SIGKILL");
  }
}

function signal({ pid }: ChildProcess, name: "SIGTERM" | "SIGKILL"): void {
  try {
    // Windows knows no groups.
    process.kill(process.platform === "win32" ? pid! : -pid!, name);
  } catch {
    // It is gone.
  }
}
