// For Node: the license in a state folder, kept up by a timer in the background; files for the air gap.
import { readFile, writeFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { License, prepare } from "./client.ts";
import type { Contacts } from "./contact.ts";
import { FileStorage } from "./file-storage.ts";
import type { LicenseOptions } from "./options.ts";
import type { Status } from "./vocabulary.ts";

export * from "./index.ts";
export { FileStorage } from "./file-storage.ts";

export interface NodeLicenseOptions extends Omit<LicenseOptions, "storage"> {
  /** $CAIO_LICENSE_DIR, or ~/.local/state/caio-license, where left out. */
  folder?: string | undefined;
  /** False: nothing happens but what is called for. */
  background?: boolean | undefined;
}

/** How often what was counted is written, and whether a check-in is due is looked at. Milliseconds. */
const TICK = 2_000;

export const defaultFolder = (): string =>
  process.env["CAIO_LICENSE_DIR"] ?? join(homedir(), ".local", "state", "caio-license");

export class NodeLicense extends License {
  #timer: NodeJS.Timeout | null = null;
  #ticking: Promise<void> | null = null;

  /** Reads the state folder and starts the background work, which activates where that was not done yet. */
  static override async open({ folder, background, ...options }: NodeLicenseOptions): Promise<NodeLicense> {
    const storage = new FileStorage(folder ?? defaultFolder());
    const contacts: Contacts = await prepare({ hostname: hostname(), ...options, storage });
    const license = await new NodeLicense(contacts).load();
    if (background !== false) license.#start();
    return license;
  }

  /** Ends the background work and writes what was counted. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#ticking;
    await this.flush();
  }

  /** Writes the request file that a courier takes to the vendor. It holds the license key. */
  async writeActivationRequest(path: string): Promise<void> {
    await writeFile(path, `${await this.activationRequest()}\n`, { mode: 0o600 });
  }

  /** Takes in the `.caio-license` file that came back. @throws LicenseError LICENSE_FILE_INVALID */
  async readLicenseFile(path: string): Promise<Status> {
    return this.loadLicenseFile(await readFile(path, "utf8"));
  }

  /** Stops for good, and writes the receipt that frees the seat. @throws LicenseError NOT_ACTIVATED */
  async writeDeactivationReceipt(path: string): Promise<void> {
    await writeFile(path, `${await this.deactivationReceipt()}\n`, { mode: 0o600 });
  }

  #start(): void {
    const tick = (): void => {
      this.#ticking ??= this.#tick().finally(() => {
        this.#ticking = null;
      });
    };
    // It must not keep a program alive that has nothing else to do.
    this.#timer = setInterval(tick, TICK).unref();
    tick();
  }

  async #tick(): Promise<void> {
    await this.flush();
    await this.checkInIfDue();
  }
}
