// What mails are made from: facts and lists as plain data, independent of the database and of HTTP.
// Instants are milliseconds since the epoch; null is perpetual, unlimited or none.

export interface LicenseFacts {
  product: string;
  customer_name: string;
  company: string | null;
  license_id: string;
  license_type: string;
  expires_at: number | null;
  grace_until: number | null;
  features: string[];
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
  contact: string;
}

export interface DigestRow {
  license_id: string;
  customer_name: string;
  expires_at: number | null;
}

export type Notice =
  | { kind: "license_delivery"; facts: LicenseFacts; license_key: string }
  | { kind: "license_renewed"; facts: LicenseFacts; license_key: string }
  | {
      kind: "license_changed";
      facts: LicenseFacts;
      changes: Record<string, { from: unknown; to: unknown }>;
      at: number;
    }
  | { kind: "expiry_warning"; facts: LicenseFacts; days_left: number }
  | { kind: "license_expired"; facts: LicenseFacts }
  | {
      kind: "admin_digest";
      product: string;
      day: string;
      expiring: DigestRow[];
      expired: DigestRow[];
      bounced: { to: string; kind: string; license_id: string | null }[];
      at_limit: { license_id: string; customer_name: string; active: number; max: number }[];
      unreachable: DigestRow[];
    };

export type NoticeOf<Kind extends Notice["kind"]> = Extract<Notice, { kind: Kind }>;
