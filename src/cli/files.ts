// Writing files so that a broken one never looks whole: under another name first, renamed when complete.
import { createWriteStream, realpathSync, renameSync, rmSync, statSync } from "node:fs";
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

/** What a file may take the place of; null for a device or a pipe, which is written into. */
function replaceable(file: string): string | null {
  try {
    // Through a link: what it points to is meant, not the link.
    return statSync(file).isFile() ? realpathSync(file) : null;
  } catch {
    // Nothing is there; or what is wrong shows when it is written.
    return file;
  }
}

/** Readable by its owner alone: what is saved here holds license keys. */
export async function saveStream(bytes: ReadableStream<Uint8Array>, path: string): Promise<void> {
  const file = replaceable(path);
  if (file === null) return pourInto(bytes, path);
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
    throw brokeOff(error, `${path} was not written.`);
  } finally {
    keep();
  }
}

async function pourInto(bytes: ReadableStream<Uint8Array>, path: string): Promise<void> {
  try {
    await pipeline(Readable.fromWeb(bytes as never), createWriteStream(path));
  } catch (error) {
    throw brokeOff(error, `What went to ${path} is not the whole.`);
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
