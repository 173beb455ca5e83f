// For Node: the license in a state folder, kept up by timers in the background; files for the air gap.
import { readFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { License, prepare } from "./client.ts";
import type { Contacts } from "./contact.ts";
import { parseObject, readKeySet, type KeySet } from "./documents.ts";
import { FileStorage, writeAtomically } from "./file-storage.ts";
import type { LicenseOptions } from "./options.ts";
import type { Status } from "./vocabulary.ts";

export * from "./index.ts";
export { FileStorage } from "./file-storage.ts";

/** What is left out comes from the environment, where it is there: see each. */
export interface NodeLicenseOptions extends Omit<LicenseOptions, "storage"> {
  /** CAIO_LICENSE_DIR, else ~/.local/state/caio-license. */
  folder?: string | undefined;
  /** False: nothing happens but what is called for. */
  background?: boolean | undefined;
}

/** How often what was counted is written, and whether a check-in is due is looked at. Milliseconds. */
const TICK = 2_000;

export class NodeLicense extends License {
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #report: (error: unknown) => void;
  readonly #lastFlush = (): void => void this.flush().catch(this.#report);

  private constructor(contacts: Contacts) {
    super(contacts);
    this.#report = contacts.report;
  }

  /**
   * Reads the state folder and starts the background work, which activates where that was not done yet. Options
   * come before CAIO_LICENSE_URL, CAIO_LICENSE_KEY, CAIO_LICENSE_ISSUER and CAIO_LICENSE_KEYS (a JWK Set's file).
   */
  static override async open(options: NodeLicenseOptions = {}): Promise<NodeLicense> {
    const { folder, background, ...rest } = options;
    const path = folder || fromEnv("CAIO_LICENSE_DIR") || join(homedir(), ".local", "state", "caio-license");
    const contacts = await prepare({
      hostname: hostname(),
      ...rest,
      url: options.url || fromEnv("CAIO_LICENSE_URL"),
      issuer: options.issuer || fromEnv("CAIO_LICENSE_ISSUER"),
      licenseKey: options.licenseKey || fromEnv("CAIO_LICENSE_KEY"),
      trustedKeys: options.trustedKeys ?? (await pinnedKeys(fromEnv("CAIO_LICENSE_KEYS"))),
      storage: new FileStorage(path),
    });
    const license = await new NodeLicense(contacts).load();
    if (background !== false) license.#start();
    return license;
  }

  /** Ends the background work and writes what was counted. Call it before the program ends. */
  async close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    process.off("beforeExit", this.#lastFlush);
    // At once: who is told to end may be killed while an answer is long in coming.
    await this.flush();
    await Promise.all(this.#running);
    await this.flush();
  }

  /** Writes the request file that a courier takes to the vendor. It holds the license key. */
  async writeActivationRequest(path: string): Promise<void> {
    await writeAtomically(path, await this.activationRequest());
  }

  /** Takes in the `.caio-license` file that came back. @throws LicenseError LICENSE_FILE_INVALID */
  async readLicenseFile(path: string): Promise<Status> {
    return this.loadLicenseFile(await readFile(path, "utf8"));
  }

  /** Stops for good, and writes the receipt that frees the seat. @throws LicenseError NOT_ACTIVATED */
  async writeDeactivationReceipt(path: string): Promise<void> {
    await this.deactivationReceipt((receipt) => writeAtomically(path, `${receipt}\n`));
  }

  #start(): void {
    // Apart: an answer that is long in coming must not hold up what was counted.
    this.#repeat(() => this.flush());
    this.#repeat(() => this.checkInIfDue());
    // For a program that simply comes to its end. One that is told to end calls close().
    process.once("beforeExit", this.#lastFlush);
  }

  #repeat(work: () => Promise<unknown>): void {
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
    this.#timers.push(setInterval(() => void tick(), TICK).unref());
    void tick();
  }
}

/** One that is empty counts as not set: that is what `${VAR:-}` in a compose file makes of it. */
const fromEnv = (name: string): string | undefined => process.env[name] || undefined;

/** @throws TypeError where the file holds no such keys: an installation that trusts nobody should not start */
async function pinnedKeys(path: string | undefined): Promise<KeySet | undefined> {
  if (path === undefined) return undefined;
  const keys = readKeySet(parseObject(await readFile(path, "utf8")));
  if (!keys) throw new TypeError(`${path} holds no JWK Set with Ed25519 keys.`);
  return keys;
}
