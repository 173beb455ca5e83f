// License keys, certificates and receipts as the field sends them, at every place that takes one.
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { dissect } from "../../support/documents.ts";
import { metered } from "../../support/meter.ts";
import { activate, admin, call, newLicense, rows } from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const wrap = (text: string): string => text.replaceAll(/(.{76})/g, "$1\r\n");

const SPELLINGS: [string, (text: string) => string][] = [
  ["wrapped at 76 columns", wrap],
  ["with a blank inside", (text) => `${text.slice(0, 40)} ${text.slice(40)}`],
  ["in quotes", (text) => `"${text}"`],
  ["after its variable's name, exported and quoted", (text) => `export CAIO_LICENSE_KEY='${text}'\n`],
  ["with a byte order mark in front and U+200B behind", (text) => `\ufeff${text}\u200b`],
];

/** What proves itself with a key of its own when it stops. */
async function sealedBox(license_key: string, instance_id: string) {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  return {
    request: { license_key, instance_id, public_key: { kty, crv, x } },
    receipt: (certificate: string): Promise<string> =>
      new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate })))
        .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
        .sign(privateKey),
  };
}

describe.each(SPELLINGS)("a key %s", (_what, spelled) => {
  it("is as good as the key itself to every call of an instance", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const key = spelled(license_key);
    const instance_id = "box-1";
    const activated = await call("/v1/activate", { body: { license_key: key, instance_id } });
    expect(activated).toMatchObject({ status: 200, body: { license_id: license.id, license_key } });
    // A replaced key goes on by the certificate, so this certificate was read as well.
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "Leaked." } });
    const certificate = spelled(activated.body.certificate);
    const checkedIn = await call("/v1/check-in", { body: { license_key: key, instance_id, certificate } });
    expect(checkedIn.status).toBe(200);
    expect(checkedIn.body.warnings).toMatchObject([{ code: "LICENSE_KEY_SUPERSEDED" }]);
    const renewed = spelled(checkedIn.body.license_key);
    const validated = await call("/v1/validate", { body: { license_key: renewed, instance_id } });
    expect(validated.body).toMatchObject({ valid: true, instance: { instance_id } });
    const ended = await call("/v1/deactivate", {
      body: { license_key: renewed, instance_id, certificate: checkedIn.body.certificate },
    });
    expect(ended.status).toBe(204);
  });

  it("crosses the air gap, and so does a receipt, by the API and the console", async () => {
    const { license, license_key } = await newLicense();
    const island = await sealedBox(spelled(license_key), "island");
    const path = `/licenses/${license.id}/offline-activations`;
    const made = await admin(path, { body: { request: island.request } });
    expect(made).toMatchObject({ status: 200, body: { license_key, instance_id: "island" } });
    const receipt = spelled(await island.receipt(made.body.certificate));
    const given = await admin(`/licenses/${license.id}/offline-deactivations`, { body: { receipt } });
    expect(given.status).toBe(204);

    const visitor = await Visitor.signIn();
    const atoll = await sealedBox(spelled(license_key), "atoll");
    const content = `\ufeff${JSON.stringify(atoll.request)}`;
    const look = await visitor.submit(
      await visitor.get("/admin/air-gap"),
      { request: new File([content], "atoll.json") },
      "/admin/air-gap",
    );
    expect(look.text).toContain("Activate atoll?");
    const page = await visitor.submit(look);
    const file = page.forms.flatMap(({ fields }) => fields).find(([name]) => name === "file")![1];
    const stopped = spelled(await atoll.receipt(JSON.parse(file).certificate));
    const free = await visitor.submit(
      await visitor.get("/admin/air-gap"),
      { receipt: stopped },
      "/admin/air-gap/receipt",
    );
    expect(free.location).toMatch(/done=freed$/);
  });

  it("tells an import when the license starts", async () => {
    const starts = Date.parse("2026-09-01T00:00:00.000Z");
    const { license, license_key } = await newLicense({ starts_at: new Date(starts).toISOString() });
    // The same license once more, as if it was lost here: under its own id, with its key as it came out of a mail.
    const id = dissect(license_key).payload.jti;
    await rows("UPDATE licenses SET id = ? WHERE id = ?", `${id.slice(0, -4)}GONE`, id);
    const row = {
      id,
      customer_id: license.customer_id,
      license_type: "standard",
      license_key: spelled(license_key),
      expires_at: new Date(NOW + 400 * DAY).toISOString(),
    };
    const imported = await admin("/imports/licenses", { body: [row] });
    expect(imported.status, imported.text).toBe(200);
    const restored = await admin(`/licenses/${id}`);
    expect(restored.body.starts_at).toBe(new Date(starts).toISOString());
  });

  it("is refused where it is none, and told what was passed over; nothing of it is echoed", async () => {
    const { license_key } = await newLicense();
    const forged = `${license_key.slice(0, -8)}AAAAAAAA`;
    const refused = await call("/v1/validate", { body: { license_key: spelled(forged) } });
    expect(refused).toMatchObject({ status: 400, body: { code: "LICENSE_KEY_INVALID" } });
    expect(refused.body.detail).toContain("were passed over");
    for (const part of forged.split(".")) expect(refused.text).not.toContain(part.slice(0, 30));
  });
});

describe("a key", () => {
  it("that fails without such marks is told nothing of them", async () => {
    const { body } = await call("/v1/validate", { body: { license_key: " not-a-key\r\n" } });
    expect(body.detail).toBe("The license key was not issued by this service or was altered.");
  });

  it("costs the same round trip however it is spelled", async () => {
    const { license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "box")).body;
    for (const spelled of [license_key, wrap(license_key)]) {
      const { bindings, cost } = metered();
      await call("/v1/activate", {
        body: { license_key: spelled, instance_id: "box", certificate },
        bindings,
      });
      expect(cost.trips).toBe(1);
    }
  });

  it("of nothing but marks, as many as a request can hold, is refused like any other", async () => {
    for (const license_key of [
      "",
      " \u200b\ufeff",
      "'".repeat(60_000),
      "a=".repeat(30_000),
      "\u2003".repeat(20_000),
    ]) {
      const answer = await call("/v1/validate", { body: { license_key } });
      expect(answer).toMatchObject({ status: 400, body: { code: "LICENSE_KEY_INVALID" } });
    }
  });
});
