// File systems that do not answer: a network share whose server is gone keeps a call for ever, and with it the start of
// an application. A call that takes too long counts as failed, and goes on by itself.
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** How long an answer may take, in milliseconds, and in how many parts it is waited for. */
const PATIENCE = 2_000;
const PARTS = 8;

/** A state with a year of usage and a long revocation list has less. Bytes. */
const LONGEST_FILE = 16 * 1024 * 1024;

/** How many calls of each folder did not come back in time. */
const hanging = new Map<string, number>();

/**
 * The result of a call, or an error where the file system does not answer in time. While a call hangs, no other one is
 * made of that folder: each takes one of the few threads with which Node also looks up host names.
 * @throws Error; and what the call throws
 */
export async function inTime<T>(folder: string, call: () => Promise<T>, patience = PATIENCE): Promise<T> {
  if (hanging.has(folder)) throw new Unanswered(folder);
  const work = call();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    let left = PARTS;
    const wait = (): void => {
      // In parts: a program that was busy or stopped for longer has not heard an answer that is there.
      if (left-- > 0) timer = setTimeout(wait, patience / PARTS);
      else reject(new Unanswered(folder));
    };
    wait();
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (error instanceof Unanswered && error.folder === folder) hang(folder, work);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class Unanswered extends Error {
  override name = "Unanswered";
  readonly folder: string;

  constructor(folder: string) {
    super(`the file system of ${folder} does not answer`);
    this.folder = folder;
  }
}

function hang(folder: string, work: Promise<unknown>): void {
  hanging.set(folder, (hanging.get(folder) ?? 0) + 1);
  const back = (): void => {
    const left = hanging.get(folder)! - 1;
    if (left === 0) hanging.delete(folder);
    else hanging.set(folder, left);
  };
  work.then(back, back);
}

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? "");

/** Level by level: where there can be no folder, as in /proc, Node's own recursive `mkdir` never comes to an end. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path) {
      await makeFolder(dirname(path));
      await mkdir(path, { mode: 0o700 }).catch(unlessFolder(path));
    } else await unlessFolder(path)(error);
  }
}

const unlessFolder =
  (path: string) =>
  async (error: unknown): Promise<void> => {
    // A read-only file system says EROFS also of a folder that is there.
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) throw error;
  };

/**
 * The content of a file, at once and not for ever: a pipe or an endless device in a file's place would keep the caller.
 * @throws TypeError if it is longer than any file of a license; and what the file system says
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  // Windows has no such flag.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const part = await readPart(file);
      if (part.length === 0) return Buffer.concat(parts);
      length += part.length;
      if (length > LONGEST_FILE) throw new TypeError(`${path} is longer than any file of a license.`);
      parts.push(part);
    }
  } finally {
    await file.close();
  }
}

async function readPart(file: FileHandle): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  try {
    return buffer.subarray(0, (await file.read(buffer, 0, buffer.length, null)).bytesRead);
  } catch (error) {
    // Somebody has the pipe open and has written nothing.
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return buffer.subarray(0, 0);
    throw error;
  }
}

/** @throws as `readBytes` */
export const readPlain = async (path: string): Promise<string> =>
  new TextDecoder().decode(await readBytes(path));
