// messages: list, show, retry, replace, retry-all
import { type Command, Option } from "commander";
import { define, group, handle, path, withDryRun, withJson, withList } from "../command.ts";
import { type Column, delivery, plainLines, print, printDetails, text, when } from "../output.ts";
import { given } from "../inputs.ts";
import type { Message, MessageWithPreview, Retried } from "../shapes.ts";

const ID = "msg_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

const STATUSES: Message["status"][] = ["pending", "sent", "delivered", "bounced", "failed", "skipped"];

const KINDS: Message["kind"][] = [
  "license_delivery",
  "license_renewed",
  "license_changed",
  "expiry_warning",
  "license_expired",
  "entitlement_expiring",
  "request_answered",
  "contact_added",
  "admin_digest",
];

interface Filter {
  status?: string;
  kind?: string;
  license?: string;
  to?: string;
}

const COLUMNS: Column<Message>[] = [
  ["id", (row) => text(row.id)],
  ["kind", (row) => row.kind],
  ["status", (row) => delivery(row.status)],
  ["recipient", (row) => text(row.recipient)],
  ["subject", (row) => text(row.subject)],
  ["created", (row) => when(row.created_at)],
];

const printMessage = (message: Message): void =>
  printDetails([
    ["id", text(message.id)],
    ["kind", message.kind],
    ["status", delivery(message.status)],
    ["recipient", text(message.recipient)],
    ["subject", text(message.subject)],
    ["license", text(message.license_id)],
    ["attempts", String(message.attempts)],
    ["next try", when(message.next_try_at)],
    ["last error", text(message.last_error)],
    ["reason", text(message.reason)],
    ["told by the mail of", text(message.joined_to)],
    ["provider id", text(message.provider_id)],
    ["created", when(message.created_at)],
    ["updated", when(message.updated_at)],
  ]);

export function addMessageCommands(program: Command): void {
  const messages = group(program, "messages", "The mail that was sent", "messages list --status failed");

  withList(
    define(messages, "list", "List mail, the newest first", [
      "messages list --status bounced",
      "messages list --to it@acme.example",
      "messages list --license lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8",
    ]),
  )
    .addOption(new Option("--status <status>", "its delivery status").choices(STATUSES))
    .addOption(new Option("--kind <kind>", "the kind of mail").choices(KINDS))
    .option("--license <id>", "about this license")
    .option("--to <address>", "to this address, written out")
    .action(
      handle<Filter>((call) => {
        const { status, kind, license, to } = call.options;
        return call.list<Message>(
          path("messages"),
          { status, kind, license_id: license, recipient: to },
          COLUMNS,
          "No mail.",
        );
      }),
    );

  withJson(
    define(
      messages,
      "show <id>",
      "Show a mail. --text also prints its text, which may contain a license key.",
      [`messages show ${ID}`, `messages show ${ID} --text`],
    ),
  )
    .option("--text", "also print the mail itself; that it was shown is recorded")
    .action(
      handle<{ text?: boolean }>((call, id) =>
        call.read(path("messages", id), (message: MessageWithPreview) => {
          printMessage(message);
          if (call.options.text)
            print(
              `\n${plainLines(message.preview?.text ?? "Your role may not read it: it contains a license key.")}`,
            );
        }),
      ),
    );

  withDryRun(
    define(messages, "retry <id>", "Send a failed, bounced, or skipped mail again", [`messages retry ${ID}`]),
  ).action(
    handle((call, id) => call.change({ method: "POST", path: path("messages", id, "retry") }, printMessage)),
  );

  withDryRun(
    define(
      messages,
      "replace <id>",
      "Send what a bounced or failed mail said to the customer's present addresses",
      [`messages replace ${ID}`],
    ),
  ).action(
    handle((call, id) =>
      call.change({ method: "POST", path: path("messages", id, "replace") }, printMessage),
    ),
  );

  withDryRun(
    define(messages, "retry-all", "Send all mail again that a filter finds, at most 1 000 at a time", [
      "messages retry-all --status failed --since 2027-01-31 --until 2027-01-31",
      "messages retry-all --status bounced --kind expiry_warning",
    ]),
  )
    .addOption(
      new Option("--status <status>", "how far it is")
        .choices(["failed", "bounced", "skipped"])
        .default("failed"),
    )
    .addOption(new Option("--kind <kind>", "what it is").choices(KINDS))
    .option("--license <id>", "about this license")
    .option("--since <date>", "written since")
    .option("--until <date>", "written until")
    .action(
      handle<Filter & { since?: string; until?: string }>((call) => {
        const { status, kind, license, since, until } = call.options;
        const body = given({ status, kind, license_id: license, since, until });
        return call.change(
          { method: "POST", path: path("messages", "retry"), body },
          ({ retried, more }: Retried) =>
            print(`${retried} sent again.${more ? " There are more: run it once more." : ""}`),
        );
      }),
    );
}
