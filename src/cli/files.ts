// Writing files so that a broken one never looks whole: under another name first, renamed when complete.
import { createWriteStream, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EXIT, Failure, usage } from "./failures.ts";

const end = (): void => process.exit(EXIT.interrupted);

/** What is half written when a signal comes is taken away, too. */
function removedAtExit(file: string): () => void {
  const remove = (): void => rmSync(file, { force: true });
  process.on("exit", remove).on("SIGINT", end).on("SIGTERM", end);
  return () => void process.off("exit", remove).off("SIGINT", end).off("SIGTERM", end);
}

const brokeOff = (error: unknown, consequence: string): Failure => {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: { message?: string } };
  const isOurs = code !== undefined && /^E(?:NOSPC|ACCES|PERM|NOENT|ISDIR|ROFS|NOTDIR|DQUOT|IO)$/.test(code);
  return isOurs
    ? usage(`The file cannot be written (${code}).`)
    : new Failure(EXIT.unavailable, `The answer broke off: ${cause?.message ?? message}.`, [
        consequence,
        "remedy: run it again.",
      ]);
};

/** Readable by its owner alone: what is saved here holds license keys. */
export async function saveStream(bytes: ReadableStream<Uint8Array>, file: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  const keep = removedAtExit(temporary);
  try {
    await pipeline(
      Readable.fromWeb(bytes as never),
      createWriteStream(temporary, { mode: 0o600, flags: "wx", flush: true }),
    );
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw brokeOff(error, `${file} was not written.`);
  } finally {
    keep();
  }
}

export const saveText = (content: string, file: string): Promise<void> =>
  saveStream(new Blob([content]).stream(), file);

/** To stdout as it comes. */
export async function printStream(bytes: ReadableStream<Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.fromWeb(bytes as never), process.stdout, { end: false });
  } catch (error) {
    throw brokeOff(error, "What was printed is not the whole.");
  }
}
