// The license of an installation: what it may do now, told at once and offline, and the contacts with the
// service that keep it so.
import {
  makeInstanceKey,
  parseLicenseFile,
  readInstanceKey,
  signReceipt,
  type InstanceKey,
} from "./airgap.ts";
import { problemOf } from "./answers.ts";
import { contact, type Contacts, identityOf } from "./contact.ts";
import { verifyRevocations } from "./documents.ts";
import { Evidence, sha256 } from "./evidence.ts";
import { metricsOf } from "./metrics.ts";
import type { LicenseOptions } from "./options.ts";
import { afterGrant, isDue } from "./outcomes.ts";
import { effectiveNow, evaluate, usableCertificate } from "./rules.ts";
import { Store } from "./store.ts";
import { createTransport } from "./transport.ts";
import { dayOf, isSettled, reportOf } from "./usage.ts";
import { LicenseError, type Status } from "./vocabulary.ts";

const INSTANCE_ID = /^[^\p{C}]{1,128}$/u;

/** Everything that the parts of a license share, put together once. @throws where no instance id can be stored */
export async function prepare(options: LicenseOptions): Promise<Contacts> {
  const { clock = Date.now, random = Math.random, timeout = 10_000 } = options;
  // A function of its own: workerd refuses a fetch that is called on anything but the global object.
  const transport = createTransport(options.url, options.fetch ?? ((url, init) => fetch(url, init)), timeout);
  const store = new Store(options.storage, options.onError ?? (() => undefined));
  const instanceId = options.instanceId ?? (await store.readOrMake("instance_id", () => crypto.randomUUID()));
  if (!INSTANCE_ID.test(instanceId) || instanceId.trim() === "")
    throw new TypeError("An instance id has 1 to 128 printable characters.");
  const evidence = new Evidence(options, instanceId, transport);
  store.watch((state) => evidence.read(state));
  return { options, instanceId, store, evidence, transport, clock, random };
}

export class License {
  readonly instanceId: string;
  readonly #contacts: Contacts;
  #services = 0;
  #contacting: Promise<unknown> = Promise.resolve();

  protected constructor(contacts: Contacts) {
    this.instanceId = contacts.instanceId;
    this.#contacts = contacts;
  }

  /** Reads what is stored; asks nobody. @throws where there is no instance id and none can be stored */
  static async open(options: LicenseOptions): Promise<License> {
    return new License(await prepare(options)).load();
  }

  /** Reads the state, and installs the key that was configured. */
  protected async load(): Promise<this> {
    const { store, options } = this.#contacts;
    const key = options.licenseKey?.trim();
    await (key ? this.#install(key) : store.update((state) => state));
    return this;
  }

  /** What the installation may do now. Offline, and cheap enough for every request. */
  status(): Status {
    return evaluate(this.#contacts.evidence.facts, this.#contacts.clock());
  }

  /** @throws LicenseError FEATURE_NOT_LICENSED, or the status's code where the installation may not run */
  requireFeature(feature: string): void {
    const { mayRun, code, detail, features } = this.status();
    if (!mayRun) throw new LicenseError(code ?? "LICENSE_EXPIRED", detail);
    if (!features.includes(feature))
      throw new LicenseError("FEATURE_NOT_LICENSED", `The license does not include ${feature}.`);
  }

  /** Counts requests on the current UTC day. Stored with the next flush. */
  countRequests(n = 1): void {
    this.#count(n, this.#services);
  }

  /** How many services run now; of a day its maximum counts. */
  setServices(n: number): void {
    this.#count(0, n);
    this.#services = n;
  }

  /** Writes what was counted. In a Worker: `context.waitUntil(license.flush())`. */
  async flush(): Promise<void> {
    if (this.#contacts.store.isDirty) await this.#contacts.store.update((state) => state);
  }

  /** Takes a seat, or renews the lease of the one that there is. */
  activate(): Promise<Status> {
    return this.#inTurn(async () => {
      await this.#contacts.store.update((state) => ({ ...state, deactivated: false }));
      return this.#contact(false);
    });
  }

  /** Renews the lease and tells the usage now; activates where the instance is not. Never throws for an outage. */
  checkIn(): Promise<Status> {
    return this.#inTurn(() => this.#contact(true));
  }

  /** As `checkIn`, where one is due. In a Worker: from a cron trigger. */
  async checkInIfDue(): Promise<Status> {
    if (!isDue(this.#contacts.store.state, this.#contacts.clock())) return this.status();
    return this.#inTurn(async () => {
      // Another process that shares the storage may have been there before.
      const state = await this.#contacts.store.update((stored) => stored);
      return isDue(state, this.#contacts.clock()) ? this.#contact(true) : this.status();
    });
  }

  /**
   * Gives the seat back, after telling the usage.
   * @throws LicenseError with the service's code, or SERVICE_UNAVAILABLE; the seat then ends with its lease
   */
  async deactivate(): Promise<void> {
    await this.flush();
    const { usage, acknowledged } = this.#contacts.store.state;
    if (usableCertificate(this.#contacts.evidence.facts) && !isSettled(usage, acknowledged))
      await this.checkIn();
    await this.#inTurn(async () => {
      const { license_key } = this.#contacts.store.state;
      if (license_key === null) throw new LicenseError("LICENSE_KEY_MISSING", "No license key is installed.");
      const answer = await this.#contacts.transport.post("/v1/deactivate", {
        license_key,
        instance_id: this.instanceId,
      });
      if (answer.unreachable !== null || answer.status !== 204) {
        const { code, detail } = problemOf(answer) ?? {
          code: "SERVICE_UNAVAILABLE",
          detail: answer.unreachable ?? `The service answered ${answer.status}.`,
        };
        throw new LicenseError(code, detail);
      }
      await this.#forgetSeat();
    });
  }

  /** Installs a license key in place of the one before; what the service said of that one is forgotten. */
  async installKey(licenseKey: string): Promise<Status> {
    await this.#install(licenseKey.trim());
    return this.status();
  }

  /** Takes in a revocation list that somebody passed on. @throws LicenseError REVOCATION_LIST_INVALID */
  async loadRevocations(token: string): Promise<Status> {
    const { claims } = await verifyRevocations(
      token,
      this.#contacts.evidence.trust(this.#contacts.store.state),
    );
    if (!claims) throw new LicenseError("REVOCATION_LIST_INVALID", "The revocation list does not verify.");
    await this.#contacts.store.update((state) => ({
      ...state,
      revocations: token.trim(),
      high_water: Math.max(state.high_water, claims.iat),
    }));
    return this.status();
  }

  /** The request file for an installation without a network, as JSON. Writes down the nonce that the answer must have. */
  async activationRequest(): Promise<string> {
    const key = await this.#instanceKey();
    const nonce = crypto.randomUUID();
    const state = await this.#contacts.store.update((stored) => ({ ...stored, nonce }));
    if (state.license_key === null)
      throw new LicenseError("LICENSE_KEY_MISSING", "No license key is installed.");
    const usable = usableCertificate(this.#contacts.evidence.facts) !== null;
    return JSON.stringify(
      {
        ...identityOf(this.#contacts, state.license_key),
        nonce,
        public_key: key.public,
        usage: reportOf(state.usage),
        ...(usable ? { certificate: state.certificate } : {}),
      },
      null,
      2,
    );
  }

  /** Takes in the content of a `.caio-license` file. @throws LicenseError LICENSE_FILE_INVALID */
  async loadLicenseFile(text: string): Promise<Status> {
    const file = parseLicenseFile(text);
    const { evidence, store, clock, random } = this.#contacts;
    const { nonce, certificate: held } = store.state;
    const grant = await evidence.judge(file, null, store.state);
    if (typeof grant === "string") throw new LicenseError("LICENSE_FILE_INVALID", grant);
    if (nonce !== null && grant.claims.nonce !== nonce && file.certificate !== held)
      throw new LicenseError("LICENSE_FILE_INVALID", "The license file answers another request file.");
    await store.update((state) => ({ ...afterGrant(state, grant, clock(), random), deactivated: false }));
    return this.status();
  }

  /**
   * Stops for good where there is no network: forgets the certificate, and gives the receipt that frees the seat.
   * @throws LicenseError NOT_ACTIVATED where there is no certificate from a request file of this installation
   */
  async deactivationReceipt(): Promise<string> {
    const key = await this.#instanceKey();
    const { certificate } = await this.#contacts.store.update((state) => state);
    const claims = usableCertificate(this.#contacts.evidence.facts);
    if (certificate === null || claims?.confirmed_key !== key.public.x)
      throw new LicenseError(
        "NOT_ACTIVATED",
        "There is no certificate from a request file of this installation.",
      );
    const receipt = await signReceipt(key, certificate);
    await this.#forgetSeat();
    return receipt;
  }

  /** OpenMetrics text, to be served as METRICS_TYPE. */
  metrics(): string {
    const { state } = this.#contacts.store;
    return metricsOf(this.status(), state, state.usage[this.#today()] ?? { requests: 0, services: 0 });
  }

  #today(): string {
    return dayOf(effectiveNow(this.#contacts.clock(), this.#contacts.evidence.facts.highWater));
  }

  #count(requests: number, services: number): void {
    for (const n of [requests, services]) {
      if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not a number of things`);
    }
    this.#contacts.store.count({ [this.#today()]: { requests, services } });
  }

  async #install(licenseKey: string): Promise<void> {
    const hash = await sha256(licenseKey);
    await this.#contacts.store.update((state) =>
      state.installed_key_sha256 === hash
        ? state
        : {
            ...state,
            license_key: licenseKey,
            installed_key_sha256: hash,
            failures: 0,
            next_check_in: null,
            deactivated: false,
          },
    );
  }

  /** One contact at a time; whoever comes meanwhile waits for it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#contacting.then(work);
    this.#contacting = turn.catch(() => undefined);
    return turn;
  }

  async #contact(returning: boolean): Promise<Status> {
    // Services that run on go on counting when a day begins.
    if (this.#services > 0) this.#count(0, this.#services);
    await contact(this.#contacts, returning);
    return this.status();
  }

  async #instanceKey(): Promise<InstanceKey> {
    return readInstanceKey(await this.#contacts.store.readOrMake("instance.key.json", makeInstanceKey));
  }

  async #forgetSeat(): Promise<void> {
    const { highWater } = this.#contacts.evidence.facts;
    await this.#contacts.store.update((state) => ({
      ...state,
      certificate: null,
      high_water: Math.max(state.high_water, highWater),
      next_check_in: null,
      deactivated: true,
    }));
  }
}
