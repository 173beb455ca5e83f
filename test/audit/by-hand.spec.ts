// Rows that only somebody who writes to the database by hand can have made: each is read and named, and none makes the
// check, or a page of staff, fail at it.
import { beforeEach, describe, expect, it } from "vitest";
import { checkSeals } from "../../src/audit/chain.ts";
import { visitorOf } from "../support/crew.ts";
import { env } from "../support/env.ts";
import {
  addEvents,
  bucket,
  byHand,
  claimsOf,
  faultNow,
  findings,
  freshRecord,
  night,
  sealIds,
  threeSeals,
} from "../support/record.ts";
import { admin, call, rows } from "../support/service.ts";

beforeEach(freshRecord);

const COPY = "at, action, entity_type, entity_id, actor_type, actor_id, request_id, ip, detail FROM events";

describe("a gap among the events that no seal covers", () => {
  it.each([
    ["an event in between is gone", "DELETE FROM events WHERE id = 15", 15],
    ["the first is gone", "DELETE FROM events WHERE id = 13", 13],
    [
      "one was put in far behind the last",
      `INSERT INTO events SELECT 1000000000000, ${COPY} WHERE id = 1`,
      17,
    ],
  ])("is never sealed over: %s", async (_, statement, gone) => {
    await threeSeals();
    await addEvents(4);
    await byHand(statement);
    await expect(night()).rejects.toThrow(`Event ${gone}, which no seal covers yet, is gone.`);
    // What comes before it is sealed.
    expect(await sealIds()).toEqual(gone === 13 ? [1, 2, 3] : [1, 2, 3, 4]);
    expect(await rows("SELECT max(up_to) AS up_to FROM audit_seals")).toEqual([{ up_to: gone - 1 }]);
    expect(await findings()).toEqual([]);
    await expect(night()).rejects.toThrow("Nothing was sealed.");

    const { body } = await admin("/audit-seals/restart", { body: { reason: "Looked at" } });
    const seal = await claimsOf(body.token);
    expect(seal.from_id).toBeGreaterThan(gone);
    const claims = [];
    for (const id of await sealIds())
      claims.push(await claimsOf((await admin(`/audit-seals/${id}`)).body.seal.token));
    expect(checkSeals(claims, new Set([body.id])).findings).toEqual([]);
    expect(checkSeals(claims).findings).toMatchObject([
      {
        kind: "break",
        says: expect.stringContaining(`no seal covers the ${seal.from_id - gone} events before`),
      },
    ]);
    await addEvents(2);
    await night();
    expect(await findings()).toMatchObject([{ kind: "break" }]);
  });
});

describe("an impossible value", () => {
  it.each<[string, string, number]>([
    ["a time after all time", "UPDATE events SET at = 9000000000000000000 WHERE id = 2", 2],
    ["a time before all time", "UPDATE events SET at = -9000000000000000000 WHERE id = 12", 12],
    ["a time that no Date can be", "UPDATE events SET at = 8640000000000001 WHERE id = 12", 12],
  ])("of an event is named: %s", async (_, statement, id) => {
    await threeSeals();
    await byHand(statement);
    expect(await findings()).toMatchObject([{ kind: "edited", id }]);
    const page = await admin("/events?limit=100");
    expect(page.status).toBe(200);
    expect(page.body.data).toHaveLength(12);
    expect((await admin("/audit-seals/status")).status).toBe(200);
    const { headers } = await visitorOf(env.ADMIN_TOKEN);
    expect((await call("/admin/activity", { headers })).status).toBe(200);
  });
});

describe("the time of a seal's row", () => {
  it("may be anything, and the seals can still be read and gone on from", async () => {
    await threeSeals();
    await byHand("UPDATE audit_seals SET sealed_at = 9000000000000000000");
    expect(await findings()).toEqual([]);
    expect((await admin("/audit-seals")).body.data).toHaveLength(3);
    await addEvents(1);
    await night();
    expect(await sealIds()).toEqual([1, 2, 3, 4]);
  });
});

describe("the row of the last seal", () => {
  it.each(["id = 13", "from_id = 8", "up_to = 13", `head = '${"ab".repeat(32)}'`])(
    "says what its token says, or the night goes no further: %s",
    async (change) => {
      await threeSeals();
      await addEvents(1);
      await byHand(`UPDATE audit_seals SET ${change} WHERE id = 3`);
      expect(await faultNow()).toContain("does not say what its token says");
      await expect(night()).rejects.toThrow("Nothing was sealed.");
      expect(await sealIds()).toHaveLength(3);
    },
  );
});

it("where the last head was never kept, the one before it must be the one that the last seal goes on from", async () => {
  await threeSeals();
  await bucket.delete("seals/3");
  expect(await faultNow()).toBeNull();
  await bucket.put("seals/2", await (await bucket.get("seals/1"))!.text());
  expect(await faultNow()).toContain("BACKUPS has another head of seal 2");
  await expect(night()).rejects.toThrow("Nothing was sealed.");
});
