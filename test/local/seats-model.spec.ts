import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claim, claimed, type LicenseTerms, type SeatRow } from "./support/seats-model.ts";
import { difference, newDatabase, storiesOf } from "./support/seats-stories.ts";

const STORIES = 1_000;
const NOW = Date.UTC(2026, 10, 24, 13);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

// Whether these stories would notice another statement: npm run mutation.
describe("the statement that claims a seat", () => {
  it(`does what its model says, in ${STORIES} stories of up to twelve claims`, () => {
    const database = newDatabase();
    for (const story of storiesOf(STORIES)) expect(difference(database, story)).toBeNull();
  });
});

const terms: LicenseTerms = {
  status: "active",
  revision: 1,
  starts_at: null,
  expires_at: null,
  grace_days: 0,
  lease_days: 30,
  check_in_hours: 24,
  max_instances: 1,
  unproven_lease_hours: 72,
  clone_policy: "refuse",
  unproven_until: null,
};

/** The one seat of a license, and whoever asks for it. */
function seat(license: LicenseTerms) {
  let row: SeatRow | null = null;
  let n = 0;
  return {
    isMarked: () => row !== null && row.clone_suspected_at !== null,
    /** Asks from a place; null: refused. */
    ask: (now: number, place: string, shown: SeatRow | null, lease_hours: number | null): SeatRow | null => {
      n++;
      const claim: Claim = {
        instance: "a",
        now,
        revision: 1,
        returning: false,
        certified: shown?.proven === 1 ? shown.id : null,
        presented: shown?.proven === 1 ? Math.floor(shown.last_seen_at / 1_000) * 1_000 : null,
        fingerprint: place,
        usage: null,
        file: null,
        lease_hours,
        spread: 1,
        id: `act_${n}`,
        told: { hostname: place },
        by: { ip: place, actor_type: "instance", actor_id: "a", request_id: `request-${n}` },
      };
      const after = claimed(license, row ? [row] : [], claim, { seated: row ? 1 : 0, newIds: 0, known: [] });
      if (after) row = after;
      return after;
    },
  };
}

/** How long each process of a pod lives, in hours, and how long until the next one starts. */
const lives = fc.array(
  fc.tuple(fc.double({ min: 0.001, max: 60, noNaN: true }), fc.constantFrom(0, 0.01, 1, 30)),
  {
    maxLength: 120,
    size: "max",
  },
);

/** When a process asks again: of an unproven certificate, too, at most half has passed. */
const nextCheckIn = ({ check_in_hours }: LicenseTerms, row: SeatRow, now: number): number =>
  row.proven === 1
    ? row.check_in_at
    : Math.trunc(now + Math.min(check_in_hours * HOUR, (row.unproven_until! - now) / 2));

/**
 * A pod that keeps nothing: each process starts without a certificate, at a place of its own, and shows at its check-ins
 * what it was answered last.
 * @param checksIn whether a process lives long enough to check in
 */
function livesOf(
  pod: [number, number][],
  license: LicenseTerms,
  checksIn: boolean,
  lease_hours: number | null,
) {
  const { ask, isMarked } = seat(license);
  let now = NOW;
  for (const [n, [hours, pause]] of pod.entries()) {
    let shown = ask(now, `pod-${n}`, null, lease_hours);
    expect(shown, "a start is not refused").not.toBeNull();
    const end = Math.trunc(now + hours * HOUR);
    for (;;) {
      const next: number = shown ? nextCheckIn(license, shown, now) : end;
      if (!checksIn || next >= end) break;
      now = next;
      shown = ask(now, `pod-${n}`, shown, lease_hours);
      expect(shown, "a check-in is not refused").not.toBeNull();
    }
    expect(isMarked()).toBe(false);
    now = Math.trunc(end + pause * HOUR);
  }
}

describe("a pod that keeps no state, under the policy refuse", () => {
  it("is never refused nor marked while each of its processes fails before it checks in", () => {
    fc.assert(
      fc.property(
        lives,
        fc.constantFrom(null, 1, 24, 100, 8_760),
        fc.constantFrom(1, 72),
        (pod, hours, unproven) => livesOf(pod, { ...terms, unproven_lease_hours: unproven }, false, hours),
      ),
    );
  });

  it("is never refused nor marked however long they live, where it asks for short leases", () => {
    fc.assert(
      fc.property(
        lives,
        fc.constantFrom(1, 4, 24, 72),
        fc.constantFrom(1, 24),
        (pod, hours, check_in_hours) => livesOf(pod, { ...terms, check_in_hours }, true, hours),
      ),
    );
  });
});

describe("a clone of an installation that keeps its state", () => {
  it("is marked a day after both were seen, and refused from then on", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 24 * 60 - 1 }),
        fc.integer({ min: 1, max: 24 * 60 - 1 }),
        (first, later) => {
          const { ask, isMarked } = seat(terms);
          const start = NOW + first * 60_000;
          let kept = ask(start, "home", null, null);
          for (const day of [0, 1, 2]) {
            if (day > 0) kept = ask(start + day * DAY, "home", kept, null);
            ask(start + day * DAY + later * 60_000, "away", null, null);
          }
          expect(isMarked()).toBe(true);
          expect(ask(start + 3 * DAY, "away", null, null)).toBeNull();
          expect(ask(start + 3 * DAY, "home", kept, null)).not.toBeNull();
        },
      ),
    );
  });
});
