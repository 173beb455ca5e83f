// How mails look: every kind in every language, with invented licenses and the brand as configured.
import { base64url } from "jose";
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { DAY, dayOf, HOUR } from "../kernel/dates.ts";
import { LANGUAGES } from "../kernel/languages.ts";
import { allow } from "../kernel/permissions.ts";
import { recordChange } from "../record/events.ts";
import { KINDS, type Message } from "../storage/schema.ts";
import { sendSoon } from "./delivery.ts";
import { contactOf } from "./license-mail.ts";
import { compose, writeMessages } from "./outbox.ts";
import { type LicenseFacts, type Notice, render, type Rendered, type Several } from "./templates/index.ts";

export const PreviewRequest = z.object({
  kind: z._default(z.enum(KINDS), "license_delivery"),
  language: z._default(z.enum(LANGUAGES), "en"),
  /** How many licenses the mail is about. */
  licenses: z._default(z.enum(["one", "several"]), "one"),
});

export type PreviewRequest = z.output<typeof PreviewRequest>;

export const SendPreviewRequest = z.extend(PreviewRequest, { to: z.email().check(z.maxLength(254)) });

/** As long as a real key, and of no use to anybody. */
const SAMPLE_KEY = [40, 640, 64]
  .map((bytes) => base64url.encode("This key is a sample. ".repeat(30).slice(0, bytes)))
  .join(".");

const SAMPLES: [type: string, days: number, grace: number][] = [
  ["professional", 7, 14],
  ["enterprise", 14, 30],
  ["trial", 1, 0],
];

function factsOf({ config, clock }: Context, [type, days, grace]: [string, number, number]): LicenseFacts {
  // The end of a day, as staff enter it.
  const end = Math.floor(clock.now() / DAY) * DAY + DAY + 12 * HOUR + days * DAY;
  return {
    product: config.productName,
    customer_name: "Alex Morgan",
    company: "Example Corp",
    license_id: `lic_01SAMPLE00000000000000${type.slice(0, 4).toUpperCase()}`,
    license_type: type,
    expires_at: end,
    grace_until: end + grace * DAY,
    features: ["orchestration", "api"],
    max_instances: 5,
    max_services: null,
    max_requests_per_day: 250_000,
    contact: contactOf(config),
  };
}

function sampleOf(context: Context, { kind, licenses: number }: PreviewRequest): Notice {
  const samples = number === "one" ? SAMPLES.slice(0, 1) : SAMPLES;
  const licenses = samples.map((sample) => ({
    facts: factsOf(context, sample),
    when: sample[1] === 1 ? ("tomorrow" as const) : { in: sample[1] },
    license_key: SAMPLE_KEY,
  })) as Several<{ facts: LicenseFacts; when: "tomorrow" | { in: number }; license_key: string }>;
  if (kind !== "admin_digest") {
    const past = licenses.map((license) => ({
      facts: { ...license.facts, expires_at: (license.facts.expires_at ?? 0) - 30 * DAY },
    })) as Several<{ facts: LicenseFacts }>;
    return kind === "license_expired" ? { kind, licenses: past } : { kind, licenses };
  }
  const rows = licenses.map(({ facts: { license_id, customer_name, expires_at } }) => ({
    license_id,
    customer_name,
    expires_at,
  }));
  return {
    kind,
    product: context.config.productName,
    day: dayOf(context.clock.now()),
    expiring: rows,
    expired: [],
    bounced: [
      { to: "alex.morgan@example.com", kind: "expiry_warning", license_id: rows[0]?.license_id ?? null },
    ],
    at_limit: [{ license_id: rows[0]?.license_id ?? "", customer_name: "Alex Morgan", active: 5, max: 5 }],
    unreachable: [],
  };
}

/** A mail of this kind, as a customer would get it. */
export async function previewMail(context: Context, request: PreviewRequest): Promise<Rendered> {
  allow(context, "read");
  return render({
    language: request.language,
    brand: context.config.brand,
    input: sampleOf(context, request),
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
    notice: sampleOf(context, request),
    isPreview: true,
  });
  await db.batch([
    ...writeMessages(context, [message], "true"),
    recordChange(context, now, "message.previewed", ["message", message.id], { kind: request.kind }),
  ]);
  sendSoon(context);
  return message;
}
