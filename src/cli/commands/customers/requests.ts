// requests: list, show, accept, decline
import { type Command, Option } from "commander";
import { define, group, handle, path, withDryRun, withJson, withList } from "../../command.ts";
import { FOR, given, positive } from "../../inputs.ts";
import { type Column, printDetails, text, when } from "../../output.ts";
import type { CustomerRequest } from "../../shapes.ts";
import { type Change, changeOf, withChange } from "../licenses/license-terms.ts";

const ID = "req_01KB0Q6A3F9P5R7S2T4V6X8Y0Z";

const askedFor = ({ kind, seats }: CustomerRequest): string =>
  seats === null ? kind : `${kind}: ${seats} in all`;

const COLUMNS: Column<CustomerRequest>[] = [
  ["id", (row) => text(row.id)],
  ["customer", (row) => text(row.customer_id)],
  ["request", askedFor],
  ["status", (row) => row.status],
  ["asked", (row) => when(row.created_at)],
];

const printRequest = (request: CustomerRequest): void =>
  printDetails([
    ["id", text(request.id)],
    ["customer", text(request.customer_id)],
    ["license", text(request.license_id)],
    ["asked by", text(request.contact_id)],
    ["request", askedFor(request)],
    ["they say", text(request.text)],
    ["status", request.status],
    ["answer", text(request.answer)],
    ["asked", when(request.created_at)],
    ["answered", when(request.answered_at)],
  ]);

interface Accepted extends Change {
  answer?: string;
}

export function addRequestCommands(program: Command): void {
  const requests = group(
    program,
    "requests",
    "What customers ask for on their site",
    "requests list --status open",
  );

  withList(
    define(requests, "list", "List what customers asked for, the newest first", [
      "requests list --status open",
    ]),
  )
    .addOption(new Option("--status <status>", "how it stands").choices(["open", "accepted", "declined"]))
    .addOption(new Option("--kind <kind>", "what for").choices(["renewal", "seats", "question"]))
    .option("--customer <id>", "of this customer")
    .action(
      handle<{ status?: string; kind?: string; customer?: string }>((call) => {
        const { status, kind, customer } = call.options;
        return call.list<CustomerRequest>(
          path("requests"),
          { status, kind, customer_id: customer },
          COLUMNS,
          "No requests.",
        );
      }),
    );

  withJson(define(requests, "show <id>", "Show a request", [`requests show ${ID}`])).action(
    handle((call, id) => call.read(path("requests", id), printRequest)),
  );

  withChange(
    withDryRun(
      define(requests, "accept <id>", "Do what was asked for, and tell the customer", [
        `requests accept ${ID} --for P1Y`,
        `requests accept ${ID} --max-instances 8 --grace-days 30 --answer "Gladly."`,
        `requests accept ${ID} --answer "Version 3 comes in May."`,
      ]),
    ),
  )
    .option("--for <duration>", `a renewal: ${FOR}`)
    .option("--days <n>", "a renewal: by so many days", positive)
    .option("--answer <text>", "what the customer reads; a question needs it")
    .action(
      handle<Accepted>((call, id) => {
        const { answer, send } = call.options;
        const body = given({ ...changeOf(call.options), send_email: send, answer });
        return call.change({ method: "POST", path: path("requests", id, "accept"), body }, printRequest);
      }),
    );

  withDryRun(
    define(requests, "decline <id>", "Decline a request, and tell the customer why", [
      `requests decline ${ID} --reason "Your contract ends in March."`,
    ]),
  )
    .requiredOption("--reason <text>", "what the customer reads")
    .action(
      handle<{ reason: string }>((call, id) =>
        call.change(
          { method: "POST", path: path("requests", id, "decline"), body: { reason: call.options.reason } },
          printRequest,
        ),
      ),
    );
}
