// What is sold and who runs it: customers, license types, licenses, activations.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { json } from "./columns.ts";
import type { Entitlements } from "./entitlements.ts";

export type Metadata = Record<string, unknown>;

/** The unproven requests for a seat on one day: their number, and the last of them. */
export interface UnprovenDay {
  day: string;
  count: number;
  at: number;
  ip: string | null;
  hostname: string | null;
}

const limits = () => ({
  features: json<string[]>().notNull(),
  max_instances: integer(),
  max_services: integer(),
  max_requests_per_day: integer(),
});

const unprovenTerms = () => ({
  unproven_lease_hours: integer().notNull().default(72),
  clone_policy: text({ enum: ["warn", "refuse"] })
    .notNull()
    .default("warn"),
});

/** What staff note, and the version whose search terms are written. */
const ofStaff = () => ({
  notes: text(),
  tags: json<string[]>().notNull().default([]),
  terms_at: integer(),
});

export const customers = sqliteTable(
  "customers",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    email: text(),
    company: text(),
    metadata: json<Metadata>().notNull().default({}),
    version: integer().notNull().default(1),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
    email_status: text({ enum: ["bounced", "complained"] }),
    ...ofStaff(),
    /** Whether its contacts and keys may sign in to the customer's site. */
    portal: integer().notNull().default(1),
  },
  (table) => [
    index("customers_without_terms")
      .on(table.id)
      .where(sql`terms_at IS NOT version`),
  ],
);

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

export const CONTACT_ROLES = ["license", "billing", "technical"] as const;

export type ContactRole = (typeof CONTACT_ROLES)[number];

export const contacts = sqliteTable(
  "contacts",
  {
    id: text().primaryKey(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
    email: text().notNull(),
    name: text(),
    roles: json<ContactRole[]>()
      .notNull()
      .default([...CONTACT_ROLES]),
    language: text({ enum: ["en", "de", "fr", "es", "ja"] }),
    portal: integer().notNull(),
    own: integer().notNull().default(0),
    email_status: text({ enum: ["bounced", "complained"] }),
    version: integer().notNull().default(1),
    created_at: integer().notNull(),
    updated_at: integer().notNull(),
  },
  (table) => [
    index("contacts_by_customer").on(table.customer_id, table.id),
    index("contacts_by_email").on(table.email),
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
  ...unprovenTerms(),
  duration: text(),
  entitlements: json<Entitlements>().notNull().default({}),
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
    signed_until: integer(),
    ...unprovenTerms(),
    unproven_until: integer(),
    term_began_at: integer(),
    updates_until: integer(),
    ...ofStaff(),
    suspension: text(),
    entitlements: json<Entitlements>().notNull().default({}),
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
    index("licenses_without_terms")
      .on(table.id)
      .where(sql`terms_at IS NOT version AND metadata <> '{}'`),
  ],
);

export const licenseTerms = sqliteTable(
  "license_terms",
  {
    term: text().notNull(),
    license_id: text()
      .notNull()
      .references(() => licenses.id),
  },
  (table) => [
    primaryKey({ columns: [table.term, table.license_id] }),
    index("license_terms_by_license").on(table.license_id),
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
    proven: integer().notNull().default(1),
    proven_until: integer(),
    unproven_until: integer(),
    unproven: json<Record<string, UnprovenDay>>(),
    scattered_at: integer(),
    proven_request: text(),
    public_key: text(),
    public_key_since: integer(),
    freed_at: integer(),
    usage_corrected: integer().notNull().default(0),
    certified_at: integer(),
    meters: json<string[]>(),
  },
  (table) => [
    primaryKey({ columns: [table.license_id, table.ended_at, table.instance_id] }),
    index("activations_suspected")
      .on(table.clone_suspected_at)
      .where(sql`clone_suspected_at IS NOT NULL`),
    index("activations_ended")
      .on(table.ended_at)
      .where(sql`ended_at > 0`),
    index("activations_scattered")
      .on(table.scattered_at)
      .where(sql`scattered_at IS NOT NULL`),
  ],
);

export const licenseSeats = sqliteTable("license_seats", {
  license_id: text().primaryKey(),
  seated: integer().notNull(),
  new_day: text(),
  new_ids: integer().notNull().default(0),
  settled_at: integer().notNull().default(0),
});

export const newInstances = sqliteTable(
  "new_instances",
  { day: text().notNull(), license_id: text().notNull(), instance_id: text().notNull() },
  (table) => [primaryKey({ columns: [table.day, table.license_id, table.instance_id] })],
);

export const pendingChanges = sqliteTable(
  "pending_changes",
  {
    id: text().primaryKey(),
    license_id: text()
      .notNull()
      .references(() => licenses.id),
    action: text({ enum: ["change", "renew", "suspend", "reinstate", "revoke", "transfer"] }).notNull(),
    effective_at: integer().notNull(),
    input: json<Record<string, unknown>>().notNull(),
    status: text({ enum: ["pending", "held", "done", "failed", "cancelled"] }).notNull(),
    detail: text(),
    ordered_by: text().notNull(),
    ordered_at: integer().notNull(),
    released_by: text(),
    held_by: text().notNull(),
    overtaken_by: integer(),
    updated_at: integer().notNull(),
  },
  (table) => [
    index("pending_changes_by_license").on(table.license_id, table.id),
    index("pending_changes_by_status").on(table.status, table.effective_at, table.id),
  ],
);

export type PendingChange = typeof pendingChanges.$inferSelect;
export type Customer = typeof customers.$inferSelect;
export type Contact = typeof contacts.$inferSelect;
export type LicenseType = typeof licenseTypes.$inferSelect;
export type License = typeof licenses.$inferSelect;
export type Activation = typeof activations.$inferSelect;
