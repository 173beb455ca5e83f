// What the callers know for certain: what they asked for, and which of it was acknowledged. A request without an
// answer may have been carried out or not; its caller asks for nothing else until it knows.

/** The day that usage is told for: one for all of the run, over midnight too. */
export const TODAY = new Date().toISOString().slice(0, 10);

/** Where the service is now, and its owner's token. */
export interface Target {
  url: string;
  token: string;
}

export interface Sent {
  method: string;
  path: string;
  body: Record<string, unknown>;
  /** The Idempotency-Key, where there is one. */
  key: string | null;
}

/** An instance on a license; one caller's alone. */
export interface Instance {
  license: SharedLicense;
  id: string;
  /** By its last acknowledged request; null while an unanswered one may have changed it. */
  seated: boolean | null;
  /** The certificate that proves its present seat to be its own; null where the answer that had it was lost. */
  certificate: string | null;
  /** Requests told for today: acknowledged, and sent. */
  acknowledged: number;
  told: number;
}

/** Crowded: every caller's instances want its seats. */
export interface SharedLicense {
  id: string;
  key: string;
  limit: number;
}

interface Terms {
  status: string;
  max_instances: number | null;
  expires_at: string;
}

/** Sold by one caller and changed by that one alone. */
export interface OwnLicense extends Terms {
  id: string;
  version: number;
  renewals: number;
  /** What an unanswered request may have made of it. */
  maybe: Terms | null;
}

/** Something made under a name of its own: a customer by id, a license by the mark in its metadata. */
export interface Made {
  kind: "customer" | "license";
  mark: string;
  /** Whether a mail is owed with it. */
  mailed: boolean;
  is: "acknowledged" | "unknown";
}

export class Ledger {
  readonly shared: SharedLicense[] = [];
  readonly instances: Instance[] = [];
  readonly own: OwnLicense[] = [];
  readonly made: Made[] = [];
  /** Idempotency keys whose request was answered with a 2xx. */
  readonly keys: string[] = [];
  /** Sent and not answered when the service died. */
  unanswered: ((back: Target) => Promise<void>)[] = [];
  readonly counts = { requests: 0, acknowledged: 0, refused: 0, unanswered: 0 };
  /** What must never be. */
  readonly faults: string[] = [];
}
