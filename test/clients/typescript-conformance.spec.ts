// The TypeScript client makes of every case what src/clients/conformance.json says.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type License,
  LicenseError,
  type LicenseOptions,
  type Storage,
} from "../../src/clients/typescript/src/node.ts";
import type { DayReport } from "../../src/clients/typescript/src/usage.ts";
import { type ResolvedCase, type ResolvedStep, resolveConformance } from "../support/conformance.ts";
import { open, scripted, stateFolder } from "./support/scripted.ts";

const { cases, nonce } = await resolveConformance();

let folder: ReturnType<typeof stateFolder>;

beforeEach(() => {
  folder = stateFolder();
  vi.spyOn(crypto, "randomUUID").mockReturnValue(nonce);
});

afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

/** Puts what the case starts with where the client keeps it. */
async function seed({
  held,
  certificate,
  revocations,
  high_water,
  instance_id,
}: ResolvedCase): Promise<void> {
  const state = { version: 1, license_key: held, certificate, revocations, high_water };
  await folder.storage.write("state.json", JSON.stringify(state));
  await folder.storage.write("instance_id", `${instance_id}\n`);
}

/** A storage that nothing can be written to. */
const unwritable = ({ storage }: typeof folder): Storage => ({
  read: (name) => storage.read(name),
  write: () => Promise.reject(new Error("EROFS: read-only file system")),
  exclusively: () => Promise.reject(new Error("EROFS: read-only file system")),
});

const BREAKS = {
  cut: (text: string) => text.slice(0, text.length / 2),
  garbage: () => "\u0000\u0001 no state at all",
  empty: () => "",
};

function breakState(how: keyof typeof BREAKS): void {
  const file = join(folder.path, "state.json");
  writeFileSync(file, BREAKS[how](readFileSync(file, "utf8")));
}

const metersIn = ({ usage }: Record<string, unknown>): Record<string, object> =>
  Object.fromEntries((usage as DayReport[]).map(({ date, meters }) => [date, meters ?? {}]));

const toldBy = ({ usage }: Record<string, unknown>): Record<string, number> =>
  Object.fromEntries((usage as DayReport[]).map(({ date, requests }) => [date, requests]));

/** What a request says, as far as a case wants to know. */
function saidIn({ license_key, certificate, instance_id, lease_hours }: Record<string, unknown>) {
  return {
    license_id: decodeJwt(license_key as string).jti,
    instance_id,
    lease_hours: lease_hours ?? null,
    certificate_iat:
      typeof certificate === "string" ? new Date(decodeJwt(certificate).iat! * 1000).toISOString() : null,
  };
}

/** Members in the names of the table, one by one and inside. */
const snakeCase = (value: unknown): unknown =>
  value === Infinity
    ? null
    : value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value).map(([name, inner]) => [
            name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
            snakeCase(inner),
          ]),
        )
      : value;

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
  let passed = 0;
  const configured: LicenseOptions = {
    issuer: one.issuer,
    storage: one.no_place ? unwritable(folder) : folder.storage,
    trustedKeys: one.jwks,
    licenseKey: one.license_key ?? undefined,
    fetchKeys: one.fetch_keys,
    leaseHours: one.lease_hours,
    builtAt: one.built_at,
    indeterminateDays: one.indeterminate_days,
    onIndeterminate: one.on_indeterminate,
    fetch: script.fetch,
    clock: () => now,
    // Another process's begins somewhere else.
    monotonic: () => passed,
    onError: (error) => errors.push(error),
  };
  let license = await open(configured);

  const restart = async (step: ResolvedStep): Promise<void> => {
    const { configure, configure_instance, issuer: other, jwks } = step;
    if (step.break) breakState(step.break);
    if (configure !== undefined) configured.licenseKey = configure;
    if (configure_instance !== undefined) configured.instanceId = configure_instance;
    if (other !== undefined) configured.issuer = other;
    if (jwks) configured.trustedKeys = jwks;
    passed = 0;
    license = await open(configured);
  };

  const ask = async ({ activate, answers, requests, sent, usage, meters }: ResolvedStep): Promise<void> => {
    script.requests.length = 0;
    script.answers = [...answers!];
    await (activate === undefined ? license.checkIn() : license.activate(activate));
    expect(script.answers, "answers that nobody asked for").toEqual([]);
    if (requests) expect(script.requests.map(({ path }) => path)).toEqual(requests);
    if (sent)
      expect(script.requests.map(({ body }) => saidIn(body))).toEqual(
        sent.map((members) => expect.objectContaining(members)),
      );
    const refusable = script.requests.filter(({ path }) => path !== "/v1/deactivate");
    expect(refusable.map(({ body }) => body["nonce"])).toEqual(refusable.map(() => nonce));
    if (usage) expect(toldBy(script.requests.at(-1)!.body)).toEqual(usage);
    if (meters) expect(metersIn(script.requests.at(-1)!.body)).toEqual(meters);
  };

  const look = ({ values, allows, statement, ...expected }: Record<string, any>): void => {
    for (const [code, value] of Object.entries(values ?? {}))
      expect(license.entitlement(code), code).toEqual(value === "unlimited" ? Infinity : value);
    for (const [code, amount, allowed] of allows ?? [])
      expect(license.allows(code, amount ?? undefined), `${code} ${amount}`).toBe(allowed);
    if (statement) expect(license.statement(statement.month)).toMatchObject(statement);
    lookAtStatus(expected);
  };

  const lookAtStatus = ({ next_check_in, detail_has, passes, ...members }: Record<string, unknown>): void => {
    for (const [feature, isPassed] of Object.entries(passes ?? {}))
      expect(isLetPass(license, feature), feature).toBe(isPassed);
    const status = snakeCase(license.status()) as Record<string, unknown>;
    const { candidate, ...told } = Object.fromEntries(
      Object.keys(members).map((name) => [name, status[name]]),
    );
    const { candidate: expected, ...plain } = members;
    expect(told).toEqual(plain);
    if (expected !== undefined)
      expect(candidate).toEqual(expected === null ? null : expect.objectContaining(expected));
    for (const text of (detail_has as string[] | undefined) ?? []) expect(status["detail"]).toContain(text);
    if (next_check_in !== undefined) {
      const { from, to } = next_check_in as { from: string; to: string };
      const next = license.status().nextCheckIn ?? "as soon as may be";
      expect(Date.parse(next), next).toBeGreaterThanOrEqual(Date.parse(from));
      expect(Date.parse(next), next).toBeLessThanOrEqual(Date.parse(to));
    }
  };

  const take = async (step: ResolvedStep): Promise<void> => {
    const { install, configure, count, metered, observed, published } = step;
    if (step.running) await license.flush();
    if (step.restart) await restart(step);
    else if (configure !== undefined) {
      configured.licenseKey = configure;
      await license.configureKey(configure);
    }
    if (install !== undefined) {
      configured.licenseKey = install;
      await license.installKey(install);
    }
    if (count !== undefined) license.countRequests(count);
    for (const [code, n] of Object.entries(metered ?? {})) license.count(code, n);
    for (const [code, n] of Object.entries(observed ?? {})) license.observe(code, n);
    if (published) script.published = published;
    if (step.answers) await ask(step);
    if (step.expect) look(step.expect);
  };
  for (const step of one.steps) {
    if (step.running) passed += Date.parse(step.at) - now;
    now = Date.parse(step.at);
    await take(step);
  }
  // What an operator reads of outages, refusals and broken disks is no error of the client.
  const breaks = one.steps.some((step) => step.break);
  expect(errors.filter((error) => !(error instanceof LicenseError) && !breaks && !one.no_place)).toEqual([]);
}

describe("the TypeScript client", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => run(one));
});
