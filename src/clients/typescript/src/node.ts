// For Node: the license in a state folder, kept up by timers in the background; files for the air gap.
import { hostname } from "node:os";
import { dirname } from "node:path";
import { License } from "./client.ts";
import type { Contacts } from "./contacts.ts";
import { atMost } from "./deadline.ts";
import { inTime, readBytes } from "./disk.ts";
import { fromEnvironment, type NodeLicenseOptions } from "./environment.ts";
import { FileStorage, handOver } from "./file-storage.ts";
import { prepare } from "./prepare.ts";
import { Presence } from "./presence.ts";
import { decodeText } from "./texts.ts";
import { LicenseError, type Status } from "./vocabulary.ts";

export * from "./index.ts";
export type { NodeLicenseOptions } from "./environment.ts";
export { FileStorage } from "./file-storage.ts";

/** How often what was counted is written, and whether a check-in is due is looked at. Milliseconds. */
const TICK = 2_000;

/** The same where a drill moves the clock: time goes by faster there. */
const LAPSE_TICK = 200;

/** How often the key file is looked at. */
const KEY_FILE_TICK = 10_000;

/** How long the end waits for what is under way, in milliseconds. */
const FAREWELL = 500;

/** Of all licenses of the process that was told to end. */
const ends: Promise<unknown>[] = [];

export class NodeLicense extends License {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #report: (error: unknown) => void;
  readonly #lastFlush = (): void => void this.#end().catch(this.#report);
  readonly #terminated = (): void => void this.#terminate();
  /** Ends the requests that are under way. */
  readonly #giveUp: () => void;
  readonly #keyFile: string | null;
  /** Whether the end of the last process on the folder gives the seat back, and who else is there. */
  readonly #presence: Presence | null;
  /** What the key file held last. */
  #keyFileText = "";
  /** What was said of the key file last, to be said once. */
  #keyFileFault = "";
  #isClosed = false;

  private constructor(contacts: Contacts, keyFile: string | null, presence: Presence | null) {
    super(contacts);
    this.#report = contacts.report;
    this.#giveUp = () => contacts.transport?.giveUp();
    this.#keyFile = keyFile;
    this.#presence = presence;
  }

  /**
   * Reads the state folder and starts the background work, which activates where that was not done yet. What is left
   * out of the options comes from the environment, see there.
   */
  static override async open(options: NodeLicenseOptions = {}): Promise<NodeLicense> {
    const { folder, background, release, licenseKeyFile, isLapse, said, ...rest } =
      await fromEnvironment(options);
    const contacts = await prepare({ hostname: hostname(), ...rest, storage: new FileStorage(folder) });
    said.forEach(contacts.report);
    const presence = release ? new Presence(folder) : null;
    const license = await new NodeLicense(contacts, licenseKeyFile, presence).load();
    await license.#readKeyFile();
    if (background !== false) license.#start(isLapse ? LAPSE_TICK : TICK);
    return license;
  }

  /**
   * Ends the background work and writes what was counted; with `release`, the last process on the folder gives the
   * seat back. Call it before the program ends. A check-in that is under way is given up after half a second; giving the
   * seat back takes at most `timeout`.
   */
  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    process.off("beforeExit", this.#lastFlush);
    process.off("SIGTERM", this.#terminated);
    // At once: who is told to end may be killed while an answer is long in coming.
    await this.flush();
    await atMost(Promise.all(this.#running), FAREWELL, () => []);
    this.#giveUp();
    await atMost(Promise.all(this.#running), FAREWELL, () => []);
    await this.#end();
  }

  /** Writes the request file that a courier takes to the vendor. It holds the license key. */
  async writeActivationRequest(path: string): Promise<void> {
    await handOver(path, await this.activationRequest());
  }

  /** Takes in the `.caio-license` file that came back. @throws LicenseError LICENSE_FILE_INVALID */
  async readLicenseFile(path: string): Promise<Status> {
    try {
      const bytes = await inTime(dirname(path), () => readBytes(path));
      return await this.loadLicenseFile(decodeText(bytes, path));
    } catch (error) {
      throw error instanceof TypeError ? new LicenseError("LICENSE_FILE_INVALID", error.message) : error;
    }
  }

  /** Stops for good, and writes the receipt that frees the seat. @throws LicenseError NOT_ACTIVATED */
  async writeDeactivationReceipt(path: string): Promise<void> {
    await this.deactivationReceipt((receipt) => handOver(path, `${receipt}\n`));
  }

  /** Also where a Kubernetes Secret swaps its link: the file is read anew each time. */
  async #readKeyFile(): Promise<void> {
    const file = this.#keyFile;
    if (file === null) return;
    try {
      const text = decodeText(await inTime(dirname(file), () => readBytes(file)), file);
      // Not over and over: another process on the folder may have another file, and each would undo the other.
      if (text !== this.#keyFileText) await this.configureKey(text);
      this.#keyFileText = text;
      this.#keyFileFault = "";
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      // A key that is there goes on.
      if (fault !== this.#keyFileFault) this.#report(new Error(`The key file cannot be read: ${fault}`));
      this.#keyFileFault = fault;
    }
  }

  /** The last things: once, whoever calls for them. */
  async #end(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.flush();
    await this.writeTime();
    if (this.#presence === null || !(await this.#presence.leave())) return;
    // An outage at the end stops nobody: the seat is free when its lease ends.
    if (this.status().leaseExpiresAt !== null) await this.release().catch(this.#report);
  }

  /** Gives the seat back when the container is told to stop, then lets the signal do what it does. */
  async #terminate(): Promise<void> {
    const isLast = process.listenerCount("SIGTERM") === 0;
    const end = this.close().catch(this.#report);
    ends.push(end);
    await Promise.all(ends);
    // An application that listens itself ends itself.
    if (isLast) process.kill(process.pid, "SIGTERM");
  }

  #start(tick: number): void {
    // Apart: an answer that is long in coming must not hold up what was counted.
    this.#repeat(tick, () => this.flush());
    this.#repeat(tick, () => this.checkInIfDue());
    if (this.#keyFile !== null) this.#repeat(KEY_FILE_TICK, () => this.#readKeyFile());
    // For a program that simply comes to its end. One that is told to end calls close().
    process.once("beforeExit", this.#lastFlush);
    if (this.#presence === null) return;
    this.#repeat(tick, () => this.#presence!.stay());
    process.once("SIGTERM", this.#terminated);
  }

  #repeat(every: number, work: () => Promise<unknown>): void {
    let busy = false;
    const tick = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      const run = work().then(() => undefined, this.#report);
      this.#running.add(run);
      try {
        await run;
      } finally {
        this.#running.delete(run);
        busy = false;
      }
    };
    // It must not keep a program alive that has nothing else to do.
    this.#timers.push(setInterval(() => void tick(), every).unref());
    void tick();
  }
}
