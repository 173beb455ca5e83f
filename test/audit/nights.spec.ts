// What becomes of a night that is large, killed, doubled or missed, and of one that finds the chain broken.
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../src/config.ts";
import { generateKeys, rotateKeys } from "../../src/dev/keys.ts";
import { runNightly } from "../../src/jobs/nightly.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { recorded } from "../support/meter.ts";
import { failingBucket, killedBefore } from "../support/record-faults.ts";
import {
  addEvents,
  bucket,
  byHand,
  faultNow,
  findings,
  freshRecord,
  headIds,
  night,
  sealIds,
  threeSeals,
} from "../support/record.ts";
import { admin, rows } from "../support/service.ts";
import { spent } from "../support/spent.ts";

beforeEach(freshRecord);

describe("a night", () => {
  it("of 20 000 events makes 20 seals in few statements, and no row that a dump could not bring back", async () => {
    await addEvents(20_000);
    const { bindings, statements } = recorded();
    await night(bindings);
    expect(await sealIds()).toHaveLength(20);
    expect(await headIds()).toHaveLength(20);
    // Six a seal, and all else of a night. D1 allows 1 000 an invocation, and mail needs its own.
    expect(statements.length).toBe(20 * 6 + 48);
    const [longest] = await rows<{ bytes: number }>(
      `SELECT max(bytes) AS bytes FROM (
         SELECT length(marks) AS bytes FROM audit_marks
         UNION ALL SELECT length(head) + length(marks) + length(token) FROM audit_seals)`,
    );
    expect(longest!.bytes).toBeLessThanOrEqual(64_000);
    expect(await findings()).toEqual([]);
    await night();
    expect(await sealIds()).toHaveLength(20);
  });

  it("that D1 takes no more queries from seals what it may, and the ten-minute trigger goes on", async () => {
    await addEvents(9_500);
    const at = Date.now();
    await runNightly(spent(env, 850), at);
    const first = (await sealIds()).length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(9);
    const [row] = await rows<{ outcome: string; counts: string }>(
      "SELECT outcome, counts FROM jobs WHERE name = 'nightly'",
    );
    expect(row!.outcome).toBe("unfinished");
    expect(JSON.parse(row!.counts).queries).toBeLessThanOrEqual(1_000);
    await fire(DELIVERIES, env, at);
    expect(await sealIds()).toHaveLength(10);
    expect(await rows("SELECT outcome FROM jobs WHERE name = 'nightly'")).toEqual([{ outcome: "good" }]);
    expect(await findings()).toEqual([]);
  });

  it.each([1, 999, 1_000, 1_001, 2_000])("of %d events leaves none out", async (count) => {
    await addEvents(count);
    await night();
    const [last] = await rows("SELECT max(up_to) AS up_to, count(*) AS seals FROM audit_seals");
    expect(last).toEqual({ up_to: count, seals: Math.ceil(count / 1_000) });
    expect(await findings()).toEqual([]);
  });

  it(
    "killed before or after any of its writes is made good by the next one",
    { timeout: 60_000 },
    async () => {
      await addEvents(10);
      await night();
      let write = 1;
      for (let alive = false; !alive; write++) {
        await addEvents(1_100);
        const { bindings, reached } = killedBefore(write);
        await night(bindings).catch(() => {});
        expect(await faultNow(), `write ${write}`).toBeNull();
        await night();
        const seals = await sealIds();
        expect(seals).toEqual(seals.map((_, n) => n + 1));
        expect(await headIds()).toEqual(seals);
        expect(await rows("SELECT max(id) AS last FROM events")).toEqual(
          await rows("SELECT max(up_to) AS last FROM audit_seals"),
        );
        alive = !reached();
        expect(write).toBeLessThan(30);
      }
      // At least the row of the job, two seals with their heads, and the row again.
      expect(write).toBeGreaterThan(6);
      expect(await findings()).toEqual([]);
    },
  );

  it("that runs twice at once makes each seal once, and each head", async () => {
    await addEvents(10);
    await night();
    await addEvents(5_500);
    await Promise.all([night(), night(), night()]);
    await night();
    expect(await sealIds()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await headIds()).toEqual(await sealIds());
    expect(await findings()).toEqual([]);
  });

  it("without a bucket seals as before, and a bucket that comes later takes the heads from then on", async () => {
    const { BACKUPS: _none, ...without } = env;
    const bare = { ...without, BACKUPS: undefined } as unknown as Env;
    for (let n = 0; n < 3; n++) {
      await addEvents(3);
      await night(bare);
    }
    expect(await headIds()).toEqual([]);
    expect((await admin("/audit-seals/status", { bindings: bare })).body).toMatchObject({
      heads_kept: false,
      fault: null,
    });
    await addEvents(3);
    await night();
    expect(await sealIds()).toEqual([1, 2, 3, 4]);
    expect(await headIds()).toEqual([3, 4]);
    expect(await findings()).toEqual([]);
  });

  it.each(["get", "head"])(
    "seals nothing while the bucket does not answer (%s), and goes on later",
    async (at) => {
      await addEvents(3);
      await night();
      await addEvents(3);
      const BACKUPS = failingBucket((method) => (method === at ? "before" : null));
      await expect(night({ BACKUPS })).rejects.toThrow("BACKUPS does not answer");
      expect((await admin("/audit-seals/status", { bindings: { ...env, BACKUPS } })).status).toBe(503);
      expect(await sealIds()).toEqual([1]);
      await night();
      expect(await sealIds()).toEqual([1, 2]);
    },
  );

  it("leaves at most one head behind while the bucket takes nothing", async () => {
    await addEvents(2_500);
    const BACKUPS = failingBucket((method) => (method === "put" ? "before" : null));
    for (let n = 0; n < 3; n++) await expect(night({ BACKUPS })).rejects.toThrow("BACKUPS does not answer");
    expect(await sealIds()).toEqual([1]);
    expect(await headIds()).toEqual([]);
    await night();
    expect(await headIds()).toEqual([1, 2, 3]);
  });
});

describe("a night goes no further, and says why, where", () => {
  const three = async (): Promise<void> => {
    await threeSeals();
    await addEvents(4);
  };

  it.each<[string, () => Promise<unknown>, RegExp, RegExp?]>([
    [
      "an event was edited and the last seal removed",
      () => byHand("UPDATE events SET actor_id = 'x' WHERE id = 10", "DELETE FROM audit_seals WHERE id = 3"),
      /head of seal 3, and the database has lost/,
    ],
    [
      "the last two seals were removed",
      () => byHand("DELETE FROM audit_seals WHERE id > 1"),
      /head of seal 2/,
    ],
    ["all seals were removed", () => byHand("DELETE FROM audit_seals"), /head of seal 1/],
    [
      "an older database was put in its place",
      () => byHand("DELETE FROM audit_seals WHERE id > 2", "DELETE FROM events WHERE id > 9"),
      /head of seal 3/,
    ],
    [
      "hashes were put right after an edit",
      () => byHand("UPDATE audit_seals SET head = printf('%064d', 7) WHERE id = 3"),
      /row of seal 3, the last one, does not say/,
    ],
    [
      "two seals were swapped",
      () =>
        byHand(
          "UPDATE audit_seals SET id = id + 10 WHERE id IN (2, 3)",
          "UPDATE audit_seals SET id = 15 - id WHERE id > 3",
        ),
      /row of seal 3/,
    ],
    [
      "an old token was put into the last seal",
      () =>
        byHand("UPDATE audit_seals SET token = (SELECT token FROM audit_seals WHERE id = 2) WHERE id = 3"),
      /row of seal 3/,
    ],
    [
      "the last token is nobody's",
      () => byHand("UPDATE audit_seals SET token = 'x' WHERE id = 3"),
      /not signed with a key of this service/,
    ],
    [
      "a seal was put in at the end",
      () =>
        byHand("INSERT INTO audit_seals SELECT 4, 13, 14, 1, head, '', token FROM audit_seals WHERE id = 3"),
      /row of seal 4/,
    ],
    [
      "the events at the end are gone",
      () => byHand("DELETE FROM events WHERE id > 11"),
      /Event 12, the last one that is sealed, is gone/,
      // The event that tells of the fault takes the number of one that is gone.
      /An event of seal 3, the last one, is not what was sealed/,
    ],
    ["another head is kept of the last seal", () => bucket.put("seals/3", "x"), /another head of seal 3/],
    [
      "the heads were deleted",
      () => bucket.delete(["seals/1", "seals/2", "seals/3"]),
      /lost the heads of the seals up to 3/,
    ],
    ["a head for the next seal is there already", () => bucket.put("seals/4", "x"), /head of seal 4/],
  ])("%s", async (_, attack, says, later = says) => {
    await three();
    await attack();
    const before = await rows("SELECT id, head FROM audit_seals");
    await expect(night()).rejects.toThrow(says);
    await expect(night()).rejects.toThrow("Nothing was sealed.");
    expect(await rows("SELECT id, head FROM audit_seals")).toEqual(before);
    expect(await faultNow()).toMatch(later);
  });

  it("and never overwrites a head", async () => {
    await three();
    const kept = await (await bucket.get("seals/3"))!.text();
    await bucket.put("seals/3", "x", { onlyIf: { etagDoesNotMatch: "*" } });
    await byHand("DELETE FROM audit_seals");
    await night().catch(() => {});
    expect(await (await bucket.get("seals/3"))!.text()).toBe(kept);
  });

  it("marks were moved, removed or doubled: no, since the head alone decides", async () => {
    await three();
    await byHand(
      "UPDATE audit_marks SET seal = 9 WHERE seal = 1",
      "DELETE FROM audit_marks WHERE seal = 2",
      "INSERT INTO audit_marks SELECT seal, from_id + 1, marks FROM audit_marks WHERE seal = 3",
    );
    await night();
    expect(await findings()).toEqual([]);
    await byHand("UPDATE events SET actor_id = 'x' WHERE id IN (2, 6, 10)");
    expect((await findings()).map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      "edited 4",
      "edited 8",
      "edited 12",
    ]);
  });
});

describe("a key that was retired", () => {
  const retired = async (last_seal?: number): Promise<Env> => {
    const [fresh, { d: _private, ...old }] = JSON.parse(await rotateKeys(env.SIGNING_KEYS)).keys;
    const key = last_seal === undefined ? old : { ...old, last_seal };
    return {
      ...env,
      SIGNING_KEYS: JSON.stringify({ keys: [fresh] }),
      RETIRED_KEYS: JSON.stringify({ keys: [key] }),
    };
  };

  beforeEach(async () => {
    for (let n = 0; n < 2; n++) {
      await addEvents(2);
      await night();
    }
    await addEvents(2);
  });

  it("verifies the seals up to its last one, so that the next night goes on at once", async () => {
    const bindings = await retired(2);
    expect(await faultNow(bindings)).toBeNull();
    const { keys } = (await admin("/audit-seals/status", { bindings })).body;
    expect(keys.map((key: { last_seal?: number }) => key.last_seal)).toEqual([undefined, 2]);
    await night(bindings);
    expect(await sealIds()).toEqual([1, 2, 3]);
  });

  it.each([[1], [0], [undefined]])("verifies none after last_seal %s", async (last) => {
    const bindings = await retired(last);
    await expect(night(bindings)).rejects.toThrow("Seal 2, the last one, is not signed with a key");
    expect(await sealIds()).toEqual([1, 2]);
  });

  it("that is not named any more, verifies none", async () => {
    const bindings = { ...env, SIGNING_KEYS: await generateKeys() };
    await expect(night(bindings)).rejects.toThrow("not signed with a key of this service");
  });
});
