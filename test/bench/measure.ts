// One operation on one database: what it costs, exactly, and how it does against its floor.
import { type Against, compare, type Effort, type Measure, type Ratio, type Side } from "./compare.ts";
import { type Cost, COST_HEADER } from "./cost.ts";
import { ask, teachFloor } from "./lessons.ts";
import { type Call, Callers } from "./load.ts";
import { FIRST, fire, type Operation, OPERATIONS, type World } from "./operations.ts";
import { BULK_CUSTOMER } from "./seed.ts";

export interface Row {
  name: string;
  cost: Cost;
  /** What it does after the answer is sent. */
  deferred: Cost;
  app: Measure;
  floor: Against | null;
  /** The floor that signs a certificate, too. */
  signing: Against | null;
  faults: string[];
}

export async function costOf(
  { house }: World,
  call: Call,
  status: number,
): Promise<Pick<Row, "cost" | "deferred">> {
  const response = await ask(house.ports.metered, call);
  const text = await response.text();
  if (response.status !== status) throw new Error(`${call.path} → ${response.status}: ${text}`);
  return JSON.parse(response.headers.get(COST_HEADER)!) as Pick<Row, "cost" | "deferred">;
}

/** Of the CPU where the system tells it: on a machine that others use, the clock counts them, too. */
export const ratioThatCounts = ({ byCpu, byClock }: Against): Ratio =>
  Number.isNaN(byCpu.median) ? byClock : byCpu;

/** What the target of an operation is about: the floor that does all that its answer needs. */
const measuredAgainst = ({ floor, signing }: Pick<Row, "floor" | "signing">): Against | null =>
  signing ?? floor;

function faultsOf(
  { budget = {}, target, mostCpu = Infinity }: Operation,
  cost: Cost,
  app: Measure,
  against: Against | null,
): string[] {
  const faults = Object.entries(budget)
    .filter(([figure, most]) => cost[figure as keyof Cost] > most)
    .map(([figure, most]) => `${figure} ${cost[figure as keyof Cost]} > ${most}`);
  const ratio = against && ratioThatCounts(against).median;
  // As the table shows it: nobody could see why 0.8999 is not enough.
  if (target !== undefined && ratio !== null && Number(ratio.toFixed(2)) < target)
    faults.push(`${ratio.toFixed(2)} < ${target} of the floor`);
  if (app.cpu > mostCpu) faults.push(`${app.cpu.toFixed(0)} ms of CPU > ${mostCpu}`);
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
  const floors = await teachFloor(world, operation, all);
  const { ports, pid } = world.house;
  let n = 0;
  const side = (port: number, status: number, call: (n: number) => Call): Side => ({
    callers: new Callers(port),
    pid,
    status,
    before,
    next: () => call(n++),
  });
  const service = side(ports.app, operation.status, (at) => operation.call(world, at));
  const others = floors
    ? [floors.plain, ...(floors.signing ? [floors.signing] : [])].map((call) => side(ports.floor, 200, call))
    : [];
  const { app, against } = await compare(service, others, { ...effort, ...operation.bulk });
  for (const { callers } of [service, ...others]) callers.close();
  await operation.after?.(world);
  const [floor = null, signing = null] = against;
  const faults = faultsOf(operation, cost, app, measuredAgainst({ floor, signing }));
  return { name: operation.name, cost, deferred, app, floor, signing, faults };
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
    const { app, against } = await compare(few!, [many!], effort);
    for (const { callers } of [few!, many!]) callers.close();
    for (const world of [small, large]) await operation.after?.(world);
    // Throughput of the few over that of the many is how much more one of the many takes.
    const { measure: grown, byCpu } = against[0]!;
    growth.push({ name: operation.name, p50: grown.p50 / app.p50, cpu: byCpu });
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
