// `npm run bench:years`: ten years of data in fast motion, and how large the database is after each: real rows, folded
// and dropped by the real jobs. Then the same by arithmetic for any number of instances.
import { globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ulid } from "ulid";
import { dropExpired } from "../../src/access/expired.ts";
import type { Context } from "../../src/context.ts";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import { dropPassedTurns } from "../../src/licensing/figures/passed-turns.ts";
import { dropSettled } from "../../src/licensing/licenses/pending-old.ts";
import { dropEnded } from "../../src/licensing/seats/ended.ts";
import { forgetNewInstances } from "../../src/licensing/seats/ids/new-instances.ts";
import { closeMonths, foldUsage } from "../../src/licensing/usage/folding.ts";
import { forgetTexts } from "../../src/notices/outbox.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { fileD1 } from "./file-d1.ts";
import { SCRATCH } from "./house.ts";
import { liveMonth, makeAll, type People, seedPeople } from "./years-seed.ts";

const USAGE = `Usage: npm run bench:years -- [options]

  --instances N   how many installations (600)
  --seats N       how many of them a license has (3)
  --check-ins     check-ins alone, without usage
  --life N        after how many months one is replaced by another (30)
  --years N       how many years (10)
  --made N        besides, so many instances really made, as they lie there after 25 months: 200000 take 6 GB and minutes
  --keep          keep the files of the databases`;

const GB = 1e9;

/** D1's limit for one database. */
const LIMIT_GB = 10;

const { values: options } = commandLine(USAGE, {
  options: {
    instances: { type: "string", default: "600" },
    seats: { type: "string", default: "3" },
    "check-ins": { type: "boolean", default: false },
    life: { type: "string", default: "30" },
    years: { type: "string", default: "10" },
    made: { type: "string", default: "0" },
    keep: { type: "boolean", default: false },
  },
});
const instances = Number(options.instances);
const seats = Number(options.seats);
const life = Number(options.life);
const years = Number(options.years);
const made = Number(options.made);
const usage = !options["check-ins"];
if (!(seats >= 1) || !(instances >= seats) || !(life >= 1) || !(years >= 1) || !(made >= 0))
  wrongUsage(USAGE, "That is no number of instances, months or years.");

const folder = join(SCRATCH, `years-${process.pid}`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const MIGRATIONS = join(import.meta.dirname, "../../migrations");

function openFile(name: string): DatabaseSync {
  const opened = new DatabaseSync(join(folder, name));
  opened.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000");
  for (const migration of globSync("*.sql", { cwd: MIGRATIONS }).toSorted()) {
    opened.exec(readFileSync(join(MIGRATIONS, migration), "utf8"));
  }
  return opened;
}

const db = openFile("years.sqlite");

let now = Date.UTC(2027, 0, 1);
const d1 = openDatabase(fileD1(db), { now: () => now, pause: async () => undefined, random: Math.random });
const context = {
  db: d1,
  clock: { now: () => now },
  ids: { ulid: (at: number) => ulid(at), random: Math.random },
  config: { retention: { usageDays: 90, mailDays: 90, endedMonths: 25 } },
} as unknown as Context;

const JOBS = [
  foldUsage,
  closeMonths,
  forgetTexts,
  dropEnded,
  dropSettled,
  forgetNewInstances,
  dropExpired,
  dropPassedTurns,
];

async function night(): Promise<void> {
  for (const job of JOBS) for (let more = true; more;) more = await job(context);
}

/** Bytes by table, its indexes included. */
function sizes(of = db): Map<string, number> {
  const rows = of
    .prepare(
      `SELECT m.tbl_name AS name, sum(s.pgsize) AS bytes FROM dbstat s JOIN sqlite_schema m ON m.name = s.name
       WHERE s.aggregate = TRUE GROUP BY 1`,
    )
    .all() as unknown as { name: string; bytes: number }[];
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}

const people: People = seedPeople(db, instances, now, { seats, usage, life });
const empty = sizes();
const told: Map<string, number>[] = [];
const started = performance.now();
for (let year = 1; year <= years; year++) {
  for (let month = 0; month < 12; month++) {
    const end = Date.UTC(2027 + year - 1, month + 1);
    db.exec("BEGIN");
    liveMonth(db, people, now, end);
    db.exec("COMMIT");
    now = end;
    await night();
  }
  told.push(sizes());
  console.error(`year ${year}: ${Math.round((performance.now() - started) / 1000)} s`);
}
db.close();

const last = told.at(-1)!;
const names = [...last.keys()]
  .filter((name) => last.get(name)! - (empty.get(name) ?? 0) > instances)
  .toSorted((a, b) => last.get(b)! - last.get(a)!);
const per = (bytes: number): string => Math.round(bytes / instances).toLocaleString("en-US");
const at = (year: number, name: string): number => told[Math.min(year, years) - 1]?.get(name) ?? 0;
const total = (sizesOf: Map<string, number>): number =>
  [...sizesOf.values()].reduce((sum, bytes) => sum + bytes, 0);
const shown = [1, 3, years].filter((year, n, all) => year <= years && all.indexOf(year) === n);

const growth = years > 3 ? (total(last) - total(told[2]!)) / (years - 3) / instances : 0;
const steady = years > 3 ? total(told[2]!) / instances - 3 * growth : total(last) / instances;

/** Bytes an instance takes after so many years. */
const after = (span: number): number => steady + span * growth;

console.log(
  [
    `${instances.toLocaleString("en-US")} instances, ${seats} a license, ${usage ? "with usage on every day" : "check-ins alone"}, replaced after ${life} months; ${years} years; bytes an instance, indexes included:`,
    "",
    `| table | ${shown.map((year) => `after year ${year}`).join(" | ")} | a year from year 3 on |`,
    `|---|${shown.map(() => "---|").join("")}---|`,
    ...names.map(
      (name) =>
        `| \`${name}\` | ${shown.map((year) => per(at(year, name))).join(" | ")} | ${years > 3 ? per((at(years, name) - at(3, name)) / (years - 3)) : "–"} |`,
    ),
    `| **all** | ${shown.map((year) => per(total(told[year - 1]!))).join(" | ")} | ${Math.round(growth).toLocaleString("en-US")} |`,
    "",
    "| instances | after 1 year | after 10 years | databases of 10 GB |",
    "|---|---|---|---|",
    ...[200_000, 400_000, 2_000_000].map((count) => {
      const gb = (span: number): string => `${((count * after(span)) / GB).toFixed(1)} GB`;
      return `| ${count.toLocaleString("en-US")} | ${((count * total(told[0]!)) / instances / GB).toFixed(1)} GB | ${gb(10)} | ${Math.ceil((count * after(10)) / GB / LIMIT_GB)} |`;
    }),
    "",
    `One database of ${LIMIT_GB} GB holds ${Math.floor((LIMIT_GB * GB) / after(10)).toLocaleString("en-US")} instances for ten years.`,
  ].join("\n"),
);

if (made > 0) {
  const began = performance.now();
  const large = openFile("made.sqlite");
  makeAll(large, made, now);
  const bytes = sizes(large);
  const seconds = Math.round((performance.now() - began) / 1000);
  const each = [...bytes].filter(([, size]) => size > made).toSorted((a, b) => b[1] - a[1]);
  console.log(
    [
      "",
      `${made.toLocaleString("en-US")} instances really made, with 90 days of usage and 23 folded months, in ${seconds} s: ${(total(bytes) / GB).toFixed(2)} GB.`,
      ...each.map(
        ([name, size]) =>
          `- \`${name}\`: ${(size / GB).toFixed(2)} GB, ${Math.round(size / made).toLocaleString("en-US")} bytes an instance`,
      ),
    ].join("\n"),
  );
  large.close();
}
if (!options.keep) rmSync(folder, { recursive: true });
