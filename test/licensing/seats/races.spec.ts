// Claims of seats against all that changes what may be claimed, at once. The record, which D1 writes in the one order
// in which it did things, is played back against the rules said as simply as can be.
import fc from "fast-check";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { env } from "../../support/env.ts";
import { brokenIn } from "../../support/invariants.ts";
import { activate, admin, type Answer, deactivate, newLicense, rows } from "../../support/service.ts";

const NOW = Date.parse("2026-05-01T08:00:00Z");
const ROUNDS = env.RACE_ROUNDS;
const ACTIVATIONS = 200;

const figures = {
  rounds: 0,
  "parallel activations": 0,
  granted: 0,
  "refused for the limit": 0,
  "refused while suspended": 0,
  "without proof": 0,
  "given back without proof": 0,
  "changes in between": 0,
  "seats above the limit": 0,
};

/** A state that the license was in: what it allowed, what was taken, and whether it ran. */
const stateOf = (limit: number | null, seats: number, status: string): string =>
  `${limit} ${seats} ${status}`;

interface Event {
  action: string;
  detail: string;
}

/**
 * Plays the record of a license back. Each line must have been allowed where it stands.
 * @returns every state that the license was in, and who has a seat at the end
 */
function playBack(events: Event[], first: number | null, lapsed: string[]) {
  let limit = first;
  let status = "active";
  const seats = new Set<string>();
  const gone = new Set(lapsed);
  const states = new Set([stateOf(limit, 0, status)]);
  for (const { action, detail } of events) {
    const told = JSON.parse(detail) as {
      instance_id: string;
      changes: { max_instances: { to: number | null } };
    };
    const { instance_id, changes } = told;
    switch (action) {
      case "activation.created":
        expect(status, "no seat of a suspended license").toBe("active");
        expect(seats, "no second seat of an instance").not.toContain(instance_id);
        if (limit !== null) expect(seats.size, "no seat above the limit").toBeLessThan(limit);
        seats.add(instance_id);
        break;
      case "activation.ended":
        expect([...seats, ...gone]).toContain(instance_id);
        seats.delete(instance_id);
        break;
      case "activation.lapsed":
        // It held nothing any more.
        expect(gone).toContain(instance_id);
        break;
      case "license.suspended":
      case "license.reinstated":
        status = action === "license.suspended" ? "suspended" : "active";
        break;
      case "license.changed":
        limit = changes.max_instances.to;
        break;
    }
    states.add(stateOf(limit, seats.size, status));
  }
  return { states, seats };
}

/** What one round does besides activating, all of it at the same moment. */
const interference = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("deactivate" as const), instance: fc.nat(149) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 1, max: 60 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("suspend" as const, "reinstate" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("renew" as const) }) },
  ),
  { maxLength: 40, size: "max" },
);

const round = fc.record({
  limit: fc.integer({ min: 1, max: 60 }),
  /** Which of 150 instances activates: some more than once. */
  instances: fc.array(fc.nat(149), { minLength: ACTIVATIONS, maxLength: ACTIVATIONS }),
  lapsed: fc.uniqueArray(fc.nat(149), { maxLength: 10 }),
  others: interference,
  /** Where in the row of activations the others stand. */
  places: fc.array(fc.nat(ACTIVATIONS), { minLength: 40, maxLength: 40 }),
  /** How many set out together. */
  pace: fc.constantFrom(2, 5, 20, 300),
});

type Round = typeof round extends fc.Arbitrary<infer T> ? T : never;

/**
 * Sends them all without waiting for any, so many at a moment: a change takes two round trips, and would otherwise
 * come after every activation, which takes one.
 */
async function allAtOnce(ask: (() => Promise<Answer>)[], pace: number): Promise<Answer[]> {
  const answers: Promise<Answer>[] = [];
  for (const [n, one] of ask.entries()) {
    answers.push(one());
    if (n % pace === pace - 1) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return Promise.all(answers);
}

async function storm({ limit, instances, lapsed, others, places, pace }: Round): Promise<void> {
  const box = (n: number): string => `box-${n}`;
  setTime(NOW - 40 * DAY);
  const { license, license_key } = await newLicense({ expires_days: 365, max_instances: 60 });
  for (const n of lapsed) await activate(license_key, box(n));
  await admin(`/licenses/${license.id}`, { method: "PATCH", body: { max_instances: limit } });
  const [{ last } = { last: 0 }] = await rows<{ last: number }>("SELECT max(id) AS last FROM events");
  setTime(NOW);

  const ask: (() => Promise<Answer>)[] = instances.map((n) => () => activate(license_key, box(n)));
  const act = (path: string, body: object, method = "POST") =>
    admin(`/licenses/${license.id}${path}`, { method, body });
  others.forEach((other, n) => {
    const place = places[n]!;
    switch (other.do) {
      case "deactivate":
        return ask.splice(place, 0, () => deactivate(license_key, box(other.instance)));
      case "limit":
        return ask.splice(place, 0, () => act("", { max_instances: other.limit }, "PATCH"));
      case "renew":
        return ask.splice(place, 0, () => act("/renew", { expires_days: 1 }));
      default:
        return ask.splice(place, 0, () => act(`/${other.do}`, { reason: "x" }));
    }
  });
  const answers = await allAtOnce(ask, pace);

  const events = await rows<Event & { id: number }>(
    "SELECT id, action, detail FROM events WHERE entity_id = ? AND id > ? ORDER BY id",
    license.id,
    last,
  );
  const { states, seats } = playBack(events, limit, lapsed.map(box));
  const refusals = new Set(answers.filter(({ status }) => status >= 400).map(({ body }) => body.code));
  const isSeen = (allowed: number | null, taken: number, status: string): void =>
    expect(states).toContain(stateOf(allowed, taken, status));
  const proven = new Set<string>();
  const isGranted = ({ instances: { max, active }, certificate, lease_expires_at }: Answer["body"]): void => {
    // Who had a seat is told what is kept, which counts leases that ran out and are not settled yet.
    const maybe = lapsed.map((_, n) => stateOf(max, active - n - 1, "active"));
    expect([stateOf(max, active, "active"), ...maybe].some((state) => states.has(state))).toBe(true);
    const claims = decodeJwt(certificate);
    if (claims["proven"] !== false) return void proven.add(claims.jti!);
    figures["without proof"]++;
    expect(Date.parse(lease_expires_at)).toBe(NOW + 3 * DAY);
  };
  for (const { status, body } of answers) {
    // What an answer says of the license was so at one moment.
    if (status === 200 && body.status === "activated") isGranted(body);
    if (status < 400) continue;
    switch (body.code) {
      case "ACTIVATION_LIMIT_REACHED":
        isSeen(body.allowed, body.observed, "active");
        expect(body.observed).toBeGreaterThanOrEqual(body.allowed);
        break;
      case "LICENSE_SUSPENDED":
        expect([...states].some((state) => state.endsWith("suspended"))).toBe(true);
        break;
      case "CERTIFICATE_REQUIRED":
        // Who gives a seat back before he was told of its certificate.
        figures["given back without proof"]++;
        break;
      default:
        // Changes of one license that overtake each other, or that its state does not allow.
        expect(["INVALID_TRANSITION", "CONFLICT"]).toContain(body.code);
    }
  }
  // Nobody is without proof where nobody has it.
  for (const { status, body } of answers)
    if (status === 200 && body.status === "activated") expect(proven).toContain(body.activation_id);
  const { data } = (await admin(`/activations?license_id=${license.id}&active=true&limit=100`)).body;
  expect(data.map((row: { instance_id: string }) => row.instance_id).toSorted()).toEqual(
    [...seats].toSorted(),
  );
  if (others.length === 0) {
    expect(seats.size).toBe(Math.min(limit, new Set(instances).size));
    expect([...refusals]).toEqual(seats.size < new Set(instances).size ? ["ACTIVATION_LIMIT_REACHED"] : []);
  }

  const of = (code: string): number => answers.filter(({ body }) => body?.code === code).length;
  figures.rounds++;
  figures["parallel activations"] += instances.length;
  figures.granted += answers.filter(
    ({ status, body }) => status === 200 && body.status === "activated",
  ).length;
  figures["refused for the limit"] += of("ACTIVATION_LIMIT_REACHED");
  figures["refused while suspended"] += of("LICENSE_SUSPENDED");
  figures["changes in between"] += others.length;
}

describe("two hundred activations at once", () => {
  it(
    "with everything else in between, take the seats that there are",
    { timeout: 3_600_000 },
    async ({ task }) => {
      await fc.assert(fc.asyncProperty(round, storm), {
        numRuns: ROUNDS,
        seed: env.RACE_SEED,
        endOnFailure: true,
      });
      // A storm in which nothing meets anything shows nothing.
      if (ROUNDS >= 20) expect(figures["refused while suspended"]).toBeGreaterThan(ROUNDS);
      task.meta.figures = { seed: env.RACE_SEED, ...figures };
    },
  );

  it("and nothing else, take exactly as many as there are", { timeout: 3_600_000 }, async () => {
    for (const limit of [1, 2, 50].slice(0, ROUNDS)) {
      const instances = Array.from({ length: ACTIVATIONS }, (_, n) => n % 150);
      await storm({ limit, instances, lapsed: [3, 4], others: [], places: [], pace: 300 });
    }
  });
});

it("after all that the database is true to itself, by plain counting", async () => {
  expect(await brokenIn((sql) => rows(sql))).toEqual({});
});
