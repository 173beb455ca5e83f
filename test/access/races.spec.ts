// The same request under one Idempotency-Key, many times at once: one effect, and one answer for all.
import { describe, expect, it } from "vitest";
import { env } from "../support/env.ts";
import { brokenIn } from "../support/invariants.ts";
import { admin, type Answer, newCustomer, rows, unique } from "../support/service.ts";

const ROUNDS = env.RACE_ROUNDS;
const AT_ONCE = 50;

describe("the same request under one key", () => {
  const keyed = (key: string, path: string, body: object): Promise<Answer> =>
    admin(path, { method: "POST", body, headers: { "Idempotency-Key": key } });

  const atOnce = (send: () => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: AT_ONCE }, send));

  it("fifty times at once, has one effect and one answer", { timeout: 600_000 }, async ({ task }) => {
    let carriedOut = 0;
    for (let n = 0; n < ROUNDS; n++) {
      const customer = await newCustomer({ email: `${unique("it")}@acme.example` });
      const key = unique("key");
      const body = { customer_id: customer.id, license_type: "standard", send_email: true };
      const issued = await atOnce(() => keyed(key, "/licenses", body));
      expectOne(issued, 201, ({ license }) => license.id);
      const licenses = await rows<{ id: string }>(
        "SELECT id FROM licenses WHERE customer_id = ?",
        customer.id,
      );
      expect(licenses).toHaveLength(1);
      const [{ id } = { id: "" }] = licenses;
      const renewal = unique("key");
      const renewed = await atOnce(() => keyed(renewal, `/licenses/${id}/renew`, { expires_days: 30 }));
      expectOne(renewed, 200, ({ license }) => license.expires_at);
      expect(await rows("SELECT version FROM licenses WHERE id = ?", id)).toEqual([{ version: 2 }]);
      expect(await rows("SELECT kind FROM messages WHERE license_id = ? ORDER BY 1", id)).toEqual([
        { kind: "license_delivery" },
        { kind: "license_renewed" },
      ]);
      carriedOut += 2;
    }
    expect(await brokenIn((sql) => rows(sql))).toEqual({});
    task.meta.figures = {
      "requests, 50 under one key at once": carriedOut * AT_ONCE,
      "keys carried out once": carriedOut,
      "carried out twice": 0,
    };
  });

  /** The same answer for everybody, but for who was told to come back for it. */
  function expectOne(answers: Answer[], status: number, effect: (body: Answer["body"]) => string): void {
    const answered = answers.filter((answer) => answer.status === status);
    expect(new Set(answered.map(({ body }) => effect(body))).size).toBe(1);
    for (const answer of answers) if (answer.status !== status) expect(answer.body.code).toBe("CONFLICT");
    expect(answered.filter(({ headers }) => headers.get("Idempotent-Replayed") === null)).toHaveLength(1);
  }
});
