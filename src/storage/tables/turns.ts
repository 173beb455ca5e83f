// What was told of that nobody causes, whom the service refused, and what staff need not look at again.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { json } from "./columns.ts";

export const licenseTold = sqliteTable(
  "license_told",
  {
    license_id: text().notNull(),
    ends_at: integer().notNull(),
    stage: text({ enum: ["expiring", "grace_started", "expired", "entitlement_ended"] }).notNull(),
    days: integer().notNull(),
    code: text().notNull(),
    due_at: integer().notNull(),
    told_at: integer().notNull(),
    request_id: text().notNull(),
    detail: json<Record<string, unknown>>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.license_id, table.ends_at, table.stage, table.days, table.code] }),
    index("license_told_by_due").on(table.due_at),
  ],
);

export const timeWalk = sqliteTable("time_walk", { only: integer().primaryKey(), up_to: integer() });

export const silentInstances = sqliteTable(
  "silent_instances",
  {
    license_id: text().notNull(),
    instance_id: text().notNull(),
    activation_id: text().notNull(),
    seen_at: integer().notNull(),
    told_at: integer().notNull(),
    request_id: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.instance_id] })],
);

/** A request of an installation that was refused. Host name and address may be personal. */
export interface KeptRefusal {
  at: number;
  code: string;
  instance_id: string;
  hostname: string | null;
  ip: string | null;
}

export const licenseRefusals = sqliteTable("license_refusals", {
  license_id: text().primaryKey(),
  refusals: json<KeptRefusal[]>().notNull(),
  refused_at: integer().notNull(),
  exhausted_day: text(),
});

/** The kinds of trouble that ask for attention. */
export const ATTENTION_KINDS = [
  "ending",
  "overused",
  "cloned",
  "scattered",
  "silent",
  "undelivered",
  "stuck",
  "implausible",
] as const;

export type AttentionKind = (typeof ATTENTION_KINDS)[number];

export const settledAttention = sqliteTable(
  "settled_attention",
  {
    license_id: text().notNull(),
    kind: text({ enum: ATTENTION_KINDS }).notNull(),
    settled_at: integer().notNull(),
    until: integer(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.kind] })],
);
