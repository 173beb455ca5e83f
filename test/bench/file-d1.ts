// A database file as D1 shows it to the service, for jobs in fast motion: the same statements, without a Worker.
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

interface Bound {
  sql: string;
  values: SQLInputValue[];
}

const isRead = (sql: string): boolean =>
  /^\s*(?:SELECT|WITH)\b/i.test(sql) && !/\b(?:INSERT|UPDATE|DELETE)\b/i.test(sql);

function run(db: DatabaseSync, { sql, values }: Bound) {
  const statement = db.prepare(sql);
  if (isRead(sql) || /\bRETURNING\b/i.test(sql))
    return { results: statement.all(...values), meta: { changes: 0 } };
  const { changes } = statement.run(...values);
  return { results: [], meta: { changes: Number(changes) } };
}

export const fileD1 = (db: DatabaseSync): D1Database =>
  ({
    prepare: (sql: string) => ({ sql, bind: (...values: SQLInputValue[]): Bound => ({ sql, values }) }),
    async batch(statements: Bound[]) {
      db.exec("SAVEPOINT batch");
      const results = statements.map((statement) => run(db, statement));
      db.exec("RELEASE batch");
      return results;
    },
  }) as unknown as D1Database;
