// The check that each environment in wrangler.toml repeats every binding: it inherits none of them, and
// wrangler only warns, so a forgotten one would be noticed first in production.
import { createRequire } from "node:module";
import type * as Wrangler from "wrangler";
import { CommandError } from "../command.ts";

type Table = Record<string, unknown>;

/** The error of wrangler's parser. */
interface ParseFault extends Error {
  location?: { line: number; lineText: string } | undefined;
  notes?: { text: string }[];
}

/** Sections that an environment does not inherit, each with the member that names its entries. */
const NOT_INHERITED: Record<string, (entry: Table) => string> = {
  d1_databases: (entry) => String(entry["binding"]),
  ratelimits: (entry) => String(entry["name"]),
  kv_namespaces: (entry) => String(entry["binding"]),
  r2_buckets: (entry) => String(entry["binding"]),
  services: (entry) => String(entry["binding"]),
};

const namesIn = (section: unknown, nameOf: (entry: Table) => string): string[] =>
  Array.isArray(section) ? section.map((entry) => nameOf(entry as Table)) : [];

/** What `environment` of a parsed wrangler.toml lacks compared with the top level; empty if nothing is missing. */
export function missingBindings(config: Table, environment: string): string[] {
  const own = (config["env"] as Table | undefined)?.[environment] as Table | undefined;
  if (!own) return [`[env.${environment}] is missing`];
  const missing: string[] = [];
  for (const name of Object.keys((config["vars"] as Table | undefined) ?? {})) {
    if (!Object.hasOwn((own["vars"] as Table | undefined) ?? {}, name)) missing.push(`vars.${name}`);
  }
  for (const [section, nameOf] of Object.entries(NOT_INHERITED)) {
    const there = new Set(namesIn(own[section], nameOf));
    missing.push(
      ...namesIn(config[section], nameOf)
        .filter((name) => !there.has(name))
        .map((name) => `${section}.${name}`),
    );
  }
  const crons = (table: Table): string =>
    JSON.stringify((table["triggers"] as Table | undefined)?.["crons"] ?? []);
  if (crons(config) !== crons(own)) missing.push("triggers.crons");
  if (config["version_metadata"] && !own["version_metadata"]) missing.push("version_metadata");
  return missing;
}

/** @throws CommandError if the file does not exist, or is not a wrangler.toml */
export function readWranglerConfig(path: string): Table {
  // Wrangler calls any other file empty.
  if (!/\.(toml|jsonc?)$/.test(path)) throw new CommandError(`${path} is no wrangler.toml.`);
  try {
    // Not before: to load wrangler takes a second, and a command that is called wrongly needs none of it.
    const wrangler = createRequire(import.meta.url)("wrangler") as typeof Wrangler;
    return wrangler.experimental_readRawConfig({ config: path }).rawConfig as Table;
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${whyUnread(error)}`);
  }
}

/** The message of wrangler's parser, with the line where it stopped. */
function whyUnread(error: unknown): string {
  const { message, location, notes } = error as ParseFault;
  if (location) return `${message.split("\n")[0]} (line ${location.line}: ${location.lineText.trim()})`;
  return notes?.[0]?.text ?? message;
}
