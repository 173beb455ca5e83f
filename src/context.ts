// What every request and job carries: the services made once per isolate, and who is acting now.
import type { Config } from "./config.ts";
import type { Keyring } from "./crypto/keyring.ts";
import type { Database } from "./storage/database.ts";
import type { Customer, License, Role } from "./storage/schema.ts";

interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** The one place where the clock is read. */
export const systemClock: Clock = { now: () => Date.now() };

interface Ids {
  /** A 26-character ULID: sorts by `now`, unguessable beyond it. */
  ulid(now: number): string;
  /** A number in [0, 1). */
  random(): number;
}

/** A brake: true while the caller named by `key` is within the limit. */
export type Limiter = (key: string) => Promise<boolean>;

type LogRecord = Record<string, unknown>;

/**
 * What a change of a license gives the mail to do: statements for the batch of the change. The domain asks for it here
 * because letters are written above it, in notices/.
 */
export interface LicenseMail {
  /**
   * Brings a new license to its customer.
   * @throws Problem REQUEST_INVALID at `send_email` where there is no address
   */
  delivery(context: Context, license: License, customer: Customer): Promise<D1PreparedStatement[]>;
  /** Tells the customer of a renewal; goes behind the event, whose changes() decide. */
  renewal(context: Context, license: License): Promise<D1PreparedStatement[]>;
  /** Takes back what is still to be sent and would not be true any more; goes in front of the change. */
  withdrawal(context: Context, before: License, after: License): D1PreparedStatement[];
  /** Sends what is owed once the answer is out. */
  sendSoon(context: Context): void;
}

export interface Services {
  config: Config;
  db: Database;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  mail: LicenseMail;
  limits: { refusedCredentials: Limiter; license: Limiter; signIn: Limiter };
  log(level: "info" | "error", record: LogRecord): void;
}

export interface Staff {
  type: "staff";
  /** The id of an API token, an e-mail address, or ADMIN_TOKEN. */
  id: string;
  role: Role;
}

/** Who does it. An instance proves itself by its license key alone, staff by a credential
 * with a role; the system acts by rule. */
type Actor =
  | { type: "anonymous"; id: "-" }
  | { type: "instance"; id: string }
  | { type: "system"; id: string }
  | Staff;

export type { Role };

export interface Context extends Services {
  actor: Actor;
  requestId: string;
  ip: string | null;
  /** Lets work go on after the answer is sent. Its failure is logged, never seen by the caller. */
  defer(work: Promise<unknown>): void;
}
