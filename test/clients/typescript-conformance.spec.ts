// The TypeScript client makes of every case what src/clients/conformance.json says.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { License } from "../../src/clients/typescript/src/node.ts";
import type { DayReport } from "../../src/clients/typescript/src/usage.ts";
import { type ResolvedCase, type ResolvedStep, resolveConformance } from "../support/conformance.ts";
import { open, scripted, stateFolder } from "./support/scripted.ts";

const { issuer, cases } = await resolveConformance();

let folder: ReturnType<typeof stateFolder>;

beforeEach(() => {
  folder = stateFolder();
});

afterEach(() => folder.remove());

const camelCase = (name: string): string =>
  name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Puts what the case starts with where the client keeps it. */
async function seed({ certificate, revocations, high_water }: ResolvedCase): Promise<void> {
  const state = { version: 1, certificate, revocations, high_water };
  await folder.storage.write("state.json", JSON.stringify(state));
}

const toldBy = ({ usage }: Record<string, unknown>): Record<string, number> =>
  Object.fromEntries((usage as DayReport[]).map(({ date, requests }) => [date, requests]));

function isLetPass(license: License, feature: string): boolean {
  try {
    license.requireFeature(feature);
    return true;
  } catch {
    return false;
  }
}

async function run(one: ResolvedCase): Promise<void> {
  await seed(one);
  const script = scripted(one.published);
  const errors: unknown[] = [];
  let now = Date.parse(one.steps[0]!.at);
  let configured = one.license_key ?? undefined;
  const start = () =>
    open({
      issuer,
      storage: folder.storage,
      trustedKeys: one.jwks,
      licenseKey: configured,
      instanceId: one.instance_id,
      onIndeterminate: one.on_indeterminate,
      fetch: script.fetch,
      clock: () => now,
      onError: (error) => errors.push(error),
    });
  let license = await start();

  const take = async ({
    restart,
    install,
    activate,
    count,
    published,
    answers,
    requests,
    usage,
    expect: expected,
  }: ResolvedStep): Promise<void> => {
    if (restart) license = await start();
    if (install !== undefined) {
      configured = install;
      await license.installKey(install);
    }
    if (count !== undefined) license.countRequests(count);
    if (published) script.published = published;
    if (answers) {
      script.requests.length = 0;
      script.answers = [...answers];
      await (activate === undefined ? license.checkIn() : license.activate(activate));
      expect(script.answers, "answers that nobody asked for").toEqual([]);
      if (requests) expect(script.requests.map(({ path }) => path)).toEqual(requests);
      if (usage) expect(toldBy(script.requests.at(-1)!.body)).toEqual(usage);
    }
    if (!expected) return;
    const { next_check_in, passes, ...members } = expected;
    for (const [feature, passed] of Object.entries(passes ?? {}))
      expect(isLetPass(license, feature), feature).toBe(passed);
    const status = license.status() as unknown as Record<string, unknown>;
    const told = Object.fromEntries(Object.keys(members).map((name) => [name, status[camelCase(name)]]));
    expect(told).toEqual(members);
    if (next_check_in !== undefined) {
      const { from, to } = next_check_in as { from: string; to: string };
      const next = license.status().nextCheckIn ?? "as soon as may be";
      expect(Date.parse(next), next).toBeGreaterThanOrEqual(Date.parse(from));
      expect(Date.parse(next), next).toBeLessThanOrEqual(Date.parse(to));
    }
  };
  for (const step of one.steps) {
    now = Date.parse(step.at);
    await take(step);
  }
  expect(errors).toEqual([]);
}

describe("the TypeScript client", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => run(one));
});
