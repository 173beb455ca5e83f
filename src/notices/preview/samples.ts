// Invented licenses and what happens to them, for previews.
import { base64url } from "jose";
import type { Services } from "../../context.ts";
import { DAY, dayOf, HOUR } from "../../kernel/dates.ts";
import type { Message } from "../../storage/schema.ts";
import { contactIn } from "../contact.ts";
import type { KeptNotice, LicenseFacts, Several, When } from "../templates/index.ts";
import type { NoticeOf } from "../templates/notice.ts";

/** As long as a real key, and of no use to anybody. */
const SAMPLE_KEY = [40, 640, 64]
  .map((bytes) => base64url.encode("This key is a sample. ".repeat(30).slice(0, bytes)))
  .join(".");

const SAMPLES: [type: string, days: number, grace: number][] = [
  ["professional", 7, 14],
  ["enterprise", 14, 30],
  ["trial", 1, 0],
];

function factsOf({ config, clock }: Services, type: string, days: number, grace: number): LicenseFacts {
  // At noon UTC, where a date ends.
  const end = Math.floor(clock.now() / DAY) * DAY + 12 * HOUR + days * DAY;
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
    contact: config.mail.replyTo ?? "licensing@example.com",
  };
}

const inDays = (days: number): When => (days === 1 ? "tomorrow" : { in: days });

/** What the customer's site mails: `count` above one is another occasion. */
function portalSample(
  { config }: Services,
  kind: "request_answered" | "contact_added",
  count: number,
): KeptNotice {
  const about = { product: config.productName, contact: contactIn(config) };
  return kind === "request_answered"
    ? {
        ...about,
        kind,
        name: "Alex Morgan",
        asked: count === 1 ? "seats" : "renewal",
        seats: count === 1 ? 8 : null,
        status: count === 1 ? "accepted" : "declined",
        answer: count === 1 ? "Gladly." : "Your contract ends in March.",
        link: `${config.issuer}/portal/requests`,
      }
    : {
        ...about,
        kind,
        to: "Alex Morgan",
        company: "Example Corp",
        by: "Robin Lee",
        name: count === 1 ? "Sam Kim" : "Kim Doe",
        email: "sam.kim@example.com",
        link: `${config.issuer}/portal/contacts`,
      };
}

/** A mail of this kind about `count` licenses, at most three. */
export function sampleOf(context: Services, kind: Message["kind"], count: number): KeptNotice {
  const licenses = SAMPLES.slice(0, count).map(([type, days, grace]) => ({
    facts: factsOf(context, type, kind === "license_expired" ? 0 : days, grace),
    when: inDays(days),
    license_key: SAMPLE_KEY,
  })) as Several<{ facts: LicenseFacts; when: When; license_key: string }>;
  if (kind === "license_changed") {
    const changes = {
      max_instances: { from: 3, to: 5 },
      features: { from: ["api"], to: ["orchestration", "api"] },
    };
    return {
      kind,
      licenses: licenses.map(({ facts }) => ({ facts, changes })) as Several<{
        facts: LicenseFacts;
        changes: typeof changes;
      }>,
      at: context.clock.now(),
    };
  }
  if (kind === "entitlement_expiring") {
    const about = licenses.map(({ facts, when }, at) => {
      const until = facts.expires_at ?? 0;
      const parts = [
        { name: "GPUs", value: 8, unit: null, until, when },
        {
          name: "Single sign-on",
          value: true,
          unit: null,
          until: until + DAY,
          when: inDays((SAMPLES[at]?.[1] ?? 0) + 1),
        },
      ];
      // The license itself goes on.
      return { facts: { ...facts, expires_at: null, grace_until: null }, parts };
    });
    return { kind, licenses: about as NoticeOf<typeof kind>["licenses"] };
  }
  if (kind === "request_answered" || kind === "contact_added") return portalSample(context, kind, count);
  if (kind !== "admin_digest") return { kind, licenses };
  const rows = licenses.map(({ facts: { license_id, company, customer_name, expires_at } }) => ({
    license_id,
    customer_name: company ?? customer_name,
    expires_at,
  }));
  const customer = rows[0]?.customer_name ?? "";
  return {
    kind,
    product: context.config.productName,
    day: dayOf(context.clock.now()),
    expiring: rows,
    expired: [],
    failed: [],
    sender: null,
    faults: [],
    jobs: [],
    more: [],
    seal: { seal: 214, head: "b1946ac92492d2347c6235b4d2611184e3f5f1f0c6f1d4a9d1a1b6f0b3c0a7de" },
    bounced: [
      {
        to: "alex.morgan@example.com",
        kind: "expiry_warning",
        license_id: rows[0]?.license_id ?? null,
        customer_name: customer,
        why: "The mailbox is full.",
      },
    ],
    at_limit: [{ license_id: rows[0]?.license_id ?? "", customer_name: customer, active: 5, max: 5 }],
    unreachable: [],
  };
}
