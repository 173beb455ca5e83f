// How mails look: every kind in every language, with invented licenses and the brand as configured.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { Mailbox } from "../../field/mailboxes.ts";
import { LANGUAGES } from "../../kernel/languages.ts";
import { allow } from "../../kernel/permissions.ts";
import { recordChange } from "../../record/events.ts";
import { KINDS, type Message } from "../../storage/schema.ts";
import { sendSoon } from "../delivery.ts";
import { compose, writeMessages } from "../outbox.ts";
import { render, type Rendered } from "../templates/index.ts";
import { sampleOf } from "./samples.ts";

export const PreviewRequest = z.object({
  kind: z._default(z.enum(KINDS), "license_delivery"),
  language: z._default(z.enum(LANGUAGES), "en"),
  /** How many licenses the mail is about. */
  licenses: z._default(z.enum(["one", "several"]), "one"),
});

export type PreviewRequest = z.output<typeof PreviewRequest>;

export const SendPreviewRequest = z.extend(PreviewRequest, { to: Mailbox });

/** A mail of this kind, as a customer would get it. */
export async function previewMail(context: Context, request: PreviewRequest): Promise<Rendered> {
  allow(context, "read");
  return render({
    language: request.language,
    brand: context.config.brand,
    input: sampleOf(context, request.kind, request.licenses === "one" ? 1 : 3),
  });
}

/** Mails the preview to an address, on the way of all mail. Each call makes a new mail. */
export async function sendPreview(
  context: Context,
  { to, ...request }: z.output<typeof SendPreviewRequest>,
): Promise<Message> {
  allow(context, "licenses");
  const { db, ids } = context;
  const now = context.clock.now();
  const message = await compose(context, now, {
    dedupeKey: `preview:${ids.ulid(now)}`,
    recipient: to,
    licenseId: null,
    customerId: null,
    language: request.language,
    notice: sampleOf(context, request.kind, request.licenses === "one" ? 1 : 3),
    isPreview: true,
  });
  await db.batch([
    ...writeMessages(context, [message], "true"),
    recordChange(context, now, "message.previewed", ["message", message.id], { kind: request.kind }),
  ]);
  sendSoon(context);
  return message;
}
