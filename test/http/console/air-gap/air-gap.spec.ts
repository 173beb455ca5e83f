import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { type Fields, type ShownPage, Visitor } from "../../../support/console.ts";
import { verifyPublished } from "../../../support/documents.ts";
import { activate, admin, eventsOf, newLicense, unique } from "../../../support/service.ts";

const file = (content: string, name = "island.caio-request"): File => new File([content], name);

const requestFile = (license_key: string, instance_id: string, more: object = {}): File =>
  file(JSON.stringify({ license_key, instance_id, ...more }));

/** The request file of an installation that proves its own key, a new one each time. */
async function provenRequest(license_key: string, instance_id: string): Promise<File> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await exportJWK(publicKey);
  const nonce = unique("nonce");
  const iat = Math.floor(Date.now() / 1000);
  const proof = await new CompactSign(new TextEncoder().encode(JSON.stringify({ instance_id, nonce, iat })))
    .setProtectedHeader({ alg: "EdDSA", typ: "activation-request+jwt" })
    .sign(privateKey);
  return requestFile(license_key, instance_id, { public_key: { kty, crv, x }, nonce, proof });
}

const handIn = async (visitor: Visitor, values: Fields): Promise<ShownPage> =>
  visitor.submit(await visitor.get("/admin/air-gap"), values, "/admin/air-gap");

const seats = async (licenseId: string): Promise<unknown[]> =>
  (await admin(`/activations?license_id=${licenseId}&active=true`)).body.data;

const contentOf = (page: ShownPage): string =>
  page.forms.flatMap(({ fields }) => fields).find(([name]) => name === "file")![1];

describe("a request file", () => {
  it("is looked at, then answered with a license file to carry back; one seat however often", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1, expires_days: 100 });
    const visitor = await Visitor.signInAs("manager");
    const look = await handIn(visitor, {
      request: requestFile(license_key, "island", { hostname: "vault" }),
    });
    expect(look.status).toBe(200);
    for (const fact of ["Activate island?", "vault", license.id, "It takes a seat", "0 of 1"]) {
      expect(look.text).toContain(fact);
    }
    expect(await seats(license.id)).toEqual([]);

    const made = await visitor.submit(look);
    expect(made.text).toContain("The license file is made");
    const content = contentOf(made);
    const { payload } = await verifyPublished(JSON.parse(content).certificate, "activation+jwt");
    expect(payload).toMatchObject({ sub: "island", license_id: license.id });

    const download = await visitor.submit(made);
    expect(download.status).toBe(200);
    expect(download.headers.get("Content-Disposition")).toBe('attachment; filename="island.caio-license"');
    expect(download.html).toBe(content);
    // Sent again, by the same form or through the whole of it.
    expect(contentOf(await visitor.submit(look))).toBe(content);
    expect((await visitor.submit(made)).html).toBe(content);
    const again = await handIn(visitor, { request: requestFile(license_key, "island") });
    expect(again.text).toContain("Renew island?");
    await visitor.submit(again);
    expect(await seats(license.id)).toHaveLength(1);
    const done = (await eventsOf(license.id)).map(({ action }) => action);
    // The key in the file was shown a second time.
    expect(done).toEqual(["license.issued", "activation.created", "license.key_revealed"]);
  });

  it("is leased for as long as asked, at most to the end of the license", async () => {
    const { license_key } = await newLicense({ expires_days: 100, grace_days: 0 });
    const visitor = await Visitor.signIn();
    const leased = async (lease_days: string) => {
      const look = await handIn(visitor, { request: requestFile(license_key, "island"), lease_days });
      const shown = /<time datetime="([^"]+)"/.exec(look.html)![1]!;
      return { shown, made: JSON.parse(contentOf(await visitor.submit(look))).lease_expires_at as string };
    };
    for (const [days, expected] of [
      ["7", 7],
      ["", 100],
      ["365", 100],
    ] as const) {
      const { shown, made } = await leased(days);
      expect(Math.round((Date.parse(made) - Date.now()) / 86_400_000)).toBe(expected);
      expect(Math.abs(Date.parse(shown) - Date.parse(made))).toBeLessThan(60_000);
    }
  });

  it.each([
    ["no file", {}, "Choose the request file"],
    ["a file that is no JSON", { request: file("PK\u0003") }, "it contains no JSON"],
    [
      "a file in UTF-16",
      { request: new File([new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])], "island.json") },
      "The file is in UTF-16: save it as UTF-8",
    ],
    ["JSON of another kind", { request: file("[]") }, "request"],
    ["a key that we did not sign", { request: requestFile("a.b.c", "island") }, "license key is not valid"],
    ["no number of days", { request: file("{}"), lease_days: "soon" }, "Lease in days : Must be"],
  ])("is refused where it is %s", async (_, values, told) => {
    const page = await handIn(await Visitor.signIn(), values);
    expect([400, 422]).toContain(page.status);
    expect(page.text).toContain(told);
    expect(page.forms.some(({ action }) => action === "/admin/air-gap")).toBe(true);
  });

  it("is looked at as it will be judged: a replaced key is good for the seat whose certificate comes with it", async () => {
    const { license, license_key } = await newLicense();
    const { certificate } = (await activate(license_key, "island")).body;
    await admin(`/licenses/${license.id}/reissue`, { body: { reason: "leaked", unproven_hours: 0 } });
    const visitor = await Visitor.signIn();
    const look = (more: object) => handIn(visitor, { request: requestFile(license_key, "island", more) });
    expect((await look({})).html).not.toContain("Make the license file");
    expect((await look({ certificate })).html).toContain("Make the license file");
    expect((await visitor.submit(await look({ certificate }))).status).toBe(200);
  });

  it("is told beforehand where no seat is free, and refused all the same", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const visitor = await Visitor.signIn();
    const look = await handIn(visitor, { request: requestFile(license_key, "island") });
    await activate(license_key, "other");
    const refused = await visitor.submit(look);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain("All seats of the license are taken");
    const page = await handIn(visitor, { request: requestFile(license_key, "island") });
    expect(page.text).toContain("All seats of the license are taken");
    expect(page.html).not.toContain("Make the license file</button>");
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    expect((await handIn(visitor, { request: requestFile(license_key, "island") })).text).toContain(
      "The license is suspended",
    );
  });

  it("of another key than the file that runs says so, and is taken once staff say that it replaces it", async () => {
    const { license, license_key } = await newLicense({ expires_days: 100 });
    const visitor = await Visitor.signInAs("manager");
    const first = await visitor.submit(
      await handIn(visitor, { request: await provenRequest(license_key, "island"), lease_days: "30" }),
    );
    expect(first.text).toContain("The license file is made");
    const look = await handIn(visitor, { request: await provenRequest(license_key, "island") });
    expect(look.text).toContain("Another installation runs under this id");
    const runsUntil = JSON.parse(contentOf(first)).lease_expires_at as string;
    expect(look.html).toContain(`<time datetime="${runsUntil}"`);

    // Without the word that it takes the other's place nothing is done, and the look is there again.
    const refused = await visitor.submit(look);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("files of another key since");
    expect(refused.text).toContain("Renew island?");
    expect(refused.html).toContain('name="replace"');
    const events = async () => (await eventsOf(license.id)).map(({ action }) => action);
    expect(await events()).not.toContain("instance.key_replaced");

    const made = await visitor.submit(refused, { replace: "yes" });
    expect(made.text).toContain("The license file is made");
    expect(await events()).toContain("instance.key_replaced");
    expect(await seats(license.id)).toHaveLength(1);
  });

  it("with a wrong proof is refused at the first look", async () => {
    const { license_key } = await newLicense();
    const text = await (await provenRequest(license_key, "island")).text();
    const request = file(JSON.stringify({ ...JSON.parse(text), nonce: "another" }));
    const page = await handIn(await Visitor.signIn(), { request });
    expect(page.status).toBe(422);
    expect(page.text).toContain("Does not have the nonce of the request");
  });

  it("shows what it says as text", async () => {
    const { license_key } = await newLicense();
    const hostile = `"><script>alert(1)</script>`;
    const visitor = await Visitor.signIn();
    const look = await handIn(visitor, { request: requestFile(license_key, hostile, { hostname: hostile }) });
    const made = await visitor.submit(look);
    for (const page of [look, made]) {
      expect(page.status).toBe(200);
      expect(page.html).not.toContain("<script>alert");
    }
    const name = (await visitor.submit(made)).headers.get("Content-Disposition");
    expect(name).toBe('attachment; filename="___script_alert_1___script_.caio-license"');
  });

  it("is neither taken from a viewer nor from a forged form", async () => {
    const { license, license_key } = await newLicense();
    const owner = await Visitor.signIn();
    const look = await handIn(owner, { request: requestFile(license_key, "island") });
    expect(await owner.submit(look, { form_token: "x" })).toMatchObject({ status: 403 });

    const viewer = await Visitor.signInAs("viewer");
    const page = await viewer.get("/admin/air-gap");
    expect(page.text).toContain("Your role cannot take or free seats");
    expect(page.html).not.toContain('type="file"');
    const form_token = page.forms[0]!.fields[0]![1];
    for (const path of ["", "/license-file", "/license-file/download", "/receipt"]) {
      const fields = {
        form_token,
        once: crypto.randomUUID(),
        request: JSON.stringify({ license_key, instance_id: "island" }),
      };
      expect(await viewer.post(`/admin/air-gap${path}`, fields)).toMatchObject({ status: 403 });
    }
    expect(await seats(license.id)).toEqual([]);
  });
});

describe("the download", () => {
  it("gives back only what this service signed", async () => {
    const visitor = await Visitor.signIn();
    const { license_key } = await newLicense();
    const made = await visitor.submit(await handIn(visitor, { request: requestFile(license_key, "island") }));
    const page = await visitor.submit(made, { file: '{"certificate": "a.b.c"}' });
    expect(page.status).toBe(422);
    expect(page.headers.get("Content-Disposition")).toBeNull();
  });
});

describe("a deactivation receipt", () => {
  async function stopped() {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const { kty, crv, x } = await exportJWK(publicKey);
    const visitor = await Visitor.signInAs("manager");
    const request = requestFile(license_key, unique("island"), { public_key: { kty, crv, x } });
    const made = await visitor.submit(await handIn(visitor, { request }));
    const { certificate, activation_id } = JSON.parse(contentOf(made));
    const receipt = await new CompactSign(new TextEncoder().encode(JSON.stringify({ certificate })))
      .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
      .sign(privateKey);
    return { visitor, license, activation_id, receipt };
  }

  const send = async (visitor: Visitor, values: Fields): Promise<ShownPage> =>
    visitor.submit(await visitor.get("/admin/air-gap"), values, "/admin/air-gap/receipt");

  it.each([
    ["as a file", (receipt: string): Fields => ({ receipt_file: file(`${receipt}\n`) })],
    ["as text", (receipt: string): Fields => ({ receipt: ` ${receipt}\n` })],
  ])("frees the seat, %s", async (_, values) => {
    const { visitor, license, activation_id, receipt } = await stopped();
    const done = await send(visitor, values(receipt));
    expect(done.location).toBe(`/admin/instances/${activation_id}?done=freed`);
    expect((await visitor.get(done.location)).text).toContain("The seat is free.");
    expect(await seats(license.id)).toEqual([]);
  });

  it("frees nothing where it proves nothing", async () => {
    const { visitor, license, receipt } = await stopped();
    const forged = `${receipt.slice(0, -4)}AAAA`;
    for (const values of [{}, { receipt: "x" }, { receipt: forged }, { receipt_file: file("a.b.c") }]) {
      expect(await send(visitor, values)).toMatchObject({ status: 422 });
    }
    expect(await seats(license.id)).toHaveLength(1);
  });
});
