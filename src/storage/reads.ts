// Reads of whole rows whose text is made once, for what nearly every call of staff reads: to build such a query anew
// takes Drizzle several times as long as to run it.
import { getTableColumns, getTableName } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Database, Row, SqlValue } from "./database.ts";

interface Read<T> {
  statement(db: Database, ...values: SqlValue[]): D1PreparedStatement;
  /** The first row that the statement found, as Drizzle would give it. */
  rowOf(result: D1Result<Row>): T | undefined;
}

/** @param where a condition with ?1, ?2, … for the values */
export function readOf<T extends SQLiteTable>(table: T, where: string): Read<T["$inferSelect"]> {
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, { name }]) => name).join(", ");
  const text = `SELECT ${names} FROM ${getTableName(table)} WHERE ${where}`;
  return {
    statement: (db, ...values) => db.sql(text, ...values),
    rowOf({ results: [found] }) {
      if (!found) return undefined;
      const row: Row = {};
      for (const [key, column] of columns) {
        const value = found[column.name];
        row[key] = value === null ? null : column.mapFromDriverValue(value);
      }
      return row;
    },
  };
}
