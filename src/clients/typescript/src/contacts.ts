// What the parts of a license share.
import type { ConfirmedTime } from "./clocks.ts";
import type { Evidence } from "./evidence.ts";
import type { LicenseOptions } from "./options.ts";
import type { Store } from "./store.ts";
import type { Transport } from "./transport.ts";

export interface Contacts {
  options: LicenseOptions;
  store: Store;
  evidence: Evidence;
  time: ConfirmedTime;
  /** Tells the caller what went wrong; never throws. */
  report: (error: unknown) => void;
  /** null: no service is configured, and nothing is asked. */
  transport: Transport | null;
  /** Milliseconds for a request, and for a call in all. */
  timeout: number;
  clock: () => number;
  random: () => number;
}

/** With requests that end in time for a call that waits `timeout` in all: a tenth is left to take in what was heard. */
export const forCall = (contacts: Contacts): Contacts => ({
  ...contacts,
  transport: contacts.transport?.until(performance.now() + contacts.timeout * 0.9) ?? null,
});
