// The terms of a license as options, and what they come to in a request.
import { type Command, Option } from "commander";
import {
  emptied,
  endOf,
  entitlementOf,
  type EntitlementOptions,
  entitlementsOf,
  limitOf,
  listOf,
  notNegative,
  noticeDaysOf,
  objectOf,
  type OrNull,
  positive,
  withoutEntitlement,
} from "../../inputs.ts";

export interface Terms extends EntitlementOptions {
  type?: string;
  for?: string;
  days?: number;
  expires?: OrNull<string>;
  /** false: cleared by --no-starts. */
  starts?: string | false;
  graceDays?: number;
  features?: string[];
  maxInstances?: OrNull<number>;
  maxServices?: OrNull<number>;
  maxRequestsPerDay?: OrNull<number>;
  metadata?: Record<string, unknown>;
  updatesUntil?: OrNull<string>;
  tags?: string[];
  notes?: string | false;
  noticeDays?: OrNull<number[]>;
  unprovenLeaseHours?: number;
  clonePolicy?: string;
}

/** What a change takes besides. */
export interface Change extends Terms {
  terms?: string;
  send?: boolean;
  leaseDays?: number;
  checkInHours?: number;
}

export const withTerms = (command: Command): Command =>
  command
    .option("--expires <date>", "2027-01-31, an RFC 3339 instant, or never", endOf)
    .option("--starts <date>", "when the license starts")
    .option("--grace-days <days>", "how many days instances may run after the end", notNegative)
    .option("--features <list>", "separated by commas, or none", listOf)
    .option("--max-instances <count>", "a number or unlimited", limitOf)
    .option("--max-services <count>", "a number or unlimited", limitOf)
    .option("--max-requests-per-day <count>", "a number or unlimited", limitOf)
    .option("--unproven-lease-hours <hours>", "how long a request without proof holds a seat", positive)
    .addOption(
      new Option("--clone-policy <policy>", "what happens to unproven requests of a suspected clone").choices(
        ["warn", "refuse"],
      ),
    )
    .option("--notice-days <list>", "days before the end: 30,7,0, or none, or type", noticeDaysOf)
    .option("--updates-until <date>", "covers versions built up to then, or never: all", endOf)
    .option(
      "--set <code=value>",
      "an entitlement, such as gpus=8 or sso=true,until=2027-06-30; can be repeated",
      entitlementOf,
    )
    .option("--unset <code>", "without this entitlement; can be repeated", withoutEntitlement)
    .option("--metadata <json>", "your own references, as a JSON object", objectOf)
    .option("--tags <list>", "separated by commas, or none", listOf)
    .option("--notes <text>", "notes that only staff see");

/** The options of a change. */
export const withChange = (command: Command): Command =>
  withTerms(command)
    .option("--type <id>", "the license type")
    .addOption(
      new Option(
        "--terms <which>",
        "with another type: take the terms of that type, or keep its own",
      ).choices(["type", "keep"]),
    )
    .option("--lease-days <days>", "how long a seat is leased", positive)
    .option("--check-in-hours <hours>", "how often instances check in", positive)
    .option("--send", "tell the customer by mail what changed");

export const termsOf = (terms: Terms) => ({
  license_type: terms.type,
  expires_in: terms.for,
  expires_days: terms.days,
  expires_at: terms.expires,
  starts_at: emptied(terms.starts),
  grace_days: terms.graceDays,
  features: terms.features,
  max_instances: terms.maxInstances,
  max_services: terms.maxServices,
  max_requests_per_day: terms.maxRequestsPerDay,
  notice_days: terms.noticeDays,
  unproven_lease_hours: terms.unprovenLeaseHours,
  clone_policy: terms.clonePolicy,
  updates_until: terms.updatesUntil,
  entitlements: entitlementsOf(terms),
  metadata: terms.metadata,
  tags: terms.tags,
  notes: emptied(terms.notes),
});

export const changeOf = (change: Change) => ({
  ...termsOf(change),
  terms: change.terms,
  lease_days: change.leaseDays,
  check_in_hours: change.checkInHours,
});
