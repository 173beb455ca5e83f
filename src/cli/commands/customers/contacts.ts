// contacts: list, add, update, remove; erasure.ts has erase
import { type Command, InvalidArgumentError, Option } from "commander";
import { define, group, handle, path, withConfirmation, withDryRun, withJson } from "../../command.ts";
import { usage } from "../../failures.ts";
import { emptied, given } from "../../inputs.ts";
import { type Column, list, note, printDetails, printTable, text, when } from "../../output.ts";
import type { Contact } from "../../shapes.ts";
import { addContactErasure } from "./erasure.ts";

const ROLES: Contact["roles"] = ["license", "billing", "technical"];

const LANGUAGES: NonNullable<Contact["language"]>[] = ["en", "de", "fr", "es", "ja"];

interface Details {
  email?: string;
  /** false: emptied by --no-name. */
  name?: string | false;
  roles?: string[];
  language?: string;
  portal?: boolean;
}

const address = ({ email, email_status }: Contact): string =>
  email_status === null ? text(email) : `${text(email)} (${email_status})`;

const COLUMNS: Column<Contact>[] = [
  ["id", (row) => text(row.id)],
  ["email", address],
  ["name", (row) => text(row.name)],
  ["roles", (row) => list(row.roles)],
  ["language", (row) => row.language ?? "en"],
];

const printContact = (contact: Contact): void =>
  printDetails([
    ["id", text(contact.id)],
    ["email", address(contact)],
    ["name", text(contact.name)],
    ["roles", list(contact.roles)],
    ["language", contact.language ?? "en"],
    ["customer's site", contact.portal ? "yes" : "no"],
    ["customer's own address", contact.own ? "yes" : "no"],
    ["created", when(contact.created_at)],
    ["updated", when(contact.updated_at)],
  ]);

function rolesOf(words: string): string[] {
  const roles = words.split(",").map((role) => role.trim());
  const unknown = roles.find((role) => !(ROLES as string[]).includes(role));
  if (unknown !== undefined) throw new InvalidArgumentError(`It takes ${ROLES.join(", ")}.`);
  return roles;
}

const withDetails = (command: Command): Command =>
  command
    .option("--name <name>", "whom mail greets; else the customer's name")
    .option("--roles <roles>", `what mail is about, separated by commas: ${ROLES.join(", ")}`, rolesOf)
    .addOption(new Option("--language <language>", "the language of mail").choices(LANGUAGES));

export function addContactCommands(program: Command): void {
  const contacts = group(program, "contacts", "Who of a customer is written to", "contacts list acme");

  withJson(
    define(contacts, "list <customer>", "List the contacts of a customer", ["contacts list acme"]),
  ).action(
    handle((call, customer) =>
      call.read(path("customers", customer, "contacts"), ({ data }: { data: Contact[] }) =>
        data.length === 0 ? note("No contacts.") : printTable(data, COLUMNS),
      ),
    ),
  );

  withDetails(
    withDryRun(
      define(contacts, "add <customer>", "Add a contact to a customer", [
        "contacts add acme --email billing@acme.example --roles billing --language de",
      ]),
    ),
  )
    .requiredOption("--email <address>", "where mail goes")
    .option("--no-portal", "may not sign in to the customer's site")
    .action(
      handle<Details>((call, customer) => {
        const { email, name, roles, language, portal } = call.options;
        const body = given({ email, name, roles, language, portal: portal === false ? false : undefined });
        return call.change(
          { method: "POST", path: path("customers", customer, "contacts"), body },
          printContact,
        );
      }),
    );

  withDetails(
    withDryRun(
      define(contacts, "update <customer> <id>", "Change a contact: what is given is changed", [
        "contacts update acme con_acme --roles license,technical",
      ]),
    ),
  )
    .option("--email <address>", "where mail goes")
    .option("--no-name", "no name")
    .option("--portal", "may sign in to the customer's site")
    .option("--no-portal", "may not sign in to the customer's site")
    .action(
      handle<Details>((call, customer, id) => {
        const { email, name, roles, language, portal } = call.options;
        const body = given({ email, name: emptied(name), roles, language, portal });
        if (Object.keys(body).length === 0) throw usage("Nothing to change was given.");
        const to = path("customers", customer, "contacts", id);
        return call.change({ method: "PATCH", path: to, body }, printContact);
      }),
    );

  withConfirmation(
    withDryRun(
      define(contacts, "remove <customer> <id>", "Remove a contact", [
        "contacts remove acme con_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --yes",
      ]),
    ),
  ).action(
    handle(async (call, customer, id) => {
      await call.confirm(`Remove the contact ${id} of ${customer}?`);
      const to = path("customers", customer, "contacts", id);
      await call.end({ method: "DELETE", path: to }, `Contact ${text(id)} is removed.`);
    }),
  );

  addContactErasure(contacts);
}
