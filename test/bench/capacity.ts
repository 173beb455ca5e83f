// `npm run bench:capacity`: what a month costs, from the counters of the last bench and the published prices.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import type { Row } from "./measure.ts";
import { SCRATCH } from "./house.ts";

const USAGE = `Usage: npm run bench:capacity -- [FILE]

  FILE    what \`npm run bench\` wrote (.wrangler/bench.json)`;

/** Published prices and limits of Workers Paid and D1, looked up in November 2026; do so again before you rely on them. */
const PRICES = {
  base: 5,
  requests: { included: 10e6, perMillion: 0.3 },
  cpuMs: { included: 30e6, perMillion: 0.02 },
  read: { included: 25e9, perMillion: 0.001 },
  written: { included: 50e6, perMillion: 1 },
  storageGb: { included: 5, each: 0.75 },
};
const DATABASE_GB = 10;
const QUERIES_PER_SECOND = 1_000;

/** A claim, the usage, a look: the statements of a check-in's one batch. */
const STATEMENTS = 3;
/** How much busier the busiest minute is than the average one; check-ins are spread by a tenth of their rhythm. */
const PEAK = 4;
const DAYS = 30;
const HISTORY_DAYS = 365;
/** Bytes: an activation with its event and its share of a license; a day of usage. */
const INSTANCE_BYTES = 800;
const USAGE_BYTES = 100;

const [file = join(SCRATCH, "../bench.json")] = commandLine(USAGE, { allowPositionals: true }).positionals;
if (!existsSync(file)) wrongUsage(USAGE, `${file} is not there; run first: npm run bench`);
const { parts } = JSON.parse(readFileSync(file, "utf8")) as { parts: { rows: Row[] }[] };
const rows = parts.flatMap((part) => part.rows);
const checkIn = rows.find(({ name }) => name.startsWith("check-in"));
if (!checkIn) wrongUsage(USAGE, `${file} has no check-in; run the whole bench first.`);

/** workerd's share that is the Worker's own: all of it but what a bare Worker costs with its database. */
const cpu = Math.max(0.2, checkIn.app.cpu - (checkIn.floor?.measure.cpu ?? 0));
/** Written are the seat, the day of the instance and the day of everybody. */
const { read, written } = checkIn.cost;

const above = (amount: number, { included, perMillion }: { included: number; perMillion: number }): number =>
  (Math.max(0, amount - included) / 1e6) * perMillion;

function monthOf(instances: number): string[] {
  const requests = instances * DAYS;
  const gb = (instances * (INSTANCE_BYTES + USAGE_BYTES * HISTORY_DAYS)) / 1e9;
  const parcels = {
    requests: above(requests, PRICES.requests),
    cpu: above(requests * cpu, PRICES.cpuMs),
    read: above(requests * read, PRICES.read),
    written: above(requests * written, PRICES.written),
    storage: Math.max(0, gb - PRICES.storageGb.included) * PRICES.storageGb.each,
  };
  const total = PRICES.base + Object.values(parcels).reduce((sum, price) => sum + price, 0);
  const dollars = (price: number): string => `$${price.toFixed(2)}`;
  return [
    instances.toLocaleString("en-US"),
    `${(requests / 1e6).toFixed(2)} M`,
    dollars(parcels.requests),
    dollars(parcels.cpu),
    dollars(parcels.read),
    dollars(parcels.written),
    `${gb.toFixed(2)} GB: ${dollars(parcels.storage)}`,
    dollars(total),
    String(Math.ceil(gb / DATABASE_GB)),
  ];
}

const byThread = (QUERIES_PER_SECOND / STATEMENTS / PEAK) * 86_400;
const byStorage = (DATABASE_GB * 1e9) / (INSTANCE_BYTES + USAGE_BYTES * HISTORY_DAYS);
const heads = [
  "instances",
  "check-ins",
  "requests",
  "CPU",
  "rows read",
  "rows written",
  "storage",
  "a month",
  "databases",
];

console.log(
  [
    `A check-in: ${checkIn.cost.trips} round trip, ${read} rows read, ${written} written, ${cpu.toFixed(2)} ms of CPU beside the database.`,
    "",
    `| ${heads.join(" | ")} |`,
    `|${"---|".repeat(heads.length)}`,
    ...[1_000, 100_000, 10_000_000].map((instances) => `| ${monthOf(instances).join(" | ")} |`),
    "",
    `One database, by its thread: ${Math.round(byThread).toLocaleString("en-US")} instances; by its ${DATABASE_GB} GB with ${HISTORY_DAYS} days of usage: ${Math.round(byStorage).toLocaleString("en-US")}.`,
  ].join("\n"),
);
