// Whether a process that left its name somewhere is still there.
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/** A process, as others on the same folder know it. */
export interface Trace {
  /** Where its number counts: two containers each have a process 1. */
  where: string;
  pid: number;
  /** When it started, where that can be told: numbers are given again, in a container with each start. */
  started: string | null;
}

let here: Promise<string> | undefined;

/** The boot and the process namespace where Linux tells them, the host's name elsewhere. */
const whereabouts = (): Promise<string> =>
  (here ??= Promise.all([readFile("/proc/sys/kernel/random/boot_id", "utf8"), readlink("/proc/self/ns/pid")])
    .then(([boot, namespace]) => `${boot.trim()} ${namespace}`)
    .catch(() => hostname()));

/** proc(5): the 22nd field, counted after the name, which may hold anything. */
const startOf = (pid: number): Promise<string | null> =>
  readFile(`/proc/${pid}/stat`, "utf8")
    .then((text) => text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null)
    .catch(() => null);

export const traceOfThis = async (): Promise<Trace> => ({
  where: await whereabouts(),
  pid: process.pid,
  started: await startOf(process.pid),
});

/** Whether it is known to be gone; one of somewhere else may be there. */
export async function isGone({ where, pid, started }: Trace): Promise<boolean> {
  if (where !== (await whereabouts())) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  const other = started === null ? null : await startOf(pid);
  return other !== null && other !== started;
}

export function readTrace(value: Record<string, unknown> | null): Trace | null {
  const [where, pid, started] = [value?.["where"], value?.["pid"], value?.["started"]];
  return typeof where === "string" && typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0
    ? { where, pid, started: typeof started === "string" ? started : null }
    : null;
}
