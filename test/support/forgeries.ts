// Forgeries that somebody can make of a genuine compact JWS without its key. One table, tried wherever a token is taken.
import { base64url, exportSPKI, importJWK, type JWK, SignJWT } from "jose";
import { dissect } from "./documents.ts";

export interface Genuine {
  token: string;
  /** The forger's own key, with the same algorithm as the genuine one. */
  stranger: CryptoKey | Uint8Array;
  /** The public half of the forger's key. */
  strangerJwk: JWK;
  /** The published key. */
  published: JWK;
}

type Forge = (genuine: Genuine) => string | Promise<string>;

const utf8 = new TextEncoder();

const { encode, decode } = base64url;

/** The token with another header or payload, and with its own signature unless another one is given. */
function twist(
  { token }: Genuine,
  change: { header?: string; payload?: string; signature?: string },
): string {
  const [header, payload, signature] = token.split(".") as [string, string, string];
  return [
    change.header === undefined ? header : encode(change.header),
    change.payload === undefined ? payload : encode(change.payload),
    change.signature ?? signature,
  ].join(".");
}

const withHeader = (genuine: Genuine, changes: object, signature?: string): string =>
  twist(genuine, {
    header: JSON.stringify({ ...dissect(genuine.token).header, ...changes }),
    ...(signature === undefined ? {} : { signature }),
  });

/** The same claims and a changed header, always signed with the forger's key. */
async function resigned(
  { token, stranger }: Genuine,
  header: object = {},
  claims: object = {},
  key = stranger,
): Promise<string> {
  const { header: original, payload } = dissect(token);
  const protectedHeader = { ...original, ...header };
  const input = `${encode(JSON.stringify(protectedHeader))}.${encode(JSON.stringify({ ...payload, ...claims }))}`;
  return `${input}.${encode(await signatureOf(key, input))}`;
}

async function signatureOf(key: CryptoKey | Uint8Array, input: string): Promise<Uint8Array> {
  const secret =
    key instanceof Uint8Array
      ? await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
      : key;
  const algorithm =
    secret.algorithm.name === "ECDSA" ? { name: "ECDSA", hash: "SHA-256" } : secret.algorithm.name;
  return new Uint8Array(await crypto.subtle.sign(algorithm, secret, utf8.encode(input)));
}

const hmac =
  (alg: string, secretOf: (published: JWK) => string | Uint8Array | Promise<string>): Forge =>
  async ({ token, published }) => {
    const { header, payload } = dissect(token);
    const secret = await secretOf(published);
    const key = typeof secret === "string" ? utf8.encode(secret) : secret;
    return new SignJWT(payload).setProtectedHeader({ ...header, alg }).sign(key);
  };

/** 2^252 + 27742317777372353535851937790883648493: the order of the group of Ed25519, RFC 8032 section 5.1. */
const L = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

/** The signature with S + L instead of S: the equation alone accepts it, RFC 8032 section 5.1.7 refuses it. */
function malleated({ token }: Genuine): string {
  const bytes = decode(token.split(".")[2]!);
  const half = bytes.length / 2;
  let s = L;
  for (let n = 0; n < half; n++) s += BigInt(bytes[half + n]!) << BigInt(8 * n);
  for (let n = 0; n < half; n++) bytes[half + n] = Number((s >> BigInt(8 * n)) & 0xffn);
  return encode(bytes);
}

const edited = (genuine: Genuine, edit: (signature: Uint8Array) => Uint8Array): string =>
  twist(genuine, { signature: encode(edit(decode(genuine.token.split(".")[2]!))) });

/** Another spelling of the same bytes: with the unused bits of the last character set. */
function withSpareBits(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(part.at(-1)!);
  return part.slice(0, -1) + alphabet[last ^ 1];
}

const inPart =
  (index: 0 | 1 | 2, edit: (part: string) => string): Forge =>
  ({ token }) =>
    token
      .split(".")
      .map((part, n) => (n === index ? edit(part) : part))
      .join(".");

const nested = (depth: number, inner: string): string =>
  `${'{"a":'.repeat(depth)}${inner}${"}".repeat(depth)}`;

/** The JSON of a header or payload with a member added before, or after, all others. */
const repeated = (json: object, member: string, where: "first" | "last"): string => {
  const text = JSON.stringify(json);
  return where === "first" ? `{${member},${text.slice(1)}` : `${text.slice(0, -1)},${member}}`;
};

const EVIL = "https://evil.example/keys.json";

const ALGS_NONE = ["none", "None", "NONE", "nOnE", "none ", "", null];

const KIDS: unknown[] = [
  "another",
  "",
  null,
  0,
  true,
  ["main"],
  {},
  "__proto__",
  "constructor",
  "../../../../dev/null",
  "' OR 1=1 --",
  "k".repeat(5_000),
];

const CRITS: object[] = [
  { crit: ["exp"], exp: 1 },
  { crit: ["b64"], b64: false },
  { crit: ["b64"], b64: true },
  { crit: [] },
  { crit: "exp" },
  { crit: ["https://evil.example/understood"], "https://evil.example/understood": true },
  { crit: ["alg"] },
  { b64: false },
];

const TYPES: unknown[] = [
  "JWT",
  "license+jwt",
  "activation+jwt",
  "revocations+jwt",
  "session+jwt",
  "",
  null,
  1,
];

const TIMES: object[] = [
  { exp: undefined },
  { exp: 0 },
  { exp: -1 },
  { exp: 1e308 },
  { exp: 2 ** 60 },
  { exp: "9999999999" },
  { exp: null },
  { nbf: 99_999_999_999 },
  { iat: 1e308 },
  { iat: -1e308, nbf: -1e308 },
];

const SCALARS = ["null", "[]", '"x"', "1", "true", "1e999", "{}", ""];

const describeIt = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "undefined";

export const FORGERIES: [string, Forge][] = [
  ["an empty string", () => ""],
  ["no token at all", () => "CAIO-1234-5678"],
  ["two dots", () => ".."],
  ["truncated by a character", ({ token }) => token.slice(0, -1)],
  ["truncated by half", ({ token }) => token.slice(0, token.length / 2)],
  ["without its signature", inPart(2, () => "")],
  ["without its header", inPart(0, () => "")],
  ["without its payload", inPart(1, () => "")],
  [
    "another id in its payload",
    (it) => twist(it, { payload: JSON.stringify({ ...dissect(it.token).payload, jti: "lic_other" }) }),
  ],
  [
    "more instances in its payload",
    (it) => twist(it, { payload: JSON.stringify({ ...dissect(it.token).payload, max_instances: 1_000 }) }),
  ],

  // RFC 8725 section 3.1: the token must not choose the algorithm.
  ...ALGS_NONE.flatMap((alg): [string, Forge][] => [
    [`alg ${describeIt(alg)} without a signature`, (it) => withHeader(it, { alg }, "")],
    [`alg ${describeIt(alg)} with the old signature`, (it) => withHeader(it, { alg })],
  ]),
  ["no alg", (it) => withHeader(it, { alg: undefined })],
  ["a list of algs", (it) => withHeader(it, { alg: ["EdDSA", "none"] })],
  ...["EdDSA", "Ed25519", "Ed448", "ES256", "RS256", "PS256", "HS256", "HS512", "A256KW", "dir"].map(
    (alg): [string, Forge] => [`called ${alg} by a stranger`, (it) => resigned(it, { alg })],
  ),
  ["HS256 by the public key", hmac("HS256", ({ x }) => decode(x!))],
  ["HS256 by the public key as text", hmac("HS256", ({ x }) => x!)],
  ["HS384 by the public JWK", hmac("HS384", (published) => JSON.stringify(published).padEnd(48))],
  ["HS512 by the public JWK", hmac("HS512", (published) => JSON.stringify(published).padEnd(64))],
  [
    "HS256 by the public key as PEM",
    hmac("HS256", async (published) => exportSPKI((await importJWK(published, "EdDSA")) as CryptoKey)),
  ],
  ["HS256 by an empty secret", hmac("HS256", () => "\0".repeat(32))],
  [
    "ES256 by a stranger's P-256 key",
    async (it) => {
      const { privateKey } = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
        "sign",
        "verify",
      ])) as CryptoKeyPair;
      return resigned(it, { alg: "ES256" }, {}, privateKey);
    },
  ],

  // RFC 8725 section 3.10: nor the key.
  ["by a stranger under our kid", (it) => resigned(it)],
  ["by a stranger without a kid", (it) => resigned(it, { kid: undefined })],
  ...(["kept", "unknown", "absent"] as const).flatMap((kid): [string, Forge][] => {
    const name = { kept: {}, unknown: { kid: "stranger" }, absent: { kid: undefined } }[kid];
    return [
      [`by a stranger who embeds a jwk, kid ${kid}`, (it) => resigned(it, { jwk: it.strangerJwk, ...name })],
      [`by a stranger who points at a jku, kid ${kid}`, (it) => resigned(it, { jku: EVIL, ...name })],
      [
        `by a stranger with an x5c, kid ${kid}`,
        (it) => resigned(it, { x5c: [btoa("certificate")], ...name }),
      ],
      [`by a stranger with an x5u, kid ${kid}`, (it) => resigned(it, { x5u: EVIL, ...name })],
    ];
  }),
  ...KIDS.map((kid): [string, Forge] => [
    `by a stranger with the kid ${describeIt(kid)}`,
    (it) => resigned(it, { kid }),
  ]),
  ...CRITS.flatMap((header): [string, Forge][] => [
    [`by a stranger with ${describeIt(header)}`, (it) => resigned(it, header)],
    [`with ${describeIt(header)} and the old signature`, (it) => withHeader(it, header)],
  ]),
  ...TYPES.map((typ): [string, Forge] => [
    `typ ${describeIt(typ)} by a stranger`,
    (it) => resigned(it, { typ }),
  ]),
  ["another issuer by a stranger", (it) => resigned(it, {}, { iss: "https://evil.example" })],
  ...TIMES.map((claims): [string, Forge] => [
    `by a stranger with ${Object.entries(claims)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join()}`,
    (it) => resigned(it, {}, claims),
  ]),

  // JSON that parsers read in different ways.
  [
    "alg repeated, the genuine one last",
    (it) => twist(it, { header: repeated(dissect(it.token).header, '"alg":"none"', "first") }),
  ],
  [
    "alg repeated, the genuine one first",
    (it) => twist(it, { header: repeated(dissect(it.token).header, '"alg":"none"', "last"), signature: "" }),
  ],
  [
    "kid repeated",
    (it) => twist(it, { header: repeated(dissect(it.token).header, '"kid":"stranger"', "last") }),
  ],
  ["typ repeated", (it) => twist(it, { header: repeated(dissect(it.token).header, '"typ":"x"', "first") })],
  [
    "jti repeated, another one first",
    (it) => twist(it, { payload: repeated(dissect(it.token).payload, '"jti":"lic_other"', "first") }),
  ],
  [
    "jti repeated, another one last",
    (it) => twist(it, { payload: repeated(dissect(it.token).payload, '"jti":"lic_other"', "last") }),
  ],
  [
    "an escaped alg none",
    (it) => twist(it, { header: String.raw`{"\u0061lg":"n\u006fne","kid":"main"}`, signature: "" }),
  ],
  [
    "the same header with escapes",
    (it) =>
      twist(it, {
        header: JSON.stringify(dissect(it.token).header).replace('"alg"', String.raw`"\u0061lg"`),
      }),
  ],
  [
    "the same payload with blanks",
    (it) => twist(it, { payload: JSON.stringify(dissect(it.token).payload, null, 1) }),
  ],
  [
    "the same payload with escapes",
    (it) =>
      twist(it, {
        payload: JSON.stringify(dissect(it.token).payload).replace(
          /^\{"(.)/,
          (_, letter: string) => `{"\\u00${letter.charCodeAt(0).toString(16)}`,
        ),
      }),
  ],
  [
    "a byte order mark before its header",
    (it) => twist(it, { header: `\uFEFF${JSON.stringify(dissect(it.token).header)}` }),
  ],
  ["a header that is no UTF-8", inPart(0, () => encode(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])))],
  ["a payload that is no UTF-8", inPart(1, () => encode(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])))],
  ...SCALARS.flatMap((json): [string, Forge][] => [
    [`the header ${json}`, (it) => twist(it, { header: json })],
    [`the payload ${json}`, (it) => twist(it, { payload: json })],
  ]),
  ["a header of 2 000 levels", (it) => twist(it, { header: nested(2_000, '"x"') })],
  ["a payload of 2 000 levels", (it) => twist(it, { payload: nested(2_000, '"x"') })],
  ["a header of 7 000 levels", (it) => twist(it, { header: nested(7_000, "[]") })],

  // RFC 7515 section 7.1 and RFC 4648 section 3.5: one document, one spelling.
  ["with a character after it", ({ token }) => `${token}A`],
  ["with bytes after it", ({ token }) => `${token}AAAA`],
  ["with a fourth part", ({ token }) => `${token}.AAAA`],
  ["with five parts, as a JWE", ({ token }) => `${token}.AAAA.AAAA`],
  ["with a dot after it", ({ token }) => `${token}.`],
  ["with a dot before it", ({ token }) => `.${token}`],
  ["with a NUL after it", ({ token }) => `${token}\0`],
  [
    "in full-width letters",
    ({ token }) => token.replaceAll(/[A-Z]/g, (c) => String.fromCodePoint(c.codePointAt(0)! + 0xfee0)),
  ],
  ...([0, 1, 2] as const).flatMap((index): [string, Forge][] => {
    const part = ["header", "payload", "signature"][index];
    return [
      [
        `padding after its ${part}`,
        inPart(index, (text) => text + "=".repeat((4 - (text.length % 4)) % 4 || 4)),
      ],
      [`standard base64 in its ${part}`, inPart(index, (text) => `${text.slice(0, -2)}+/`)],
      [`a bit more in its ${part}`, inPart(index, withSpareBits)],
    ];
  }),
  ["a signature with S + L", (it) => twist(it, { signature: malleated(it) })],
  ["a signature of zeros", (it) => edited(it, (bytes) => bytes.fill(0))],
  ["a signature of ones", (it) => edited(it, (bytes) => bytes.fill(255))],
  ["a signature with a zero before it", (it) => edited(it, (bytes) => new Uint8Array([0, ...bytes]))],
  ["a signature with a zero after it", (it) => edited(it, (bytes) => new Uint8Array([...bytes, 0]))],
  [
    "a signature with its halves swapped",
    (it) =>
      edited(
        it,
        (bytes) =>
          new Uint8Array([...bytes.subarray(bytes.length / 2), ...bytes.subarray(0, bytes.length / 2)]),
      ),
  ],
  [
    "a signature in DER",
    (it) =>
      edited(
        it,
        (bytes) =>
          new Uint8Array([
            0x30,
            bytes.length + 4,
            2,
            bytes.length / 2,
            ...bytes.subarray(0, bytes.length / 2),
            2,
            bytes.length / 2,
            ...bytes.subarray(bytes.length / 2),
          ]),
      ),
  ],
  [
    "the JSON serialization",
    ({ token }) => {
      const [header, payload, signature] = token.split(".");
      return JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
    },
  ],
  ["a token around the token", (it) => resigned(it, { cty: "JWT" }, { token: it.token })],

  // Endless work.
  ["60 KB within the body limit", () => `${"A".repeat(60_000)}.AAAA.${"A".repeat(86)}`],
  ["a megabyte", ({ token }) => `${"A".repeat(1_000_000)}${token}`],
  ["a megabyte of dots", () => ".".repeat(1_000_000)],
];

/** A genuine document with marks from mail or a shell: accepted where people paste documents, refused elsewhere. */
export const MARKED: [string, Forge][] = [
  ["with an invisible blank in it", ({ token }) => `${token.slice(0, 20)}\u200b${token.slice(20)}`],
  ...([0, 1, 2] as const).flatMap((index): [string, Forge][] => {
    const part = ["header", "payload", "signature"][index];
    return [
      [`a line break in its ${part}`, inPart(index, (text) => `${text.slice(0, 8)}\n${text.slice(8)}`)],
      [`a blank in its ${part}`, inPart(index, (text) => `${text.slice(0, 8)} ${text.slice(8)}`)],
    ];
  }),
];
