// What the commands of this folder have in common: how they are called, and how they fail. Exit codes: 0 done,
// 1 it failed, 2 it was called in a way that it does not know.
import { parseArgs, type ParseArgsConfig } from "node:util";

/** Something that the person at the terminal has to mend; shown without a stack. */
export class CommandError extends Error {}

/** Ends the process: the call is not one that the command knows, and nothing was done. */
export function wrongUsage(usage: string, message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`);
  process.exit(2);
}

/** The options and arguments of this call. Ends the process where it asks for help, or for what there is not. */
export function commandLine<T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return wrongUsage(usage, (error as Error).message);
  }
}

/** Why something went wrong, in a line: `fetch` keeps that in the cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error
    ? `${message}: ${cause.message || (cause as NodeJS.ErrnoException).code}`
    : message;
}

/** A file that cannot be written, a program that is not there: the system's own words say it. */
const isOfTheSystem = (error: unknown): boolean =>
  typeof (error as { syscall?: unknown }).syscall === "string";

/**
 * Carries a command out and sets the exit code.
 * @param main its exit code; 0 where it has none to tell
 */
export async function runCommand(main: () => Promise<number | void>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const expected = error instanceof CommandError || isOfTheSystem(error);
    process.stderr.write(`${expected ? (error as Error).message : String((error as Error).stack)}\n`);
    process.exitCode = 1;
  }
}
