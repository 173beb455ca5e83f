// After the last page: a step a call, until the service works on the restored data. Triggers and indexes come back last,
// because loading a row is cheaper without them, and must cause nothing.
import { restartSeals } from "../../audit/restart.ts";
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { allow } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { foldEvents } from "../../licensing/figures/statistics.ts";
import { DROP_GUARD } from "./begin.ts";
import { applyErasures } from "./erasures.ts";
import { COUNT_TYPES, LICENSES_AT_ONCE, statementsFor } from "./licenses.ts";
import { reportOf } from "./report.ts";
import { advance, nameMeanwhile, readRestore, type Restore, SEATS_MEANWHILE, tablesOf } from "./restores.ts";
import { checkNextSeals, faultsOfChain, givenUp, MAX_NAMED } from "./seals.ts";

interface Step {
  name: string;
  /** Does a part of the step, and moves the restore on. */
  run: (context: Context, restore: Restore) => Promise<unknown>;
}

const done = (restore: Restore) => ({ step: restore.step + 1, position: "" });

/** Every table has the pages that were signed, and every row of them. */
const count: Step = {
  name: "count the rows",
  async run(context, restore) {
    const { db } = context;
    const tables = tablesOf(restore);
    for (const { name, claims } of tables) {
      const loaded = restore.loaded[name]!;
      if (loaded.pages !== claims.pages)
        throw new Problem("CONFLICT", `Of ${name}, ${loaded.pages} of ${claims.pages} pages are loaded.`);
      if (loaded.hash !== claims.hash || loaded.rows !== claims.rows)
        throw new Problem("CONFLICT", `The pages of ${name} are not those that were signed. Begin anew.`);
    }
    const rows: Record<string, number> = {};
    const skipped: Record<string, number> = {};
    const made: Record<string, number> = {};
    for (const { name, kept, claims } of tables) {
      // One by one, since D1 gives a batch 30 seconds.
      const [counted] = await db.batch([db.sql(`SELECT count(*) AS n FROM ${nameMeanwhile(name)}`)]);
      const is = Number(counted!.results[0]!["n"]);
      rows[name] = is;
      if (is < claims.rows && kept.parent) skipped[name] = claims.rows - is;
      else if (is > claims.rows && MAY_BE_MADE.has(name)) made[name] = is - claims.rows;
      else if (is !== claims.rows)
        throw new Problem("CONFLICT", `${name} has ${is} rows, and the backup ${claims.rows}. Begin anew.`);
    }
    await advance(
      context,
      restore,
      { ...done(restore), found: { ...restore.found, rows, skipped, made } },
      [],
    );
  },
};

const MAY_BE_MADE = new Set(["customers", "license_types", "entitlements"]);

const licenses: Step = {
  name: "count what licenses have",
  async run(context, restore) {
    const { db } = context;
    const after = restore.position;
    const [next] = await db.batch([
      db.sql("SELECT id FROM licenses WHERE id > ? ORDER BY id LIMIT ?", after, LICENSES_AT_ONCE),
    ]);
    const up_to = next!.results.at(-1)?.["id"] as string | undefined;
    if (up_to === undefined) return advance(context, restore, done(restore), [db.sql(COUNT_TYPES)]);
    const values = { restore: restore.id, after, up_to, backup_at: restore.manifest.begun_at };
    return advance(context, restore, { position: up_to }, statementsFor(context, values));
  },
};

const events: Step = {
  name: "count the events",
  async run(context, restore) {
    const { db } = context;
    const left = "SELECT (SELECT up_to FROM activation_totals) < (SELECT max(id) FROM events) AS more";
    for (let n = 0; n < 20; n++) {
      await foldEvents(context);
      const [found] = await db.batch([db.sql(left)]);
      if (found!.results[0]!["more"] !== 1) {
        // Rows may be newer than the record, and it is the rows that end one day.
        const seated =
          "UPDATE activation_totals SET seated = (SELECT coalesce(sum(seated), 0) FROM license_seats_restoring)";
        await advance(context, restore, done(restore), [db.sql(seated)]);
        return;
      }
    }
  },
};

const indexes: Step = {
  name: "make the indexes",
  async run(context, restore) {
    const missing = restore.schema.filter(({ type }) => type === "index");
    const at = Number(restore.position);
    const next = missing[at];
    if (!next) return advance(context, restore, done(restore), []);
    return advance(context, restore, { position: String(at + 1) }, [context.db.sql(next.sql)]);
  },
};

const chain: Step = {
  name: "check the chain of the seals",
  async run(context, restore) {
    const findings = (await faultsOfChain(context)).slice(0, MAX_NAMED);
    await advance(context, restore, { ...done(restore), found: { ...restore.found, findings } }, []);
  },
};

const seals: Step = {
  name: "check the seals",
  async run(context, restore) {
    const { last, ...found } = await checkNextSeals(context, Number(restore.position), restore.found);
    const to = last === null ? done(restore) : { position: String(last) };
    await advance(context, restore, { ...to, found: { ...restore.found, ...found } }, []);
  },
};

/** SQL: whether the record has the event that a row of what was told tells of. */
const isRecorded = (table: string, action: string): string => `EXISTS (
  SELECT 1 FROM events e
  WHERE e.entity_id = ${table}.license_id AND e.action = ${action} AND e.request_id = ${table}.request_id)`;

/**
 * What was read before the row that it depends on, where that changed in between: search terms and the customer's own
 * contact follow the customer; a change to come may have been carried out, so staff decide. And what is told of events
 * after the end of the restored record, whose ids are used again: it is told anew.
 */
const mends = ({ db }: Context, backupAt: number): D1PreparedStatement[] => [
  db.sql("UPDATE customers SET email = email, terms_at = NULL WHERE updated_at >= ?", backupAt),
  db.sql("UPDATE licenses SET terms_at = NULL WHERE updated_at >= ?", backupAt),
  db.sql(
    `UPDATE pending_changes SET status = 'held', detail = 'The license changed while the backup was read.'
     WHERE status = 'pending' AND license_id IN (SELECT id FROM licenses WHERE updated_at >= ?)`,
    backupAt,
  ),
  db.sql("UPDATE time_walk SET up_to = min(up_to, ?)", backupAt),
  db.sql(
    `DELETE FROM license_told WHERE told_at >= ? AND NOT ${isRecorded("license_told", "'license.' || stage")}`,
    backupAt,
  ),
  db.sql(
    `DELETE FROM silent_instances WHERE told_at >= ? AND NOT ${isRecorded("silent_instances", "'instance.silent'")}`,
    backupAt,
  ),
  db.sql("UPDATE webhook_endpoints SET cursor = min(cursor, (SELECT coalesce(max(id), 0) FROM events))"),
];

/** Before anybody sees the data again. */
const erasures: Step = {
  name: "apply the erasures since then",
  async run(context, restore) {
    const { after, applied, all } = await applyErasures(context, restore.manifest.begun_at, restore.position);
    const found = { ...restore.found, erasures: (restore.found.erasures ?? 0) + applied };
    await advance(context, restore, { ...(all ? done(restore) : { position: after }), found }, []);
  },
};

/** From here on the service works again. */
const open: Step = {
  name: "open the service",
  async run(context, restore) {
    const { db, clock } = context;
    const now = clock.now();
    const { heads, highest } = await givenUp(context, restore.options.known_seal);
    const { jti, event, begun_at } = restore.manifest;
    const found = { ...restore.found, given_up: heads };
    await advance(context, restore, { ...done(restore), found, position: String(highest), ended_at: now }, [
      db.sql(DROP_GUARD),
      db.sql(`ALTER TABLE ${SEATS_MEANWHILE} RENAME TO license_seats`),
      ...restore.schema.filter(({ type }) => type === "trigger").map(({ sql }) => db.sql(sql)),
      ...mends(context, begun_at),
      recordChange(
        context,
        now,
        "record.restored",
        ["record", "database"],
        {
          backup: jti,
          backup_at: formatInstant(begun_at),
          event,
          with_access: restore.options.with_access,
          given_up: heads,
        },
        { sql: "", values: [] },
      ),
    ]);
  },
};

const restart: Step = {
  name: "go on with the seals",
  async run(context, restore) {
    const { given_up: heads = [] } = restore.found;
    if (heads.length === 0) return advance(context, restore, done(restore), []);
    // A call that was killed here may have begun the segment.
    const [made] = await context.db.batch([
      context.db.sql("SELECT min(id) AS id FROM audit_seals WHERE id > ?", Number(restore.position)),
    ]);
    const id =
      (made!.results[0]!["id"] as number | null) ??
      (
        await restartSeals(
          context,
          `Restored from the backup ${restore.manifest.jti}; the seals from ${heads[0]!.seal} on are given up`,
          Number(restore.position),
        )
      ).id;
    return advance(context, restore, { ...done(restore), found: { ...restore.found, restarted: id } }, []);
  },
};

const STEPS: Step[] = [count, licenses, events, indexes, chain, seals, erasures, open, restart];

/**
 * Does the next part of what follows the last page.
 * @returns what it is at now, or the report once all is done
 * @throws Problem CONFLICT if pages are missing, or are not those that were signed
 */
export async function finishRestore(context: Context, id: string) {
  allow(context, "backups");
  const restore = await readRestore(context, id);
  const step = STEPS[restore.step];
  if (!step) return { done: true as const, report: reportOf(restore) };
  await step.run(context, restore);
  return { done: false as const, step: step.name };
}
