// Search terms that the release before wrote, or that nobody wrote yet: found once the ten-minute trigger ran.
import { createExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import worker from "../../../../src/worker.ts";
import { env } from "../../../support/env.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../../../support/service.ts";

const trigger = async (bindings = env): Promise<void> => {
  await worker.scheduled(
    { cron: "*/10 * * * *", scheduledTime: Date.now(), noRetry() {} },
    bindings,
    createExecutionContext(),
  );
};

/** Bindings under which something happens between reading rows and writing their terms. */
function overtaken(by: () => Promise<unknown>) {
  let isNext = false;
  const DB: D1Database = {
    withSession: () => DB,
    prepare(sql: string) {
      isNext ||= sql.startsWith("DELETE FROM customer_terms WHERE customer_id IN");
      return env.DB.prepare(sql);
    },
    async batch(statements: D1PreparedStatement[]) {
      if (isNext) {
        isNext = false;
        await by();
      }
      return env.DB.batch(statements);
    },
  } as unknown as D1Database;
  return { ...env, DB };
}

const found = async (list: "customers" | "licenses", query: string): Promise<string[]> =>
  (await admin(`/${list}?${query}`)).body.data.map(({ id }: { id: string }) => id);

/** As the release before writes a customer: no terms of metadata, and accents kept. */
async function formerCustomer(name: string, metadata: object) {
  const { id } = await newCustomer({ name: "x", metadata: {} });
  await rows(
    "UPDATE customers SET name = ?2, metadata = ?3, version = version + 1 WHERE id = ?1",
    id,
    name,
    JSON.stringify(metadata),
  );
  await rows("DELETE FROM customer_terms WHERE customer_id = ?", id);
  for (const term of [id, name.toLowerCase()])
    await rows("INSERT INTO customer_terms (term, customer_id) VALUES (?, ?)", term, id);
  return id as string;
}

describe("terms of the release before", () => {
  it("are found as they were written at once, and without accents after the trigger", async () => {
    const mark = unique("zz");
    const id = await formerCustomer(`Größe ${mark}`, { crm: mark });
    const plain = `q=${encodeURIComponent(`grosse ${mark}`)}`;
    const accented = `q=${encodeURIComponent(`GRÖSSE ${mark}`.replace("SS", "ß"))}`;
    expect(await found("customers", accented)).toEqual([id]);
    const { license } = await newLicense({ customer_id: id });
    expect(await found("licenses", accented)).toEqual([license.id]);
    await trigger();
    for (const query of [plain, accented, `metadata.crm=${mark}`, `q=${mark}`]) {
      expect(await found("customers", query), query).toEqual([id]);
      if (!query.startsWith("metadata")) expect(await found("licenses", query), query).toEqual([license.id]);
    }
  });

  it("of a license are written when its metadata was changed there, or issued there", async () => {
    const mark = unique("meta");
    const { license } = await newLicense();
    await rows(
      "UPDATE licenses SET metadata = ?2, version = version + 1 WHERE id = ?1",
      license.id,
      JSON.stringify({ old: mark }),
    );
    expect(await found("licenses", `q=${mark}`)).toEqual([]);
    await trigger();
    expect(await found("licenses", `q=${mark}`)).toEqual([license.id]);
    expect(await found("licenses", `metadata.old=${mark}`)).toEqual([license.id]);
  });

  it("are not missing after the customer of a license was suspended and reinstated", async () => {
    const { license } = await newLicense({ metadata: { old: unique("kept") } });
    for (const action of ["suspend", "reinstate"]) {
      await admin(`/customers/${license.customer_id}/${action}`, { body: { reason: "r" } });
      expect(await rows("SELECT id FROM licenses WHERE id = ? AND terms_at = version", license.id)).toEqual([
        { id: license.id },
      ]);
    }
    expect(await found("licenses", `q=${license.metadata.old}`)).toEqual([license.id]);
  });

  it("do not replace those of a change that came in between, nor of another customer with the id", async () => {
    const [old, fresh] = [unique("old"), unique("fresh")];
    const changed = await formerCustomer(old, {});
    let is = 0;
    await trigger(
      overtaken(async () => {
        if (is++ === 0) await admin(`/customers/${changed}`, { method: "PATCH", body: { name: fresh } });
      }),
    );
    expect(is).toBeGreaterThan(0);
    expect(await found("customers", `q=${fresh}`)).toEqual([changed]);
    expect(await found("customers", `q=${old}`)).toEqual([]);

    const gone = await newCustomer({ id: unique("gone"), name: old });
    await rows("UPDATE customers SET terms_at = NULL WHERE id = ?", gone.id);
    let again = 0;
    await trigger(
      overtaken(async () => {
        if (again++ > 0) return;
        await admin(`/customers/${gone.id}`, { method: "DELETE" });
        await newCustomer({ id: gone.id, name: fresh });
      }),
    );
    expect(again).toBeGreaterThan(0);
    expect((await found("customers", `q=${fresh}`)).toSorted()).toEqual([changed, gone.id].toSorted());
    expect(await found("customers", `q=${old}`)).toEqual([]);
  });

  it("are written again by the next change of the row, too", async () => {
    const mark = unique("again");
    const id = await formerCustomer("Änne", { crm: mark });
    await admin(`/customers/${id}`, { method: "PATCH", body: { email: "a@acme.example" } });
    expect(await found("customers", `q=${mark}`)).toEqual([id]);
  });

  it("leave the version of a row and its record alone, and are written once", async () => {
    const id = await formerCustomer("Ähnlich", {});
    const before = await admin(`/customers/${id}`);
    await trigger();
    const after = await admin(`/customers/${id}`);
    expect([after.headers.get("ETag"), after.body]).toEqual([before.headers.get("ETag"), before.body]);
    for (const table of ["customers", "licenses"]) {
      expect(
        await rows(`SELECT id FROM ${table} WHERE terms_at IS NOT version AND metadata <> '{}'`),
      ).toEqual([]);
    }
  });

  it("are written for more rows than one page has", async () => {
    const mark = unique("many");
    const ids = Array.from({ length: 450 }, (_, n) => ({
      id: `${mark}-${n}`,
      name: "x",
      metadata: { [mark]: mark },
    }));
    await admin("/imports/customers", { body: ids });
    await rows("DELETE FROM customer_terms WHERE customer_id LIKE ?", `${mark}%`);
    await rows("UPDATE customers SET terms_at = NULL WHERE id LIKE ?", `${mark}%`);
    await trigger();
    const [{ n }] = (await rows<{ n: number }>(
      "SELECT count(*) AS n FROM customer_terms WHERE term = ?",
      mark,
    )) as [{ n: number }];
    expect(n).toBe(450);
  });
});
