// What every request and job carries: the services made once per isolate, and who is acting now.
import type { Config } from "./config.ts";
import type { Keyring } from "./crypto/keyring.ts";
import type { Database } from "./storage/database.ts";
import type {
  Contact,
  ContactRole,
  Customer,
  CustomerRequest,
  License,
  Message,
  Role,
} from "./storage/schema.ts";

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

/** A rate limit: true while the caller named by `key` is within it. */
export type Limiter = (key: string) => Promise<boolean>;

type LogRecord = Record<string, unknown>;

/**
 * The mail that a change of a license causes, as statements for the batch of the change. It is an interface because
 * letters are written in notices/, a layer above the domain.
 */
export interface LicenseMail {
  /**
   * Mails a license to its customer, after the event by which it became theirs.
   * @throws Problem REQUEST_INVALID at `send_email` if there is no address
   */
  delivery(context: Context, license: License, customer: Customer): Promise<D1PreparedStatement[]>;
  /** Tells the customer about a renewal. Goes after the event, because it depends on the event's changes(). */
  renewal(context: Context, license: License): Promise<D1PreparedStatement[]>;
  /** Tells the customer what was changed. Goes after the event, too. */
  change(context: Context, before: License, license: License): Promise<D1PreparedStatement[]>;
  /** Tells whoever asked what became of it: the status and the answer of `request`. Goes after its event. */
  answer(context: Context, request: CustomerRequest): Promise<D1PreparedStatement[]>;
  /**
   * Tells the other contacts of a customer of one that a contact added. Goes after its event.
   * @param by the id of the contact who added it
   */
  added(context: Context, contact: Contact, by: string): Promise<D1PreparedStatement[]>;
  /**
   * Withdraws unsent mail that would no longer be true. Goes before the change.
   * @param orderId the pending change that this carries out, if it still is pending
   */
  withdrawal(context: Context, before: License, after: License, orderId?: string): D1PreparedStatement[];
  /** Withdraws unsent notices about those licenses of a customer that change, by an SQL condition. Goes before it. */
  withdrawalOfMany(
    context: Context,
    now: number,
    changed: { customerId: string; which: string },
  ): D1PreparedStatement[];
  /**
   * Forgets the mails of a customer to addresses that none of its contacts has, and what digests said: texts, addresses
   * and subjects. What waits is not sent. In pages.
   * @returns whether there may be more
   */
  forgetPage(context: Context, now: number, customerId: string): Promise<boolean>;
  /** The text of a mail, from its row; null if it is not kept any more. */
  textOf(context: Context, mail: Pick<Message, "id" | "content">): Promise<string | null>;
  /** Sends what is due, after the answer. */
  sendSoon(context: Context): void;
}

export interface Services {
  config: Config;
  db: Database;
  /** Weekly backups, and what must outlive the database: heads of seals, erasures. Null where the account has no R2. */
  backups: R2Bucket | null;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  mail: LicenseMail;
  /**
   * Tells webhook endpoints of new events, after the answer.
   * @param by who caused them: for an installation nothing is looked up, unless somebody is known to listen
   */
  tellSoon(context: Context, by: "staff" | "customer" | "instance"): void;
  limits: { refusedCredentials: Limiter; license: Limiter; signIn: Limiter };
  log(level: "info" | "error", record: LogRecord): void;
}

export interface Staff {
  type: "staff";
  /** The id of an API token, an e-mail address, or ADMIN_TOKEN. */
  id: string;
  role: Role;
}

/** A customer, on the customer's site: a contact, or whoever has the key of one license and sees that one alone. */
export interface SiteVisitor {
  type: "customer";
  /** The contact's id, or that of the license. */
  id: string;
  customerId: string;
  roles: readonly SiteRole[];
  /** The one license that a key opens; null for a contact. */
  licenseId: string | null;
}

export type SiteRole = ContactRole | "key";

/** Who acts. An instance proves itself by its license key alone, staff by a credential with a role; the system acts
 * by rule, or carries out what a member of staff ordered, with the role that they have now. */
type Actor =
  | { type: "anonymous"; id: "-" }
  | { type: "instance"; id: string }
  | { type: "system"; id: string; orderedBy?: Staff }
  | SiteVisitor
  | Staff;

export type { Role };

export interface Context extends Services {
  actor: Actor;
  requestId: string;
  ip: string | null;
  /** Lets work continue after the answer is sent. If it fails, that is logged; the caller never sees it. */
  defer(work: Promise<unknown>): void;
}
