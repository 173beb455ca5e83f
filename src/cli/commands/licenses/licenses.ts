// licenses: create, show, update. Finding licenses: license-lists.ts; later actions on one: license-actions.ts
import type { Command } from "commander";
import { define, handle, path, withDryRun, withJson } from "../../command.ts";
import { usage } from "../../failures.ts";
import { FOR, given, ON, positive } from "../../inputs.ts";
import { type Change, changeOf, type Terms, termsOf, withChange, withTerms } from "./license-terms.ts";
import { orOrdered, printIssued, printLicense } from "./license-view.ts";

interface Creation extends Terms {
  customer: string;
  send?: boolean;
  showKey?: boolean;
}

interface Update extends Change {
  on?: string;
}

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

  withJson(
    define(licenses, "show <id>", "Show a license", ["licenses show lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8"]),
  ).action(handle((call, id) => call.read(path("licenses", id), printLicense)));

  withChange(
    withDryRun(
      define(licenses, "update <id>", "Change the terms of a license. Only the given options change.", [
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --max-instances 10",
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --max-instances 1 --dry-run",
        "licenses update lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --type enterprise --terms type --dry-run",
      ]),
      "show what the service would do, and change nothing",
    ).option("--on <date>", ON),
  )
    .option("--no-starts", "no start: valid as soon as it is issued")
    .option("--no-notes", "remove the notes")
    .action(
      handle<Update>((call, id) => {
        const { send, on } = call.options;
        const body = given(changeOf(call.options));
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
