import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { activate, admin, type Answer, eventsOf, newLicense } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const handIn = (id: string, request: object, more: object = {}): Promise<Answer> =>
  admin(`/licenses/${id}/offline-activations`, { body: { request, ...more } });

/** An installation behind an air gap: it reads and writes files, and knows nothing else. */
async function box(license_key: string, instance_id: string) {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  let certificate: string | undefined;
  return {
    requestFile: (more: object = {}): string =>
      JSON.stringify({ license_key, instance_id, certificate, public_key: { kty, crv, x }, ...more }),
    take(licenseFile: string): void {
      ({ certificate } = JSON.parse(licenseFile));
    },
    receipt: (claims: object = {}, key: CryptoKey = privateKey, typ = "deactivation+jwt"): Promise<string> =>
      new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate, ...claims })))
        .setProtectedHeader({ alg: "EdDSA", typ })
        .sign(key),
  };
}

describe("the air gap", () => {
  it("is crossed by files alone: activation, renewal with usage, and the end by a signed receipt", async () => {
    const { license, license_key } = await newLicense({
      max_instances: 1,
      expires_days: 100,
      grace_days: 10,
    });
    const island = await box(license_key, "island");

    // A request file goes out, a license file comes back and is verified with the published keys alone.
    const first = await handIn(
      license.id,
      JSON.parse(island.requestFile({ hostname: "vault", nonce: "n-1" })),
    );
    expect(first.status).toBe(200);
    expect(first.headers.get("Content-Disposition")).toBe('attachment; filename="island.caio-license"');
    expect(first.body).toMatchObject({
      format: "caio-license",
      version: 1,
      issuer: "http://localhost:8787",
      instance_id: "island",
      lease_expires_at: license.grace_until,
      license_expires_at: license.expires_at,
      license_key,
    });
    const { payload } = await verifyPublished(first.body.certificate, "activation+jwt");
    expect(payload).toMatchObject({
      sub: "island",
      exp: Date.parse(license.grace_until) / 1000,
      nonce: "n-1",
      cnf: { jwk: { kty: "OKP", crv: "Ed25519" } },
    });
    island.take(first.text);
    expect(await activate(license_key, "b")).toMatchObject({ body: { code: "ACTIVATION_LIMIT_REACHED" } });

    // The courier comes again after a renewal, and brings the usage of two months.
    setTime(NOW + 60 * DAY);
    const renewed = await admin(`/licenses/${license.id}/renew`, { body: { expires_days: 365 } });
    const usage = Array.from({ length: 60 }, (_, n) => ({
      date: new Date(NOW + n * DAY).toISOString().slice(0, 10),
      requests: 10,
    }));
    const second = await handIn(license.id, JSON.parse(island.requestFile({ usage })));
    expect(second.body).toMatchObject({
      activation_id: first.body.activation_id,
      lease_expires_at: renewed.body.license.grace_until,
      license_key: renewed.body.license_key,
      warnings: [],
    });
    island.take(second.text);
    const used = (await admin(`/licenses/${license.id}/usage?from=2026-06-01&to=2026-07-30`)).body.data;
    expect(used.reduce((sum: number, day: { requests: number }) => sum + day.requests, 0)).toBe(600);

    // The box is taken out of service and signs that it stopped: its seat is free again.
    const receipt = await island.receipt();
    const path = `/licenses/${license.id}/offline-deactivations`;
    for (let again = 0; again < 2; again++) {
      expect(await admin(path, { body: { receipt } })).toMatchObject({ status: 204 });
    }
    expect(await activate(license_key, "b")).toMatchObject({ status: 200 });
    expect((await eventsOf(license.id)).map((event) => [event.action, event.actor_type])).toEqual([
      ["license.issued", "staff"],
      ["activation.created", "staff"],
      ["license.renewed", "staff"],
      ["activation.ended", "staff"],
      ["activation.created", "instance"],
    ]);
  });

  it("takes a seat like any other: refused at the limit, and when the license is stopped", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "a");
    const request = { license_key, instance_id: "island" };
    expect(await handIn(license.id, request)).toMatchObject({
      status: 403,
      body: { code: "ACTIVATION_LIMIT_REACHED" },
    });
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    expect(await handIn(license.id, request)).toMatchObject({
      status: 403,
      body: { code: "LICENSE_SUSPENDED" },
    });
  });

  it("leases for so many days where asked, and for a year where the license never ends", async () => {
    const { license, license_key } = await newLicense({ expires_at: null });
    const leased = async (instance_id: string, more: object = {}) =>
      (Date.parse((await handIn(license.id, { license_key, instance_id }, more)).body.lease_expires_at) -
        NOW) /
      DAY;
    expect(await leased("a", { lease_days: 90 })).toBe(90);
    expect(await leased("b")).toBe(365);
    expect(await handIn(license.id, { license_key, instance_id: "c" }, { lease_days: 0 })).toMatchObject({
      status: 422,
    });
  });

  it("refuses a request file of another license, of nobody, or malformed", async () => {
    const [one, two] = [await newLicense(), await newLicense()];
    const request = { license_key: two.license_key, instance_id: "island" };
    expect(await handIn(one.license.id, request)).toMatchObject({
      status: 422,
      body: { errors: [{ path: "request.license_key" }] },
    });
    expect(await handIn("lic_none", request)).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    const forged = { ...request, license_key: `${two.license_key.slice(0, -4)}AAAA` };
    expect(await handIn(two.license.id, forged)).toMatchObject({
      status: 400,
      body: { code: "LICENSE_KEY_INVALID" },
    });
    for (const bad of [{}, { ...request, instance_id: "" }, { ...request, public_key: { kty: "RSA" } }]) {
      expect(await handIn(two.license.id, bad)).toMatchObject({ status: 422 });
    }
    expect(await eventsOf(two.license.id)).toHaveLength(1);
  });
});

describe("a deactivation receipt", () => {
  it("of before the last license file frees nothing: the installation may run on that one", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const island = await box(license_key, "island");
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    const receipt = await island.receipt();
    const stop = (signed: string) =>
      admin(`/licenses/${license.id}/offline-deactivations`, { body: { receipt: signed } });
    setTime(NOW + DAY);
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    expect(await stop(receipt)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await activate(license_key, "b")).toMatchObject({ body: { code: "ACTIVATION_LIMIT_REACHED" } });
    expect(await stop(await island.receipt())).toMatchObject({ status: 204 });
    expect(await stop(receipt)).toMatchObject({ status: 204 });
  });

  it("frees nothing unless the key that the certificate names signed it, as a receipt of this license", async () => {
    const { license, license_key } = await newLicense();
    const other = await newLicense();
    const [island, stranger] = [await box(license_key, "island"), await box(license_key, "stranger")];
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    stranger.take((await handIn(license.id, JSON.parse(stranger.requestFile()))).text);
    const { certificate: keyless } = (await activate(other.license_key, "online")).body;
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const refused = { status: 422, body: { errors: [{ path: "receipt" }] } };
    for (const receipt of [
      "",
      "nonsense",
      license_key,
      await island.receipt({}, privateKey),
      await island.receipt({}, undefined, "JWT"),
      await island.receipt({ certificate: undefined }),
      await island.receipt({ certificate: license_key }),
      await island.receipt({ certificate: keyless }),
      (await island.receipt()).slice(0, -2),
    ]) {
      expect(
        await admin(`/licenses/${license.id}/offline-deactivations`, { body: { receipt } }),
      ).toMatchObject(refused);
    }
    const receipt = await island.receipt();
    expect(
      await admin(`/licenses/${other.license.id}/offline-deactivations`, { body: { receipt } }),
    ).toMatchObject(refused);
    const listed = (await admin(`/activations?license_id=${license.id}&active=true`)).body.data;
    expect(listed).toHaveLength(2);
  });
});
