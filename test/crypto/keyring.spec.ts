import { importJWK, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { createKeyring } from "../../src/crypto/keyring.ts";
import { createRecent } from "../../src/crypto/recent.ts";
import { parseConfig } from "../../src/config.ts";
import { call, newLicense, validate } from "../support/service.ts";
import { env } from "../support/env.ts";
import { generateKeys, rotateKeys } from "../../src/dev/keys.ts";

const ISSUER = "http://localhost:8787";

const ringOf = (signingKeys: string) =>
  createKeyring(parseConfig({ ...env, ISSUER, SIGNING_KEYS: signingKeys }).signingKeys);

describe("the key ring", () => {
  it("derives the same document from the same claims, byte by byte", async () => {
    const keys = await generateKeys();
    const claims = { iss: ISSUER, jti: "lic_1" };
    const first = await ringOf(keys).sign("license+jwt", claims);
    expect(await ringOf(keys).sign("license+jwt", { ...claims })).toBe(first);
  });

  it("signs with the first key and verifies with all", async () => {
    const old = await generateKeys();
    const rotated = await rotateKeys(old);
    const before = await ringOf(old).sign("license+jwt", { iss: ISSUER });
    const after = await ringOf(rotated).sign("license+jwt", { iss: ISSUER });
    expect(await ringOf(rotated).verify("license+jwt", [ISSUER], before)).toEqual({ iss: ISSUER });
    expect(await ringOf(rotated).verify("license+jwt", [ISSUER], after)).toEqual({ iss: ISSUER });
    expect(await ringOf(old).verify("license+jwt", [ISSUER], after)).toBeNull();
    const [active, previous] = ringOf(rotated).publicKeys().keys;
    await expect(jwtVerify(after, await importJWK(active!, "EdDSA"))).resolves.toBeDefined();
    await expect(jwtVerify(before, await importJWK(previous!, "EdDSA"))).resolves.toBeDefined();
  });

  it("takes the key that the document names, and no other in its place", async () => {
    const [keys] = (JSON.parse(await generateKeys()) as { keys: { kid: string }[] }).keys;
    const renamed = ringOf(JSON.stringify({ keys: [{ ...keys, kid: "unheard-of" }] }));
    const ring = ringOf(JSON.stringify({ keys: [keys] }));
    expect(
      await ring.verify("license+jwt", [ISSUER], await ring.sign("license+jwt", { iss: ISSUER })),
    ).not.toBeNull();
    expect(
      await ring.verify("license+jwt", [ISSUER], await renamed.sign("license+jwt", { iss: ISSUER })),
    ).toBeNull();
  });

  it("takes no document for another type, nor from another issuer", async () => {
    const ring = ringOf(await generateKeys());
    const certificate = await ring.sign("activation+jwt", { iss: ISSUER });
    expect(await ring.verify("license+jwt", [ISSUER], certificate)).toBeNull();
    expect(await ring.verify("activation+jwt", [ISSUER], certificate)).not.toBeNull();
    expect(await ring.verify("activation+jwt", ["https://other.example"], certificate)).toBeNull();
  });
});

describe("what a key ring remembers of license keys", () => {
  it("is the same as what it would find and make anew", async () => {
    const keys = await generateKeys();
    const ring = ringOf(keys);
    const claims = { iss: ISSUER, jti: "lic_1", rev: 1 };
    const key = await ringOf(keys).sign("license+jwt", claims);
    for (let round = 0; round < 2; round++) {
      expect(await ring.verify("license+jwt", [ISSUER], key)).toEqual(claims);
      expect(await ring.sign("license+jwt", claims)).toBe(key);
      expect(await ring.sign("license+jwt", { ...claims, rev: 2 })).not.toBe(key);
    }
  });

  it("lets no forgery pass, however good the key that it was made of", async () => {
    const ring = ringOf(await generateKeys());
    const key = await ring.sign("license+jwt", { iss: ISSUER, jti: "lic_1" });
    expect(await ring.verify("license+jwt", [ISSUER], key)).not.toBeNull();
    const [header, payload, signature] = key.split(".") as [string, string, string];
    const other = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    for (const forged of [`${header}.${payload}.${other}`, `${header}.${payload}A.${signature}`]) {
      expect(await ring.verify("license+jwt", [ISSUER], forged)).toBeNull();
    }
    expect(await ring.verify("activation+jwt", [ISSUER], key)).toBeNull();
    expect(await ring.verify("license+jwt", ["https://other.example"], key)).toBeNull();
  });

  it("is not signed by the active key where an older one signed it", async () => {
    const old = await generateKeys();
    const claims = { iss: ISSUER, jti: "lic_1" };
    const before = await ringOf(old).sign("license+jwt", claims);
    const ring = ringOf(await rotateKeys(old));
    expect(await ring.verify("license+jwt", [ISSUER], before)).toEqual(claims);
    expect(await ring.sign("license+jwt", claims)).not.toBe(before);
  });

  it("is bounded: the oldest goes first", async () => {
    const recent = createRecent<number>(2);
    for (const [n, name] of ["a", "b", "c"].entries()) recent.set(name, n);
    expect(["a", "b", "c"].map((name) => recent.get(name))).toEqual([undefined, 1, 2]);
  });
});

describe("GET /.well-known/jwks.json", () => {
  it("publishes the public halves only, cacheable, without alg", async () => {
    const { status, headers, body } = await call("/.well-known/jwks.json");
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("public, max-age=300");
    expect(headers.get("Content-Type")).toBe("application/jwk-set+json");
    expect(Object.keys(body)).toEqual(["keys"]);
    for (const key of body.keys) {
      expect(key).toEqual({
        kty: "OKP",
        crv: "Ed25519",
        x: expect.stringMatching(/^[\w-]{43}$/),
        kid: expect.any(String),
        use: "sig",
      });
    }
  });
});

describe("rotation", () => {
  it("breaks no key already issued while the old signing key is listed, and stops it when dropped", async () => {
    const { license_key } = await newLicense();
    const rotated = { ...env, SIGNING_KEYS: await rotateKeys(env.SIGNING_KEYS) };
    const listed = await call("/v1/validate", { body: { license_key }, bindings: rotated });
    expect(listed).toMatchObject({ status: 200, body: { valid: true } });
    const activated = await call("/v1/activate", {
      body: { license_key, instance_id: "a" },
      bindings: rotated,
    });
    expect(activated.body.license_key).not.toBe(license_key);

    const dropped = { ...env, SIGNING_KEYS: await generateKeys() };
    const refused = await call("/v1/validate", { body: { license_key }, bindings: dropped });
    expect(refused).toMatchObject({ status: 400, body: { code: "LICENSE_KEY_INVALID" } });
    expect(await validate(license_key)).toMatchObject({ status: 200 });
  });
});
