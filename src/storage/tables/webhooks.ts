// Other systems that are told of events.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { json } from "./columns.ts";

export const webhookEndpoints = sqliteTable("webhook_endpoints", {
  id: text().primaryKey(),
  url: text().notNull(),
  events: json<string[]>().notNull(),
  description: text(),
  active: integer().notNull(),
  include_personal: integer().notNull(),
  cursor: integer().notNull(),
  failures: integer().notNull().default(0),
  failing_since: integer(),
  next_try_at: integer().notNull().default(0),
  last_success_at: integer(),
  switched_off_at: integer(),
  lease: text(),
  lease_until: integer().notNull().default(0),
  version: integer().notNull().default(1),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
});

export const webhookSecrets = sqliteTable(
  "webhook_secrets",
  {
    id: text().primaryKey(),
    endpoint_id: text()
      .notNull()
      .references(() => webhookEndpoints.id),
    secret: text().notNull(),
    until: integer(),
  },
  (table) => [index("webhook_secrets_by_endpoint").on(table.endpoint_id)],
);

export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    endpoint_id: text()
      .notNull()
      .references(() => webhookEndpoints.id),
    number: integer().notNull(),
    event_id: integer().notNull(),
    action: text().notNull(),
    at: integer().notNull(),
    status: integer(),
    ms: integer().notNull(),
    error: text(),
    answer: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.endpoint_id, table.number] })],
);

export type WebhookEndpoint = typeof webhookEndpoints.$inferSelect;
export type WebhookDelivery = typeof webhookDeliveries.$inferSelect;
