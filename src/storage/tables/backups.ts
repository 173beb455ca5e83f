// Backups that are being read, and restores.
import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const backups = sqliteTable(
  "backups",
  {
    id: text().primaryKey(),
    stored: integer().notNull(),
    event_id: integer().notNull(),
    begun_at: integer().notNull(),
    seen_at: integer().notNull(),
    ended_at: integer(),
    pages: integer().notNull().default(0),
    position: text(),
  },
  (table) => [
    index("backups_by_time").on(table.begun_at),
    index("backups_open")
      .on(table.seen_at)
      .where(sql`ended_at IS NULL`),
  ],
);

export const restores = sqliteTable(
  "restores",
  {
    id: text().primaryKey(),
    manifest: text().notNull(),
    options: text().notNull(),
    backup_at: integer().notNull(),
    begun_at: integer().notNull(),
    schema: text().notNull(),
    loaded: text().notNull(),
    step: integer().notNull().default(0),
    position: text().notNull().default(""),
    found: text().notNull().default("{}"),
    ended_at: integer(),
  },
  (table) => [index("restores_by_end").on(table.ended_at)],
);
