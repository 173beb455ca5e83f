// Who may do what, and requests that were already answered.
import { blob, index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const PERSON_ROLES = ["owner", "manager", "viewer"] as const;

/** The roles of API tokens. A monitor is a program: it reads health and metrics, and nothing else. */
export const ROLES = [...PERSON_ROLES, "monitor"] as const;

export type Role = (typeof ROLES)[number];

const role = () => text({ enum: PERSON_ROLES }).notNull();

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
  /** Whether its role is monitor; `role` cannot say so. */
  is_monitor: integer().notNull().default(0),
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

export const staffViews = sqliteTable("staff_views", {
  actor_id: text().primaryKey(),
  view: text().notNull(),
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

export type ApiTokenRow = typeof apiTokens.$inferSelect;
export type Person = typeof people.$inferSelect;
