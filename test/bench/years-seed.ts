// What happens in a month: usage every day, mail about ends and renewals, seats that come and go. The rows are those that
// the service writes, with texts as long as real ones.
import type { DatabaseSync } from "node:sqlite";
import { ulid } from "ulid";

const DAY = 86_400_000;

export interface People {
  licenses: string[];
  /** How many instances a license has. */
  seats: number;
  /** Whether their check-ins report usage. */
  usage: boolean;
  /** Months until an instance is replaced: of all, one in so many is replaced in a month. */
  life: number;
}

/** Bytes of a sealed mail with a license key, and of one without. */
const MAIL = { key: 14_000, notice: 12_000 };

const STATEMENTS = {
  customer:
    "INSERT INTO customers (id, name, email, company, created_at, updated_at, terms_at) VALUES (?, ?, ?, ?, ?, ?, 1)",
  term: "INSERT OR IGNORE INTO customer_terms (term, customer_id) VALUES (?, ?)",
  license: `INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days,
      lease_days, check_in_hours, features, max_instances, max_services, max_requests_per_day, updated_at, terms_at)
    VALUES (?, ?, 'standard', 'active', 1, ?, ?, 14, 30, 24, '["orchestration","api"]', 5, 10, 10000, ?, 1)`,
  seat: `INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at, lease_expires_at,
      check_in_at, seats_in_use, seats_lapsed, fingerprint, hostname, app_version, ip, occasion, request_id)
    VALUES (?, 0, ?, ?, ?, ?, ?, ?, 3, 0, ?, 'caio-01.internal.acme.example', '2.4.1', '192.0.2.1', 'activation.created', ?)`,
  event: `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail)
    VALUES (?, ?, 'license', ?, 'staff', 'ADMIN_TOKEN', ?, NULL, ?)`,
  mail: `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status, attempts,
      batch_id, provider_id, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, 'Your CAIO license ends in 7 days', ?, 'delivered', 1, ?, ?, ?, ?)`,
  usage: `INSERT INTO usage (license_id, day, instance_id, requests, services)
    SELECT license_id, ?, instance_id, abs(random() % 20000), abs(random() % 12) FROM activations WHERE ended_at = 0`,
  ended:
    "UPDATE activations SET ended_at = ?, ended_by = 'instance' WHERE license_id = ? AND ended_at = 0 AND instance_id = ?",
  renewal:
    "UPDATE licenses SET expires_at = ?, version = version + 1, terms_at = version + 1, updated_at = ? WHERE id = ?",
};

const text = (length: number): string => {
  let made = "";
  while (made.length < length) made += crypto.randomUUID();
  return made.slice(0, length);
};

let serial = 0;

const instanceId = (): string => crypto.randomUUID();

function seat(db: DatabaseSync, license: string, instance: string, at: number): void {
  const id = `act_${license.slice(4)}_${String(++serial).padStart(10, "0")}`;
  const lease = Math.floor(at / 1000) * 1000 + 30 * DAY;
  db.prepare(STATEMENTS.seat).run(
    license,
    instance,
    id,
    at,
    at,
    lease,
    at + DAY,
    `sha256:${text(64)}`,
    crypto.randomUUID(),
  );
}

export function seedPeople(
  db: DatabaseSync,
  instances: number,
  now: number,
  { seats = 3, usage = true, life = 30 } = {},
): People {
  const count = Math.ceil(instances / seats);
  const licenses: string[] = [];
  db.exec("BEGIN");
  for (let n = 0; n < count; n++) {
    const customer = `cus_${ulid(now)}`;
    const [name, email] = [`Customer Number ${n}`, `it@customer-${n}.example`];
    db.prepare(STATEMENTS.customer).run(customer, name, email, `Works ${n} AG`, now, now);
    for (const term of [
      customer,
      name,
      `number ${n}`,
      `${n}`,
      `works ${n} ag`,
      `${n} ag`,
      "ag",
      email,
      `customer-${n}.example`,
    ])
      db.prepare(STATEMENTS.term).run(term.toLowerCase(), customer);
    const license = `lic_${ulid(now + n)}`;
    licenses.push(license);
    // They end all over the year.
    const ends = Math.floor((now + 90 * DAY + (n % 365) * DAY) / 1000) * 1000;
    db.prepare(STATEMENTS.license).run(license, customer, Math.floor(now / 1000) * 1000, ends, now);
    db.prepare(STATEMENTS.event).run(
      now,
      "license.issued",
      license,
      crypto.randomUUID(),
      JSON.stringify({ after: text(600) }),
    );
    for (let s = 0; s < seats; s++) seat(db, license, instanceId(), now);
  }
  db.exec("COMMIT");
  return { licenses, seats, usage, life };
}

/** Instances by the hundred thousand as they lie there after 25 months, without the triggers: their rows are made, too. */
export function makeAll(db: DatabaseSync, count: number, now: number): void {
  const triggers = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all() as {
    name: string;
  }[];
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  seedPeople(db, count, now);
  const days = Array.from({ length: 90 }, (_, n) =>
    new Date(now - (n + 1) * DAY).toISOString().slice(0, 10),
  ).toSorted();
  const first = new Date(now - 91 * DAY);
  const months = Array.from({ length: 23 }, (_, n) =>
    new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() - n)).toISOString().slice(0, 7),
  ).toSorted();
  const month = JSON.stringify(
    Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [String(n + 1).padStart(2, "0"), [10_000 + n * 37, 1 + (n % 12)]]),
    ),
  );
  const fill = (sql: string, list: string[]): void => {
    db.exec("BEGIN");
    db.prepare(sql).run(...(sql.includes("?2") ? [JSON.stringify(list), month] : [JSON.stringify(list)]));
    db.exec("COMMIT");
  };
  // In the order of each table's key.
  fill(
    `INSERT INTO usage (license_id, day, instance_id, requests, services)
     SELECT a.license_id, day.value, a.instance_id, abs(random() % 20000), abs(random() % 12)
     FROM (SELECT id FROM licenses ORDER BY id) l CROSS JOIN json_each(?1) day CROSS JOIN activations a ON a.license_id = l.id`,
    days,
  );
  fill(
    `INSERT INTO license_usage (day, license_id, requests, services)
     SELECT day.value, l.id, 30000, 12 FROM json_each(?1) day CROSS JOIN (SELECT id FROM licenses ORDER BY id) l`,
    days,
  );
  fill(
    `INSERT INTO usage_months (month, license_id, instance_id, days)
     SELECT month.value, a.license_id, a.instance_id, ?2
     FROM json_each(?1) month CROSS JOIN (SELECT id FROM licenses ORDER BY id) l CROSS JOIN activations a ON a.license_id = l.id`,
    months,
  );
  fill(
    `INSERT INTO license_usage_months (month, license_id, days)
     SELECT month.value, l.id, ?2 FROM json_each(?1) month CROSS JOIN (SELECT id FROM licenses ORDER BY id) l`,
    months,
  );
}

/** A month of everybody, from its first moment up to the first of the next. */
export function liveMonth(
  db: DatabaseSync,
  { licenses, seats, usage, life }: People,
  from: number,
  to: number,
): void {
  if (usage) {
    for (let at = from; at < to; at += DAY) {
      db.prepare(STATEMENTS.usage).run(new Date(at).toISOString().slice(0, 10));
    }
  }
  db.prepare("UPDATE activations SET last_seen_at = ?, occasion = NULL WHERE ended_at = 0").run(to - DAY);
  const turn = Math.floor(from / DAY);
  for (const [n, license] of licenses.entries()) {
    for (let s = 0; s < seats; s++) if ((n * seats + s + turn) % life === 0) replaceOne(db, license, to);
  }
  const due = db
    .prepare(
      "SELECT id, customer_id, expires_at AS ends FROM licenses WHERE expires_at >= ? AND expires_at < ?",
    )
    .all(from, to) as unknown as { id: string; customer_id: string; ends: number }[];
  for (const { id, customer_id, ends } of due) {
    // Five thresholds, the renewal with its key, and the digest's share.
    for (const days of [30, 14, 7, 1, 0])
      mail(
        db,
        id,
        customer_id,
        `notice:${id}:${ends}:${days}:it@customer.example`,
        "expiry_warning",
        from,
        MAIL.notice,
      );
    db.prepare(STATEMENTS.renewal).run(ends + 365 * DAY, to, id);
    db.prepare(STATEMENTS.event).run(
      from,
      "license.renewed",
      id,
      crypto.randomUUID(),
      JSON.stringify({ changes: text(150) }),
    );
    mail(db, id, customer_id, `renewed:${id}:${from}:it@customer.example`, "license_renewed", from, MAIL.key);
    db.prepare(STATEMENTS.event).run(
      from,
      "license.mailed",
      id,
      crypto.randomUUID(),
      JSON.stringify({ message_id: text(30), revision: 1 }),
    );
  }
  sealEvents(db);
}

/** An instance of this license gives its seat back, and another takes one. */
function replaceOne(db: DatabaseSync, license: string, to: number): void {
  const one = db
    .prepare("SELECT instance_id AS id FROM activations WHERE license_id = ? AND ended_at = 0 LIMIT 1")
    .get(license) as { id: string };
  db.prepare(STATEMENTS.ended).run(to - DAY, license, one.id);
  db.prepare(STATEMENTS.event).run(
    to - DAY,
    "activation.ended",
    license,
    crypto.randomUUID(),
    JSON.stringify({ activation_id: text(45), instance_id: one.id, ended_at: new Date(to).toISOString() }),
  );
  seat(db, license, instanceId(), to - DAY);
}

/** Each event has its hash in a row of at most 1 000 of them. */
const MARKS = `
  INSERT INTO audit_marks (seal, from_id, marks)
  SELECT coalesce(max(seal), 0) + 1, ?1, ?2 FROM audit_marks`;

function sealEvents(db: DatabaseSync): void {
  const { first, last } = db
    .prepare(
      "SELECT coalesce((SELECT max(from_id + length(marks) / 64) FROM audit_marks), 1) AS first, max(id) AS last FROM events",
    )
    .get() as { first: number; last: number };
  for (let from = first; from <= last; from += 1_000) {
    db.prepare(MARKS).run(from, "ab".repeat(32).repeat(Math.min(1_000, last - from + 1)));
  }
}

function mail(
  db: DatabaseSync,
  license: string,
  customer: string,
  key: string,
  kind: string,
  at: number,
  bytes: number,
): void {
  const id = `msg_${ulid(at)}`;
  db.prepare(STATEMENTS.mail).run(
    id,
    key,
    kind,
    license,
    customer,
    "it@customer.example",
    text(bytes),
    `bat_${ulid(at)}`,
    crypto.randomUUID(),
    at,
    at,
  );
}
