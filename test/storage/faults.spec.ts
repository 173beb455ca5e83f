// Every call against a database that fails under it: at each of its requests to D1, before, amid and after.
// The answer is right or a 503 that says when to come back, and what is left behind is all of it or nothing.
import { beforeAll, describe, expect, it } from "vitest";
import { endpoints } from "../../src/app.ts";
import { doors } from "../../src/http/console/index.ts";
import { newReferences, visitorOf } from "../support/crew.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { type Fault, faulty, judge, LOST, MOMENTS, OVERLOADED } from "../support/faulty.ts";
import { brokenIn } from "../support/invariants.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  type Call,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../support/service.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const { figures, expectHonest } = judge();

/** What one call leaves behind, without what differs from one run to the next. */
async function stateOf({ customer, license }: World) {
  const [row] = await rows(
    `SELECT l.version, l.revision, l.status, l.max_instances, l.expires_at,
       (SELECT count(*) FROM activations WHERE license_id = l.id AND ended_at = 0 AND lease_expires_at > ?2) AS seats,
       (SELECT count(*) FROM activations WHERE license_id = l.id AND ended_at > 0) AS ended,
       (SELECT sum(requests) FROM usage WHERE license_id = l.id) AS requests,
       (SELECT count(*) FROM messages WHERE license_id = l.id) AS mails,
       (SELECT count(*) FROM licenses WHERE customer_id = l.customer_id) AS licenses
     FROM licenses l WHERE l.id = ?1`,
    license,
    Date.now(),
  );
  const events = [...(await eventsOf(license)), ...(await eventsOf(customer))].map(({ action }) => action);
  const [{ version } = { version: 0 }] = await rows<{ version: number }>(
    "SELECT version FROM customers WHERE id = ?",
    customer,
  );
  return { ...row, customer: version, events: events.join(" ") };
}

interface World {
  customer: string;
  license: string;
  key: string;
  certificate: string;
}

/** A license with one instance on it and another whose lease has run out. */
async function newWorld(): Promise<World> {
  setTime(NOW - 40 * DAY);
  const { id } = await newCustomer({ email: `${unique("it")}@acme.example` });
  const { license, license_key } = await newLicense({
    customer_id: id,
    expires_at: "2027-01-01T00:00:00Z",
    max_instances: 3,
  });
  await activate(license_key, "lost");
  setTime(NOW);
  const { body } = await activate(license_key, "box");
  return { customer: id, license: license.id, key: license_key, certificate: body.certificate };
}

interface Verb {
  name: string;
  /** Whether the service may ask again by itself where only a connection was lost. */
  repeatable: boolean;
  /** Asked again it is done again, as it should. */
  isAskedOnce?: true;
  send(world: World, options: Call): Promise<Answer>;
}

const keyed = (options: Call): Call => ({ ...options, headers: { "Idempotency-Key": "the request" } });

const change = (name: string, path: (world: World) => string, body: object, method = "POST"): Verb => ({
  name,
  repeatable: false,
  send: (world, options) =>
    admin(path(world), { ...(method === "POST" ? keyed(options) : options), method, body }),
});

const ofLicense =
  (action: string) =>
  ({ license }: World): string =>
    `/licenses/${license}${action}`;

const reason = { reason: "x" };

const verbs: Verb[] = [
  {
    name: "activate a new instance",
    repeatable: true,
    send: ({ key }, options) =>
      call("/v1/activate", { ...options, body: { license_key: key, instance_id: "new" } }),
  },
  {
    name: "check in with usage",
    repeatable: true,
    send: ({ key, certificate }, options) =>
      call("/v1/check-in", {
        ...options,
        body: {
          license_key: key,
          instance_id: "box",
          certificate,
          usage: [{ date: "2026-03-01", requests: 7, services: 1 }],
        },
      }),
  },
  {
    name: "come back after the lease",
    repeatable: true,
    send: ({ key }, options) =>
      call("/v1/check-in", { ...options, body: { license_key: key, instance_id: "lost" } }),
  },
  {
    name: "deactivate",
    repeatable: true,
    send: ({ key }, options) =>
      call("/v1/deactivate", { ...options, body: { license_key: key, instance_id: "box" } }),
  },
  {
    name: "validate",
    repeatable: true,
    send: ({ key }, options) =>
      call("/v1/validate", { ...options, body: { license_key: key, instance_id: "box" } }),
  },
  {
    name: "issue",
    repeatable: false,
    send: ({ customer }, options) =>
      admin("/licenses", {
        ...keyed(options),
        body: { customer_id: customer, license_type: "standard", send_email: true },
      }),
  },
  change("renew", ofLicense("/renew"), { expires_days: 30 }),
  {
    name: "renew without an Idempotency-Key",
    repeatable: false,
    isAskedOnce: true,
    send: ({ license }, options) =>
      admin(`/licenses/${license}/renew`, { ...options, body: { expires_days: 30 } }),
  },
  change("suspend", ofLicense("/suspend"), reason),
  change("revoke", ofLicense("/revoke"), reason),
  change("reissue", ofLicense("/reissue"), reason),
  change("mail the key", ofLicense("/send-email"), {}),
  change("change the limit", ofLicense(""), { max_instances: 2 }, "PATCH"),
  change("change the customer", ({ customer }) => `/customers/${customer}`, { name: "Other" }, "PATCH"),
  {
    name: "free a seat",
    repeatable: false,
    async send({ license }, options) {
      const { data } = (await admin(`/activations?license_id=${license}&q=box`)).body;
      return admin(`/activations/${data[0].id}`, { ...options, method: "DELETE" });
    },
  },
];

/** Every other verb needs its own key: the rows of one world are not those of the next. */
async function withoutClaims(): Promise<void> {
  await rows("DELETE FROM idempotency_keys");
}

describe.each(verbs.map((verb) => [verb.name, verb] as const))("%s", (_, verb) => {
  let calls: number;
  let status: number;
  let wanted: object;

  beforeAll(async () => {
    await withoutClaims();
    const world = await newWorld();
    const counted = faulty(() => null);
    status = (await verb.send(world, { bindings: counted.bindings })).status;
    calls = counted.calls();
    wanted = await stateOf(world);
  });

  async function strike(faultOf: (n: number) => Fault | null): Promise<Answer> {
    await withoutClaims();
    const world = await newWorld();
    const before = await stateOf(world);
    const { bindings } = faulty(faultOf);
    const answer = await verb.send(world, { bindings });
    expectHonest(answer, status);
    const left = await stateOf(world);
    if (answer.status === 503) expect([before, wanted]).toContainEqual(left);
    else expect(left).toEqual(wanted);
    if (verb.isAskedOnce) return answer;
    // Whoever asks again gets it done, once. What was carried out and could not be said is a 409 after a minute.
    setTime(NOW + 61_000);
    const again = await verb.send(world, {});
    expect([status, 409], again.text).toContain(again.status);
    const after = await stateOf(world);
    // A key that is shown once more is recorded once more.
    const isShownAgain =
      again.headers.get("Idempotent-Replayed") === "true" && again.body.license_key !== undefined;
    const events = isShownAgain ? after.events.replace(" license.key_revealed", "") : after.events;
    expect({ ...after, events }).toEqual(wanted);
    return answer;
  }

  it.each(env.FAULTS === "all" ? MOMENTS : (["after"] as const))(
    "with one connection lost %s it was done",
    async (moment) => {
      for (let at = 1; at <= calls; at++) {
        const answer = await strike((n) => (n === at ? { moment, message: LOST } : null));
        if (verb.repeatable) expect(answer.status).toBe(status);
      }
    },
  );

  it("with a database that is overloaded from some request on", async () => {
    for (let from = 1; from <= calls; from++) {
      await strike((n) => (n >= from ? { moment: "before", message: OVERLOADED } : null));
    }
  });

  it("with a database that is gone", async () => {
    await strike(() => ({ moment: "before", message: LOST }));
  });

  it("with a slow database", async () => {
    await withoutClaims();
    const world = await newWorld();
    const slow = faulty(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return null;
    });
    expect((await verb.send(world, { bindings: slow.bindings })).status).toBe(status);
    expect(await stateOf(world)).toEqual(wanted);
  });
});

/** That somebody saw a license key, or all of a person, is recorded before it is shown, and a record is not made twice. */
const RECORDED = /\/key\b|\/exports?\b|\/messages\/.|\/data\b|\/backups\b/;

describe("whatever reads", () => {
  it(
    "is answered after one lost connection, and is a 503 while the database is gone",
    { timeout: 120_000 },
    async () => {
      const references = await newReferences();
      const visitor = await visitorOf(env.ADMIN_TOKEN);
      const id = (path: string): string => {
        if (path.includes("/licenses/")) return references["$license"];
        if (path.includes("/customers/")) return references["$customer"];
        if (path.includes("/activations/") || path.includes("/instances/")) return references["$activation"];
        if (path.includes("/messages/")) return references["$message"];
        if (path.includes("/audit-seals/")) return "1";
        return "standard";
      };
      const reads = [
        ...endpoints
          .filter(({ method }) => method === "get")
          .map(({ path }) => ({ path, headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}` } })),
        ...doors.map(({ path }) => ({ path, headers: visitor.headers })),
      ].map(({ path, headers }) => ({
        path: path.replace("{month}", "2026-01").replaceAll(/\{\w+\}/g, () => id(path)),
        headers,
      }));
      expect(reads.length).toBeGreaterThan(50);
      for (const { path, headers } of reads) {
        const counted = faulty(() => null);
        const usual = await call(path, { headers, bindings: counted.bindings });
        // 422 is what pages of a backup answer without a cursor.
        expect([200, 303, 404, 422], `${path}: ${usual.status}`).toContain(usual.status);
        for (let at = 1; at <= counted.calls(); at++) {
          const lost = faulty((n) => (n === at ? { moment: "after", message: LOST } : null));
          const answer = await call(path, { headers, bindings: lost.bindings });
          expectHonest(answer, usual.status);
          if (!RECORDED.test(path)) expect(answer.status, `${path}, request ${at}`).toBe(usual.status);
        }
        const gone = faulty(() => ({ moment: "before", message: OVERLOADED }));
        const answer = await call(path, { headers, bindings: gone.bindings });
        if (gone.calls() > 0) expect(answer.status, path).toBe(503);
        expectHonest(answer, usual.status);
      }
    },
  );
});

describe("after all that", () => {
  it("nothing is half done, by plain counting", async ({ task }) => {
    expect(await brokenIn((sql) => rows(sql))).toEqual({});
    expect(figures["503 with Retry-After"]).toBeGreaterThan(60);
    expect(figures["answered all the same"]).toBeGreaterThan(100);
    task.meta.figures = { ...figures, "wrong, half done or a 500": 0 };
  });
});
