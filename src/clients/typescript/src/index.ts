// The core, for Node, Workers and any other runtime with fetch and WebCrypto. Node's state folder and timer: ./node.
export { METRICS_TYPE } from "./metrics.ts";
export { License } from "./client.ts";
export type { KeySet, PublicKey } from "./documents.ts";
export type { LicenseOptions } from "./options.ts";
export type { Statement } from "./statement.ts";
export { MemoryStorage, type Storage } from "./storage.ts";
export type { Fetch } from "./transport.ts";
export {
  type Candidate,
  type Code,
  type Entitlement,
  type EntitlementValue,
  type Failure,
  LicenseError,
  type LicenseState,
  type Refusal,
  type Status,
  type Terms,
} from "./vocabulary.ts";
