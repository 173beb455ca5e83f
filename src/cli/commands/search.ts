// search
import type { Command } from "commander";
import { define, handle, path, withJson } from "../command.ts";
import { note, printTable, text } from "../output.ts";
import type { Found } from "../shapes.ts";

/** What was found, a line for each: its kind, its id, and what it is. */
function printFound(found: Found): void {
  const rows: [kind: string, id: string, words: string][] = [
    ...found.customers.map(({ id, name, company }): [string, string, string] => [
      "customer",
      id,
      company ?? name,
    ]),
    ...found.licenses.map(({ id, customer_id, license_type }): [string, string, string] => [
      "license",
      id,
      `${license_type} of ${customer_id}`,
    ]),
    ...found.instances.map(({ id, instance_id, hostname }): [string, string, string] => [
      "instance",
      id,
      hostname ?? instance_id,
    ]),
    ...found.refusals.map(({ license_id, code, instance_id }): [string, string, string] => [
      "refusal",
      license_id,
      `${code} to ${instance_id}`,
    ]),
    ...found.messages.map(({ id, kind, recipient }): [string, string, string] => [
      "message",
      id,
      `${kind} to ${recipient}`,
    ]),
    ...found.events.map(({ id, action, entity }): [string, string, string] => [
      "event",
      String(id),
      `${action} ${entity.id}`,
    ]),
  ];
  if (rows.length === 0) return note("Nothing was found.");
  printTable(rows, [
    ["what", ([kind]) => kind],
    ["id", ([, id]) => text(id)],
    ["", ([, , words]) => text(words)],
  ]);
}

export function addSearchCommand(program: Command): void {
  withJson(
    define(program, "search <text>", "Search customers, licenses, instances, mail and events", [
      "search acme",
      "search req_01KAS3S9XQ4ZJ7T8M2N5V6W7X8",
    ]),
  ).action(handle((call, sought) => call.read(path("search"), printFound, { q: sought })));
}
