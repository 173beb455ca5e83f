// Which processes are on a state folder: the last one that ends gives the seat back.
import { randomUUID } from "node:crypto";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inTime, makeFolder, readPlain } from "./disk.ts";
import { parseObject } from "./documents.ts";
import { isGone, readTrace, traceOfThis } from "./processes.ts";

/** Whoever did not show up for that long is gone. A process shows up every two seconds. */
const GONE = 30_000;

export class Presence {
  readonly #folder: string;
  readonly #name = randomUUID();

  constructor(folder: string) {
    this.#folder = join(folder, "processes.node");
  }

  /** Shows that this process is there. Where nothing can be written it is alone: each has its own memory. */
  async stay(): Promise<void> {
    try {
      const trace = JSON.stringify(await traceOfThis());
      await this.#inTime(async () => {
        await makeFolder(this.#folder);
        await writeFile(join(this.#folder, this.#name), trace, { mode: 0o600 });
      });
    } catch {
      return;
    }
  }

  /** @returns whether nobody else is there */
  async leave(): Promise<boolean> {
    return this.#inTime(() => this.#isLast()).catch(() => true);
  }

  #inTime<T>(call: () => Promise<T>): Promise<T> {
    return inTime(dirname(this.#folder), call);
  }

  async #isLast(): Promise<boolean> {
    await rm(join(this.#folder, this.#name), { force: true }).catch(() => undefined);
    const names = await readdir(this.#folder).catch(() => []);
    const alive = await Promise.all(names.map((name) => this.#isAlive(join(this.#folder, name))));
    return !alive.includes(true);
  }

  async #isAlive(path: string): Promise<boolean> {
    const [seen, text] = await Promise.all([stat(path).catch(() => null), readPlain(path).catch(() => "")]);
    if (seen === null) return false;
    const trace = readTrace(parseObject(text));
    const isOver = Date.now() - seen.mtimeMs > GONE || (trace !== null && (await isGone(trace)));
    if (!isOver) return true;
    await rm(path, { force: true }).catch(() => undefined);
    return false;
  }
}
