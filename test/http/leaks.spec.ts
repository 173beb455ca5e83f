// The watch over the whole suite (test/support/leaks.ts) finds what is planted; everything else it finds is a fault.
import { describe, expect, it } from "vitest";
import { env } from "../support/env.ts";
import {
  assertDatabaseKeepsSecrets,
  assertLogKeepsSecrets,
  assertPageKeepsSecrets,
  assertRefusalKeepsSecrets,
} from "../support/leaks.ts";
import { signIn } from "../support/cookies.ts";
import { activate, admin, newCustomer, newLicense, newToken, rows, unique } from "../support/service.ts";

const { license_key } = await newLicense();
const { certificate } = (await activate(license_key, "box-1")).body;
const [signingKey] = (JSON.parse(env.SIGNING_KEYS) as { keys: { d: string }[] }).keys;

/** As the service writes its log. */
// oxlint-disable-next-line eslint/no-console
const write = (line: string): void => console.log(line);

const SECRETS: [string, string][] = [
  ["a license key", license_key],
  ["the signature of one", license_key.split(".")[2]!],
  ["a certificate", certificate],
  ["an API token", (await newToken()).token],
  ["a session", await signIn()],
  ["SESSION_SECRET", env.SESSION_SECRET],
  ["ADMIN_TOKEN", env.ADMIN_TOKEN],
  ["a private key", signingKey!.d],
];

describe.each(SECRETS)("%s", (_, secret) => {
  it("is found in the log", () => {
    write(JSON.stringify({ level: "info", detail: `before ${secret} behind` }));
    expect(assertLogKeepsSecrets).toThrow("the log holds");
    expect(assertLogKeepsSecrets).not.toThrow();
  });

  it("is found in a refusal, also of who sent it", () => {
    const refusal = JSON.stringify({ detail: `Not ${secret}.` });
    expect(() => assertRefusalKeepsSecrets(refusal, () => secret, "GET /")).toThrow("the refusal of GET /");
  });

  it("is found on a page that refuses a form, unless it was entered there", () => {
    const page = `<textarea>${secret}</textarea>`;
    expect(() => assertPageKeepsSecrets(page, "", "/admin")).toThrow("the refusal at /admin");
    expect(() => assertPageKeepsSecrets(page, secret, "/admin")).not.toThrow();
  });
});

describe.each(SECRETS.filter(([name]) => name !== "the signature of one"))(
  "%s in the database",
  (_, secret) => {
    it("is found in whatever column", async () => {
      const { id } = await newCustomer();
      const plant = (value: string) => rows("UPDATE customers SET metadata = ? WHERE id = ?", value, id);
      await plant(JSON.stringify({ deep: [`a ${secret}`] }));
      await expect(assertDatabaseKeepsSecrets()).rejects.toThrow("customers.metadata, secret: ");
      await plant("{}");
      await expect(assertDatabaseKeepsSecrets()).resolves.toBeUndefined();
    });
  },
);

describe("an e-mail address", () => {
  const email = `${unique("ada")}@acme.example`;

  it("is found in the log", () => {
    write(`Mail to ${email} failed.`);
    expect(assertLogKeepsSecrets).toThrow("the log holds");
  });

  it("is found in a refusal, unless its caller sent it", () => {
    const refusal = JSON.stringify({ detail: `${email} is taken.` });
    expect(() => assertRefusalKeepsSecrets(refusal, () => "", "GET /")).toThrow("tells the address");
    expect(() => assertRefusalKeepsSecrets(refusal, () => email, "GET /")).not.toThrow();
  });

  it("is found in the database where it does not belong", async () => {
    const { license } = await newLicense();
    await rows("UPDATE licenses SET metadata = ? WHERE id = ?", JSON.stringify({ by: email }), license.id);
    await expect(assertDatabaseKeepsSecrets()).rejects.toThrow("licenses.metadata, address: ");
    await rows("UPDATE licenses SET metadata = '{}' WHERE id = ?", license.id);
  });
});

it("a name in a request that may be a license key is not repeated", async () => {
  for (const query of [`?${license_key}=1`, `?limit=1&${license_key}`]) {
    const { status, body } = await admin(`/customers${query}`);
    expect(status).toBe(422);
    expect(body.errors[0].path).toHaveLength(64);
  }
});
