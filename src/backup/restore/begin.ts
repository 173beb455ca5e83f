// Beginning a restore: the database must be empty, and nobody must use it until the end.
import type { Context } from "../../context.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { databaseMessage } from "../../storage/failures.ts";
import { FORMAT, type Manifest } from "../file.ts";
import { COUNTED, columnsOf, KEPT, keptTable, nameOf } from "../tables.ts";
import {
  manifestIn,
  NOTHING_LOADED,
  nameMeanwhile,
  type Options,
  type Restore,
  restoreIn,
  type Schema,
  SEATS_MEANWHILE,
  tablesOf,
} from "./restores.ts";

/** What must be empty. Events of a new service, such as a sign-in, may be there: they give way. */
const EMPTY = [
  "customers",
  "licenses",
  "api_tokens",
  "people",
  "audit_seals",
  "entitlements",
  "webhook_endpoints",
];

/** D1 gives a statement 30 seconds. To make an index of more rows than this would take longer, so it stays. */
const INDEXED_LAST = 3_000_000;

// Two things keep everybody out. Every change writes an event, and this trigger refuses an event without an id. And an
// instance that renews its seat changes no event: each of its calls reads license_seats, which is not there meanwhile.
// Both are answered with 503, on which installations go on with what they have.
const GUARD = `CREATE TRIGGER IF NOT EXISTS events_refuse_while_restoring BEFORE INSERT ON events WHEN NEW.id = -1
  BEGIN SELECT raise(ABORT, 'the database is being restored'); END`;

export const DROP_GUARD = "DROP TRIGGER events_refuse_while_restoring";

const newer = (what: string): Problem =>
  invalid("manifest", `A newer release made the backup (${what}): deploy that release first`);

/** Whether this release can bring the backup back. @throws Problem REQUEST_INVALID at `manifest` */
function assertKnown(manifest: Manifest): void {
  if (manifest.format !== FORMAT) throw newer(`format ${manifest.format}`);
  for (const [name, { columns }] of Object.entries(manifest.tables)) {
    const kept = keptTable(name);
    if (!kept) throw newer(`table ${name}`);
    const known = new Set(columnsOf(kept));
    const column = columns.find((one) => !known.has(one));
    if (column !== undefined) throw newer(`column ${name}.${column}`);
  }
}

/**
 * Begins a restore into an empty database. One that began before and did not end is carried on if it is of the same
 * backup; of another one, it is begun anew.
 * @throws Problem REQUEST_INVALID at `manifest` if another service, or a newer release, made the backup
 * @throws Problem CONFLICT if the database is not empty
 */
export async function beginRestore(
  context: Context,
  asked: { manifest: string; with_access?: boolean | undefined; known_seal?: number | undefined },
): Promise<Restore> {
  allow(context, "backups");
  const { db, clock, ids } = context;
  const manifest = await manifestIn(context, asked.manifest);
  if (!manifest)
    throw invalid(
      "manifest",
      "Not signed by this service: the backup is of another one, or its key is not in SIGNING_KEYS any more",
    );
  assertKnown(manifest);
  const options: Options = { with_access: asked.with_access ?? false, known_seal: asked.known_seal ?? 0 };
  if (options.with_access && !manifest.with_access)
    throw invalid("with_access", "The backup was made without the tokens and people");
  const [before, found] = await db.batch([
    db.sql("SELECT * FROM restores WHERE ended_at IS NULL"),
    db.sql(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('trigger', 'index') AND sql IS NOT NULL",
    ),
  ]);
  const row = before!.results[0];
  if (row && row["manifest"] === asked.manifest && row["options"] === JSON.stringify(options))
    return restoreIn(row, manifest);

  const isLarge = (table: string): boolean => (manifest.tables[table]?.rows ?? 0) > INDEXED_LAST;
  const tables = [...KEPT.map(({ table }) => nameOf(table)), ...COUNTED.map(nameOf)];
  const schema: Schema[] = row
    ? (JSON.parse(String(row["schema"])) as Schema[])
    : (found!.results as unknown as (Schema & { tbl_name: string })[])
        .filter(
          ({ type, tbl_name }) => tables.includes(tbl_name) && (type === "trigger" || !isLarge(tbl_name)),
        )
        .map(({ type, name, sql }) => ({ type, name, sql }));
  const now = clock.now();
  const restore = {
    id: `rst_${ids.ulid(now)}`,
    manifest: asked.manifest,
    options: JSON.stringify(options),
    backup_at: manifest.begun_at,
    begun_at: now,
    loaded: JSON.stringify(
      Object.fromEntries(tablesOf({ manifest, options }).map(({ name }) => [name, NOTHING_LOADED])),
    ),
  };
  const isFilled = EMPTY.map((table) => `EXISTS (SELECT 1 FROM ${table})`).join(" OR ");
  try {
    const results = await db.batch([
      db.sql("DELETE FROM restores WHERE ended_at IS NULL AND id = ?", row ? String(row["id"]) : ""),
      // A schema must not be null: that breaks the batch off, with all that follows.
      db.sql(
        `INSERT INTO restores (id, manifest, options, backup_at, begun_at, loaded, schema)
         SELECT ?, ?, ?, ?, ?, ?, iif(EXISTS (SELECT 1 FROM restores WHERE ended_at IS NULL)${row ? "" : ` OR ${isFilled}`}, NULL, ?)`,
        restore.id,
        restore.manifest,
        restore.options,
        restore.backup_at,
        restore.begun_at,
        restore.loaded,
        JSON.stringify(schema),
      ),
      ...schema.map(({ type, name }) => db.sql(`DROP ${type} IF EXISTS ${name}`)),
      ...(row ? [] : [db.sql(`ALTER TABLE license_seats RENAME TO ${SEATS_MEANWHILE}`)]),
      // Children before parents.
      ...tables.toReversed().map((table) => db.sql(`DELETE FROM ${nameMeanwhile(table)}`)),
      db.sql("INSERT INTO activation_totals VALUES (1, 0, 0, 0)"),
      db.sql(GUARD),
      db.sql("SELECT * FROM restores WHERE id = ?", restore.id),
    ]);
    return restoreIn(results.at(-1)!.results[0]!, manifest);
  } catch (error) {
    if (databaseMessage(error).includes("restores.schema"))
      throw new Problem("CONFLICT", "The database is not empty. Restore into a new one.");
    throw error;
  }
}

/** How far a restore is, for whoever carries it on. */
export const presentRestore = (restore: Restore) => ({
  id: restore.id,
  backup: restore.manifest.jti,
  with_access: restore.options.with_access,
  tables: tablesOf(restore).map(({ name, claims }) => ({
    table: name,
    pages: claims.pages,
    pages_loaded: restore.loaded[name]!.pages,
  })),
});
