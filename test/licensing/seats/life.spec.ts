import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import {
  activate,
  admin,
  type Answer,
  checkIn,
  deactivate,
  newLicense,
  rows,
} from "../../support/service.ts";

const NOW = Date.parse("2026-01-01T00:00:00.000Z");
const LEASE = 30 * DAY;

const dayAt = (at: number): string => new Date(at).toISOString().slice(0, 10);

describe("a year of an installation's life", () => {
  it("activate, check in daily, ten days of outage, renewal, suspension, reinstatement, expiry, grace, end", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense({ expires_days: 180, grace_days: 14 });
    let held = (await activate(license_key, "caio")).body;
    let told = 0;
    const act = (action: string, body: object = { reason: "x" }) =>
      admin(`/licenses/${license.id}/${action}`, { body });
    const day = async (n: number): Promise<Answer> => {
      setTime(NOW + n * DAY);
      const usage = [{ date: dayAt(NOW + n * DAY), requests: n, services: 1 }];
      const answer = await checkIn(held.license_key, "caio", { certificate: held.certificate, usage });
      if (answer.status === 200) {
        held = answer.body;
        told += n;
        const { payload } = await verifyPublished(held.certificate, "activation+jwt");
        expect(payload.exp! * 1000).toBeLessThanOrEqual(Date.parse(held.grace_until));
      }
      return answer;
    };
    const days = async (from: number, to: number, wanted: object): Promise<void> => {
      for (let n = from; n <= to; n++) expect(await day(n)).toMatchObject(wanted);
    };

    await days(1, 99, { status: 200, body: { standing: "active", warnings: [] } });
    // Ten days without us: the certificate holds all the while, and the seat is still there after.
    for (let n = 100; n < 110; n++) {
      setTime(NOW + n * DAY);
      await expect(verifyPublished(held.certificate, "activation+jwt")).resolves.toBeDefined();
    }
    await days(110, 149, { status: 200, body: { standing: "active", activation_id: held.activation_id } });
    await days(150, 160, {
      status: 200,
      body: { standing: "expiring", warnings: [{ code: "LICENSE_EXPIRING" }] },
    });
    await act("renew", { expires_days: 120 });
    await days(161, 200, { status: 200, body: { standing: "active", warnings: [] } });
    await act("suspend");
    await days(201, 205, { status: 403, body: { code: "LICENSE_SUSPENDED" } });
    await act("reinstate");
    await days(206, 269, { status: 200, body: { standing: "active" } });
    await days(270, 299, { status: 200, body: { standing: "expiring" } });
    await days(300, 313, {
      status: 200,
      body: { standing: "grace", warnings: [{ code: "LICENSE_IN_GRACE" }] },
    });
    await days(314, 320, { status: 403, body: { code: "LICENSE_EXPIRED" } });
    await expect(verifyPublished(held.certificate, "activation+jwt")).rejects.toThrow(/exp/);
    await act("renew", { expires_days: 365 });
    await days(321, 330, { status: 200, body: { standing: "active" } });

    const { data } = (await admin(`/licenses/${license.id}/usage?from=2026-01-01&to=2026-12-31`)).body;
    expect(data.reduce((sum: number, { requests }: { requests: number }) => sum + requests, 0)).toBe(told);
    const { data: activations } = (await admin(`/licenses/${license.id}/activations`)).body;
    expect(activations.filter((activation: { active: boolean }) => activation.active)).toHaveLength(1);
  });
});

/** The rules of seats and usage, said once more, as simply as can be. */
class Model {
  readonly #leases = new Map<string, number>();
  readonly #used = new Map<string, number>();
  readonly #known = new Set<string>();
  limit: number;
  status = "active";

  constructor(limit: number) {
    this.limit = limit;
  }

  live(now: number): string[] {
    return [...this.#leases].filter(([, lease]) => lease > now).map(([instance]) => instance);
  }

  claim(instance: string, now: number, returning: boolean): number {
    if (this.status !== "active") return 403;
    const live = this.live(now);
    if (returning && !this.#known.has(instance)) return 404;
    if (!live.includes(instance) && live.length >= this.limit) return 403;
    this.#leases.set(instance, now + LEASE);
    this.#known.add(instance);
    return 200;
  }

  end(instance: string): number {
    this.#leases.delete(instance);
    this.#known.delete(instance);
    return 204;
  }

  use(instance: string, date: string, requests: number): void {
    const key = `${date} ${instance}`;
    this.#used.set(key, Math.max(this.#used.get(key) ?? 0, requests));
  }

  get used(): number {
    return [...this.#used.values()].reduce((sum, requests) => sum + requests, 0);
  }
}

describe("random histories of many instances", () => {
  const instance = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("activate" as const), instance }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("check in" as const),
        instance,
        ago: fc.integer({ min: 0, max: 3 }),
        requests: fc.integer({ min: 0, max: 1000 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("deactivate" as const), instance }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("limit" as const), limit: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("suspend" as const, "reinstate" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("wait" as const), days: fc.integer({ min: 1, max: 20 }) }),
    },
  );

  it("go as the model says: seats never above the limit, no usage twice, every certificate verifiable", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 25 }),
        async (limit, steps) => {
          let now = NOW;
          setTime(now);
          const { license, license_key } = await newLicense({ expires_at: null, max_instances: limit });
          const model = new Model(limit);
          for (const next of steps) {
            switch (next.do) {
              case "activate": {
                const before = model.live(now).length;
                const answer = await activate(license_key, next.instance);
                expect(answer.status).toBe(model.claim(next.instance, now, false));
                if (answer.status === 200) {
                  const { payload } = await verifyPublished(answer.body.certificate, "activation+jwt");
                  expect(payload).toMatchObject({ sub: next.instance, exp: (now + LEASE) / 1000 });
                  expect(answer.body.instances.active).toBe(model.live(now).length);
                  expect(model.live(now).length).toBeLessThanOrEqual(Math.max(before, model.limit));
                }
                break;
              }
              case "check in": {
                const date = dayAt(now - next.ago * DAY);
                const usage = [{ date, requests: next.requests }];
                const answer = await checkIn(license_key, next.instance, { usage });
                expect(answer.status).toBe(model.claim(next.instance, now, true));
                if (answer.status === 200) model.use(next.instance, date, next.requests);
                break;
              }
              case "deactivate": {
                expect((await deactivate(license_key, next.instance)).status).toBe(model.end(next.instance));
                break;
              }
              case "limit": {
                await admin(`/licenses/${license.id}`, {
                  method: "PATCH",
                  body: { max_instances: next.limit },
                });
                model.limit = next.limit;
                break;
              }
              case "suspend":
              case "reinstate": {
                await admin(`/licenses/${license.id}/${next.do}`, { body: { reason: "x" } });
                model.status = next.do === "suspend" ? "suspended" : "active";
                break;
              }
              case "wait": {
                now += next.days * DAY;
                setTime(now);
              }
            }
            const { data } = (await admin(`/activations?license_id=${license.id}&active=true`)).body;
            expect(data.map((row: { instance_id: string }) => row.instance_id).toSorted()).toEqual(
              model.live(now).toSorted(),
            );
          }
          const [sum] = await rows<{ used: number | null }>(
            "SELECT sum(requests) AS used FROM usage WHERE license_id = ?",
            license.id,
          );
          expect(sum!.used ?? 0).toBe(model.used);
        },
      ),
      { numRuns: 60 },
    );
  });
});
