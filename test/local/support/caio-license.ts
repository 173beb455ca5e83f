// Runs commands of caio-license for tests that are about what a command does. What is about its process (signals, pipes,
// terminals, how it starts) runs the launcher itself: cli.ts.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Call, Ended } from "./program.ts";

const PROGRAM = join(import.meta.dirname, "program.ts");

/** Those that have nothing to do. */
const idle: ChildProcess[] = [];

function started(): ChildProcess {
  const child = fork(PROGRAM, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.on("close", (code) => child.emit("gone", new Error(`the process ended with ${code}:\n${said}`)));
  return child;
}

/** Whether the test run may end while it is there. */
function hold(child: ChildProcess, method: "ref" | "unref"): void {
  child[method]();
  child.channel![method]();
  (child.stderr as unknown as Record<typeof method, () => void>)[method]();
}

/**
 * Runs a command in a process that has the program loaded.
 * @throws Error if it ends that process, or does not end
 */
export async function caioLicense(call: Call): Promise<Ended> {
  const child = idle.pop() ?? started();
  hold(child, "ref");
  const ended = await new Promise<Ended>((resolve, reject) => {
    child.once("message", resolve).once("gone", reject);
    child.send(call);
  });
  child.removeAllListeners("gone");
  hold(child, "unref");
  idle.push(child);
  return ended;
}
