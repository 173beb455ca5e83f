// The testing kits against the real service: the same calls, the same answers. So the kits cannot drift.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LicenseDrill } from "../../src/clients/typescript/src/testing.ts";
import { isHere } from "../local/support/everything.ts";
import { camelCased, type Case, play, type Played, type Side, type Step, TABLE } from "./support/alike.ts";
import { type Live, live } from "./support/live.ts";
import { findPython, startPython } from "./support/python.ts";

const python = findPython();

/** Ends of a few seconds, which the service takes as an instant. */
const withEnd = ({ expires_in_seconds, ...terms }: Record<string, unknown>, now: number) =>
  expires_in_seconds === undefined
    ? terms
    : { ...terms, expires_at: new Date(now + Number(expires_in_seconds) * 1000).toISOString() };

/** The real service, where time passes as it does. */
async function serviceSide(service: Live): Promise<Side> {
  const customer = await service.admin("/customers", { name: "Acme" });
  let id = "";
  const act = (action: string, body: object = {}): Promise<any> =>
    service.admin(`/licenses/${id}/${action}`, { reason: "A drill.", ...body });
  return {
    url: service.url,
    async issue(terms) {
      const { license_type = "professional", ...others } = withEnd(terms, Date.now());
      const issued = await service.admin("/licenses", {
        customer_id: customer.id,
        license_type,
        ...others,
      });
      id = issued.license.id;
      return issued.license_key;
    },
    async change(step) {
      if (step.wait) await sleep(step.wait * 1000);
      if (step.suspend) await act("suspend");
      if (step.reinstate) await act("reinstate");
      if (step.revoke) await act("revoke");
      if (step.renew) await service.admin(`/licenses/${id}/renew`, { expires_days: step.renew });
      if (step.reissue === undefined) return undefined;
      return (await act("reissue", { unproven_hours: step.reissue })).license_key as string;
    },
  };
}

const typeScriptSide = (drill: LicenseDrill): Side => ({
  url: drill.url,
  issue: (terms) => drill.issue(camelCased(withEnd(terms, drill.clock()))),
  async change(step) {
    if (step.wait) drill.advance({ seconds: step.wait });
    if (step.suspend) drill.suspend();
    if (step.reinstate) drill.reinstate();
    if (step.revoke) drill.revoke();
    if (step.renew) drill.renew({ days: step.renew });
    return step.reissue === undefined ? undefined : drill.reissue({ unprovenHours: step.reissue });
  },
});

/** tests/drill_by_lines.py takes a step a line, and answers with a line. */
async function pythonSide(child: ChildProcessWithoutNullStreams): Promise<Side & { now: () => number }> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (step: object): Promise<any> => {
    child.stdin.write(`${JSON.stringify(step)}\n`);
    return JSON.parse(String((await lines.next()).value));
  };
  const told = await ask({});
  let { now } = told as { now: number };
  return {
    url: told.url,
    now: () => now,
    issue: async (terms) => (await ask({ issue: withEnd(terms, now) })).key,
    async change(step: Step) {
      now += (step.wait ?? 0) * 1000;
      return (await ask(step)).key;
    },
  };
}

let service: Live;
let expected: Map<string, Promise<Played[]>>;

beforeAll(async () => {
  service = await live();
  await service.admin("/entitlements", { code: "gpus", name: "GPUs", kind: "limit" });
  await service.admin("/entitlements", { code: "sso", name: "Single sign-on", kind: "flag" });
  // All cases at once, since some of them wait.
  const sides = await Promise.all(TABLE.map(() => serviceSide(service)));
  expected = new Map(TABLE.map((one, at) => [one.name, play(sides[at]!, one, Date.now)]));
  await Promise.all(expected.values());
});

afterAll(() => service.remove());

it("has cases in which the service says yes and says no", async () => {
  const played = (await Promise.all(expected.values())).flat();
  const statuses = new Set(played.map(({ status }) => status));
  expect([...statuses].toSorted()).toEqual([200, 204, 400, 403, 404, 405, 415, 422]);
  const codes = new Set(played.map(({ body }) => (Object(body) as { code?: string }).code));
  for (const code of [
    "LICENSE_EXPIRED",
    "LICENSE_SUSPENDED",
    "LICENSE_REVOKED",
    "LICENSE_NOT_STARTED",
    "LICENSE_KEY_SUPERSEDED",
    "LICENSE_KEY_INVALID",
    "ACTIVATION_LIMIT_REACHED",
    "CERTIFICATE_REQUIRED",
    "INSTANCE_NOT_ACTIVATED",
  ])
    expect(codes).toContain(code);
});

describe("the TypeScript kit answers like the service", () => {
  it.each(TABLE.map((one): [string, Case] => [one.name, one]))("%s", async (name, one) => {
    const drill = await LicenseDrill.start();
    try {
      expect(await play(typeScriptSide(drill), one, drill.clock)).toEqual(await expected.get(name));
    } finally {
      await drill.close();
    }
  });
});

describe.runIf(isHere(python !== null, "There is no python3 for the client."))(
  "the Python kit answers like the service",
  () => {
    it.each(TABLE.map((one): [string, Case] => [one.name, one]))("%s", async (name, one) => {
      const child = startPython(python!, ["drill_by_lines.py"]);
      child.stderr.pipe(process.stderr);
      try {
        const side = await pythonSide(child);
        expect(await play(side, one, side.now)).toEqual(await expected.get(name));
      } finally {
        child.stdin.end();
        await once(child, "close");
      }
    });
  },
);
