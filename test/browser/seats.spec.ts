// Seats given and taken back by hand: one freed for another instance, and an installation without a network that
// is served by files alone.
import { readFile } from "node:fs/promises";
import { CompactSign, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";
import { describe, expect } from "vitest";
import { activate, newLicense } from "./support/data.ts";
import { ask, call, type House } from "./support/house.ts";
import { test } from "./support/test.ts";

const takenBy = async (house: House, licenseId: string): Promise<string[]> => {
  const { data } = await ask(house, `/v1/admin/activations?license_id=${licenseId}&active=true`);
  return data.map(({ instance_id }: { instance_id: string }) => instance_id);
};

describe.each([{ js: true }, { js: false }])("with scripts: $js", ({ js }) => {
  test("the only seat is freed, and another instance takes it", async ({ open, house }) => {
    const { license, license_key } = await newLicense(house, { max_instances: 1 });
    await activate(house, license_key, "caio-lost");
    const other = { license_key, instance_id: "caio-new" };
    expect((await call(house, "/v1/activate", other)).body.code).toBe("ACTIVATION_LIMIT_REACHED");

    const { page } = await open({ js, token: house.token });
    await page.goto(`/admin/licenses/${license.id}`);
    await page.locator("main").getByRole("link", { name: "Free the seat of caio-lost" }).click();
    const form = js ? page.getByRole("dialog") : page.locator("main");
    await form.getByRole("button", { name: "Free the seat" }).waitFor();
    expect(await form.textContent()).toContain("Free the seat of caio-lost?");
    expect(await takenBy(house, license.id)).toEqual(["caio-lost"]);
    await form.getByRole("button", { name: "Free the seat" }).click();
    await page.waitForURL(/done=freed/);
    expect(await page.getByRole("status").textContent()).toContain("free");

    await activate(house, license_key, "caio-new");
    expect(await takenBy(house, license.id)).toEqual(["caio-new"]);
  });

  test("an installation without a network is activated, and gives its seat back, by files", async ({
    open,
    house,
  }) => {
    const { license, license_key } = await newLicense(house, { max_instances: 1 });
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const { kty, crv, x } = await exportJWK(publicKey);
    const request = { license_key, instance_id: "caio-island", public_key: { kty, crv, x } };
    const fileOf = (name: string, text: string) => ({
      name,
      mimeType: "application/octet-stream",
      buffer: Buffer.from(text),
    });

    const { page } = await open({ js, token: house.token });
    await page.goto("/admin");
    await page.getByRole("navigation").getByRole("link", { name: "Air gap" }).click();
    await page
      .getByLabel("Request file")
      .setInputFiles(fileOf("island.caio-request", JSON.stringify(request)));
    // With scripts the file is looked at as soon as it is chosen.
    if (!js) await page.getByRole("button", { name: "See what it asks for" }).click();
    await page.getByRole("heading", { name: "Activate caio-island?" }).waitFor();
    expect(await takenBy(house, license.id)).toEqual([]);
    await page.getByRole("button", { name: "Make the license file" }).click();
    await page.getByRole("button", { name: "Download" }).waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("caio-island.caio-license");
    const { certificate } = JSON.parse(await readFile(await download.path(), "utf8"));
    const keys = createLocalJWKSet(await ask(house, "/.well-known/jwks.json"));
    const { payload } = await jwtVerify(certificate, keys, { typ: "activation+jwt" });
    expect(payload).toMatchObject({ sub: "caio-island", license_id: license.id });
    expect(await takenBy(house, license.id)).toEqual(["caio-island"]);

    const receipt = await new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate })))
      .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
      .sign(privateKey);
    await page.goto("/admin/air-gap");
    await page.getByLabel("Receipt file").setInputFiles(fileOf("island.receipt", receipt));
    await page.getByRole("button", { name: "Free the seat" }).click();
    await page.waitForURL(/done=freed/);
    expect(await takenBy(house, license.id)).toEqual([]);
  });
});
