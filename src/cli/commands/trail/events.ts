// events: what happened, as a list and as it happens
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import type { Client, Query } from "../../client.ts";
import { define, group, handle, path, withJson, withList } from "../../command.ts";
import { EXIT, Failure } from "../../failures.ts";
import { notNegative, positive } from "../../inputs.ts";
import { type Column, note, print, text, when } from "../../output.ts";
import type { EventDocument } from "../../shapes.ts";

interface Chosen {
  entity?: string;
  actor?: string;
  type?: string;
  by?: string;
}

interface EventFilter extends Chosen {
  action?: string;
  since?: string;
  until?: string;
}

interface TailOptions extends Chosen {
  lines: number;
  interval: number;
}

const EVENT_COLUMNS: Column<EventDocument>[] = [
  ["id", (row) => String(row.id)],
  ["at", (row) => when(row.at)],
  ["action", (row) => text(row.action)],
  ["entity", (row) => `${text(row.entity.type)} ${text(row.entity.id)}`],
  ["actor", (row) => `${text(row.actor.type)} ${text(row.actor.id)}`],
  ["request", (row) => text(row.request_id)],
];

const lineOf = ({ id, at, action, entity, actor }: EventDocument): string =>
  [
    String(id),
    when(at),
    text(action),
    `${text(entity.type)} ${text(entity.id)}`,
    `${text(actor.type)} ${text(actor.id)}`,
  ].join("  ");

/** What came after an event, the oldest first. The list begins with the latest, so it is read back up to that one. */
async function eventsAfter(
  client: Client,
  query: Query,
  last: number,
  most: number,
): Promise<EventDocument[]> {
  const found: EventDocument[] = [];
  for await (const event of client.rows<EventDocument>(path("events"), query, most)) {
    if (event.id <= last) break;
    found.push(event);
  }
  return found.toReversed();
}

/** Prints the last events, and then each new one, until it is stopped. An outage is told once and waited for. */
async function tail(
  client: Client,
  { entity, actor, type, by, lines, interval, json }: TailOptions & { json?: boolean },
): Promise<never> {
  const query = { entity, actor, action: type, by };
  const show = (event: EventDocument): void => print(json ? JSON.stringify(event) : lineOf(event));
  // Where the tail begins, also if no event of the type is there yet.
  let last = (await eventsAfter(client, {}, 0, 1)).at(-1)?.id ?? 0;
  if (lines > 0)
    for (const event of await eventsAfter(client, query, 0, lines)) if (event.id <= last) show(event);
  let isOut = false;
  for (;;) {
    await sleep(interval * 1_000);
    try {
      for (const event of await eventsAfter(client, query, last, Number.POSITIVE_INFINITY)) {
        show(event);
        last = event.id;
      }
      isOut = false;
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode !== EXIT.unavailable) throw error;
      if (!isOut) note(`${error.message} Waiting.`);
      isOut = true;
    }
  }
}

const TYPE = "only this type of event, such as license.issued, or family, such as license.*";

const withChoice = (command: Command): Command =>
  command
    .option("--entity <id>", "about this license, customer, …")
    .option("--actor <id>", "done by ADMIN_TOKEN, a token's id, an e-mail address, or an instance's id")
    .addOption(
      new Option("--by <whom>", "done by staff, instances, or the service itself").choices([
        "staff",
        "instance",
        "system",
      ]),
    )
    .option("--type <type>", TYPE);

export function addEventCommands(program: Command): void {
  const events = group(program, "events", "What happened", "events tail");

  withChoice(
    withList(
      define(
        events,
        "list",
        "List what happened, the latest first",
        [
          "events list --type license.revoked --since 2026-11-01 --json",
          "events --entity lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8",
        ],
        { isDefault: true },
      ),
    ),
  )
    .option("--action <name>", "the same as --type")
    .option("--since <date>", "from this date on")
    .option("--until <date>", "up to this date")
    .action(
      handle<EventFilter>((call) => {
        const { entity, actor, type, by, action = type, since, until } = call.options;
        const filter = { entity, actor, action, by, since, until };
        return call.list<EventDocument>(path("events"), filter, EVENT_COLUMNS, "No events.");
      }),
    );

  withChoice(
    withJson(
      define(events, "tail", "Print what happens, as it happens, until Ctrl+C", [
        "events tail",
        "events tail --type 'license.*' --by staff --json",
      ]),
    ),
  )
    .option("--lines <count>", "begin with so many of the last events", notNegative, 10)
    .option("--interval <seconds>", "look so often", positive, 2)
    .action(handle<TailOptions>((call) => tail(call.client(), call.options)));
}
