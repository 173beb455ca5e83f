// The tables of migrations/ as Drizzle sees them. The migrations are the truth; a test compares the two.
// Property names are the column names, which are also the API's field names: rows need no renaming.
import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

const json = <T>() => text({ mode: "json" }).$type<T>();

export const ROLES = ["owner", "manager", "viewer"] as const;

export type Role = (typeof ROLES)[number];

export type Metadata = Record<string, unknown>;

const limits = () => ({
  features: json<string[]>().notNull(),
  max_instances: integer(),
  max_services: integer(),
  max_requests_per_day: integer(),
});

export const customers = sqliteTable("customers", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text(),
  company: text(),
  metadata: json<Metadata>().notNull().default({}),
  version: integer().notNull().default(1),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
  email_status: text({ enum: ["bounced", "complained"] }),
});

export const customerTerms = sqliteTable(
  "customer_terms",
  {
    term: text().notNull(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
  },
  (table) => [
    primaryKey({ columns: [table.term, table.customer_id] }),
    index("customer_terms_by_customer").on(table.customer_id),
  ],
);

export const licenseTypes = sqliteTable("license_types", {
  id: text().primaryKey(),
  name: text().notNull(),
  duration_days: integer(),
  grace_days: integer().notNull(),
  lease_days: integer().notNull(),
  check_in_hours: integer().notNull(),
  ...limits(),
  version: integer().notNull().default(1),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
  notice_days: json<number[]>().notNull().default([30, 14, 7, 1, 0]),
});

export const licenses = sqliteTable(
  "licenses",
  {
    id: text().primaryKey(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
    license_type: text()
      .notNull()
      .references(() => licenseTypes.id),
    status: text({ enum: ["active", "suspended", "revoked"] }).notNull(),
    revision: integer().notNull(),
    issued_at: integer().notNull(),
    starts_at: integer(),
    expires_at: integer(),
    grace_days: integer().notNull(),
    lease_days: integer().notNull(),
    check_in_hours: integer().notNull(),
    ...limits(),
    metadata: json<Metadata>().notNull().default({}),
    version: integer().notNull().default(1),
    updated_at: integer().notNull(),
    notice_days: json<number[]>(),
  },
  (table) => [
    index("licenses_by_customer").on(table.customer_id, table.id),
    index("licenses_by_customer_and_expiry")
      .on(table.customer_id, table.expires_at, table.id)
      .where(sql`expires_at IS NOT NULL`),
    index("licenses_by_type").on(table.license_type, table.id),
    index("licenses_by_status").on(table.status, table.id),
    index("licenses_by_expiry")
      .on(table.expires_at, table.id)
      .where(sql`expires_at IS NOT NULL`),
    index("licenses_by_start")
      .on(table.starts_at, table.id)
      .where(sql`starts_at IS NOT NULL`),
    index("licenses_with_notice_days")
      .on(table.notice_days)
      .where(sql`notice_days IS NOT NULL`),
  ],
);

export const activations = sqliteTable(
  "activations",
  {
    license_id: text()
      .notNull()
      .references(() => licenses.id),
    ended_at: integer().notNull().default(0),
    instance_id: text().notNull(),
    id: text().notNull(),
    activated_at: integer().notNull(),
    last_seen_at: integer().notNull(),
    lease_expires_at: integer().notNull(),
    check_in_at: integer().notNull(),
    seats_in_use: integer().notNull(),
    seats_lapsed: integer().notNull(),
    replaces: text(),
    ended_by: text({ enum: ["instance", "staff", "lease"] }),
    fingerprint: text(),
    hostname: text(),
    app_version: text(),
    labels: json<Record<string, string>>(),
    ip: text(),
    usage_day: text(),
    requests: integer().notNull().default(0),
    services: integer().notNull().default(0),
    license_requests: integer().notNull().default(0),
    license_services: integer().notNull().default(0),
    presented_at: integer(),
    strays: integer().notNull().default(0),
    clone_suspected_at: integer(),
    fingerprint_changed_at: integer(),
    actor_type: text().notNull().default("instance"),
    actor_id: text().notNull().default("-"),
    request_id: text().notNull().default("-"),
    occasion: text(),
  },
  (table) => [
    primaryKey({ columns: [table.license_id, table.ended_at, table.instance_id] }),
    index("activations_suspected")
      .on(table.clone_suspected_at)
      .where(sql`clone_suspected_at IS NOT NULL`),
  ],
);

export const events = sqliteTable(
  "events",
  {
    id: integer().primaryKey(),
    at: integer().notNull(),
    action: text().notNull(),
    entity_type: text().notNull(),
    entity_id: text().notNull(),
    actor_type: text().notNull(),
    actor_id: text().notNull(),
    request_id: text().notNull(),
    ip: text(),
    detail: json<Record<string, unknown>>().notNull(),
  },
  (table) => [
    index("events_by_entity").on(table.entity_id, table.id),
    index("events_by_actor")
      .on(table.actor_id, table.id)
      .where(sql`actor_type <> 'instance'`),
    index("events_by_action")
      .on(table.action, table.id)
      .where(sql`actor_type <> 'instance'`),
  ],
);

const role = () => text({ enum: ROLES }).notNull();

export const apiTokens = sqliteTable("api_tokens", {
  id: text().primaryKey(),
  name: text().notNull(),
  role: role(),
  prefix: text().notNull(),
  hash: text().notNull().unique(),
  created_by: text().notNull(),
  created_at: integer().notNull(),
  expires_at: integer(),
  last_used_at: integer(),
  revoked_at: integer(),
});

export const auditSeals = sqliteTable("audit_seals", {
  id: integer().primaryKey(),
  from_id: integer().notNull().unique(),
  up_to: integer().notNull(),
  sealed_at: integer().notNull(),
  head: text().notNull(),
  marks: text().notNull(),
  token: text().notNull(),
});

export const sessions = sqliteTable(
  "sessions",
  {
    id: text().primaryKey(),
    credential_hash: text().notNull(),
    created_at: integer().notNull(),
    expires_at: integer().notNull(),
  },
  (table) => [index("sessions_by_end").on(table.expires_at)],
);

export const people = sqliteTable("people", {
  email: text().primaryKey(),
  role: role(),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
});

export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    actor_id: text().notNull(),
    key: text().notNull(),
    request_hash: text().notNull(),
    request_id: text().notNull(),
    created_at: integer().notNull(),
    answer: blob({ mode: "buffer" }),
  },
  (table) => [
    primaryKey({ columns: [table.actor_id, table.key] }),
    index("idempotency_keys_by_age").on(table.created_at),
  ],
);

export const licenseCounts = sqliteTable(
  "license_counts",
  { license_type: text().notNull(), status: text().notNull(), n: integer().notNull() },
  (table) => [primaryKey({ columns: [table.license_type, table.status] })],
);

export const licenseTurns = sqliteTable(
  "license_turns",
  {
    turn: text({ enum: ["starts", "expiring", "expires", "ends"] }).notNull(),
    size: integer().notNull(),
    prefix: text().notNull(),
    n: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.turn, table.size, table.prefix] })],
);

export const activationDays = sqliteTable("activation_days", {
  day: text().primaryKey(),
  n: integer().notNull(),
});

export const activationTotals = sqliteTable("activation_totals", {
  only: integer().primaryKey(),
  up_to: integer().notNull(),
  activations: integer().notNull(),
  seated: integer().notNull(),
});

export const usage = sqliteTable(
  "usage",
  {
    license_id: text().notNull(),
    day: text().notNull(),
    instance_id: text().notNull(),
    requests: integer().notNull(),
    services: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.day, table.instance_id] })],
);

export const usageDays = sqliteTable("usage_days", {
  day: text().primaryKey(),
  requests: integer().notNull(),
  services: integer().notNull(),
});

export const overuse = sqliteTable(
  "overuse",
  {
    license_id: text().notNull(),
    day: text().notNull(),
    limit_name: text({ enum: ["max_requests_per_day", "max_services"] }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.day, table.limit_name] })],
);

export const KINDS = [
  "license_delivery",
  "license_renewed",
  "expiry_warning",
  "license_expired",
  "admin_digest",
] as const;

export const MESSAGE_STATUSES = ["pending", "sent", "delivered", "bounced", "failed", "skipped"] as const;

export const messages = sqliteTable(
  "messages",
  {
    id: text().primaryKey(),
    dedupe_key: text().notNull().unique(),
    kind: text({ enum: KINDS }).notNull(),
    license_id: text(),
    customer_id: text(),
    recipient: text().notNull(),
    subject: text().notNull(),
    content: text().notNull(),
    status: text({ enum: MESSAGE_STATUSES }).notNull(),
    attempts: integer().notNull().default(0),
    next_try_at: integer().notNull().default(0),
    batch_id: text(),
    uncertain_since: integer(),
    provider_id: text(),
    last_error: text(),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
  },
  (table) => [
    index("messages_by_status").on(table.status, table.id),
    index("messages_by_kind").on(table.kind, table.id),
    index("messages_by_license")
      .on(table.license_id, table.id)
      .where(sql`license_id IS NOT NULL`),
    index("messages_by_batch")
      .on(table.batch_id, table.id)
      .where(sql`batch_id IS NOT NULL`),
    index("messages_due")
      .on(table.next_try_at, table.id)
      .where(sql`status = 'pending' AND batch_id IS NULL`),
    index("messages_due_again")
      .on(table.next_try_at, table.batch_id)
      .where(sql`status = 'pending' AND batch_id IS NOT NULL`),
    index("messages_by_provider")
      .on(table.provider_id)
      .where(sql`provider_id IS NOT NULL`),
    index("messages_bounced")
      .on(table.updated_at)
      .where(sql`status = 'bounced'`),
  ],
);

export const mailPace = sqliteTable("mail_pace", {
  only: integer().primaryKey(),
  next_at: integer().notNull(),
});

export type Message = typeof messages.$inferSelect;
export type Customer = typeof customers.$inferSelect;
export type LicenseType = typeof licenseTypes.$inferSelect;
export type License = typeof licenses.$inferSelect;
export type Activation = typeof activations.$inferSelect;
export type Event = typeof events.$inferSelect;
export type AuditSeal = typeof auditSeals.$inferSelect;
export type ApiToken = typeof apiTokens.$inferSelect;
export type Person = typeof people.$inferSelect;
