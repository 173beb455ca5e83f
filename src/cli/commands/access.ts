// tokens and people: who may do what
import { type Command, Option } from "commander";
import { define, group, handle, path, withConfirmation, withDryRun, withList } from "../command.ts";
import { given } from "../inputs.ts";
import { type Column, print, text, untilEnd, when } from "../output.ts";
import type { ApiToken, MadeApiToken, Person } from "../shapes.ts";

const PERSON_ROLES: Person["role"][] = ["owner", "manager", "viewer"];

const ROLES: ApiToken["role"][] = [...PERSON_ROLES, "monitor"];

const MEANING = "owner: everything; manager: everything except access and types; viewer: only reads";

const roleOption = (roles: string[], meaning: string): Option =>
  new Option("--role <role>", meaning).choices(roles).makeOptionMandatory();

const tokenState = ({ revoked_at, expires_at }: ApiToken): string =>
  revoked_at !== null
    ? `revoked ${when(revoked_at)}`
    : expires_at === null
      ? "until it is revoked"
      : untilEnd(expires_at);

const TOKEN_COLUMNS: Column<ApiToken>[] = [
  ["id", (row) => text(row.id)],
  ["name", (row) => text(row.name)],
  ["role", (row) => row.role],
  ["begins", (row) => `${text(row.prefix)}…`],
  ["valid", tokenState],
  ["last used", (row) => when(row.last_used_at, "never")],
];

const PEOPLE_COLUMNS: Column<Person>[] = [
  ["email", (row) => text(row.email)],
  ["role", (row) => row.role],
  ["since", (row) => when(row.created_at)],
  ["changed", (row) => when(row.updated_at)],
];

interface NewToken {
  name: string;
  role: string;
  expires?: string;
  output?: string;
}

function addTokens(program: Command): void {
  const tokens = group(program, "tokens", "API tokens of programs", "tokens list");

  withList(
    define(tokens, "list", "List API tokens, revoked and expired ones included", [
      "tokens list",
      "tokens list --all --json",
    ]),
  ).action(handle((call) => call.list<ApiToken>(path("api-tokens"), {}, TOKEN_COLUMNS, "No API tokens.")));

  withDryRun(
    define(tokens, "create", "Create an API token. It is shown only once: on stdout, or in a file.", [
      "tokens create --name Billing --role manager",
      "tokens create --name CI --role viewer --expires 2027-12-31 --output token.txt",
    ]),
  )
    .requiredOption("--name <name>", "what it is for")
    .addOption(roleOption(ROLES, `${MEANING}; monitor: only health and metrics`))
    .option("--expires <date>", "when it expires (default: never)")
    .option("-o, --output <file>", "write it to a file that only you can read")
    .action(
      handle<NewToken>(async (call) => {
        const { name, role, expires, output, dryRun } = call.options;
        const body = given({ name, role, expires_at: expires });
        const request = { method: "POST" as const, path: path("api-tokens"), body };
        if (dryRun) return call.change(request, () => {});
        await call.secret(request, output, ({ api_token, token }: MadeApiToken) => ({
          secret: token,
          about: `API token ${text(api_token.id)} (${api_token.role}); it`,
        }));
      }),
    );

  withConfirmation(
    withDryRun(
      define(tokens, "revoke <id>", "Revoke an API token: it is refused from now on", [
        "tokens revoke tok_01KAS3S9XQ4ZJ7T8M2N5V6W7X8",
        "tokens revoke tok_01KAS3S9XQ4ZJ7T8M2N5V6W7X8 --yes",
      ]),
    ),
  ).action(
    handle(async (call, id) => {
      await call.confirm(`Revoke the API token ${id}?`);
      await call.end({ method: "DELETE", path: path("api-tokens", id) }, `API token ${text(id)} is revoked.`);
    }),
  );
}

function addPeople(program: Command): void {
  const people = group(program, "people", "People who sign in through Cloudflare Access", "people list");

  withList(define(people, "list", "List people and their roles", ["people list"])).action(
    handle((call) => call.list<Person>(path("people"), {}, PEOPLE_COLUMNS, "No people.")),
  );

  withDryRun(
    define(people, "set <email>", "Give a person a role", [
      "people set grace@smarthaus.example --role manager",
    ]),
  )
    .addOption(roleOption(PERSON_ROLES, MEANING))
    .action(
      handle<{ role: string }>((call, email) => {
        const body = { role: call.options.role };
        return call.change({ method: "PUT", path: path("people", email), body }, (person: Person) =>
          print(`${text(person.email)} is ${person.role}.`),
        );
      }),
    );

  withConfirmation(
    withDryRun(
      define(people, "remove <email>", "Remove a person's role", [
        "people remove grace@smarthaus.example",
        "people remove grace@smarthaus.example --yes",
      ]),
    ),
  ).action(
    handle(async (call, email) => {
      await call.confirm(`Remove the role of ${email}?`);
      await call.end(
        { method: "DELETE", path: path("people", email) },
        `${text(email)} no longer has a role.`,
      );
    }),
  );
}

export function addAccessCommands(program: Command): void {
  addTokens(program);
  addPeople(program);
}
