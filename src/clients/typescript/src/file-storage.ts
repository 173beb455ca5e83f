// The state folder: each text is a file that only its owner can read, replaced as a whole.
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, lstat, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode, inTime, makeFolder, readBytes, readPlain } from "./disk.ts";
import { isLeftBehind, Lock } from "./lock.ts";
import type { Storage } from "./storage.ts";
import { decodeText } from "./texts.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Outside the folder there is no lock: a younger file may still be in use. */
const ABANDONED = 60_000;

/** Disks that are busy need a while until what was written is safe. */
const WRITTEN = 5_000;

export class FileStorage implements Storage {
  readonly #folder: string;
  #lock: Lock | null = null;
  #isSwept = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws TypeError if there is no text, but a folder for instance */
  async read(name: string): Promise<string | null> {
    try {
      return decodeText(await this.#inTime(() => readBytes(join(this.#folder, name))), name);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      if (hasCode(error, "EISDIR")) throw new TypeError(`${name} is a folder.`, { cause: error });
      throw error;
    }
  }

  async write(name: string, text: string): Promise<void> {
    await this.#makeFolder();
    const lock = this.#lock;
    await writeAtomically(join(this.#folder, name), text, async () => {
      if (lock && !(await lock.isHeld())) throw new Error("Another process took the lock over meanwhile.");
    });
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.#makeFolder();
    const lock = await Lock.take(join(this.#folder, "lock.node"));
    return lock.hold(async () => {
      this.#lock = lock;
      try {
        await this.#sweep();
        return await work();
      } finally {
        this.#lock = null;
      }
    });
  }

  async setAside(name: string): Promise<void> {
    const aside = join(this.#folder, `${name}.broken-${Date.now()}-${randomUUID().slice(0, 8)}`);
    await this.#inTime(() => setApart(join(this.#folder, name), aside));
  }

  /** Only the holder of the lock writes: all other temporary files are those of killed processes. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return;
    this.#isSwept = true;
    await this.#inTime(async () => {
      const names = await readdir(this.#folder).catch(() => []);
      const left = names.filter((name) => name.startsWith(".") && UUID.test(name));
      for (const name of left) await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
      // A process that was killed while it broke a lock leaves it under such a name. That of one that lives may be on
      // its way back.
      await sweepAbandoned(join(this.#folder, "lock.node"), "lock.node.", isLeftBehind);
    });
  }

  #makeFolder(): Promise<void> {
    return this.#inTime(() => makeFolder(this.#folder));
  }

  #inTime<T>(call: () => Promise<T>): Promise<T> {
    return inTime(this.#folder, call);
  }
}

async function setApart(path: string, aside: string): Promise<void> {
  // What is no file, such as a pipe, has no content that could be copied, and cannot be replaced by a file.
  if (!(await lstat(path)).isFile()) return rename(path, aside);
  await copyFile(path, aside, constants.COPYFILE_EXCL);
  await chmod(aside, 0o600);
}

/**
 * Replaces the old file by a whole new one. Mode 600: the content is a secret, or contains one.
 * @param check throws if the file must not be replaced after all
 */
const writeAtomically = (
  path: string,
  text: string,
  check: () => Promise<void> = () => sweepAbandoned(path, `.${basename(path)}.`),
): Promise<void> => inTime(dirname(path), () => replaceFile(path, text, check), WRITTEN);

/**
 * Writes a file for a courier. A device or a pipe that is already there, such as /dev/stdout, gets the text and is not
 * replaced.
 */
export async function handOver(path: string, text: string): Promise<void> {
  const found = await inTime(dirname(path), () => stat(path).catch(() => null));
  const isStream = found !== null && !found.isFile() && !found.isDirectory();
  await (isStream
    ? inTime(dirname(path), () => writeFile(path, text), WRITTEN)
    : writeAtomically(path, text));
}

async function replaceFile(path: string, text: string, check: () => Promise<void>): Promise<void> {
  // In the same folder: a rename is atomic within a file system only.
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      // Before the rename: a power cut must not leave the name with nothing behind it.
      await file.sync();
    } finally {
      await file.close();
    }
    await check();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes what killed processes left behind beside a file.
 * @param isLeft whether that can be told from the text; without it age alone tells
 */
async function sweepAbandoned(
  path: string,
  prefix: string,
  isLeft?: (text: string) => Promise<boolean>,
): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(prefix) && UUID.test(one))) {
    const left = join(dirname(path), name);
    const seen = await stat(left).catch(() => null);
    const isOld = seen !== null && Date.now() - seen.mtimeMs > ABANDONED;
    if (isOld || (await isLeft?.(await readPlain(left).catch(() => ""))))
      await rm(left, { force: true }).catch(() => undefined);
  }
}
