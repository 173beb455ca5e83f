// The database, counted plainly and compared with what the callers know.
import type { DatabaseSync } from "node:sqlite";
import { INVARIANTS } from "../support/invariants.ts";
import { type Ledger, type OwnLicense, TODAY } from "./ledger.ts";

type Row = Record<string, any>;

/** What the statistics have to say, by counting every row. */
export interface Counted {
  total: number;
  suspended: number;
  instances: { active: number; total: number };
  requestsToday: number;
}

export function count(database: DatabaseSync): Counted {
  const one = (sql: string, ...values: string[]): number =>
    Number((database.prepare(sql).get(...values) as Row)["n"]);
  return {
    total: one("SELECT count(*) AS n FROM licenses"),
    suspended: one("SELECT count(*) AS n FROM licenses WHERE status = 'suspended'"),
    instances: {
      active: one("SELECT count(*) AS n FROM activations WHERE ended_at = 0"),
      total: one("SELECT count(*) AS n FROM events WHERE action = 'activation.created'"),
    },
    requestsToday: one("SELECT coalesce(sum(requests), 0) AS n FROM usage WHERE day = ?", TODAY),
  };
}

/** Every way in which the database is not what the callers were told, or not in itself true. */
export function faultsIn(database: DatabaseSync, ledger: Ledger): string[] {
  const faults: string[] = [];
  const all = (sql: string): Row[] => database.prepare(sql).all();
  const keyed = (sql: string): Map<string, Row> => new Map(all(sql).map((row) => [String(row["k"]), row]));

  for (const [rule, sql] of Object.entries(INVARIANTS)) {
    const [broken] = all(`SELECT * FROM (${sql}) LIMIT 1`);
    if (broken) faults.push(`not true: ${rule}: ${JSON.stringify(broken)}`);
  }
  for (const pragma of ["integrity_check", "foreign_key_check"]) {
    const told = all(`PRAGMA ${pragma}`).filter((row) => row["integrity_check"] !== "ok");
    if (told.length > 0) faults.push(`${pragma}: ${JSON.stringify(told[0])}`);
  }

  const seats = keyed(
    `SELECT license_id || ' ' || instance_id AS k FROM activations
     WHERE ended_at = 0 AND lease_expires_at > unixepoch() * 1000`,
  );
  const usage = keyed(
    "SELECT license_id || ' ' || instance_id AS k, sum(requests) AS n FROM usage GROUP BY 1",
  );
  for (const { license, id, seated, acknowledged, told } of ledger.instances) {
    const key = `${license.id} ${id}`;
    if (seated !== null && seated !== seats.has(key))
      faults.push(`${id} was told that it ${seated ? "has a" : "has no"} seat, and that is not so`);
    const used = Number(usage.get(key)?.["n"] ?? 0);
    if (used < acknowledged) faults.push(`${id}: ${acknowledged} requests acknowledged, ${used} kept`);
    if (used > told) faults.push(`${id}: ${told} requests told, ${used} counted`);
  }
  for (const { id, limit } of ledger.shared) {
    const taken = [...seats.keys()].filter((key) => key.startsWith(`${id} `)).length;
    if (taken > limit) faults.push(`${id}: ${taken} seats of ${limit}`);
  }

  const licenses = keyed("SELECT id AS k, version, status, max_instances, expires_at FROM licenses");
  const renewals = keyed(
    "SELECT license_id AS k, count(*) AS n FROM messages WHERE kind = 'license_renewed' GROUP BY 1",
  );
  for (const own of ledger.own) {
    const row = licenses.get(own.id);
    if (!row) faults.push(`license ${own.id} was acknowledged and is lost`);
    else faults.push(...termFaults(own, row, Number(renewals.get(own.id)?.["n"] ?? 0)));
  }

  const marks = new Map<string, Row[]>();
  const marked = `SELECT l.metadata ->> 'mark' AS mark,
      (SELECT count(*) FROM messages WHERE license_id = l.id AND kind = 'license_delivery') AS mails
    FROM licenses l WHERE l.metadata ->> 'mark' IS NOT NULL`;
  for (const row of all(marked)) marks.set(row["mark"], [...(marks.get(row["mark"]) ?? []), row]);
  const customers = keyed("SELECT id AS k FROM customers");
  for (const { kind, mark, mailed, is } of ledger.made) {
    const found = kind === "license" ? (marks.get(mark) ?? []) : customers.has(mark) ? [{}] : [];
    if (found.length > 1) faults.push(`${kind} ${mark} was made ${found.length} times`);
    if (found.length === 0 && is === "acknowledged")
      faults.push(`${kind} ${mark} was acknowledged and is lost`);
    for (const { mails = 0 } of found)
      if (mails !== (mailed ? 1 : 0)) faults.push(`license ${mark} owes ${mails} mails`);
  }

  const answers = keyed("SELECT key AS k, answer IS NOT NULL AS answered FROM idempotency_keys");
  for (const key of ledger.keys)
    if (answers.get(key)?.["answered"] !== 1) faults.push(`the answer under the key ${key} is lost`);
  return faults;
}

function termFaults(own: OwnLicense, row: Row, renewals: number): string[] {
  const { id, version, maybe } = own;
  const kept = JSON.stringify([row["status"], row["max_instances"], row["expires_at"]]);
  const said = (terms: { status: string; max_instances: number | null; expires_at: string }): string =>
    JSON.stringify([terms.status, terms.max_instances, Date.parse(terms.expires_at)]);
  const faults: string[] = [];
  const carriedOut = maybe !== null && row["version"] === version + 1;
  const wanted = carriedOut ? said(maybe) : said(own);
  if (row["version"] !== version && !carriedOut)
    faults.push(`license ${id} is at version ${row["version"]}, acknowledged was ${version}`);
  else if (kept !== wanted) faults.push(`license ${id} has the terms ${kept}, acknowledged were ${wanted}`);
  const renewed = carriedOut && maybe.expires_at !== own.expires_at && maybe.status === "active" ? 1 : 0;
  if (renewals !== own.renewals + renewed)
    faults.push(`license ${id}: ${renewals} mails for ${own.renewals + renewed} renewals`);
  return faults;
}
