// Whether a process that left its name somewhere is still there.
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/** A process, as others on the same folder know it. */
export interface Trace {
  /** Where its number counts: two containers each have a process 1. */
  where: string;
  pid: number;
}

let here: Promise<string> | undefined;

/** The boot and the process namespace where Linux tells them, the host's name elsewhere. */
const whereabouts = (): Promise<string> =>
  (here ??= Promise.all([readFile("/proc/sys/kernel/random/boot_id", "utf8"), readlink("/proc/self/ns/pid")])
    .then(([boot, namespace]) => `${boot.trim()} ${namespace}`)
    .catch(() => hostname()));

export const traceOfThis = async (): Promise<Trace> => ({ where: await whereabouts(), pid: process.pid });

/**
 * Whether it is known to be gone; one of somewhere else may be there.
 * @param isMine whether this process left the trace: a container's processes have the same numbers after each start
 */
export async function isGone({ where, pid }: Trace, isMine: boolean): Promise<boolean> {
  if (where !== (await whereabouts())) return false;
  if (pid === process.pid) return !isMine;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

export function readTrace(value: Record<string, unknown> | null): Trace | null {
  const [where, pid] = [value?.["where"], value?.["pid"]];
  return typeof where === "string" && typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0
    ? { where, pid }
    : null;
}
