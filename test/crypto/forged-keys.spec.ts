import { generateKeyPair, type JWK, exportJWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { dissect, resigned, unsigned } from "../support/documents.ts";
import { activate, call, deactivate, newLicense, rows, validate } from "../support/service.ts";

let key: string;
let licenseId: string;
let certificate: string;
let published: JWK;
let stranger: CryptoKeyPair;
let strangerJwk: JWK;

beforeAll(async () => {
  const issued = await newLicense();
  key = issued.license_key;
  licenseId = issued.license.id;
  certificate = (await activate(key, "genuine")).body.certificate;
  published = (await call("/.well-known/jwks.json")).body.keys[0];
  stranger = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  strangerJwk = await exportJWK(stranger.publicKey);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const swap = (part: 0 | 1 | 2, text: string): string => {
  const { parts } = dissect(key);
  parts[part] = text;
  return parts.join(".");
};

const FORGERIES: [string, () => string | Promise<string>][] = [
  ["an empty string", () => ""],
  ["no token at all", () => "CAIO-1234-5678"],
  ["truncated by a character", () => key.slice(0, -1)],
  ["truncated by half", () => key.slice(0, key.length / 2)],
  ["without its signature", () => swap(2, "")],
  ["with something after it", () => `${key}A`],
  ["with a fourth part", () => `${key}.AAAA`],
  [
    "with another license's id",
    () => {
      const { header, payload, signature } = dissect(key);
      return unsigned(header, { ...payload, jti: "lic_other" }, signature);
    },
  ],
  [
    "with more instances than it was signed for",
    () => {
      const { header, payload, signature } = dissect(key);
      return unsigned(header, { ...payload, max_instances: 1_000 }, signature);
    },
  ],
  ["signed by a stranger under our kid", () => resigned(key, {}, stranger.privateKey)],
  ["signed by a stranger under a kid we do not have", () => resigned(key, { kid: "x" }, stranger.privateKey)],
  ["signed by a stranger without a kid", () => resigned(key, { kid: undefined }, stranger.privateKey)],
  ["signed by a stranger who embeds his jwk", () => resigned(key, { jwk: strangerJwk }, stranger.privateKey)],
  [
    "signed by a stranger who points at his jku",
    () => resigned(key, { jku: "https://evil.example/jwks.json", kid: "x" }, stranger.privateKey),
  ],
  ["alg none", () => unsigned({ ...dissect(key).header, alg: "none" }, dissect(key).payload)],
  [
    "alg none with the old signature",
    () => {
      const { header, payload, signature } = dissect(key);
      return unsigned({ ...header, alg: "none" }, payload, signature);
    },
  ],
  [
    "alg None, in another case",
    () => unsigned({ ...dissect(key).header, alg: "None" }, dissect(key).payload),
  ],
  ["HS256 with the public key as secret", () => resigned(key, { alg: "HS256" }, bytes(published.x!))],
  [
    "HS256 with the public JWK as secret",
    () => resigned(key, { alg: "HS256" }, bytes(JSON.stringify(published))),
  ],
  [
    "an unknown crit",
    () => resigned(key, { crit: ["exp"], exp: 1 }, stranger.privateKey).catch(() => swap(0, "e30")),
  ],
  ["a header that is no JSON", () => swap(0, "bm90anNvbg")],
  ["a payload that is no JSON", () => swap(1, "bm90anNvbg")],
  ["standard base64 in place of base64url", () => `${key.slice(0, -2)}+/`],
  ["an activation certificate in place of a license key", () => certificate],
  [
    "a megabyte's worth of letters within the body limit",
    () => `${"A".repeat(60_000)}.AAAA.${"A".repeat(86)}`,
  ],
];

describe("a license key that we did not sign", () => {
  it.each(FORGERIES)("%s is LICENSE_KEY_INVALID everywhere", async (_, forge) => {
    const forged = await forge();
    const before = await rows(
      "SELECT (SELECT count(*) FROM activations) AS a, (SELECT count(*) FROM events) AS e",
    );
    for (const answer of [
      await activate(forged, "x"),
      await validate(forged),
      await deactivate(forged, "genuine"),
    ]) {
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "LICENSE_KEY_INVALID", detail: expect.any(String) },
      });
    }
    expect(
      await rows("SELECT (SELECT count(*) FROM activations) AS a, (SELECT count(*) FROM events) AS e"),
    ).toEqual(before);
  });

  it("the genuine key of the same license still works", async () => {
    expect(await validate(key, "genuine")).toMatchObject({ status: 200, body: { valid: true } });
    expect(licenseId).toBe(dissect(key).payload.jti);
  });
});
