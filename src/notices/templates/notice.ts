// What mails are made from: facts and lists as plain data, independent of the database and of HTTP.
// Instants are milliseconds since the epoch; null is perpetual, unlimited or none.

export interface LicenseFacts {
  product: string;
  customer_name: string;
  company: string | null;
  license_id: string;
  license_type: string;
  /** An end that only a date can give is told as that date. */
  expires_at: number | null;
  grace_until: number | null;
  features: string[];
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
  contact: string;
}

/** How far away an end is, in calendar days as the reader counts them; `in` is 2 or more. */
export type When = "today" | "tomorrow" | { in: number };

/** An entitlement that ends. */
export interface EndingPart {
  name: string;
  value: boolean | number | string | null;
  unit: string | null;
  until: number;
  when: When;
}

/** The licenses of one mail: one or several, all of the same customer. */
export type Several<Item> = [Item, ...Item[]];

export interface DigestRow {
  license_id: string;
  customer_name: string;
  expires_at: number | null;
}

export interface UndeliveredRow {
  to: string;
  kind: string;
  license_id: string | null;
  customer_name: string | null;
  why: string | null;
}

/** A part of the digest that is about neither licenses nor mail, such as the jobs of the night. */
export interface DigestNote {
  title: string;
  /** What staff should do, or what it means. */
  lead: string;
  lines: string[];
}

/** The head of the sealed record. */
export interface SealHead {
  seal: number;
  head: string;
}

/** What is wrong with a job of the service: it failed, or its last good run is too long ago. */
export interface DigestJob {
  job: string;
  is: "late" | "failed";
  /** When it failed, or was good last; null if it never was. */
  at: number | null;
  /** The steps that failed. */
  steps: string[];
  /** What the first of them said. */
  why: string | null;
  /** The file that says what to do. */
  runbook: string;
}

/** What a customer wants to know of, by the member of the license, in the order of the mail. */
export const TOLD_CHANGES = [
  "license_type",
  "starts_at",
  "expires_at",
  "grace_days",
  "features",
  "max_instances",
  "max_services",
  "max_requests_per_day",
  "updates_until",
] as const;

export type Notice =
  | { kind: "license_delivery"; licenses: Several<{ facts: LicenseFacts; license_key: string }> }
  | { kind: "license_renewed"; licenses: Several<{ facts: LicenseFacts; license_key: string }> }
  | {
      kind: "license_changed";
      licenses: Several<{ facts: LicenseFacts; changes: Record<string, { from: unknown; to: unknown }> }>;
      /** Since when. */
      at: number;
    }
  | { kind: "expiry_warning"; licenses: Several<{ facts: LicenseFacts; when: When }> }
  | { kind: "license_expired"; licenses: Several<{ facts: LicenseFacts }> }
  | { kind: "entitlement_expiring"; licenses: Several<{ facts: LicenseFacts; parts: Several<EndingPart> }> }
  | {
      kind: "request_answered";
      product: string;
      name: string;
      asked: "renewal" | "seats" | "question";
      /** For seats: how many the license should have. */
      seats: number | null;
      status: "accepted" | "declined";
      /** What staff wrote. */
      answer: string | null;
      link: string;
      contact: string;
    }
  | {
      kind: "contact_added";
      product: string;
      /** Whom the mail is to. */
      to: string;
      company: string;
      /** Who added whom. */
      by: string;
      name: string;
      email: string;
      link: string;
      contact: string;
    }
  | {
      kind: "contact_invited";
      product: string;
      name: string;
      company: string;
      by: string;
      link: string;
      days: number;
      contact: string;
    }
  | {
      kind: "sign_in";
      product: string;
      name: string;
      link: string;
      minutes: number;
      contact: string;
    }
  | {
      kind: "admin_digest";
      product: string;
      day: string;
      expiring: DigestRow[];
      expired: DigestRow[];
      bounced: UndeliveredRow[];
      /** Mail that was given up. */
      failed: UndeliveredRow[];
      /** What keeps all mail from going out, or null. */
      sender: { fault: string; since: number | null; waiting: number } | null;
      /** What is wrong with the configuration, a sentence each. */
      faults: string[];
      /** Sections that other parts of the service add. */
      more: DigestNote[];
      at_limit: { license_id: string; customer_name: string; active: number; max: number }[];
      unreachable: DigestRow[];
      seal: SealHead | null;
      jobs: DigestJob[];
    };

/** What the outbox keeps. A link that opens something is mailed at once: nobody may read it here. */
export type KeptNotice = Exclude<Notice, { kind: "sign_in" | "contact_invited" }>;

export type NoticeOf<Kind extends Notice["kind"]> = Extract<Notice, { kind: Kind }>;
