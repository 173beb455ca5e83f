// The shapes of changes that were ordered for a later time.
import * as z from "zod/mini";
import { Instant, Text } from "../schemas.ts";

export const PendingChange = z.object({
  id: z.string(),
  license_id: z.string(),
  action: z.enum(["change", "renew", "suspend", "reinstate", "revoke", "transfer"]),
  effective_at: Instant,
  input: z.record(z.string(), z.unknown()).check(z.describe("The body of the request, without effective_at")),
  status: z.enum(["pending", "held", "done", "failed", "cancelled"]),
  detail: Text.check(z.describe("Why it is held or failed")),
  ordered_by: z.string(),
  ordered_at: Instant,
  released_by: Text,
  updated_at: Instant,
});

export const OrderedChange = z.object({ pending_change: PendingChange });
