// backup, restore: the whole database as a file
import { statSync } from "node:fs";
import type { Command } from "commander";
import { BackupWriter, openBackupFile, unfinishedAt } from "../backup-file.ts";
import type { Client } from "../client.ts";
import { type Call, define, handle, path, withJson, withList } from "../command.ts";
import { EXIT, Failure, usage } from "../failures.ts";
import { readJson } from "../inputs.ts";
import { type Column, note, print, printTable, text, when } from "../output.ts";
import { startProgress } from "../progress.ts";
import type {
  FinishedRestore,
  OpenedBackup,
  RestoreReport,
  StartedRestore,
  StoredBackup,
} from "../shapes.ts";

interface Backup {
  withAccess?: boolean;
  stored?: string;
}

interface Restore {
  withAccess?: boolean;
  state?: string;
}

const STORED_COLUMNS: Column<StoredBackup>[] = [
  ["backup", ({ id }) => text(id)],
  ["begun", ({ at }) => when(at)],
  ["up to event", ({ event }) => String(event)],
  ["rows", ({ rows }) => String(rows)],
];

/** The page without its last line, and what that line says. */
function split(answer: string): { page: string; next?: string; manifest?: string } {
  const at = answer.trimEnd().lastIndexOf("\n") + 1;
  return {
    page: answer.slice(0, at),
    ...(JSON.parse(answer.slice(at)) as { next?: string; manifest?: string }),
  };
}

/** Why a page of an earlier run's backup cannot be read any more, so that a new one has to begin. */
const isGivenUp = (error: unknown): boolean => error instanceof Failure && error.exitCode === EXIT.refused;

async function begin(client: Client, file: string, { withAccess, stored }: Backup, asked: string) {
  const body = {
    ...(withAccess ? { with_access: true } : {}),
    ...(stored === undefined ? {} : { id: stored }),
  };
  const writer = new BackupWriter(file, 0);
  const opened = JSON.parse(
    await client.send({ method: "POST", path: path("backups"), body }),
  ) as OpenedBackup;
  const { cursor, ...head } = opened;
  writer.write(`${JSON.stringify({ backup: head.id, ...head })}\n`);
  writer.note({ url: client.url, id: head.id, cursor, asked });
  return { writer, id: head.id, cursor };
}

async function backUp(call: Call<Backup>, file: string): Promise<void> {
  const { options } = call;
  const client = call.client();
  const asked = JSON.stringify([options.withAccess ?? false, options.stored ?? null]);
  const before = unfinishedAt(file, client.url, asked);
  if (before) note(`Going on with the backup ${before.id}, of which ${before.bytes} bytes are there.`);
  let mayBeginAnew = before !== null;
  let state = before
    ? { writer: new BackupWriter(file, before.bytes), id: before.id, cursor: before.cursor }
    : await begin(client, file, options, asked);
  for (;;) {
    const { writer, id, cursor } = state;
    let answer: string;
    try {
      answer = await client.send({ path: path("backups", id, "pages"), query: { cursor } });
    } catch (error) {
      if (!mayBeginAnew || !isGivenUp(error)) throw error;
      note("That backup cannot be carried on any more: this one begins anew.");
      mayBeginAnew = false;
      state = await begin(client, file, options, asked);
      continue;
    }
    mayBeginAnew = false;
    const { page, next, manifest } = split(answer);
    writer.write(page);
    if (manifest !== undefined) {
      writer.write(`${JSON.stringify({ manifest })}\n`);
      writer.finish();
      if (options.json) print(JSON.stringify({ backup: id, file, bytes: writer.bytes }));
      else print(`The backup ${id} is in ${file} (${writer.bytes} bytes).`);
      return;
    }
    writer.note({ url: client.url, id, cursor: next!, asked });
    state = { writer, id, cursor: next! };
  }
}

/** The last seal that `audit verify --state` knows of. */
async function knownSeal(file: string | undefined): Promise<number> {
  if (file === undefined) return 0;
  const { seal } = ((await readJson(file)) ?? {}) as { seal?: unknown };
  if (typeof seal !== "number" || !Number.isSafeInteger(seal) || seal < 0)
    throw usage(`${file} is not a state file of audit verify.`);
  return seal;
}

function printReport(report: RestoreReport): void {
  print(`The database is restored as of ${when(report.backup_at)}, up to event ${report.event}.`);
  printTable(
    Object.entries(report.rows).filter(([, rows]) => rows > 0),
    [
      ["table", ([table]) => text(table)],
      ["rows", ([, rows]) => String(rows)],
    ],
  );
  print(`${report.seats_held} seats are held, and ${report.seals} seals were checked.`);
  if (report.given_up.length > 0)
    print(`Heads given up: seals ${report.given_up.map(({ seal }) => seal).join(", ")}.`);
  print("To do again:");
  for (const line of report.repeat) print(`- ${text(line)}`);
}

async function restore(call: Call<Restore>, file: string): Promise<void> {
  const { options } = call;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw usage(`${file} does not exist.`);
  // It is read twice, and a device has no end.
  if (!found.isFile()) throw usage(`${file} is a folder, a device, or a pipe: a backup is a file.`);
  const known_seal = await knownSeal(options.state);
  const reading = await startProgress(found.size, "bytes checked");
  const backup = await openBackupFile(file, (bytes) => reading.update(bytes)).finally(() => reading.stop());
  const client = call.client();
  const started = JSON.parse(
    await client.send({
      method: "POST",
      path: path("restores"),
      body: { manifest: backup.token, with_access: options.withAccess ?? false, known_seal },
    }),
  ) as StartedRestore;
  const { id, tables } = started;
  const total = tables.reduce((sum, { pages }) => sum + pages, 0);
  const progress = await startProgress(total, "pages loaded");
  let loaded = 0;
  try {
    for (const { table, pages_loaded } of tables) {
      for (const [n, place] of (backup.pages.get(table) ?? []).entries()) {
        if (n >= pages_loaded) {
          await client.send({
            method: "PUT",
            path: path("restores", id, "pages", table, String(n + 1)),
            upload: { bytes: Buffer.from(backup.read(place)), type: "application/x-ndjson" },
          });
        }
        progress.update(++loaded);
      }
    }
  } finally {
    progress.stop();
  }
  let step = "";
  for (;;) {
    const answer = JSON.parse(
      await client.send({ method: "POST", path: path("restores", id, "finish") }),
    ) as FinishedRestore;
    if (answer.done) return call.show(JSON.stringify(answer.report), printReport);
    if (answer.step !== step) note(`${(step = answer.step!)} …`);
  }
}

export function addBackupCommands(program: Command): void {
  withJson(
    define(program, "backup <file>", "Copy the whole database into a file. A run that was killed goes on.", [
      "backup monday.backup",
      "backup --stored bck_01KB0Q5V2E8N4P6R0S1T3W5X7Z sunday.backup",
    ]),
  )
    .option("--with-access", "with API tokens (their hashes), people, sessions, and webhook endpoints")
    .option("--stored <id>", "fetch a backup of the bucket instead; caio-license backups lists them")
    .action(handle<Backup>(backUp));

  withList(define(program, "backups", "List the weekly backups in the bucket", ["backups"])).action(
    handle((call) =>
      call.list<StoredBackup>(path("backups"), {}, STORED_COLUMNS, "The bucket has no whole backup yet."),
    ),
  );

  withJson(
    define(
      program,
      "restore <file>",
      "Bring a backup back into an empty database, and say what to do again",
      ["restore monday.backup", "restore monday.backup --with-access --state audit.json"],
    ),
  )
    .option(
      "--with-access",
      "also API tokens, people, sessions, and webhook endpoints, if the backup has them",
    )
    .option("--state <file>", "the state file of audit verify: it knows the last seal")
    .action(handle<Restore>(restore));
}
