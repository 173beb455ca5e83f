// Runs the project's npm scripts as a person at a terminal does.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ENDS_WITH_PARENT } from "../../../src/dev/service.ts";

const ROOT = join(import.meta.dirname, "../../..");

export interface Script {
  child: ChildProcessWithoutNullStreams;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when the output matches; rejects if the script ends first. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  /** The exit code, after the end. */
  ended: Promise<number | null>;
  /** Ctrl-C: the signal that a terminal sends to all processes in the foreground. */
  interrupt(): Promise<number | null>;
}

export function npm(script: string, ...args: string[]): Script {
  const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
    cwd: ROOT,
    detached: true,
    // If the test run is killed, no service must stay behind. The other scripts end by themselves.
    env: { ...process.env, ...(script === "start" ? { NODE_OPTIONS: ENDS_WITH_PARENT.join(" ") } : {}) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let text = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    output: () => text,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        void ended.then(() => reject(new Error(`ended without ${pattern}:\n${text}`)));
        look();
      }),
    interrupt: () => {
      process.kill(-child.pid!, "SIGINT");
      return ended;
    },
  };
}
