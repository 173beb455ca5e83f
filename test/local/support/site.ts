// A deployment on this machine. A test changes its secrets and state as people do with a real one.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type RunningService } from "../../../src/dev/service.ts";
import { startBuilt } from "./built.ts";
import { migrated } from "./migrated.ts";
import { caioLicense, type Outcome, run } from "./cli.ts";

// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;

export interface Answer {
  status: number;
  body: Json;
}

const ROOT = join(import.meta.dirname, "../../..");

/** Writes the part of wrangler.toml that the d1 commands need, so that they use the state in this folder. */
const D1_CONFIG = `name = "caio-licensing"
compatibility_date = "2026-11-01"

[[d1_databases]]
binding = "DB"
database_name = "caio-licensing"
database_id = "00000000-0000-0000-0000-000000000000"
`;

export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), "caio-licensing-recovery-"));
  readonly state: string;
  service: RunningService | null = null;
  /** What deploys change: variables and secrets. */
  readonly vars: Record<string, string>;
  #port: number | null = null;

  constructor(vars: Record<string, string>) {
    this.vars = vars;
    this.state = this.newState("first");
  }

  /** A folder for a database, with the configuration that wrangler needs to find it. */
  newState(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "wrangler.toml"), D1_CONFIG);
    return join(folder, ".wrangler/state");
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  get url(): string {
    return this.service!.url;
  }

  /** Deploys with the present secrets, on the same database unless another one is named. */
  async deploy(state = this.state): Promise<void> {
    await this.service?.stop();
    this.#port ??= await freePort();
    const vars = Object.entries({ RATE_LIMITS: "off", ...this.vars });
    this.service = await startBuilt({
      port: this.#port,
      // A restored database may be older: like a deployment, this applies what is missing.
      persistTo: migrated(state).persistTo,
      vars: vars.map(([name, value]) => `${name}:${value}`),
    });
  }

  /** Calls the service, as the owner unless another token is given; null: without a token. */
  async call(path: string, body?: object, token: string | null = this.vars["ADMIN_TOKEN"]!): Promise<Answer> {
    const response = await fetch(new URL(path, this.url), {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
    });
    const text = await response.text();
    return { status: response.status, body: /^[[{]/.test(text) ? JSON.parse(text) : text };
  }

  /** Runs `caio-license` as the owner. */
  cli(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
    return caioLicense(args, {
      cwd: this.folder,
      env: {
        XDG_CONFIG_HOME: join(this.folder, "config"),
        XDG_CACHE_HOME: join(tmpdir(), "caio-license-test-cache"),
        CAIO_LICENSE_URL: this.service?.url ?? "",
        CAIO_LICENSE_TOKEN: this.vars["ADMIN_TOKEN"]!,
        ...env,
      },
    });
  }

  /** The same, for a command that has to succeed. */
  async ok(...args: string[]): Promise<string> {
    const { code, out, err } = await this.cli(args);
    if (code !== 0) throw new Error(`caio-license ${args.join(" ")} ended with ${code}:\n${err}`);
    return out;
  }

  async json(...args: string[]): Promise<Json> {
    return JSON.parse(await this.ok(...args, "--json"));
  }

  /** Runs a script of package.json. */
  async npm(script: string, args: string[], input = ""): Promise<string> {
    const { code, out, err } = await run("npm", ["run", "--silent", script, "--", ...args], {
      cwd: ROOT,
      input,
    });
    if (code !== 0) throw new Error(`npm run ${script} ended with ${code}:\n${err}`);
    return out;
  }

  /** Runs wrangler on the database in a state folder that no service uses at that time. */
  async wrangler(state: string, ...args: string[]): Promise<string> {
    const config = join(state, "../../wrangler.toml");
    const { code, out, err } = await run(
      process.execPath,
      [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), ...args, "--local", "--config", config],
      {
        cwd: this.folder,
        env: { CI: "true", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
      },
    );
    if (code !== 0) throw new Error(`wrangler ${args.join(" ")} ended with ${code}:\n${out}${err}`);
    return out;
  }

  /** Runs the nightly job, which also seals the record. */
  async night(): Promise<void> {
    const { status } = await this.call(`/cdn-cgi/local/scheduled?cron=${encodeURIComponent("0 3 * * *")}`);
    if (status !== 200) throw new Error(`the nightly job answered ${status}`);
  }

  async close(): Promise<void> {
    await this.service?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
