// The part of a license that asks nobody: what the installation may do now, and what it counts.
import type { Contacts } from "./contacts.ts";
import { type BuiltAt, covers } from "./coverage.ts";
import { claimOf } from "./documents.ts";
import { allows, entitlementOf, requireEntitlement } from "./entitlements.ts";
import { requireFeature } from "./features.ts";
import {
  blank,
  checkMeter,
  countable,
  type Figures,
  highest,
  MAX_METERS,
  meterOf,
  metersOf,
} from "./meters.ts";
import { metricsOf } from "./metrics.ts";
import { effectiveNow, evaluate } from "./rules.ts";
import { type Statement, statementOf } from "./statement.ts";
import { dayOf } from "./usage.ts";
import type { EntitlementValue, Status } from "./vocabulary.ts";

export class Installation {
  protected readonly contacts: Contacts;
  /** What runs now: it goes on on each day until another number is told. */
  #levels: Record<string, number> = {};
  /** Days and meters that were found good. */
  readonly #checked = new Set<string>();

  protected constructor(contacts: Contacts) {
    this.contacts = contacts;
  }

  /** Who the installation is to the service. */
  get instanceId(): string {
    return this.contacts.evidence.facts.held.instanceId;
  }

  /** What the installation may do now. Offline, and cheap enough for every request. */
  status(): Status {
    const { clock, time, evidence } = this.contacts;
    return evaluate(evidence.facts, { clock: clock(), confirmed: time.now() });
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
    requireFeature(this.status(), feature);
  }

  /** The value of an entitlement, Infinity where it has no limit; null if the license does not include it. */
  entitlement(code: string): EntitlementValue | null {
    return entitlementOf(this.status(), code);
  }

  /**
   * Whether the license includes the entitlement and, with an amount, at least so much of it; look at `mayRun` as well.
   * False and 0 include nothing, and a text has no amount. Where the keys went missing: as `requireFeature`.
   */
  allows(code: string, amount?: number): boolean {
    return allows(this.status(), code, amount);
  }

  /** @throws LicenseError FEATURE_NOT_LICENSED, or the status's code where the installation may not run */
  requireEntitlement(code: string, amount?: number): void {
    requireEntitlement(this.status(), code, amount);
  }

  /** Counts requests on the current UTC day. Stored with the next flush. @throws RangeError */
  countRequests(n = 1): void {
    this.#count("requests", n);
  }

  /** How many services run now; of each day the most at a time counts. @throws RangeError */
  setServices(n: number): void {
    this.#observe("services", n);
  }

  /**
   * Adds to a meter of the current UTC day, such as tokens.
   * @throws RangeError for an invalid code or number, a meter that is observed, or the 33rd of a day
   */
  count(code: string, n = 1): void {
    this.#count(meterOf("sum", code), n);
  }

  /**
   * How many there are now, such as GPUs. Of each day the highest number counts; the last one goes on until another one
   * is told or the process ends.
   * @throws RangeError for an invalid code or number, a meter that is counted, or the 33rd of a day
   */
  observe(code: string, n: number): void {
    this.#observe(meterOf("peak", code), n);
  }

  /** The meters of the current UTC day by code. */
  metersToday(): Record<string, number> {
    return Object.fromEntries(metersOf(this.#today()));
  }

  /**
   * What this installation counted in a month (YYYY-MM, UTC) under its license and id, in the names of the service's
   * statement. Days that the service has are kept for 132 days.
   * @throws RangeError for anything but a month
   */
  statement(month: string): Statement {
    const { state } = this.contacts.store;
    const today = this.#day();
    const isRunning = Object.keys(this.#levels).length > 0;
    const known = { ...state.settled, ...state.usage, ...(isRunning ? { [today]: this.#today() } : {}) };
    const license_id = state.usage_license_id ?? claimOf(state.license_key ?? "", "jti");
    return { license_id, instance_id: this.instanceId, ...statementOf(month, known, state, today) };
  }

  /** OpenMetrics text, to be served as METRICS_TYPE. */
  metrics(): string {
    const { store, clock } = this.contacts;
    return metricsOf(this.status(), store.state, this.#today(), clock());
  }

  /**
   * Writes what was counted, and takes over what others wrote who share the storage.
   * In a Worker: `context.waitUntil(license.flush())`.
   */
  async flush(): Promise<void> {
    const { store } = this.contacts;
    const day = this.#day();
    const counted = store.state.usage[day] ?? blank();
    // What runs on runs on each day.
    const higher = Object.entries(this.#levels).filter(([name, level]) => level > (counted[name] ?? 0));
    if (higher.length > 0) store.count(day, Object.fromEntries(higher));
    if (store.isDirty) await store.update((state) => state);
    else await store.refresh();
  }

  #day(): string {
    return dayOf(effectiveNow(this.contacts.evidence.facts, this.contacts.clock()));
  }

  #today(): Figures {
    return highest(this.contacts.store.state.usage[this.#day()] ?? blank(), this.#levels);
  }

  #count(name: string, n: number): void {
    this.#check(name);
    this.contacts.store.count(this.#day(), { ...this.#levels, [name]: countable(n) });
  }

  #observe(name: string, n: number): void {
    this.#check(name);
    const level = countable(n);
    this.contacts.store.count(this.#day(), { [name]: level });
    const { [name]: _before, ...others } = this.#levels;
    this.#levels = level === 0 ? others : { ...others, [name]: level };
  }

  #check(name: string): void {
    const today = `${this.#day()} ${name}`;
    if (!name.includes(":") || this.#checked.has(today)) return;
    checkMeter(name, this.#today());
    if (this.#checked.size > 10 * MAX_METERS) this.#checked.clear();
    this.#checked.add(today);
  }
}
