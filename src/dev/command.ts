// What the commands of this folder share: how they are called, and how they fail. Exit codes: 0 done,
// 1 failed, 2 called in a wrong way.
import { parseArgs, type ParseArgsConfig } from "node:util";

/** A fault that the person at the terminal must fix; shown without a stack. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Ends the process: the command does not know this call, and nothing was done. */
export function wrongUsage(usage: string, message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`);
  process.exit(2);
}

/** The options and arguments of this call. Ends the process if it asks for help or has an unknown option. */
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

/** The reason of an error, in one line: `fetch` keeps it in the cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error
    ? `${message}: ${cause.message || (cause as NodeJS.ErrnoException).code}`
    : message;
}

/** A fault of the system, such as a file that cannot be written or a missing program; its own message explains it. */
const isOfTheSystem = (error: unknown): boolean =>
  typeof (error as { syscall?: unknown }).syscall === "string";

/**
 * Runs a command and sets the exit code.
 * @param main returns the exit code; none means 0
 */
export async function runCommand(main: () => Promise<number | void>): Promise<void> {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    const expected = error instanceof CommandError || isOfTheSystem(error);
    process.stderr.write(`${expected ? (error as Error).message : String((error as Error).stack)}\n`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  }
}
