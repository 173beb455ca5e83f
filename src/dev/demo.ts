// `npm run demo`: the story of a license, told by doing it. Against a service of its own, or --url.
import { AssertionError, strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { commandLine, CommandError, reasonOf, runCommand, wrongUsage } from "./command.ts";
import { freePort, type RunningService, startService } from "./service.ts";

const USAGE = `Usage: npm run demo -- [--url URL --token TOKEN]

Without --url a service is started for the demo, on a free port and an empty database, and ended after it.`;

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** @throws CommandError if nobody answers */
async function ask(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new CommandError(`${url.origin} cannot be reached: ${reasonOf(error)}`);
  }
}

/** @throws CommandError with the answer, if it is not the expected one */
function expectStatus({ status, body }: Answer, expected: number): void {
  if (status === expected) return;
  const said = typeof body["code"] === "string" ? ` ${body["code"]}: ${String(body["detail"])}` : "";
  throw new CommandError(`The service answers ${status} where it should answer ${expected}.${said}`);
}

type Call = (path: string, body: object, token?: string) => Promise<Answer>;

const caller =
  (url: string): Call =>
  async (path, body, token) => {
    const response = await ask(new URL(path, url), {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    try {
      return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Answer["body"]) };
    } catch {
      throw new CommandError(
        `${url} answers ${response.status} and no JSON to POST ${path}: no license server.`,
      );
    }
  };

let chapter = 0;
const tell = (title: string): void => console.log(`\n${++chapter}. ${title}`);
const say = (line: string): void => console.log(`   ${line}`);

const seats = ({ body }: Answer): string => {
  const { active, max } = body["instances"] as { active: number; max: number };
  return `${active} of ${max} seats`;
};

/** @throws AssertionError if a step differs from the story */
async function story(url: string, token: string): Promise<void> {
  const call = caller(url);
  const customerId = `demo-${randomUUID().slice(0, 8)}`;
  console.log(`The service is at ${url}.`);

  tell("SmartHaus creates a customer and issues a license for two instances.");
  const customer = await call("/v1/admin/customers", { id: customerId, name: "Demo GmbH" }, token);
  expectStatus(customer, 201);
  say(`Customer   ${customerId}`);
  const issued = await call(
    "/v1/admin/licenses",
    { customer_id: customerId, license_type: "standard", expires_days: 365, max_instances: 2 },
    token,
  );
  expectStatus(issued, 201);
  const license = issued.body["license"] as Record<string, unknown>;
  const key = issued.body["license_key"] as string;
  assert.equal(license["max_instances"], 2);
  say(
    `License    ${String(license["id"])}, ${String(license["standing"])} until ${String(license["expires_at"])}`,
  );
  say(`Key        ${key.slice(0, 40)}… (${key.length} characters)`);

  const activate = (instance_id: string, nonce: string = randomUUID()): Promise<Answer> =>
    call("/v1/activate", { license_key: key, instance_id, nonce });

  tell("Two installations activate with the key.");
  const first = await activate("caio-berlin", "demo-nonce");
  expectStatus(first, 200);
  assert.deepEqual(first.body["instances"], { active: 1, max: 2 });
  say(
    `caio-berlin is ${String(first.body["status"])}: ${seats(first)}, leased until ${String(first.body["lease_expires_at"])}`,
  );
  const second = await activate("caio-paris");
  expectStatus(second, 200);
  assert.deepEqual(second.body["instances"], { active: 2, max: 2 });
  say(`caio-paris is ${String(second.body["status"])}: ${seats(second)}`);
  const again = await activate("caio-paris");
  // It showed no certificate: anybody with the key could have asked.
  assert.deepEqual(
    (again.body["warnings"] as { code: string }[]).map(({ code }) => code),
    ["INSTANCE_UNPROVEN"],
  );
  assert.equal(again.body["activation_id"], second.body["activation_id"]);
  assert.deepEqual(again.body["instances"], { active: 2, max: 2 });
  say(
    `caio-paris activates again, without its certificate, and keeps its seat: ${seats(again)}, by a lease until ${String(again.body["lease_expires_at"])}`,
  );

  tell("A third one is refused, and told what would help.");
  const refused = await activate("caio-madrid");
  expectStatus(refused, 403);
  assert.equal(refused.body["code"], "ACTIVATION_LIMIT_REACHED");
  say(`${refused.status} ${refused.body["code"]}: ${String(refused.body["detail"])}`);
  say(`Remedy: ${String(refused.body["remedy"])}`);

  tell("Berlin proves by its certificate who it is and gives its seat back, and Madrid takes it.");
  const giveBack = (certificate?: unknown): Promise<Answer> =>
    call("/v1/deactivate", { license_key: key, instance_id: "caio-berlin", certificate });
  assert.equal((await giveBack()).body["code"], "CERTIFICATE_REQUIRED");
  const freed = await giveBack(first.body["certificate"]);
  expectStatus(freed, 204);
  const third = await activate("caio-madrid");
  expectStatus(third, 200);
  assert.deepEqual(third.body["instances"], { active: 2, max: 2 });
  say(`caio-madrid is ${String(third.body["status"])}: ${seats(third)}`);
  const gone = await call("/v1/validate", { license_key: key, instance_id: "caio-berlin" });
  assert.equal(gone.body["code"], "INSTANCE_NOT_ACTIVATED");
  say(`caio-berlin is told ${gone.body["code"]}`);

  tell("Anyone verifies key and certificate offline, with the published keys alone.");
  const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", url));
  const certificate = third.body["certificate"] as string;
  const verifiedKey = await jwtVerify(key, keys, { typ: "license+jwt", algorithms: ["EdDSA"] });
  assert.equal(verifiedKey.payload.jti, license["id"]);
  assert.equal(verifiedKey.payload.sub, customerId);
  say(`License key: signed by ${verifiedKey.protectedHeader.kid}, for ${verifiedKey.payload.sub}`);
  const { iss } = verifiedKey.payload;
  const verified = await jwtVerify(certificate, keys, {
    typ: "activation+jwt",
    issuer: iss!,
    algorithms: ["EdDSA"],
  });
  assert.equal(verified.payload.sub, "caio-madrid");
  assert.equal(verified.payload["license_id"], license["id"]);
  assert.equal(new Date(verified.payload.exp! * 1000).toISOString(), third.body["lease_expires_at"]);
  say(
    `Certificate: ${verified.payload.sub} may run until ${String(third.body["lease_expires_at"])}, also without us`,
  );
  const tampered = `${key.slice(0, -6)}${key.endsWith("AAAAAA") ? "BBBBBB" : "AAAAAA"}`;
  await assert.rejects(jwtVerify(tampered, keys), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  const forged = await call("/v1/activate", { license_key: tampered, instance_id: "caio-rome" });
  assert.equal(forged.body["code"], "LICENSE_KEY_INVALID");
  say(`A tampered key: ${forged.status} ${forged.body["code"]}`);

  console.log("\nEverything went as told.");
}

/** @throws CommandError if the service does not follow the story */
async function tellStory(url: string, token: string): Promise<void> {
  try {
    await story(url, token);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    throw new CommandError(`The service does something else than is told here:\n${error.message}`);
  }
}

await runCommand(async () => {
  const { values } = commandLine(USAGE, { options: { url: { type: "string" }, token: { type: "string" } } });
  const { url, token = process.env["ADMIN_TOKEN"] } = values;
  if (url !== undefined) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) wrongUsage(USAGE, `--url ${url} is no address.`);
    if (token === undefined)
      wrongUsage(USAGE, "--url needs --token TOKEN, or ADMIN_TOKEN in the environment.");
    await tellStory(url, token);
    return;
  }
  const persistTo = mkdtempSync(join(tmpdir(), "caio-licensing-demo-"));
  let service: RunningService | undefined;
  try {
    console.log("Starting a service for the demo …");
    service = await startService({ port: await freePort(), persistTo });
    await tellStory(service.url, service.token);
  } finally {
    await service?.stop();
    rmSync(persistTo, { recursive: true, force: true });
  }
});
