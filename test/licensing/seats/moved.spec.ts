// The service moves to another address: what was issued under the former one goes on, and new licenses name the new one.
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { dissect, verifyPublished } from "../../support/documents.ts";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  newCustomer,
  newLicense,
  ORIGIN,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");
const NEW = "https://licensing.new.example";
const bindings = { ...env, ISSUER: NEW, ISSUER_FORMER: `https://older.example, ${ORIGIN}/` };
/** The same move, and the former address forgotten. */
const forgotten = { ...env, ISSUER: NEW };

const issuerOf = (token: string): unknown => dissect(token).payload.iss;

beforeEach(() => {
  setTime(NOW);
});

const post = (path: string, body: object, more: object = {}): Promise<Answer> =>
  call(path, { body, bindings, ...more });

describe("an installation of before the move", () => {
  it("goes on with its key and its certificate, and is answered as the issuer that it knows", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const before = (await activate(license_key, "box")).body;
    setTime(NOW + DAY);
    const body = { license_key, instance_id: "box", certificate: before.certificate, nonce: "n" };
    for (const path of ["/v1/check-in", "/v1/activate"]) {
      const after = (await post(path, body)).body;
      expect(after).toMatchObject({ activation_id: before.activation_id, license_key });
      const { payload } = await verifyPublished(after.certificate, "activation+jwt", ORIGIN);
      expect(payload).toMatchObject({ license_id: license.id, nonce: "n" });
    }
    expect((await post("/v1/validate", body)).body.valid).toBe(true);
    expect((await post("/v1/deactivate", body)).status).toBe(204);
  });

  it("picks up a renewal and a reissue, still as its issuer", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const { certificate } = (await activate(license_key, "box")).body;
    await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 365 }, bindings });
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "Leaked." }, bindings });
    const stranger = await post("/v1/activate", { license_key, instance_id: "thief" });
    expect(stranger.body).toMatchObject({ code: "LICENSE_KEY_SUPERSEDED" });
    const { body } = await post("/v1/check-in", { license_key, instance_id: "box", certificate });
    expect(dissect(body.license_key).payload).toMatchObject({ iss: ORIGIN, rev: 2 });
    const next = await post("/v1/check-in", {
      license_key: body.license_key,
      instance_id: "box",
      certificate: body.certificate,
    });
    expect(next.body.warnings).toEqual([]);
  });

  it("crosses the air gap: request, license file and receipt", async () => {
    const { license, license_key } = await newLicense();
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const { kty, crv, x } = await exportJWK(publicKey);
    const path = `/licenses/${license.id}/offline-activations`;
    const request = { license_key, instance_id: "island", public_key: { kty, crv, x } };
    const before = (await admin(path, { body: { request } })).body;
    const file = await admin(path, {
      body: { request: { ...request, certificate: before.certificate } },
      bindings,
    });
    expect(file.body).toMatchObject({ issuer: ORIGIN, activation_id: before.activation_id, license_key });
    const { payload } = await verifyPublished(file.body.certificate, "activation+jwt", ORIGIN);
    expect(payload["cnf"]).toEqual({ jwk: { kty, crv, x } });
    const receipt = await new CompactSign(
      new TextEncoder().encode(JSON.stringify({ certificate: file.body.certificate })),
    )
      .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
      .sign(privateKey);
    const freed = await admin(`/licenses/${license.id}/offline-deactivations`, {
      body: { receipt },
      bindings,
    });
    expect(freed.status).toBe(204);
  });

  it("costs what it cost before", async () => {
    const { license_key } = await newLicense();
    await activate(license_key, "box");
    const meter = metered({ ISSUER: NEW, ISSUER_FORMER: ORIGIN });
    const body = { license_key, instance_id: "box" };
    expect((await post("/v1/check-in", body, { bindings: meter.bindings })).status).toBe(200);
    expect(meter.cost).toMatchObject({ trips: 1, written: 1 });
  });

  it("is refused where the former address is not named, or another one is", async () => {
    const { license_key } = await newLicense();
    const body = { license_key, instance_id: "box" };
    const elsewhere = { ...env, ISSUER: NEW, ISSUER_FORMER: "https://older.example" };
    for (const wrong of [forgotten, elsewhere]) {
      // Also where this very key was found good a moment ago under the right ones.
      expect((await post("/v1/validate", body)).status).toBe(200);
      expect((await post("/v1/validate", body, { bindings: wrong })).body).toMatchObject({
        code: "LICENSE_KEY_INVALID",
      });
    }
  });
});

describe("a license that is issued after the move", () => {
  it("names the new address, and so does all that its installations get", async () => {
    const customer_id = (await newCustomer()).id;
    const issued = await admin("/licenses", { body: { customer_id, license_type: "standard" }, bindings });
    const { license, license_key } = issued.body;
    expect(issuerOf(license_key)).toBe(NEW);
    const { body } = await post("/v1/activate", { license_key, instance_id: "box" });
    expect([issuerOf(body.license_key), issuerOf(body.certificate)]).toEqual([NEW, NEW]);
    const request = { license_key, instance_id: "island" };
    const file = await admin(`/licenses/${license.id}/offline-activations`, { body: { request }, bindings });
    expect(file.body.issuer).toBe(NEW);
  });

  it("may have a key of each address: the holder of either is answered in its own", async () => {
    const { license, license_key } = await newLicense();
    const moved = (await admin(`/licenses/${license.id}/key`, { bindings })).body.license_key;
    expect([issuerOf(license_key), issuerOf(moved)]).toEqual([ORIGIN, NEW]);
    for (const [key, issuer] of [
      [license_key, ORIGIN],
      [moved, NEW],
      [license_key, ORIGIN],
    ]) {
      const { body } = await post("/v1/activate", { license_key: key, instance_id: "box" });
      expect([issuerOf(body.license_key), issuerOf(body.certificate)]).toEqual([issuer, issuer]);
      expect(body.license_key).toBe(key);
    }
  });
});

describe("the address as it is configured", () => {
  it.each(["HTTP://LOCALHOST:8787", "http://localhost.:8787/", " http://localhost:8787//"])(
    "%j is the one that the documents name",
    async (spelled) => {
      const { license_key } = await newLicense();
      const respelled = { ...env, ISSUER: NEW, ISSUER_FORMER: spelled };
      const { body } = await post(
        "/v1/activate",
        { license_key, instance_id: "box" },
        { bindings: respelled },
      );
      expect(issuerOf(body.certificate)).toBe(ORIGIN);
    },
  );
});

describe("GET /v1/revocations?issuer=", () => {
  const list = (query: string, more: object = {}): Promise<Answer> =>
    call(`/v1/revocations${query}`, { bindings, ...more });

  it("serves the list of each issuer, however it is spelled", async () => {
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/revoke`, { body: { reason: "Contract ended." } });
    const tags = new Set<string | null>();
    for (const [asked, issuer] of [
      [NEW, NEW],
      [`${NEW.toUpperCase().replace("HTTPS", "Https")}/`, NEW],
      [ORIGIN, ORIGIN],
      ["https://older.example", "https://older.example"],
    ] as const) {
      const answer = await list(`?issuer=${encodeURIComponent(asked)}`);
      const { payload } = await verifyPublished(answer.text, "revocations+jwt", issuer);
      expect(payload["revoked"]).toContain(license.id);
      tags.add(answer.headers.get("ETag"));
      const known = await list(`?issuer=${encodeURIComponent(asked)}`, {
        headers: { "If-None-Match": answer.headers.get("ETag") },
      });
      expect(known.status).toBe(304);
    }
    expect(tags.size).toBe(3);
  });

  it("without it serves the issuer of the address that was asked: clients of before send none", async () => {
    // The tests ask at ORIGIN, the former address.
    expect(issuerOf((await list("")).text)).toBe(ORIGIN);
    expect(issuerOf((await list("", { bindings: forgotten })).text)).toBe(NEW);
  });

  it.each(["https://stranger.example", "", "x", `${NEW}.evil.example`])(
    "refuses %j, which this service never was",
    async (asked) => {
      expect((await list(`?issuer=${encodeURIComponent(asked)}`)).body).toMatchObject({
        status: 422,
        code: "REQUEST_INVALID",
        errors: [{ path: "issuer", message: "Is not an issuer of this service, now or formerly" }],
      });
    },
  );
});
