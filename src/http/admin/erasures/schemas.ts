// The shapes of erasures, and of what is kept.
import * as z from "zod/mini";

const Count = z.int();

export const Erasure = z.object({
  dry_run: z.optional(z.literal(true)),
  erasure_id: z.optional(z.string()),
  customer_id: z.string(),
  contact_id: z.nullable(z.string()),
  goes: z.object({
    contacts: Count,
    licenses: Count,
    instances: Count,
    mails: Count,
    digests: Count,
    pending_changes: Count,
    requests: Count,
    refusals: Count,
    deliveries: Count,
  }),
  events_that_stay: Count.check(z.describe("Events of before the record held no values")),
  finished: z.optional(z.boolean()).check(z.describe("false: the night goes on with the rest")),
  kept: z
    .optional(z.boolean())
    .check(z.describe("Whether the bucket BACKUPS knows of it; false: the night tries again")),
});

const rowsOf = z.array(z.record(z.string(), z.unknown()));

export const CustomerData = z.object({
  customer: z.record(z.string(), z.unknown()),
  contacts: rowsOf,
  licenses: rowsOf,
  pending_changes: rowsOf,
  activations: rowsOf,
  usage: rowsOf,
  usage_months: rowsOf,
  license_months: rowsOf,
  overuse: rowsOf,
  meter_overuse: rowsOf,
  statements: rowsOf,
  license_told: rowsOf,
  silent_instances: rowsOf,
  license_refusals: rowsOf,
  settled_attention: rowsOf,
  customer_requests: rowsOf,
  portal_invitations: rowsOf,
  portal_sessions: rowsOf,
  portal_frees: rowsOf,
  webhook_deliveries: rowsOf,
  mails: rowsOf,
  events: rowsOf,
});
