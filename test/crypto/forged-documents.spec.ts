// Forged and twisted tokens at every place that takes one: none is accepted, none makes the service fail or write,
// and none costs more than a look at its signature.
import { base64url, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { env } from "../support/env.ts";
import { dissect } from "../support/documents.ts";
import { FORGERIES, type Genuine, MARKED } from "../support/forgeries.ts";
import { watched } from "../support/meter.ts";
import {
  activate,
  admin,
  type Answer,
  call,
  newLicense,
  newToken,
  ORIGIN,
  unique,
  validate,
} from "../support/service.ts";

const TEAM = "https://team.example";
const AUDIENCE = "audience-of-this-service";

const { bindings, writes } = watched({ ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE });

/** What a genuine token gets: the status that shows that it was accepted. */
interface Place {
  name: string;
  genuine: () => Genuine;
  present(token: string): Promise<Answer>;
  /** The answer to a token that is worth nothing here. */
  refused: { status: number; code?: string };
  accepted: number;
  /** How many signatures a token can make the service look at. */
  looks?: number;
}

interface Replaced {
  id: string;
  key: string;
  certificate: string;
}

let key: string;
let licenseId: string;
let certificate: string;
let receipt: string;
let receiptKey: CryptoKey;
let assertion: string;
let cookie: string;
// Two, because a certificate that was used is followed by another.
let superseded: Replaced;
let returned: Replaced;
let carried: Replaced;
let ours: CryptoKey;
let published: JWK;
const strangers: Record<string, { key: CryptoKey | Uint8Array; jwk: JWK }> = {};
const asked: string[] = [];

const sign = (typ: string, claims: object, by: CryptoKey, header: object = {}): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid: published.kid!, typ, ...header })
    .sign(by);

/** A receipt whose certificate is this one, signed by the installation itself. */
const receiptFor = (text: string): Promise<string> =>
  sign("deactivation+jwt", { certificate: text }, receiptKey);

/** A license whose key was replaced while an instance ran on it. */
async function replaced(): Promise<Replaced> {
  const { license, license_key } = await newLicense();
  const { body } = await activate(license_key, "running");
  await admin(`/licenses/${license.id}/reissue`, { body: { reason: "It leaked.", unproven_hours: 0 } });
  return { id: license.id, key: license_key, certificate: body.certificate };
}

const signIn = async (token: string): Promise<string> => {
  const { headers } = await call("/admin/sign-in", {
    raw: new URLSearchParams({ token }),
    headers: { Origin: ORIGIN },
  });
  return /__Host-caio-session=([^;]+)/.exec(headers.get("Set-Cookie") ?? "")![1]!;
};

beforeAll(async () => {
  const first = JSON.parse(env.SIGNING_KEYS).keys[0] as JWK;
  ours = (await importJWK(first, "EdDSA")) as CryptoKey;
  published = (await call("/.well-known/jwks.json")).body.keys[0];
  for (const alg of ["EdDSA", "RS256"]) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    strangers[alg] = { key: privateKey, jwk: await exportJWK(publicKey) };
  }
  strangers["HS256"] = { key: crypto.getRandomValues(new Uint8Array(32)), jwk: strangers["EdDSA"]!.jwk };

  const issued = await newLicense({ max_instances: 10 });
  key = issued.license_key;
  licenseId = issued.license.id;
  const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  receiptKey = pair.privateKey;
  const { kty, crv, x } = await exportJWK(pair.publicKey);
  const file = await admin(`/licenses/${licenseId}/offline-activations`, {
    body: { request: { license_key: key, instance_id: "island", public_key: { kty, crv, x } } },
  });
  certificate = file.body.certificate;
  receipt = await receiptFor(certificate);

  await activate(key, "mainland");
  superseded = await replaced();
  returned = await replaced();
  carried = await replaced();

  const team = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(team.publicKey)), kid: "team", alg: "RS256", use: "sig" };
  vi.stubGlobal("fetch", async (input: string | URL) => {
    asked.push(String(input));
    return Response.json({ keys: [jwk] });
  });
  const email = `${unique("ada")}@smarthaus.example`;
  await admin(`/people/${email}`, { method: "PUT", body: { role: "owner" } });
  assertion = await new SignJWT({ email })
    .setProtectedHeader({ alg: "RS256", kid: "team", typ: "JWT" })
    .setIssuer(TEAM)
    .setAudience([AUDIENCE])
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(team.privateKey);
  cookie = await signIn((await newToken({ role: "owner" })).token);
});

afterAll(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const genuine = (token: string, alg = "EdDSA"): Genuine => ({
  token,
  stranger: strangers[alg]!.key,
  strangerJwk: strangers[alg]!.jwk,
  published,
});

const post = (path: string, body: object): Promise<Answer> => call(path, { body, bindings });

const asOwner = (path: string, body: object): Promise<Answer> => admin(path, { body, bindings });

const KEY_REFUSED = { status: 400, code: "LICENSE_KEY_INVALID" };
// Without its certificate, a replaced key is worth nothing.
const KEY_SUPERSEDED = { status: 403, code: "LICENSE_KEY_SUPERSEDED" };

/** What can be in a header at all. */
const sendable = (token: string): string => token.replaceAll(/[^\x20-\x7e]/g, encodeURIComponent);

const PLACES: Place[] = [
  {
    name: "activate: license_key",
    genuine: () => genuine(key),
    present: (license_key) => post("/v1/activate", { license_key, instance_id: "a" }),
    refused: KEY_REFUSED,
    accepted: 200,
  },
  {
    name: "check-in: license_key",
    genuine: () => genuine(key),
    present: (license_key) => post("/v1/check-in", { license_key, instance_id: "mainland" }),
    refused: KEY_REFUSED,
    accepted: 200,
  },
  {
    name: "check-in: certificate",
    genuine: () => genuine(superseded.certificate),
    present: (token) =>
      post("/v1/check-in", { license_key: superseded.key, instance_id: "running", certificate: token }),
    refused: KEY_SUPERSEDED,
    accepted: 200,
    looks: 2,
  },
  {
    name: "activation: certificate",
    genuine: () => genuine(superseded.certificate),
    present: (token) =>
      post("/v1/activate", { license_key: superseded.key, instance_id: "running", certificate: token }),
    refused: KEY_SUPERSEDED,
    accepted: 200,
    looks: 2,
  },
  {
    name: "deactivation: certificate",
    genuine: () => genuine(returned.certificate),
    present: (token) =>
      post("/v1/deactivate", { license_key: returned.key, instance_id: "running", certificate: token }),
    refused: KEY_SUPERSEDED,
    accepted: 204,
    looks: 2,
  },
  {
    name: "validate: license_key",
    genuine: () => genuine(key),
    present: (license_key) => post("/v1/validate", { license_key }),
    refused: KEY_REFUSED,
    accepted: 200,
  },
  {
    name: "deactivate: license_key",
    genuine: () => genuine(key),
    present: (license_key) => post("/v1/deactivate", { license_key, instance_id: "nobody" }),
    refused: KEY_REFUSED,
    accepted: 204,
  },
  {
    name: "offline activation: license_key",
    genuine: () => genuine(key),
    present: (license_key) =>
      asOwner(`/licenses/${licenseId}/offline-activations`, { request: { license_key, instance_id: "b" } }),
    refused: KEY_REFUSED,
    accepted: 200,
  },
  {
    name: "offline activation: certificate",
    genuine: () => genuine(carried.certificate),
    present: (token) =>
      asOwner(`/licenses/${carried.id}/offline-activations`, {
        request: { license_key: carried.key, instance_id: "running", certificate: token },
      }),
    refused: KEY_SUPERSEDED,
    accepted: 200,
    looks: 2,
  },
  {
    name: "offline deactivation: receipt",
    genuine: () => genuine(receipt),
    present: (token) => asOwner(`/licenses/${licenseId}/offline-deactivations`, { receipt: token }),
    refused: { status: 422, code: "REQUEST_INVALID" },
    accepted: 204,
    looks: 2,
  },
  {
    name: "offline deactivation: the receipt's certificate",
    genuine: () => genuine(certificate),
    present: async (token) =>
      asOwner(`/licenses/${licenseId}/offline-deactivations`, { receipt: await receiptFor(token) }),
    refused: { status: 422, code: "REQUEST_INVALID" },
    accepted: 204,
    looks: 2,
  },
  {
    name: "Cloudflare Access: assertion",
    genuine: () => genuine(assertion, "RS256"),
    present: (token) =>
      call("/v1/admin/me", { headers: { "Cf-Access-Jwt-Assertion": sendable(token) }, bindings }),
    refused: { status: 401, code: "UNAUTHENTICATED" },
    accepted: 200,
  },
  {
    name: "console: the assertion of Cloudflare Access",
    genuine: () => genuine(assertion, "RS256"),
    present: (token) => call("/admin", { headers: { "Cf-Access-Jwt-Assertion": sendable(token) }, bindings }),
    refused: { status: 303 },
    accepted: 200,
  },
  {
    name: "console: session cookie",
    genuine: () => genuine(cookie, "HS256"),
    present: (token) =>
      call("/admin", { headers: { Cookie: `__Host-caio-session=${encodeURIComponent(token)}` }, bindings }),
    refused: { status: 303 },
    accepted: 200,
  },
];

let tried = 0;
let mostLooks = 0;

async function expectRefused(place: Place, token: string): Promise<void> {
  writes.length = 0;
  const verify = vi.spyOn(crypto.subtle, "verify");
  try {
    const answer = await place.present(token);
    tried += 1;
    // More than a request may hold, or than the schema takes, is refused before it is looked at.
    const refusals = [place.refused, { status: 413, code: "PAYLOAD_TOO_LARGE" }];
    if (place.name.startsWith("offline")) refusals.push({ status: 422, code: "REQUEST_INVALID" });
    const got = { status: answer.status, ...(answer.body ? { code: answer.body.code } : {}) };
    expect(refusals).toContainEqual(got);
    if (answer.status === 303) expect(answer.headers.get("Location")).toMatch(/^\/admin\/sign-in\?/);
    expect(writes).toEqual([]);
    const looks = verify.mock.calls.length;
    mostLooks = Math.max(mostLooks, looks);
    expect(looks).toBeLessThanOrEqual(place.looks ?? 1);
  } finally {
    verify.mockRestore();
  }
}

describe.each(PLACES.map((place) => [place.name, place] as const))("%s", (_, place) => {
  it.each(FORGERIES)("refuses %s", async (_name, forge) => {
    await expectRefused(place, await forge(place.genuine()));
  });

  it.each(MARKED)("takes what is pasted, and only that, %s", async (_name, forge) => {
    const token = await forge(place.genuine());
    if (/license_key|certificate|receipt/.test(place.name))
      expect((await place.present(token)).status).toBe(place.accepted);
    else await expectRefused(place, token);
  });
});

describe("a document of ours in another's place", () => {
  const by = (typ: string, changes: object = {}, header: object = {}) =>
    sign(typ, { ...dissect(key).payload, ...changes }, ours, header);
  const LOOK_ALIKES: [string, () => string | Promise<string>][] = [
    ["a certificate as a license key", () => certificate],
    ["a receipt as a license key", () => receipt],
    ["the revocation list as a license key", async () => (await call("/v1/revocations")).text],
    ["a session's cookie as a license key", () => cookie],
    ["a license key of another issuer", () => by("license+jwt", { iss: "https://staging.example" })],
    ["a license key of a list of issuers", () => by("license+jwt", { iss: [ORIGIN] })],
    ["a license key without a type", () => by("license+jwt", {}, { typ: undefined })],
    ["a license key whose type is spelled otherwise", () => by("LICENSE+JWT")],
    ["a license key whose type has a prefix", () => by("application/license+jwt")],
    ["a license key without an id", () => by("license+jwt", { jti: undefined })],
    ["a license key with a number as its id", () => by("license+jwt", { jti: 1 })],
    ["a license key with an object as its id", () => by("license+jwt", { jti: { toString: "x" } })],
    ["a license key without a revision", () => by("license+jwt", { rev: undefined })],
    ["a license key with a text as its revision", () => by("license+jwt", { rev: "9" })],
  ];

  it.each(LOOK_ALIKES)("%s is refused everywhere", async (_, make) => {
    const token = await make();
    for (const place of PLACES.filter(({ name }) => name.endsWith("license_key"))) {
      await expectRefused(place, token);
    }
  });

  it.each([
    ["a license key", () => superseded.key],
    ["the certificate of another license", () => certificate],
    [
      "a certificate of another issuer",
      () => sign("activation+jwt", { ...dissect(superseded.certificate).payload, iss: TEAM }, ours),
    ],
    [
      "a certificate of another instance",
      () => sign("activation+jwt", { ...dissect(superseded.certificate).payload, sub: "x" }, ours),
    ],
    [
      "a certificate given without proof",
      () => sign("activation+jwt", { ...dissect(superseded.certificate).payload, proven: false }, ours),
    ],
  ])("%s does not excuse a replaced key", async (_, make) => {
    for (const place of PLACES.filter(({ name }) => name.endsWith("n: certificate"))) {
      await expectRefused(place, await make());
    }
  });

  it.each([
    [
      "an extension",
      () => sign("deactivation+jwt", { certificate }, receiptKey, { crit: ["b64"], b64: true }),
    ],
    ["another type", () => sign("JWT", { certificate }, receiptKey)],
    ["no certificate", () => sign("deactivation+jwt", {}, receiptKey)],
    ["a number as its certificate", () => sign("deactivation+jwt", { certificate: 1 }, receiptKey)],
    ["a certificate without a key in it", () => receiptFor(superseded.certificate)],
    ["our signature", () => sign("deactivation+jwt", { certificate }, ours)],
  ])("a receipt with %s ends nothing", async (_, make) => {
    await expectRefused(
      PLACES.find(({ name }) => name.endsWith(": receipt"))!,
      await make(),
    );
  });

  it.each([
    ["another issuer", { iss: TEAM }, {}],
    ["another type", {}, { typ: "JWT" }],
    ["no end", { exp: undefined }, {}],
    ["an end that is over", { exp: 1 }, {}],
    ["no id", { jti: undefined }, {}],
    ["an id that nobody has", { jti: base64url.encode(new Uint8Array(24)) }, {}],
    ["a key of a license as its id", { jti: "lic_x' OR 1=1 --" }, {}],
  ])("a session's cookie with %s, under the right secret, opens nothing", async (_, claims, header) => {
    const token = await new SignJWT({ ...dissect(cookie).payload, ...claims })
      .setProtectedHeader({ ...dissect(cookie).header, alg: "HS256", ...header })
      .sign(new TextEncoder().encode(`session:${env.SESSION_SECRET}`));
    await expectRefused(PLACES.at(-1)!, token);
  });
});

describe("what is genuine", () => {
  it.each(PLACES.map((place) => [place.name, place] as const))("is accepted: %s", async (_, place) => {
    expect((await place.present(place.genuine().token)).status).toBe(place.accepted);
  });

  it("still works after all that", async () => {
    expect(await validate(key)).toMatchObject({ status: 200, body: { valid: true } });
  });

  it("was all that was asked for: nobody's address but the team's", ({ task }) => {
    expect(new Set(asked)).toEqual(new Set([`${TEAM}/cdn-cgi/access/certs`]));
    task.meta.figures = {
      forgeries: FORGERIES.length,
      places: PLACES.length,
      presented: tried,
      accepted: 0,
      "signatures checked per token, most": mostLooks,
    };
  });
});
