// The same file imported by several at once.
import { describe, expect, it } from "vitest";
import { env } from "../../support/env.ts";
import { brokenIn } from "../../support/invariants.ts";
import { type Answer, call, rows, unique } from "../../support/service.ts";

const ROUNDS = env.RACE_ROUNDS;

describe("the same file by eight hands at once", () => {
  const HANDS = 8;

  const importing = (kind: string, body: object[]): Promise<Answer> =>
    call(`/v1/admin/imports/${kind}`, { token: env.ADMIN_TOKEN, body });

  const newLicenseId = (): string =>
    `lic_0${crypto.randomUUID().replaceAll("-", "").slice(0, 25).toUpperCase()}`;

  const taken = (answers: Answer[]): number => {
    for (const { status, text } of answers)
      if (status !== 200) expect(text).toMatch(/exists already|was changed by somebody else/);
    return answers.filter(({ status }) => status === 200).length;
  };

  it(
    "is imported once: customers, and licenses that are restored by id",
    { timeout: 600_000 },
    async ({ task }) => {
      let files = 0;
      for (let n = 0; n < ROUNDS; n++) {
        const prefix = unique("import");
        const customers = Array.from({ length: 40 }, (_, row) => ({ id: `${prefix}-${row}`, name: "Acme" }));
        const licenses = customers.map(({ id }) => ({
          id: newLicenseId(),
          customer_id: id,
          license_type: "standard",
          expires_at: "2031-01-01T00:00:00Z",
        }));
        const many = (kind: string, body: object[]) =>
          Promise.all(Array.from({ length: HANDS }, () => importing(kind, body)));
        expect(taken(await many("customers", customers))).toBe(1);
        expect(taken(await many("licenses", licenses))).toBe(1);
        const [found] = await rows(
          `SELECT (SELECT count(*) FROM customers WHERE id LIKE ?1) AS customers,
           (SELECT count(*) FROM licenses WHERE customer_id LIKE ?1) AS licenses,
           (SELECT count(*) FROM events WHERE entity_id LIKE ?1) AS events`,
          `${prefix}-%`,
        );
        expect(found).toEqual({ customers: 40, licenses: 40, events: 40 });
        files += 2;
      }
      expect(await brokenIn((sql) => rows(sql))).toEqual({});
      task.meta.figures = {
        "imports, 8 of one file at once": files * HANDS,
        "files imported once": files,
        "imported twice": 0,
      };
    },
  );
});
