// Reads of whole rows whose text is made once, for what nearly every call of staff reads: to build such a query anew
// takes Drizzle several times as long as to run it.
import { getTableColumns, getTableName } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Database, Row, SqlValue } from "./database.ts";

interface Read<T> {
  statement(db: Database, ...values: SqlValue[]): D1PreparedStatement;
  /** The first row that the statement found, as Drizzle would give it. */
  rowOf: (result: D1Result<Row>) => T | undefined;
}

interface Rows<T> {
  /** Its columns, for a statement that is written by hand. */
  columns: string;
  /** A row that such a statement found, as Drizzle would give it. */
  rowOf: (found: Row) => T;
}

export function rowsOf<T extends SQLiteTable>(table: T): Rows<T["$inferSelect"]> {
  const columns = Object.entries(getTableColumns(table));
  const name = getTableName(table);
  return {
    columns: columns.map(([, column]) => `${name}.${column.name}`).join(", "),
    rowOf(found) {
      const row: Row = {};
      for (const [key, column] of columns) {
        const value = found[column.name];
        row[key] = value === null ? null : column.mapFromDriverValue(value);
      }
      return row;
    },
  };
}

/** @param where a condition with ?1, ?2, … for the values */
export function readOf<T extends SQLiteTable>(table: T, where: string): Read<T["$inferSelect"]> {
  const { columns, rowOf } = rowsOf(table);
  const text = `SELECT ${columns} FROM ${getTableName(table)} WHERE ${where}`;
  return {
    statement: (db, ...values) => db.sql(text, ...values),
    rowOf: ({ results: [found] }) => found && rowOf(found),
  };
}
