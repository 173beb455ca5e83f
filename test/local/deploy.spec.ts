// Deploying, without a Cloudflare account: what asks for one goes to a stand-in (support/cloudflare.ts). The
// migrations run on a real D1, and what is looked at afterwards is the real service.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type RunningService } from "../../src/dev/service.ts";
import { startBuilt } from "./support/built.ts";
import { migrated } from "./support/migrated.ts";
import { type Outcome, run } from "./support/cli.ts";
import type { Account } from "./support/cloudflare.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;
let service: RunningService;
let version: string;
let serial = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-deploy-"));
  const port = await freePort();
  service = await startBuilt({
    port,
    ...migrated(join(folder, "service")),
    vars: [`ISSUER:http://localhost:${port}`],
  });
  version = (await fetch(`${service.url}/healthz`)).headers.get("X-Worker-Version")!;
  const bin = join(folder, "wrangler");
  writeFileSync(bin, `#!/bin/sh\nexec node ${join(import.meta.dirname, "support/cloudflare.ts")} "$@"\n`);
  chmodSync(bin, 0o755);
});

afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const SECRETS = ["SIGNING_KEYS", "SESSION_SECRET", "ADMIN_TOKEN", "RESEND_API_KEY", "RESEND_WEBHOOK_SECRET"];

/** A wrangler.toml as it is once somebody followed docs/deploy.md, for the address of the local service. */
function configured(issuer: string): string {
  const file = join(folder, `wrangler-${serial++}.toml`);
  const host = new URL(issuer).host;
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8")
    .replaceAll("https://licensing.smarthaus.example", issuer)
    .replaceAll("licensing.smarthaus.example", host)
    .replaceAll("licensing@smarthaus.example", "licensing@smarthaus.test")
    .replaceAll("00000000-0000-0000-0000-000000000000", "5f1e8e0e-0000-4000-8000-000000000001")
    .replace('main = "dist', `main = "${ROOT}/dist`)
    .replaceAll('migrations_dir = "', `migrations_dir = "${ROOT}/`);
  writeFileSync(file, text);
  return file;
}

async function deploy(account: Partial<Account>, ...args: string[]): Promise<Outcome & { calls: string[] }> {
  const name = join(folder, `account-${serial++}`);
  const calls = `${name}.calls`;
  writeFileSync(calls, "");
  const whole: Account = {
    loggedIn: true,
    accounts: [{ id: "1", name: "SmartHaus" }],
    secrets: SECRETS,
    buckets: ["caio-licensing-backups"],
    version,
    persistTo: join(folder, "remote"),
    calls,
    ...account,
  };
  writeFileSync(`${name}.json`, JSON.stringify(whole));
  const outcome = await run(process.execPath, [join(ROOT, "src/dev/deploy.ts"), ...args], {
    cwd: ROOT,
    env: { PATH: `${folder}${delimiter}${process.env["PATH"]}`, STAND_IN_ACCOUNT: `${name}.json` },
  });
  return { ...outcome, calls: readFileSync(calls, "utf8").trim().split("\n") };
}

describe("npm run deploy", () => {
  it("says all that is missing at first, with the commands that mend it, and touches nothing", async () => {
    const { code, out, err, calls } = await deploy({ secrets: null });
    expect(code).toBe(1);
    expect(out).toMatch(/ISSUER is https:\/\/licensing\.smarthaus\.example, not the address of your service/);
    expect(out).toMatch(/MAIL_FROM is .*, not an address of yours/);
    expect(out).toMatch(/There is no database yet.*\n +npx wrangler d1 create caio-licensing\n/);
    expect(out).toMatch(
      /SIGNING_KEYS is missing.*\n +\(umask 077 && npm run --silent keys -- generate > signing-keys\.json\)\n +npx wrangler secret put SIGNING_KEYS --env production < signing-keys\.json\n/,
    );
    expect(out).toMatch(/SESSION_SECRET is missing.*\n.*\| npx wrangler secret put SESSION_SECRET/);
    expect(out).toMatch(/Note +The secret ADMIN_TOKEN is not set/);
    expect(err).toContain("Nothing was changed.");
    expect(calls).toEqual(["whoami --json", "secret list --format json --env production"]);
  });

  it("asks an account nothing before somebody is logged in there", async () => {
    const { code, out, calls } = await deploy({ loggedIn: false }, "--config", configured(service.url));
    expect(code).toBe(1);
    expect(out).toMatch(/1\. You are not logged in at Cloudflare\.\n +npx wrangler login\n/);
    expect(calls).toEqual(["whoami --json"]);
  });

  it("asks which of several accounts is meant", async () => {
    const config = configured(service.url);
    const accounts = [
      { id: "a1", name: "SmartHaus" },
      { id: "b2", name: "Ada" },
    ];
    const { code, out, calls } = await deploy({ accounts }, "--config", config);
    expect(code).toBe(1);
    expect(out).toMatch(/several accounts.*\n +export CLOUDFLARE_ACCOUNT_ID=a1 .*\n +export .*=b2 /);
    expect(calls).toEqual(["whoami --json"]);
    // One that is named in the file is chosen.
    writeFileSync(config, `account_id = "b2"\n${readFileSync(config, "utf8")}`);
    expect((await deploy({ accounts }, "--config", config, "--dry-run")).code).toBe(0);
  });

  it("finds a route that is not the issuer's and a binding that was forgotten", async () => {
    const file = configured(service.url);
    const text = readFileSync(file, "utf8")
      .replaceAll(`pattern = "${new URL(service.url).host}"`, 'pattern = "elsewhere.test"')
      .replace(/\[\[env\.staging\.d1_databases\]\][^[]*/, "");
    writeFileSync(file, text);
    const production = await deploy({}, "--config", file, "--dry-run");
    expect(production.out).toContain("is not among the routes");
    const staging = await deploy({}, "--config", file, "--env", "staging");
    expect(staging.out).toContain("[env.staging] lacks d1_databases.DB.");
  });

  it("tells the migrations that would be applied and changes nothing in a dry run", async () => {
    const { code, out, calls } = await deploy({}, "--dry-run", "--config", configured(service.url));
    expect(code, out).toBe(0);
    expect(out).toMatch(/Migrations to apply: 0001_licensing\.sql, /);
    expect(out).toContain("A dry run: nothing was changed.");
    expect(
      calls.filter(
        (call) => !/^(whoami|secret list|r2 bucket info|d1 migrations list|deploy --dry-run)/.test(call),
      ),
    ).toEqual([]);
  });

  it("applies the migrations, then deploys, then looks whether that version answers", async () => {
    const config = configured(service.url);
    const first = await deploy({}, "--config", config);
    expect(first.code, first.out + first.err).toBe(0);
    expect(first.calls.slice(-2).map((call) => call.split(" --")[0])).toEqual([
      "d1 migrations apply DB",
      "deploy",
    ]);
    expect(first.out).toContain(`ok      the version that answers is ${version}`);
    expect(first.out).toContain("ok      /readyz reaches the migrated database");
    expect(first.out).not.toContain("FAILED");
    expect(first.out).toMatch(new RegExp(`Deployed: ${service.url}\n$`));

    const again = await deploy({}, "--config", config);
    expect(again.code).toBe(0);
    expect(again.out).toMatch(/Migrations none to apply/);
  });

  it("fails and names the way back where the version does not come up", async () => {
    const { code, out, err } = await deploy(
      { version: "another-version" },
      "--wait",
      "0",
      "--config",
      configured(service.url),
    );
    expect(code).toBe(1);
    expect(out).toContain(`in place of another-version there is ${version}`);
    expect(err).toMatch(/npx wrangler rollback --env production/);
  });
});

describe("npm run smoke", () => {
  const smoke = (...args: string[]): Promise<Outcome> =>
    run(process.execPath, [join(ROOT, "src/dev/smoke.ts"), ...args]);

  async function serving(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
    const server: Server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it("finds a service that is as it should be", async () => {
    const { code, out } = await smoke(service.url);
    expect(code, out).toBe(0);
    expect(out.match(/^ {2}ok/gm)).toHaveLength(7);
  });

  it("finds a service that takes itself for another address", async () => {
    const { code, out } = await smoke(service.url.replace("localhost", "127.0.0.1"));
    expect(code).toBe(1);
    expect(out).toMatch(/FAILED +\/openapi\.json .*ISSUER is http:\/\/localhost/);
    expect(out.match(/FAILED/g)).toHaveLength(1);
  });

  it("takes nothing else for the service: no page, no open door, no published secret, no silence", async () => {
    await serving(
      (request, answer) => {
        answer.setHeader("Content-Type", "application/json");
        answer.end(
          request.url === "/.well-known/jwks.json"
            ? '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"x","d":"private-half"}]}'
            : '{"status":"fine"}',
        );
      },
      async (url) => {
        const { code, out } = await smoke(url);
        expect(code).toBe(1);
        expect(out.match(/FAILED/g)).toHaveLength(7);
        expect(out).toContain("a key in it is not a public Ed25519 key");
        expect(out).not.toContain("private-half");
      },
    );
    const silent = await smoke(`http://127.0.0.1:${await freePort()}`);
    expect(silent.code).toBe(1);
    expect(silent.out).toMatch(/ECONNREFUSED/);
  });

  it("knows Cloudflare Access in front of the admin API, and no other redirect", async () => {
    let location = "https://smarthaus.cloudflareaccess.com/cdn-cgi/access/login/licensing";
    await serving(
      (_, answer) => {
        answer.writeHead(302, { Location: location }).end();
      },
      async (url) => {
        expect((await smoke(url)).out).toContain("ok      /v1/admin lets no stranger in");
        location = "https://cloudflareaccess.com.thief.example/";
        expect((await smoke(url)).out).toContain("FAILED  /v1/admin lets no stranger in");
      },
    );
  });
});
