// What is measured: one entry per operation. Another page or call to measure is another entry.
import type { Cost } from "./cost.ts";
import type { Effort } from "./compare.ts";
import type { House } from "./house.ts";
import { type Call, CONCURRENCY } from "./load.ts";
import { BULK_CUSTOMER, DAY, HOT, licenseId, SEATS } from "./seed.ts";

/** What the operations of one database work with. */
export interface World {
  /** The name of its database. */
  database: string;
  house: House;
  /** Of the hot license n: its key, and the certificate of its first seat. */
  keys: string[];
  certificates: string[];
  /** More good keys than an isolate remembers, for the licenses in turn. */
  fresh: string[];
  /** Of somebody who is signed in to the console. */
  cookie: string;
}

type Figure = Partial<Record<keyof Cost, number>>;

interface Replay {
  /** The bound values that differ from call to call. */
  varies?: (n: number) => Record<string, string | number>;
  /** Ids that each call makes anew. */
  makes?: RegExp;
  /** Whether the answer has a certificate, so that a floor without a signature could not be a service. */
  signs?: true;
}

type Floor = ({ kind: "batch" | "page" } & Replay) | { kind: "constant" };

export interface Operation {
  name: string;
  call: (world: World, n: number) => Call;
  status: number;
  /**
   * What the app is compared with: its own statements in one batch; a page, whose session is looked up before anything
   * is read for it; or a constant answer. None where one batch would hold more than a Worker may.
   */
  floor?: Floor;
  /** The least throughput, as a part of the floor's, that is good enough. */
  target?: number;
  /** The most that one call may cost. */
  budget?: Figure;
  /** The most CPU, in milliseconds, that one call may take. */
  mostCpu?: number;
  /** Whether it serves one license or one page, and so must cost the same at any size. */
  flat?: boolean;
  /** Only on a database that has the bulk customer, and with an effort of its own: it takes that long. */
  bulk?: Pick<Effort, "pairs" | "fewest">;
  /** Puts things back to how a slice finds them. */
  before?: (world: World) => Promise<unknown>;
  /** Puts things back to how other operations find them. */
  after?: (world: World) => Promise<unknown>;
}

/** The call that the floor learns its statements from. */
export const FIRST = -HOT;

/** Stand for themselves in the statements that the floor learns, and are replaced in those it sends. */
export const INSTANCE = "instance-of-the-bench";
const REQUESTS = 987_654_321;

const hot = (n: number): number => n % HOT;

/** Instances come and go in other numbers for both sides, so that none meets what the other left. */
const visitor = (n: number): string => (n < 0 ? INSTANCE : `visitor-${Math.floor(n / HOT)}`);

export const today = (): string => new Date().toISOString().slice(0, 10);

const hotIds = (): string => JSON.stringify(Array.from({ length: HOT }, (_, n) => licenseId(n + 1)));

/** Takes away every seat of the hot licenses that was not there at first. */
const withoutVisitors = ({ house }: World): Promise<unknown> =>
  house.db.batch(
    [
      `DELETE FROM activations WHERE license_id IN (SELECT value FROM json_each(?))
       AND (ended_at > 0 OR instance_id NOT GLOB 'seat-*')`,
      // Else they are no new ones.
      "DELETE FROM new_instances WHERE license_id IN (SELECT value FROM json_each(?))",
    ].map((sql) => house.db.prepare(sql).bind(hotIds())),
  );

/** Takes away what the hot licenses' instances told of their days, so that the next to tell is a day's first. */
const withoutUsage = ({ house }: World): Promise<unknown> =>
  house.db
    .prepare("DELETE FROM usage WHERE license_id IN (SELECT value FROM json_each(?))")
    .bind(hotIds())
    .run();

/** When the hot licenses end, before they are renewed. */
const HOT_END = (Math.floor(Date.now() / DAY) + 200) * DAY;

/** Puts the hot licenses back to before their first renewal. A slice renews none of them twice. */
function withoutRenewals({ house: { db } }: World): Promise<unknown> {
  return db.batch([
    db
      .prepare(
        "UPDATE licenses SET version = 1, expires_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
      )
      .bind(hotIds(), HOT_END),
    db
      .prepare(
        `DELETE FROM messages
         WHERE kind = 'license_renewed' AND license_id IN (SELECT value FROM json_each(?))`,
      )
      .bind(hotIds()),
  ]);
}

const VISITORS = 8;

/** Gives each hot license the same visitors, who need no certificate, for a slice that sends them away again. */
async function withVisitors(world: World): Promise<unknown> {
  await withoutVisitors(world);
  const names = [INSTANCE, ...Array.from({ length: VISITORS }, (_, n) => visitor(n * HOT))];
  return world.house.db
    .prepare(
      `INSERT INTO activations (license_id, instance_id, id, activated_at, last_seen_at, lease_expires_at,
         check_in_at, seats_in_use, seats_lapsed, proven_until)
       SELECT license_id, name.value, 'act_' || substr(license_id, 5) || '_' || name.key, activated_at,
         last_seen_at, lease_expires_at, check_in_at, seats_in_use, seats_lapsed, last_seen_at
       FROM activations CROSS JOIN json_each(?2) name
       WHERE license_id IN (SELECT value FROM json_each(?1)) AND ended_at = 0 AND instance_id = 'seat-0'`,
    )
    .bind(hotIds(), JSON.stringify(names))
    .run();
}

/** Fires a cron trigger. @returns what it cost */
export async function fire({ ports }: House, cron: string): Promise<Cost> {
  const url = `http://127.0.0.1:${ports.metered}/bench/scheduled?cron=${encodeURIComponent(cron)}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${cron} → ${response.status}: ${await response.text()}`);
  return response.json<Cost>();
}

const post = (path: string, body: object): Call => ({ method: "POST", path, body });

export const admin = (world: World, method: string, path: string, body?: object): Call => ({
  method,
  path: `/v1/admin${path}`,
  headers: { Authorization: `Bearer ${world.house.secrets.ADMIN_TOKEN}` },
  body,
});

const read = (name: string, path: (n: number) => string, more: Partial<Operation> = {}): Operation => ({
  name,
  call: (world, n) => admin(world, "GET", path(n)),
  status: 200,
  floor: { kind: "batch" },
  flat: true,
  ...more,
});

/** A page of the console, for somebody who is signed in. */
const page = (name: string, path: (n: number) => string, more: Partial<Operation> = {}): Operation => ({
  name,
  call: ({ cookie }, n) => ({ method: "GET", path: path(n), headers: { Cookie: cookie } }),
  status: 200,
  floor: { kind: "page" },
  target: 0.6,
  flat: true,
  ...more,
});

/** As every ten minutes: what the operations before did is folded into the counters. */
export const folded = ({ house }: World): Promise<unknown> => fire(house, "*/10 * * * *");

/** A page of 50 of the contract's. */
const PAGE = { trips: 2, read: 200, written: 0 };

const PAGE_VIEW = { trips: 2, written: 0 };

const CLAIM = { trips: 1, read: 10, written: 3 };

/** The call that other designs are compared in, too. */
export const NEW_INSTANCE: Operation = {
  name: "activate, new instance",
  call: ({ keys }, n) => post("/v1/activate", { license_key: keys[hot(n)], instance_id: visitor(n) }),
  status: 200,
  floor: {
    kind: "batch",
    signs: true,
    varies: (n) => ({ [INSTANCE]: visitor(n), [licenseId(1)]: licenseId(hot(n) + 1) }),
  },
  target: 0.9,
  budget: { trips: 1, read: 10 + SEATS, written: 5 },
  flat: true,
  before: withoutVisitors,
  after: withoutVisitors,
};

export const OPERATIONS: Operation[] = [
  NEW_INSTANCE,
  {
    name: "activate again",
    call: ({ keys, certificates }, n) =>
      post("/v1/activate", {
        license_key: keys[hot(n)],
        instance_id: "seat-0",
        certificate: certificates[hot(n)],
      }),
    status: 200,
    floor: { kind: "batch", signs: true, varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }) },
    target: 0.9,
    budget: CLAIM,
    flat: true,
  },
  {
    name: "activate again, key new to the isolate",
    call: ({ fresh, certificates }, n) => {
      const at = (n + fresh.length) % fresh.length;
      return post("/v1/activate", {
        license_key: fresh[at],
        instance_id: "seat-0",
        certificate: certificates[hot(at)],
      });
    },
    status: 200,
    floor: { kind: "batch", signs: true, varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }) },
    budget: CLAIM,
    flat: true,
  },
  {
    name: "check-in with usage and certificate",
    call: ({ keys, certificates }, n) =>
      post("/v1/check-in", {
        license_key: keys[hot(n)],
        instance_id: "seat-0",
        certificate: certificates[hot(n)],
        usage: [{ date: today(), requests: n < 0 ? REQUESTS : REQUESTS + n + 1, services: 3 }],
      }),
    status: 200,
    floor: {
      kind: "batch",
      signs: true,
      varies: (n) => ({ [REQUESTS]: REQUESTS + n + 1, [licenseId(1)]: licenseId(hot(n) + 1) }),
    },
    target: 0.9,
    budget: CLAIM,
    flat: true,
    before: withoutUsage,
  },
  {
    name: "validate",
    call: ({ keys }, n) => post("/v1/validate", { license_key: keys[hot(n)], instance_id: "seat-0" }),
    status: 200,
    floor: { kind: "batch", varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }) },
    target: 0.95,
    budget: { trips: 1, read: 4, written: 0 },
    flat: true,
  },
  {
    name: "deactivate",
    call: ({ keys }, n) =>
      post("/v1/deactivate", {
        license_key: keys[hot(n)],
        instance_id: n < 0 ? INSTANCE : visitor(n % (VISITORS * HOT)),
      }),
    status: 204,
    floor: {
      kind: "batch",
      varies: (n) => ({ [INSTANCE]: visitor(n % (VISITORS * HOT)), [licenseId(1)]: licenseId(hot(n) + 1) }),
    },
    budget: { trips: 1, read: 8, written: 5 },
    flat: true,
    before: withVisitors,
    after: withoutVisitors,
  },
  {
    name: "jwks",
    call: () => ({ method: "GET", path: "/.well-known/jwks.json" }),
    status: 200,
    floor: { kind: "constant" },
    target: 1,
    budget: { trips: 0, read: 0, written: 0 },
    flat: true,
  },
  {
    name: "healthz",
    call: () => ({ method: "GET", path: "/healthz" }),
    status: 200,
    floor: { kind: "constant" },
    budget: { trips: 0, read: 0, written: 0 },
    flat: true,
  },
  {
    name: "revocations",
    call: () => ({ method: "GET", path: "/v1/revocations" }),
    status: 200,
    floor: { kind: "batch" },
    budget: { trips: 1, written: 0 },
  },
  {
    name: "issue",
    call: (world) =>
      admin(world, "POST", "/licenses", { customer_id: "customer-0000001", license_type: "standard" }),
    status: 201,
    floor: { kind: "batch", makes: /\blic_\w{26}/g },
    flat: true,
  },
  {
    name: "renew",
    call: (world, n) => admin(world, "POST", `/licenses/${licenseId(hot(n) + 1)}/renew`, { expires_days: 1 }),
    status: 200,
    floor: {
      kind: "batch",
      varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }),
      makes: /\bmsg_\w{26}/g,
    },
    flat: true,
    before: withoutRenewals,
    after: withoutRenewals,
  },
  read("list licenses, 50", () => "/licenses?limit=50", { budget: PAGE }),
  read("list licenses of a standing, 50", () => "/licenses?limit=50&standing=active", { budget: PAGE }),
  read("list licenses by search, 50", () => "/licenses?limit=50&q=customer-0000010", { budget: PAGE }),
  read("list activations, 50", () => "/activations?limit=50&active=true", { budget: PAGE }),
  read("list events, 50", () => "/events?limit=50", { budget: PAGE }),
  read("one license", (n) => `/licenses/${licenseId(hot(n) + 1)}`, {
    budget: { trips: 2, written: 0 },
    floor: { kind: "batch", varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }) },
  }),
  {
    name: "export of 10 000",
    call: (world) => admin(world, "GET", `/exports/licenses?format=csv&customer_id=${BULK_CUSTOMER}`),
    status: 200,
    bulk: { pairs: 4, fewest: CONCURRENCY },
    // A million licenses within the 30 s of an invocation.
    mostCpu: 300,
  },
  read("statistics", () => "/statistics", { budget: { trips: 2, written: 0 }, before: folded }),
  page("console: license page", (n) => `/admin/licenses/${licenseId(hot(n) + 1)}`, {
    budget: PAGE_VIEW,
    floor: { kind: "page", varies: (n) => ({ [licenseId(1)]: licenseId(hot(n) + 1) }) },
  }),
  page("console: list of licenses", () => "/admin/licenses", { budget: PAGE_VIEW }),
  page("console: overview", () => "/admin", { budget: PAGE_VIEW, before: folded }),
];
