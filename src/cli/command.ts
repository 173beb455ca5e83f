// The parts of every command: its place in the tree with help and examples, and how it handles the
// service's answers. A command in commands/ names the call, the columns and the words.
import type { Command } from "commander";
import { Client, type Query, type Request } from "./client.ts";
import { EXIT, Failure, redact, usage } from "./failures.ts";
import { formatInstant } from "../kernel/dates.ts";
import { openOutput, saveOrPrint } from "./files.ts";
import {
  type Column,
  end,
  entitlements,
  list,
  note,
  print,
  printOnce,
  printTable,
  text,
  when,
  write,
} from "./output.ts";
import { connection } from "./profiles.ts";
import { positive } from "./inputs.ts";
import type { Preview } from "./shapes.ts";

export interface Common {
  profile?: string;
  json?: boolean;
  ndjson?: boolean;
  all?: boolean;
  limit?: number;
  dryRun?: boolean;
  yes?: boolean;
}

/** Adds a command with its examples; examples omit the program's name. The default one of a group needs no name. */
export function define(
  parent: Command,
  usageText: string,
  summary: string,
  examples: string[],
  { isDefault = false } = {},
): Command {
  const lines = examples.map((example) => `  $ caio-license ${example}`);
  return parent
    .command(usageText, { isDefault })
    .description(summary)
    .addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/** A group of commands, such as `licenses`. */
export const group = (parent: Command, name: string, summary: string, example: string): Command =>
  define(parent, name, summary, [example]);

export const withJson = (command: Command): Command =>
  command.option("--json", "print the service's JSON instead of text");

export const withList = (command: Command): Command =>
  withJson(command)
    .option("--ndjson", "print one JSON object per line")
    .option("-n, --limit <count>", "at most this many rows", positive, 50)
    .option("--all", "all rows");

export const withDryRun = (command: Command, what = "show the request and do not send it"): Command =>
  withJson(command).option("--dry-run", what);

export const withConfirmation = (command: Command): Command =>
  command.option("-y, --yes", "do not ask for confirmation");

/** Passes a command its options, including those of its parents. */
export const handle =
  <Options>(work: (call: Call<Options>, ...args: string[]) => Promise<void>) =>
  async (...params: unknown[]): Promise<void> => {
    const command = params.at(-1) as Command;
    const options = command.optsWithGlobals<Options & Common>();
    await work(new Call(options), ...(params.slice(0, -2) as string[]));
  };

/** In a URL `.` and `..` are steps, also when encoded. With a blank in front they are names: ids ignore it. */
const segment = (part: string): string => encodeURIComponent(/^\.{1,2}$/.test(part) ? ` ${part}` : part);

export const path = (...parts: string[]): string => `/v1/admin/${parts.map(segment).join("/")}`;

/** For JSON.stringify. Text by text: as JSON, a line break within a key is two other characters. */
const withoutKeys = (_: string, member: unknown): unknown =>
  typeof member === "string" ? redact(member) : member;

/** Prints the service's answer; the call determines its shape. */
type ForPeople = (body: never) => void;

export class Call<Options> {
  readonly options: Options & Common;

  constructor(options: Options & Common) {
    this.options = options;
  }

  client(): Client {
    return new Client(connection(this.options.profile));
  }

  /** Prints an answer: unchanged, or for people. */
  show(answer: string, forPeople: ForPeople): void {
    if (this.options.json) print(answer);
    else forPeople(JSON.parse(answer) as never);
  }

  async read(from: string, forPeople: ForPeople, query: Query = {}): Promise<void> {
    this.show(await this.client().send({ path: from, query }), forPeople);
  }

  /** Prints a list, page after page. */
  async list<T>(from: string, query: Query, columns: Column<T>[], nothing: string): Promise<void> {
    const { all, limit = 50, json, ndjson } = this.options;
    const rows = this.client().rows<T>(from, query, all ? Number.POSITIVE_INFINITY : limit);
    const shown: T[] = [];
    let more = false;
    let count = 0;
    for (;;) {
      const next = await rows.next();
      if (next.done) {
        more = next.value;
        break;
      }
      // Programs get rows as they arrive: a whole list need not fit into memory.
      if (ndjson) print(JSON.stringify(next.value));
      else if (json) write(`${count === 0 ? "[" : ","}\n${JSON.stringify(next.value)}`);
      else shown.push(next.value);
      count += 1;
    }
    if (json && !ndjson) print(count === 0 ? "[]" : "\n]");
    else if (!ndjson && count > 0) printTable(shown, columns);
    else if (!ndjson) note(nothing);
    if (more) note("There may be more: --all, or a higher --limit.");
  }

  /** Sends a change and prints the answer; with --dry-run it shows what would be sent. */
  async change(request: Request, forPeople: ForPeople): Promise<void> {
    if (this.options.dryRun) return this.#showUnsent(request);
    this.show(await this.client().send(request), forPeople);
  }

  /** Sends a change whose answer is empty. */
  async end(request: Request, done: string): Promise<void> {
    if (this.options.dryRun) return this.#showUnsent(request);
    await this.client().send(request);
    if (!this.options.json) print(done);
  }

  /**
   * Asks for a secret, which is told once: prints it, or puts it into a file that only its owner can read.
   * @param output the file
   * @param tell the secret, and what it is, as the beginning of a sentence
   * @returns the answer
   */
  async secret<T>(
    request: Request,
    output: string | undefined,
    tell: (answer: T) => { secret: string; about: string },
  ): Promise<T> {
    const { json } = this.options;
    // Before the call: what cannot be kept must not be made.
    const place = output === undefined ? null : openOutput(output);
    const answer = await this.client().send(request);
    const made = JSON.parse(answer) as T;
    const { secret, about } = tell(made);
    if (!json) note(`${about} is not shown again${place === null ? ":" : `, and is in ${place.path}.`}`);
    if (place === null) await printOnce(json ? answer : secret);
    else await saveOrPrint(json ? answer : secret, place);
    return made;
  }

  /** Like `change`, for calls that have their own dry run. */
  async tryOrChange(request: Request, forPeople: ForPeople): Promise<void> {
    if (!this.options.dryRun) return this.change(request, forPeople);
    const answer = await this.client().send({ ...request, query: { ...request.query, dry_run: true } });
    this.show(answer, printPreview);
  }

  /** Asks before something that cannot be undone. @throws Failure if nobody said yes */
  async confirm(question: string): Promise<void> {
    if (this.options.yes || this.options.dryRun) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw usage(
        "This needs confirmation, and there is no terminal to ask on.",
        "remedy: add --yes to confirm.",
      );
    }
    const { default: confirm } = await import("@inquirer/confirm");
    const meant = await confirm({ message: text(question), default: false }, { output: process.stderr });
    if (!meant) throw new Failure(EXIT.usage, "Nothing was changed.");
  }

  /** Says that the service was not asked. Hides the license keys in request files, since nobody asked to see them. */
  #showUnsent({ method = "GET", path: to, body }: Request): void {
    const request = {
      method,
      url: new URL(to, this.client().url).href,
      ...(body === undefined ? {} : { body }),
    };
    if (this.options.json) return print(JSON.stringify({ dry_run: true, request }, withoutKeys));
    print(`${request.method} ${redact(request.url)}`);
    if (body !== undefined) print(JSON.stringify(body, withoutKeys, 2));
    note("Not sent, and nothing was checked: the service has no dry run for this.");
  }
}

const shownEnds = (all: Record<string, { value: boolean | number | string | null; until?: number }>) =>
  Object.fromEntries(
    Object.entries(all).map(([code, { value: one, until }]) => [
      code,
      { value: one, until: until === undefined ? undefined : formatInstant(until) },
    ]),
  );

/** A member of a license in a preview, where instants are milliseconds. */
function value(name: string, member: unknown): string {
  if (name === "entitlements") return entitlements(shownEnds(member as Parameters<typeof shownEnds>[0]));
  if (name === "expires_at" && typeof member === "number") return end(formatInstant(member), "never");
  if (name.endsWith("_at") && typeof member === "number") return when(formatInstant(member));
  if (Array.isArray(member)) return list(member as string[]);
  if (member === null) return name.startsWith("max_") ? "unlimited" : "none";
  return text(typeof member === "string" ? member : JSON.stringify(member));
}

function printPreview({ license, changes, effects, instances }: Preview): void {
  print(`License ${text(license.id)} would be ${license.standing}. Nothing was changed.`);
  if (Object.keys(changes).length > 0) {
    printTable(Object.entries(changes), [
      ["term", ([name]) => text(name)],
      ["old", ([name, { from }]) => value(name, from ?? null)],
      ["new", ([name, { to }]) => value(name, to)],
      ["what running instances notice", ([name]) => text(effects[name])],
    ]);
  }
  print(`Instances that run on it: ${instances.active}`);
  const refused = instances.listed.filter(({ refused_with }) => refused_with !== null);
  if (refused.length > 0) {
    printTable(refused, [
      ["instance", (row) => text(row.instance_id)],
      ["host", (row) => text(row.hostname)],
      ["will be refused with", (row) => text(row.refused_with)],
    ]);
  }
}
