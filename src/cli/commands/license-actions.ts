// licenses: key, renew, suspend, reinstate, revoke, reissue, send
import type { Command } from "commander";
import { define, handle, path, withConfirmation, withDryRun, withJson } from "../command.ts";
import { usage } from "../failures.ts";
import { openOutput, saveText } from "../files.ts";
import { endOf, given, type OrNull, positive } from "../inputs.ts";
import { delivery, note, print, text } from "../output.ts";
import type { Message } from "../shapes.ts";
import { printIssued, printLicense } from "./license-view.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Renewal {
  days?: number;
  expires?: OrNull<string>;
  showKey?: boolean;
}

interface Reinstatement {
  reason?: string;
}

interface Reasoned {
  reason: string;
  showKey?: boolean;
}

const TRY = "let the service say what it would do, and change nothing";

const action = (id: string, verb: string, body?: object) => ({
  method: "POST" as const,
  path: path("licenses", id, verb),
  ...(body === undefined ? {} : { body }),
});

function addKey(licenses: Command): void {
  withJson(
    define(licenses, "key <id>", "Print the current key of a license. That it was shown is recorded.", [
      `licenses key ${ID}`,
      `licenses key ${ID} --output acme.key`,
    ]),
  )
    .option("-o, --output <file>", "write it to a file that only you can read")
    .action(
      handle<{ output?: string }>(async (call, id) => {
        const { output } = call.options;
        const place = output === undefined ? null : openOutput(output);
        const answer = await call.client().send({ path: path("licenses", id, "key") });
        const { license_key } = JSON.parse(answer) as { license_key: string };
        const content = call.options.json ? answer : license_key;
        if (place === null) return print(content);
        await saveText(content, place);
        note(`The key is in ${place.path}.`);
      }),
    );
}

function addRenewal(licenses: Command): void {
  withDryRun(
    define(licenses, "renew <id>", "Renew a license. The key in use goes on working.", [
      `licenses renew ${ID} --days 365`,
      `licenses renew ${ID} --expires 2028-12-31`,
    ]),
  )
    .option("--days <count>", "from the later of now and its end", positive)
    .option("--expires <date>", "2028-12-31, an RFC 3339 instant, or never", endOf)
    .option("--show-key", "print the new key, too")
    .action(
      handle<Renewal>((call, id) => {
        const { days, expires, showKey } = call.options;
        if ((days === undefined) === (expires === undefined)) throw usage("Give --days or --expires.");
        const body = given({ expires_days: days, expires_at: expires });
        return call.change(action(id, "renew", body), printIssued(showKey === true));
      }),
    );
}

function addStops(licenses: Command): void {
  withDryRun(
    define(licenses, "suspend <id>", "Refuse a license's instances until it is reinstated", [
      `licenses suspend ${ID} --reason "Invoice 4711 is not paid."`,
      `licenses suspend ${ID} --reason "Invoice 4711 is not paid." --dry-run`,
    ]),
    TRY,
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .action(
      handle<Reasoned>((call, id) =>
        call.tryOrChange(action(id, "suspend", { reason: call.options.reason }), printLicense),
      ),
    );

  withDryRun(
    define(licenses, "reinstate <id>", "Lift a suspension", [
      `licenses reinstate ${ID}`,
      `licenses reinstate ${ID} --reason "Invoice 4711 is paid."`,
    ]),
  )
    .option("--reason <text>", "why; kept in the record")
    .action(
      handle<Reinstatement>((call, id) => {
        const body = given({ reason: call.options.reason });
        return call.change(action(id, "reinstate", body), printLicense);
      }),
    );

  withConfirmation(
    withDryRun(
      define(licenses, "revoke <id>", "Revoke a license for good", [
        `licenses revoke ${ID} --reason "Contract ended." --dry-run`,
        `licenses revoke ${ID} --reason "Contract ended." --yes`,
      ]),
      TRY,
    ),
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .action(
      handle<Reasoned>(async (call, id) => {
        await call.confirm(`Revoke ${id}? It is final.`);
        await call.tryOrChange(action(id, "revoke", { reason: call.options.reason }), printLicense);
      }),
    );
}

function addReissue(licenses: Command): void {
  withDryRun(
    define(licenses, "reissue <id>", "Replace a leaked key: the old one is refused from now on", [
      `licenses reissue ${ID} --reason "The key was posted in a public forum."`,
    ]),
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .option("--show-key", "print the new key, too")
    .action(
      handle<Reasoned>((call, id) => {
        const { reason, showKey } = call.options;
        return call.change(action(id, "reissue", { reason }), printIssued(showKey === true));
      }),
    );
}

function addMail(licenses: Command): void {
  withDryRun(
    define(licenses, "send <id>", "Mail a license to its customer, or to another address", [
      `licenses send ${ID}`,
      `licenses send ${ID} --to it@acme.example`,
    ]),
  )
    .option("--to <address>", "in place of the customer's address")
    .action(
      handle<{ to?: string }>((call, id) =>
        call.change(action(id, "send-email", given({ to: call.options.to })), (message: Message) =>
          print(`Mail ${text(message.id)} to ${text(message.recipient)}: ${delivery(message.status)}`),
        ),
      ),
    );
}

export function addLicenseActions(licenses: Command): void {
  addKey(licenses);
  addRenewal(licenses);
  addStops(licenses);
  addReissue(licenses);
  addMail(licenses);
}
