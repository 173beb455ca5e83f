// Licenses and activations in bulk, straight into the database's file, as the service would have made them:
// the triggers stand aside while the rows go in, and the counters that they keep are counted afterwards.
import { DatabaseSync } from "node:sqlite";
import { CompactSign, importJWK, type JWK } from "jose";
import { GENESIS, hashOf } from "../../src/audit/chain.ts";
import { formatInstant } from "../../src/kernel/dates.ts";
import { normalizeTerm, termsOf } from "../../src/licensing/customers/search-terms.ts";
import { ISSUER } from "./house.ts";

export const DAY = 86_400_000;

/** Licenses that the operations of the bench work on: the same ones at every size, without limits. */
export const HOT = 500;

/** The customer whose licenses are exported. */
export const BULK_CUSTOMER = "bulk";

export const SEATS = 3;

export interface Size {
  licenses: number;
  /** Of them, how many end in a month less twelve hours: the night finds them due. */
  due: number;
  /** Of them, how many are the bulk customer's. */
  bulk: number;
  /** Activations of each license, if not as many as usual. */
  seats?: number;
  /** Without a seal: the seeded one leaves out all but the last event, which a restore would notice. */
  unsealed?: true;
}

/** The id of the nth license, from 1 on; they sort as they were issued. */
export const licenseId = (n: number): string => `lic_01${String(n).padStart(24, "0")}`;

const CUSTOMER_ID = "'customer-' || printf('%07d', CUSTOMER)";

const LICENSES = `
  WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < :licenses),
  kinds AS (
    SELECT n, n <= :hot AS hot, n > :hot AND n <= :hot + :due AS due, n > :licenses - :bulk AS bulk FROM numbers
  )
  INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, starts_at, expires_at,
    grace_days, lease_days, check_in_hours, features, max_instances, max_services, max_requests_per_day,
    metadata, version, updated_at)
  SELECT printf('lic_01%024d', n),
    CASE WHEN bulk THEN '${BULK_CUSTOMER}' ELSE ${CUSTOMER_ID.replace("CUSTOMER", "n % :customers")} END,
    CASE n % 10 WHEN 0 THEN 'trial' WHEN 1 THEN 'enterprise' WHEN 2 THEN 'professional' ELSE 'standard' END,
    CASE WHEN hot OR due THEN 'active' WHEN n % 100 = 0 THEN 'suspended' WHEN n % 100 = 1 THEN 'revoked' ELSE 'active' END,
    CASE WHEN NOT hot AND n % 50 = 3 THEN 2 ELSE 1 END,
    :now - (n % 700 + 1) * ${DAY}, NULL,
    CASE WHEN hot THEN :now + 200 * ${DAY} WHEN due THEN :now + 59 * ${DAY / 2}
      WHEN n % 20 = 4 THEN NULL
      WHEN n % 10 = 5 THEN :now - (40 + n % 600) * ${DAY}
      ELSE :now + (40 + n % 500) * ${DAY} + n % 86400 * 1000 END,
    14, 30, 24, '["orchestration","api"]', CASE WHEN hot THEN NULL ELSE 5 END, CASE WHEN hot THEN NULL ELSE 10 END, CASE WHEN hot THEN NULL ELSE 10000 END,
    '{}', 1, :now
  FROM kinds`;

const ACTIVATIONS = `
  INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at, lease_expires_at,
    check_in_at, seats_in_use, seats_lapsed, fingerprint, hostname, app_version, ip, occasion)
  SELECT l.id, 0, 'seat-' || seat.value, 'act_' || substr(l.id, 5) || '_' || printf('%010d', seat.value),
    l.issued_at, :now, :now + 20 * ${DAY}, :now + ${DAY}, ${SEATS}, 0,
    'sha256:3b1f0c', 'caio-' || seat.value || '.internal', '2.4.1', '192.0.2.1', 'activation.created'
  FROM licenses l CROSS JOIN json_each(:seats) seat`;

// Time moves forward with the ids, as it does where they are made one after the other.
const EVENTS = `
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  SELECT issued_at, 'license.issued', 'license', id, 'staff', 'ADMIN_TOKEN', 'seed', NULL, '{}'
  FROM licenses ORDER BY issued_at, id;
  INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
  SELECT :now, 'activation.created', 'license', license_id, 'instance', instance_id, 'seed', ip,
    json_object('activation_id', id, 'instance_id', instance_id, 'replaces', NULL)
  FROM activations`;

// As if it was sealed the night before: what a night costs is not what a first one does.
const SEAL = `
  INSERT INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token)
  VALUES (1, :up_to, :up_to, :now, :head, '', :token)`;

interface LastEvent {
  id: number;
  at: number;
  action: string;
  actor_type: string;
  actor_id: string;
  entity_type: string;
  entity_id: string;
  request_id: string;
  ip: string | null;
  detail: string;
}

/** A genuine seal over the last event alone: a night looks at the last seal, and at what that covers. */
async function sealLast(db: DatabaseSync, signingKeys: string, now: number): Promise<void> {
  const row = db.prepare("SELECT * FROM events ORDER BY id DESC LIMIT 1").get() as unknown as LastEvent;
  const { id, actor_type, actor_id, entity_type, entity_id } = row;
  const head = await hashOf(GENESIS, {
    ...row,
    at: formatInstant(row.at),
    actor: { type: actor_type, id: actor_id },
    entity: { type: entity_type, id: entity_id },
    detail: JSON.parse(row.detail) as Record<string, unknown>,
  });
  const [jwk] = (JSON.parse(signingKeys) as { keys: [JWK & { kid: string }] }).keys;
  const claims = { iss: ISSUER, iat: 0, seal: 1, from_id: id, up_to: id, previous: GENESIS, head };
  const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "EdDSA", kid: jwk.kid, typ: "audit-seal+jwt" })
    .sign(await importJWK(jwk, "EdDSA"));
  db.prepare(SEAL).run({ now, up_to: id, head, token });
}

const COUNTERS = `
  DELETE FROM license_counts;
  INSERT INTO license_counts SELECT license_type, status, count(*) FROM licenses GROUP BY 1, 2;
  INSERT INTO license_seats (license_id, seated) SELECT license_id, count(*) FROM activations GROUP BY 1
    ON CONFLICT DO UPDATE SET seated = excluded.seated;
  DELETE FROM license_turns;
  INSERT INTO license_turns SELECT turn, size, prefix, count(*) FROM license_turns_of GROUP BY 1, 2, 3;
  INSERT INTO activation_days
    SELECT strftime('%Y-%m-%d', at / 1000, 'unixepoch'), count(*) FROM events
    WHERE action = 'activation.created' GROUP BY 1;
  UPDATE activation_totals SET (up_to, activations, seated) = (
    SELECT max(id), count(*) FILTER (WHERE action = 'activation.created'),
      count(*) FILTER (WHERE action = 'activation.created') FROM events)`;

/** Fills a database that is migrated and closed. */
export async function seed(
  file: string,
  { licenses, due, bulk, seats = SEATS, unsealed }: Size,
  signingKeys: string,
): Promise<void> {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN");
    const triggers = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all() as {
      name: string;
      sql: string;
    }[];
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    const now = Math.floor(Date.now() / 1000) * 1000;
    const customers = Math.ceil(licenses / 4);
    addCustomers(db, customers, now);
    db.prepare(LICENSES).run({ licenses, hot: HOT, due, bulk, customers, now });
    db.prepare(ACTIVATIONS).run({ now, seats: JSON.stringify(Array.from({ length: seats }, (_, n) => n)) });
    for (const statement of EVENTS.split(";")) {
      db.prepare(statement).run(statement.includes(":now") ? { now } : {});
    }
    if (!unsealed) await sealLast(db, signingKeys, now);
    db.exec(COUNTERS);
    for (const { sql } of triggers) db.exec(sql);
    db.exec("COMMIT");
  } finally {
    db.close();
  }
}

function addCustomers(db: DatabaseSync, count: number, now: number): void {
  const customer = db.prepare(
    "INSERT INTO customers (id, name, email, company, created_at, updated_at, terms_at) VALUES (?, ?, ?, ?, ?, ?, 1)",
  );
  const term = db.prepare("INSERT OR IGNORE INTO customer_terms (term, customer_id) VALUES (?, ?)");
  for (let n = 0; n <= count; n++) {
    const id = n === count ? BULK_CUSTOMER : `customer-${String(n).padStart(7, "0")}`;
    const row = { id, name: `Customer ${n}`, email: `it@${id}.example`, company: `Works ${n} AG` };
    customer.run(id, row.name, row.email, row.company, now, now);
    for (const text of termsOf({ ...row, metadata: {}, tags: [], notes: null }))
      term.run(normalizeTerm(text), id);
  }
}

/** What the statistics have to say, counted license by license. */
export function plainCount(file: string): Record<string, number> {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const ends = `expires_at + grace_days * ${DAY}`;
    return {
      ...db
        .prepare(
          `SELECT count(*) AS total,
            count(*) FILTER (WHERE status = 'suspended') AS suspended,
            count(*) FILTER (WHERE status = 'revoked') AS revoked,
            count(*) FILTER (WHERE status = 'active' AND ${ends} <= ?1) AS expired,
            count(*) FILTER (WHERE status = 'active' AND (expires_at IS NULL OR ${ends} > ?1)) AS active,
            count(*) FILTER (WHERE status = 'active' AND expires_at > ?1 AND expires_at <= ?1 + ${30 * DAY}) AS expiring_soon
           FROM licenses`,
        )
        .get(Date.now()),
      ...db.prepare("SELECT count(*) AS instances FROM activations WHERE ended_at = 0").get(),
    } as Record<string, number>;
  } finally {
    db.close();
  }
}
