// The two ends of a seat, in stories told by hand: proven_until is what the holder was promised, lease_expires_at is how
// long the seat is held for anybody. Both the statement and its model have to reach the numbers written here.
import { describe, expect, it } from "vitest";
import type { LicenseTerms } from "./support/seats-model.ts";
import { difference, newDatabase, NOW, rowsIn, type Step } from "./support/seats-stories.ts";

const HOUR = 3_600_000;

const license: LicenseTerms = {
  status: "active",
  revision: 1,
  starts_at: null,
  expires_at: NOW + 30 * 24 * HOUR,
  grace_days: 0,
  lease_days: 20,
  check_in_hours: 24,
  max_instances: 1,
  unproven_lease_hours: 24,
  clone_policy: "warn",
  unproven_until: null,
};

/** A request without a certificate, from the usual place. */
const asks: Step = {
  after: 0,
  atLeaseEnd: null,
  atProvenEnd: false,
  atEdge: null,
  reissue: null,
  terms: null,
  settled: null,
  again: null,
  newIds: null,
  limit: null,
  end: null,
  crowd: null,
  instance: "a",
  revision: 1,
  returning: false,
  certificate: "none",
  fingerprint: null,
  usage: null,
  lease: null,
  leaseHours: null,
  key: null,
  replace: false,
  freed: null,
  corrected: null,
  former: null,
  spread: 1,
  told: {},
  ip: "192.0.2.1",
  staff: false,
};

const brief: Partial<Step> = { leaseHours: 5 };
const shows: Partial<Step> = { certificate: "last" };
const elsewhere: Partial<Step> = { ip: "192.0.2.2" };

/** What a seat is like at the end of a story; times in hours since its beginning. */
interface Seat {
  proven: 0 | 1;
  proven_until: number;
  held_until: number;
  unproven_until?: number;
  check_in_at?: number;
  marked?: true;
}

/** What happens, when each request comes (in hours), and what the seat is like after the last one. */
const STORIES: [string, [number, Partial<Step>][], Seat, Partial<LicenseTerms>?][] = [
  [
    "an unproven request holds a brief seat for longer and promises its holder nothing",
    [
      [0, brief],
      [1, {}],
    ],
    { proven: 0, proven_until: 5, held_until: 25, unproven_until: 25 },
  ],
  [
    "an unproven request does not shorten a long seat",
    [
      [0, {}],
      [1, {}],
    ],
    { proven: 0, proven_until: 480, held_until: 480, unproven_until: 25 },
  ],
  [
    "a holder's lease starts from what he was promised, not from what holds the seat",
    [
      [0, brief],
      [1, {}],
      [2, { ...shows, ...brief }],
    ],
    { proven: 1, proven_until: 7, held_until: 25, unproven_until: 25, check_in_at: 4.5 },
  ],
  [
    "a brief lease does not take back a longer one",
    [
      [0, {}],
      [1, { ...shows, ...brief }],
    ],
    { proven: 1, proven_until: 480, held_until: 480, check_in_at: 25 },
  ],
  [
    "just before the proven lease is over, nobody becomes the holder",
    [
      [0, brief],
      [1, {}],
      [5 - 1 / HOUR, brief],
    ],
    { proven: 0, proven_until: 5, held_until: 25, unproven_until: 10 - 1_000 / HOUR },
  ],
  [
    "once the proven lease is over, the first to ask becomes the holder, and the seat stays held for the others",
    [
      [0, brief],
      [1, {}],
      [5, brief],
    ],
    { proven: 1, proven_until: 10, held_until: 25, unproven_until: 25 },
  ],
  [
    "an unproven request that is sent twice stays unproven",
    [
      [0, brief],
      [1, {}],
      [2, { again: true }],
    ],
    { proven: 0, proven_until: 5, held_until: 26, unproven_until: 26 },
  ],
  [
    "a file that replaces another does not inherit its end, but the seat is held until then",
    [
      [0, { staff: true, lease: 5, key: "k1" }],
      [1, { staff: true, lease: 1, key: "k2", replace: true }],
    ],
    { proven: 1, proven_until: 25, held_until: 120 },
  ],
  [
    "a lease that a release of before gave is a proven one, and stays so beside unproven requests",
    [
      [0, brief],
      [1, { former: true }],
    ],
    { proven: 0, proven_until: 5, held_until: 25, unproven_until: 25 },
  ],
  [
    "where the end of the license moves closer, both ends follow with the next proven request",
    [
      [0, {}],
      [1, { ...shows, end: 3 }],
    ],
    { proven: 1, proven_until: 73, held_until: 73 },
  ],
  [
    "a replaced key renews without proof until the license says, and no longer",
    [
      [0, brief],
      [1, { reissue: { hours: 1 } }],
    ],
    { proven: 0, proven_until: 5, held_until: 5, unproven_until: 2 },
  ],
  [
    "a replaced key does not become the holder once the proven lease is over",
    [
      [0, brief],
      [1, {}],
      [6, { reissue: { hours: 72 } }],
    ],
    { proven: 0, proven_until: 5, held_until: 30, unproven_until: 30 },
  ],
  [
    "unproven requests do not make a brief lease a long one, for which another place would count as a clone",
    [
      [0, brief],
      [1, { ...shows, ...brief }],
      [2, {}],
      [3, elsewhere],
    ],
    { proven: 0, proven_until: 6, held_until: 27, unproven_until: 27 },
  ],
  [
    "another place without the certificate marks the seat of a long lease",
    [
      [0, {}],
      [1, shows],
      [2, elsewhere],
    ],
    { proven: 0, proven_until: 481, held_until: 481, unproven_until: 26, marked: true },
  ],
  [
    "a marked seat is refused to others while its proven lease runs",
    [
      [0, { leaseHours: 25 }],
      [1, { ...shows, leaseHours: 25 }],
      [10, elsewhere],
      [11, elsewhere],
    ],
    { proven: 0, proven_until: 26, held_until: 34, unproven_until: 34, marked: true },
    { clone_policy: "refuse" },
  ],
  [
    "a marked seat is not refused any more once its proven lease is over, although others hold it",
    [
      [0, { leaseHours: 25 }],
      [1, { ...shows, leaseHours: 25 }],
      [10, elsewhere],
      [26, { reissue: { hours: 72 } }],
    ],
    { proven: 0, proven_until: 26, held_until: 50, unproven_until: 50, marked: true },
    { clone_policy: "refuse" },
  ],
  [
    "two old certificates in a row mark the seat of the one who shows them",
    [
      [0, {}],
      [1, shows],
      [2, { certificate: "older" }],
      [3, { certificate: "older" }],
    ],
    { proven: 1, proven_until: 483, held_until: 483, marked: true },
  ],
  [
    "a seat that is new again is not marked, since its only event is the activation",
    [
      [0, brief],
      [1, { ...brief, ...shows }],
      [2, { ...brief, certificate: "older" }],
      [30, { ...brief, certificate: "older" }],
    ],
    { proven: 1, proven_until: 35, held_until: 35 },
  ],
];

const inHours = (at: number | null): number | undefined => (at === null ? undefined : (at - NOW) / HOUR);

describe("the ends of a seat", () => {
  const database = newDatabase();

  it.for(STORIES)("%s", ([, requests, seat, terms]) => {
    let before = 0;
    const story = requests.map(([at, step]): Step => {
      const after = Math.round((at - before) * HOUR);
      before = at;
      return { ...asks, after, ...step };
    });
    expect(difference(database, [{ ...license, ...terms }, story])).toBeNull();
    const [row] = rowsIn(database);
    const { check_in_at } = seat;
    expect({
      proven: row!.proven,
      proven_until: inHours(row!.proven_until),
      held_until: inHours(row!.lease_expires_at),
      unproven_until: inHours(row!.unproven_until),
      check_in_at: check_in_at === undefined ? undefined : inHours(row!.check_in_at),
      marked: row!.clone_suspected_at === null ? undefined : true,
    }).toEqual({ unproven_until: undefined, check_in_at: undefined, marked: undefined, ...seat });
  });
});
