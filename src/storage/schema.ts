// The tables of migrations/ as Drizzle sees them. The migrations are the truth; a test compares the two.
// Property names are the column names, which are also the API's field names: rows need no renaming.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

const json = <T>() => text({ mode: "json" }).$type<T>();

export type Metadata = Record<string, unknown>;

export const customers = sqliteTable("customers", {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text(),
  company: text(),
  metadata: json<Metadata>().notNull().default({}),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
});

export const licenseTypes = sqliteTable("license_types", {
  id: text().primaryKey(),
  name: text().notNull(),
  duration_days: integer(),
  grace_days: integer().notNull(),
  lease_days: integer().notNull(),
  check_in_hours: integer().notNull(),
  features: json<string[]>().notNull(),
  max_instances: integer(),
  max_services: integer(),
  max_requests_per_day: integer(),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
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
    features: json<string[]>().notNull(),
    max_instances: integer(),
    max_services: integer(),
    max_requests_per_day: integer(),
    metadata: json<Metadata>().notNull().default({}),
    updated_at: integer().notNull(),
  },
  (table) => [
    index("licenses_by_customer").on(table.customer_id, table.id),
    index("licenses_by_type").on(table.license_type, table.id),
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
    fingerprint: text(),
    hostname: text(),
    app_version: text(),
    labels: json<Record<string, string>>(),
    ip: text(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.ended_at, table.instance_id] })],
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
  (table) => [index("events_by_entity").on(table.entity_id, table.id)],
);

export type Customer = typeof customers.$inferSelect;
export type LicenseType = typeof licenseTypes.$inferSelect;
export type License = typeof licenses.$inferSelect;
export type Activation = typeof activations.$inferSelect;
