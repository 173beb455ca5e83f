// instances: list, count, versions, show, free, clear-clone
import type { Command } from "commander";
import { define, group, handle, path, withConfirmation, withDryRun, withJson, withList } from "../command.ts";
import { usage } from "../failures.ts";
import { keyedAs, positive } from "../inputs.ts";
import { type Column, end, note, printDetails, printTable, text, when } from "../output.ts";
import type { Census, Instance, VersionDay } from "../shapes.ts";

const ID = "act_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Filter {
  license?: string;
  customer?: string;
  active?: boolean;
  ended?: boolean;
  seenSince?: string;
  seenBefore?: string;
  query?: string;
  versionBelow?: string;
  label?: Record<string, string>;
}

const state = ({ active, ended_by, freed_at }: Instance): string =>
  active
    ? freed_at === null
      ? "holds a seat"
      : "freed, counts until its file ends"
    : ended_by === null
      ? "lease ran out"
      : `ended by ${ended_by}`;

const COLUMNS: Column<Instance>[] = [
  ["id", (row) => text(row.id)],
  ["instance", (row) => text(row.instance_id)],
  ["host", (row) => text(row.hostname)],
  ["version", (row) => text(row.app_version)],
  ["state", state],
  ["last seen", (row) => when(row.last_seen_at)],
  ["lease until", (row) => end(row.lease_expires_at)],
];

const printInstance = (instance: Instance): void =>
  printDetails([
    ["id", text(instance.id)],
    ["instance", text(instance.instance_id)],
    ["license", text(instance.license_id)],
    ["state", state(instance)],
    ["activated", when(instance.activated_at)],
    ["last seen", when(instance.last_seen_at)],
    ["check-in due", when(instance.check_in_at)],
    ["lease until", end(instance.lease_expires_at)],
    ["ended", when(instance.ended_at)],
    ["freed", when(instance.freed_at)],
    ["host", text(instance.hostname)],
    ["version", text(instance.app_version)],
    ["address", text(instance.ip)],
    ["fingerprint", text(instance.fingerprint)],
    ["proven until", when(instance.proven_until)],
    [
      "unproven",
      instance.unproven.length === 0
        ? "–"
        : instance.unproven
            .map(({ date, requests, ip }) => `${text(date)}: ${requests}, last from ${text(ip)}`)
            .join("; "),
    ],
    ["clone suspected", when(instance.clone_suspected_at)],
    ["labels", text(instance.labels === null ? null : JSON.stringify(instance.labels))],
    [
      "usage",
      instance.usage === null
        ? "–"
        : `${instance.usage.requests} requests, ${instance.usage.services} services on ${text(instance.usage.date)}`,
    ],
  ]);

function printVersions({ data }: { data: VersionDay[] }): void {
  const rows = data.flatMap(({ day, versions, others }) => [
    ...versions.map(({ version, count }) => ({ day, version: version ?? "not said", count })),
    ...(others > 0 ? [{ day, version: "others", count: others }] : []),
  ]);
  if (rows.length === 0) return note("Not counted yet in this period: it is counted once a day.");
  printTable(rows, [
    ["day", (row) => text(row.day)],
    ["version", (row) => text(row.version)],
    ["instances", (row) => String(row.count)],
  ]);
}

export function addInstanceCommands(program: Command): void {
  const instances = group(program, "instances", "Installations and their seats", "instances list --active");

  withList(
    define(instances, "list", "List instances, license by license", [
      "instances list --customer acme --active",
      "instances list --active --seen-before 2026-11-01",
    ]),
  )
    .option("--license <id>", "of this license")
    .option("--customer <id>", "of this customer")
    .option("--active", "that hold a seat")
    .option("--ended", "that no longer hold a seat")
    .option("--seen-since <date>", "last seen since this date")
    .option("--seen-before <date>", "last seen before this date")
    .option("--version-below <version>", "that run a version before this one")
    .option("--label <key=value>", "with this label; can be repeated", keyedAs("label"))
    .option("-q, --query <text>", "whose id, host name or license begins with it")
    .action(
      handle<Filter>((call) => {
        const { license, customer, active, ended, seenSince, seenBefore, query, versionBelow, label } =
          call.options;
        if (active && ended) throw usage("--active and --ended exclude each other.");
        const filter = {
          license_id: license,
          customer_id: customer,
          active: active ? true : ended ? false : undefined,
          seen_since: seenSince,
          seen_before: seenBefore,
          q: query,
          app_version_below: versionBelow,
          ...label,
        };
        return call.list<Instance>(path("activations"), filter, COLUMNS, "No instances.");
      }),
    );

  withJson(
    define(instances, "count", "Count live, silent and freed instances. Reads all of them.", [
      "instances count",
      "instances count --silent-days 7 --json",
    ]),
  )
    .option("--silent-days <days>", "silent: not seen for so many days (default: 3)", positive)
    .action(
      handle<{ silentDays?: number }>((call) =>
        call.read(
          path("statistics", "instances"),
          ({ live, silent, freed, silent_days }: Census) =>
            printDetails([
              ["live", String(live)],
              [`silent for ${silent_days} days`, String(silent)],
              ["without a seat", String(freed)],
            ]),
          { silent_days: call.options.silentDays },
        ),
      ),
    );

  withJson(
    define(instances, "versions", "Show which versions ran, day by day", [
      "instances versions",
      "instances versions --period 12m --json",
    ]),
  )
    .option("--period <period>", "30d (default), 90d, 12m, or a quarter, such as 2026-Q3")
    .action(
      handle<{ period?: string }>((call) =>
        call.read(path("statistics", "versions"), printVersions, { period: call.options.period }),
      ),
    );

  withJson(define(instances, "show <id>", "Show an instance", [`instances show ${ID}`])).action(
    handle((call, id) => call.read(path("activations", id), printInstance)),
  );

  withConfirmation(
    withDryRun(
      define(
        instances,
        "free <id>",
        "Free the seat of an instance. The instance learns this at its next check-in.",
        [`instances free ${ID}`, `instances free ${ID} --yes`, `instances free ${ID} --force`],
      ),
    ),
  )
    .option(
      "--force",
      "free the seat at once, even if it was given through a license file and no receipt shows that the installation stopped",
    )
    .action(
      handle<{ force?: boolean }>(async (call, id) => {
        const { force } = call.options;
        await call.confirm(`Free the seat of ${id}?`);
        const done = force
          ? `The seat of ${text(id)} is free.`
          : `The seat of ${text(id)} is freed. If it was given through a license file, it counts until the file ends.`;
        await call.end(
          { method: "DELETE", path: path("activations", id), ...(force ? { body: { force } } : {}) },
          done,
        );
      }),
    );

  withDryRun(
    define(instances, "clear-clone <id>", "Clear the mark of a suspected clone", [
      `instances clear-clone ${ID} --reason "The machine was replaced."`,
    ]),
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .action(
      handle<{ reason: string }>((call, id) =>
        call.change(
          {
            method: "POST",
            path: path("activations", id, "clear-clone"),
            body: { reason: call.options.reason },
          },
          printInstance,
        ),
      ),
    );
}
