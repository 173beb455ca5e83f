// Random stories of claims. The statement that claims a seat plays them in Node's SQLite, and so does its model.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import fc from "fast-check";
import type { Context } from "../../../src/context.ts";
import { claimSeat } from "../../../src/licensing/seats/claim.ts";
import type { NamedStatement, SqlValue } from "../../../src/storage/database.ts";
import { type Claim, claimed, type Kept, type LicenseTerms, type SeatRow } from "./seats-model.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations");
/** When every story begins: a midnight. */
export const NOW = Date.UTC(2026, 10, 24);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LICENSE = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

/** What the other license has in common with this one. */
const COPIED = `customer_id, license_type, revision, issued_at, starts_at, expires_at, grace_days, lease_days, check_in_hours,
  features, max_instances, updated_at, unproven_lease_hours, clone_policy, unproven_until`;

/** Another license of the same customer, and an ended activation of this license: neither counts. */
const OTHERS = `
  INSERT INTO licenses (id, status, ${COPIED}) SELECT 'lic_other', 'revoked', ${COPIED} FROM licenses WHERE id = '${LICENSE}';
  INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at, lease_expires_at, check_in_at,
    seats_in_use, seats_lapsed, usage_day, requests)
  VALUES ('lic_other', 0, 'a', 'act_x', 0, 0, 9999999999000, 0, 1, 0, '2026-11-24', 5),
    ('${LICENSE}', 1, 'b', 'act_y', 0, 0, 9999999999000, 0, 1, 0, '2026-11-24', 5)`;

export type Mutate = (sql: string) => string;

export const newDatabase = (): DatabaseSync => {
  const database = new DatabaseSync(":memory:");
  for (const name of globSync("*.sql", { cwd: MIGRATIONS }).toSorted())
    database.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
  database
    .prepare("INSERT INTO customers (id, name, created_at, updated_at) VALUES ('acme', 'Acme', 0, 0)")
    .run();
  return database;
};

/** The statement that ran last: preparing takes longer than running. */
let last: { database: DatabaseSync; text: string; statement: StatementSync } | null = null;

function prepared(database: DatabaseSync, text: string): StatementSync {
  if (last?.database !== database || last.text !== text)
    last = { database, text, statement: database.prepare(text) };
  return last.statement;
}

/** Carries out a claim with the service's own statement, or with a changed one. */
function carryOut(database: DatabaseSync, claim: Claim, mutate: Mutate): void {
  const run = ({ text, names }: NamedStatement, values: Record<string, SqlValue>): void => {
    const bound = Object.fromEntries(names.map((name, n) => [`p${n + 1}`, values[name] ?? null]));
    prepared(database, mutate(text).replaceAll(/\?(\d+)/g, ":p$1")).run(bound as Record<string, string>);
  };
  const context = {
    db: { run },
    ids: { ulid: () => claim.id.slice(-10), random: () => (claim.spread - 0.9) / 0.2 },
    actor: { type: claim.by.actor_type, id: claim.by.actor_id },
    requestId: claim.by.request_id,
    ip: claim.by.ip,
  } as unknown as Context;
  claimSeat(context, claim.now, {
    key: { licenseId: LICENSE, revision: claim.revision, issuedAt: 0, issuer: "http://localhost:8787" },
    instance_id: claim.instance,
    fingerprint: claim.fingerprint,
    hostname: claim.told.hostname,
    app_version: claim.told.app_version,
    labels:
      claim.told.labels === undefined ? undefined : (JSON.parse(claim.told.labels) as Record<string, string>),
    returning: claim.returning,
    certificate:
      claim.presented === null ? null : { activationId: claim.certified ?? "", issuedAt: claim.presented },
    usage: claim.usage ?? undefined,
    file: claim.file
      ? { leaseUntil: claim.file.lease_until, provenKey: claim.file.key, replace: claim.file.replace }
      : undefined,
    lease_hours: claim.lease_hours,
  });
}

const SHOWN = `instance_id, id, activated_at, last_seen_at, lease_expires_at, check_in_at, seats_in_use, seats_lapsed,
  replaces, fingerprint, usage_day, requests, services, presented_at, strays,
  clone_suspected_at, fingerprint_changed_at, occasion, hostname, app_version, labels, ip, actor_type, actor_id, request_id,
  proven, proven_until, unproven_until, unproven, scattered_at, proven_request, public_key, public_key_since, freed_at,
  usage_corrected, certified_at`;

/** The seats of the license as they stand, by instance. */
export const rowsIn = (database: DatabaseSync): SeatRow[] =>
  database
    .prepare(
      `SELECT ${SHOWN} FROM activations WHERE license_id = '${LICENSE}' AND ended_at = 0 ORDER BY instance_id`,
    )
    .all() as unknown as SeatRow[];

function setLicense(database: DatabaseSync, license: LicenseTerms): void {
  database.exec(
    "DELETE FROM activations; DELETE FROM license_seats; DELETE FROM new_instances; DELETE FROM licenses",
  );
  database
    .prepare(
      `INSERT INTO licenses (id, customer_id, license_type, issued_at, features, updated_at, status, revision,
         starts_at, expires_at, grace_days, lease_days, check_in_hours, max_instances, unproven_lease_hours,
         clone_policy, unproven_until)
       VALUES ('${LICENSE}', 'acme', 'standard', 0, '[]', 0, :status, :revision, :starts_at, :expires_at, :grace_days,
         :lease_days, :check_in_hours, :max_instances, :unproven_lease_hours, :clone_policy, :unproven_until)`,
    )
    .run({ ...license });
  database.exec(OTHERS);
}

/** Mostly null: a value about once in `times` values. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const SECONDS = fc.integer({ min: -3, max: 3 }).map((n) => n * 1_000);

/** Often exactly at an edge, or just beside it; else anywhere. */
const near = (...edges: number[]): fc.Arbitrary<number> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom(...edges), fc.constantFrom(-1, 0, 0, 1)).map(([a, b]) => a + b),
    },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 * DAY }) },
  );

const licenses: fc.Arbitrary<LicenseTerms> = fc.record({
  status: fc.constantFrom("active", "active", "active", "active", "active", "suspended", "revoked"),
  revision: fc.constantFrom(1, 2),
  starts_at: fc.option(
    SECONDS.map((n) => NOW + n),
    { freq: 3 },
  ),
  expires_at: fc.option(fc.constantFrom(NOW + DAY, NOW + 2 * DAY, NOW + 400 * DAY), { freq: 3 }),
  grace_days: fc.constantFrom(0, 1),
  lease_days: fc.constantFrom(1, 2),
  check_in_hours: fc.constantFrom(1, 24, 240),
  max_instances: fc.option(fc.constantFrom(1, 2), { freq: 4 }),
  unproven_lease_hours: fc.constantFrom(1, 6, 72),
  clone_policy: fc.constantFrom("warn", "warn", "refuse"),
  unproven_until: seldom(fc.constantFrom(NOW + 3 * HOUR, NOW + DAY, NOW + 30 * DAY), 2),
});

/** A step of a story; what a certificate says depends on the rows that are there. */
const steps = fc.record({
  after: near(0, 0, 1_000, HOUR, DAY, 2 * DAY, 6 * DAY, 7 * DAY),
  /** Exactly when the instance's lease or last proven lease ends, or just beside it, if that is in the future. */
  atLeaseEnd: fc.option(fc.constantFrom(-1, 0, 0, 1), { freq: 3 }),
  atProvenEnd: fc.boolean(),
  /** Exactly when a replaced key stops renewing, or when a quiet week is over. */
  atEdge: seldom(fc.tuple(fc.constantFrom("replaced", "quiet", "midnight"), fc.constantFrom(-1, 0, 1)), 6),
  /** Replaces the key before the claim; for how many hours the former one still renews, null: as before. */
  reissue: seldom(fc.record({ hours: fc.constantFrom(null, 0, 1, 72) }), 10),
  /** What staff change in the license's terms before the claim. */
  terms: seldom(
    fc.record({
      lease_days: fc.constantFrom(1, 2, 20),
      unproven_lease_hours: fc.constantFrom(1, 5, 72),
      clone_policy: fc.constantFrom("warn" as const, "refuse" as const),
    }),
    8,
  ),
  /** Before the claim, the seats whose lease ran out are marked as ended. */
  settled: seldom(fc.constant(true), 4),
  /** The same request again, as if its batch was sent twice. */
  again: seldom(fc.constant(true), 8),
  /** How many new instances already took a seat today, and whether this one did. */
  newIds: seldom(
    fc.record({ count: fc.constantFrom(999, 1_000, 1_001, 99_999, 100_000), known: fc.boolean() }),
    6,
  ),
  /** Lowers or raises the limit before the claim. */
  limit: fc.option(fc.constantFrom(1, 2, 3, 101), { freq: 5 }),
  /** Lets the license end so many days after the claim. */
  end: seldom(fc.constantFrom(0.5, 3, 30), 12),
  /** By how much the kept count of seats is too high. */
  crowd: seldom(fc.constantFrom(1, 998, 999, 1_000, 1_001), 4),
  instance: fc.constantFrom("a", "b", "c"),
  revision: fc.constantFrom(1, 1, 2, 3),
  returning: fc.boolean(),
  certificate: fc.constantFrom("none", "none", "last", "last", "before", "older", "foreign"),
  fingerprint: fc.constantFrom(null, null, "x", "y"),
  usage: fc.option(
    fc.record({
      day: fc.constantFrom("2026-11-23", "2026-11-24", "2026-11-25"),
      requests: fc.integer({ min: 0, max: 9 }),
      services: fc.integer({ min: 0, max: 9 }),
    }),
    { freq: 2 },
  ),
  lease: fc.option(fc.constantFrom(0.5, 1, 5), { freq: 5 }),
  leaseHours: seldom(fc.constantFrom(1, 2, 5, 24, 25, 100), 3),
  /** The key that a request file proves, and whether staff say that it replaces another. */
  key: fc.constantFrom(null, "k1", "k1", "k2"),
  replace: fc.constantFrom(false, false, true),
  /** Before the claim, staff free the instance's seat while its file still runs, or correct its last day. */
  freed: seldom(fc.constant(true), 8),
  corrected: seldom(fc.constant(true), 6),
  /** The seat's lease is one that a release of before gave. */
  former: seldom(fc.constant(true), 10),
  spread: fc.constantFrom(0.9, 1, 1.0999),
  told: fc.constantFrom(
    {},
    {},
    { hostname: "h1" },
    { hostname: "h2", app_version: "1" },
    { app_version: "2", labels: '{"a":"b"}' },
    { labels: "{}" },
  ),
  ip: fc.constantFrom(null, "192.0.2.1", "192.0.2.2"),
  staff: fc.constantFrom(false, false, false, false, true),
});

export type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** A license that allows one instance everything, and others that use its name. */
const openLicenses: fc.Arbitrary<LicenseTerms> = fc.record({
  status: fc.constant("active" as const),
  revision: fc.constant(1),
  starts_at: fc.constant(null),
  expires_at: fc.option(fc.constantFrom(NOW + 3 * HOUR, NOW + 2 * DAY, NOW + 30 * DAY), { freq: 2 }),
  grace_days: fc.constantFrom(0, 1),
  lease_days: fc.constantFrom(1, 20),
  check_in_hours: fc.constant(24),
  max_instances: fc.constantFrom(null, 1, 100, 101),
  unproven_lease_hours: fc.constantFrom(1, 5, 24),
  clone_policy: fc.constantFrom("warn", "refuse"),
  unproven_until: seldom(fc.constantFrom(NOW + 3 * HOUR, NOW + 10 * DAY), 2),
});

const disputes = fc
  .tuple(
    steps,
    fc.record({
      after: fc.constantFrom(0, 1, 999, 1_000, 60_000, HOUR, 5 * HOUR, DAY - 1, DAY, 3 * DAY, 6 * DAY),
      atLeaseEnd: seldom(fc.constantFrom(-1, 0, 1), 6),
      atEdge: seldom(
        fc.tuple(fc.constantFrom("quiet", "quiet", "midnight", "replaced"), fc.constantFrom(-1, 0, 1)),
        4,
      ),
      reissue: seldom(fc.record({ hours: fc.constantFrom(null, 0, 1, 72) }), 12),
      limit: fc.constant(null),
      instance: fc.constantFrom("a", "a", "a", "a", "b"),
      revision: fc.constantFrom(1, 1, 1, 2),
      returning: fc.constant(false),
      certificate: fc.constantFrom("none", "none", "none", "last", "last", "before", "older"),
      fingerprint: fc.constantFrom(null, null, "x", "y"),
      lease: fc.constant(null),
      leaseHours: fc.constantFrom(null, null, null, 1, 5, 24, 25),
      told: fc.constantFrom({}, {}, { hostname: "h1" }, { hostname: "h2", app_version: "1" }),
      ip: fc.constantFrom("192.0.2.1", "192.0.2.1", "192.0.2.2", null),
      staff: fc.constant(false),
    }),
  )
  .map(([step, dispute]): Step => Object.assign(step, dispute));

/** Several files for one seat, with and without keys, from staff or (which never happens) from an instance. */
const files = fc
  .tuple(
    disputes,
    fc.record({
      after: fc.constantFrom(0, 1, HOUR, DAY, 3 * DAY),
      instance: fc.constantFrom("a", "a", "a", "b"),
      revision: fc.constantFrom(1, 1, 2),
      returning: fc.constantFrom(false, false, true),
      lease: fc.constantFrom(null, 5, 20),
      usage: fc.record({
        day: fc.constantFrom("2026-11-24", "2026-11-24", "2026-11-25"),
        requests: fc.integer({ min: 0, max: 9 }),
        services: fc.integer({ min: 0, max: 9 }),
      }),
      freed: seldom(fc.constant(true), 5),
      corrected: seldom(fc.constant(true), 3),
      staff: fc.boolean(),
    }),
  )
  .map(([step, file]): Step => Object.assign(step, file));

/** A license, and claims of its seats one after the other. */
type Story = [LicenseTerms, Step[]];

const wholeSecond = (at: number): number => Math.floor(at / 1_000) * 1_000;

function claimOf(step: Step, now: number, n: number, rows: SeatRow[]): Claim {
  const known = rows.find(({ instance_id }) => instance_id === step.instance);
  const issued = {
    none: null,
    last: known ? wholeSecond(known.last_seen_at) : null,
    before: known?.presented_at ?? null,
    older: NOW - 1_000 * (n + 1),
    foreign: NOW - DAY,
  }[step.certificate];
  const again = step.again && known !== undefined;
  return {
    instance: step.instance,
    now,
    revision: step.revision,
    returning: step.returning,
    certified: issued === null ? null : step.certificate === "foreign" ? "act_other" : (known?.id ?? ""),
    presented: issued,
    fingerprint: step.fingerprint,
    usage: step.usage,
    file:
      step.lease === null
        ? null
        : { lease_until: wholeSecond(now) + step.lease * DAY, key: step.key, replace: step.replace },
    lease_hours: step.leaseHours,
    spread: step.spread,
    id: `act_${LICENSE.slice(4)}_${String(n).padStart(10, "0")}`,
    told: step.told,
    by: {
      ip: step.ip,
      actor_type: step.staff ? "staff" : "instance",
      actor_id: step.staff ? `tok_${n}` : step.instance,
      request_id: again ? known.request_id : `request-${n}`,
    },
  };
}

function timeOf(step: Step, now: number, { unproven_until }: LicenseTerms, rows: SeatRow[]): number {
  const own = rows.find(({ instance_id }) => instance_id === step.instance);
  const lease = (step.atProvenEnd && own?.proven_until) || (own?.lease_expires_at ?? 0);
  if (step.atLeaseEnd !== null && lease > now) return Math.max(now, lease + step.atLeaseEnd);
  if (step.atEdge !== null) {
    const edge = {
      replaced: unproven_until ?? 0,
      quiet: (own?.clone_suspected_at ?? 0) + 7 * DAY,
      midnight: (Math.floor(now / DAY) + 1) * DAY,
    }[step.atEdge[0]];
    if (edge > now) return Math.max(now, edge + step.atEdge[1]);
  }
  return now + Math.max(0, step.after);
}

/** Sets the license's counters: what the service counts after its answers, and more seats than a story has. */
function setKept(
  database: DatabaseSync,
  { newIds, crowd, instance }: Step,
  now: number,
  seated: number,
): Kept {
  const today = new Date(now).toISOString().slice(0, 10);
  database.exec("DELETE FROM new_instances");
  const { count, known } = newIds ?? { count: 0, known: false };
  const all = seated + (crowd ?? 0);
  database
    .prepare(
      `INSERT INTO license_seats (license_id, seated, new_day, new_ids) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET seated = ?2, new_day = ?3, new_ids = ?4`,
    )
    .run(LICENSE, all, today, count);
  const others: [string, string, string][] = [
    [today, LICENSE, "another"],
    [today, "lic_other", instance],
    ["2026-01-01", LICENSE, instance],
    ...(known ? [[today, LICENSE, instance] as [string, string, string]] : []),
  ];
  for (const row of others) database.prepare("INSERT INTO new_instances VALUES (?, ?, ?)").run(...row);
  return { seated: all, newIds: count, known: known ? [instance] : [] };
}

/** What others do to the instance's seat before its claim: staff, or a release of before. */
function handled(
  database: DatabaseSync,
  { freed, corrected, former }: Step,
  now: number,
  row: SeatRow,
): SeatRow {
  const changed = {
    freed_at: freed ? now : row.freed_at,
    usage_corrected: corrected && row.usage_day !== null ? 1 : row.usage_corrected,
    proven_until: former ? null : row.proven_until,
  };
  database
    .prepare(
      "UPDATE activations SET freed_at = ?, usage_corrected = ?, proven_until = ? WHERE ended_at = 0 AND instance_id = ? AND license_id = ?",
    )
    .run(changed.freed_at, changed.usage_corrected, changed.proven_until, row.instance_id, LICENSE);
  return { ...row, ...changed };
}

/** Ends the seats whose lease ran out: they hold none, and the next claim finds no trace of them. */
function settled(database: DatabaseSync, now: number, rows: SeatRow[]): SeatRow[] {
  database
    .prepare(
      `UPDATE OR REPLACE activations SET ended_at = max(activated_at, lease_expires_at), ended_by = 'lease'
       WHERE ended_at = 0 AND license_id = ? AND lease_expires_at <= ?`,
    )
    .run(LICENSE, now);
  return rows.filter(({ lease_expires_at }) => lease_expires_at > now);
}

/** What staff change in the license before the claim. */
function changeTerms(database: DatabaseSync, license: LicenseTerms, step: Step, now: number): void {
  const { reissue, terms, limit, end } = step;
  if (reissue === null && terms === null && limit === null && end === null) return;
  const hours = reissue?.hours ?? null;
  Object.assign(license, {
    ...terms,
    ...(reissue ? { revision: license.revision + 1 } : {}),
    ...(hours === null ? {} : { unproven_until: hours === 0 ? null : wholeSecond(now) + hours * HOUR }),
    ...(limit === null ? {} : { max_instances: limit }),
    ...(end === null || license.expires_at === null ? {} : { expires_at: wholeSecond(now) + end * DAY }),
  });
  database
    .prepare(
      `UPDATE licenses SET revision = :revision, unproven_until = :unproven_until, max_instances = :max_instances,
         expires_at = :expires_at, lease_days = :lease_days, unproven_lease_hours = :unproven_lease_hours,
         clone_policy = :clone_policy WHERE id = :id`,
    )
    .run({
      id: LICENSE,
      revision: license.revision,
      unproven_until: license.unproven_until,
      max_instances: license.max_instances,
      expires_at: license.expires_at,
      lease_days: license.lease_days,
      unproven_lease_hours: license.unproven_lease_hours,
      clone_policy: license.clone_policy,
    });
}

/** Plays a story with the statement and with the model. @returns the first step at which they differ, or null */
export function difference(
  database: DatabaseSync,
  [terms, story]: Story,
  mutate: Mutate = (sql) => sql,
): { n: number; claim: Claim; actual: SeatRow[]; expected: SeatRow[] } | null {
  const license = { ...terms };
  setLicense(database, license);
  let rows: SeatRow[] = [];
  let now = NOW;
  for (const [n, step] of story.entries()) {
    now = timeOf(step, now, license, rows);
    rows = rows.map((row) => (row.instance_id === step.instance ? handled(database, step, now, row) : row));
    if (step.settled) rows = settled(database, now, rows);
    changeTerms(database, license, step, now);
    const claim = claimOf(step, now, n, rows);
    const row = claimed(license, rows, claim, setKept(database, step, now, rows.length));
    carryOut(database, claim, mutate);
    if (row)
      rows = [...rows.filter(({ instance_id }) => instance_id !== row.instance_id), row].toSorted((a, b) =>
        a.instance_id < b.instance_id ? -1 : 1,
      );
    const actual = rowsIn(database);
    if (JSON.stringify(actual, KEYS) !== JSON.stringify(rows, KEYS))
      return { n, claim, actual, expected: rows };
  }
  return null;
}

const KEYS = SHOWN.split(/,\s+/);

export const storiesOf = (count: number, seed = 1): Story[] =>
  fc.sample(
    fc.oneof(
      fc.tuple(licenses, fc.array(steps, { minLength: 2, maxLength: 8 })),
      fc.tuple(openLicenses, fc.array(disputes, { minLength: 3, maxLength: 12, size: "max" })),
      fc.tuple(openLicenses, fc.array(files, { minLength: 3, maxLength: 8, size: "max" })),
    ),
    { numRuns: count, seed },
  );
