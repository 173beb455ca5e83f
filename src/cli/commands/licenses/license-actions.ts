// licenses: key, renew, suspend, reinstate, revoke, transfer, reissue, send
import type { Command } from "commander";
import { define, handle, path, withConfirmation, withDryRun, withJson } from "../../command.ts";
import { usage } from "../../failures.ts";
import { openOutput, saveText } from "../../files.ts";
import { endOf, FOR, given, notNegative, ON, type OrNull, positive } from "../../inputs.ts";
import { delivery, note, print, printTable, text, when } from "../../output.ts";
import type { IssuedLicense, Message, ReissuePreview } from "../../shapes.ts";
import { orOrdered, printIssued, printLicense } from "./license-view.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Renewal {
  on?: string;
  for?: string;
  days?: number;
  expires?: OrNull<string>;
  showKey?: boolean;
}

interface Reinstatement {
  on?: string;
  reason?: string;
}

interface ReissueOptions {
  reason: string;
  free?: string[];
  unprovenHours?: number;
  showKey?: boolean;
}

interface Transfer {
  to: string;
  reason: string;
  send?: boolean;
  showKey?: boolean;
  on?: string;
}

interface Reasoned {
  on?: string;
  reason: string;
}

const TRY = "show what the service would do, and change nothing";

const action = (id: string, verb: string, body?: object) => ({
  method: "POST" as const,
  path: path("licenses", id, verb),
  ...(body === undefined ? {} : { body }),
});

function addKey(licenses: Command): void {
  withJson(
    define(licenses, "key <id>", "Print the current key of a license. This is recorded.", [
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
    define(licenses, "renew <id>", "Renew a license. The key in use keeps working.", [
      `licenses renew ${ID} --for P1Y`,
      `licenses renew ${ID} --expires 2028-12-31`,
    ]),
  )
    .option("--for <duration>", `${FOR}, from now or from its end, whichever is later`)
    .option("--days <count>", "days from now or from its end, whichever is later", positive)
    .option("--expires <date>", "2028-12-31, an RFC 3339 instant, or never", endOf)
    .option("--on <date>", ON)
    .option("--show-key", "print the new key, too")
    .action(
      handle<Renewal>((call, id) => {
        const { for: duration, days, expires, showKey, on } = call.options;
        const body = given({ expires_in: duration, expires_days: days, expires_at: expires });
        if (Object.keys(body).length !== 1) throw usage("Give one of --for, --days and --expires.");
        const request = action(id, "renew", { ...body, ...given({ effective_at: on }) });
        return call.change(request, orOrdered(printIssued(showKey === true)));
      }),
    );
}

function addStops(licenses: Command): void {
  withDryRun(
    define(licenses, "suspend <id>", "Suspend a license: its instances are refused until it is reinstated", [
      `licenses suspend ${ID} --reason "Invoice 4711 is not paid."`,
      `licenses suspend ${ID} --reason "Invoice 4711 is not paid." --dry-run`,
    ]),
    TRY,
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .option("--on <date>", ON)
    .action(
      handle<Reasoned>((call, id) =>
        call.tryOrChange(action(id, "suspend", reasoned(call.options)), orOrdered(printLicense)),
      ),
    );

  withDryRun(
    define(licenses, "reinstate <id>", "Lift a suspension", [
      `licenses reinstate ${ID}`,
      `licenses reinstate ${ID} --reason "Invoice 4711 is paid."`,
    ]),
  )
    .option("--reason <text>", "why; kept in the record")
    .option("--on <date>", ON)
    .action(
      handle<Reinstatement>((call, id) =>
        call.change(action(id, "reinstate", reasoned(call.options)), orOrdered(printLicense)),
      ),
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
    .option("--on <date>", ON)
    .action(
      handle<Reasoned>(async (call, id) => {
        await call.confirm(`Revoke ${id}? This is final.`);
        await call.tryOrChange(action(id, "revoke", reasoned(call.options)), orOrdered(printLicense));
      }),
    );
}

const reasoned = ({ reason, on }: Reinstatement): Record<string, unknown> =>
  given({ reason, effective_at: on });

function addTransfer(licenses: Command): void {
  withDryRun(
    define(licenses, "transfer <id>", "Give a license to another customer. Running instances continue.", [
      `licenses transfer ${ID} --to acme-europe --reason "Acme Europe took the contract over." --dry-run`,
      `licenses transfer ${ID} --to acme-europe --reason "Acme Europe took the contract over." --send`,
    ]),
    TRY,
  )
    .requiredOption("--to <customer>", "the id of the new customer")
    .requiredOption("--reason <text>", "why; kept in the record")
    .option("--send", "mail the new key to the new customer")
    .option("--on <date>", ON)
    .option("--show-key", "print the new key, too")
    .action(
      handle<Transfer>((call, id) => {
        const { to, reason, send, showKey, on } = call.options;
        const body = given({ customer_id: to, reason, send_email: send, effective_at: on });
        return call.tryOrChange(action(id, "transfer", body), orOrdered(printIssued(showKey === true)));
      }),
    );
}

function addReissue(licenses: Command): void {
  withDryRun(
    define(licenses, "reissue <id>", "Replace a leaked key: the old one is refused from now on", [
      `licenses reissue ${ID} --reason "The key was posted in a public forum." --dry-run`,
      `licenses reissue ${ID} --reason "The key was posted in a public forum." --free act_01KAS3S9XQ4ZJ7T8M2N5V6W7X8_9Z8Y7X6W5V`,
    ]),
    TRY,
  )
    .requiredOption("--reason <text>", "why; kept in the record")
    .option("--free <activation>", "also free the seat of this activation; can be repeated", collected)
    .option(
      "--unproven-hours <hours>",
      "keep renewing running instances without proof for this long, 0 to 336 (default: 72)",
      notNegative,
    )
    .option("--show-key", "print the new key, too")
    .action(
      handle<ReissueOptions>(async (call, id) => {
        const { reason, free, unprovenHours, showKey, dryRun } = call.options;
        const body = given({ reason, free, unproven_hours: unprovenHours });
        const request = action(id, "reissue", body);
        if (!dryRun) return call.change(request, printReissued(showKey === true));
        const answer = await call.client().send({ ...request, query: { dry_run: true } });
        call.show(answer, printReissuePreview);
      }),
    );
}

const collected = (one: string, before: string[] = []): string[] => [...before, one];

type Running = ReissuePreview["instances"];

function printRunning({ active, listed }: Running): void {
  print(`Instances that run on it: ${active}`);
  if (listed.length === 0) return;
  printTable(listed, [
    ["id", (row) => text(row.activation_id)],
    ["instance", (row) => text(row.instance_id)],
    ["host", (row) => text(row.hostname)],
    ["address", (row) => text(row.ip)],
    ["activated", (row) => when(row.activated_at)],
    ["last seen", (row) => when(row.last_seen_at)],
    ["last request", (row) => (row.offline ? "by file" : row.proven ? "with proof" : "without proof")],
    ["", (row) => (row.freed ? "freed" : text(row.refused_with ?? "keeps running"))],
  ]);
  if (active > listed.length) note(`${active - listed.length} more: caio-license instances list --active`);
}

function printReissuePreview({ license, instances }: ReissuePreview): void {
  print(`License ${text(license.id)} would have revision ${license.revision}. Nothing was changed.`);
  printRunning(instances);
}

const printReissued =
  (showKey: boolean) =>
  (reissued: IssuedLicense & { instances: Running }): void => {
    printIssued(showKey)(reissued);
    printRunning(reissued.instances);
  };

function addMail(licenses: Command): void {
  withDryRun(
    define(licenses, "send <id>", "Mail a license to its customer, or to another address", [
      `licenses send ${ID}`,
      `licenses send ${ID} --to it@acme.example`,
    ]),
  )
    .option("--to <address>", "instead of the customer's address")
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
  addTransfer(licenses);
  addReissue(licenses);
  addMail(licenses);
}
