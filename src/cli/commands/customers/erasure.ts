// customers erase, customers data, contacts erase: forgetting people, and telling them what is kept
import type { Command } from "commander";
import { type Call, define, handle, path, withConfirmation, withDryRun } from "../../command.ts";
import { openOutput, printStream } from "../../files.ts";
import { note, print, text } from "../../output.ts";
import { connection } from "../../profiles.ts";
import { Client } from "../../client.ts";
import type { Erasure } from "../../shapes.ts";

const WORDS: [keyof Erasure["goes"], string][] = [
  ["contacts", "contacts"],
  ["licenses", "licenses with metadata, tags or notes"],
  ["instances", "instances with where they ran"],
  ["mails", "mails: to whom, and what they said"],
  ["digests", "digests to staff: what they said"],
  ["pending_changes", "changes to come or of before"],
  ["requests", "requests of the customer: what they said, and the answers"],
  ["refusals", "licenses with refusals that say where instances ran"],
  ["deliveries", "deliveries to webhook endpoints: what the receivers answered"],
];

function printErasure({ dry_run, goes, events_that_stay, finished, kept }: Erasure): void {
  print(dry_run ? "Would go:" : "Gone:");
  for (const [name, words] of WORDS) print(`  ${goes[name]} ${words}`);
  if (events_that_stay > 0) {
    print(`Events of earlier releases that hold values, and cannot be changed: ${events_that_stay}`);
  }
  if (dry_run) return print("Nothing was changed.");
  if (!finished) note("There is more than one call takes: the night does the rest.");
  if (!kept) {
    note(
      "The bucket BACKUPS does not know of it. The night tries again; a restore of an older backup until then brings it back.",
    );
  }
}

interface Erase {
  reason: string;
}

async function erase(call: Call<Erase>, question: string, to: string): Promise<void> {
  const request = { method: "POST" as const, path: to, body: { reason: call.options.reason } };
  if (call.options.dryRun) {
    return call.show(await call.client().send({ ...request, query: { dry_run: true } }), printErasure);
  }
  await call.confirm(question);
  return call.change(request, printErasure);
}

const asErasure = (command: Command): Command =>
  withConfirmation(withDryRun(command, "show what would go, and change nothing")).requiredOption(
    "--reason <text>",
    "why, without a name; kept in the record",
  );

export function addCustomerErasure(customers: Command): void {
  asErasure(
    define(customers, "erase <id>", "Forget a customer whose licenses let nothing run any more, for good", [
      'customers erase acme --reason "Asked for on 3 May." --dry-run',
      'customers erase acme --reason "Asked for on 3 May." --yes',
    ]),
  ).action(
    handle<Erase>((call, id) =>
      erase(call, `Erase the customer ${id} for good?`, path("customers", id, "erase")),
    ),
  );

  define(
    customers,
    "data <id>",
    "All that is kept about a customer, as JSON. That you read it is recorded.",
    ["customers data acme --output acme.json"],
  )
    .option("-o, --output <file>", "write to a file that only you can read (default: stdout)")
    .action(
      handle<{ output?: string }>(async ({ options }, id) => {
        const place = options.output === undefined ? null : openOutput(options.output);
        const client = new Client(connection(options.profile));
        const bytes = await client.stream({ path: path("customers", id, "data") });
        if (place === null) return printStream(bytes);
        await place.save(bytes);
        note(`All that is kept about ${text(id)} is in ${place.path}.`);
      }),
    );
}

export function addContactErasure(contacts: Command): void {
  asErasure(
    define(contacts, "erase <customer> <id>", "Forget a contact for good, and the mails to them", [
      'contacts erase acme con_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --reason "Asked for on 3 May."',
    ]),
  ).action(
    handle<Erase>((call, customer, id) =>
      erase(
        call,
        `Erase the contact ${id} of ${customer} for good?`,
        path("customers", customer, "contacts", id, "erase"),
      ),
    ),
  );
}
