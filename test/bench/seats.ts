// Whether a call takes longer if its license has many seats: the same calls, in turn, on licenses with few and many.
import { compare, type Effort, type Ratio } from "./compare.ts";
import type { Cost } from "./cost.ts";
import { Callers, type Call } from "./load.ts";
import { costOf } from "./measure.ts";
import { INSTANCE, today, type World } from "./operations.ts";
import { licenseId, SEATS } from "./seed.ts";

export interface Crowded {
  name: string;
  few: Cost;
  many: Cost;
  /** What a call takes with many seats, as a multiple of what it takes with few. */
  p50: number;
  cpu: Ratio;
}

const FEW = 5;
const MANY = 50_000;

/** Hot licenses by their number: two of each kind, so that not one row alone is written. */
const UNLIMITED = { few: [0, 1], many: [2, 3] };
const LIMITED = { few: [4, 5], many: [6, 7] };

/** Gives a hot license so many seats. Those that it had before have the first numbers. */
async function crowd({ house: { db } }: World, n: number, seats: number, limit: number | null) {
  const id = licenseId(n + 1);
  await db.prepare("UPDATE licenses SET max_instances = ? WHERE id = ?").bind(limit, id).run();
  await db
    .prepare(
      `WITH RECURSIVE numbers(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?3)
       INSERT INTO activations (license_id, instance_id, id, activated_at, last_seen_at, lease_expires_at,
         check_in_at, seats_in_use, seats_lapsed)
       SELECT ?1, 'seat-' || i, 'act_' || substr(?1, 5) || '_crowd' || i, a.activated_at, a.last_seen_at,
         a.lease_expires_at, a.check_in_at, 1, 0
       FROM numbers CROSS JOIN activations a
       WHERE a.license_id = ?1 AND a.ended_at = 0 AND a.instance_id = 'seat-0'`,
    )
    .bind(id, SEATS, seats)
    .run();
}

interface CrowdedCall {
  name: string;
  kind: typeof UNLIMITED;
  call: (world: World, license: number, n: number) => Call;
}

const checkIn: CrowdedCall["call"] = ({ keys, certificates }, license, n) => ({
  method: "POST",
  path: "/v1/check-in",
  body: {
    license_key: keys[license],
    instance_id: "seat-0",
    certificate: certificates[license],
    usage: [{ date: today(), requests: n, services: 3 }],
  },
});

const CALLS: CrowdedCall[] = [
  { name: "check-in, unlimited license", kind: UNLIMITED, call: checkIn },
  { name: "check-in, limited license", kind: LIMITED, call: checkIn },
  {
    name: "activate a new instance, unlimited license",
    kind: UNLIMITED,
    call: ({ keys }, license, n) => ({
      method: "POST",
      path: "/v1/activate",
      body: { license_key: keys[license], instance_id: `${INSTANCE}-${n}` },
    }),
  },
];

/** Takes away the seats that the calls took. A range of the key: a search of all seats would take longer than the call. */
const withoutNew = ({ house: { db } }: World): Promise<unknown> =>
  db.batch(
    ["activations", "new_instances"].map((table) =>
      db
        .prepare(
          `DELETE FROM ${table} WHERE license_id IN (SELECT value FROM json_each(?1))
           AND instance_id >= ?2 AND instance_id < ?2 || '~' ${table === "activations" ? "AND ended_at = 0" : ""}`,
        )
        .bind(JSON.stringify([...UNLIMITED.few, ...UNLIMITED.many].map((n) => licenseId(n + 1))), INSTANCE),
    ),
  );

/** Leaves the crowded licenses as they are: nothing else is measured on this database afterward. */
export async function measureSeats(world: World, effort: Effort): Promise<Crowded[]> {
  for (const [kind, limit] of [
    [UNLIMITED, null],
    [LIMITED, 2 * MANY],
  ] as const) {
    for (const n of kind.few) await crowd(world, n, FEW, limit);
    for (const n of kind.many) await crowd(world, n, MANY, limit);
  }
  const rows: Crowded[] = [];
  let n = 0;
  for (const { name, kind, call } of CALLS) {
    const next = (licenses: number[]) => (): Call => call(world, licenses[n % licenses.length]!, ++n);
    const before = (): Promise<unknown> => withoutNew(world);
    const costs: Cost[] = [];
    for (const licenses of [kind.few, kind.many]) {
      await before();
      // Once before it counts: what is done once an hour is done then.
      for (const _ of licenses) await costOf(world, next(licenses)(), 200);
      costs.push((await costOf(world, next(licenses)(), 200)).cost);
    }
    const [few, many] = [kind.few, kind.many].map((licenses) => ({
      callers: new Callers(world.house.ports.app),
      pid: world.house.pid,
      status: 200,
      before,
      next: next(licenses),
    }));
    const { app, against } = await compare(few!, [many!], effort);
    for (const { callers } of [few!, many!]) callers.close();
    const { measure, byCpu } = against[0]!;
    rows.push({ name, few: costs[0]!, many: costs[1]!, p50: measure.p50 / app.p50, cpu: byCpu });
  }
  return rows;
}
