// One operation on one database: what it costs, exactly, and how it does against its floor.
import { compare, type Comparison, type Effort, type Ratio } from "./compare.ts";
import { type Cost, COST_HEADER, type Lesson, type Sent, type Work } from "./cost.ts";
import { type Call, Callers } from "./load.ts";
import { FIRST, fire, type Operation, OPERATIONS, type World } from "./operations.ts";
import { BULK_CUSTOMER } from "./seed.ts";

export interface Row {
  name: string;
  cost: Cost;
  /** What it does after the answer is sent. */
  deferred: Cost;
  comparison: Comparison;
  faults: string[];
}

async function ask(port: number, { method, path, headers = {}, body }: Call): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function costOf({ house }: World, call: Call, status: number): Promise<Pick<Row, "cost" | "deferred">> {
  const response = await ask(house.ports.metered, call);
  const text = await response.text();
  if (response.status !== status) throw new Error(`${call.path} → ${response.status}: ${text}`);
  return JSON.parse(response.headers.get(COST_HEADER)!) as Pick<Row, "cost" | "deferred">;
}

/** What workerd sets itself. */
const FRAMING = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);

/** Shows the floor what the app sent or answered. @returns how to ask it for the same */
async function teachFloor(
  world: World,
  operation: Operation,
  work: Work,
): Promise<((n: number) => Call) | null> {
  const { app, metered, floor } = world.house.ports;
  if (operation.floor === undefined) return null;
  if (operation.floor.kind === "constant") {
    const answer = await ask(app, operation.call(world, FIRST));
    const headers = {
      "Bench-Headers": JSON.stringify([...answer.headers].filter(([name]) => !FRAMING.has(name))),
    };
    await fetch(`http://127.0.0.1:${floor}/constant`, { method: "PUT", headers, body: await answer.text() });
    return () => ({ method: "GET", path: "/constant" });
  }
  const { varies = () => ({}), makes } = operation.floor;
  const learned = await fetch(`http://127.0.0.1:${metered}/bench/statements`);
  const trips = await learned.json<Sent[][]>();
  const path = `/${encodeURIComponent(operation.name)}`;
  const first = operation.call(world, FIRST);
  await operation.before?.(world);
  const answer = await (await ask(app, first)).text();
  const lesson: Lesson = { statements: trips.flat(), answer: answer.length };
  await ask(floor, { method: "PUT", path, body: lesson });
  const values = trips.flat().map((statement) => statement.values);
  const text = JSON.stringify(values);
  const moments = momentsOf(values);
  const made = makes ? new Set(text.match(makes)) : [];
  const length = JSON.stringify(first.body ?? "").length;
  const floorCall = (n: number): Call => {
    const changes = Object.entries({
      ...varies(n),
      ...Object.fromEntries(moments.map((at) => [at, Date.now()])),
      ...Object.fromEntries([...made].map((id) => [id, another(id, n)])),
    });
    const body = changes.reduce((sum, [from, to]) => sum.replaceAll(from, String(to)), text);
    return { method: "POST", path, body: body.padEnd(length) };
  };
  await assertSameWork(world, operation, work, floorCall(0));
  return floorCall;
}

/** @throws where the floor does not read and write as many rows as the service: then it is none */
async function assertSameWork(world: World, operation: Operation, work: Work, call: Call): Promise<void> {
  await operation.before?.(world);
  const answer = await ask(world.house.ports.floor, { ...call, method: "PATCH" });
  const { read, written } = await answer.json<Work>();
  if (read === work.read && written === work.written) return;
  throw new Error(
    `${operation.name}: the floor reads ${read} and writes ${written} rows, the service ${work.read} and ${work.written}.`,
  );
}

/** The nth id beside one: as long, and nobody else's. */
const another = (id: string, n: number): string => {
  const number = String(n);
  return id.slice(0, -number.length) + number;
};

const RECENT = 60_000;

/**
 * The instants among values that were bound just now. The floor binds its own: SQLite does not write a page that
 * it would leave as it was. Whole seconds are no clock's, but the ends of leases.
 */
function momentsOf(values: unknown[][]): number[] {
  const now = Date.now();
  const isMoment = (value: unknown): value is number =>
    typeof value === "number" && Math.abs(now - value) < RECENT && value % 1000 !== 0;
  return [...new Set(values.flat().filter(isMoment))];
}

/** Of the CPU where the system tells it: on a machine that others use, the clock counts them, too. */
export const ratioThatCounts = ({ byCpu, byClock }: Comparison): Ratio | null =>
  byCpu && !Number.isNaN(byCpu.median) ? byCpu : byClock;

function faultsOf({ budget = {}, target }: Operation, cost: Cost, comparison: Comparison): string[] {
  const faults = Object.entries(budget)
    .filter(([figure, most]) => cost[figure as keyof Cost] > most)
    .map(([figure, most]) => `${figure} ${cost[figure as keyof Cost]} > ${most}`);
  const ratio = ratioThatCounts(comparison)?.median;
  if (target !== undefined && ratio !== undefined && ratio < target)
    faults.push(`${ratio.toFixed(2)} < ${target}`);
  return faults;
}

async function measure(world: World, operation: Operation, effort: Effort): Promise<Row> {
  const before = operation.before && (() => operation.before!(world));
  await before?.();
  // Once before it counts: a first call may write what later ones find.
  await costOf(world, operation.call(world, FIRST), operation.status);
  await before?.();
  const { cost, deferred } = await costOf(world, operation.call(world, FIRST), operation.status);
  // The floor does before its answer what the service does after it, too.
  const all = { read: cost.read + deferred.read, written: cost.written + deferred.written };
  const floorCall = await teachFloor(world, operation, all);
  const { ports, pid } = world.house;
  const callers = new Callers(ports.app);
  const floorCallers = new Callers(ports.floor);
  let n = 0;
  const comparison = await compare(
    { callers, pid, status: operation.status, before, next: () => operation.call(world, n++) },
    floorCall && { callers: floorCallers, pid, status: 200, before, next: () => floorCall(n++) },
    { ...effort, ...operation.bulk },
  );
  callers.close();
  floorCallers.close();
  await operation.after?.(world);
  return { name: operation.name, cost, deferred, comparison, faults: faultsOf(operation, cost, comparison) };
}

export async function measureAll(
  world: World,
  isMeasured: (operation: Operation) => boolean,
  effort: Effort,
  onRow: (row: Row) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const operation of OPERATIONS.filter(isMeasured)) {
    const row = await measure(world, operation, effort);
    onRow(row);
    rows.push(row);
  }
  return rows;
}

/** What an operation takes on a larger database, as a multiple of what it takes on a small one. */
export interface Growth {
  name: string;
  p50: number;
  /** Not a number where the system does not tell. */
  cpu: Ratio;
}

/** The same operations on two databases in turn: one after the other, the machine would have changed meanwhile. */
export async function measureGrowth(small: World, large: World, effort: Effort): Promise<Growth[]> {
  const growth: Growth[] = [];
  for (const operation of OPERATIONS) {
    if (!operation.flat) continue;
    const [few, many] = [small, large].map((world) => {
      let n = 0;
      return {
        callers: new Callers(world.house.ports.app),
        pid: world.house.pid,
        status: operation.status,
        before: operation.before && (() => operation.before!(world)),
        next: () => operation.call(world, n++),
      };
    });
    const { app, floor, byCpu } = await compare(few!, many!, effort);
    for (const { callers } of [few!, many!]) callers.close();
    for (const world of [small, large]) await operation.after?.(world);
    // Throughput of the few over that of the many is how much more one of the many takes.
    growth.push({ name: operation.name, p50: floor!.p50 / app.p50, cpu: byCpu! });
  }
  return growth;
}

export interface JobRow {
  name: string;
  cost: Cost;
  seconds: number;
}

async function timedJob(name: string, job: () => Promise<Cost>): Promise<JobRow> {
  const started = performance.now();
  const cost = await job();
  return { name, cost, seconds: (performance.now() - started) / 1000 };
}

/** The work that is done now and then, once each: it is not the same work a second time. */
export async function measureJobs(world: World, due: number, bulk: number): Promise<JobRow[]> {
  const { house } = world;
  const path = `/v1/admin/exports/licenses?format=csv&customer_id=${BULK_CUSTOMER}`;
  const headers = { Authorization: `Bearer ${house.secrets.ADMIN_TOKEN}` };
  return [
    await timedJob(
      `export of ${bulk}`,
      async () => (await costOf(world, { method: "GET", path, headers }, 200)).cost,
    ),
    await timedJob(`nightly, ${due} due`, () => fire(house, "0 3 * * *")),
    await timedJob("nightly, made again", () => fire(house, "0 3 * * *")),
  ];
}
