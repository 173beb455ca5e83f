// The runs of the jobs, and the probe for writes.
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { json } from "./columns.ts";

export const OUTCOMES = ["good", "failed", "unfinished"] as const;

export interface StepFailure {
  step: string;
  error: string;
}

export const jobs = sqliteTable("jobs", {
  name: text().primaryKey(),
  known_since: integer().notNull(),
  due_at: integer(),
  started_at: integer(),
  ended_at: integer(),
  outcome: text({ enum: OUTCOMES }),
  counts: json<Record<string, number>>().notNull().default({}),
  failures: json<StepFailure[]>().notNull().default([]),
  good_at: integer(),
  good_due_at: integer(),
  told_at: integer(),
});

export const writeProbe = sqliteTable("write_probe", {
  only: integer().primaryKey(),
  filling: text().notNull(),
});

export type JobRow = typeof jobs.$inferSelect;
