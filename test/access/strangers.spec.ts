// What somebody outside can find out: which licenses there are, and whether a guess is near.
import { generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { dissect, resigned, unsigned } from "../support/documents.ts";
import { env } from "../support/env.ts";
import { type Answer, activate, admin, call, newLicense, newToken } from "../support/service.ts";

/** All that an answer tells, but for its request id. */
function toldBy({ status, headers, text, body }: Answer): unknown {
  const id: string = body.request_id;
  return {
    status,
    text: text.replaceAll(id, "…"),
    headers: [...headers].map(([name, value]) => [name, value.replaceAll(id, "…")]),
  };
}

describe("whoever has no key of ours", () => {
  it("cannot tell a license that there is from one that there is not", async () => {
    const { license_key } = await newLicense();
    await activate(license_key, "box-1");
    const stranger = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const { header, payload, signature } = dissect(license_key);
    // The signature that was good for the license's own id.
    const forged = (jti: string) => unsigned(header, { ...payload, jti }, signature);
    const unknown = "lic_01M85CP75Y61NN2Y9DGBM27EAQ";
    const keys = [
      await resigned(license_key, {}, stranger.privateKey),
      await resigned(forged(unknown), {}, stranger.privateKey),
      forged(unknown),
      `${license_key}x`,
      "x",
      "",
    ];
    for (const path of ["/v1/activate", "/v1/check-in", "/v1/validate", "/v1/deactivate"]) {
      const told = new Set<string>();
      for (const key of keys) {
        for (const instance_id of ["box-1", "box-2"]) {
          told.add(JSON.stringify(toldBy(await call(path, { body: { license_key: key, instance_id } }))));
        }
      }
      expect(told.size).toBe(1);
    }
  });

  it("is refused by the admin API before it says whether a thing exists", async () => {
    const { license } = await newLicense();
    const { token, api_token } = await newToken();
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    const told = new Set<string>();
    for (const id of [license.id, "lic_01M85CP75Y61NN2Y9DGBM27EAQ", "'", "%00"]) {
      for (const headers of [{}, { Authorization: `Bearer ${token}` }, { Authorization: "Bearer caio_x" }]) {
        told.add(JSON.stringify(toldBy(await call(`/v1/admin/licenses/${id}`, { headers }))));
      }
    }
    expect(told.size).toBe(1);
  });

  it("is led to the sign-in of the console, whether there is such a page or not", async () => {
    const { license } = await newLicense();
    for (const id of [license.id, "lic_01M85CP75Y61NN2Y9DGBM27EAQ"]) {
      for (const path of [`/admin/licenses/${id}`, `/admin/customers/${id}`, `/admin/nothing/${id}`]) {
        const answer = await call(path);
        expect(answer.status).toBe(303);
        expect(answer.headers.get("Location")).toBe(`/admin/sign-in?next=${encodeURIComponent(path)}`);
      }
    }
  });
});

describe("a credential", () => {
  it("is looked up by its hash and compared in constant time", async () => {
    const compared: number[][] = [];
    const original = crypto.subtle.timingSafeEqual.bind(crypto.subtle);
    crypto.subtle.timingSafeEqual = (a, b) => {
      compared.push([a.byteLength, b.byteLength]);
      return original(a, b);
    };
    try {
      const { token } = await newToken();
      const guesses = ["", "x", env.ADMIN_TOKEN.slice(0, -1), `${env.ADMIN_TOKEN}x`, token.slice(0, -1)];
      for (const guess of guesses) {
        compared.length = 0;
        expect((await call("/v1/admin/me", { token: `t${guess}` })).status).toBe(401);
        // Two digests of one length, whatever the guess has in common with a token.
        expect(compared).toEqual([[64, 64]]);
      }
      compared.length = 0;
      expect((await call("/v1/admin/me", { token })).status).toBe(200);
      expect(compared).toEqual([
        [64, 64],
        [64, 64],
      ]);
    } finally {
      crypto.subtle.timingSafeEqual = original;
    }
  });
});
