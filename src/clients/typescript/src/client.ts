// The license of an installation: what it may do now, told at once and offline, and the contacts with the
// service that keep it so.
import { takeLicenseFile, writeReceipt, writeRequest } from "./airgap.ts";
import { afterConfigured, afterInstall, isCandidateDue, type Moment } from "./candidates.ts";
import { contact, giveBack, type Questions, tryCandidate } from "./contact.ts";
import { type Contacts, forCall } from "./contacts.ts";
import { atMost, failForTime } from "./deadline.ts";
import { sha256 } from "./proofs.ts";
import { usableCertificate } from "./facts.ts";
import { lookAt } from "./given.ts";
import { Installation } from "./installation.ts";
import { TOO_LATE } from "./failures.ts";
import type { LicenseOptions } from "./options.ts";
import { afterRelease, afterSeat, isDue } from "./outcomes.ts";
import { prepare } from "./prepare.ts";
import { takeRevocations } from "./revocations.ts";
import { effectiveNow, evaluate } from "./rules.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import { cleanId, cleanKey } from "./texts.ts";
import { isSettled } from "./usage.ts";
import type { Status } from "./vocabulary.ts";

const ALL: Questions = { candidate: true, held: true, returning: true };

export class License extends Installation {
  readonly #store: Store;
  readonly #evidence: Contacts["evidence"];
  #contacting: Promise<unknown> = Promise.resolve();

  protected constructor(contacts: Contacts) {
    super(contacts);
    this.#store = contacts.store;
    this.#evidence = contacts.evidence;
  }

  /** Reads what is stored; asks nobody. Where nothing can be stored, it goes on in memory. */
  static async open(options: LicenseOptions): Promise<License> {
    return new License(await prepare(options)).load();
  }

  /** Reads the state, and looks at what was configured. */
  protected async load(): Promise<this> {
    const { licenseKey, instanceId } = this.contacts.options;
    // Before anything is written: what a client of before left behind is told by what is not there.
    await this.#store.refresh();
    await this.#configure(licenseKey, instanceId);
    // Once more, with a note of what the documents proved.
    await this.#store.update((state) => state);
    return this;
  }

  /** Writes how much time passed, for deadlines that go on with the next start. */
  protected async writeTime(): Promise<void> {
    await this.#store.update((state) => this.contacts.time.stamp(state));
  }

  /**
   * Takes a seat, or renews the lease of the one that there is; with another key, where one is given. A license that
   * may run is not given up for one that is refused: then the status of the other one is returned. Where nobody
   * answers within `timeout` milliseconds in all, the status as it is, with the key as its `candidate`.
   */
  activate(licenseKey?: string): Promise<Status> {
    const text = licenseKey ?? "";
    return this.#inTime(
      (contacts) =>
        cleanKey(text) === ""
          ? this.#ask(contacts, { ...ALL, returning: false })
          : this.#activateWith(contacts, text),
      () => this.#late(),
    );
  }

  /** Renews the lease and tells the usage now; activates where that is due. Waits as `activate`, throws for no outage. */
  checkIn(): Promise<Status> {
    return this.#inTime(
      (contacts) => this.#ask(contacts, ALL),
      () => this.#late(),
    );
  }

  /** As `checkIn`, where one is due. In a Worker: from a cron trigger. */
  async checkInIfDue(): Promise<Status> {
    const { clock, transport } = this.contacts;
    const due = (state: State) => ({
      candidate: isCandidateDue(state, clock()),
      held: isDue(state, clock()),
    });
    const isAny = ({ candidate, held }: ReturnType<typeof due>): boolean => candidate || held;
    if (transport === null || !isAny(due(this.#store.state))) return this.status();
    return this.#inTurn(async () => {
      // Another process that shares the storage may have been there before.
      const questions = due(await this.#store.update((stored) => stored));
      return isAny(questions)
        ? this.#contact(this.contacts, { ...questions, returning: true })
        : this.status();
    });
  }

  /**
   * Gives the seat back, after telling the usage, and forgets key and certificate. Waits at most `timeout`
   * milliseconds in all.
   * @throws LicenseError with the service's code, or SERVICE_UNAVAILABLE; the seat then ends with its lease
   */
  deactivate(): Promise<void> {
    return this.#inTime((contacts) => this.#leave(contacts, afterSeat), failForTime);
  }

  /**
   * Gives the seat back, after telling the usage, for as long as nothing runs: the key stays, and the next start
   * takes a seat again. For what keeps no state, at its orderly end.
   * @throws as `deactivate`
   */
  release(): Promise<void> {
    return this.#inTime((contacts) => this.#leave(contacts, afterRelease), failForTime);
  }

  /**
   * Installs a license key. Where what is in force may run, it stays until the service grants the other one a seat;
   * where nothing may, one that a trusted key verifies counts at once. The key that was installed last changes
   * nothing: the one that the service sent since stays.
   */
  async installKey(licenseKey: string): Promise<Status> {
    const given = await lookAt(this.#evidence, this.#store.state, licenseKey);
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
    await takeRevocations(this.contacts, token);
    return this.status();
  }

  /** The request file of an installation without a network. @throws LicenseError LICENSE_KEY_MISSING */
  activationRequest(): Promise<string> {
    return writeRequest(this.contacts);
  }

  /** Takes in the content of a `.caio-license` file. @throws LicenseError LICENSE_FILE_INVALID */
  async loadLicenseFile(text: string): Promise<Status> {
    await takeLicenseFile(this.contacts, text);
    return this.status();
  }

  /**
   * Stops for good where there is no network: hands the receipt that frees the seat to `keep`, then forgets key
   * and certificate.
   * @throws LicenseError NOT_ACTIVATED where no request file of this installation asked for the certificate
   */
  deactivationReceipt(keep: (receipt: string) => Promise<void>): Promise<void> {
    return writeReceipt(this.contacts, keep);
  }

  async #configure(text: string | undefined, id: string | undefined): Promise<void> {
    const key = await lookAt(this.#evidence, this.#store.state, text);
    const waiting = key === null && text ? this.#store.state.candidate : null;
    const withdrawn = waiting && (await sha256(waiting.license_key));
    const now = { key, instanceId: id === undefined ? null : cleanId(id), withdrawn };
    await this.#store.update((state) => afterConfigured(state, now, this.#momentOf(state)));
  }

  #momentOf(state: State): Moment {
    const at = this.contacts.clock();
    const now = effectiveNow(this.#evidence.facts, at);
    return { at, now, confirmed: this.contacts.time.now(), instanceId: this.#evidence.instanceIn(state) };
  }

  async #activateWith(contacts: Contacts, licenseKey: string): Promise<Status> {
    await this.installKey(licenseKey);
    const { candidate } = this.#store.state;
    if (candidate?.license_key !== cleanKey(licenseKey))
      return this.#ask(contacts, { ...ALL, candidate: false, returning: false });
    return this.#inTurn(async () => (await tryCandidate(contacts, candidate)) ?? this.status());
  }

  async #leave(contacts: Contacts, after: typeof afterSeat): Promise<void> {
    await this.flush();
    const { usage, acknowledged } = this.#store.state;
    if (usableCertificate(this.#evidence.facts) && !isSettled(usage, acknowledged))
      await this.#ask(contacts, { ...ALL, candidate: false });
    await this.#inTurn(async () => {
      await giveBack(contacts);
      const { highWater } = this.#evidence.facts;
      // In the same turn: a check-in that waits for it must not take the seat again.
      await this.#store.update((state) => after(state, highWater));
    });
  }

  /** The status as it is where a call ran out of time. */
  #late(): Status {
    const { clock, time } = this.contacts;
    const lastFailure = { at: new Date(clock()).toISOString(), reason: TOO_LATE };
    return evaluate({ ...this.#evidence.facts, lastFailure }, { clock: clock(), confirmed: time.now() });
  }

  #inTime<T>(call: (contacts: Contacts) => Promise<T>, known: () => T): Promise<T> {
    return atMost(call(forCall(this.contacts)), this.contacts.timeout, known);
  }

  #ask(contacts: Contacts, questions: Questions): Promise<Status> {
    return this.#inTurn(() => this.#contact(contacts, questions));
  }

  async #contact(contacts: Contacts, questions: Questions): Promise<Status> {
    await this.flush();
    await contact(contacts, questions);
    return this.status();
  }

  /** One contact at a time; whoever comes meanwhile waits for it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#contacting.then(work);
    this.#contacting = turn.catch(() => undefined);
    return turn;
  }
}
