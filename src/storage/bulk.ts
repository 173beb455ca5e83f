// Many rows in few statements: JSON in a bound parameter, unfolded by SQLite. A batch of such statements writes
// thousands of rows in one transaction. Rows bound one by one would hit D1's limits (100 parameters and 100 KB per
// statement).
import { getTableColumns, getTableName } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Database } from "./database.ts";

/** D1 allows 2 MB per value. */
const MAX_CHUNK_BYTES = 1_000_000;

const utf8 = new TextEncoder();

/** The rows as JSON arrays, each small enough for one parameter. */
export function chunksOf(rows: readonly object[]): string[] {
  const chunks: string[] = [];
  let chunk: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const json = JSON.stringify(row);
    const { length } = utf8.encode(json);
    if (bytes + length > MAX_CHUNK_BYTES && chunk.length > 0) {
      chunks.push(`[${chunk.join(",")}]`);
      chunk = [];
      bytes = 0;
    }
    chunk.push(json);
    bytes += length + 1;
  }
  if (chunk.length > 0) chunks.push(`[${chunk.join(",")}]`);
  return chunks;
}

/** A statement that inserts the rows of a chunk. Each row must have every column of the table as a member. */
export function insertChunk(db: Database, table: SQLiteTable, chunk: string): D1PreparedStatement {
  const columns = Object.values(getTableColumns(table));
  // -> keeps a member as JSON, for columns that hold JSON; ->> turns it into an SQL value.
  const values = columns.map(({ name, dataType }) =>
    dataType === "json" ? `nullif(value -> '$.${name}', 'null')` : `value ->> '$.${name}'`,
  );
  return db.sql(
    `INSERT INTO ${getTableName(table)} (${columns.map(({ name }) => name).join(", ")})
     SELECT ${values.join(", ")} FROM json_each(?)`,
    chunk,
  );
}
