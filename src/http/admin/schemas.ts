// The shapes of the answers to staff, and the parameters that their calls share.
import * as z from "zod/mini";
import { LANGUAGES } from "../../kernel/languages.ts";
import { STANDINGS } from "../../licensing/licenses/standing.ts";
import { CONTACT_ROLES, REQUEST_KINDS, REQUEST_STATUSES } from "../../storage/schema.ts";
import {
  Day,
  Entitlements,
  Instant,
  limits,
  OptionalInstant,
  terms,
  Text,
  unprovenTerms,
  Warnings,
} from "../schemas.ts";

export const Id = z.object({ id: z.string().check(z.minLength(1), z.maxLength(64)) });

export const pageOf = (item: z.core.$ZodType) =>
  z.object({ data: z.array(item), next_cursor: z.nullable(z.string()) });

/** What staff note. */
const noted = {
  notes: Text.check(z.describe("For staff alone: in no key, mail, event, or answer to an instance")),
  tags: z.array(z.string()),
};

export const Customer = z.object({
  id: z.string(),
  name: z.string(),
  email: Text,
  company: Text,
  metadata: z.record(z.string(), z.unknown()),
  created_at: Instant,
  updated_at: Instant,
  email_status: z
    .nullable(z.enum(["bounced", "complained"]))
    .check(z.describe("Known trouble with the e-mail address; null: none")),
  portal: z
    .boolean()
    .check(z.describe("Its contacts, and whoever has a key, may sign in to the customer's site")),
  ...noted,
});

export const CustomerSuspension = z.object({
  dry_run: z.optional(z.literal(true)).check(z.describe("Nothing was written")),
  changed: z.int().check(z.describe("How many licenses changed, or would change")),
  skipped: z.int().check(z.describe("How many licenses of the customer stay as they are")),
  instances: z
    .optional(z.object({ active: z.int() }))
    .check(z.describe("Of a dry run: the instances that run on the licenses that would change")),
});

export const Contact = z.object({
  id: z.string(),
  customer_id: z.string(),
  email: z.string(),
  name: Text,
  roles: z.array(z.enum(CONTACT_ROLES)),
  language: z.nullable(z.enum(LANGUAGES)).check(z.describe("Of mail to this contact; null: English")),
  portal: z.boolean().check(z.describe("It may sign in to the customer's site")),
  own: z
    .boolean()
    .check(z.describe("It is the customer's own e-mail address, which is changed at the customer")),
  email_status: Customer.shape.email_status,
  created_at: Instant,
  updated_at: Instant,
});

export const CustomerRequest = z.object({
  id: z.string(),
  customer_id: z.string(),
  license_id: Text,
  contact_id: z.string().check(z.describe("Who asked; the contact may be gone by now")),
  kind: z.enum(REQUEST_KINDS),
  seats: z.nullable(z.int()).check(z.describe("How many seats the license should have")),
  text: z.string(),
  status: z.enum(REQUEST_STATUSES),
  answer: Text,
  answered_at: z.nullable(Instant),
  created_at: Instant,
});

export const LicenseType = z.object({
  id: z.string(),
  name: z.string(),
  duration: z.nullable(z.string()).check(z.describe("P and a number of Y, M, W or D; null: perpetual")),
  duration_days: z.nullable(z.int()).check(z.describe("The duration, with 365 days a year and 30 a month")),
  grace_days: z.int(),
  lease_days: z.int(),
  check_in_hours: z.int(),
  ...limits,
  created_at: Instant,
  updated_at: Instant,
  notice_days: z.array(z.int()),
  ...unprovenTerms,
  entitlements: Entitlements,
});

export const License = z.object({
  ...terms,
  metadata: z.record(z.string(), z.unknown()),
  updated_at: Instant,
  notice_days: z.nullable(z.array(z.int())).check(z.describe("null: those of the license type")),
  ...noted,
});

export const IssuedLicense = z.object({
  license: License,
  license_key: z.string().check(z.describe("Compact JWS, typ license+jwt")),
});

export const LicenseKey = z.object({ license_key: IssuedLicense.shape.license_key });
const Changes = z.record(z.string(), z.object({ from: z.optional(z.unknown()), to: z.unknown() }));

const RefusedWith = z
  .nullable(z.string())
  .check(z.describe("The code of the refusal that it gets at its next activation or check-in; null: none"));

const RunningSeat = z.object({
  activation_id: z.string(),
  instance_id: z.string(),
  hostname: Text,
  last_seen_at: Instant,
  lease_expires_at: Instant,
  refused_with: RefusedWith,
});

const Preview = z.object({
  dry_run: z.literal(true),
  license: License,
  changes: Changes,
  effects: z
    .record(z.string(), z.string())
    .check(z.describe("By member of changes: what running instances notice of it, in words")),
  instances: z.object({ active: z.int(), listed: z.array(RunningSeat) }),
  limits: z.array(z.object({ limit: z.string(), allowed: z.int(), observed: z.int() })),
});

/** The instances that run on a license whose key is replaced. */
const RunningInstances = z.object({
  active: z.int(),
  listed: z.array(
    z.extend(RunningSeat, {
      ip: Text,
      activated_at: Instant,
      proven: z.boolean().check(z.describe("Its last request proved that the seat is its own")),
      offline: z.boolean().check(z.describe("Its seat was given through a license file")),
      freed: z
        .boolean()
        .check(z.describe("By staff; a seat given through a license file counts until the file ends")),
    }),
  ),
});

export const ReissuedLicense = z.extend(IssuedLicense, { instances: RunningInstances });
export const ReissuePreview = z.extend(Preview, { instances: RunningInstances });

export const LicenseOrPreview = z.union([License, Preview]);
export const IssuedOrPreview = z.union([IssuedLicense, Preview]);

/** A boolean in a query. */
export const Flag = z.pipe(
  z.enum(["true", "false"]),
  z.transform((text) => text === "true"),
);

export const DryRunQuery = z.strictObject({ dry_run: z._default(Flag, false) });

export const Instance = z.object({
  id: z.string(),
  license_id: z.string(),
  instance_id: z.string(),
  active: z.boolean(),
  activated_at: Instant,
  last_seen_at: Instant,
  lease_expires_at: Instant,
  check_in_at: Instant,
  ended_at: OptionalInstant,
  ended_by: z.nullable(z.enum(["instance", "staff", "lease"])),
  replaces: Text,
  fingerprint: Text,
  fingerprint_changed_at: OptionalInstant,
  clone_suspected_at: OptionalInstant,
  hostname: Text,
  app_version: Text,
  labels: z.nullable(z.record(z.string(), z.string())),
  ip: Text,
  usage: z.nullable(z.object({ date: Day, requests: z.int(), services: z.int() })),
  offline: z.boolean().check(z.describe("It has no network: its last activation was by a request file")),
  key_since: OptionalInstant.check(z.describe("Since when its request files prove the same key")),
  freed_at: OptionalInstant.check(
    z.describe(
      "When staff freed a seat that was given through a license file; it counts until lease_expires_at",
    ),
  ),
  proven_until: Instant.check(z.describe("The end of the last lease that was granted for a proof")),
  unproven: z
    .array(z.object({ date: Day, requests: z.int(), last_at: Instant, ip: Text, hostname: Text }))
    .check(
      z.describe("Requests without proof in the last seven days, per day, with the last one of each day"),
    ),
});

const count = z.int().check(z.minimum(0));

export const Statistics = z.object({
  total: count,
  active: count,
  expired: count,
  expiring_soon: count,
  suspended: count,
  revoked: count,
  by_type: z.record(z.string(), count),
  by_standing: z.object(Object.fromEntries(STANDINGS.map((standing) => [standing, count]))),
  instances: z.object({ active: count, total: count }),
  activations_by_day: z.array(z.object({ date: Day, count })),
  expirations_by_month: z.array(z.object({ month: z.string(), count })),
  usage_by_day: z.array(z.object({ date: Day, requests: count, services: count })),
});

export const Census = z.object({
  live: count,
  silent: count,
  freed: count,
  silent_days: z.int(),
  counted_at: Instant,
});

export const LicenseFile = z.object({
  format: z.literal("caio-license"),
  version: z.literal(1),
  issuer: z.string(),
  license_id: z.string(),
  customer_id: z.string(),
  instance_id: z.string(),
  activation_id: z.string(),
  issued_at: Instant,
  lease_expires_at: Instant,
  license_expires_at: OptionalInstant,
  license_key: z.string(),
  certificate: z.string(),
  warnings: Warnings,
});

export const Imported = z.object({ dry_run: z.boolean(), rows: z.int(), created: z.int() });

export const ImportedLicenses = z.extend(Imported, {
  customers_created: z.int().check(z.describe("Customers of restored licenses that did not exist before")),
});
