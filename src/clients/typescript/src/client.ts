// The license of an installation: what it may do now, told at once and offline, and the contacts with the
// service that keep it so.
import { takeLicenseFile, writeReceipt, writeRequest } from "./airgap.ts";
import { problemOf } from "./answers.ts";
import { contact, type Contacts, exchangeKey } from "./contact.ts";
import { claimOf } from "./documents.ts";
import { Evidence, sha256 } from "./evidence.ts";
import { metricsOf } from "./metrics.ts";
import type { LicenseOptions } from "./options.ts";
import { afterInstall, afterSeat, isDue } from "./outcomes.ts";
import { effectiveNow, evaluate, usableCertificate } from "./rules.ts";
import { parseState, STATE, type Storage } from "./state.ts";
import { Store } from "./store.ts";
import { takeRevocations } from "./revocations.ts";
import { createTransport, type Transport } from "./transport.ts";
import { dayOf, type Figures, isSettled } from "./usage.ts";
import { LicenseError, type Status } from "./vocabulary.ts";

/** As the service takes it. */
const isInstanceId = (text: string): boolean => /^[^\p{C}]{1,128}$/u.test(text) && text.trim() !== "";

/** The certificate remembers a name that was lost: under another one the installation would take another seat. */
async function makeInstanceId(storage: Storage): Promise<string> {
  const state = parseState((await storage.read(STATE)) ?? "");
  return claimOf(state?.certificate ?? "", "sub") ?? crypto.randomUUID();
}

/** Everything that the parts of a license share, put together once. @throws where no instance id can be stored */
export async function prepare(options: LicenseOptions): Promise<Contacts> {
  const { url, clock = Date.now, random = Math.random, timeout = 10_000 } = options;
  // A function of its own: workerd refuses a fetch that is called on anything but the global object.
  const fetcher = options.fetch ?? ((input, init) => fetch(input, init));
  const transport = url ? createTransport(url, fetcher, timeout) : null;
  // What the caller makes of a fault is not ours: one who throws, at once or later, must not end the program.
  const report = (error: unknown): void =>
    void (async () => options.onError?.(error))().catch(() => undefined);
  const store = new Store(options.storage, report);
  const { instanceId: chosen } = options;
  if (chosen !== undefined && !isInstanceId(chosen))
    throw new TypeError("An instance id has 1 to 128 printable characters.");
  const instanceId =
    chosen ?? (await store.readOrMake("instance_id", () => makeInstanceId(options.storage), isInstanceId));
  const evidence = new Evidence(options, instanceId, transport);
  store.watch((state) => evidence.read(state));
  return { options, instanceId, store, evidence, report, transport, clock, random };
}

export class License {
  readonly instanceId: string;
  readonly #contacts: Contacts;
  readonly #store: Store;
  readonly #evidence: Evidence;
  #services = 0;
  #contacting: Promise<unknown> = Promise.resolve();

  protected constructor(contacts: Contacts) {
    this.instanceId = contacts.instanceId;
    this.#contacts = contacts;
    this.#store = contacts.store;
    this.#evidence = contacts.evidence;
  }

  /** Reads what is stored; asks nobody. @throws where there is no instance id and none can be stored */
  static async open(options: LicenseOptions): Promise<License> {
    return new License(await prepare(options)).load();
  }

  /** Reads the state, and installs the key that was configured. */
  protected async load(): Promise<this> {
    const { licenseKey } = this.#contacts.options;
    if (licenseKey?.trim()) await this.installKey(licenseKey);
    else await this.#store.update((state) => state);
    return this;
  }

  /** What the installation may do now. Offline, and cheap enough for every request. */
  status(): Status {
    return evaluate(this.#evidence.facts, this.#contacts.clock());
  }

  /**
   * Where the installation may run and nobody can tell yet what is licensed, every feature passes.
   * @throws LicenseError FEATURE_NOT_LICENSED, or the status's code where the installation may not run
   */
  requireFeature(feature: string): void {
    const { mayRun, code, detail, features, licenseId } = this.status();
    if (!mayRun) throw new LicenseError(code ?? "LICENSE_EXPIRED", detail);
    if (licenseId !== null && !features.includes(feature))
      throw new LicenseError("FEATURE_NOT_LICENSED", `The license does not include ${feature}.`);
  }

  /** Counts requests on the current UTC day. Stored with the next flush. @throws RangeError */
  countRequests(n = 1): void {
    this.#count({ requests: n, services: this.#services });
  }

  /** How many services run now; of each day the most at a time counts. @throws RangeError */
  setServices(n: number): void {
    this.#count({ requests: 0, services: n });
    this.#services = n;
  }

  /**
   * Writes what was counted, and takes over what others wrote who share the storage.
   * In a Worker: `context.waitUntil(license.flush())`.
   */
  async flush(): Promise<void> {
    // Services that run on run on each day.
    if (this.#today().services < this.#services) this.#count({ requests: 0, services: this.#services });
    if (this.#store.isDirty) await this.#store.update((state) => state);
    else await this.#store.refresh();
  }

  /**
   * Takes a seat, or renews the lease of the one that there is; with another key, where one is given. A license
   * that is good is not given up for one that is refused: then the status of the new one is returned.
   */
  async activate(licenseKey?: string): Promise<Status> {
    const key = licenseKey?.trim();
    const { transport } = this.#contacts;
    if (key !== undefined && transport !== null && (await this.#isAnother(key)))
      return this.#inTurn(() => exchangeKey(this.#contacts, transport, key));
    if (key !== undefined) await this.installKey(key);
    return this.#inTurn(() => this.#contact(false));
  }

  /** Renews the lease and tells the usage now; activates where that is due. Never throws for an outage. */
  checkIn(): Promise<Status> {
    return this.#inTurn(() => this.#contact(true));
  }

  /** As `checkIn`, where one is due. In a Worker: from a cron trigger. */
  async checkInIfDue(): Promise<Status> {
    const { clock, transport } = this.#contacts;
    if (transport === null || !isDue(this.#store.state, clock())) return this.status();
    return this.#inTurn(async () => {
      // Another process that shares the storage may have been there before.
      const state = await this.#store.update((stored) => stored);
      return isDue(state, clock()) ? this.#contact(true) : this.status();
    });
  }

  /**
   * Gives the seat back, after telling the usage, and forgets key and certificate.
   * @throws LicenseError with the service's code, or SERVICE_UNAVAILABLE; the seat then ends with its lease
   */
  async deactivate(): Promise<void> {
    await this.flush();
    const { usage, acknowledged } = this.#store.state;
    const { transport } = this.#contacts;
    if (usableCertificate(this.#evidence.facts) && !isSettled(usage, acknowledged)) await this.checkIn();
    await this.#inTurn(async () => {
      const { license_key } = this.#store.state;
      if (license_key !== null && transport !== null) await this.#giveBack(transport, license_key);
      const { highWater } = this.#evidence.facts;
      // In the same turn: a check-in that waits for it must not take the seat again.
      await this.#store.update((state) => afterSeat(state, highWater));
    });
  }

  /**
   * Installs a license key in place of the one before; what the service said of that one is forgotten. The key
   * that was installed last changes nothing: the one that the service sent since stays.
   */
  async installKey(licenseKey: string): Promise<Status> {
    const key = licenseKey.trim();
    const hash = await sha256(key);
    await this.#store.update((state) => afterInstall(state, key, hash));
    return this.status();
  }

  /**
   * Takes in a revocation list: the one that somebody passed on, or the service's. One that is older than the one
   * held changes nothing.
   * @throws LicenseError REVOCATION_LIST_INVALID, SERVICE_UNAVAILABLE
   */
  async loadRevocations(token?: string): Promise<Status> {
    await takeRevocations(this.#contacts, token);
    return this.status();
  }

  /** The request file of an installation without a network. @throws LicenseError LICENSE_KEY_MISSING */
  activationRequest(): Promise<string> {
    return writeRequest(this.#contacts);
  }

  /** Takes in the content of a `.caio-license` file. @throws LicenseError LICENSE_FILE_INVALID */
  async loadLicenseFile(text: string): Promise<Status> {
    await takeLicenseFile(this.#contacts, text);
    return this.status();
  }

  /**
   * Stops for good where there is no network: hands the receipt that frees the seat to `keep`, then forgets key
   * and certificate.
   * @throws LicenseError NOT_ACTIVATED where no request file of this installation asked for the certificate
   */
  deactivationReceipt(keep: (receipt: string) => Promise<void>): Promise<void> {
    return writeReceipt(this.#contacts, keep);
  }

  /** OpenMetrics text, to be served as METRICS_TYPE. */
  metrics(): string {
    return metricsOf(this.status(), this.#store.state, this.#today(), this.#contacts.clock());
  }

  #day(): string {
    return dayOf(effectiveNow(this.#contacts.clock(), this.#evidence.facts.highWater));
  }

  #today(): Figures {
    return this.#store.state.usage[this.#day()] ?? { requests: 0, services: 0 };
  }

  #count(figures: Figures): void {
    for (const n of [figures.requests, figures.services]) {
      if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not a number of things.`);
    }
    this.#store.count({ [this.#day()]: figures });
  }

  /** Whether a license that is good would have to make room for the key. */
  async #isAnother(key: string): Promise<boolean> {
    const { state } = this.status();
    const { license_key, installed_key_sha256 } = this.#store.state;
    const held = license_key === key || installed_key_sha256 === (await sha256(key));
    return !held && (state === "entitled" || state === "grace");
  }

  async #giveBack(transport: Transport, license_key: string): Promise<void> {
    const answer = await transport.post("/v1/deactivate", {
      license_key,
      instance_id: this.instanceId,
      certificate: this.#store.state.certificate,
    });
    if (answer.unreachable === null && answer.status === 204) return;
    const { code, detail } = problemOf(answer) ?? {
      code: "SERVICE_UNAVAILABLE",
      detail: answer.unreachable ?? `The service answered ${answer.status}.`,
    };
    throw new LicenseError(code, detail);
  }

  async #contact(returning: boolean): Promise<Status> {
    await this.flush();
    await contact(this.#contacts, returning);
    return this.status();
  }

  /** One contact at a time; whoever comes meanwhile waits for it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#contacting.then(work);
    this.#contacting = turn.catch(() => undefined);
    return turn;
  }
}
