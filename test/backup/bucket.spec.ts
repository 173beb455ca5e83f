// The weekly backup in the bucket: an object a page, carried on by the ten-minute trigger, kept for 35 days.
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../src/config.ts";
import { emptyElsewhere, elsewhere, open, restore, rowsElsewhere, takeBackup } from "../support/backup.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire, NIGHTLY } from "../support/mail.ts";
import { bucket, freshRecord } from "../support/record.ts";
import { admin, newLicense, rows } from "../support/service.ts";

const SUNDAY = Date.parse("2026-11-22T03:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  await emptyElsewhere();
  setTime(SUNDAY);
});

const night = async (at: number, bindings: Env = env): Promise<void> => {
  setTime(at);
  await fire(NIGHTLY, bindings, at);
};

const tenMinutes = (bindings: Env = env) => fire(DELIVERIES, bindings, Date.now());

const keys = async (prefix = "backups/") => (await bucket.list({ prefix })).objects.map(({ key }) => key);

const listed = async () => (await admin("/backups")).body.data;

/** Enough licenses for several pages. */
const manyTerms = (count: number) =>
  rows(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO customers (id, name, created_at, updated_at) SELECT 'c-' || i, 'C', 1, 1 FROM n`,
    count,
  );

describe("the weekly backup", () => {
  it("begins in a night, and comes back as any other; the event it ends with was there", async () => {
    const { license } = await newLicense();
    await night(SUNDAY);
    expect(await listed()).toEqual([]);
    await tenMinutes();
    const [stored, ...more] = await listed();
    expect(more).toEqual([]);
    expect(stored).toMatchObject({ at: "2026-11-22T03:00:00.000Z" });
    expect(await keys()).toContain(`backups/${stored.id}/manifest`);
    expect((await admin("/health")).body.backups).toEqual({
      bound: true,
      last_at: "2026-11-22T03:00:00.000Z",
    });
    // Read by another service on the same bucket, whose database is gone.
    const backup = await takeBackup({ id: stored.id }, undefined, elsewhere);
    expect(backup.event).toBe(stored.event);
    expect(await rowsElsewhere("SELECT action, entity_id FROM events")).toEqual([
      { action: "database.exported", entity_id: stored.id },
    ]);
    await emptyElsewhere();
    expect((await restore(backup)).rows.licenses).toBe(1);
    expect(await rowsElsewhere("SELECT id FROM licenses")).toEqual([{ id: license.id }]);
  });

  it("is made once in seven nights, and goes after 35 days", { timeout: 60_000 }, async () => {
    await newLicense();
    const ids: string[][] = [];
    for (let day = 0; day <= 42; day++) {
      await night(SUNDAY + day * DAY);
      await tenMinutes();
      if (day % 7 === 0) ids.push((await listed()).map(({ id }: { id: string }) => id));
    }
    expect(ids.map((all) => all.length)).toEqual([1, 2, 3, 4, 5, 6, 6]);
    expect(ids.at(-1)).not.toContain(ids[0]![0]);
    expect((await keys()).filter((key) => key.includes(ids[0]![0]!))).toEqual([]);
    expect((await keys("seals/")).length).toBeGreaterThan(0);
  });

  it("goes on where it was killed, at each of its objects, and is whole all the same", async () => {
    await manyTerms(1_200);
    await newLicense();
    await night(SUNDAY);
    let fails = true;
    for (let allowed = 0; fails; allowed++) {
      let put = 0;
      fails = false;
      const tired = new Proxy(bucket, {
        get(target, name) {
          if (name !== "put") return Reflect.get(target, name).bind(target);
          return async (...args: [string, string]) => {
            if (args[0].startsWith("backups/") && ++put > 1) {
              fails = true;
              throw new Error("killed");
            }
            return target.put(...args);
          };
        },
      });
      await tenMinutes({ ...env, BACKUPS: tired }).catch(() => undefined);
      setTime(SUNDAY + (allowed + 1) * 600_000);
    }
    const [stored] = await listed();
    expect(stored.pages).toBeGreaterThan(5);
    const backup = await takeBackup({ id: stored.id });
    expect((await restore(backup)).rows.customers).toBe(1_201);
  });

  it("that nobody carried on for a day is given up, and the next night begins another one", async () => {
    await newLicense();
    await night(SUNDAY);
    setTime(SUNDAY + DAY + 1);
    await tenMinutes();
    expect(await listed()).toEqual([]);
    await night(SUNDAY + DAY + 2);
    await tenMinutes();
    expect(await listed()).toHaveLength(1);
  });

  it("has no tokens, and there is none without a bucket or before anything happened", async () => {
    await night(SUNDAY);
    expect(await rows("SELECT * FROM backups")).toEqual([]);
    await newLicense();
    const { BACKUPS: _none, ...without } = env;
    await night(SUNDAY + DAY, without);
    expect(await rows("SELECT * FROM backups")).toEqual([]);
    expect((await admin("/backups", { bindings: without })).status).toBe(404);
    await night(SUNDAY + DAY);
    await tenMinutes();
    const [{ id }] = await listed();
    expect((await admin("/backups", { body: { id, with_access: true } })).status).toBe(422);
    expect((await admin("/backups", { body: { id: "bck_01KB0Q5V2E8N4P6R0S1T3W5X7Z" } })).status).toBe(404);
    const { manifest } = await takeBackup({ id });
    expect(Object.keys(manifest.tables)).not.toContain("api_tokens");
    // A cursor belongs to its backup.
    const { cursor } = await open({ id });
    const other = await open();
    expect((await admin(`/backups/${other.id}/pages?cursor=${cursor}`)).status).toBe(422);
    expect((await admin(`/backups/${id}/pages?cursor=abc`)).status).toBe(422);
  });
});
