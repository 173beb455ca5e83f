import { is } from "drizzle-orm";
import { getTableConfig, type SQLiteTable, SQLiteTable as Table } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import * as schema from "../../src/storage/schema.ts";
import { newCustomer, rows } from "../support/service.ts";

const tables: SQLiteTable[] = Object.values(schema).filter((value) => is(value, Table));

interface Column {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}

describe("the Drizzle schema and the migrations agree on", () => {
  it("the tables", async () => {
    const migrated = await rows<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' AND name <> 'd1_migrations' ORDER BY name",
    );
    expect(tables.map((table) => getTableConfig(table).name).toSorted()).toEqual(
      migrated.map(({ name }) => name),
    );
  });

  it.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
    "the columns, keys and indexes of %s",
    async (name, table) => {
      const config = getTableConfig(table);
      const columns = await rows<Column>('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', name);
      const compound = config.primaryKeys[0]?.columns.map((column) => column.name) ?? [];
      expect(
        config.columns.map((column) => ({
          name: column.name,
          type: column.getSQLType().toUpperCase(),
          key: column.primary ? 1 : compound.indexOf(column.name) + 1,
          required: column.notNull || column.primary,
        })),
      ).toEqual(
        columns.map((column) => ({
          name: column.name,
          type: column.type,
          key: column.pk,
          required: column.notnull === 1 || column.pk > 0,
        })),
      );

      const foreign = await rows<{ from: string; table: string; to: string; on_delete: string }>(
        'SELECT "from", "table", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY "from"',
        name,
      );
      expect(foreign.map((key) => key.on_delete).filter((action) => action !== "NO ACTION")).toEqual([]);
      expect(
        config.foreignKeys
          .map((key) => key.reference())
          .map(({ columns: [from], foreignColumns: [to], foreignTable }) => ({
            from: from!.name,
            table: getTableConfig(foreignTable).name,
            to: to!.name,
          }))
          .toSorted((a, b) => a.from.localeCompare(b.from)),
      ).toEqual(foreign.map(({ from, table: target, to }) => ({ from, table: target, to })));

      // Drizzle has no word for an index on an expression; those that exist are looked at where they are used.
      const indexes = await rows<{ name: string; columns: string }>(
        `SELECT i.name, group_concat(c.name) AS columns
       FROM pragma_index_list(?) i, pragma_index_info(i.name) c
       WHERE i.origin = 'c' AND i.name NOT GLOB 'licenses_stopped*' AND i.name NOT GLOB 'licenses_superseded*' AND i.name <> 'licenses_by_grace_end' GROUP BY i.name ORDER BY i.name`,
        name,
      );
      expect(
        config.indexes
          .map((index) => ({
            name: index.config.name,
            columns: index.config.columns.map((column) => (column as { name: string }).name).join(","),
          }))
          .toSorted((a, b) => a.name.localeCompare(b.name)),
      ).toEqual(indexes);
    },
  );
});

describe("the database itself", () => {
  it("has only STRICT tables", async () => {
    const loose = await rows(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' AND name <> 'd1_migrations'",
    );
    expect(loose).toEqual([]);
  });

  it("has a trial that warns 7 and 1 days before its end, because 30 days before it has just begun", async () => {
    expect(await rows("SELECT notice_days FROM license_types WHERE id = 'trial'")).toEqual([
      { notice_days: "[7,1,0]" },
    ]);
  });

  it("refuses to change or delete an event", async () => {
    const { id } = await newCustomer();
    await expect(rows("UPDATE events SET action = 'x' WHERE entity_id = ?", id)).rejects.toThrow(
      /append-only/,
    );
    await expect(rows("DELETE FROM events WHERE entity_id = ?", id)).rejects.toThrow(/append-only/);
  });

  it("refuses a license without its customer, and a customer's end while a license is left", async () => {
    await expect(
      rows(
        "INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, grace_days, lease_days, check_in_hours, features, updated_at) VALUES ('lic_x', 'nobody', 'trial', 'active', 1, 0, 0, 1, 1, '[]', 0)",
      ),
    ).rejects.toThrow(/FOREIGN KEY/);
  });
});
