// What an installation is configured with.
import type { KeySet } from "./documents.ts";
import type { Storage } from "./state.ts";
import type { Fetch } from "./transport.ts";

export interface LicenseOptions {
  /** Where the service is: https://licensing.example. Without one nothing is asked over the network. */
  url?: string | undefined;
  storage: Storage;
  /**
   * What the operator configured; left out, the stored one. Another one than was configured before is a candidate:
   * it takes the place of a license that may run once the service grants it a seat.
   */
  licenseKey?: string | undefined;
  /** The `iss` of all documents, or several with commas between; `url` where left out. */
  issuer?: string | undefined;
  /** Keys that came with the installation (a JWK Set). */
  trustedKeys?: KeySet | undefined;
  /** False: `trustedKeys` and nothing else. Otherwise the keys that the service publishes count, too. */
  fetchKeys?: boolean | undefined;
  /** Whether an installation that is neither entitled nor refused may run: "allow" unless "deny". */
  onIndeterminate?: "allow" | "deny" | undefined;
  /** How long an installation that nobody can tell anything about may run, in days: 90. null: without end. */
  indeterminateDays?: number | null | undefined;
  /** In place of one that is made once and kept in the storage. One that changes is a candidate. */
  instanceId?: string | undefined;
  /** The longest lease that is wished for, 1 to 8760 hours: for what keeps no state, so that a lost seat is soon free. */
  leaseHours?: number | undefined;
  hostname?: string | undefined;
  appVersion?: string | undefined;
  fingerprint?: string | undefined;
  /** At most 32, shown to staff beside the instance. */
  labels?: Record<string, string> | undefined;
  /** For proxies and tests. */
  fetch?: Fetch | undefined;
  /** Milliseconds for a request, and for `activate` with a key in all; 10 000 where left out. */
  timeout?: number | undefined;
  /** Milliseconds since the epoch. */
  clock?: (() => number) | undefined;
  /** Milliseconds that only go forward; deadlines go by it. Left out: `clock` where that is given, or the process's. */
  monotonic?: (() => number) | undefined;
  random?: (() => number) | undefined;
  /**
   * Told what an operator should read: the storage that cannot be written, a service that cannot be reached, a
   * refusal. Left out, it is a warning on the console. Nothing stops for it, and nothing for what this throws.
   */
  onError?: ((error: unknown) => unknown) | undefined;
}
