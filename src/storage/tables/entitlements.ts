// What can be sold besides features and limits, who has it, and what was stated about its use.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { sql } from "drizzle-orm";
import { json } from "./columns.ts";

export const ENTITLEMENT_KINDS = ["flag", "limit", "text", "meter"] as const;
export const AGGREGATES = ["sum", "peak"] as const;
export const PERIODS = ["day", "month"] as const;
export const OVER = ["warn", "refuse_new"] as const;

/** null: unlimited. */
export type EntitlementValue = boolean | number | string | null;

/** How a meter is counted, and what happens above its value. */
export type MeterRule = [
  aggregate: (typeof AGGREGATES)[number],
  period: (typeof PERIODS)[number],
  over: (typeof OVER)[number],
];

/** An entitlement as a license or a type has it; `until` is the first instant without it. */
export interface Entitled {
  value: EntitlementValue;
  until?: number;
  meter?: MeterRule;
}

/** By code. */
export type Entitlements = Record<string, Entitled>;

export const entitlements = sqliteTable("entitlements", {
  code: text().primaryKey(),
  name: text().notNull(),
  kind: text({ enum: ENTITLEMENT_KINDS }).notNull(),
  unit: text(),
  aggregate: text({ enum: AGGREGATES }),
  period: text({ enum: PERIODS }),
  over: text({ enum: OVER }),
  preset: json<EntitlementValue>(),
  version: integer().notNull().default(1),
  created_at: integer().notNull(),
  updated_at: integer().notNull(),
});

export const entitlementUses = sqliteTable(
  "entitlement_uses",
  {
    code: text()
      .notNull()
      .references(() => entitlements.code),
    holder: text({ enum: ["license", "license_type"] }).notNull(),
    id: text().notNull(),
    until: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.code, table.holder, table.id] }),
    index("entitlement_uses_by_end")
      .on(table.until, table.id, table.code)
      .where(sql`holder = 'license' AND until IS NOT NULL`),
  ],
);

export const statements = sqliteTable(
  "statements",
  {
    license_id: text().notNull(),
    month: text().notNull(),
    revision: integer().notNull(),
    closed_at: integer().notNull(),
    token: text().notNull(),
    hash: text().notNull(),
    figures: json<Record<string, unknown>>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.month, table.revision] })],
);

export const statementWalk = sqliteTable("statement_walk", {
  only: integer().primaryKey(),
  month: text().notNull(),
  license_id: text().notNull(),
});

export type EntitlementDefinition = typeof entitlements.$inferSelect;
