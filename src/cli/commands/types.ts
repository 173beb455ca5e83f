// types: list, show, set, delete
import type { Command } from "commander";
import { durationInWords } from "../../kernel/calendar.ts";
import { define, group, handle, path, withConfirmation, withDryRun, withJson, withList } from "../command.ts";
import { readJson } from "../inputs.ts";
import { type Column, entitlements, limit, list, printDetails, text, when } from "../output.ts";
import type { LicenseType } from "../shapes.ts";

const duration = (type: LicenseType): string =>
  type.duration === null ? "perpetual" : durationInWords(type.duration);

const COLUMNS: Column<LicenseType>[] = [
  ["id", (row) => text(row.id)],
  ["name", (row) => text(row.name)],
  ["duration", duration],
  ["grace", (row) => `${row.grace_days} days`],
  ["instances", (row) => limit(row.max_instances)],
  ["services", (row) => limit(row.max_services)],
  ["requests per day", (row) => limit(row.max_requests_per_day)],
];

const printType = (type: LicenseType): void =>
  printDetails([
    ["id", text(type.id)],
    ["name", text(type.name)],
    ["duration", duration(type)],
    ["grace", `${type.grace_days} days`],
    ["lease", `${type.lease_days} days, check-in every ${type.check_in_hours} hours`],
    ["features", list(type.features)],
    ["entitlements", entitlements(type.entitlements)],
    ["instances", limit(type.max_instances)],
    ["services", limit(type.max_services)],
    ["requests per day", limit(type.max_requests_per_day)],
    ["unproven lease", `${type.unproven_lease_hours} hours`],
    ["clones", type.clone_policy],
    ["notices", `${list(type.notice_days)} days before the end`],
    ["updated", when(type.updated_at)],
  ]);

/** What `types show --json` prints beside the terms, or tells in two ways. */
function termsIn({ id: _id, created_at: _made, updated_at: _changed, ...terms }: Record<string, unknown>) {
  const { duration_days: _days, ...others } = terms;
  return "duration" in terms ? others : terms;
}

export function addTypeCommands(program: Command): void {
  const types = group(program, "types", "License types: what licenses are issued from", "types list");

  withList(define(types, "list", "List license types", ["types list"])).action(
    handle((call) => call.list<LicenseType>(path("license-types"), {}, COLUMNS, "No license types.")),
  );

  withJson(define(types, "show <id>", "Show a license type", ["types show standard"])).action(
    handle((call, id) => call.read(path("license-types", id), printType)),
  );

  withDryRun(
    define(
      types,
      "set <id> <file>",
      "Make a license type, or replace it as a whole, by a JSON object. A file of - is stdin.",
      ["types show standard --json > standard.json", "types set standard standard.json"],
    ),
  ).action(
    handle(async (call, id, file) => {
      const given = await readJson(file);
      const body = typeof given === "object" && given !== null ? termsIn({ ...given }) : given;
      return call.change({ method: "PUT", path: path("license-types", id), body }, printType);
    }),
  );

  withConfirmation(
    withDryRun(
      define(types, "delete <id>", "Delete a license type that no license has", ["types delete pilot --yes"]),
    ),
  ).action(
    handle(async (call, id) => {
      await call.confirm(`Delete the license type ${id}?`);
      await call.end(
        { method: "DELETE", path: path("license-types", id) },
        `The license type ${text(id)} is deleted.`,
      );
    }),
  );
}
