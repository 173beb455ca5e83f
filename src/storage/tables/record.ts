// What happened, and the seals over it.
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { recordDetail, recordTime } from "./columns.ts";

export const events = sqliteTable(
  "events",
  {
    id: integer().primaryKey(),
    at: recordTime().notNull(),
    action: text().notNull(),
    entity_type: text().notNull(),
    entity_id: text().notNull(),
    actor_type: text().notNull(),
    actor_id: text().notNull(),
    request_id: text().notNull(),
    ip: text(),
    detail: recordDetail().notNull(),
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

export const auditSeals = sqliteTable(
  "audit_seals",
  {
    id: integer().primaryKey(),
    from_id: integer().notNull().unique(),
    up_to: integer().notNull(),
    sealed_at: recordTime().notNull(),
    head: text().notNull(),
    /** Empty, except in seals of former releases. */
    marks: text().notNull(),
    token: text().notNull(),
  },
  (table) => [
    index("audit_seals_by_long_marks")
      .on(table.id)
      .where(sql`length(marks) > 64000`),
  ],
);

export const auditMarks = sqliteTable(
  "audit_marks",
  { seal: integer().notNull(), from_id: integer().notNull(), marks: text().notNull() },
  (table) => [primaryKey({ columns: [table.seal, table.from_id] })],
);

export type Event = typeof events.$inferSelect;
export type AuditSeal = typeof auditSeals.$inferSelect;
