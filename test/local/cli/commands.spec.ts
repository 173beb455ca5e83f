import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../src/dev/service.ts";
import { type Desk, LAUNCHER, openDesk, type Outcome, run } from "../support/cli.ts";

let desk: Desk;
/** Refuses every mail. */
let mailService: Server;
let token: string;
let signedIn: Outcome;
let license: string;
let key: string;

/** What the service itself says. */
const api = async (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${desk.service.url}${path}`, {
    ...init,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  });

const said = async (path: string): Promise<any> => (await api(path)).json();

const activate = async (instance_id: string): Promise<any> =>
  (
    await api("/v1/activate", {
      method: "POST",
      body: JSON.stringify({ license_key: key, instance_id, hostname: "berlin" }),
    })
  ).json();

beforeAll(async () => {
  const mailPort = await freePort();
  mailService = createServer((_, answer) => {
    answer.writeHead(422, { "Content-Type": "application/json" });
    answer.end(JSON.stringify({ statusCode: 422, name: "validation_error", message: "Not this one." }));
  }).listen(mailPort, "127.0.0.1");
  desk = await openDesk([`RESEND_BASE_URL:http://127.0.0.1:${mailPort}`, "RESEND_API_KEY:re_test_key"]);
  token = desk.service.token;
  signedIn = await desk.cli(["login", "--url", desk.service.url, "--token-stdin"], { input: `${token}\n` });
  await desk.ok("customers", "create", "--id", "acme", "--name", "Acme", "--email", "it@acme.example");
  const issued = await desk.json(
    "licenses",
    "create",
    "--customer",
    "acme",
    "--type",
    "standard",
    "--days",
    "20",
  );
  license = issued.license.id;
  key = issued.license_key;
});

afterAll(async () => {
  await desk.close();
  mailService.close();
});

describe("a session", () => {
  it("is kept where only its owner can read it", () => {
    expect(signedIn).toEqual({
      code: 0,
      out: "",
      err: `Signed in to ${desk.service.url} as ADMIN_TOKEN (owner), profile default.\n`,
    });
    const folder = join(desk.env["XDG_CONFIG_HOME"]!, "caio-license");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "config.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["config.json"]);
  });

  it("says who is signed in", async () => {
    expect(await desk.ok("whoami")).toMatch(/actor +ADMIN_TOKEN\nrole +owner\n/);
    expect(await desk.json("whoami")).toEqual(await said("/v1/admin/me"));
  });

  it("has profiles, and ends with logout", async () => {
    const login = await desk.cli(["login", "--profile", "second"], {
      env: { CAIO_LICENSE_URL: desk.service.url, CAIO_LICENSE_TOKEN: token },
    });
    expect(login.code).toBe(0);
    expect(await desk.ok("whoami", "--profile", "second")).toMatch(/profile +second/);
    const chosen = await desk.cli(["whoami"], { env: { CAIO_LICENSE_PROFILE: "second" } });
    expect(chosen.out).toMatch(/profile +second/);
    await desk.ok("logout", "--profile", "second");
    expect((await desk.cli(["whoami", "--profile", "second"])).code).toBe(3);
    expect((await desk.cli(["logout", "--profile", "second"])).code).toBe(3);
    expect(await desk.ok("whoami")).toContain("owner");
  });

  it("knows an address in any spelling, and keeps the one", async () => {
    const { port } = new URL(desk.service.url);
    for (const url of [`HTTP://LOCALHOST.:${port}//`, ` http://localhost:${port}\n`]) {
      const login = await desk.cli(["login", "--url", url, "--profile", "spelled", "--token-stdin"], {
        input: token,
      });
      expect(login).toMatchObject({ code: 0 });
      expect(login.err).toContain(`Signed in to http://localhost:${port} as`);
      const env = { CAIO_LICENSE_URL: `Http://LocalHost:${port}/`, CAIO_LICENSE_PROFILE: "spelled" };
      expect(await desk.cli(["whoami"], { env })).toMatchObject({ code: 0 });
    }
    await desk.ok("logout", "--profile", "spelled");
  });

  it("works by the launcher's link, by npm run from any folder, and without a profile", async () => {
    const env = { CAIO_LICENSE_URL: desk.service.url, CAIO_LICENSE_TOKEN: token };
    const root = join(LAUNCHER, "../../..");
    const byNpm = await run("npm", ["run", "-s", "cli", "--", "whoami", "--json"], {
      cwd: join(root, "docs"),
      env,
    });
    expect(JSON.parse(byNpm.out).role).toBe("owner");
    writeFileSync(desk.file("here.key"), "nothing");
    const relative = await run(
      "npm",
      ["--prefix", root, "run", "-s", "cli", "--", "verify", "here.key", "--jwks", "here.key"],
      {
        cwd: desk.folder,
        env,
      },
    );
    expect(relative.err).toContain("here.key is not JSON");
  });
});

describe("customers", () => {
  it("are created, shown, changed, listed and deleted", async () => {
    const made = await desk.ok(
      "customers",
      "create",
      "--id",
      "globex",
      "--name",
      "Globex",
      "--metadata",
      '{"crm":"1"}',
    );
    expect(made).toMatch(/^id +globex\nname +Globex\n/);
    expect(await desk.json("customers", "show", "globex")).toEqual(await said("/v1/admin/customers/globex"));
    await desk.ok("customers", "update", "globex", "--email", "it@globex.example", "--company", "Globex AG");
    await desk.ok("customers", "update", "globex", "--no-company");
    expect(await said("/v1/admin/customers/globex")).toMatchObject({
      email: "it@globex.example",
      company: null,
    });
    expect(await desk.ok("customers", "list", "--query", "glob")).toMatch(/^ID +NAME .*\nglobex +Globex/);
    expect(await desk.ok("customers", "delete", "globex", "--yes")).toBe("Customer globex is deleted.\n");
    expect((await desk.cli(["customers", "show", "globex"])).code).toBe(4);
  });

  it("are listed as one array over all pages, or as lines", async () => {
    const rows = Array.from({ length: 130 }, (_, n) => `many-${String(n).padStart(3, "0")},Many`);
    writeFileSync(desk.file("many.csv"), `id,name\n${rows.join("\n")}\n`);
    expect(await desk.ok("import", "customers", "many.csv")).toBe("130 of 130 rows were created.\n");
    const all = await desk.json("customers", "list", "--query", "many-", "--all");
    expect(all).toHaveLength(130);
    expect(new Set(all.map(({ id }: { id: string }) => id)).size).toBe(130);
    const lines = await desk.ok("customers", "list", "--query", "many-", "--limit", "105", "--ndjson");
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(all.slice(0, 105));
    const few = await desk.cli(["customers", "list", "--query", "many-", "--limit", "2", "--json"]);
    expect(JSON.parse(few.out)).toEqual((await said("/v1/admin/customers?q=many-&limit=2")).data);
    expect(few.err).toContain("There may be more: --all");
    const none = await desk.cli(["customers", "list", "--query", "nobody"]);
    expect(none).toEqual({ code: 0, out: "", err: "No customers.\n" });
    expect(await desk.json("customers", "list", "--query", "nobody")).toEqual([]);
  });
});

describe("licenses", () => {
  it("are shown and listed as the service has them", async () => {
    expect(await desk.json("licenses", "show", license)).toEqual(await said(`/v1/admin/licenses/${license}`));
    expect(await desk.ok("licenses", "show", license)).toMatch(
      /standing +expiring\n[^]*expires .*\(in (19|20) days\)/,
    );
    const listed = await desk.json(
      "licenses",
      "list",
      "--customer",
      "acme",
      "--standing",
      "expiring",
      "--type",
      "standard",
    );
    expect(listed).toEqual((await said("/v1/admin/licenses?customer_id=acme")).data);
    expect(await desk.ok("expiring", "--days", "30")).toContain(license);
    expect((await desk.cli(["expiring", "--days", "2"])).err).toBe("No license ends within 2 days.\n");
  });

  it("show a key only where it is asked for", async () => {
    const made = await desk.cli(["licenses", "create", "--customer", "acme", "--type", "trial"]);
    expect(made.code).toBe(0);
    expect(made.out + made.err).not.toMatch(/eyJ/);
    expect(made.err).toContain("Its key: caio-license licenses key lic_");
    expect(await desk.ok("licenses", "key", license)).toBe(`${key}\n`);
    await desk.ok("licenses", "key", license, "--output", "acme.key");
    expect(readFileSync(desk.file("acme.key"), "utf8")).toBe(`${key}\n`);
    expect(statSync(desk.file("acme.key")).mode & 0o777).toBe(0o600);
  });

  it("go through their life", async () => {
    const terms = "--expires never --max-instances unlimited --features a,b --notice-days 30,7 --send";
    const { license: made } = await desk.json(
      ..."licenses create --customer acme --type enterprise".split(" "),
      ...terms.split(" "),
    );
    expect(made).toMatchObject({
      expires_at: null,
      max_instances: null,
      features: ["a", "b"],
      notice_days: [30, 7],
    });
    const at = `/v1/admin/licenses/${made.id}`;
    await desk.ok(
      "licenses",
      "update",
      made.id,
      "--max-instances",
      "3",
      "--features",
      "none",
      "--notice-days",
      "type",
    );
    expect(await said(at)).toMatchObject({ max_instances: 3, features: [], notice_days: null });
    await desk.ok("licenses", "update", made.id, "--expires", "2030-06-30");
    await desk.ok("licenses", "renew", made.id, "--expires", "2030-12-31");
    expect(await said(at)).toMatchObject({ expires_at: "2031-01-01T12:00:00.000Z" });
    await desk.ok("licenses", "suspend", made.id, "--reason", "Not paid.");
    expect(await said(at)).toMatchObject({ status: "suspended" });
    await desk.ok("licenses", "reinstate", made.id, "--reason", "Paid.");
    expect((await said(`${at}/events`)).data[0]).toMatchObject({
      action: "license.reinstated",
      detail: { reason: "Paid." },
    });
    const seat = async (instance_id: string): Promise<string> => {
      const { license_key } = await desk.json("licenses", "key", made.id);
      const answer = await fetch(`${desk.service.url}/v1/activate`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ license_key, instance_id, hostname: `host-of-${instance_id}` }),
      });
      const { activation_id }: { activation_id: string } = await answer.json();
      return activation_id;
    };
    const thief = await seat("thief");
    const leaked = ["licenses", "reissue", made.id, "--reason", "Leaked.", "--free", thief];
    const tried = await desk.ok(...leaked, "--dry-run");
    expect(tried).toContain("would have revision 2. Nothing was changed.");
    expect(tried).toMatch(/thief +host-of-thief .* with proof +freed/);
    const unknown = await desk.cli([...leaked, "--free", "act_none"]);
    expect(unknown).toMatchObject({ code: 5, out: "" });
    expect(unknown.err).toContain("free.1: Is no activation that holds a seat of this license");
    expect((await desk.json("licenses", "show", made.id)).revision).toBe(1);
    const reissued = await desk.ok(...leaked, "--unproven-hours", "0", "--show-key");
    expect(await desk.json("instances", "show", thief)).toMatchObject({ active: false, ended_by: "staff" });
    expect(reissued).toMatch(/revision +2\n[^]*\neyJ/);
    expect(await desk.ok("licenses", "send", made.id, "--to", "cto@acme.example")).toMatch(
      /^Mail msg_\w+ to cto@acme/,
    );
    await desk.ok("licenses", "revoke", made.id, "--reason", "Ended.", "--yes");
    expect(await said(at)).toMatchObject({ status: "revoked" });
    const again = await desk.cli(["licenses", "reinstate", made.id]);
    expect(again.code).toBe(5);
    expect(again.err).toMatch(/allowed now: nothing\n[^]*code: INVALID_TRANSITION\n {2}request: \S{8,}\n/);
  });
});

describe("a dry run", () => {
  it("asks the service where it knows how, and changes nothing", async () => {
    await activate("dry");
    const before = await said(`/v1/admin/licenses/${license}`);
    const lowered = await desk.json("licenses", "update", license, "--max-instances", "1", "--dry-run");
    expect(lowered).toMatchObject({
      dry_run: true,
      changes: { max_instances: { to: 1 } },
      instances: { active: 1 },
    });
    const suspended = await desk.ok("licenses", "suspend", license, "--reason", "x", "--dry-run");
    expect(suspended).toMatch(/would be suspended. Nothing was changed.\n[^]*dry +berlin +LICENSE_SUSPENDED/);
    expect(await desk.json("licenses", "revoke", license, "--reason", "x", "--dry-run")).toMatchObject({
      license: { status: "revoked" },
    });
    expect(await said(`/v1/admin/licenses/${license}`)).toEqual(before);
  });

  it("elsewhere says what it would send, and that it was not sent", async () => {
    const dry = await desk.cli(["customers", "create", "--id", "unsent", "--name", "Unsent", "--dry-run"]);
    expect(dry.out).toBe(
      `POST ${desk.service.url}/v1/admin/customers\n${JSON.stringify({ id: "unsent", name: "Unsent" }, null, 2)}\n`,
    );
    expect(dry.err).toContain("Not sent, and nothing was checked");
    await desk.ok("customers", "delete", "acme", "--dry-run");
    await desk.ok("tokens", "create", "--name", "unsent", "--role", "owner", "--dry-run");
    expect((await api("/v1/admin/customers/unsent")).status).toBe(404);
    const tokens = (await said("/v1/admin/api-tokens")).data as { name: string }[];
    expect(tokens.filter(({ name }) => name === "unsent")).toEqual([]);
  });
});

describe("instances", () => {
  it("are listed, shown and lose their seat", async () => {
    const { activation_id } = await activate("caio-berlin");
    const active = await desk.json(
      "instances",
      "list",
      "--license",
      license,
      "--query",
      "caio-b",
      "--active",
    );
    expect(active).toEqual([await said(`/v1/admin/activations/${activation_id}`)]);
    expect(await desk.ok("instances", "show", activation_id)).toMatch(/host +berlin\n/);
    await desk.ok("instances", "free", activation_id, "--yes");
    expect(await desk.ok("instances", "list", "--customer", "acme", "--ended")).toMatch(
      /caio-berlin .*ended by staff/,
    );
  });

  // `.` and `..` are steps in the path of a URL.
  it.each([
    ["caio/corrected", "caio%2Fcorrected"],
    ["..", "%20.."],
    [".", "%20."],
  ])("have their usage corrected, a day at a time: %s", async (instance, encoded) => {
    const body = { license_key: key, instance_id: instance };
    const post = (path: string, more: object) =>
      fetch(`${desk.service.url}${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...body, ...more }),
      });
    const activated: { certificate: string; activation_id: string } = await (
      await post("/v1/activate", {})
    ).json();
    const { certificate, activation_id } = activated;
    const date = new Date().toISOString().slice(0, 10);
    await post("/v1/check-in", { certificate, usage: [{ date, requests: 9_000, services: 7 }] });
    const shown = new RegExp(` ${instance.replaceAll(/[./]/g, String.raw`\$&`)} +(\\d+) +7(.*)\n`);
    expect(shown.exec(await desk.ok("usage", "show", license))?.[1]).toBe("9000");
    const correct = ["usage", "correct", license, date, instance, "--requests", "90", "--services", "7"];
    expect((await desk.cli(correct)).code).toBe(2);
    const reasoned = [...correct, "--reason", "A load test."];
    expect(await desk.ok(...reasoned, "--dry-run")).toContain(`/${encoded}`);
    expect(await desk.ok(...reasoned)).toContain(`${instance} used 90 requests and 7 services on ${date}.`);
    expect(shown.exec(await desk.ok("usage", "show", license))?.slice(1)).toEqual([
      "90",
      expect.stringContaining("corrected"),
    ]);
    expect((await desk.cli(["usage", "correct", license, date, "nobody", ...reasoned.slice(5)])).code).toBe(
      4,
    );
    await desk.ok("instances", "free", activation_id, "--yes");
  });

  it("without a network get a file, which is verified without one", async () => {
    writeFileSync(desk.file("request.json"), JSON.stringify({ license_key: key, instance_id: "caio-vault" }));
    const offline = ["offline-activate", license, "request.json", "--output"];
    const dry = await desk.ok(...offline, "no.caio-license", "--dry-run");
    expect(dry).toContain("caio-vault");
    expect(dry).not.toContain("eyJ");
    expect(existsSync(desk.file("no.caio-license"))).toBe(false);
    const made = await desk.cli([...offline, "vault.caio-license"]);
    expect(made.err).toMatch(/caio-vault may run until .*: vault.caio-license/);
    expect(statSync(desk.file("vault.caio-license")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(desk.file("vault.caio-license"), "utf8"))).toMatchObject({
      format: "caio-license",
      instance_id: "caio-vault",
    });
    expect(await desk.ok("verify", "vault.caio-license")).toMatch(/^valid: \.caio-license file/);
  });

  it("without a network give their seat back by a signed receipt", async () => {
    const own = await generateKeyPair("Ed25519", { extractable: true });
    const made = await desk.json("licenses", "create", "--customer", "acme", "--type", "trial");
    const { kty, crv, x } = await exportJWK(own.publicKey);
    const request = { license_key: made.license_key, instance_id: "caio-ship", public_key: { kty, crv, x } };
    writeFileSync(desk.file("ship.json"), JSON.stringify(request));
    const file = JSON.parse(await desk.ok("offline-activate", made.license.id, "ship.json", "--output", "-"));
    const receipt = await new CompactSign(
      new TextEncoder().encode(JSON.stringify({ certificate: file.certificate })),
    )
      .setProtectedHeader({ alg: "EdDSA", typ: "deactivation+jwt" })
      .sign(own.privateKey);
    writeFileSync(desk.file("receipt.jwt"), receipt);
    expect(await desk.ok("offline-deactivate", made.license.id, "receipt.jwt")).toContain(
      "no longer holds a seat",
    );
    const [ship] = await desk.json("instances", "list", "--query", "caio-ship");
    expect(ship).toMatchObject({ id: file.activation_id, active: false });
    // Another installation under the same id: only where staff say that the first one is gone.
    const proven = async (): Promise<string[]> => {
      const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
      const public_key = await exportJWK(publicKey);
      const nonce = public_key.x;
      const claims = { instance_id: "caio-ship", nonce, iat: Math.floor(Date.now() / 1000) };
      const proof = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: "EdDSA", typ: "activation-request+jwt" })
        .sign(privateKey);
      const shown = { public_key, nonce, proof };
      const proved = { license_key: made.license_key, instance_id: "caio-ship", ...shown };
      writeFileSync(desk.file("proven.json"), JSON.stringify(proved));
      return ["offline-activate", made.license.id, "proven.json", "--output", "-"];
    };
    const { activation_id } = JSON.parse(await desk.ok(...(await proven())));
    const refused = await desk.cli(await proven());
    expect(refused).toMatchObject({ code: 5, out: "" });
    expect(refused.err).toMatch(/has run by files of another key since .* until .*\n.*\n  code: CONFLICT/);
    expect(JSON.parse(await desk.ok(...(await proven()), "--replace"))).toMatchObject({ activation_id });
    // Its seat counts until its file ends, or staff know better.
    await desk.ok("instances", "free", activation_id, "--yes");
    expect(await desk.ok("instances", "show", activation_id)).toContain("freed, counts until its file ends");
    expect(await desk.ok("instances", "free", activation_id, "--force", "--yes")).toContain("is free.");
    expect(await desk.json("instances", "show", activation_id)).toMatchObject({ ended_by: "staff" });
    const forged = await desk.cli(["offline-deactivate", made.license.id, "-"], { input: made.license_key });
    expect(forged.code).toBe(5);
    expect(forged.err).toContain("code: REQUEST_INVALID");
    expect(forged.err).not.toContain(made.license_key);
  });
});

describe("files", () => {
  it("are exported byte for byte as the service has them", async () => {
    const csv = await (await api("/v1/admin/exports/licenses")).text();
    expect(await desk.ok("export")).toBe(csv);
    expect(await desk.ok("export", "customers")).toBe(
      await (await api("/v1/admin/exports/customers")).text(),
    );
    await desk.ok("export", "--output", "all.json", "--customer", "acme");
    expect(readFileSync(desk.file("all.json"), "utf8")).toBe(
      await (await api("/v1/admin/exports/licenses?format=json&customer_id=acme")).text(),
    );
    expect(statSync(desk.file("all.json")).mode & 0o777).toBe(0o600);
  });

  it("are imported as a whole, with faults by row and column", async () => {
    writeFileSync(
      desk.file("licenses.csv"),
      "customer_id,license_type,expires_at\nacme,standard,2099-01-01\nacme,standard,yesterday\nacme,none,\n",
    );
    const before = await said("/v1/admin/statistics");
    const bad = await desk.cli(["import", "licenses", "licenses.csv"]);
    expect(bad.code).toBe(5);
    expect(bad.out).toBe("");
    expect(bad.err).toMatch(/row 3, column expires_at: Must be an RFC 3339 instant/);
    expect(bad.err).toMatch(/row 4, column license_type: /);
    expect(bad.err).toMatch(/code: REQUEST_INVALID\n {2}request: \S{8,}/);
    writeFileSync(desk.file("good.csv"), "customer_id,license_type\nacme,standard\n");
    expect(await desk.ok("import", "licenses", "good.csv", "--dry-run")).toBe(
      "The file is good: 1 of 1 rows would be created. Nothing was written.\n",
    );
    expect(await said("/v1/admin/statistics")).toEqual(before);
    const piped = await desk.cli(["import", "customers", "-", "--format", "json", "--json"], {
      input: '[{"name":"Piped"}]',
    });
    expect(JSON.parse(piped.out)).toEqual({ dry_run: false, rows: 1, created: 1 });
    expect((await desk.cli(["import", "customers", "-"])).code).toBe(2);
  });
});

describe("the rest", () => {
  it("messages: list, show, retry", async () => {
    const { id } = await desk.json("licenses", "send", license, "--to", "mail@acme.example");
    const failed = async (): Promise<any> =>
      (await desk.json("messages", "list", "--status", "failed", "--kind", "license_delivery")).find(
        (listed: any) => listed.id === id,
      );
    await expect.poll(failed, { timeout: 30_000, interval: 500 }).toBeDefined();
    const message = await failed();
    expect({ ...message, preview: expect.anything() }).toEqual(await said(`/v1/admin/messages/${id}`));
    expect(await desk.ok("messages", "show", message.id)).toMatch(
      /status +failed\n[^]*last error +.*Not this one/,
    );
    expect(await desk.ok("messages", "show", message.id, "--text")).toContain("Acme");
    expect(await desk.ok("messages", "retry", message.id)).toMatch(/status +pending\n/);
    await expect.poll(failed, { timeout: 30_000, interval: 500 }).toBeDefined();
    const all = ["messages", "retry-all", "--license", license, "--kind", "license_delivery"];
    expect(await desk.ok(...all, "--dry-run")).toContain('"status": "failed"');
    expect(await desk.ok(...all)).toMatch(/^[1-9]\d* sent again\.\n$/);
    expect(await desk.ok(...all, "--since", "2099-01-01")).toBe("0 sent again.\n");
  });

  it("attention: settled, unsettle", async () => {
    const body = JSON.stringify({ kind: "silent", reason: "In storage." });
    await api(`/v1/admin/licenses/${license}/settle`, { method: "POST", body });
    expect(await desk.json("attention", "settled", "--all")).toEqual(
      (await said("/v1/admin/attention/settled")).data,
    );
    expect(await desk.ok("attention", "settled")).toMatch(
      /Acme +silent +something new .*ADMIN_TOKEN +In storage\./,
    );
    const back = ["attention", "unsettle", license, "silent", "--reason", "In use."];
    expect(await desk.ok(...back, "--dry-run")).toContain("unsettle");
    expect(await desk.ok(...back)).toContain("Taken back.");
    expect(await desk.json("attention", "settled")).toEqual([]);
    expect((await desk.cli(back)).code).not.toBe(0);
    const [event] = (await said(`/v1/admin/licenses/${license}/events?limit=1`)).data;
    expect(event).toMatchObject({ action: "license.attention_unsettled", detail: { reason: "In use." } });
  });

  it("contacts: add, list, update, remove", async () => {
    const { id: customer } = await desk.json("customers", "create", "--name", "Initech");
    const details = ["--roles", "billing,license", "--language", "de", "--no-portal"];
    const email = "billing@initech.example";
    const added = await desk.json("contacts", "add", customer, "--email", email, ...details);
    expect(added).toMatchObject({ roles: ["billing", "license"], language: "de", portal: false });
    expect(await desk.ok("contacts", "list", customer)).toMatch(
      /billing@initech\.example .*billing, license +de/,
    );
    const changed = await desk.json("contacts", "update", customer, added.id, "--name", "Bill", "--portal");
    expect(changed).toMatchObject({ name: "Bill", portal: true, roles: ["billing", "license"] });
    const emptied = await desk.json("contacts", "update", customer, added.id, "--no-name");
    expect(emptied).toMatchObject({ name: null, portal: true });
    await desk.ok("contacts", "remove", customer, added.id, "--yes");
    expect(await said(`/v1/admin/customers/${customer}/contacts`)).toMatchObject({ data: [] });
  });

  it("customers erase, customers data, contacts erase", async () => {
    const email = "grace@hooli.example";
    const { id } = await desk.json("customers", "create", "--name", "Gavin", "--email", email);
    const contact = await desk.json("contacts", "add", id, "--email", "b@hooli.example");
    const why = ["--reason", "Asked for by letter."];
    expect(JSON.parse(await desk.ok("customers", "data", id))).toMatchObject({ customer: { name: "Gavin" } });
    expect(await desk.ok("contacts", "erase", id, contact.id, ...why, "--yes")).toContain("  1 contacts\n");
    const would = await desk.ok("customers", "erase", id, ...why, "--dry-run");
    expect(would).toContain("Nothing was changed.");
    expect((await desk.cli(["customers", "erase", id, ...why])).err).toContain("--yes");
    expect(await said(`/v1/admin/customers/${id}`)).toMatchObject({ name: "Gavin", email });
    expect(await desk.json("customers", "erase", id, ...why, "--yes")).toMatchObject({ finished: true });
    expect(await said(`/v1/admin/customers/${id}`)).toMatchObject({ name: "Erased", email: null });
  });

  it("tokens: create, list, revoke", async () => {
    const { out, err } = await desk.cli([
      "tokens",
      "create",
      "--name",
      "CI",
      "--role",
      "viewer",
      "--expires",
      "2099-12-31",
    ]);
    expect(out).toMatch(/^caio_[\w-]{32}\n$/);
    const id = /tok_\w+/.exec(err)![0];
    expect(await desk.ok("tokens", "list")).toMatch(/tok_\w+ +CI +viewer/);
    await desk.ok("tokens", "revoke", id, "--yes");
    const refused = await desk.cli(["whoami"], { env: { CAIO_LICENSE_TOKEN: out.trim() } });
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(/code: UNAUTHENTICATED\n {2}request: \S{8,}/);
  });

  it("people: set, list, remove", async () => {
    expect(await desk.ok("people", "set", "Grace@smarthaus.example", "--role", "manager")).toBe(
      "grace@smarthaus.example is manager.\n",
    );
    expect(await desk.json("people", "list")).toEqual((await said("/v1/admin/people")).data);
    await desk.ok("people", "remove", "grace@smarthaus.example", "--yes");
    expect(await desk.json("people", "list")).toEqual([]);
  });

  it("types, stats and events", async () => {
    expect(await desk.json("types", "list")).toEqual((await said("/v1/admin/license-types")).data);
    expect(await desk.ok("types", "show", "trial")).toMatch(/duration +30 days/);
    expect(await desk.json("stats")).toEqual(await said("/v1/admin/statistics"));
    expect(await desk.ok("stats")).toMatch(/STANDING +LICENSES\nactive +\d/);
    const events = await desk.json("events", "--entity", license, "--action", "license.issued");
    expect(events).toHaveLength(1);
    expect(await desk.ok("events", "--entity", license)).toContain("license.issued");
  });

  it("verifies with what it kept at login, without the service", async () => {
    const made = await desk.json("licenses", "create", "--customer", "acme", "--type", "trial");
    writeFileSync(desk.file("before.jwt"), await (await api("/v1/revocations")).text());
    await desk.ok("licenses", "reissue", made.license.id, "--reason", "Leaked.");
    writeFileSync(desk.file("after.jwt"), await (await api("/v1/revocations")).text());
    // The same profile, signed in to a service that is gone.
    const config = readFileSync(join(desk.env["XDG_CONFIG_HOME"]!, "caio-license/config.json"), "utf8");
    mkdirSync(desk.file("gone/caio-license"), { recursive: true });
    writeFileSync(
      desk.file("gone/caio-license/config.json"),
      config.replaceAll(desk.service.url, `http://127.0.0.1:${await freePort()}`),
    );
    const gone = (args: string[]) =>
      desk.cli(args, { env: { XDG_CONFIG_HOME: desk.file("gone") }, input: made.license_key });
    expect((await gone(["whoami"])).code).toBe(6);
    expect((await gone(["verify", "-"])).out).toMatch(/^valid: license key\.[^]*standing +expiring/);
    expect((await gone(["verify", "after.jwt"])).out).toMatch(/^valid: revocation list\.[^]*superseded +\d/);
    expect((await gone(["verify", "-", "--revocations", "before.jwt"])).code).toBe(0);
    const superseded = await gone(["verify", "-", "--revocations", "after.jwt", "--json"]);
    expect(superseded.code).toBe(5);
    expect(JSON.parse(superseded.out)).toMatchObject({ valid: false, code: "LICENSE_KEY_SUPERSEDED" });
  });
});
