// The heads outside the database, each of them by itself.
import { beforeEach, describe, expect, it } from "vitest";
import {
  headToSign,
  highestKept,
  isHeadDue,
  isKept,
  keepToken,
  keptToken,
  lastHead,
} from "../../src/audit/heads.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { env } from "../support/env.ts";
import { addEvents, bucket, byHand, freshRecord, night } from "../support/record.ts";
import { admin, rows } from "../support/service.ts";

beforeEach(freshRecord);

describe("the bucket", () => {
  it("keeps the first head of a number, whoever comes later", async () => {
    expect(await isKept(bucket, 5)).toBe(false);
    expect(await keptToken(bucket, 5)).toBeNull();
    expect(await keepToken(bucket, 5, "first")).toBe("first");
    expect(await keepToken(bucket, 5, "second")).toBe("first");
    expect(await keptToken(bucket, 5)).toBe("first");
    expect(await isKept(bucket, 5)).toBe(true);
  });

  it.each([1, 2, 1_000])("knows the highest number, read in pages of %d", async (limit) => {
    const paged = { list: (options: R2ListOptions) => bucket.list({ ...options, limit }) } as R2Bucket;
    expect(await highestKept(paged)).toBe(0);
    // In the order of their names 9 is last, and what is no number is no head.
    for (const name of ["9", "10", "100", "x"]) await bucket.put(`seals/${name}`, "t");
    expect(await highestKept(paged)).toBe(100);
  });
});

describe("the head that is signed", () => {
  it("is read anew after five minutes, or where the clock went back", () => {
    const now = Date.parse("2060-01-01T00:00:00Z");
    expect(headToSign(now, { results: [{ head: "ab" }] } as never)).toBe("ab");
    expect([now - 1, now, now + 300_000, now + 300_001].map(isHeadDue)).toEqual([true, false, false, true]);
    expect(headToSign(now + 300_001, { results: [] } as never)).toBeNull();
  });

  it("is none of a seal below the first one, which the service never makes", async () => {
    await byHand(
      "INSERT INTO audit_seals (id, from_id, up_to, sealed_at, head, marks, token) VALUES (-1, 1, 1, 1, 'ab', '', 'x')",
    );
    const db = openDatabase(env.DB, { now: () => 0, pause: () => Promise.resolve(), random: () => 0 });
    expect((await db.batch([lastHead(db)]))[0]!.results).toEqual([]);
  });
});

it("a number above all that a program can count is refused, and nothing is sealed", async () => {
  await addEvents(2);
  await night();
  await byHand(
    `INSERT INTO audit_seals SELECT ${Number.MAX_SAFE_INTEGER}, 3, 4, 1, head, '', token FROM audit_seals`,
  );
  const answer = await admin("/audit-seals/restart", { body: { reason: "x" } });
  expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  expect(answer.body.detail).toContain("which this service cannot have made");
  expect(await rows("SELECT id FROM events WHERE action = 'record.restarted'")).toEqual([]);
});
