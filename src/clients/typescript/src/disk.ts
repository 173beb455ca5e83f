// File systems that do not answer: a network share whose server is gone keeps a call for ever, and with it the start of
// an application. A call that takes too long counts as failed, and goes on by itself.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** How long an answer may take, in milliseconds, and in how many parts it is waited for. */
const PATIENCE = 2_000;
const PARTS = 8;

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
