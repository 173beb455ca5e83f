// How a license looks to people.
import {
  type Column,
  end,
  entitlements,
  limit,
  list,
  note,
  print,
  printDetails,
  standing,
  text,
  when,
} from "../../output.ts";
import type { IssuedLicense, License, OrderedChange, PendingChange } from "../../shapes.ts";

export const LICENSE_COLUMNS: Column<License>[] = [
  ["id", (row) => text(row.id)],
  ["customer", (row) => text(row.customer_id)],
  ["type", (row) => text(row.license_type)],
  ["standing", (row) => standing(row.standing)],
  ["expires", (row) => end(row.expires_at, "never")],
  ["instances", (row) => limit(row.max_instances)],
];

export const printLicense = (license: License): void =>
  printDetails([
    ["id", text(license.id)],
    ["customer", text(license.customer_id)],
    ["type", text(license.license_type)],
    ["standing", standing(license.standing)],
    ["issued", when(license.issued_at)],
    ["starts", when(license.starts_at, "at issue")],
    ["expires", end(license.expires_at, "never")],
    ["grace until", end(license.grace_until)],
    ["features", list(license.features)],
    ["entitlements", entitlements(license.entitlements)],
    ["instances", limit(license.max_instances)],
    ["services", limit(license.max_services)],
    ["requests per day", limit(license.max_requests_per_day)],
    ["lease", `${license.lease_days} days, check-in every ${license.check_in_hours} hours`],
    ["unproven lease", `${license.unproven_lease_hours} hours`],
    ["clones", license.clone_policy],
    [
      "notices",
      license.notice_days === null ? "those of the type" : `${list(license.notice_days)} days before the end`,
    ],
    ["covers versions", license.updates_until === null ? "all" : `built ${end(license.updates_until)}`],
    ["revision", String(license.revision)],
    ["metadata", text(JSON.stringify(license.metadata))],
    ["tags", list(license.tags)],
    ["notes", text(license.notes)],
    ["updated", when(license.updated_at)],
  ]);

export const PENDING_COLUMNS: Column<PendingChange>[] = [
  ["id", (row) => text(row.id)],
  ["action", (row) => text(row.action)],
  ["takes effect", (row) => when(row.effective_at)],
  ["status", (row) => text(row.status)],
  ["input", (row) => text(JSON.stringify(row.input))],
  ["ordered by", (row) => text(row.ordered_by)],
  ["why", (row) => text(row.detail)],
];

export const printOrdered = ({ pending_change }: OrderedChange): void => {
  const { id, license_id, action, effective_at, status } = pending_change;
  print(
    `${text(action)} of license ${text(license_id)}: ${text(status)}, takes effect ${when(effective_at)}`,
  );
  note(`To take it back: caio-license changes cancel ${text(license_id)} ${text(id)}`);
};

/** Prints what was done, or what was ordered for later. */
export const orOrdered =
  <T extends object>(printDone: (done: T) => void) =>
  (answer: T | OrderedChange): void =>
    "pending_change" in answer ? printOrdered(answer) : printDone(answer);

/** The key is a secret: shown only on request. */
export const printIssued =
  (showKey: boolean) =>
  ({ license, license_key }: IssuedLicense): void => {
    printLicense(license);
    if (showKey) print(license_key);
    else note(`Its key: caio-license licenses key ${text(license.id)}`);
  };
