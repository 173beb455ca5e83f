import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../../src/config.ts";
import type { Context } from "../../../src/context.ts";
import { SILENT_DAYS } from "../../../src/licensing/instances/census.ts";
import { KNOWN_SILENT, walkForSilent } from "../../../src/licensing/instances/silence.ts";
import { servicesOf } from "../../../src/services.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, fire } from "../../support/mail.ts";
import { plansOf, recorded } from "../../support/meter.ts";
import { newLicense, rows, unique } from "../../support/service.ts";

// No seat of another test is held until then, so those of these tests are all that is silent.
const NOW = Date.parse("2080-06-01T08:00:00.000Z");

let license_id = "";

beforeEach(async () => {
  license_id = (await newLicense()).license.id;
  setTime(NOW);
  await env.DB.exec(
    "UPDATE silence_walk SET license_id = '', ended_at = -1, instance_id = '', found = '[]' WHERE only = 1",
  );
});

afterEach(async () => {
  await env.DB.prepare("DELETE FROM activations WHERE license_id = ?").bind(license_id).run();
});

interface Seat {
  seen?: number;
  lease?: number;
  ended?: number;
  by?: "instance" | "staff";
  count?: number;
}

/** Seats as rows: what makes them would also write events, in a time that the record has not come to. */
async function seated(name: string, { seen = 9, lease = 21, ended = 0, by = "instance", count = 1 }: Seat) {
  await env.DB.prepare(
    `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
     INSERT INTO activations (license_id, ended_at, instance_id, id, activated_at, last_seen_at, lease_expires_at,
       check_in_at, seats_in_use, seats_lapsed, actor_type)
     SELECT ?2, ?3, ?4 || n, 'act_' || ?4 || n, 0, ?5, ?6, 0, 1, 0, ?7 FROM numbers`,
  )
    .bind(count, license_id, ended, name, Math.round(NOW - seen * DAY), NOW + lease * DAY, by)
    .run();
}

const step = (bindings: Env = env): Promise<void> => fire(DELIVERIES, bindings);

const overview = async (): Promise<string> => (await (await Visitor.signIn()).get("/admin")).text;

/** What the overview finds before it is told by license: a line for each instance. */
const silentNow = async (): Promise<string> =>
  (await rows<{ instance_id: string }>(KNOWN_SILENT(`?1 - ${SILENT_DAYS * DAY}`, 24), Date.now()))
    .map(({ instance_id }) => `silent ${instance_id}`)
    .join("\n");

const position = () => rows("SELECT license_id, ended_at, instance_id FROM silence_walk");

/** Where names stand in a text, in their order; those that are not in it are left out. */
const found = (text: string, names: string[]): string[] =>
  names
    .filter((name) => text.includes(`silent ${name}1`))
    .toSorted((one, other) => text.indexOf(`silent ${one}1`) - text.indexOf(`silent ${other}1`));

describe("the overview's silent instances", () => {
  it("hold a seat and were not seen for three days, the longest first", async () => {
    const cases: Record<string, Seat> = {
      nine: { seen: 9 },
      three: { seen: 3 },
      five: { seen: 5 },
      lately: { seen: 2.9 },
      lapsed: { lease: -1 },
      ended: { ended: NOW - DAY },
      offline: { by: "staff" },
    };
    const names = new Map(Object.keys(cases).map((name) => [name, unique(name)]));
    for (const [name, seat] of Object.entries(cases)) await seated(names.get(name)!, seat);
    await step();
    const expected = ["nine", "five", "three"].map((name) => names.get(name)!);
    expect(found(await silentNow(), [...names.values()])).toEqual(expected);
    expect(await overview()).toContain(`3 instances, worst: ${names.get("nine")!}1`);
  });

  it("are gone as soon as they are heard of, and there once they are silent, without another look", async () => {
    const [heard, soon] = [unique("heard"), unique("soon")];
    await seated(heard, {});
    await seated(soon, { seen: 2.5 });
    await step();
    expect(found(await silentNow(), [heard, soon])).toEqual([heard]);
    await env.DB.prepare("UPDATE activations SET last_seen_at = ? WHERE license_id = ? AND instance_id = ?")
      .bind(NOW, license_id, `${heard}1`)
      .run();
    setTime(NOW + 0.5 * DAY);
    expect(found(await silentNow(), [heard, soon])).toEqual([soon]);
  });

  it("are found by a walk of so many rows a step, which begins anew after the last", async () => {
    const [first, last] = [unique("0-first"), unique("last")];
    await seated(first, { seen: 1 });
    await seated(unique("busy"), { seen: 0, count: 10_000 });
    await seated(last, {});
    const { bindings, cost, statements } = recorded();
    const acting = { actor: { type: "system", id: "deliveries" }, requestId: "r", ip: null };
    await walkForSilent({ ...servicesOf(bindings), ...acting } as Context, NOW);
    const plans = await plansOf(statements.filter(({ sql }) => sql.includes("(?1, ?2, ?3)")));
    // By all of the key: a license of many thousand instances is not walked from its first in each step.
    const searches = plans.filter((plan) => plan.includes("((license_id,ended_at,instance_id)>(?,?,?))"));
    expect(searches).toHaveLength(2);
    expect(cost.read).toBeLessThan(20_200);
    expect(await position()).not.toMatchObject([{ license_id: "" }]);
    expect(found(await silentNow(), [last])).toEqual([]);
    await step();
    expect(await position()).toEqual([{ license_id: "", ended_at: -1, instance_id: "" }]);
    expect(found(await silentNow(), [last])).toEqual([last]);
    // Meanwhile the first falls silent.
    await env.DB.prepare("UPDATE activations SET last_seen_at = ? WHERE license_id = ? AND instance_id = ?")
      .bind(NOW - 4 * DAY, license_id, `${first}1`)
      .run();
    await step();
    expect(found(await silentNow(), [first, last])).toEqual([last, first]);
  });

  it("stay few, the longest silent", async () => {
    const [many, longest] = [unique("many"), unique("z")];
    await seated(many, { seen: 5, count: 40 });
    await seated(longest, { seen: 6 });
    await step();
    await step();
    const [list] = await rows<{ kept: number }>("SELECT json_array_length(found) AS kept FROM silence_walk");
    expect(list!.kept).toBe(24);
    expect(found(await silentNow(), [longest])).toEqual([longest]);
    expect(await overview()).toContain(`24 instances, worst: ${longest}1`);
  });

  it("are not forgotten by a step that was overtaken by another", async () => {
    const name = unique("seen");
    await seated(name, {});
    await seated(unique("busy"), { seen: 0, count: 10_000 });
    const slow: D1Database = {
      prepare: (sql: string) => env.DB.prepare(sql),
      batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
      withSession: () => ({
        prepare: (sql: string) => env.DB.prepare(sql),
        async batch(statements: D1PreparedStatement[]) {
          const results = await env.DB.batch(statements);
          await step();
          await step();
          await env.DB.exec("UPDATE silence_walk SET license_id = 'further' WHERE only = 1");
          return results;
        },
      }),
    } as unknown as D1Database;
    await step({ ...env, DB: slow });
    expect(await position()).toMatchObject([{ license_id: "further" }]);
    expect(found(await silentNow(), [name])).toEqual([name]);
  });
});

describe("instance.silent", () => {
  const told = async (): Promise<unknown[]> =>
    (
      await rows<{ detail: string }>(
        "SELECT detail FROM events WHERE entity_id = ? AND action = 'instance.silent' ORDER BY id",
        license_id,
      )
    ).map(({ detail }) => JSON.parse(detail));

  const again = async (): Promise<void> => {
    await step();
    await step();
  };

  it("is told once for each silence, of instances that hold a seat and have a network", async () => {
    const [silent, offline] = [unique("silent"), unique("offline")];
    await seated(silent, { seen: 3 });
    await seated(unique("soon"), { seen: 3 - 1e-6 });
    await seated(unique("lapsed"), { seen: 9, lease: 0 });
    await seated(unique("ended"), { seen: 9, ended: NOW - DAY });
    await seated(offline, { seen: 9, by: "staff" });
    await again();
    await Promise.all([step(), step()]);
    const first = {
      activation_id: `act_${silent}1`,
      instance_id: `${silent}1`,
      last_seen_at: "2080-05-29T08:00:00.000Z",
    };
    expect((await told()).filter((one) => JSON.stringify(one).includes(silent))).toEqual([first]);
    expect(JSON.stringify(await told())).not.toMatch(/offline|lapsed|ended-|soon/);
    // It was seen again, and falls silent again.
    await rows("UPDATE activations SET last_seen_at = ? WHERE instance_id = ?", NOW + DAY, `${silent}1`);
    setTime(NOW + 2 * DAY);
    await again();
    setTime(NOW + 4 * DAY);
    await again();
    expect((await told()).filter((one) => JSON.stringify(one).includes(silent))).toEqual([
      first,
      { ...first, last_seen_at: "2080-06-02T08:00:00.000Z" },
    ]);
  });

  it("is told again where nothing was looked at in between", async () => {
    const name = unique("quick");
    await seated(name, { seen: 4 });
    await step();
    await rows("UPDATE activations SET last_seen_at = ? WHERE instance_id = ?", NOW + DAY, `${name}1`);
    setTime(NOW + 5 * DAY);
    // The step that begins with this license, and ends with it.
    await rows("UPDATE silence_walk SET license_id = ?, ended_at = -1, instance_id = ''", license_id);
    await step();
    expect((await told()).filter((one) => JSON.stringify(one).includes(name))).toHaveLength(2);
  });

  it("is forgotten with the seat", async () => {
    const name = unique("gone");
    await seated(name, { seen: 4 });
    await again();
    const kept = () => rows("SELECT 1 FROM silent_instances WHERE instance_id = ?", `${name}1`);
    expect(await kept()).toHaveLength(1);
    await rows("DELETE FROM activations WHERE instance_id = ?", `${name}1`);
    await again();
    expect(await kept()).toEqual([]);
  });
});
