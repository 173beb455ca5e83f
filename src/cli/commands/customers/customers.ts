// customers: list, show, create, update, suspend, reinstate, delete; erasure.ts has erase and data, and usage.ts usage
import { type Command, Option } from "commander";
import {
  define,
  group,
  handle,
  path,
  withConfirmation,
  withDryRun,
  withJson,
  withList,
} from "../../command.ts";
import { usage } from "../../failures.ts";
import { emptied, given, keyedAs, listOf, objectOf } from "../../inputs.ts";
import { type Column, list, print, printDetails, text, when } from "../../output.ts";
import type { Customer, CustomerSuspension } from "../../shapes.ts";
import { addCustomerErasure } from "./erasure.ts";
import { addCustomerUsage } from "./usage.ts";

interface Details {
  id?: string;
  name?: string;
  /** false: emptied by --no-email. */
  email?: string | false;
  company?: string | false;
  metadata?: Record<string, unknown>;
  tags?: string[];
  notes?: string | false;
  portal?: boolean;
}

interface Filter {
  query?: string;
  tag?: string;
  metadata?: Record<string, string>;
  emailStatus?: string;
  sort?: string;
}

const email = ({ email: address, email_status }: Customer): string =>
  email_status === null ? text(address) : `${text(address)} (${email_status})`;

const COLUMNS: Column<Customer>[] = [
  ["id", (row) => text(row.id)],
  ["name", (row) => text(row.name)],
  ["company", (row) => text(row.company)],
  ["email", email],
  ["created", (row) => when(row.created_at)],
];

const printCustomer = (customer: Customer): void =>
  printDetails([
    ["id", text(customer.id)],
    ["name", text(customer.name)],
    ["company", text(customer.company)],
    ["email", email(customer)],
    ["customer's site", customer.portal ? "on" : "off"],
    ["metadata", text(JSON.stringify(customer.metadata))],
    ["tags", list(customer.tags)],
    ["notes", text(customer.notes)],
    ["created", when(customer.created_at)],
    ["updated", when(customer.updated_at)],
  ]);

const SUSPENSIONS = [
  ["suspend", "Suspend all licenses of a customer"],
  ["reinstate", "Reinstate the licenses that were suspended with their customer"],
] as const;

function printSuspension({ dry_run, changed, skipped, instances }: CustomerSuspension): void {
  const running = instances ? ` Instances that run on them: ${instances.active}.` : "";
  print(
    dry_run
      ? `${changed} licenses would change, ${skipped} would not.${running} Nothing was changed.`
      : `${changed} licenses changed, ${skipped} did not.`,
  );
}

export function addCustomerCommands(program: Command): void {
  const customers = group(program, "customers", "Who licenses are issued to", "customers list --query acme");

  withList(
    define(customers, "list", "List customers", [
      "customers list",
      "customers list --query acme",
      "customers list --email-status bounced --all --json",
    ]),
  )
    .option("-q, --query <text>", "whose id or name, or a word that was noted, begins with it")
    .option("--tag <tag>", "with this tag")
    .option("--metadata <key=value>", "with this value in its metadata; can be repeated", keyedAs("metadata"))
    .addOption(
      new Option(
        "--email-status <status>",
        "none: without an e-mail address; bounced, complained: what became of mail to it",
      ).choices(["none", "bounced", "complained"]),
    )
    .addOption(new Option("--sort <order>", "in this order").choices(["id", "name", "name_last"]))
    .action(
      handle<Filter>((call) => {
        const { query, tag, metadata, emailStatus, sort } = call.options;
        const filter = { q: query, tag, email_status: emailStatus, sort, ...metadata };
        return call.list<Customer>(path("customers"), filter, COLUMNS, "No customers.");
      }),
    );

  withJson(define(customers, "show <id>", "Show a customer", ["customers show acme"])).action(
    handle((call, id) => call.read(path("customers", id), printCustomer)),
  );

  withDryRun(
    define(customers, "create", "Create a customer", [
      "customers create --name Acme",
      'customers create --id acme --name Acme --email it@acme.example --metadata \'{"crm": "4711"}\'',
    ]),
  )
    .requiredOption("--name <name>", "the name")
    .option("--id <id>", "letters, digits, dots, dashes, underscores (default: generated)")
    .option("--email <address>", "where licenses and warnings are sent")
    .option("--company <company>", "the company")
    .option("--metadata <json>", "your own references, as a JSON object", objectOf)
    .option("--tags <list>", "separated by commas, or none", listOf)
    .option("--notes <text>", "notes that only staff see")
    .option("--no-portal", "nobody of theirs may sign in to the customer's site")
    .action(
      handle<Details>((call) => {
        const { id, name, email: address, company, metadata, tags, notes } = call.options;
        const portal = call.options.portal === false ? false : undefined;
        const body = given({ id, name, email: address, company, metadata, tags, notes, portal });
        return call.change({ method: "POST", path: path("customers"), body }, printCustomer);
      }),
    );

  withDryRun(
    define(customers, "update <id>", "Change a customer. Only the given options change.", [
      "customers update acme --email licenses@acme.example",
      "customers update acme --no-company",
    ]),
  )
    .option("--name <name>", "the name")
    .option("--email <address>", "where licenses and warnings are sent")
    .option("--no-email", "remove the address")
    .option("--company <company>", "the company")
    .option("--no-company", "remove the company")
    .option("--metadata <json>", "your own references, as a JSON object", objectOf)
    .option("--tags <list>", "separated by commas, or none", listOf)
    .option("--notes <text>", "notes that only staff see")
    .option("--no-notes", "remove the notes")
    .option("--portal", "the customer's site is on")
    .option("--no-portal", "the customer's site is off: nobody may sign in")
    .action(
      handle<Details>((call, id) => {
        const { name, email: address, company, metadata, tags, notes, portal } = call.options;
        const body = given({
          name,
          portal,
          email: emptied(address),
          company: emptied(company),
          metadata,
          tags,
          notes: emptied(notes),
        });
        if (Object.keys(body).length === 0) throw usage("Give at least one option to change.");
        return call.change({ method: "PATCH", path: path("customers", id), body }, printCustomer);
      }),
    );

  for (const [verb, words] of SUSPENSIONS) {
    const command = withDryRun(
      define(customers, `${verb} <id>`, words, [
        `customers ${verb} acme --reason "Invoice 4711." --dry-run`,
        `customers ${verb} acme --reason "Invoice 4711."`,
      ]),
      "show what the service would do, and change nothing",
    );
    if (verb === "suspend") command.requiredOption("--reason <text>", "why; kept in the record");
    else command.option("--reason <text>", "why; kept in the record");
    command.action(
      handle<{ reason?: string }>(async (call, id) => {
        const { reason, dryRun } = call.options;
        const request = {
          method: "POST" as const,
          path: path("customers", id, verb),
          body: given({ reason }),
        };
        if (!dryRun) return call.change(request, printSuspension);
        call.show(await call.client().send({ ...request, query: { dry_run: true } }), printSuspension);
      }),
    );
  }

  withDryRun(
    define(customers, "sign-out <id>", "End all sessions of a customer on the customer's site", [
      "customers sign-out acme",
    ]),
  ).action(
    handle((call, id) =>
      call.change(
        { method: "POST", path: path("customers", id, "sign-out"), body: {} },
        ({ ended }: { ended: number }) => print(`${ended} sessions ended.`),
      ),
    ),
  );

  addCustomerErasure(customers);
  addCustomerUsage(customers);

  withConfirmation(
    withDryRun(
      define(customers, "delete <id>", "Delete a customer who has no licenses", [
        "customers delete acme",
        "customers delete acme --yes",
      ]),
    ),
  ).action(
    handle(async (call, id) => {
      await call.confirm(`Delete the customer ${id}?`);
      await call.end({ method: "DELETE", path: path("customers", id) }, `Customer ${text(id)} is deleted.`);
    }),
  );
}
