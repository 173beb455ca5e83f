// The outbox, and when the next mail may be sent.
import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const KINDS = [
  "license_delivery",
  "license_renewed",
  "license_changed",
  "expiry_warning",
  "license_expired",
  "entitlement_expiring",
  "request_answered",
  "contact_added",
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
    key_revision: integer(),
    joined: text(),
    told_on: text(),
    reason: text(),
    bounce_type: text(),
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
    // Without regard to case.
    index("messages_by_recipient").on(table.recipient, table.id),
    index("messages_bounced")
      .on(table.updated_at)
      .where(sql`status = 'bounced'`),
    index("messages_by_joined")
      .on(table.joined, table.id)
      .where(sql`joined IS NOT NULL`),
    index("messages_by_customer")
      .on(table.customer_id, table.id)
      .where(sql`recipient <> '' AND customer_id IS NOT NULL`),
    index("messages_failed")
      .on(table.updated_at)
      .where(sql`status = 'failed'`),
  ],
);

export const mailPace = sqliteTable("mail_pace", {
  only: integer().primaryKey(),
  next_at: integer().notNull(),
  fault: text(),
  fault_since: integer(),
  fault_until: integer(),
  fault_config: text(),
});

export const messageWalk = sqliteTable("message_walk", {
  only: integer().primaryKey(),
  id: text().notNull(),
});

export type Message = typeof messages.$inferSelect;
