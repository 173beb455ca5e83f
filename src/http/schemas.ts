// Shapes that the answers of several surfaces share, for the OpenAPI document. Tests check the domain's output
// against them, not the run time. The shapes of one surface are in admin/ and instances/.
import * as z from "zod/mini";
import { STANDINGS } from "../licensing/licenses/standing.ts";
import { PROBLEMS, type ProblemCode } from "../problems.ts";

export const Instant = z
  .string()
  .check(z.meta({ format: "date-time", description: "RFC 3339, UTC, with milliseconds" }));
export const Day = z.string().check(z.meta({ format: "date" }));
export const OptionalInstant = z.nullable(Instant);
export const OptionalLimit = z.nullable(z.int().check(z.minimum(1)));
export const Text = z.nullable(z.string());

export const limits = {
  features: z.array(z.string()),
  max_instances: OptionalLimit,
  max_services: OptionalLimit,
  max_requests_per_day: OptionalLimit,
};

export const unprovenTerms = {
  unproven_lease_hours: z.int(),
  clone_policy: z.enum(["warn", "refuse"]),
};

export const EntitlementValue = z.nullable(z.union([z.boolean(), z.int(), z.string()]));

export const Entitlements = z
  .record(z.string(), z.object({ value: EntitlementValue, until: z.optional(Instant) }))
  .check(z.describe("By code. null is unlimited; from until on it is not there any more"));

export const terms = {
  id: z.string(),
  customer_id: z.string(),
  license_type: z.string(),
  status: z.enum(["active", "suspended", "revoked"]),
  standing: z.enum(STANDINGS),
  revision: z.int(),
  issued_at: Instant,
  starts_at: OptionalInstant,
  expires_at: OptionalInstant,
  grace_days: z.int(),
  grace_until: OptionalInstant,
  lease_days: z.int(),
  check_in_hours: z.int(),
  ...limits,
  ...unprovenTerms,
  updates_until: OptionalInstant.check(
    z.describe("Up to when the versions may be built that it covers; null: all that appear while it runs"),
  ),
  entitlements: Entitlements,
};

export const Warnings = z.array(
  z.object({
    code: z.enum([
      "LICENSE_EXPIRING",
      "LICENSE_IN_GRACE",
      "LICENSE_KEY_SUPERSEDED",
      "INSTANCE_UNPROVEN",
      "OVER_LIMIT",
      "FINGERPRINT_CHANGED",
      "USAGE_IGNORED",
      "NOT_RECORDED",
    ]),
    detail: z.string(),
    limit: z.optional(z.string()),
    allowed: z.optional(z.int()),
    observed: z.optional(z.int()),
  }),
);

export const JwkSet = z.object({
  keys: z.array(
    z.object({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: z.string(),
      kid: z.string(),
      use: z.literal("sig"),
    }),
  ),
});

export const Health = z.object({ status: z.literal("ok") });

export const Readiness = z.object({ status: z.enum(["ok", "degraded"]) });

const JobRun = z.nullable(
  z.object({
    last_start_at: OptionalInstant,
    last_end_at: OptionalInstant,
    last_good_at: OptionalInstant,
    outcome: z.nullable(
      z
        .enum(["good", "failed", "unfinished"])
        .check(
          z.describe(
            "Of the run that ended last; the ten-minute trigger carries on an unfinished night, and a failed one with counts.unfinished",
          ),
        ),
    ),
    counts: z
      .record(z.string(), z.int())
      .check(z.describe("What that run did; unfinished: steps that left something to do")),
    failures: z.array(z.object({ step: z.string(), error: z.string() })),
    late: z.boolean().check(z.describe("Whether its last good run is too long ago")),
  }),
);

/** The health of the service; without `status`, these are also members of the problem that says it is failing. */
const healthMembers = {
  problems: z.array(z.string()).check(z.describe("What is wrong, a sentence each")),
  notes: z.array(z.string()).check(z.describe("What is no fault, but worth knowing")),
  jobs: z.object({ nightly: JobRun, deliveries: JobRun }),
  mail: z.object({
    configured: z.boolean(),
    waiting: z.int(),
    oldest_at: OptionalInstant.check(z.describe("When the oldest waiting mail was written")),
    failed: z.int().check(z.describe("In the last seven days")),
  }),
  webhook_endpoints: z.object({
    active: z.int(),
    failing: z.int().check(z.describe("Of the active ones; they are tried again")),
    switched_off: z.int().check(z.describe("They failed for days")),
    oldest_at: OptionalInstant.check(
      z.describe("When the oldest event was recorded that an active endpoint still has to come to"),
    ),
  }),
  database: z.object({
    bytes: z.int(),
    of: z.int().check(z.describe("The greatest size that it may have")),
    takes_writes: z.boolean().check(z.describe("Whether a write succeeded just now")),
  }),
  backups: z.object({
    bound: z.boolean().check(z.describe("Whether the bucket BACKUPS is bound")),
    last_at: OptionalInstant.check(z.describe("When the last whole backup in it was begun")),
  }),
};

export const ServiceHealth = z.object({ status: z.enum(["ok", "degraded"]), ...healthMembers });

export const ProblemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  request_id: z.string(),
  retryable: z.boolean(),
  remedy: z.string(),
  errors: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
  limit: z.optional(z.string()),
  allowed: z.optional(z.int()),
  observed: z.optional(z.int()),
  allowed_transitions: z.optional(z.array(z.string())),
  refusal: z.optional(
    z
      .string()
      .check(
        z.describe(
          "Compact JWS, typ refusal+jwt, of LICENSE_EXPIRED, LICENSE_SUSPENDED, LICENSE_REVOKED, and LICENSE_KEY_SUPERSEDED at activation and check-in: iss, sub (instance id), license_id, code, iat, and the request's nonce",
        ),
      ),
  ),
  ...z.partial(z.object(healthMembers)).shape,
});
