// The documentation against the project: what it names exists, and what it says to run runs.
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endpoints, WEBHOOKS } from "../../src/app.ts";
import { createProgram } from "../../src/cli/program.ts";
import { apiReference } from "../../src/dev/api-docs.ts";
import { freePort, type RunningService, startService } from "../../src/dev/service.ts";
import { Variables } from "../../src/field/variables.ts";
import { migrated } from "./support/migrated.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import { Warnings } from "../../src/http/schemas.ts";
import { PROBLEMS } from "../../src/problems.ts";
import { LAUNCHER } from "./support/cli.ts";

const ROOT = join(import.meta.dirname, "../..");
const GUIDE = "docs/licensing/LICENSE_MANAGEMENT.md";
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
const document = openApiDocument(endpoints, WEBHOOKS, "https://licensing.smarthaus.example") as {
  paths: Record<string, unknown>;
};

/** All that `pattern` finds in a page, its first group. */
const named = (page: string, pattern: RegExp): string[] =>
  [...read(page).matchAll(pattern)].map(([, name]) => name!);

const withoutBlocks = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");

/** The anchors that GitHub makes of the headings. */
const anchorsOf = (page: string): string[] =>
  [...withoutBlocks(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

describe.each(pages)("%s", (page) => {
  it("links to what is there", () => {
    const links = [
      ...[...withoutBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!),
      ...named(page, /(?:src|srcset)="([^"]+)"/g),
    ].filter((link) => !/^[a-z]+:/.test(link));
    const broken = links.filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("names files, scripts, calls and codes that there are", () => {
    const paths = named(page, /`((?:src|docs|test|migrations|\.ci)\/[\w./-]+)`/g);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);

    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const runs = named(page, /npm run (?:-s |--silent )?([a-z][a-z:]*)/g);
    expect(runs.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);

    // Ids stand where the document has parameters.
    const calls = Object.keys(document.paths).map(
      (path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}$`),
    );
    const asked = named(page, /(?<![\w.])(\/v1\/[\w{}$@./…-]+)/g).map((path) => path.replace(/[./]+$/, ""));
    const prefixes = Object.keys(document.paths);
    const unknown = asked.filter(
      (path) =>
        !calls.some((call) => call.test(path)) && !prefixes.some((known) => known.startsWith(`${path}/`)),
    );
    expect(unknown).toEqual([]);

    const codes = named(page, /\b(?:40\d|41\d|42\d|503) `([A-Z_]+)`/g);
    expect(codes.filter((code) => !Object.hasOwn(PROBLEMS, code))).toEqual([]);
  });

  it("names commands that caio-license has", () => {
    const program = createProgram();
    const commands = named(page, /^caio-license ((?!-)[a-z-]+(?: [a-z-]+)?)/gm);
    const unknown = commands.filter((words) => {
      const [first, second] = words.split(" ");
      const command = program.commands.find((child) => child.name() === first);
      if (!command) return true;
      return command.commands.length > 0 && !command.commands.some((child) => child.name() === second);
    });
    expect(unknown).toEqual([]);
  });
});

it("the guide tells of every refusal, and of no other", () => {
  expect(named(GUIDE, /^#### ([A-Z_]+)$/gm).toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
});

it("docs/configuration.md has every variable, and no other", () => {
  const inCode = Object.keys(Variables.shape);
  expect(inCode.length).toBeGreaterThan(10);
  expect(named("docs/configuration.md", /^\| `([A-Z_]+)` \|/gm).toSorted()).toEqual(inCode.toSorted());
});

describe("warnings", () => {
  const codes: string[] = Warnings.def.element.shape.code.options;

  it("are all in docs/instances.md, and no others", () => {
    expect(named("docs/instances.md", /^\| `([A-Z_]+)` \|/gm).toSorted()).toEqual(codes.toSorted());
  });

  it("are named by no page that there are not", () => {
    const told = pages.flatMap((page) => named(page, /\bwarnings?\b[^.|`]* `([A-Z_]+)`/g));
    expect(told.length).toBeGreaterThan(3);
    // The clients' own, of the machine that they run on.
    const own = new Set(["CLOCK_SET_BACK", "CLOCK_AHEAD", "STATE_NOT_KEPT", "INDETERMINATE_ENDS", "DRILL"]);
    expect(told.filter((code) => !own.has(code) && !codes.includes(code))).toEqual([]);
  });

  it("of an ended license in its grace are not those of one that ends soon", () => {
    const [grace] = /#### LICENSE_EXPIRED\n[\s\S]*?(?=\n####)/.exec(read(GUIDE))!;
    expect(grace).toMatch(/state `grace` and the \[warning\]\S+ `LICENSE_IN_GRACE`/);
  });
});

describe("what docs/security.md counts is what the project does", () => {
  it.each<[string, RegExp, string, RegExp]>([
    [
      "license",
      /([\d ]+) requests a minute per license/,
      "wrangler.toml",
      /"LICENSE_LIMIT"[^[]*limit = (\d+)/,
    ],
    [
      "strangers",
      /(\d+) refused credentials a minute/,
      "wrangler.toml",
      /"REFUSED_CREDENTIALS_LIMIT"[^[]*limit = (\d+)/,
    ],
    ["sign-ins", /(\d+) sign-ins a minute/, "wrangler.toml", /"SIGN_IN_LIMIT"[^[]*limit = (\d+)/],
    ["body", /a body of (\d+) KiB at most/, "src/http/body-limit.ts", /MAX_BODY = (\d+) \* 1024/],
    ["names", /cut after (\d+) characters/, "src/problems.ts", /MAX_NAME = (\d+)/],
    ["fuzz", /([\d ]+) requests over all endpoints/, "test/torture/main.ts", /FUZZ_REQUESTS = ([\d_]+)/],
    ["rounds", /(\d+) rounds of 200/, "test/torture/main.ts", /RACE_ROUNDS: [^,]*: (\d+)\)/],
    ["activations", /rounds of (\d+) parallel/, "test/licensing/**/races.spec.ts", /ACTIVATIONS = (\d+)/],
    ["keys", /rounds of (\d+) requests under one key/, "test/access/races.spec.ts", /AT_ONCE = (\d+)/],
    [
      "imports",
      /a file imported (\d+) times at once/,
      "test/licensing/**/import-races.spec.ts",
      /HANDS = (\d+)/,
    ],
    ["kills", /(\d+) times SIGKILL/, "test/torture/main.ts", /crash\(rounds \?\? \(short \? 2 : (\d+)/],
    ["callers", /SIGKILL under (\d+) callers/, "test/torture/crash.ts", /CALLERS = (\d+)/],
    ["mutants", /fewer than (\d+) % are noticed/, "test/mutation/stryker.config.json", /"break": (\d+)/],
    ["claims", /fewer than (\d+) % noticed is/, "test/mutation/claims.ts", /LEAST_SCORE = (\d+)/],
    ["stories", /play ([\d ]+) stories/, "test/mutation/claims.ts", /storiesOf\(([\d_]+)\)/],
  ])("%s", (_, written, file, counted) => {
    const figure = (text: string, pattern: RegExp): number =>
      Number(pattern.exec(text)?.[1]?.replaceAll(/[ _]/g, "") ?? Number.NaN);
    const [found, ...others] = globSync(file, { cwd: ROOT });
    expect(others).toEqual([]);
    const counts = figure(read(found!), counted);
    expect(counts).toBeGreaterThan(0);
    expect(figure(read("docs/security.md"), written)).toBe(counts);
  });
});

it("docs/api.md is what `npm run docs` writes", () => {
  expect(read("docs/api.md")).toBe(apiReference(document));
});

describe("what the documentation says to run", () => {
  let folder: string;
  let service: RunningService;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "caio-licensing-docs-"));
    const port = await freePort();
    const vars = [`ISSUER:http://localhost:${port}`];
    service = await startService({ port, ...migrated(join(folder, "state")), vars });
    // The project as far as commands need it, in a folder where they may leave files.
    for (const name of ["package.json", "src", "test", "node_modules", ".dev.vars"])
      symlinkSync(join(ROOT, name), join(folder, name));
    mkdirSync(join(folder, "bin"));
    symlinkSync(LAUNCHER, join(folder, "bin/caio-license"));
  });

  afterAll(async () => {
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const bash = async (commands: string, variables: Record<string, string> = {}): Promise<string> => {
    const { stdout } = await promisify(execFile)("bash", ["-c", `set -euo pipefail\n${commands}`], {
      cwd: folder,
      env: {
        ...process.env,
        PATH: `${join(folder, "bin")}${delimiter}${process.env["PATH"]}`,
        XDG_CONFIG_HOME: join(folder, "config"),
        CAIO_LICENSE_URL: service.url,
        CAIO_LICENSE_TOKEN: service.token,
        URL: service.url,
        TOKEN: service.token,
        ...variables,
      },
    });
    return stdout;
  };

  it("the README's first license and activation work as printed", async () => {
    const block = /## A first license and activation[\s\S]*?```sh\n([\s\S]*?)```/.exec(
      read("README.md"),
    )![1]!;
    const commands = block.replace("http://localhost:8787", service.url);
    expect(commands).not.toBe(block);
    const output = await bash(commands);
    expect(output).toContain('"id":"acme"');
    expect(output).toContain('"status":"activated"');
    expect(output).toContain('"instances":{"active":1,"max":2}');
    expect(output).toContain('"kty":"OKP"');
  });

  const runnable = pages
    .map((page) => [page, named(page, /^```sh runnable\n([\s\S]*?)^```/gm).join("\n")] as const)
    .filter(([, commands]) => commands !== "");

  it("there is something to run on many pages", () => {
    expect(runnable.length).toBeGreaterThan(10);
  });

  const post = async <T>(path: string, body: object): Promise<T> => {
    const response = await fetch(`${service.url}${path}`, {
      method: "POST",
      // Between two pages the service may close a connection that is kept.
      headers: {
        Authorization: `Bearer ${service.token}`,
        "Content-Type": "application/json",
        Connection: "close",
      },
      body: JSON.stringify(body),
    });
    expect(response.ok, path).toBe(true);
    return response.json<T>();
  };

  /** What CONTRIBUTING.md says that a page may use: a license of its own, that is activated and mailed. */
  async function setting(): Promise<Record<string, string>> {
    const customer = `customer-${crypto.randomUUID().slice(0, 8)}`;
    await post<object>("/v1/admin/customers", { id: customer, name: customer, email: "it@customer.example" });
    const terms = { customer_id: customer, license_type: "professional", expires_days: 365 };
    const { license, license_key } = await post<{ license: { id: string }; license_key: string }>(
      "/v1/admin/licenses",
      terms,
    );
    const seat = await post<{ activation_id: string; certificate: string }>("/v1/activate", {
      license_key,
      instance_id: "my-first-instance",
    });
    const message = await post<{ id: string }>(`/v1/admin/licenses/${license.id}/send-email`, {});
    const made = await post<{ api_token: { id: string } }>("/v1/admin/api-tokens", {
      name: customer,
      role: "viewer",
    });
    return {
      CUSTOMER: customer,
      ID: license.id,
      LICENSE_KEY: license_key,
      ACTIVATION: seat.activation_id,
      CERTIFICATE: seat.certificate,
      MESSAGE: message.id,
      TOKEN_ID: made.api_token.id,
    };
  }

  it.each(runnable)("%s", async (_, commands) => {
    // Whatever is refused is a problem document; curl alone would call it a success.
    expect(await bash(commands, await setting())).not.toMatch(/"type":"[^"]*#[A-Z_]+"/);
  });
});
