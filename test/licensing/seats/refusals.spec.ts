// Refusals that an installation can hold against us: signed, and verified here with the published keys.
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { activate, admin, call, deactivate, newLicense, ORIGIN, validate } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.500Z");

beforeEach(() => {
  setTime(NOW);
});

const post = (id: string, verb: string, more: object = {}) =>
  admin(`/licenses/${id}/${verb}`, { body: { reason: "Because.", ...more } });

/** What stops a license, each with the code that its installations hear. */
const STOPS: [code: string, stop: (id: string) => unknown][] = [
  ["LICENSE_EXPIRED", () => setTime(NOW + 40 * DAY)],
  ["LICENSE_SUSPENDED", (id) => post(id, "suspend")],
  ["LICENSE_REVOKED", (id) => post(id, "revoke")],
  ["LICENSE_KEY_SUPERSEDED", (id) => post(id, "reissue", { unproven_hours: 0 })],
];

const CALLS = [
  ["/v1/activate", true],
  ["/v1/check-in", true],
  ["/v1/deactivate", false],
] as const;

describe.each(STOPS)("%s", (code, stop) => {
  it.each(CALLS)("%s: signed %j", async (path, isSigned) => {
    const { license, license_key } = await newLicense({ expires_days: 10, grace_days: 0 });
    await activate(license_key, "box");
    await stop(license.id);
    const now = code === "LICENSE_EXPIRED" ? NOW + 40 * DAY : NOW;
    for (const nonce of [undefined, null, "n-1"]) {
      const { body, status } = await call(path, { body: { license_key, instance_id: "box ", nonce } });
      if (!isSigned) {
        expect(body ?? {}).not.toHaveProperty("refusal");
        continue;
      }
      expect({ status, code: body.code }).toEqual({ status: 403, code });
      const { payload, protectedHeader } = await verifyPublished(body.refusal, "refusal+jwt");
      expect(protectedHeader).toEqual({ alg: "EdDSA", typ: "refusal+jwt", kid: expect.any(String) });
      expect(payload).toEqual({
        iss: ORIGIN,
        sub: "box",
        license_id: license.id,
        code,
        iat: Math.floor(now / 1000),
        ...(nonce ? { nonce } : {}),
      });
    }
  });

  it("is not signed where nobody is refused, nor for staff", async () => {
    const { license, license_key } = await newLicense({ expires_days: 10, grace_days: 0 });
    await stop(license.id);
    expect((await validate(license_key)).body).toMatchObject({ valid: false, code });
    expect((await validate(license_key)).body).not.toHaveProperty("refusal");
    const offline = await admin(`/licenses/${license.id}/offline-activations`, {
      body: { request: { license_key, instance_id: "island" } },
    });
    expect(offline.body).toMatchObject({ code });
    expect(offline.body).not.toHaveProperty("refusal");
  });

  it("passes for no other document of ours", async () => {
    const { license, license_key } = await newLicense({ expires_days: 10, grace_days: 0 });
    await stop(license.id);
    const { refusal } = (await activate(license_key, "box")).body;
    expect((await activate(refusal, "box")).body).toMatchObject({ code: "LICENSE_KEY_INVALID" });
    await expect(verifyPublished(refusal, "activation+jwt")).rejects.toThrow(/typ/);
  });
});

it("carries the issuer of the key in the request", async () => {
  const { license, license_key } = await newLicense();
  await post(license.id, "suspend");
  const moved = { ...env, ISSUER: "https://new.example", ISSUER_FORMER: ORIGIN };
  const { body } = await call("/v1/activate", {
    body: { license_key, instance_id: "box" },
    bindings: moved,
  });
  await verifyPublished(body.refusal, "refusal+jwt", ORIGIN);
});

it.each([
  ["LICENSE_KEY_INVALID", () => activate("x", "box")],
  [
    "LICENSE_NOT_STARTED",
    async () => activate((await newLicense({ starts_at: "2026-09-01" })).license_key, "box"),
  ],
  [
    "ACTIVATION_LIMIT_REACHED",
    async () => {
      const { license_key } = await newLicense({ max_instances: 1 });
      await activate(license_key, "first");
      return activate(license_key, "second");
    },
  ],
  [
    "INSTANCE_NOT_ACTIVATED",
    async () =>
      call("/v1/check-in", { body: { license_key: (await newLicense()).license_key, instance_id: "b" } }),
  ],
])("%s is not signed: it may pass by itself, or a wrong deployment say it", async (code, ask) => {
  const { body } = await ask();
  expect(body).toMatchObject({ code });
  expect(body).not.toHaveProperty("refusal");
});

it("a refused deactivation takes no signature along", async () => {
  const { license, license_key } = await newLicense();
  await post(license.id, "reissue");
  const { body } = await deactivate(license_key, "box");
  expect(body ?? {}).not.toHaveProperty("refusal");
});
