// entitlements: list, show, create, update, delete
import { type Command, Option } from "commander";
import { define, group, handle, path, withConfirmation, withDryRun, withJson, withList } from "../command.ts";
import { given, valueOf } from "../inputs.ts";
import { type Column, entitled, printDetails, text, when } from "../output.ts";
import type { Entitlement } from "../shapes.ts";

const KINDS = ["flag", "limit", "text", "meter"];

interface Terms {
  name?: string;
  kind?: string;
  unit?: string;
  aggregate?: string;
  period?: string;
  over?: string;
  default?: unknown;
}

const counted = ({ aggregate, period, over }: Entitlement): string =>
  aggregate === null ? "" : `${aggregate} of a ${period}, above it: ${over}`;

const COLUMNS: Column<Entitlement>[] = [
  ["code", (row) => text(row.code)],
  ["name", (row) => text(row.name)],
  ["kind", (row) => text(row.kind)],
  ["unit", (row) => text(row.unit)],
  ["counted", counted],
];

const printEntitlement = (one: Entitlement): void =>
  printDetails([
    ["code", text(one.code)],
    ["name", text(one.name)],
    ["kind", text(one.kind)],
    ["unit", text(one.unit)],
    ["counted", counted(one)],
    ["forms begin with", one.default === null ? "nothing" : entitled(one.default)],
    ["updated", when(one.updated_at)],
  ]);

const withMembers = (command: Command): Command =>
  command
    .option("--unit <unit>", "what is counted or limited")
    .addOption(
      new Option("--aggregate <how>", "of a meter: a month adds its days, or takes the highest").choices([
        "sum",
        "peak",
      ]),
    )
    .addOption(new Option("--period <period>", "of a meter: what its value is for").choices(["day", "month"]))
    .addOption(
      new Option("--over <policy>", "of a meter: what happens above its value").choices([
        "warn",
        "refuse_new",
      ]),
    )
    .option("--default <value>", "what forms begin with", valueOf);

export function addEntitlementCommands(program: Command): void {
  const entitlements = group(
    program,
    "entitlements",
    "What can be sold besides features and limits",
    "entitlements list",
  );

  withList(define(entitlements, "list", "List the definitions", ["entitlements list"])).action(
    handle((call) => call.list<Entitlement>(path("entitlements"), {}, COLUMNS, "No entitlements.")),
  );

  withJson(define(entitlements, "show <code>", "Show a definition", ["entitlements show gpus"])).action(
    handle((call, code) => call.read(path("entitlements", code), printEntitlement)),
  );

  withMembers(
    withDryRun(
      define(entitlements, "create <code>", "Define an entitlement", [
        "entitlements create gpus --name GPUs --kind limit --unit GPUs",
        "entitlements create tokens --name Tokens --kind meter --aggregate sum --period month --over warn",
      ]),
    )
      .requiredOption("--name <name>", "what people call it")
      .addOption(new Option("--kind <kind>", "what its values are").choices(KINDS).makeOptionMandatory()),
  ).action(
    handle<Terms>((call, code) => {
      const { name, kind, unit, aggregate, period, over, default: preset } = call.options;
      const body = given({ code, name, kind, unit, aggregate, period, over, default: preset });
      return call.change({ method: "POST", path: path("entitlements"), body }, printEntitlement);
    }),
  );

  withMembers(
    withDryRun(
      define(entitlements, "update <code>", "Change a definition. Only the given options change.", [
        "entitlements update tokens --over refuse_new",
      ]),
    )
      .option("--name <name>", "what people call it")
      .addOption(new Option("--kind <kind>", "what its values are").choices(KINDS)),
  ).action(
    handle<Terms>((call, code) => {
      const { name, kind, unit, aggregate, period, over, default: preset } = call.options;
      const body = given({ name, kind, unit, aggregate, period, over, default: preset });
      return call.change({ method: "PATCH", path: path("entitlements", code), body }, printEntitlement);
    }),
  );

  withConfirmation(
    withDryRun(
      define(entitlements, "delete <code>", "Delete a definition that no license and no type has", [
        "entitlements delete gpus --yes",
      ]),
    ),
  ).action(
    handle(async (call, code) => {
      await call.confirm(`Delete the entitlement ${code}?`);
      return call.end(
        { method: "DELETE", path: path("entitlements", code) },
        `The entitlement ${text(code)} is deleted.`,
      );
    }),
  );
}
