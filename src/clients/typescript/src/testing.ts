// For tests and rehearsals: a license service in the process, with a clock in your hand. It answers by the service's own
// rules and signs with keys made for it; its documents name an issuer that no production client believes.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { License } from "./client.ts";
import type { KeySet } from "./documents.ts";
import { DRILL_ISSUER } from "./drill.ts";
import type { LicenseOptions } from "./options.ts";
import { MemoryStorage } from "./storage.ts";
import { Desk } from "./testing/desk.ts";
import { DAY, type DrillTerms, HOUR, parseInstant, SECOND } from "./testing/licenses.ts";
import { Ring } from "./testing/ring.ts";
import { DrillServer, type Heard, type Outage } from "./testing/server.ts";

export { DRILL_ISSUER } from "./drill.ts";
export type { DrillTerms } from "./testing/licenses.ts";
export type { Heard, Outage } from "./testing/server.ts";

/** A span of time; all members are added. */
export interface Span {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}

export interface DrillOptions {
  /** When it begins: milliseconds since the epoch, or an RFC 3339 instant. Default: now. */
  at?: number | string | undefined;
  /** Whether the clock runs by itself between two calls of `advance`, as it must for a program in the background. */
  runs?: boolean | undefined;
  /** Default: any free one. */
  port?: number | undefined;
}

const millisecondsIn = ({ days = 0, hours = 0, minutes = 0, seconds = 0 }: Span): number =>
  days * DAY + hours * HOUR + minutes * 60 * SECOND + seconds * SECOND;

export class LicenseDrill {
  readonly #ring: Ring;
  readonly #desk: Desk;
  readonly #server: DrillServer;
  readonly #time: { now: () => number; move: (by: number) => void };
  readonly #clockFiles = new Set<string>();
  /** How far the clocks of the installations are off. */
  #off = 0;
  /** The address of the service. */
  readonly url: string;
  readonly issuer = DRILL_ISSUER;

  private constructor(parts: Pick<LicenseDrill, "url"> & Parts) {
    this.#ring = parts.ring;
    this.#desk = parts.desk;
    this.#server = parts.server;
    this.#time = parts.time;
    this.url = parts.url;
  }

  /** Starts the service, on the loopback address alone. End it with `close`. @throws RangeError for a wrong `at` */
  static async start({ at, runs = false, port = 0 }: DrillOptions = {}): Promise<LicenseDrill> {
    let base = typeof at === "string" ? parseInstant(at) : (at ?? Date.now());
    if (!Number.isFinite(base)) throw new RangeError(`${at} is no time.`);
    const began = Date.now();
    const now = (): number => base + (runs ? Date.now() - began : 0);
    const ring = new Ring();
    await ring.rotate();
    const desk = new Desk(ring, now);
    const server = new DrillServer(desk, ring);
    const url = await server.listen(port);
    return new LicenseDrill({ ring, desk, server, url, time: { now, move: (by) => void (base += by) } });
  }

  /** The clock of the installations, milliseconds since the epoch: the option `clock` of a client. */
  readonly clock = (): number => this.#time.now() + this.#off;

  /** The public keys that the service publishes now. */
  get trustedKeys(): KeySet {
    return this.#ring.published;
  }

  /** Each request so far, also those during an outage. */
  get heard(): readonly Heard[] {
    return this.#server.heard;
  }

  /** Sells a license. @returns its key */
  issue(terms: DrillTerms = {}): Promise<string> {
    return this.#desk.issue(terms);
  }

  /** Lets time pass, for the service and its installations. @throws RangeError for time that goes back */
  advance(span: Span): void {
    const by = millisecondsIn(span);
    if (!(by >= 0))
      throw new RangeError("Time goes forward only; setBack sets the clocks of installations back.");
    this.#time.move(by);
    this.#writeClocks();
  }

  /** Sets the clocks of the installations back, as against the service's; `{}`: they are right again. */
  setBack(span: Span): void {
    this.#off = -millisecondsIn(span);
    this.#writeClocks();
  }

  /** Nobody hears the service from now on, in one of four ways. */
  outage(kind: Outage = "down"): void {
    this.#server.outage = kind;
  }

  recover(): void {
    this.#server.outage = null;
  }

  // Without a key, the following are about the license that was issued last. One that was revoked stays so.

  suspend(licenseKey?: string): void {
    const license = this.#desk.license(licenseKey);
    if (license.status === "active") license.status = "suspended";
  }

  reinstate(licenseKey?: string): void {
    const license = this.#desk.license(licenseKey);
    if (license.status === "suspended") license.status = "active";
  }

  revoke(licenseKey?: string): void {
    this.#desk.license(licenseKey).status = "revoked";
  }

  /** Moves the end of a license: this long after its end, or after now where that is later. */
  renew(span: Span, licenseKey?: string): void {
    const license = this.#desk.license(licenseKey);
    if (license.expiresAt !== null)
      license.expiresAt = Math.max(license.expiresAt, this.#time.now()) + millisecondsIn(span);
  }

  /**
   * Replaces the license key. Installations that prove who they are go on and get the new one.
   * @param unprovenHours for how long others are still renewed
   * @returns the new key
   */
  reissue({ unprovenHours = 72 }: { unprovenHours?: number } = {}, licenseKey?: string): Promise<string> {
    const license = this.#desk.license(licenseKey);
    license.revision += 1;
    license.unprovenUntil = unprovenHours === 0 ? null : this.#time.now() + unprovenHours * HOUR;
    return this.#desk.keyOf(license);
  }

  /** The service signs with a new key from now on, and publishes it beside those of before. */
  rotateKeys(): Promise<void> {
    return this.#ring.rotate();
  }

  /** What all instances of a license reported for a UTC day, YYYY-MM-DD. */
  usageOn(date: string, licenseKey?: string): { requests: number; services: number } {
    return this.#desk.usageOn(date, licenseKey);
  }

  /** An installation in the process that follows the drill's clock. What is given goes before. */
  open(options: Partial<LicenseOptions> = {}): Promise<License> {
    const { url, issuer, trustedKeys, clock } = this;
    const storage = new MemoryStorage();
    return License.open({ url, issuer, trustedKeys, clock, storage, onError: () => {}, ...options });
  }

  /**
   * The environment of a program that is to take part, in a language of its own: address, key, clock, and a state folder.
   * @param folder is made, and holds all of it
   */
  environment(folder: string, licenseKey: string): Record<string, string> {
    const file = (name: string): string => join(folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file("keys.json"), JSON.stringify(this.trustedKeys));
    this.#clockFiles.add(file("clock"));
    this.#writeClocks();
    return {
      CAIO_LICENSE_URL: this.url,
      CAIO_LICENSE_ISSUER: this.issuer,
      CAIO_LICENSE_KEY: licenseKey,
      CAIO_LICENSE_KEYS: file("keys.json"),
      CAIO_LICENSE_DIR: file("state"),
      CAIO_LICENSE_CLOCK: file("clock"),
    };
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #writeClocks(): void {
    const off = Math.round(this.clock() - Date.now());
    for (const file of this.#clockFiles) {
      writeFileSync(`${file}.new`, `${off < 0 ? "-" : "+"}${Math.abs(off)}ms`);
      // Half of a text would be another time.
      renameSync(`${file}.new`, file);
    }
  }
}

interface Parts {
  ring: Ring;
  desk: Desk;
  server: DrillServer;
  time: { now: () => number; move: (by: number) => void };
}

/** A fixture for vitest: `const it = test.extend({ drill: licenseDrill })`. Each test has a drill of its own. */
// oxlint-disable-next-line eslint/no-empty-pattern -- vitest takes a fixture's needs from the pattern, and it has none
export async function licenseDrill({}, use: (drill: LicenseDrill) => Promise<void>): Promise<void> {
  const drill = await LicenseDrill.start();
  try {
    await use(drill);
  } finally {
    await drill.close();
  }
}
