// The shapes of the answers, for the OpenAPI document. What the domain presents is checked against them by
// the tests, not at run time.
import * as z from "zod/mini";
import { STANDINGS } from "../licensing/standing.ts";
import { PROBLEMS, type ProblemCode } from "../problems.ts";

const Instant = z.string().check(z.describe("RFC 3339, UTC, with milliseconds"));
const OptionalInstant = z.nullable(Instant);
const OptionalLimit = z.nullable(z.int().check(z.minimum(1)));
const Text = z.nullable(z.string());

export const Id = z.object({ id: z.string().check(z.minLength(1), z.maxLength(64)) });

export const pageOf = (item: z.core.$ZodType) =>
  z.object({ data: z.array(item), next_cursor: z.nullable(z.string()) });

export const Customer = z.object({
  id: z.string(),
  name: z.string(),
  email: Text,
  company: Text,
  metadata: z.record(z.string(), z.json()),
  created_at: Instant,
  updated_at: Instant,
});

const limits = {
  features: z.array(z.string()),
  max_instances: OptionalLimit,
  max_services: OptionalLimit,
  max_requests_per_day: OptionalLimit,
};

export const LicenseType = z.object({
  id: z.string(),
  name: z.string(),
  duration_days: z.nullable(z.int()),
  grace_days: z.int(),
  lease_days: z.int(),
  check_in_hours: z.int(),
  ...limits,
  created_at: Instant,
  updated_at: Instant,
});

const terms = {
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
};

export const License = z.object({ ...terms, metadata: z.record(z.string(), z.json()), updated_at: Instant });

export const IssuedLicense = z.object({
  license: License,
  license_key: z.string().check(z.describe("Compact JWS, typ license+jwt")),
});

export const ExportedLicense = z.object({
  id: z.string(),
  customer_id: z.string(),
  license_key: z.string(),
  license_type: z.string(),
  issued_at: Instant,
  expires_at: OptionalInstant,
  status: terms.status,
  standing: terms.standing,
  ...limits,
  revision: z.int(),
});

export const Imported = z.object({ dry_run: z.boolean(), rows: z.int(), created: z.int() });

export const ImportedLicenses = z.extend(Imported, {
  customers_created: z.int().check(z.describe("Customers of restored licenses that there were none of")),
});

export const Activation = z.object({
  status: z.literal("activated"),
  license_id: z.string(),
  customer_id: z.string(),
  license_type: z.string(),
  standing: z.enum(["active", "expiring", "grace"]),
  expires_at: OptionalInstant,
  grace_until: OptionalInstant,
  ...limits,
  instances: z.object({ active: z.int(), max: OptionalLimit }),
  activation_id: z.string(),
  lease_expires_at: Instant,
  check_in_at: Instant,
  license_key: z.string().check(z.describe("The current key: keep it in place of the one sent")),
  certificate: z
    .string()
    .check(z.describe("Compact JWS, typ activation+jwt: lets the instance go on offline")),
  warnings: z.array(
    z.object({
      code: z.enum(["LICENSE_EXPIRING", "LICENSE_IN_GRACE", "OVER_LIMIT"]),
      detail: z.string(),
      limit: z.optional(z.string()),
      allowed: z.optional(z.int()),
      observed: z.optional(z.int()),
    }),
  ),
  server_time: Instant,
});

export const Validation = z.object({
  valid: z.boolean(),
  code: z.enum([
    "VALID",
    "LICENSE_EXPIRED",
    "LICENSE_SUSPENDED",
    "LICENSE_REVOKED",
    "LICENSE_NOT_STARTED",
    "LICENSE_KEY_SUPERSEDED",
    "INSTANCE_NOT_ACTIVATED",
  ]),
  standing: z.enum(STANDINGS),
  license: z.object(terms),
  instance: z.nullable(
    z.object({
      activation_id: z.string(),
      instance_id: z.string(),
      activated_at: Instant,
      last_seen_at: Instant,
      lease_expires_at: Instant,
      check_in_at: Instant,
      hostname: Text,
      app_version: Text,
    }),
  ),
  server_time: Instant,
});

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
});
