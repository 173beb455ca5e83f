// Whether the recount would notice: copies of the database with one thing broken in each. A check that finds
// nothing wrong with them is none.
import { inspect } from "./house.ts";
import type { Ledger } from "./ledger.ts";
import { faultsIn } from "./recount.ts";

const copyOf = (table: string, changes: Record<string, string>, columns: string[], where: string): string =>
  `INSERT INTO ${table} (${columns.join(", ")})
   SELECT ${columns.map((column) => changes[column] ?? column).join(", ")} FROM ${table} WHERE ${where} LIMIT 1`;

const SABOTAGE: Record<string, string | ((columns: (table: string) => string[]) => string)> = {
  "a seat is lost":
    "DELETE FROM activations WHERE id = (SELECT id FROM activations WHERE ended_at = 0 LIMIT 1)",
  "a seat too many": (columns) =>
    copyOf(
      "activations",
      { instance_id: "'by hand'", id: "'act_by_hand'", occasion: "NULL" },
      columns("activations"),
      "ended_at = 0",
    ),
  "usage is lost": "UPDATE usage SET requests = 0",
  "usage is counted twice": "UPDATE usage SET requests = 2 * requests + 1",
  "the sum of a license's day is off by one": "UPDATE license_usage SET requests = requests + 1",
  "the count of a license's seats is off by one": "UPDATE license_seats SET seated = seated + 1",
  "the counter of licenses is off by one": "UPDATE license_counts SET n = n + 1",
  "a license is lost":
    "DELETE FROM licenses WHERE id = (SELECT id FROM licenses WHERE metadata ->> 'mark' IS NOT NULL LIMIT 1)",
  "a license is issued twice": (columns) =>
    copyOf("licenses", { id: "'lic_twice'" }, columns("licenses"), "metadata ->> 'mark' IS NOT NULL"),
  "a change is lost": "UPDATE licenses SET version = version - 1 WHERE version > 1",
  "a change has no event": "UPDATE licenses SET version = version + 1",
  // The end of the record leaves no gap. Not just the last event: of some, such as a look at a key, nothing else knows.
  "events are lost": `DROP TRIGGER events_refuse_delete;
    DELETE FROM events WHERE id >= (SELECT max(id) FROM events WHERE action = 'license.issued')`,
  "a customer is lost":
    "DELETE FROM customer_terms; DELETE FROM customers WHERE id NOT IN (SELECT customer_id FROM licenses)",
  "a mail is lost": "DELETE FROM messages WHERE kind = 'license_delivery'",
  "a mail is owed twice": (columns) =>
    copyOf(
      "messages",
      { id: "'msg_twice'", dedupe_key: "'twice'" },
      columns("messages"),
      "kind = 'license_delivery'",
    ),
  "an answer is forgotten": "UPDATE idempotency_keys SET answer = NULL",
};

/** @returns how many there are, and which of them nothing was found of */
export function sabotage(ledger: Ledger): { tried: number; missed: string[] } {
  const missed: string[] = [];
  for (const [name, how] of Object.entries(SABOTAGE)) {
    const faults = inspect((database) => {
      const columns = (table: string): string[] =>
        database
          .prepare(`SELECT name FROM pragma_table_info('${table}')`)
          .all()
          .map((row) => String(row["name"]));
      database.exec("PRAGMA foreign_keys = OFF");
      database.exec(typeof how === "string" ? how : how(columns));
      return faultsIn(database, ledger);
    });
    if (faults.length === 0) missed.push(name);
  }
  return { tried: Object.keys(SABOTAGE).length, missed };
}
