// The state folder: each text a file that only its owner reads, replaced as a whole.
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Storage } from "./state.ts";

/** Whoever holds the lock for longer is dead: holding it takes milliseconds. */
const STALE = 10_000;

/** Clocks and file systems differ a little; a lock that is made later than that was made before the clock was set back. */
const AHEAD = 2_000;

/** Long enough to see a dead holder's lock go stale. */
const PATIENCE = 15_000;

const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code;

export class FileStorage implements Storage {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: string): Promise<string | null> {
    try {
      return await readFile(join(this.#folder, name), "utf8");
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  async write(name: string, text: string): Promise<void> {
    await this.#makeFolder();
    await writeAtomically(join(this.#folder, name), text);
  }

  /** A lock file, since Node has no flock(2): made by one process at a time, broken when its maker died. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.#makeFolder();
    const lock = join(this.#folder, "lock.node");
    const deadline = performance.now() + PATIENCE;
    while (!(await this.#take(lock))) {
      if (performance.now() > deadline) throw new Error(`${lock} is held by another process.`);
      await sleep(5 + Math.random() * 20);
    }
    try {
      return await work();
    } finally {
      await rm(lock, { force: true });
    }
  }

  async #take(lock: string): Promise<boolean> {
    try {
      await (await open(lock, "wx", 0o600)).close();
      return true;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const age = await ageOf(lock);
    if (age !== null && isStale(age)) {
      // Renamed and not removed: of two that find it stale, one gets it.
      const broken = `${lock}.${randomUUID()}`;
      await rename(lock, broken).catch(() => undefined);
      // Another may have been faster and made a lock of its own: that one goes back.
      const taken = await ageOf(broken);
      if (taken !== null && !isStale(taken)) await link(broken, lock).catch(() => undefined);
      await rm(broken, { force: true });
    }
    return false;
  }

  async #makeFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }
}

/** Puts a whole file in place of the old one. Mode 600: what is written is a secret, or holds one. */
export async function writeAtomically(path: string, text: string): Promise<void> {
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
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const isStale = (age: number): boolean => age > STALE || age < -AHEAD;

async function ageOf(path: string): Promise<number | null> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return null;
  }
}
