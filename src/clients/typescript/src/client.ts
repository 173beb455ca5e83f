// The license of an installation: what it may do now, told at once and offline, and the contacts with the
// service that keep it so.
import { takeLicenseFile, writeReceipt, writeRequest } from "./airgap.ts";
import {
  afterConfigured,
  afterInstall,
  type Given,
  isAskable,
  isCandidateDue,
  type Moment,
} from "./candidates.ts";
import { askForCandidate, contact, giveBack, type Contacts, type Questions } from "./contact.ts";
import { type BuiltAt, covers, withCoverage } from "./coverage.ts";
import { atMost } from "./deadline.ts";
import { verifyLicenseKey } from "./documents.ts";
import { sha256 } from "./proofs.ts";
import { usableCertificate } from "./facts.ts";
import { metricsOf } from "./metrics.ts";
import type { LicenseOptions } from "./options.ts";
import { afterRelease, afterSeat, isDue } from "./outcomes.ts";
import { prepare } from "./prepare.ts";
import { takeRevocations } from "./revocations.ts";
import { effectiveNow, evaluate } from "./rules.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import { cleanId, cleanKey, hasMarks } from "./texts.ts";
import { dayOf, type Figures, isSettled } from "./usage.ts";
import { LicenseError, type Status } from "./vocabulary.ts";

export class License {
  readonly #contacts: Contacts;
  readonly #store: Store;
  readonly #evidence: Contacts["evidence"];
  #services = 0;
  #contacting: Promise<unknown> = Promise.resolve();

  protected constructor(contacts: Contacts) {
    this.#contacts = contacts;
    this.#store = contacts.store;
    this.#evidence = contacts.evidence;
  }

  /** Reads what is stored; asks nobody. Where nothing can be stored, it goes on in memory. */
  static async open(options: LicenseOptions): Promise<License> {
    return new License(await prepare(options)).load();
  }

  /** Reads the state, and looks at what was configured. */
  protected async load(): Promise<this> {
    const { licenseKey, instanceId } = this.#contacts.options;
    // Before anything is written: what a client of before left behind is told by what is not there.
    await this.#store.refresh();
    await this.#configure(licenseKey, instanceId);
    // Once more, with a note of what the documents proved.
    await this.#store.update((state) => state);
    return this;
  }

  /** Who the installation is to the service. */
  get instanceId(): string {
    return this.#evidence.facts.held.instanceId;
  }

  /** What the installation may do now. Offline, and cheap enough for every request. */
  status(): Status {
    const { clock, time, options } = this.#contacts;
    const status = evaluate(this.#evidence.facts, { clock: clock(), confirmed: time.now() });
    return withCoverage(status, options.builtAt);
  }

  /**
   * Whether the license covers a version of the product that was built then. One that is not covered goes on.
   * @throws RangeError if it is neither an instant nor a date
   */
  covers(builtAt: BuiltAt): boolean {
    return covers(this.status(), builtAt);
  }

  /**
   * Where the installation may run and its keys went missing, so that nobody can tell what is licensed, every
   * feature passes.
   * @throws LicenseError FEATURE_NOT_LICENSED, or the status's code where the installation may not run
   */
  requireFeature(feature: string): void {
    const { mayRun, code, detail, features, licenseId } = this.status();
    if (!mayRun) throw new LicenseError(code ?? "LICENSE_EXPIRED", detail);
    const isKnown = licenseId !== null || features.length > 0;
    if (isKnown && !features.includes(feature))
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

  /** Writes how much time passed, for deadlines that go on with the next start. */
  protected async writeTime(): Promise<void> {
    await this.#store.update((state) => this.#contacts.time.stamp(state));
  }

  /**
   * Takes a seat, or renews the lease of the one that there is; with another key, where one is given. A license that
   * may run is not given up for one that is refused: then the status of the other one is returned. Where nobody
   * answers within `timeout` milliseconds in all, the status as it is, with the key as its `candidate`.
   */
  activate(licenseKey?: string): Promise<Status> {
    const text = licenseKey ?? "";
    return cleanKey(text) === ""
      ? this.#ask({ candidate: true, held: true, returning: false })
      : atMost(this.#activateWith(text), this.#contacts.timeout, () => this.status());
  }

  /** Renews the lease and tells the usage now; activates where that is due. Never throws for an outage. */
  checkIn(): Promise<Status> {
    return this.#ask({ candidate: true, held: true, returning: true });
  }

  /** As `checkIn`, where one is due. In a Worker: from a cron trigger. */
  async checkInIfDue(): Promise<Status> {
    const { clock, transport } = this.#contacts;
    const due = (state: State) => ({
      candidate: isCandidateDue(state, clock()),
      held: isDue(state, clock()),
    });
    const isAny = ({ candidate, held }: ReturnType<typeof due>): boolean => candidate || held;
    if (transport === null || !isAny(due(this.#store.state))) return this.status();
    return this.#inTurn(async () => {
      // Another process that shares the storage may have been there before.
      const questions = due(await this.#store.update((stored) => stored));
      return isAny(questions) ? this.#contact({ ...questions, returning: true }) : this.status();
    });
  }

  /**
   * Gives the seat back, after telling the usage, and forgets key and certificate.
   * @throws LicenseError with the service's code, or SERVICE_UNAVAILABLE; the seat then ends with its lease
   */
  async deactivate(): Promise<void> {
    await this.#leave(afterSeat);
  }

  /**
   * Gives the seat back, after telling the usage, for as long as nothing runs: the key stays, and the next start
   * takes a seat again. For what keeps no state, at its orderly end.
   * @throws as `deactivate`
   */
  async release(): Promise<void> {
    await this.#leave(afterRelease);
  }

  /**
   * Installs a license key. Where what is in force may run, it stays until the service grants the other one a seat;
   * where nothing may, one that a trusted key verifies counts at once. The key that was installed last changes
   * nothing: the one that the service sent since stays.
   */
  async installKey(licenseKey: string): Promise<Status> {
    const given = await this.#lookAt(licenseKey);
    if (given) await this.#store.update((state) => afterInstall(state, given, this.#momentOf(state)));
    return this.status();
  }

  /** Tells that another license key is configured: a key file that was replaced, for one. The same one does nothing. */
  async configureKey(licenseKey: string): Promise<Status> {
    await this.#configure(licenseKey, undefined);
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
    return dayOf(effectiveNow(this.#evidence.facts, this.#contacts.clock()));
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

  /** A license key as it was handed over; null where there is nothing of one. */
  async #lookAt(text: string | undefined): Promise<Given | null> {
    const licenseKey = cleanKey(text ?? "");
    if (licenseKey === "") return null;
    const hash = await sha256(licenseKey);
    const isMarked = hasMarks(text!);
    if (isMarked) this.#evidence.marked.add(hash);
    const verdict = await verifyLicenseKey(licenseKey, this.#evidence.trust(this.#store.state));
    return { licenseKey, hash, verdict, isMarked };
  }

  async #configure(licenseKey: string | undefined, id: string | undefined): Promise<void> {
    const key = await this.#lookAt(licenseKey);
    const instanceId = id === undefined ? null : cleanId(id);
    await this.#store.update((state) => afterConfigured(state, { key, instanceId }, this.#momentOf(state)));
  }

  #momentOf(state: State): Moment {
    const { clock, time } = this.#contacts;
    const at = clock();
    const now = effectiveNow(this.#evidence.facts, at);
    return { at, now, confirmed: time.now(), instanceId: this.#evidence.instanceIn(state) };
  }

  async #activateWith(licenseKey: string): Promise<Status> {
    await this.installKey(licenseKey);
    const { transport } = this.#contacts;
    const key = cleanKey(licenseKey);
    const { candidate } = this.#store.state;
    if (candidate?.license_key !== key) return this.#ask({ candidate: false, held: true, returning: false });
    return this.#inTurn(async () => {
      const outcome =
        transport !== null && isAskable(candidate)
          ? await askForCandidate(this.#contacts, transport, candidate)
          : null;
      const { facts } = this.#evidence;
      if (facts.candidate?.state !== "refused") return this.status();
      const said = outcome?.kind === "refusal" ? outcome : null;
      const at = new Date(this.#contacts.clock()).toISOString();
      const refusal = said && { ...said, at, key_sha256: "", signed: said.signedAt !== null };
      const clocks = { clock: this.#contacts.clock(), confirmed: this.#contacts.time.now() };
      return evaluate({ ...facts, held: { ...facts.candidate, refusal } }, clocks);
    });
  }

  async #leave(after: typeof afterSeat): Promise<void> {
    await this.flush();
    const { usage, acknowledged } = this.#store.state;
    if (usableCertificate(this.#evidence.facts) && !isSettled(usage, acknowledged))
      await this.#ask({ candidate: false, held: true, returning: true });
    await this.#inTurn(async () => {
      await giveBack(this.#contacts);
      const { highWater } = this.#evidence.facts;
      // In the same turn: a check-in that waits for it must not take the seat again.
      await this.#store.update((state) => after(state, highWater));
    });
  }

  #ask(questions: Questions): Promise<Status> {
    return this.#inTurn(() => this.#contact(questions));
  }

  async #contact(questions: Questions): Promise<Status> {
    await this.flush();
    await contact(this.#contacts, questions);
    return this.status();
  }

  /** One contact at a time; whoever comes meanwhile waits for it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#contacting.then(work);
    this.#contacting = turn.catch(() => undefined);
    return turn;
  }
}
