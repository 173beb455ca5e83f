// licenses: create, list, show, update. Later actions on a license: license-actions.ts
import { type Command, Option } from "commander";
import { STANDINGS } from "../../../licensing/licenses/standing.ts";
import { define, handle, path, withDryRun, withJson, withList } from "../../command.ts";
import { usage } from "../../failures.ts";
import {
  emptied,
  endOf,
  entitlementOf,
  type EntitlementOptions,
  entitlementsOf,
  FOR,
  given,
  keyedAs,
  limitOf,
  listOf,
  notNegative,
  noticeDaysOf,
  objectOf,
  ON,
  type OrNull,
  positive,
  withoutEntitlement,
} from "../../inputs.ts";
import type { License } from "../../shapes.ts";
import { LICENSE_COLUMNS, orOrdered, printIssued, printLicense } from "./license-view.ts";

interface Terms extends EntitlementOptions {
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

interface Creation extends Terms {
  customer: string;
  send?: boolean;
  showKey?: boolean;
}

interface Update extends Terms {
  terms?: string;
  send?: boolean;
  on?: string;
  leaseDays?: number;
  checkInHours?: number;
}

interface Filter {
  customer?: string;
  type?: string;
  status?: string;
  standing?: string;
  expiringWithin?: number;
  query?: string;
  tag?: string;
  metadata?: Record<string, string>;
}

const withTerms = (command: Command): Command =>
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

const termsOf = (terms: Terms) => ({
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

export function addLicenseCommands(licenses: Command): void {
  withTerms(
    withDryRun(
      define(licenses, "create", "Issue a license. What you do not give comes from its type.", [
        "licenses create --customer acme --type standard",
        "licenses create --customer acme --type enterprise --for P2Y --max-instances 20 --send",
        "licenses create --customer acme --type trial --json | jq -r .license_key > acme.key",
      ]),
    )
      .requiredOption("--customer <id>", "the customer that it is for")
      .requiredOption("--type <id>", "the license type: see caio-license types list")
      .option("--for <duration>", FOR)
      .option("--days <count>", "days from now", positive),
  )
    .option("--send", "mail the key to the customer")
    .option("--show-key", "print the key, too")
    .action(
      handle<Creation>((call) => {
        const { customer, send, showKey } = call.options;
        const body = given({ customer_id: customer, ...termsOf(call.options), send_email: send });
        return call.change({ method: "POST", path: path("licenses"), body }, printIssued(showKey === true));
      }),
    );

  withList(
    define(licenses, "list", "List licenses", [
      "licenses list",
      "licenses list --customer acme --standing expiring",
      "licenses list --all --ndjson",
    ]),
  )
    .option("--customer <id>", "of this customer")
    .option("--type <id>", "of this type")
    .addOption(
      new Option("--status <status>", "what staff decided").choices(["active", "suspended", "revoked"]),
    )
    .addOption(new Option("--standing <standing>", "what it allows now").choices(STANDINGS))
    .option("--expiring-within <days>", "entitled to run, and ending within this many days", notNegative)
    .option("-q, --query <text>", "whose id or customer, or a word that was noted, begins with it")
    .option("--tag <tag>", "with this tag")
    .option("--metadata <key=value>", "with this value in its metadata; can be repeated", keyedAs("metadata"))
    .action(
      handle<Filter>((call) => {
        const { customer, type, status, standing, expiringWithin, query, tag, metadata } = call.options;
        const filter = {
          customer_id: customer,
          license_type: type,
          status,
          standing,
          expiring_within_days: expiringWithin,
          q: query,
          tag,
          ...metadata,
        };
        return call.list<License>(path("licenses"), filter, LICENSE_COLUMNS, "No licenses.");
      }),
    );

  withJson(
    define(licenses, "show <id>", "Show a license", ["licenses show lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8"]),
  ).action(handle((call, id) => call.read(path("licenses", id), printLicense)));

  withTerms(
    withDryRun(
      define(licenses, "update <id>", "Change the terms of a license. Only the given options change.", [
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --max-instances 10",
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --max-instances 1 --dry-run",
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --type enterprise --terms type --dry-run",
      ]),
      "show what the service would do, and change nothing",
    )
      .option("--type <id>", "the license type")
      .addOption(
        new Option(
          "--terms <which>",
          "with another type: take the terms of that type, or keep its own",
        ).choices(["type", "keep"]),
      )
      .option("--lease-days <days>", "how long a seat is leased", positive)
      .option("--check-in-hours <hours>", "how often instances check in", positive)
      .option("--send", "tell the customer by mail what changed")
      .option("--on <date>", ON),
  )
    .option("--no-starts", "no start: valid as soon as it is issued")
    .option("--no-notes", "remove the notes")
    .action(
      handle<Update>((call, id) => {
        const { leaseDays, checkInHours, terms, send, on } = call.options;
        const body = given({
          ...termsOf(call.options),
          terms,
          lease_days: leaseDays,
          check_in_hours: checkInHours,
        });
        if (Object.keys(body).length === 0) throw usage("Give at least one option to change.");
        const request = {
          method: "PATCH" as const,
          path: path("licenses", id),
          body: { ...body, ...given({ send_email: send, effective_at: on }) },
        };
        return call.tryOrChange(request, orOrdered(printLicense));
      }),
    );
}
