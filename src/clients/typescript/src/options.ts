// What an installation is configured with.
import type { KeySet } from "./documents.ts";
import type { Storage } from "./state.ts";
import type { Fetch } from "./transport.ts";

export interface LicenseOptions {
  /** Where the service is: https://licensing.example. Without one nothing is asked over the network. */
  url?: string | undefined;
  storage: Storage;
  /** What the operator configured; left out, the stored one. Another one than before is installed. */
  licenseKey?: string | undefined;
  /** The `iss` of all documents; `url` where left out. */
  issuer?: string | undefined;
  /** Keys that came with the installation (a JWK Set). */
  trustedKeys?: KeySet | undefined;
  /** False: `trustedKeys` and nothing else. Otherwise the keys that the service publishes count, too. */
  fetchKeys?: boolean | undefined;
  /** Whether an installation that is neither entitled nor refused may run: "allow" unless "deny". */
  onIndeterminate?: "allow" | "deny" | undefined;
  /** In place of one that is made once and kept in the storage. */
  instanceId?: string | undefined;
  hostname?: string | undefined;
  appVersion?: string | undefined;
  fingerprint?: string | undefined;
  /** At most 32, shown to staff beside the instance. */
  labels?: Record<string, string> | undefined;
  /** For proxies and tests. */
  fetch?: Fetch | undefined;
  /** Milliseconds for a request; 10 000 where left out. */
  timeout?: number | undefined;
  /** Milliseconds since the epoch. */
  clock?: (() => number) | undefined;
  random?: (() => number) | undefined;
  /** Told what went wrong with the storage; nothing stops for it, and nothing for what this throws. */
  onError?: ((error: unknown) => unknown) | undefined;
}
