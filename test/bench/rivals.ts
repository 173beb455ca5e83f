// Side by side: the first plan for this system, a bare Worker, and the service, on the same licenses.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { measure, type Side, type Timed, timed } from "./compare.ts";
import { SCRATCH } from "./house.ts";
import { teachFloor } from "./lessons.ts";
import { type Call, Callers } from "./load.ts";
import { costOf } from "./measure.ts";
import { admin, FIRST, folded, NEW_INSTANCE, type Operation, type World } from "./operations.ts";
import { HOT, SEATS } from "./seed.ts";

/** Requests per second of CPU; null for the plan where the machine has no FastAPI. */
export interface Rivalry {
  name: string;
  plan: number | null;
  bare: number;
  service: number;
}

/** Its Python has FastAPI and uvicorn, or there is no plan to compare with. */
const PYTHON = "/usr/bin/python3";

const SERVICE = join(import.meta.dirname, "plan/service.py");
const SECRET = "secret-of-the-plan";

const ROUNDS = 3;

/** Of CPU, for each turn; but at least so many requests, because one may take longer than that. */
const TURN_SECONDS = 1;
const FEWEST = 4;
const WARM_UP = 4;

interface Plan {
  port: number;
  pid: number;
  keys: string[];
  end(): Promise<void>;
}

const hasPlan = (): boolean => spawnSync(PYTHON, ["-c", "import fastapi, uvicorn"]).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Each license as a line of JSON. */
async function licensesOf({ house: { db } }: World): Promise<string[]> {
  const lines: string[] = [];
  for (let last = ""; ;) {
    const { results } = await db
      .prepare(
        "SELECT id, customer_id, license_type, status, expires_at FROM licenses WHERE id > ? ORDER BY id LIMIT 10000",
      )
      .bind(last)
      .all<{ id: string }>();
    if (results.length === 0) return lines;
    for (const row of results)
      lines.push(JSON.stringify({ ...row, instances: SEATS, wanted: lines.length < HOT }));
    last = results.at(-1)!.id;
  }
}

/** The plan with the licenses of a world; null where it cannot run. */
async function startPlan(world: World): Promise<Plan | null> {
  if (!hasPlan()) return null;
  const folder = join(SCRATCH, "plan");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "licenses.db");
  const filled = spawnSync(PYTHON, [SERVICE, file, SECRET, "0"], {
    input: (await licensesOf(world)).join("\n"),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (filled.status !== 0) throw new Error(`The plan's database was not filled: ${filled.stderr}`);
  const port = await freePort();
  const child = spawn(PYTHON, [SERVICE, file, SECRET, String(port)], {
    // It ends when its input does, so that it never outlives the bench.
    stdio: ["pipe", "ignore", "inherit"],
  });
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (await fetch(`http://127.0.0.1:${port}/openapi.json`).catch(() => null)) break;
    if (performance.now() > deadline || child.exitCode !== null) throw new Error("The plan did not start.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port,
    pid: child.pid!,
    keys: filled.stdout.trim().split("\n"),
    async end() {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true });
    },
  };
}

type Rival = Omit<Side, "callers"> & { port: number };

/** A turn may take so long that the others close the connections that wait: each has its own. */
async function turn(rival: Rival, times: number): Promise<Timed> {
  const callers = new Callers(rival.port);
  try {
    return await timed({ ...rival, callers }, { times });
  } finally {
    callers.close();
  }
}

interface Contest {
  operation: Operation;
  plan: (keys: string[], n: number) => Call;
}

const DAYS = 60;

const CONTESTS: Contest[] = [
  {
    operation: NEW_INSTANCE,
    plan: (keys, n) => ({
      method: "POST",
      path: "/activate",
      body: { license_key: keys[n % keys.length], instance_id: `visitor-${n}` },
    }),
  },
  {
    operation: {
      name: "statistics",
      call: (world) => admin(world, "GET", "/statistics"),
      status: 200,
      floor: { kind: "batch" },
      before: folded,
    },
    plan: () => ({ method: "GET", path: "/statistics" }),
  },
  {
    operation: {
      name: `licenses that end within ${DAYS} days`,
      call: (world) => admin(world, "GET", `/licenses?limit=50&expiring_within_days=${DAYS}`),
      status: 200,
      floor: { kind: "batch" },
    },
    plan: () => ({ method: "GET", path: `/expiring?days=${DAYS}` }),
  },
];

/** Starts the plan, and lets each contest take its turns. */
export async function measureRivals(world: World): Promise<Rivalry[]> {
  const plan = await startPlan(world);
  try {
    const rows: Rivalry[] = [];
    for (const contest of CONTESTS) rows.push(await contend(world, contest, plan));
    return rows;
  } finally {
    await plan?.end();
  }
}

async function contend(world: World, { operation, plan: ask }: Contest, plan: Plan | null): Promise<Rivalry> {
  const before = operation.before && (() => operation.before!(world));
  await before?.();
  // Once before it counts, as with the others.
  await costOf(world, operation.call(world, FIRST), operation.status);
  await before?.();
  const { cost, deferred } = await costOf(world, operation.call(world, FIRST), operation.status);
  const work = { read: cost.read + deferred.read, written: cost.written + deferred.written };
  const floors = await teachFloor(world, operation, work);
  const { ports, pid } = world.house;
  let n = 0;
  const side = (port: number, of: number, call: (n: number) => Call, puts = before): Rival => ({
    port,
    pid: of,
    status: 200,
    before: puts,
    next: () => call(n++),
  });
  const sides: Rival[] = [
    side(ports.app, pid, (at) => operation.call(world, at)),
    side(ports.floor, pid, floors!.plain),
    ...(plan ? [side(plan.port, plan.pid, (at) => ask(plan.keys, at), undefined)] : []),
  ];
  const slices = new Map(sides.map((one) => [one, [] as Timed[]]));
  const times = new Map<Rival, number>();
  for (const one of sides) {
    const { cpu, seconds } = await turn(one, WARM_UP);
    const taken = Number.isNaN(cpu) ? seconds : cpu;
    times.set(one, Math.max(FEWEST, Math.round((TURN_SECONDS / taken) * WARM_UP)));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const one of sides) slices.get(one)!.push(await turn(one, times.get(one)!));
  }
  await operation.after?.(world);
  const [service, bare, planned] = sides.map((one) => 1000 / measure(slices.get(one)!).cpu);
  return { name: operation.name, plan: planned ?? null, bare: bare!, service: service! };
}
