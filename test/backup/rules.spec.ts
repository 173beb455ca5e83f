// Every table and column is named by the rules of a backup. A new one fails here until somebody decides.
import { is } from "drizzle-orm";
import { type SQLiteTable, SQLiteTable as Table } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import { COUNTED, columnsOf, KEPT, nameOf, PASSING } from "../../src/backup/tables.ts";
import * as schema from "../../src/storage/schema.ts";
import { rows } from "../support/service.ts";

const tables: SQLiteTable[] = Object.values(schema).filter((value) => is(value, Table));

describe("the rules of a backup", () => {
  it("name every table once: it comes back, is counted again, or belongs to the running service", () => {
    const named = [...KEPT.map(({ table }) => table), ...COUNTED, ...PASSING].map(nameOf);
    expect(named.toSorted()).toEqual(tables.map(nameOf).toSorted());
  });

  it.each(KEPT.map((kept) => [nameOf(kept.table), kept] as const))(
    "take %s by its primary key, with every column but those that are named",
    async (name, kept) => {
      const columns = await rows<{ name: string; pk: number }>(
        "SELECT name, pk FROM pragma_table_info(?) ORDER BY pk",
        name,
      );
      expect(kept.key).toEqual(columns.filter(({ pk }) => pk > 0).map((column) => column.name));
      expect([...columnsOf(kept), ...(kept.without ?? [])].toSorted()).toEqual(
        columns.map((column) => column.name).toSorted(),
      );
    },
  );

  it("bring parents back before their children", async () => {
    const order = KEPT.map(({ table }) => nameOf(table));
    for (const [at, name] of order.entries()) {
      const parents = await rows<{ table: string }>('SELECT "table" FROM pragma_foreign_key_list(?)', name);
      for (const parent of parents) expect(order.indexOf(parent.table)).toBeLessThan(at);
    }
  });

  it("take tokens, people and sessions only if asked, and nothing that must not leave the service", () => {
    const access = KEPT.filter((kept) => kept.access).map(({ table }) => nameOf(table));
    expect(access.toSorted()).toEqual([
      "api_tokens",
      "people",
      "sessions",
      "staff_views",
      "webhook_deliveries",
      "webhook_endpoints",
    ]);
    const others = KEPT.filter((kept) => !kept.access).flatMap(columnsOf);
    // Signatures that anybody may see: of seals and of statements.
    expect(others.filter((name) => /secret|token$|hash/.test(name)).toSorted()).toEqual([
      "hash",
      "token",
      "token",
    ]);
    for (const name of ["audit_seals", "statements"])
      expect(columnsOf(KEPT.find(({ table }) => nameOf(table) === name)!)).toContain("token");
    expect(PASSING.map(nameOf)).toContain("webhook_secrets");
  });
});
