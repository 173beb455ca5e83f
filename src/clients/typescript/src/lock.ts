// One process at a time on a state folder: a lock file, since Node has no flock(2). A killed holder's lock is broken
// at once where it can be told that it is gone, and after a second and a half without a sign of life elsewhere.
import { randomUUID } from "node:crypto";
import { link, open, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode, inTime, readPlain } from "./disk.ts";
import { parseObject } from "./documents.ts";
import { isGone, readTrace, traceOfThis } from "./processes.ts";

/** How long a lock may stand unchanged. Seen by whoever waits, on his own clock: those of file servers differ. */
const STALE = 1_500;

/** How often a holder shows that it is there. Holding takes milliseconds, but a disk may be slow. */
const SIGN_OF_LIFE = 300;

/** Several may be before one in the queue. */
const PATIENCE = 15_000;

export class Lock {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** @throws where it cannot be had */
  static async take(path: string): Promise<Lock> {
    const token = randomUUID();
    const text = JSON.stringify({ ...(await traceOfThis()), token });
    const deadline = performance.now() + PATIENCE;
    let seen = "";
    let since = performance.now();
    while (!(await make(path, text))) {
      const now = performance.now();
      const sign = await signOf(path);
      if (sign === null || sign.stamp !== seen) [seen, since] = [sign?.stamp ?? "", now];
      if (sign && (now - since > STALE || (await isLeftBehind(sign.text)))) await breakUp(path, sign);
      else if (now > deadline) throw new Error(`${path} is held by another process.`);
      else await sleep(5 + Math.random() * 20);
    }
    return new Lock(path, text);
  }

  /** Runs `work`, then lets go. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    let isBusy = false;
    const sign = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      await utimes(this.#path, new Date(), new Date()).catch(() => undefined);
      isBusy = false;
    };
    const signs = setInterval(() => void sign(), SIGN_OF_LIFE);
    try {
      return await work();
    } finally {
      clearInterval(signs);
      if (await this.isHeld()) await inTime(dirname(this.#path), () => rm(this.#path, { force: true }));
    }
  }

  /** Whether nobody took it for left behind, as they do with that of a process that stood still. */
  async isHeld(): Promise<boolean> {
    return (await signOf(this.#path))?.text === this.#text;
  }
}

interface Sign {
  text: string;
  /** Another one with each sign of life. */
  stamp: string;
}

/**
 * Makes the lock with its text in it: a kill in between leaves no lock without a word, which everybody would have to wait
 * for.
 */
async function make(path: string, text: string): Promise<boolean> {
  // Whoever waits looks often, and mostly finds it taken.
  if ((await signOf(path)) !== null) return false;
  const whole = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  return inTime(dirname(path), async () => {
    try {
      await write(whole, text);
      return await made(link(whole, path), () => made(write(path, text)));
    } finally {
      await rm(whole, { force: true });
    }
  });
}

/** @param otherwise for a disk that has no links */
const made = (making: Promise<void>, otherwise?: () => Promise<boolean>): Promise<boolean> =>
  making.then(
    () => true,
    (error: unknown) => {
      // Somebody was faster, or the holder swept the text away.
      if (hasCode(error, "EEXIST", "ENOENT")) return false;
      if (otherwise) return otherwise();
      throw error;
    },
  );

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function signOf(path: string): Promise<Sign | null> {
  try {
    return await inTime(dirname(path), async () => {
      // What cannot be read, such as a folder in its place, is judged by its signs of life alone.
      const text = await readPlain(path).catch(() => "");
      const { mtimeMs, ino } = await stat(path);
      return { text, stamp: `${text} ${mtimeMs} ${ino}` };
    });
  } catch {
    return null;
  }
}

/** Whether the process that wrote this into its lock is gone, as far as can be told here. */
export async function isLeftBehind(text: string): Promise<boolean> {
  const trace = readTrace(parseObject(text));
  return trace !== null && isGone(trace);
}

/** Renamed and not removed: of two that find it left behind, one gets it. */
const breakUp = (path: string, sign: Sign): Promise<void> =>
  inTime(dirname(path), () => setApart(path, sign));

async function setApart(path: string, { text }: Sign): Promise<void> {
  const broken = `${path}.${randomUUID()}`;
  await rename(path, broken).catch(() => undefined);
  // Another may have been faster and made a lock of its own: that one goes back.
  const taken = await readPlain(broken).catch(() => null);
  if (taken !== null && taken !== text) await link(broken, path).catch(() => undefined);
  await rm(broken, { force: true }).catch(() => undefined);
}
