// webhook-endpoints: other systems that are told of events
import type { Command } from "commander";
import { define, group, handle, path, withConfirmation, withDryRun, withJson, withList } from "../command.ts";
import { given, positive } from "../inputs.ts";
import { type Column, note, print, printDetails, printTable, text, when } from "../output.ts";
import type { MadeEndpoint, RotatedSecret, WebhookDelivery, WebhookEndpoint } from "../shapes.ts";

const ID = "whe_01KB3QN2C4E6G8J0K2M4P6R8T0";

const COLUMNS: Column<WebhookEndpoint>[] = [
  ["id", (row) => text(row.id)],
  ["address", (row) => text(row.url)],
  ["state", (row) => row.state.replace("_", " ")],
  ["events", (row) => text(row.events.join(", "))],
  ["last event", (row) => String(row.last_event)],
];

const DELIVERY_COLUMNS: Column<WebhookDelivery>[] = [
  ["at", (row) => when(row.at)],
  ["event", (row) => `${row.event_id} ${text(row.type)}`],
  ["delivered", (row) => (row.delivered ? "yes" : "no")],
  ["status", (row) => (row.status === null ? "–" : String(row.status))],
  ["ms", (row) => String(row.ms)],
  [
    "answer",
    (row) =>
      [row.error ?? "", row.answer]
        .filter((part) => part !== "")
        .map(text)
        .join(" "),
  ],
];

function printEndpoint(endpoint: WebhookEndpoint): void {
  printDetails([
    ["id", text(endpoint.id)],
    ["address", text(endpoint.url)],
    ["description", text(endpoint.description)],
    ["events", text(endpoint.events.join(", "))],
    ["personal members", endpoint.include_personal ? "sent" : "left out"],
    ["state", endpoint.state.replace("_", " ")],
    ["last event", String(endpoint.last_event)],
    ["last success", when(endpoint.last_success_at, "none")],
    ["failing since", when(endpoint.failing_since, "–")],
    ["next try", when(endpoint.next_try_at, "–")],
  ]);
}

interface Settings {
  url?: string;
  events?: string[];
  description?: string;
  includePersonal?: boolean;
  active?: boolean;
}

const bodyOf = ({ url, events, description, includePersonal, active }: Settings) =>
  given({ url, events, description, include_personal: includePersonal, active });

const withSettings = (command: Command): Command =>
  command
    .option("--events <type...>", "types (license.issued), families (license.*), or *")
    .option("--description <text>", "what it is for")
    .option("--include-personal", "send names, addresses and notes, too")
    .option("--no-include-personal", "leave them out");

const secretOf = ({ webhook_endpoint: { id }, secret }: MadeEndpoint) => ({
  secret,
  about: `Webhook endpoint ${text(id)}; its secret`,
});

const own = (id?: string, ...more: string[]): string =>
  path("webhook-endpoints", ...(id === undefined ? [] : [id]), ...more);

export function addWebhookEndpointCommands(program: Command): void {
  const endpoints = group(
    program,
    "webhook-endpoints",
    "Other systems that are told of events",
    "webhook-endpoints list",
  );

  withList(define(endpoints, "list", "List webhook endpoints", ["webhook-endpoints list"])).action(
    handle((call) => call.list<WebhookEndpoint>(own(), {}, COLUMNS, "No webhook endpoints.")),
  );

  withJson(
    define(endpoints, "show <id>", "Show a webhook endpoint", [`webhook-endpoints show ${ID}`]),
  ).action(handle((call, id) => call.read(own(id), printEndpoint)));

  withSettings(
    withDryRun(
      define(endpoints, "create <url>", "Add a webhook endpoint. Its secret is shown only once.", [
        "webhook-endpoints create https://hooks.acme.example/caio --events 'license.*' seats.exhausted",
      ]),
    ),
  )
    .option("--no-active", "send nothing until it is switched on")
    .option("-o, --output <file>", "write the secret to a file that only you can read")
    .action(
      handle<Settings & { output?: string }>(async (call, url) => {
        const body = { events: ["*"], ...bodyOf({ ...call.options, url }) };
        const request = { method: "POST" as const, path: own(), body };
        if (call.options.dryRun) return call.change(request, () => {});
        await call.secret(request, call.options.output, secretOf);
      }),
    );

  withSettings(
    withDryRun(
      define(endpoints, "update <id>", "Change a webhook endpoint, pause it, or switch it on again", [
        `webhook-endpoints update ${ID} --active`,
        `webhook-endpoints update ${ID} --no-active`,
        `webhook-endpoints update ${ID} --url https://hooks.acme.example/new`,
      ]),
    ),
  )
    .option("--url <url>", "another address")
    .option("--active", "deliver, from the event after the last one that it has")
    .option("--no-active", "pause")
    .action(
      handle<Settings>((call, id) =>
        call.change({ method: "PATCH", path: own(id), body: bodyOf(call.options) }, printEndpoint),
      ),
    );

  withConfirmation(
    withDryRun(
      define(endpoints, "rotate-secret <id>", "Make a new secret; for 24 hours both sign", [
        `webhook-endpoints rotate-secret ${ID} --yes`,
      ]),
    ),
  )
    .option("-o, --output <file>", "write the secret to a file that only you can read")
    .action(
      handle<{ output?: string }>(async (call, id) => {
        const request = { method: "POST" as const, path: own(id, "rotate-secret") };
        if (call.options.dryRun) return call.change(request, () => {});
        await call.confirm(`Give the webhook endpoint ${id} a new secret?`);
        const { output, json } = call.options;
        const { former_until } = await call.secret<RotatedSecret>(request, output, secretOf);
        if (!json) note(`The former secret signs, too, until ${when(former_until)}.`);
      }),
    );

  withDryRun(
    define(endpoints, "test <id>", "Send one event now, and say what became of it", [
      `webhook-endpoints test ${ID}`,
    ]),
  ).action(
    handle((call, id) =>
      call.change({ method: "POST", path: own(id, "test") }, (delivery: WebhookDelivery) =>
        printTable([delivery], DELIVERY_COLUMNS),
      ),
    ),
  );

  withDryRun(
    define(endpoints, "replay <id>", "Send all events again from one on", [
      `webhook-endpoints replay ${ID} --from-event 1150`,
    ]),
  )
    .requiredOption("--from-event <id>", "the first event to send", positive)
    .action(
      handle<{ fromEvent: number }>((call, id) =>
        call.change(
          { method: "POST", path: own(id, "replay"), body: { from_event: call.options.fromEvent } },
          ({ last_event }: WebhookEndpoint) => print(`The next event is the one after ${last_event}.`),
        ),
      ),
    );

  withJson(
    define(endpoints, "deliveries <id>", "List the last deliveries, the latest first", [
      `webhook-endpoints deliveries ${ID}`,
    ]),
  ).action(
    handle((call, id) =>
      call.read(own(id, "deliveries"), ({ data }: { data: WebhookDelivery[] }) =>
        data.length === 0 ? note("Nothing was sent yet.") : printTable(data, DELIVERY_COLUMNS),
      ),
    ),
  );

  withConfirmation(
    withDryRun(
      define(endpoints, "delete <id>", "Delete a webhook endpoint", [`webhook-endpoints delete ${ID} --yes`]),
    ),
  ).action(
    handle(async (call, id) => {
      await call.confirm(`Delete the webhook endpoint ${id}?`);
      await call.end({ method: "DELETE", path: own(id) }, `The webhook endpoint ${text(id)} is deleted.`);
    }),
  );
}
