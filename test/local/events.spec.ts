// Every type of event that the sources and the migrations write is in the table of events, and the table has no other.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EVENT_ACTIONS } from "../../src/record/catalogue.ts";

const ROOT = join(import.meta.dirname, "../..");

const FAMILIES = [...new Set(EVENT_ACTIONS.map((action) => action.split(".")[0]!))].join("|");

const NAME = new RegExp(`["'\`]((?:${FAMILIES})\\.[a-z_]+)["'\`]`, "g");

const written = new Set(
  globSync(["src/**/*.{ts,tsx}", "migrations/*.sql"], { cwd: ROOT })
    .filter((file) => !/^src\/(?:clients|cli|dev|http)\/|catalogue\.ts$/.test(file))
    .flatMap((file) =>
      [...readFileSync(join(ROOT, file), "utf8").matchAll(NAME)].map(([, action]) => action!),
    ),
);

/** Written by a template: `${entity}.imported`, `license.` || stage, … Each has a test of its own. */
const BY_TEMPLATE = [
  ...["contact", "customer"].flatMap((entity) => [`${entity}.email_bounced`, `${entity}.email_complained`]),
  ...["accepted", "declined"].map((what) => `customer_request.${what}`),
  ...["customer", "license"].map((entity) => `${entity}.imported`),
  ...["customers", "instances", "licenses"].map((what) => `${what}.exported`),
  ...["expired", "expiring", "grace_started"].map((stage) => `license.${stage}`),
  ...["cancelled", "done", "failed", "held", "ordered", "released"].map((what) => `pending_change.${what}`),
];

it("the table of events is what is written", () => {
  expect([...new Set([...written, ...BY_TEMPLATE])].toSorted()).toEqual(EVENT_ACTIONS);
});
