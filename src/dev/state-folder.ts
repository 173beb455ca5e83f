// The folder in which a local service keeps its database: it must be there, writable, and nobody else's. Checked before
// wrangler sees it, which waits for ever in some of these cases.
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CommandError } from "./command.ts";

/** Locked by SQLite for as long as the process lives: the system gives the lock back, even after a SIGKILL. */
const LOCK = "service.lock";

/** Who holds the lock, for people. */
const HOLDER = "service.pid";

const OTHER = "Choose another folder: npm start -- --persist-to DIR";

/** One by one: with `recursive`, Node never comes back from a folder that cannot be made, such as /proc/x. */
function makeFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw new Error(`${folder} is a file`);
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

const isLocked = (error: unknown): boolean => (error as Error).message.includes("locked");

function holderOf(folder: string): string {
  try {
    return ` (process ${readFileSync(join(folder, HOLDER), "utf8").trim()})`;
  } catch {
    return "";
  }
}

/**
 * Makes the folder if it is not there, and keeps it for this process.
 * @returns gives it back
 * @throws CommandError if it cannot be written, or another service uses it
 */
export function claimFolder(path: string): () => void {
  const folder = resolve(path);
  try {
    makeFolder(folder);
    // The error of SQLite would not say whether the disk is read-only, full, or forbidden.
    closeSync(openSync(join(folder, LOCK), "a", 0o600));
    const lock = new DatabaseSync(join(folder, LOCK));
    lock.exec("BEGIN EXCLUSIVE");
    writeFileSync(join(folder, HOLDER), `${process.pid}\n`, { mode: 0o600 });
    return () => lock.close();
  } catch (error) {
    if (isLocked(error))
      throw new CommandError(`Another service${holderOf(folder)} uses ${folder}. End it first. ${OTHER}`);
    throw new CommandError(`The database cannot be kept in ${folder}: ${(error as Error).message}. ${OTHER}`);
  }
}
