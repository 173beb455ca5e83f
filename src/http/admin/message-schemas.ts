// The shapes of messages.
import * as z from "zod/mini";
import { Instant, OptionalInstant, Text } from "../schemas.ts";

export const Message = z.object({
  id: z.string(),
  kind: z.enum([
    "license_delivery",
    "license_renewed",
    "license_changed",
    "expiry_warning",
    "license_expired",
    "entitlement_expiring",
    "request_answered",
    "contact_added",
    "admin_digest",
  ]),
  status: z.enum(["pending", "sent", "delivered", "bounced", "failed", "skipped"]),
  license_id: Text,
  customer_id: Text,
  recipient: z.string(),
  subject: z.string(),
  attempts: z.int(),
  next_try_at: OptionalInstant,
  provider_id: z.nullable(z.string()).check(z.describe("The id of the mail at Resend")),
  last_error: Text,
  reason: Text.check(z.describe("Why it was skipped or did not arrive; superseded: it is not true any more")),
  bounce_type: Text.check(z.describe("Permanent, Transient or Undetermined, as Resend says it of a bounce")),
  joined_to: Text.check(z.describe("The message whose mail tells this notice, too; null: its own mail does")),
  created_at: Instant,
  updated_at: Instant,
});

export const Retried = z.object({ retried: z.int(), more: z.boolean() });

export const MessageWithPreview = z.extend(Message, {
  preview: z.nullable(z.object({ html: z.string(), text: z.string(), attachments: z.array(z.string()) })),
});
