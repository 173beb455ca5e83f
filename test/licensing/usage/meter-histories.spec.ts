// Random histories of meters: reports, resends, late days, unproven clones, other instances, corrections and folding,
// against a second statement of the rules. The seed of a run that failed is in its name.
import { beforeEach, describe, expect, it } from "vitest";
import type { Context } from "../../../src/context.ts";
import { closeMonths, foldUsage } from "../../../src/licensing/usage/folding.ts";
import { servicesOf } from "../../../src/services.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, call, checkIn, newLicense, rows, unique } from "../../support/service.ts";

const NOW = Date.parse("2026-06-20T08:00:00.000Z");

/** mulberry32 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const daysAgo = (days: number): string => new Date(NOW - days * DAY).toISOString().slice(0, 10);

const asSystem = (): Context => ({
  ...servicesOf(env),
  actor: { type: "system", id: "nightly" },
  requestId: "r",
  ip: null,
  defer: () => undefined,
});

async function fold(): Promise<void> {
  while (await foldUsage(asSystem()));
  while (await closeMonths(asSystem()));
}

type Figures = Record<string, number>;

/** The rules once more: by day and instance, each code's highest figure, or what staff said of it. */
class Ledger {
  readonly days = new Map<string, Map<string, { figures: Figures; corrected: boolean }>>();

  #cell(day: string, box: string) {
    const boxes = this.days.get(day) ?? new Map();
    this.days.set(day, boxes);
    const cell = boxes.get(box) ?? { figures: {}, corrected: false };
    boxes.set(box, cell);
    return cell;
  }

  tell(day: string, box: string, figures: Figures): void {
    const cell = this.#cell(day, box);
    if (cell.corrected) return;
    for (const [code, n] of Object.entries(figures))
      if (n >= (cell.figures[code] ?? -1)) cell.figures[code] = n;
  }

  correct(day: string, box: string, figures: Figures): void {
    const cell = this.#cell(day, box);
    cell.corrected = true;
    Object.assign(cell.figures, figures);
  }

  sum(day: string): Figures {
    const sums: Figures = {};
    for (const { figures } of this.days.get(day)?.values() ?? [])
      for (const [code, n] of Object.entries(figures)) sums[code] = (sums[code] ?? 0) + n;
    return sums;
  }

  /** The days of the month before a day. */
  before(day: string, code: string): [total: number, peak: number] {
    const earlier = [...this.days.keys()].filter((one) => one < day && one.slice(0, 7) === day.slice(0, 7));
    const figures = earlier.map((one) => this.sum(one)[code] ?? 0);
    return [figures.reduce((a, b) => a + b, 0), Math.max(0, ...figures)];
  }
}

const withoutZeros = (figures: Figures | undefined): Figures =>
  Object.fromEntries(Object.entries(figures ?? {}).filter(([, n]) => n > 0));

beforeEach(async () => {
  await freshRecord();
  setTime(NOW);
});

describe.each([1, 2, 3, 4])("a history from seed %d", (seed) => {
  it("comes to what the rules say, wherever its days lie", { timeout: 60_000 }, async () => {
    const random = randomFrom(seed);
    const codes: string[] = [];
    for (const _ of [1, 2, 3]) {
      const code = unique("h");
      await admin("/entitlements", { body: { code, name: "H", kind: "meter" } });
      codes.push(code);
    }
    setTime(NOW - 300 * DAY);
    const entitlements = Object.fromEntries(codes.slice(0, 2).map((code) => [code, { value: null }]));
    const { license, license_key } = await newLicense({
      expires_in: "P9Y",
      max_instances: 9,
      unproven_lease_hours: 1,
      entitlements,
    });
    setTime(NOW);
    const boxes = ["a", "b", "c"];
    for (const box of boxes) await activate(license_key, box);
    const ledger = new Ledger();
    const someDay = () => daysAgo([0, 1, 2, 19, 20, 75, 95, 96, 110, 130][random(10)]!);
    const some = (): Figures =>
      Object.fromEntries(codes.filter(() => random(3) > 0).map((code) => [code, random(50)]));
    const known = (figures: Figures): Figures => {
      const { [codes[2]!]: _unknown, ...kept } = figures;
      return kept;
    };
    for (let step = 0; step < 40; step++) {
      const box = boxes[random(3)]!;
      const what = random(12);
      if (what < 7) {
        const told = Array.from({ length: 1 + random(3) }, () => [someDay(), some()] as const);
        const usage = told.map(([date, meters]) => ({ date, requests: 1, services: 1, meters }));
        for (let again = random(2); again >= 0; again--) {
          const answer = await checkIn(license_key, box, { usage });
          expect(answer.status, answer.text).toBe(200);
        }
        for (const [day, figures] of told) ledger.tell(day, box, known(figures));
      } else if (what < 9) {
        // A clone without the certificate: its figures are not taken.
        const usage = [{ date: someDay(), requests: 9, services: 9, meters: { [codes[0]!]: 999 } }];
        const answer = await call("/v1/check-in", { body: { license_key, instance_id: box, usage } });
        expect(answer.body.usage_ignored).toEqual([usage[0]!.date]);
      } else if (what < 10) {
        const day = someDay();
        const meters = known(some());
        const body = { requests: 1, services: 1, meters, reason: "Counted anew" };
        const path = `/licenses/${license.id}/usage/${day}/${box}`;
        expect((await admin(path, { method: "PUT", body })).status).toBe(200);
        ledger.correct(day, box, meters);
      } else await fold();
    }
    for (const round of ["as they lie", "folded"]) {
      const { body } = await admin(`/licenses/${license.id}/usage?from=${daysAgo(140)}&to=${daysAgo(0)}`);
      const shown = new Map<string, any>(body.data.map((day: { date: string }) => [day.date, day]));
      for (const [day, instances] of ledger.days) {
        expect(withoutZeros(shown.get(day)?.meters), `${day} ${round}`).toEqual(
          withoutZeros(ledger.sum(day)),
        );
        for (const [box, { figures }] of instances) {
          const one = shown.get(day)?.instances.find((row: any) => row.instance_id === box);
          expect(withoutZeros(one?.meters), `${day} ${box} ${round}`).toEqual(withoutZeros(figures));
        }
      }
      const sums = await rows<{ day: string; meters: string | null; before: string | null; open: number }>(
        `SELECT day, meters, before, 1 AS open FROM license_usage WHERE license_id = ?1
         UNION ALL SELECT month || '-' || key, value -> 2, NULL, 0 FROM license_usage_months, json_each(days)
         WHERE license_id = ?1`,
        license.id,
      );
      for (const { day, meters, before, open } of sums) {
        expect(withoutZeros(JSON.parse(meters ?? "{}")), `${day} kept ${round}`).toEqual(
          withoutZeros(ledger.sum(day)),
        );
        if (!open || meters === null) continue;
        for (const code of codes.slice(0, 2)) {
          const kept = (JSON.parse(before ?? "{}") as Record<string, [number, number]>)[code] ?? [0, 0];
          expect(kept, `${day} ${code} before ${round}`).toEqual(ledger.before(day, code));
        }
      }
      for (const month of ["2026-03", "2026-05", "2026-06"]) {
        const stated = (await admin(`/licenses/${license.id}/statements/${month}`)).body;
        const told = [...ledger.days.keys()].filter((day) => day.startsWith(month));
        for (const code of codes.slice(0, 2)) {
          const figures = told.map((day) => ledger.sum(day)[code] ?? 0);
          expect(stated.meters[code], `${month} ${round}`).toMatchObject({
            total: figures.reduce((a, b) => a + b, 0),
            peak: Math.max(0, ...figures),
          });
        }
      }
      await fold();
    }
  });
});
