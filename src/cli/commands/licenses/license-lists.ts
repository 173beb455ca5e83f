// licenses: list, refusals
import { type Command, Option } from "commander";
import { STANDINGS } from "../../../licensing/licenses/standing.ts";
import { define, handle, path, withJson, withList } from "../../command.ts";
import { keyedAs, notNegative } from "../../inputs.ts";
import { note, printTable, text, when } from "../../output.ts";
import type { License, Message, Refusal } from "../../shapes.ts";
import { LICENSE_COLUMNS } from "./license-view.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Filter {
  customer?: string;
  type?: string;
  status?: string;
  standing?: string;
  expiringWithin?: number;
  endsFrom?: string;
  endsUntil?: string;
  told?: string;
  lastMail?: string;
  seats?: string;
  query?: string;
  tag?: string;
  metadata?: Record<string, string>;
  sort?: string;
}

const MAILS: (Message["status"] | "none")[] = [
  "none",
  "pending",
  "sent",
  "delivered",
  "bounced",
  "failed",
  "skipped",
];

const SORTS = ["newest", "oldest", "ending", "ending_last"];

function printRefusals({ data }: { data: Refusal[] }): void {
  if (data.length === 0) return note("Nobody was refused lately.");
  printTable(data, [
    ["at", (row) => when(row.at)],
    ["refused with", (row) => text(row.code)],
    ["instance", (row) => text(row.instance_id)],
    ["host", (row) => text(row.hostname)],
    ["address", (row) => text(row.ip)],
  ]);
}

export function addLicenseLists(licenses: Command): void {
  withList(
    define(licenses, "list", "List licenses", [
      "licenses list",
      "licenses list --customer acme --standing expiring",
      "licenses list --ends-from 2027-01-01 --ends-until 2027-01-31 --told no --sort ending",
      "licenses list --seats full --all --ndjson",
    ]),
  )
    .option("--customer <id>", "of this customer")
    .option("--type <id>", "of this type")
    .addOption(
      new Option("--status <status>", "what staff decided").choices(["active", "suspended", "revoked"]),
    )
    .addOption(new Option("--standing <standing>", "what it allows now").choices(STANDINGS))
    .option("--expiring-within <days>", "entitled to run, and ending within this many days", notNegative)
    .option("--ends-from <date>", "that end on this date or later")
    .option("--ends-until <date>", "that end on this date or earlier")
    .addOption(
      new Option("--told <answer>", "whether a mail told the customer of the end").choices(["yes", "no"]),
    )
    .addOption(new Option("--last-mail <status>", "what became of the last mail about it").choices(MAILS))
    .addOption(new Option("--seats <which>", "full: all its seats are taken").choices(["full"]))
    .option("-q, --query <text>", "whose id or customer, or a word that was noted, begins with it")
    .option("--tag <tag>", "with this tag")
    .option("--metadata <key=value>", "with this value in its metadata; can be repeated", keyedAs("metadata"))
    .addOption(new Option("--sort <order>", "in this order").choices(SORTS))
    .action(
      handle<Filter>((call) => {
        const { customer, type, query, metadata, ...options } = call.options;
        const filter = {
          customer_id: customer,
          license_type: type,
          status: options.status,
          standing: options.standing,
          expiring_within_days: options.expiringWithin,
          ends_from: options.endsFrom,
          ends_until: options.endsUntil,
          told: options.told,
          last_mail: options.lastMail,
          seats: options.seats,
          q: query,
          tag: options.tag,
          sort: options.sort,
          ...metadata,
        };
        return call.list<License>(path("licenses"), filter, LICENSE_COLUMNS, "No licenses.");
      }),
    );

  withJson(
    define(licenses, "refusals <id>", "List why installations of a license were refused lately", [
      `licenses refusals ${ID}`,
    ]),
  ).action(handle((call, id) => call.read(path("licenses", id, "refusals"), printRefusals)));
}
