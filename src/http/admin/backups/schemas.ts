// The shapes of backups and restores.
import * as z from "zod/mini";
import { Instant } from "../../schemas.ts";

export const StoredBackup = z.object({
  id: z.string(),
  at: Instant,
  event: z.int(),
  pages: z.int(),
  rows: z.int(),
});

export const OpenedBackup = z.object({
  id: z.string(),
  event: z.int().check(z.describe("The event that records it; every row is at least as new")),
  at: Instant,
  with_access: z.boolean(),
  issuer: z.string(),
  cursor: z.string(),
});

export const StartedRestore = z.object({
  id: z.string(),
  backup: z.string(),
  with_access: z.boolean(),
  tables: z.array(z.object({ table: z.string(), pages: z.int(), pages_loaded: z.int() })),
});

const Counts = z.record(z.string(), z.int());

export const RestoreReport = z.object({
  backup: z.string(),
  backup_at: Instant,
  event: z.int().check(z.describe("The last event of the record in the backup")),
  with_access: z.boolean(),
  begun_at: Instant,
  ended_at: z.nullable(Instant),
  rows: Counts,
  skipped: Counts.check(z.describe("Rows whose customer was deleted while the backup was read")),
  made: Counts.check(z.describe("Customers and types that licenses name and that were deleted then")),
  seats_held: z.int(),
  seals: z.int(),
  findings: z.array(z.string()).check(z.describe("What is wrong with the seals")),
  given_up: z.array(z.object({ seal: z.int(), head: z.nullable(z.string()) })),
  erasures: z.int().check(z.describe("Erasures since the backup that were applied again")),
  restarted: z.nullable(z.int()).check(z.describe("The first seal of the segment that goes on")),
  repeat: z.array(z.string()).check(z.describe("What staff have to do again")),
});

export const FinishedRestore = z.object({
  done: z.boolean(),
  step: z.optional(z.string()),
  report: z.optional(RestoreReport),
});
