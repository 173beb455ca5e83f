// What programs in the field say of themselves: odd texts cost nobody a lease, and nothing is stored that is no text.
import { expect, it } from "vitest";
import { decodeJwt } from "jose";
import { activate, admin, call, checkIn, newLicense, rows, unique } from "../../support/service.ts";

/** As it is sent, and as it is stored. */
const TEXTS: [string, string, string][] = [
  ["a high surrogate alone", "caio\ud800", "caio\uFFFD"],
  ["a low surrogate alone", "\udc00caio", "\uFFFDcaio"],
  ["surrogates the wrong way round", "a\udc00\ud800b", "a\uFFFD\uFFFDb"],
  ["NUL", "ca\u0000io\u0000", "caio"],
  ["line breaks and tabs", "caio\r\n\teins", "caioeins"],
  ["the controls of a terminal", "\u001b[31mcaio\u007f\u009b", "[31mcaio"],
  ["nothing but controls", "\u0000\u0001", ""],
  ["letters of all scripts", "Зал 東京 🏠 e\u0301", "Зал 東京 🏠 e\u0301"],
];

const stored = async (activationId: string): Promise<Record<string, string>> => {
  const [row] = await rows<Record<string, string>>(
    `SELECT hex(hostname) AS hostname, hex(app_version) AS app_version, hex(fingerprint) AS fingerprint,
       hex(labels) AS labels FROM activations WHERE id = ?`,
    activationId,
  );
  // As bytes: a driver would mend what is no UTF-8.
  const decode = (hex: string): string =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
    );
  return Object.fromEntries(Object.entries(row!).map(([name, hex]) => [name, decode(hex)]));
};

it.each(TEXTS)("%s", async (_, sent, kept) => {
  const { license, license_key } = await newLicense();
  const about = {
    hostname: sent,
    app_version: sent,
    fingerprint: sent,
    labels: { [sent]: sent, plain: "x" },
  };
  const expected = {
    hostname: kept,
    app_version: kept,
    fingerprint: kept,
    labels: JSON.stringify({ ...(kept === "" ? {} : { [kept]: kept }), plain: "x" }),
  };
  const { status, body } = await activate(license_key, "box", about);
  expect(status).toBe(200);
  expect(await stored(body.activation_id)).toEqual(expected);
  const { certificate } = body;
  const again = await checkIn(license_key, "box", { ...about, certificate });
  // The same text is the same machine.
  expect(again).toMatchObject({ status: 200, body: { warnings: [] } });
  expect((await admin(`/activations/${body.activation_id}`)).body).toMatchObject({ hostname: kept });
  const file = await admin(`/licenses/${license.id}/offline-activations`, {
    body: { request: { ...about, license_key, instance_id: "far" } },
  });
  expect(file.status).toBe(200);
  expect(await stored(decodeJwt(file.body.certificate).jti!)).toEqual(expected);
  const events = await rows<{ detail: string }>(
    "SELECT hex(detail) AS detail FROM events WHERE entity_id = ?",
    license.id,
  );
  // U+FFFD is three bytes; half of a pair would be ED A0 and more, or ED B0 and more.
  for (const { detail } of events) expect(detail).not.toMatch(/^(..)*ED[AB]/);
});

it("a label with nothing in its name is left out, and the others stay", async () => {
  const { license_key } = await newLicense();
  const { status, body } = await activate(license_key, "box", { labels: { "": "x", "\u0000": "y", a: "z" } });
  expect(status).toBe(200);
  expect((await stored(body.activation_id))["labels"]).toBe('{"a":"z"}');
});

it("a text counts as long as it is without what is taken out", async () => {
  const { license_key } = await newLicense();
  expect((await activate(license_key, "box", { hostname: `${"\u0000".repeat(300)}caio` })).status).toBe(200);
  expect(
    (await activate(license_key, "box", { hostname: `${"\u0000".repeat(300)}${"x".repeat(256)}` })).status,
  ).toBe(422);
});

it.each(["/v1/activate", "/v1/check-in", "/v1/validate", "/v1/deactivate"])(
  "%s refuses an instance id that is no text",
  async (path) => {
    const { license_key } = await newLicense();
    for (const instance_id of ["\ud800", "a\udc00", "a\u0000b", "a\nb"])
      expect(await call(path, { body: { license_key, instance_id } })).toMatchObject({
        status: 422,
        body: { errors: [{ path: "instance_id" }] },
      });
    for (const key of ["\ud800", "\u0000", `${license_key}\ud800`])
      expect(await call(path, { body: { license_key: key, instance_id: "a" } })).toMatchObject({
        status: 400,
        body: { code: "LICENSE_KEY_INVALID" },
      });
  },
);

it("a nonce comes back as it was sent, or is refused where it cannot", async () => {
  const { license_key } = await newLicense();
  for (const nonce of ["a\u0000b", "YWJj\n", "é"]) {
    const { body } = await activate(license_key, "box", { nonce });
    expect(decodeJwt(body.certificate)["nonce"]).toBe(nonce);
  }
  expect(await activate(license_key, "box", { nonce: "\ud800" })).toMatchObject({
    status: 422,
    body: { errors: [{ path: "nonce" }] },
  });
});

it("staff are told of half a surrogate pair, wherever they write it", async () => {
  const { license } = await newLicense();
  const half = "a\ud800";
  const id = unique("odd");
  const calls: [string, string, object][] = [
    ["POST", "/customers", { name: half }],
    ["POST", "/customers", { name: "A", company: half }],
    ["POST", "/customers", { name: "A", email: `${half}@acme.example` }],
    ["POST", "/customers", { id: half, name: "A" }],
    ["POST", "/customers", { name: "A", metadata: { crm: half } }],
    ["POST", "/customers", { name: "A", metadata: { [half]: 1 } }],
    ["POST", "/customers", { name: "A", metadata: { deep: [{ [half]: 1 }] } }],
    ["PATCH", `/customers/${license.customer_id}`, { name: half }],
    ["PATCH", `/customers/${license.customer_id}`, { metadata: { a: [half] } }],
    ["PATCH", `/licenses/${license.id}`, { metadata: { a: half } }],
    ["PATCH", `/licenses/${license.id}`, { features: [half] }],
    ["POST", "/licenses", { customer_id: half, license_type: "standard", expires_days: 1 }],
    ["POST", "/licenses", { customer_id: license.customer_id, license_type: half, expires_days: 1 }],
    ["PUT", `/license-types/${id}`, { name: half }],
    ["POST", `/licenses/${license.id}/suspend`, { reason: half }],
    ["POST", `/licenses/${license.id}/revoke`, { reason: half }],
    ["POST", `/licenses/${license.id}/reissue`, { reason: half }],
    ["POST", "/api-tokens", { name: half, role: "viewer" }],
    ["POST", "/imports/customers", { data: [{ name: half, email: "a@acme.example" }] }],
  ];
  const before = await rows("SELECT count(*) AS n FROM events");
  for (const [method, path, body] of calls) {
    const answer = await admin(path, { method, body });
    // As JSON, which writes half of a pair as an escape: the report of a failed test must be UTF-8.
    expect(answer.status, `${method} ${path} ${JSON.stringify(body)}`).toBe(422);
  }
  expect(await rows("SELECT count(*) AS n FROM events")).toEqual(before);
});
