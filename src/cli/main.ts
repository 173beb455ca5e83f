// `caio-license`: runs a command and turns its outcome into an exit code.
import { CommanderError } from "commander";
import { EXIT, Failure, fail } from "./failures.ts";
import { createProgram } from "./program.ts";

// The reader may stop early: `caio-license events list --all | head`. The exit code known by then stays.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  fail({ message: `The output cannot be written (${error.code}).`, lines: [] });
  process.exit(EXIT.unexpected);
});

// If nobody reads stderr, nothing fails.
process.stderr.on("error", () => undefined);

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end with 0; every other message is already printed.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (error instanceof Failure) {
    fail(error);
    process.exitCode = error.exitCode;
  } else if ((error as Error).name === "ExitPromptError") {
    process.exitCode = EXIT.interrupted;
  } else {
    fail({ message: `Unexpected: ${(error as Error).message}`, lines: [] });
    process.exitCode = EXIT.unexpected;
  }
}
