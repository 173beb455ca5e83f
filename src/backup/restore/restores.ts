// The row of a restore: what it is of, and how far it is. Each step is one batch that moves the row on; so a step is
// done once, however often it is asked for, and a restore that was killed goes on where it stopped.
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { databaseMessage } from "../../storage/failures.ts";
import type { Row } from "../../storage/database.ts";
import { type Manifest, NO_PAGES, type TableClaims } from "../file.ts";
import { keptTable, nameOf } from "../tables.ts";

/** license_seats has another name meanwhile, so no claim of an instance is answered: see begin.ts. */
export const SEATS_MEANWHILE = "license_seats_restoring";

/** The name under which a table has to be written while a restore goes on. */
export const nameMeanwhile = (table: string): string => (table === "license_seats" ? SEATS_MEANWHILE : table);

/** What is loaded of a table. */
export type Loaded = Omit<TableClaims, "columns">;

export const NOTHING_LOADED: Loaded = { pages: 0, rows: 0, hash: NO_PAGES };

export interface Options {
  with_access: boolean;
  /** The last seal that somebody outside knows of; 0 if nobody said. */
  known_seal: number;
}

/** What the report tells. */
export interface Found {
  /** The rows that came back, by table. */
  rows?: Record<string, number>;
  /** Rows that did not come back, because the row that they refer to was deleted while the backup was read. */
  skipped?: Record<string, number>;
  /** Customers and license types that licenses name and that were deleted then. They are named by their ids. */
  made?: Record<string, number>;
  /** Seats that are held until the backup's time and their lease. */
  seats_held?: number;
  /** What is wrong with the seals, in words. */
  findings?: string[];
  seals?: number;
  /** Seals that came after the backup: their heads are given up. */
  given_up?: { seal: number; head: string | null }[];
  /** The first seal of the segment that goes on from the restored record; null if none had to be begun. */
  restarted?: number | null;
  /** Erasures since the backup that were applied again. */
  erasures?: number;
}

export interface Schema {
  type: "trigger" | "index";
  name: string;
  sql: string;
}

export interface Restore {
  id: string;
  manifest: Manifest;
  token: string;
  options: Options;
  schema: Schema[];
  loaded: Record<string, Loaded>;
  step: number;
  position: string;
  found: Found;
  begun_at: number;
  ended_at: number | null;
  /** The row as it is kept, for what must not have changed. */
  kept: { loaded: string; found: string };
}

export function restoreIn(row: Row, manifest: Manifest): Restore {
  const text = (name: string): string => String(row[name]);
  return {
    id: text("id"),
    manifest,
    token: text("manifest"),
    options: JSON.parse(text("options")) as Options,
    schema: JSON.parse(text("schema")) as Schema[],
    loaded: JSON.parse(text("loaded")) as Record<string, Loaded>,
    step: Number(row["step"]),
    position: text("position"),
    found: JSON.parse(text("found")) as Found,
    begun_at: Number(row["begun_at"]),
    ended_at: row["ended_at"] === null ? null : Number(row["ended_at"]),
    kept: { loaded: text("loaded"), found: text("found") },
  };
}

/** The claims of a manifest that this service signed; null if it did not. */
export async function manifestIn({ keyring, config }: Context, token: string): Promise<Manifest | null> {
  return (await keyring.verify("backup+jwt", config.issuers, token)) as unknown as Manifest | null;
}

/** @throws Problem NOT_FOUND */
export async function readRestore(context: Context, id: string): Promise<Restore> {
  const [found] = await context.db.batch([context.db.sql("SELECT * FROM restores WHERE id = ?", id)]);
  const row = found!.results[0];
  const manifest = row && (await manifestIn(context, String(row["manifest"])));
  if (!row || !manifest) throw new Problem("NOT_FOUND", `There is no restore ${id}.`);
  return restoreIn(row, manifest);
}

const overtaken = (): Problem =>
  new Problem("CONFLICT", "Somebody else carries this restore on. Ask again how far it is.");

/**
 * Moves a restore on, with what that takes, in one batch.
 * @throws Problem CONFLICT if it is not where it was when it was read
 */
export async function advance(
  { db }: Context,
  restore: Restore,
  to: Partial<Pick<Restore, "step" | "position" | "found" | "loaded" | "ended_at">>,
  statements: D1PreparedStatement[],
): Promise<D1Result<Row>[]> {
  const next = { ...restore, ...to };
  try {
    const results = await db.batch([
      db.sql(
        `UPDATE restores SET step = ?, position = ?, found = ?, loaded = ?, ended_at = ?
         WHERE id = ? AND step = ? AND position = ? AND found = ? AND loaded = ?`,
        next.step,
        next.position,
        JSON.stringify(next.found),
        JSON.stringify(next.loaded),
        next.ended_at,
        restore.id,
        restore.step,
        restore.position,
        restore.kept.found,
        restore.kept.loaded,
      ),
      // Breaks the batch off: the id must not be null.
      db.sql(
        "INSERT INTO restores (id, manifest, options, backup_at, begun_at, schema, loaded) SELECT NULL, '', '', 0, 0, '', '' WHERE changes() = 0",
      ),
      ...statements,
    ]);
    return results.slice(2);
  } catch (error) {
    if (databaseMessage(error).includes("restores.id")) throw overtaken();
    throw error;
  }
}

/** The tables that this restore brings back, in order, and what the backup has of each. */
export const tablesOf = ({ manifest, options }: Pick<Restore, "manifest" | "options">) =>
  Object.entries(manifest.tables).flatMap(([name, claims]) => {
    const kept = keptTable(name)!;
    return kept.access && !options.with_access ? [] : [{ name: nameOf(kept.table), kept, claims }];
  });
