// The check that landed migrations stay unchanged. A database knows its migrations by name and applies each
// once, so a later change reaches only new databases, and the next migration may fail on old ones.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../command.ts";

/** Beside the migrations, in the format of `sha256sum`. Wrangler reads the files that end in .sql. */
const LANDED = "SHA256SUMS";

/** Names of migrations with the SHA-256 of their content, in hex. */
type Hashes = Map<string, string>;

const numberOf = (name: string): number => Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);

/** @throws CommandError if a line is not in the format of `sha256sum`, or a name appears twice */
function readHashes(text: string): Hashes {
  const hashes: Hashes = new Map();
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, hash, name] = /^([0-9a-f]{64}) [ *](\S+\.sql)$/.exec(line) ?? [];
    if (hash === undefined || name === undefined || hashes.has(name))
      throw new CommandError(
        `migrations/${LANDED} has a line that is no hash of a migration, or comes twice: ${line}`,
      );
    hashes.set(name, hash);
  }
  return hashes;
}

/** What is wrong with the migrations, each fault with what to do instead. */
function migrationFaults(there: Hashes, landed: Hashes): string[] {
  const faults: string[] = [];
  const last = Math.max(0, ...[...landed.keys()].map(numberOf));
  const fresh = [...there].filter(([name]) => !landed.has(name));
  for (const [name, hash] of landed) {
    if (there.get(name) === hash) continue;
    const renamed = fresh.find(([, other]) => other === hash)?.[0];
    if (there.has(name))
      faults.push(
        `${name} has landed and was changed. Databases that have it never see the change: take it back, and write a new migration.`,
      );
    else if (renamed === undefined)
      faults.push(
        `${name} has landed and is gone. Databases have it: bring it back, and write a new migration that undoes what it did.`,
      );
    else
      faults.push(
        `${name} has landed and was renamed to ${renamed}. Databases know it by its name and would apply it again: name it back.`,
      );
  }
  const numbers = new Set([...landed.keys()].map(numberOf));
  const hashes = new Set(landed.values());
  for (const [name, hash] of fresh) {
    // Renamed: reported above.
    if (hashes.has(hash)) continue;
    const number = numberOf(name);
    if (Number.isNaN(number))
      faults.push(`${name} is no name of a migration, such as 0012_what_it_is_for.sql.`);
    else if (number <= last || numbers.has(number))
      faults.push(
        `${name} has a number that is taken, so that old and new databases would apply it at different times: give it the next free one.`,
      );
    numbers.add(number);
  }
  return faults;
}

function hashesIn(folder: string): Hashes {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  return new Map(
    names.toSorted().map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

/**
 * @returns what to add to the list when the new ones land; nothing if all have landed
 * @throws CommandError if a landed one has changed
 */
export function checkMigrations(folder: string): string | void {
  const there = hashesIn(folder);
  const landed = readHashes(readFileSync(join(folder, LANDED), "utf8"));
  const faults = migrationFaults(there, landed);
  if (faults.length > 0) throw new CommandError(faults.join("\n"));
  const fresh = [...there].filter(([name]) => !landed.has(name));
  if (fresh.length === 0) return;
  const lines = fresh.map(([name, hash]) => `${hash}  ${name}`);
  return `new; when they land, add to migrations/${LANDED}:\n${lines.join("\n")}`;
}
