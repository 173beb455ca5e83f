// What is counted: licenses by the changes in their lives, activations, usage, and silent instances.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { json } from "./columns.ts";

export const licenseCounts = sqliteTable(
  "license_counts",
  { license_type: text().notNull(), status: text().notNull(), n: integer().notNull() },
  (table) => [primaryKey({ columns: [table.license_type, table.status] })],
);

export const licenseTurns = sqliteTable(
  "license_turns",
  {
    turn: text({ enum: ["starts", "expiring", "expires", "ends"] }).notNull(),
    size: integer().notNull(),
    prefix: text().notNull(),
    n: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.turn, table.size, table.prefix] })],
);

export const activationDays = sqliteTable("activation_days", {
  day: text().primaryKey(),
  n: integer().notNull(),
});

export const activationTotals = sqliteTable("activation_totals", {
  only: integer().primaryKey(),
  up_to: integer().notNull(),
  activations: integer().notNull(),
  seated: integer().notNull(),
});

/** What was counted, by code. */
export type Meters = Record<string, number>;

/** What the earlier days of a month come to, by code. */
export type MonthSoFar = Record<string, [total: number, peak: number]>;

export const usage = sqliteTable(
  "usage",
  {
    license_id: text().notNull(),
    day: text().notNull(),
    instance_id: text().notNull(),
    requests: integer().notNull(),
    services: integer().notNull(),
    corrected_at: integer(),
    meters: json<Meters>(),
    told: json<string[]>(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.day, table.instance_id] })],
);

export const licenseUsage = sqliteTable(
  "license_usage",
  {
    day: text().notNull(),
    license_id: text().notNull(),
    requests: integer().notNull(),
    services: integer().notNull(),
    meters: json<Meters>(),
    before: json<MonthSoFar>(),
  },
  (table) => [primaryKey({ columns: [table.day, table.license_id] })],
);

/**
 * The figures of the days of an instance's month, by day (01 to 31): requests, services, and, if there are such,
 * corrected_at of a day that staff corrected, and meters.
 */
export type UsageOfMonth = Record<
  string,
  [requests: number, services: number, corrected_at?: number | null, meters?: Meters]
>;

/** The same of a license. */
export type LicenseMonth = Record<string, [requests: number, services: number, meters?: Meters]>;

export const usageMonths = sqliteTable(
  "usage_months",
  {
    month: text().notNull(),
    license_id: text().notNull(),
    instance_id: text().notNull(),
    days: json<UsageOfMonth>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.month, table.license_id, table.instance_id] })],
);

export const licenseUsageMonths = sqliteTable(
  "license_usage_months",
  { month: text().notNull(), license_id: text().notNull(), days: json<LicenseMonth>().notNull() },
  (table) => [primaryKey({ columns: [table.month, table.license_id] })],
);

export const licenseMonths = sqliteTable(
  "license_months",
  {
    license_id: text().notNull(),
    month: text().notNull(),
    requests: integer().notNull(),
    services: integer().notNull(),
    days: integer().notNull(),
    meters: json<Record<string, [total: number, peak: number, days: number]>>(),
  },
  (table) => [primaryKey({ columns: [table.license_id, table.month] })],
);

export const usageWalk = sqliteTable("usage_walk", { only: integer().primaryKey(), day: text().notNull() });

export const usageDays = sqliteTable("usage_days", {
  day: text().primaryKey(),
  requests: integer().notNull(),
  services: integer().notNull(),
});

export const overuse = sqliteTable(
  "overuse",
  {
    license_id: text().notNull(),
    day: text().notNull(),
    limit_name: text({ enum: ["max_requests_per_day", "max_services"] }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.license_id, table.day, table.limit_name] }),
    index("overuse_by_day").on(table.day),
  ],
);

export const meterOveruse = sqliteTable(
  "meter_overuse",
  { day: text().notNull(), license_id: text().notNull(), code: text().notNull() },
  (table) => [primaryKey({ columns: [table.day, table.license_id, table.code] })],
);

export const silenceWalk = sqliteTable("silence_walk", {
  only: integer().primaryKey(),
  license_id: text().notNull(),
  ended_at: integer().notNull(),
  instance_id: text().notNull(),
  found: text().notNull(),
  counted: text().notNull(),
});

/** The versions that most instances run on a day, with null for those that name none. */
export const versionDays = sqliteTable("version_days", {
  day: text().primaryKey(),
  versions: json<[version: string | null, instances: number][]>().notNull(),
  others: integer().notNull(),
});
