// Histories of installations as the field makes them, at random: answers get lost, volumes too, backups are restored,
// pods restart without state, somebody found the key, the vendor replaces it. After each request the service has to be
// where the model of the rules says, row by row.
import fc from "fast-check";
import { decodeJwt } from "jose";
import { expect, it } from "vitest";
import { type Claim, claimed, type LicenseTerms, type SeatRow } from "../../local/support/seats-model.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { admin, type Answer, call, eventsOf, newLicense, rows } from "../../support/service.ts";

const NOW = Date.parse("2026-06-03T20:00:00.000Z");
const HOUR = 3_600_000;
const INSTANCES = ["a", "b", "c"];

/** Somebody who asks in the name of an instance, from somewhere, with what he has. */
interface Asker {
  instance: string;
  place: { ip: string; hostname: string };
  key: string;
  certificate: string | null;
  /** What a backup would bring back. */
  backup: string | null;
  /** Has a volume, or asks for short leases. */
  lease_hours: number | null;
}

const installations = (key: string): Asker[] =>
  INSTANCES.map((instance, n) => ({
    instance,
    place: { ip: `192.0.2.${n}`, hostname: `host-${n}` },
    key,
    certificate: null,
    backup: null,
    lease_hours: null,
  }));

const who = fc.nat(INSTANCES.length - 1);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom("activate", "check in"), who, lost: fc.constant(false) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("activate", "check in"), who, lost: fc.constant(true) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("lose state", "back up", "restore", "move"), who }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("become a pod", "give back"), who }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("steal", "steal from here", "steal and end"), who }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reissue"), hours: fc.constantFrom(0, 5, 72) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("policy"), refuse: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("wait"),
      hours: fc.constantFrom(1, 1, 2, 7, 24, 72, 168, 31 * 24),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What is compared: not the ids and the spread that chance makes. */
const SHOWN = [
  "instance_id",
  "lease_expires_at",
  "proven",
  "proven_until",
  "unproven_until",
  "last_seen_at",
  "ip",
  "hostname",
  "usage_day",
  "requests",
  "presented_at",
  "strays",
  "clone_suspected_at",
  "scattered_at",
  "certified_at",
  "freed_at",
  "occasion",
] as const satisfies (keyof SeatRow)[];

const shown = (row: SeatRow | undefined) => row && Object.fromEntries(SHOWN.map((name) => [name, row[name]]));

async function play(limit: number, steps: Step[]): Promise<void> {
  let now = NOW;
  setTime(now);
  const { license, license_key } = await newLicense({ expires_at: null, max_instances: limit });
  const askers = installations(license_key);
  const seats = () =>
    rows<SeatRow>(
      "SELECT * FROM activations WHERE license_id = ? AND ended_at = 0 ORDER BY instance_id",
      license.id,
    );
  const terms = async () => (await rows<LicenseTerms>("SELECT * FROM licenses WHERE id = ?", license.id))[0]!;

  /** Asks, and compares what came of it with the model. */
  async function ask(asker: Asker, returning: boolean, found: Partial<Asker> = {}): Promise<Answer> {
    const { instance, place, key, certificate, lease_hours } = { ...asker, ...found };
    const before = await seats();
    const [ended] = await rows<{ ended_by: string }>(
      `SELECT ended_by FROM activations WHERE license_id = ? AND instance_id = ? AND ended_at > 0
       ORDER BY ended_at DESC LIMIT 1`,
      license.id,
      instance,
    );
    const day = new Date(now).toISOString().slice(0, 10);
    const usage = returning
      ? [{ date: day, requests: Math.floor((now - NOW) / HOUR), services: 0 }]
      : undefined;
    const answer = await call(returning ? "/v1/check-in" : "/v1/activate", {
      body: {
        license_key: key,
        instance_id: instance,
        certificate,
        lease_hours,
        usage,
        hostname: place.hostname,
      },
      headers: { "CF-Connecting-IP": place.ip },
    });
    const shows = certificate === null ? null : decodeJwt(certificate);
    const proves = shows !== null && shows["proven"] !== false;
    const known = before.find(({ instance_id }) => instance_id === instance);
    const claim: Claim = {
      instance,
      now,
      revision: Number(decodeJwt(key)["rev"]),
      returning: returning && (known !== undefined || ended?.ended_by !== "lease"),
      certified: proves ? shows.jti! : null,
      presented: proves ? shows.iat! * 1_000 : null,
      fingerprint: null,
      usage: usage ? { day, requests: usage[0]!.requests, services: 0 } : null,
      file: null,
      lease_hours,
      spread: 1,
      id: "new",
      told: { hostname: place.hostname },
      by: { ip: place.ip, actor_type: "instance", actor_id: instance, request_id: "this" },
    };
    const expected = claimed(await terms(), before, claim, { seated: before.length, newIds: 0, known: [] });
    const after = (await seats()).find(({ instance_id }) => instance_id === instance);
    expect(answer.status === 200).toBe(expected !== null);
    // A refused clone keeps its mark, after the answer: the day was no quiet one.
    const marked = known?.clone_suspected_at ?? now;
    const left =
      known && answer.body.code === "INSTANCE_CLONED" && marked <= now - DAY
        ? { ...known, clone_suspected_at: now }
        : known;
    expect(shown(after)).toEqual(shown(expected ?? left));
    if (expected) {
      const proven = expected.proven === 1;
      expect(answer.body.lease_expires_at).toBe(
        new Date((proven ? expected.proven_until : expected.unproven_until)!).toISOString(),
      );
      expect(decodeJwt(answer.body.certificate)["proven"]).toBe(proven ? undefined : false);
      expect(answer.body.usage_ignored).toEqual(proven || !usage ? [] : [day]);
      // Nobody gets a new key for an old one without the certificate of the live seat.
      const renewed = Number(decodeJwt(answer.body.license_key)["rev"]) > claim.revision;
      if (renewed) expect(known?.id).toBe(claim.certified);
    } else {
      expect([403, 404]).toContain(answer.status);
    }
    return answer;
  }

  for (const next of steps) {
    const asker = "who" in next ? askers[next.who]! : askers[0]!;
    switch (next.do) {
      case "activate":
      case "check in": {
        const { status, body } = await ask(asker, next.do === "check in");
        if (status !== 200 || ("lost" in next && next.lost)) break;
        asker.key = body.license_key;
        if (asker.certificate === null || decodeJwt(body.certificate)["proven"] !== false)
          asker.certificate = body.certificate;
        break;
      }
      case "lose state":
        asker.certificate = null;
        break;
      case "back up":
        asker.backup = asker.certificate;
        break;
      case "restore":
        asker.certificate = asker.backup;
        break;
      case "move":
        asker.place = {
          ip: `198.51.100.${asker.place.ip.length}`,
          hostname: `${asker.place.hostname}-moved`,
        };
        break;
      case "become a pod":
        asker.certificate = null;
        asker.lease_hours = 2;
        break;
      case "give back": {
        const { instance, key, certificate } = asker;
        await call("/v1/deactivate", { body: { license_key: key, instance_id: instance, certificate } });
        break;
      }
      case "steal":
      case "steal from here":
      case "steal and end": {
        const place = next.do === "steal from here" ? asker.place : { ip: "203.0.113.66", hostname: "thief" };
        const loot = { key: license_key, certificate: null, lease_hours: null, place };
        if (next.do !== "steal and end") {
          await ask(asker, true, loot);
          break;
        }
        const held = (await seats()).find(({ instance_id }) => instance_id === asker.instance);
        const isSafe = held !== undefined && now < held.proven_until!;
        const { status } = await call("/v1/deactivate", {
          body: { license_key, instance_id: asker.instance },
        });
        const left = (await seats()).find(({ instance_id }) => instance_id === asker.instance);
        if (isSafe) expect([status, left?.id]).toEqual([403, held.id]);
        break;
      }
      case "reissue":
        await admin(`/licenses/${license.id}/reissue`, {
          body: { reason: "x", unproven_hours: "hours" in next ? next.hours : 0 },
        });
        break;
      case "policy":
        await rows(
          "UPDATE licenses SET clone_policy = ? WHERE id = ?",
          "refuse" in next && next.refuse ? "refuse" : "warn",
          license.id,
        );
        break;
      case "wait":
        now += ("hours" in next ? next.hours : 0) * HOUR;
        setTime(now);
    }
    const live = (await seats()).filter(({ lease_expires_at }) => lease_expires_at > now);
    expect(live.length).toBeLessThanOrEqual(limit);
  }
  // What was recorded is what the rows went through: no mark without its event.
  const marked = (await seats()).filter(({ clone_suspected_at }) => clone_suspected_at !== null);
  const suspected = (await eventsOf(license.id)).filter(
    ({ action }) => action === "instance.clone_suspected",
  );
  for (const { instance_id, occasion } of marked)
    if (occasion !== "activation.created")
      expect(suspected.map(({ detail }) => JSON.parse(detail).instance_id)).toContain(instance_id);
}

it(
  "random histories of installations and thieves agree with the model of the rules",
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 40, size: "max" }), play),
      { numRuns: 60 },
    );
  },
);

it("an installation that keeps its state is never refused nor marked, whatever a thief without it does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ thief: fc.boolean(), hours: fc.constantFrom(0, 1, 12, 26) }), { maxLength: 30 }),
      async (steps) => {
        let now = NOW;
        setTime(now);
        const { license, license_key } = await newLicense({ max_instances: 1, expires_at: null });
        const ask = (path: string, ip: string, more: object) =>
          call(path, {
            body: { license_key, instance_id: "a", ...more },
            headers: { "CF-Connecting-IP": ip },
          });
        let { certificate } = (await ask("/v1/activate", "192.0.2.1", {})).body;
        for (const { thief, hours } of steps) {
          now += hours * HOUR;
          setTime(now);
          if (thief) {
            expect((await ask("/v1/check-in", "203.0.113.66", {})).status).toBe(200);
            expect((await ask("/v1/deactivate", "203.0.113.66", {})).status).toBe(403);
          }
          const mine = await ask("/v1/check-in", "192.0.2.1", { certificate });
          expect(mine).toMatchObject({ status: 200, body: { usage_ignored: [] } });
          expect(mine.body.lease_expires_at).toBe(new Date(now + 30 * DAY).toISOString());
          ({ certificate } = mine.body);
        }
        const suspected = (await eventsOf(license.id)).some(
          ({ action }) => action === "instance.clone_suspected",
        );
        expect(suspected && !steps.some(({ thief }) => thief)).toBe(false);
      },
    ),
    { numRuns: 15 },
  );
});
