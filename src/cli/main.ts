// `caio-license`: runs a command and turns how it ended into an exit code.
import { CommanderError } from "commander";
import { EXIT, Failure, fail } from "./failures.ts";
import { createProgram } from "./program.ts";

// Whoever reads us may have seen enough: `caio-license events --all | head`. What is known by then stays so.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  fail({ message: `The output cannot be written (${error.code}).`, lines: [] });
  process.exit(EXIT.unexpected);
});

// Nobody listens to what is said there: that makes nothing fail.
process.stderr.on("error", () => undefined);

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version end with 0; everything else is said already.
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
