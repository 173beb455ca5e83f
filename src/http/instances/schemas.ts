// The shapes of the answers to installations.
import * as z from "zod/mini";
import { STANDINGS } from "../../licensing/licenses/standing.ts";
import { Day, Instant, limits, OptionalInstant, OptionalLimit, terms, Text, Warnings } from "../schemas.ts";

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
  license_key: z.string().check(z.describe("The current key: keep it instead of the one sent")),
  certificate: z.string().check(z.describe("Compact JWS, typ activation+jwt: lets the instance run offline")),
  warnings: Warnings,
  usage_ignored: z
    .array(Day)
    .check(
      z.describe("Days of usage that were not taken because the request was unproven: report them again"),
    ),
  server_time: Instant,
});

export const CheckIn = z.extend(Activation, { status: z.literal("checked_in") });

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

export const Token = z.string();
