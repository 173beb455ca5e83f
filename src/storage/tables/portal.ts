// The customer's site: who asked to sign in, who is signed in, and the seats that customers freed.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { customers } from "./licensing.ts";

export const portalLinks = sqliteTable(
  "portal_links",
  {
    hash: text().primaryKey(),
    browser_hash: text().notNull(),
    address_hash: text().notNull(),
    network_hash: text().notNull(),
    contacts: text().notNull(),
    created_at: integer().notNull(),
    spent_at: integer(),
  },
  (table) => [
    index("portal_links_by_address").on(table.address_hash, table.created_at),
    index("portal_links_by_network").on(table.network_hash, table.created_at),
    index("portal_links_by_age").on(table.created_at),
  ],
);

export const portalSessions = sqliteTable(
  "portal_sessions",
  {
    hash: text().primaryKey(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
    contact_id: text(),
    license_id: text(),
    created_at: integer().notNull(),
    expires_at: integer().notNull(),
  },
  (table) => [
    index("portal_sessions_by_customer").on(table.customer_id),
    index("portal_sessions_by_end").on(table.expires_at),
  ],
);

export const portalFrees = sqliteTable(
  "portal_frees",
  {
    license_id: text().notNull(),
    freed_at: integer().notNull(),
    activation_id: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.license_id, table.freed_at, table.activation_id] }),
    index("portal_frees_by_age").on(table.freed_at),
  ],
);

export const portalInvitations = sqliteTable(
  "portal_invitations",
  {
    id: text().primaryKey(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
    invited_by: text().notNull(),
    hash: text().unique(),
    email: text(),
    name: text(),
    roles: text().notNull(),
    language: text(),
    created_at: integer().notNull(),
    confirmed_at: integer(),
  },
  (table) => [
    index("portal_invitations_by_customer").on(table.customer_id, table.created_at),
    index("portal_invitations_open")
      .on(table.created_at)
      .where(sql`confirmed_at IS NULL`),
  ],
);

export const REQUEST_KINDS = ["renewal", "seats", "question"] as const;

export const REQUEST_STATUSES = ["open", "accepted", "declined"] as const;

export const customerRequests = sqliteTable(
  "customer_requests",
  {
    id: text().primaryKey(),
    customer_id: text()
      .notNull()
      .references(() => customers.id),
    license_id: text(),
    contact_id: text().notNull(),
    kind: text({ enum: REQUEST_KINDS }).notNull(),
    seats: integer(),
    text: text().notNull(),
    status: text({ enum: REQUEST_STATUSES }).notNull().default("open"),
    answer: text(),
    answered_at: integer(),
    created_at: integer().notNull(),
  },
  (table) => [
    index("customer_requests_by_customer").on(table.customer_id, table.id),
    index("customer_requests_by_status").on(table.status, table.id),
  ],
);

export type CustomerRequest = typeof customerRequests.$inferSelect;
