// The configuration of an installation.
import type { BuiltAt } from "./coverage.ts";
import type { KeySet } from "./documents.ts";
import type { Storage } from "./storage.ts";
import type { Fetch } from "./transport.ts";

export interface LicenseOptions {
  /**
   * The address of the service: https://licensing.example. Without it the client sends no requests, and with a mistyped
   * one neither: then `lastFailure` says so.
   */
  url?: string | undefined;
  storage: Storage;
  /**
   * The configured key; if left out, the stored one. A key that differs from the last configured one is a candidate:
   * it replaces a license that may run once the service grants it a seat.
   */
  licenseKey?: string | undefined;
  /** The `iss` of all documents, or several separated by commas; default: `url`. */
  issuer?: string | undefined;
  /** Keys that came with the installation (a JWK Set). */
  trustedKeys?: KeySet | undefined;
  /** False: `trustedKeys` and nothing else. Otherwise the keys that the service publishes count as well. */
  fetchKeys?: boolean | undefined;
  /** Whether an installation that is neither entitled nor refused may run: "allow" unless "deny". */
  onIndeterminate?: "allow" | "deny" | undefined;
  /** How long an installation may run if nobody can tell, in days: 90. null: without end. */
  indeterminateDays?: number | null | undefined;
  /** Replaces the id that is made once and kept in the storage. A changed id is a candidate. */
  instanceId?: string | undefined;
  /** The longest lease to ask for, 1 to 8760 hours: short if no state is kept, so that a lost seat is soon free. */
  leaseHours?: number | undefined;
  /** When the running version of the product was built. One that the license does not cover is warned of. */
  builtAt?: BuiltAt | undefined;
  hostname?: string | undefined;
  appVersion?: string | undefined;
  fingerprint?: string | undefined;
  /** At most 32, shown to staff with the instance. */
  labels?: Record<string, string> | undefined;
  /** For proxies and tests. */
  fetch?: Fetch | undefined;
  /**
   * Milliseconds that `activate`, `checkIn`, `deactivate` and `release` wait in total, also for the disk, and that a
   * request may take; default: 10 000. The work then continues by itself.
   */
  timeout?: number | undefined;
  /** Milliseconds since the epoch. */
  clock?: (() => number) | undefined;
  /** Milliseconds that only go forward, for deadlines. Default: `clock` if given, else the monotonic clock of the process. */
  monotonic?: (() => number) | undefined;
  random?: (() => number) | undefined;
  /**
   * Called with what an operator should read: a storage that cannot be written, a service that cannot be reached, a
   * refusal. Default: a warning on the console. None of them stops the program, nor does an error thrown here.
   */
  onError?: ((error: unknown) => unknown) | undefined;
}
