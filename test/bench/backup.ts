// `npm run bench:backup`: how long a backup and a restore take, and how much memory, while installations activate.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { commandLine, wrongUsage } from "../../src/dev/command.ts";
import { bundleAll, dropDatabase, fileOf, type House, newSecrets, openHouse, SCRATCH } from "./house.ts";
import { HOT, seed } from "./seed.ts";
import { migrate, signKey } from "./world.ts";

const USAGE = `Usage: npm run bench:backup -- [options]

  --licenses N   how many licenses (20000)
  --seats N      activations of each (5)`;

const { values } = commandLine(USAGE, {
  options: { licenses: { type: "string", default: "20000" }, seats: { type: "string", default: "5" } },
});
const [licenses, seats] = [Number(values.licenses), Number(values.seats)];
if (![licenses, seats].every((n) => Number.isInteger(n) && n > 0))
  wrongUsage(USAGE, "Both take whole numbers.");

const LAUNCHER = join(import.meta.dirname, "../../src/cli/caio-license.js");
const FROM = `backup-from-${licenses}`;
const TO = `backup-to-${licenses}`;
const FILE = join(SCRATCH, "bench.backup");

/** The most memory that a process had, in MB; as the kernel counts it. */
const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a command of caio-license, and says what it took. */
async function timed(house: House, args: string[]): Promise<void> {
  const started = performance.now();
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      CAIO_LICENSE_URL: `http://127.0.0.1:${house.ports.app}`,
      CAIO_LICENSE_TOKEN: house.secrets.ADMIN_TOKEN,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  let peak = 0;
  const watch = setInterval(() => {
    try {
      peak = Math.max(peak, peakOf(child.pid!) || 0);
    } catch {
      // It ended.
    }
  }, 200);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watch);
  if (code !== 0) throw new Error(`caio-license ${args[0]} ended with ${code}.`);
  const seconds = (performance.now() - started) / 1000;
  say(
    `${args[0]}: ${seconds.toFixed(1)} s; caio-license ${peak.toFixed(0)} MB, workerd ${peakOf(house.pid).toFixed(0)} MB at most`,
  );
}

/** Activates one installation after the other until it is stopped. */
function activating(house: House, keys: string[]) {
  const state = { going: true };
  let made = 0;
  let slowest = 0;
  const ended = (async () => {
    while (state.going) {
      const started = performance.now();
      const answer = await fetch(`http://127.0.0.1:${house.ports.app}/v1/activate`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ license_key: keys[made % keys.length], instance_id: `during-${made}` }),
      });
      if (!answer.ok) throw new Error(`An activation was answered with ${answer.status}.`);
      await answer.arrayBuffer();
      slowest = Math.max(slowest, performance.now() - started);
      made++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    async stop(): Promise<void> {
      state.going = false;
      await ended;
      say(`meanwhile ${made} installations activated; the slowest took ${slowest.toFixed(0)} ms`);
    },
  };
}

const countsIn = (database: string): Record<string, number> => {
  const db = new DatabaseSync(fileOf(database), { readOnly: true });
  try {
    return db
      .prepare(
        `SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM licenses) AS licenses,
          (SELECT count(*) FROM activations WHERE instance_id NOT GLOB 'during-*') AS activations,
          (SELECT count(*) FROM events WHERE request_id = 'seed') AS events,
          (SELECT sum(n) FROM license_turns WHERE size = 7) AS turns`,
      )
      .get() as Record<string, number>;
  } finally {
    db.close();
  }
};

mkdirSync(SCRATCH, { recursive: true });
rmSync(FILE, { force: true });
await bundleAll();
const secrets = await newSecrets();
for (const database of [FROM, TO]) {
  dropDatabase(database);
  await migrate(database, secrets);
}
await seed(fileOf(FROM), { licenses, due: 0, bulk: 0, seats, unsealed: true }, secrets.SIGNING_KEYS);
const before = countsIn(FROM);
say(`${JSON.stringify(before)}, ${(statSync(fileOf(FROM)).size / 1e6).toFixed(0)} MB`);

let house = await openHouse(FROM, secrets);
const issuedAt = Math.floor(Date.now() / 1000);
const keys = await Promise.all(Array.from({ length: HOT }, (_, n) => signKey(secrets, n, issuedAt)));
const activations = activating(house, keys);
await timed(house, ["backup", FILE]);
await activations.stop();
say(`the file has ${(statSync(FILE).size / 1e6).toFixed(0)} MB`);
await house.miniflare.dispose();

house = await openHouse(TO, secrets);
await timed(house, ["restore", FILE]);
await house.miniflare.dispose();
const after = countsIn(TO);
if (JSON.stringify(after) !== JSON.stringify(before))
  throw new Error(`The restored database has ${JSON.stringify(after)}.`);
say(`The restored database has the same rows and turns, ${(statSync(fileOf(TO)).size / 1e6).toFixed(0)} MB.`);
for (const database of [FROM, TO]) dropDatabase(database);
rmSync(FILE, { force: true });
