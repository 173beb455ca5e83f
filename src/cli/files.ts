// Writes files so that a broken one never looks whole: under another name first, renamed when complete.
import {
  accessSync,
  constants,
  createWriteStream,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EXIT, Failure, usage } from "./failures.ts";
import { print } from "./output.ts";

const end = (): void => process.exit(EXIT.interrupted);

/** Also removes half-written files when a signal arrives. */
function removedAtExit(file: string): () => void {
  const remove = (): void => rmSync(file, { force: true });
  process.on("exit", remove).on("SIGINT", end).on("SIGTERM", end);
  return () => void process.off("exit", remove).off("SIGINT", end).off("SIGTERM", end);
}

const FILE_FAULT = /^E(?:NOSPC|ACCES|PERM|NOENT|ISDIR|ROFS|NOTDIR|DQUOT|IO|LOOP|NAMETOOLONG)$/;

const cannotWrite = (path: string, code: string): Failure =>
  usage(code === "EISDIR" ? `${path} is a folder.` : `${path} cannot be written (${code}).`);

const brokeOff = (error: unknown, path: string, consequence: string): Failure => {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: { message?: string } };
  return code !== undefined && FILE_FAULT.test(code)
    ? cannotWrite(path, code)
    : new Failure(EXIT.unavailable, `The answer was cut off: ${cause?.message ?? message}.`, [
        consequence,
        "remedy: run it again.",
      ]);
};

/** The file to replace; null for a device or a pipe, which is written into. */
function replaceable(path: string): string | null {
  // A link stands for the file that it points to.
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return path;
  if (found.isDirectory()) throw cannotWrite(path, "EISDIR");
  // A write-protected file stays, even if its folder would allow replacing it.
  accessSync(path, constants.W_OK);
  return found.isFile() ? realpathSync(path) : null;
}

/** A place to write to. The file is whole or absent, and only its owner can read it: it holds keys. */
export interface Output {
  path: string;
  save(bytes: ReadableStream<Uint8Array>): Promise<void>;
}

/**
 * Checks and reserves a place before the service is asked for the content: what cannot be written must not be made.
 * @throws Failure for a folder, a folder that is not there, a file or folder that may not be written
 */
export function openOutput(path: string): Output {
  try {
    const file = replaceable(path);
    return file === null ? pouring(path) : replacing(path, file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw cannotWrite(path, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

function replacing(path: string, file: string): Output {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  const fd = openSync(temporary, "wx", 0o600);
  // Also if the service refuses and nothing is written.
  const keep = removedAtExit(temporary);
  return {
    path,
    async save(bytes) {
      try {
        await pipeline(Readable.fromWeb(bytes as never), createWriteStream(temporary, { fd, flush: true }));
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw brokeOff(error, path, `${path} was not written.`);
      } finally {
        keep();
      }
    },
  };
}

const pouring = (path: string): Output => ({
  path,
  async save(bytes) {
    try {
      await pipeline(Readable.fromWeb(bytes as never), createWriteStream(path));
    } catch (error) {
      throw brokeOff(error, path, `What was written to ${path} is incomplete.`);
    }
  },
});

export const saveText = (content: string, output: Output): Promise<void> =>
  output.save(new Blob([`${content}\n`]).stream());

/**
 * The same for content that the service does not make a second time: if it still cannot be written, it is printed.
 * @throws Failure that says so
 */
export async function saveOrPrint(content: string, output: Output): Promise<void> {
  try {
    await saveText(content, output);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    print(content);
    throw new Failure(EXIT.unexpected, error.message, [
      "It was made, and is printed on stdout instead: keep it.",
    ]);
  }
}

/** Copies a stream to stdout. */
export async function printStream(bytes: ReadableStream<Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.fromWeb(bytes as never), process.stdout, { end: false });
  } catch (error) {
    throw brokeOff(error, "stdout", "What was printed is incomplete.");
  }
}
