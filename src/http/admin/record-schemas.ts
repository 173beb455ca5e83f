// The shapes of the record: events, and the seals over them.
import * as z from "zod/mini";
import { ATTENTION_KINDS } from "../../storage/schema.ts";
import { Instant, Text } from "../schemas.ts";

export const AuditSeal = z.object({
  id: z.int(),
  from_id: z.int(),
  up_to: z.int(),
  sealed_at: Instant,
  head: z.string(),
  token: z.string(),
});

export const SealStatus = z.object({
  last_event: z.int(),
  heads_kept: z.boolean().check(z.describe("Whether the heads are also kept outside the database")),
  fault: Text.check(z.describe("Why the next night will seal nothing")),
  keys: z.array(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: z.string(),
      kid: z.string(),
      use: z.literal("sig"),
      last_seal: z.optional(z.int()),
    }),
  ),
});

export const HiddenEvent = z.object({
  id: z.int(),
  mark: z.string().check(z.describe("The hash of the event as it is now")),
});

export const EventDocument = z.object({
  id: z.int(),
  at: Instant,
  action: z.string(),
  actor: z.object({ type: z.string(), id: z.string() }),
  entity: z.object({ type: z.string(), id: z.string() }),
  request_id: z.string(),
  ip: Text,
  detail: z.record(z.string(), z.unknown()),
});

export const SettledAttention = z.object({
  license_id: z.string(),
  license_type: z.string(),
  customer_id: z.string(),
  customer_name: z.string(),
  kind: z.enum(ATTENTION_KINDS),
  settled_at: Instant,
  until: z.nullable(Instant),
  reason: z.string(),
  actor: z.object({ type: z.literal("staff"), id: z.string() }),
});
