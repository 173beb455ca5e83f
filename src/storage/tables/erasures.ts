// Who was erased: ids only.
import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const erasures = sqliteTable(
  "erasures",
  {
    id: text().primaryKey(),
    customer_id: text().notNull(),
    contact_id: text(),
    erased_at: integer().notNull(),
    finished_at: integer(),
    kept_at: integer(),
  },
  (table) => [
    index("erasures_open")
      .on(table.id)
      .where(sql`finished_at IS NULL OR kept_at IS NULL`),
  ],
);

export type ErasureRow = typeof erasures.$inferSelect;
