// The conformance table itself: what the clients are measured by has to be whole.
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, it } from "vitest";
import {
  type ResolvedAnswer,
  type ResolvedCase,
  resolveConformance,
  type ResolvedStep,
} from "../support/conformance.ts";

const { issuer, cases } = await resolveConformance();

const named = (name: string): ResolvedCase => cases.find((one) => one.name === name)!;

const told = (member: "state" | "code"): Set<unknown> =>
  new Set(cases.flatMap(({ steps }) => steps.map(({ expect: status }) => status?.[member])));

it("names each case once", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(cases.length).toBeGreaterThan(300);
});

it("expects every state and every code somewhere", () => {
  expect([...told("state")]).toEqual(
    expect.arrayContaining(["entitled", "grace", "indeterminate", "refused"]),
  );
  expect([...told("code")]).toEqual(
    expect.arrayContaining([
      "LICENSE_EXPIRED",
      "LICENSE_SUSPENDED",
      "LICENSE_REVOKED",
      "LICENSE_NOT_STARTED",
      "LICENSE_KEY_SUPERSEDED",
      "LICENSE_KEY_INVALID",
      "ACTIVATION_LIMIT_REACHED",
      "INSTANCE_CLONED",
      "LICENSE_KEY_MISSING",
      "NOT_ACTIVATED",
      "LEASE_EXPIRED",
      "SIGNING_KEY_UNKNOWN",
      "ISSUER_MISMATCH",
      "LICENSE_NOT_FOUND",
      "INSTANCE_CLONED",
    ]),
  );
});

it("ends each case with something expected, and goes forward in each step by one thing", () => {
  // A restart may come with another configuration.
  const things = ({ restart, configure, running, install, ...step }: ResolvedStep) =>
    [
      restart ?? configure,
      running,
      install,
      step.count,
      step.metered,
      step.observed,
      step.answers,
      step.expect,
    ].filter((thing) => thing !== undefined).length;
  for (const { name, steps } of cases) {
    expect(steps.map(things), name).toEqual(steps.map(() => 1));
    expect(steps.at(-1)!.expect, name).toBeDefined();
  }
});

it("signs what it does not twist, so that any JWT library verifies it", async () => {
  const { jwks, license_key, certificate } = named("a certificate entitles from the moment it was issued");
  const verify = (token: string | null, typ: string) =>
    jwtVerify(token!, createLocalJWKSet(jwks), { typ, issuer, currentDate: new Date("2027-01-02") });
  await expect(verify(license_key, "license+jwt")).resolves.toBeDefined();
  await expect(verify(certificate, "activation+jwt")).resolves.toBeDefined();
});

it.each([
  "with a signature that was flipped",
  "without a signature (alg none)",
  "signed by HMAC with the public key",
  "whose claims were edited",
  "that brings its own key along",
  "with an unknown critical extension",
  "that was cut off",
])("forges a license key %s, so that no JWT library verifies it", async (forged) => {
  const { jwks, license_key } = named(`a license key ${forged} is refused`);
  const currentDate = new Date("2027-01-02");
  const verified = jwtVerify(license_key!, createLocalJWKSet(jwks), { issuer, currentDate });
  await expect(verified).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_J/) });
});

it("hands out answers as they come over the wire", () => {
  const answers = cases.flatMap(({ steps }) => steps.flatMap((step): ResolvedAnswer[] => step.answers ?? []));
  expect(answers).toContain("unreachable");
  for (const answer of answers) {
    if (answer === "unreachable") continue;
    expect(answer.headers["content-type"]).toMatch(/^(application|text)\//);
    expect(typeof answer.body).toBe("string");
  }
});
