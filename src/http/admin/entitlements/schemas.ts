// The shapes of entitlements and of what is used of them in answers to staff.
import * as z from "zod/mini";
import { AGGREGATES, ENTITLEMENT_KINDS, OVER, PERIODS } from "../../../storage/schema.ts";
import { Day, EntitlementValue, Instant, OptionalLimit, Text } from "../../schemas.ts";

export const Entitlement = z.object({
  code: z.string(),
  name: z.string(),
  kind: z.enum(ENTITLEMENT_KINDS),
  unit: Text,
  aggregate: z.nullable(z.enum(AGGREGATES)).check(z.describe("Of a meter, as period and over are")),
  period: z.nullable(z.enum(PERIODS)),
  over: z.nullable(z.enum(OVER)),
  default: EntitlementValue.check(z.describe("What forms begin with; null: empty")),
  created_at: Instant,
  updated_at: Instant,
});

const Meters = z
  .optional(z.record(z.string(), z.int()))
  .check(z.describe("What was counted, by code; left out if nothing was"));

export const LicenseUsage = z.object({
  license_id: z.string(),
  from: Day,
  to: Day,
  max_requests_per_day: OptionalLimit,
  max_services: OptionalLimit,
  meters: z
    .optional(
      z.record(
        z.string(),
        z.object({
          value: z.nullable(z.int()),
          until: z.optional(Instant),
          aggregate: z.enum(AGGREGATES),
          period: z.enum(PERIODS),
          over: z.enum(OVER),
        }),
      ),
    )
    .check(z.describe("The meters of the license, by code; left out if it has none")),
  data: z.array(
    z.object({
      date: Day,
      requests: z.int(),
      services: z.int(),
      meters: Meters,
      instances: z.array(
        z.object({
          instance_id: z.string(),
          requests: z.int(),
          services: z.int(),
          corrected: z.boolean().check(z.describe("By staff: later reports for the day are ignored")),
          meters: Meters,
        }),
      ),
    }),
  ),
  months: z
    .optional(
      z.array(
        z.object({
          month: z.string().check(z.regex(/^[0-9]{4}-[0-9]{2}$/)),
          requests: z.int().check(z.describe("Of all its days")),
          services: z.int().check(z.describe("Of its highest day")),
          days: z.int().check(z.describe("How many were reported")),
          meters: z.optional(
            z.record(z.string(), z.object({ total: z.int(), peak: z.int(), days: z.int() })),
          ),
        }),
      ),
    )
    .check(z.describe("Months in the range whose days are not kept any more; left out if there are none")),
});

export const CorrectedUsage = z.object({
  license_id: z.string(),
  date: Day,
  instance_id: z.string(),
  requests: z.int(),
  services: z.int(),
  meters: Meters,
  corrected_at: Instant,
});

const Figure = z.object({
  total: z.int().check(z.describe("The sum of the days")),
  peak: z.int().check(z.describe("The highest day")),
  value: z
    .optional(OptionalLimit)
    .check(z.describe("What was allowed; null: unlimited; left out if the license has no such meter")),
  days_over: z.int(),
});

export const CustomerUsage = z.object({
  customer_id: z.string(),
  period: z.object({ name: z.string(), from: Day, to: Day }),
  data: z.array(
    z.object({
      license_id: z.string(),
      license_type: z.string(),
      months: z.array(
        z.object({
          month: z.string(),
          meters: z.record(z.string(), Figure),
          requests: Figure,
          services: Figure,
          days_without_report: z.array(Day),
        }),
      ),
    }),
  ),
  next_cursor: z.nullable(z.string()),
});

export const Statement = z.object({
  license_id: z.string(),
  customer_id: z.string(),
  month: z.string(),
  revision: z.int(),
  previous: Text.check(z.describe("The hash of the revision before; null: this is the first")),
  meters: z.record(z.string(), Figure),
  requests: Figure,
  services: Figure,
  days_without_report: z.array(Day),
  closed_at: z.nullable(Instant).check(z.describe("null: the month is open, and the figures may change")),
  statement: Text.check(z.describe("Compact JWS, typ usage-statement+jwt, of a closed month")),
  hash: Text.check(z.describe("SHA-256 of statement, in hexadecimal")),
});
