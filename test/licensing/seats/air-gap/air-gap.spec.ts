import { base64url, CompactSign, decodeJwt, exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { servicesOf } from "../../../../src/services.ts";
import { DAY, setTime } from "../../../support/clock.ts";
import { env } from "../../../support/env.ts";
import { verifyPublished } from "../../../support/documents.ts";
import { activate, admin, type Answer, call, eventsOf, newLicense, rows } from "../../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const handIn = (id: string, request: object, more: object = {}): Promise<Answer> =>
  admin(`/licenses/${id}/offline-activations`, { body: { request, ...more } });

const signed = (typ: string, claims: object, key: CryptoKey): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "EdDSA", typ })
    .sign(key);

const iso = (at: number): string => new Date(at).toISOString();

const PROOF = "activation-request+jwt";

/** An installation behind an air gap: it reads and writes files, and knows nothing else. */
async function box(license_key: string, instance_id: string) {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  let certificate: string | undefined;
  let serial = 0;
  return {
    privateKey,
    public_key: { kty, crv, x },
    /** As clients of before write it: with a key and no proof. */
    requestFile: (more: object = {}): string =>
      JSON.stringify({ license_key, instance_id, certificate, public_key: { kty, crv, x }, ...more }),
    /** With the proof that it has the private half. */
    async provenFile(more: object = {}): Promise<object> {
      const nonce = `n-${++serial}-${crypto.randomUUID()}`;
      const iat = Math.floor(Date.now() / 1000);
      const proof = await signed(PROOF, { instance_id, nonce, iat }, privateKey);
      return { license_key, instance_id, certificate, public_key: { kty, crv, x }, nonce, proof, ...more };
    },
    forget(): void {
      certificate = undefined;
    },
    take(licenseFile: string): void {
      ({ certificate } = JSON.parse(licenseFile));
    },
    receipt: (claims: object = {}, key: CryptoKey = privateKey, typ = "deactivation+jwt"): Promise<string> =>
      signed(typ, { certificate, ...claims }, key),
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
      ["seats.exhausted", "system"],
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

const leaseOf = ({ body }: Answer): number => Math.round((Date.parse(body.lease_expires_at) - NOW) / DAY);

const freeSeat = (id: string, options: Parameters<typeof admin>[1] = {}, query = ""): Promise<Answer> =>
  admin(`/activations/${id}${query}`, { method: "DELETE", ...options });

const stop = (id: string, receipt: string): Promise<Answer> =>
  admin(`/licenses/${id}/offline-deactivations`, { body: { receipt } });

const FULL = { status: 403, body: { code: "ACTIVATION_LIMIT_REACHED" } };

describe("the key of an installation without a network", () => {
  const newIsland = async (more: object = {}) => {
    const { license, license_key } = await newLicense({ expires_days: 100, grace_days: 0, ...more });
    return { license, license_key, island: await box(license_key, "island") };
  };

  it("is stored with its first proof, and goes on with the next; the certificate names it", async () => {
    const { license, island } = await newIsland();
    const first = await handIn(license.id, await island.provenFile());
    expect(first.status).toBe(200);
    const { payload } = await verifyPublished(first.body.certificate, "activation+jwt");
    expect(payload).toMatchObject({ cnf: { jwk: island.public_key } });
    expect(payload).not.toHaveProperty("proven");
    setTime(NOW + DAY);
    // A disk that was lost but for the key: nothing but the proof comes along.
    const second = await handIn(license.id, await island.provenFile());
    expect(second).toMatchObject({
      status: 200,
      body: { activation_id: first.body.activation_id, warnings: [] },
    });
    expect(leaseOf(second)).toBe(100);
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    expect(seat).toMatchObject({ offline: true, key_since: new Date(NOW).toISOString(), freed_at: null });
  });

  it("is not taken over by another one, by none, or without its proof; staff are told what runs", async () => {
    const { license, license_key, island } = await newIsland();
    const copy = await box(license_key, "island");
    island.take((await handIn(license.id, await island.provenFile())).text);
    setTime(NOW + 2 * DAY);
    const before = await eventsOf(license.id);
    for (const request of [
      await copy.provenFile(),
      JSON.parse(copy.requestFile()),
      JSON.parse(island.requestFile()),
      { license_key, instance_id: "island" },
    ]) {
      const refused = await handIn(license.id, request);
      expect(refused).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
      expect(refused.body.detail).toContain("since 2026-06-01T08:00:00.000Z");
      expect(refused.body.detail).toContain(`until ${license.expires_at}`);
      // Without a word from staff, and with a word that says no.
      expect(await handIn(license.id, request, { replace: false })).toMatchObject({ status: 409 });
    }
    // Not until when somebody without proof may run.
    const later = "UPDATE activations SET lease_expires_at = lease_expires_at + 1000 WHERE license_id = ?";
    await rows(later, license.id);
    expect((await handIn(license.id, await copy.provenFile())).body.detail).toContain(
      `until ${license.expires_at}`,
    );
    expect(await eventsOf(license.id)).toEqual(before);
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    expect(seat.last_seen_at).toBe("2026-06-01T08:00:00.000Z");
    expect((await handIn(license.id, await island.provenFile())).status).toBe(200);
  });

  it("is replaced where staff say so, which is recorded; the former one is then the other", async () => {
    const { license, license_key, island } = await newIsland({ max_instances: 1 });
    const heir = await box(license_key, "island");
    island.take((await handIn(license.id, await island.provenFile())).text);
    setTime(NOW + DAY);
    const replaced = await handIn(license.id, await heir.provenFile(), { replace: true, lease_days: 30 });
    // It gets the lease that staff give it. The seat is kept for as long as the other file may run.
    expect(replaced).toMatchObject({ status: 200, body: { lease_expires_at: iso(NOW + 31 * DAY) } });
    const [kept] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    expect(kept).toMatchObject({
      proven_until: iso(NOW + 31 * DAY),
      lease_expires_at: license.expires_at,
    });
    heir.take(replaced.text);
    expect((await eventsOf(license.id)).at(-1)).toMatchObject({
      action: "instance.key_replaced",
      actor_type: "staff",
    });
    expect(await handIn(license.id, await island.provenFile())).toMatchObject({ status: 409 });
    // A receipt of the one that was replaced does not free the seat of its heir.
    expect(await stop(license.id, await island.receipt())).toMatchObject({ status: 409 });
    expect((await handIn(license.id, await heir.provenFile())).status).toBe(200);
    expect(await activate(license_key, "b")).toMatchObject(FULL);
  });

  it("can be replaced by none: a client of before goes on as it did", async () => {
    const { license, license_key, island } = await newIsland();
    await handIn(license.id, await island.provenFile());
    const plain = { license_key, instance_id: "island" };
    expect((await handIn(license.id, plain, { replace: true })).status).toBe(200);
    expect((await handIn(license.id, plain)).status).toBe(200);
    expect((await handIn(license.id, await island.provenFile())).status).toBe(200);
    expect(await handIn(license.id, plain)).toMatchObject({ status: 409 });
  });

  it("is stored at the first proof also where the seat was there before, by network or by file", async () => {
    const { license, license_key, island } = await newIsland();
    const { certificate } = (await activate(license_key, "island")).body;
    await handIn(license.id, JSON.parse(island.requestFile({ certificate })));
    expect((await handIn(license.id, await island.provenFile({ certificate }))).status).toBe(200);
    expect(await handIn(license.id, JSON.parse(island.requestFile()))).toMatchObject({ status: 409 });
  });

  it("without a proof is stored nowhere, so that nobody can lock an installation out", async () => {
    const { license, license_key, island } = await newIsland();
    const copy = await box(license_key, "island");
    expect((await handIn(license.id, JSON.parse(copy.requestFile()))).status).toBe(200);
    expect((await handIn(license.id, await island.provenFile())).status).toBe(200);
  });

  it("holds as long as the seat does: after its end anybody begins anew", async () => {
    const { license, license_key, island } = await newIsland();
    await handIn(license.id, await island.provenFile(), { lease_days: 5 });
    const copy = await box(license_key, "island");
    setTime(NOW + 5 * DAY - 1);
    expect(await handIn(license.id, await copy.provenFile())).toMatchObject({ status: 409 });
    setTime(NOW + 5 * DAY);
    expect((await handIn(license.id, await copy.provenFile())).status).toBe(200);
  });

  it("stays with the seat while the instance comes over a network", async () => {
    const { license, license_key, island } = await newIsland();
    const { certificate } = (await handIn(license.id, await island.provenFile())).body;
    setTime(NOW + DAY);
    const online = { license_key, instance_id: "island", certificate };
    expect((await call("/v1/check-in", { body: online })).status).toBe(200);
    const copy = await box(license_key, "island");
    expect(await handIn(license.id, await copy.provenFile())).toMatchObject({ status: 409 });
    expect((await handIn(license.id, await island.provenFile())).status).toBe(200);
  });

  it("proves the seat also after a reissue: the file brings the new license key", async () => {
    const { license, island } = await newIsland();
    await handIn(license.id, await island.provenFile());
    const reissued = await admin(`/licenses/${license.id}/reissue`, { body: { reason: "It leaked." } });
    const again = await handIn(license.id, await island.provenFile());
    expect(again).toMatchObject({ status: 200, body: { license_key: reissued.body.license_key } });
    const thief = await box(reissued.body.license_key, "island");
    expect(await handIn(license.id, await thief.provenFile())).toMatchObject({ status: 409 });
  });

  it("is one of many at once: however they come, one key has the seat", async () => {
    const { license, license_key } = await newIsland();
    const boxes = await Promise.all(Array.from({ length: 12 }, () => box(license_key, "island")));
    const files = await Promise.all(boxes.map((one) => one.provenFile()));
    const answers = await Promise.all(files.map((file) => handIn(license.id, file)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(11);
  });

  it("is refused with a wrong proof, and nothing is written", async () => {
    const { license, license_key, island } = await newIsland();
    const other = await box(license_key, "island");
    const iat = NOW / 1000;
    const nonce = "n-1";
    const proofOf = (claims: object, typ = PROOF, key = island.privateKey) => signed(typ, claims, key);
    const good = { instance_id: "island", nonce, iat };
    const request = { license_key, instance_id: "island", public_key: island.public_key, nonce };
    for (const [what, more] of [
      ["of another key", { proof: await proofOf(good, PROOF, other.privateKey) }],
      ["of another type", { proof: await proofOf(good, "deactivation+jwt") }],
      ["of another instance", { proof: await proofOf({ ...good, instance_id: "other" }) }],
      ["of another request", { proof: await proofOf({ ...good, nonce: "n-2" }) }],
      ["without a nonce", { proof: await proofOf({ ...good, nonce: undefined }) }],
      ["of a request without a nonce", { proof: await proofOf({ ...good, nonce: null }), nonce: null }],
      ["without a time", { proof: await proofOf({ ...good, iat: undefined }) }],
      ["with a time in words", { proof: await proofOf({ ...good, iat: "now" }) }],
      ["that says nothing", { proof: await signed(PROOF, [], island.privateKey) }],
      ["without a key", { proof: await proofOf(good), public_key: undefined }],
      ["cut off", { proof: (await proofOf(good)).slice(0, -2) }],
      ["that is none", { proof: "nonsense" }],
      ["that is empty", { proof: "" }],
      ["that is the license key", { proof: license_key }],
      ["that is huge", { proof: "x".repeat(16_385) }],
    ] as const) {
      const refused = await handIn(license.id, { ...request, ...more });
      expect([what, refused.status, refused.body.errors?.[0].path]).toEqual([what, 422, "request.proof"]);
    }
    expect(await eventsOf(license.id)).toHaveLength(1);
    expect((await handIn(license.id, { ...request, proof: await proofOf(good) })).status).toBe(200);
  });

  it.each([
    ["all zero", "A".repeat(43)],
    ["the neutral element", `AQ${"A".repeat(41)}`],
    ["of order 8", "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU"],
    ["not in its one spelling", "7f_______________________________________38"],
    ["with bits left over", `${"A".repeat(42)}B`],
  ])("is refused where it is %s", async (_, x) => {
    const { license, license_key } = await newIsland();
    const public_key = { kty: "OKP", crv: "Ed25519", x };
    expect(await handIn(license.id, { license_key, instance_id: "island", public_key })).toMatchObject({
      status: 422,
      body: { errors: [{ path: "request.public_key.x" }] },
    });
    expect(await eventsOf(license.id)).toHaveLength(1);
  });
});

describe("the seat of a file that staff free", () => {
  const island = async (more: object = {}) => {
    const { license, license_key } = await newLicense({ max_instances: 1, expires_days: 100, grace_days: 0 });
    const one = await box(license_key, "island");
    const made = await handIn(license.id, await one.provenFile(), { lease_days: 30, ...more });
    one.take(made.text);
    return { license, license_key, one, id: made.body.activation_id as string };
  };

  it("counts until the file ends, since nobody can tell the installation to stop", async () => {
    const { license, license_key, id } = await island();
    for (let again = 0; again < 2; again++) expect((await freeSeat(id)).status).toBe(204);
    expect((await admin(`/activations/${id}`)).body).toMatchObject({
      active: true,
      ended_at: null,
      freed_at: new Date(NOW).toISOString(),
    });
    expect(await activate(license_key, "b")).toMatchObject(FULL);
    setTime(NOW + 30 * DAY - 1);
    expect(await activate(license_key, "b")).toMatchObject(FULL);
    setTime(NOW + 30 * DAY);
    expect((await activate(license_key, "b")).status).toBe(200);
    expect((await admin(`/activations/${id}`)).body).toMatchObject({ active: false, ended_by: "staff" });
    const told = (await eventsOf(license.id)).map(({ action }) => action);
    expect(told.filter((action) => action === "activation.freed")).toHaveLength(1);
    expect(told).toContain("activation.lapsed");
  });

  it("ends at once where the file is over, and only a request without proof holds the seat", async () => {
    const { license, license_key, id } = await island();
    setTime(NOW + 29 * DAY);
    const body = { license_key, instance_id: "island" };
    expect((await call("/v1/activate", { body })).status).toBe(200);
    setTime(NOW + 30 * DAY);
    expect(await activate(license_key, "b")).toMatchObject(FULL);
    expect((await freeSeat(id)).status).toBe(204);
    expect((await admin(`/activations/${id}`)).body).toMatchObject({ active: false, ended_by: "staff" });
    expect((await activate(license_key, "b")).status).toBe(200);
    expect((await eventsOf(license.id)).map(({ action }) => action)).not.toContain("activation.freed");
  });

  it.each([
    ["force in the body", { body: { force: true } }, ""],
    ["force as a parameter", {}, "?force=true"],
  ])("is free at once with %s", async (_, options, query) => {
    const { license, license_key, id } = await island();
    expect((await freeSeat(id, options, query)).status).toBe(204);
    expect((await activate(license_key, "b")).status).toBe(200);
    expect((await eventsOf(license.id)).map(({ action }) => action)).toContain("activation.ended");
  });

  it("is free once it was freed and its receipt comes, or staff force it after all", async () => {
    for (const end of ["receipt", "force"]) {
      const { license, license_key, one, id } = await island();
      await freeSeat(id);
      const ended =
        end === "receipt" ? stop(license.id, await one.receipt()) : freeSeat(id, { body: { force: true } });
      expect((await ended).status).toBe(204);
      expect((await activate(license_key, "b")).status).toBe(200);
    }
  });

  it("is not renewed by a check-in, but by its own next request file", async () => {
    const { license, license_key, one, id } = await island();
    await freeSeat(id);
    const { certificate } = (await one.provenFile()) as { certificate: string };
    const body = { license_key, instance_id: "island", certificate };
    expect(await call("/v1/check-in", { body })).toMatchObject({
      status: 404,
      body: { code: "INSTANCE_NOT_ACTIVATED" },
    });
    expect((await handIn(license.id, await one.provenFile())).status).toBe(200);
    expect((await admin(`/activations/${id}`)).body).toMatchObject({ active: true, freed_at: null });
  });

  it("comes back by no check-in after its end either", async () => {
    const { license_key, id } = await island();
    await freeSeat(id);
    setTime(NOW + 30 * DAY);
    for (let again = 0; again < 2; again++) {
      expect(await call("/v1/check-in", { body: { license_key, instance_id: "island" } })).toMatchObject({
        status: 404,
        body: { code: "INSTANCE_NOT_ACTIVATED" },
      });
    }
  });

  it("is free at once where the instance has a network, as before", async () => {
    const { license_key } = await newLicense({ max_instances: 1 });
    const { activation_id } = (await activate(license_key, "a")).body;
    expect((await freeSeat(activation_id)).status).toBe(204);
    expect((await activate(license_key, "b")).status).toBe(200);
  });

  it.each([
    [{ body: { force: "yes" } }, ""],
    [{ body: { reason: "x" } }, ""],
    [{}, "?force=1"],
    [{}, "?forced=true"],
  ])("stays where the request is not understood: %j %s", async (options, query) => {
    const { license, id } = await island();
    expect((await freeSeat(id, options, query)).status).toBe(422);
    expect((await eventsOf(license.id)).map(({ action }) => action)).not.toContain("activation.freed");
  });
});

describe("a deactivation receipt", () => {
  it("over a certificate of the same second as a newer one frees nothing", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const island = await box(license_key, "island");
    island.take((await handIn(license.id, await island.provenFile())).text);
    const receipt = await island.receipt();
    const again = await handIn(license.id, await island.provenFile());
    expect(decodeJwt(again.body.certificate).iat).toBe(NOW / 1000);
    expect(await stop(license.id, receipt)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await activate(license_key, "b")).toMatchObject(FULL);
    island.take(again.text);
    expect(await stop(license.id, await island.receipt())).toMatchObject({ status: 204 });
    expect(await stop(license.id, receipt)).toMatchObject({ status: 204 });
  });

  it("of a client of before, whose certificate names its key without a proof, frees its seat", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const island = await box(license_key, "island");
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    expect(await stop(license.id, await island.receipt())).toMatchObject({ status: 204 });
    expect((await activate(license_key, "b")).status).toBe(200);
  });

  it("by a key of small order, which a certificate of before may name, frees nothing", async () => {
    const { license, license_key } = await newLicense();
    const island = await box(license_key, "island");
    const made = await handIn(license.id, JSON.parse(island.requestFile()));
    const weak = await servicesOf(env).keyring.sign("activation+jwt", {
      ...decodeJwt(made.body.certificate),
      cnf: { jwk: { kty: "OKP", crv: "Ed25519", x: `AQ${"A".repeat(41)}` } },
    });
    // Anybody can make it: R is the neutral element and S is zero.
    const part = (value: object): string => base64url.encode(JSON.stringify(value));
    const signature = base64url.encode(Uint8Array.from({ length: 64 }, (_, n) => (n === 0 ? 1 : 0)));
    const head = { alg: "EdDSA", typ: "deactivation+jwt" };
    const forged = `${part(head)}.${part({ certificate: weak })}.${signature}`;
    expect(await stop(license.id, forged)).toMatchObject({
      status: 422,
      body: { errors: [{ path: "receipt" }] },
    });
  });

  it("of before the last license file frees nothing: the installation may run on that one", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const island = await box(license_key, "island");
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    const receipt = await island.receipt();
    setTime(NOW + DAY);
    island.take((await handIn(license.id, JSON.parse(island.requestFile()))).text);
    expect(await stop(license.id, receipt)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await activate(license_key, "b")).toMatchObject({ body: { code: "ACTIVATION_LIMIT_REACHED" } });
    expect(await stop(license.id, await island.receipt())).toMatchObject({ status: 204 });
    expect(await stop(license.id, receipt)).toMatchObject({ status: 204 });
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
