import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureSecrets } from "../../src/dev/secrets.ts";
import { freePort } from "../../src/dev/service.ts";
import { CommandError } from "../../src/dev/command.ts";
import { isHere } from "./support/everything.ts";
import { assertConfigured } from "../../src/dev/checks/settings.ts";
import { migrated } from "./support/migrated.ts";
import { npm, type Script } from "./support/npm.ts";

let folder: string;
let scripts: Script[];

const start = (...args: string[]): Script => {
  const script = npm("start", ...args);
  scripts.push(script);
  return script;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-test-"));
  scripts = [];
});

afterEach(async () => {
  await Promise.all(
    scripts
      .filter(({ child }) => child.exitCode === null && child.signalCode === null)
      .map((script) => script.interrupt()),
  );
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command as it was printed. */
const shell = (command: string): string => execFileSync("bash", ["-c", command], { encoding: "utf8" });

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
};

/** Whether nothing answers on the port soon. */
async function falls(port: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!(await answers(`http://127.0.0.1:${port}`))) return true;
    await sleep(100);
  }
  return false;
}

/** Makes the folder $0 read-only for what follows, and for that alone. */
const READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"';

const canMount =
  spawnSync("unshare", ["-rm", "sh", "-c", READ_ONLY, mkdtempSync(join(tmpdir(), "caio-ro-"))]).status === 0;

describe("npm start", () => {
  beforeEach(() => {
    migrated(folder);
  });

  it("prints an address, the token and a first call that works as printed, and keeps its state", async () => {
    const port = await freePort();
    const state = join(folder, "new");
    const first = start("--port", String(port), "--persist-to", state);
    const [call] = await first.printed(/curl -s [\s\S]*?Acme"}'/);
    const [, token] = await first.printed(/Token +(\S+)/);
    expect(first.output()).toContain(`http://localhost:${port}/docs`);
    expect(first.output()).toContain(`http://localhost:${port}/admin`);
    expect(JSON.parse(shell(call))).toMatchObject({ id: "acme", name: "Acme" });
    expect(first.output()).toMatch(
      new RegExp(`http://localhost:8787 as their issuer[\\s\\S]* --var ISSUER:http://localhost:${port}\n`),
    );
    await first.interrupt();
    expect(await falls(port)).toBe(true);

    const second = start("--port", String(port), "--persist-to", state);
    await second.printed(/A first call/);
    expect(second.output()).toContain(`Token     ${token}`);
    const kept = await fetch(`http://127.0.0.1:${port}/v1/admin/customers/acme`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(await kept.json()).toMatchObject({ id: "acme", name: "Acme" });
  });

  it("says nothing of the issuer where clients take it from the address, and ends with all its children when only npm is told to", async () => {
    const port = await freePort();
    const issuer = `ISSUER:http://localhost:${port}`;
    const script = start("--port", String(port), "--persist-to", folder, "--var", issuer);
    await script.printed(/A first call/);
    expect(script.output()).not.toContain("issuer");
    script.child.kill("SIGTERM");
    expect(await falls(port)).toBe(true);
  });

  it("takes variables, colons and all, and opens nothing of wrangler's that shows the database", async () => {
    const port = await freePort();
    const token = "caio_given-on-the-command-line";
    const vars = ["ISSUER:http://127.0.0.1:9999", `ADMIN_TOKEN:${token}`, "RATE_LIMITS:off"];
    const script = start(
      `--port=${port}`,
      `--persist-to=${folder}`,
      ...vars.flatMap((pair) => ["--var", pair]),
    );
    await script.printed(/A first call/);
    expect(script.output()).toContain(`Token     ${token}`);
    const document = await (await fetch(`http://127.0.0.1:${port}/openapi.json`)).json();
    expect(document).toMatchObject({ servers: [{ url: "http://127.0.0.1:9999" }] });

    for (const path of [
      "/cdn-cgi/explorer",
      "/cdn-cgi/local/explorer",
      "/cdn-cgi/explorer/api/d1/database",
    ]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ code: "NOT_FOUND" });
    }
    const stores = globSync("v3/*", { cwd: folder });
    expect(stores).toContain("v3/d1");
    expect(stores).not.toContain("v3/observability");
  });

  it.each([
    [["ISSUER:nonsense"], "ISSUER is malformed"],
    [["ADMIN_TOKEN:short"], "ADMIN_TOKEN is malformed"],
    [["RATE_LIMITS:maybe", "ADMIN_TOKEN:"], "RATE_LIMITS is malformed; ADMIN_TOKEN is malformed"],
    [["ACCESS_TEAM_DOMAIN:acme.example"], "ACCESS_AUD is missing"],
  ])("refuses %j plainly, in one line, before it does anything", async (vars, fault) => {
    const state = join(folder, "untouched");
    const options = vars.flatMap((pair) => ["--var", pair]);
    const script = start("--port", String(await freePort()), "--persist-to", state, ...options);
    expect(await script.ended).toBe(2);
    const lines = script.output().split("\n");
    expect(lines.filter((line) => line !== "" && !line.startsWith(">"))).toEqual([
      expect.stringContaining(`Not configured: ${fault}. Mend it where it is set: --var, `),
    ]);
    expect(existsSync(state)).toBe(false);
  });

  it("says so when the port is taken, and how to choose another", async () => {
    const port = await freePort();
    const server = createServer().listen(port, "127.0.0.1");
    const script = start("--port", String(port), "--persist-to", folder);
    expect(await script.ended).toBe(1);
    expect(script.output()).toMatch(
      new RegExp(
        `Port ${port} .* npm start -- --port ${port + 1} --var ISSUER:http://localhost:${port + 1}\n`,
      ),
    );
    server.close();
  });

  it("refuses a folder that another service uses, and takes it over once that one was killed, of which nothing is left", async () => {
    const [one, other] = [await freePort(), await freePort()];
    const first = start("--port", String(one), "--persist-to", folder);
    await first.printed(/A first call/);
    const second = start("--port", String(other), "--persist-to", `${folder}/`);
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(
      new RegExp(`^Another service \\(process \\d+\\) uses ${folder}\\. .* --persist-to DIR\n$`),
    );
    expect(await answers(`http://127.0.0.1:${one}`)).toBe(true);
    // It can do nothing about it any more.
    process.kill(-first.child.pid!, "SIGKILL");
    await first.ended;
    expect(await falls(one)).toBe(true);
    const third = start("--port", String(other), "--persist-to", folder);
    await third.printed(/A first call/);
  });

  const file = join(import.meta.dirname, "start.spec.ts");

  it.each([
    ["a file", file, `${file} is a file`],
    ["below a file", join(file, "state"), `${file} is a file`],
    ["nowhere", "/proc/state", "ENOENT"],
  ])("says at once that its database cannot be kept in %s", async (_, place, why) => {
    const began = performance.now();
    const script = start("--port", String(await freePort()), "--persist-to", place);
    expect(await script.ended).toBe(1);
    expect(script.output()).toMatch(/^The database cannot be kept in .* --persist-to DIR\n$/);
    expect(script.output()).toContain(why);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it.runIf(isHere(canMount, "No disk can be mounted here."))("says so of a read-only disk", () => {
    const began = performance.now();
    const { status, stderr } = spawnSync(
      "unshare",
      ["-rm", "sh", "-c", `${READ_ONLY}; exec npm run --silent start -- --persist-to "$0"`, folder],
      { encoding: "utf8" },
    );
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^The database cannot .* EROFS/)]);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it("shows how to give options where npm kept them to itself", async () => {
    const script = start("8788");
    expect(await script.ended).toBe(2);
    expect(script.output()).toMatch(/Unexpected argument '8788'[\s\S]*npm start -- \[options\]/);
  });
});

describe(".dev.vars", () => {
  it("is made once, readable by its owner only, and ignored by git", async () => {
    const file = join(folder, ".dev.vars");
    const { secrets, made } = await ensureSecrets(file);
    expect(made).toEqual(["SIGNING_KEYS", "SESSION_SECRET", "ADMIN_TOKEN"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(secrets["SIGNING_KEYS"]!).keys).toHaveLength(1);
    const text = readFileSync(file, "utf8");
    expect(await ensureSecrets(file)).toEqual({ secrets, made: [] });
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(readFileSync(".gitignore", "utf8").split("\n")).toContain(".dev.vars");
  });

  it("keeps what a person wrote, adds what is missing and closes the file to others", async () => {
    const file = join(folder, ".dev.vars");
    writeFileSync(file, 'ADMIN_TOKEN="my own token of choice"\n# a remark', { mode: 0o644 });
    const { secrets, made } = await ensureSecrets(file);
    expect(made).toEqual(["SIGNING_KEYS", "SESSION_SECRET"]);
    expect(secrets["ADMIN_TOKEN"]).toBe("my own token of choice");
    expect(readFileSync(file, "utf8")).toMatch(
      /^ADMIN_TOKEN="my own token of choice"\n# a remark\nSIGNING_KEYS=/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("the settings of a service on this machine", () => {
  const config = join(import.meta.dirname, "../../wrangler.toml");
  const exitCodeOf = async (lines: string, ...vars: string[]): Promise<number> => {
    const file = join(folder, ".dev.vars");
    writeFileSync(file, lines);
    const { secrets } = await ensureSecrets(file);
    try {
      assertConfigured(config, secrets, vars);
      return 0;
    } catch (error) {
      return (error as CommandError).exitCode;
    }
  };

  it.each([
    ["nothing is wrong", "", [], 0],
    ["a file is quoted and has remarks", 'RATE_LIMITS="off" # here\n', [], 0],
    ["a file is at fault", "RESEND_RATE_PER_SECOND=fast\n", [], 1],
    [
      "a file is at fault, and the call mends it",
      "ADMIN_TOKEN=short\n",
      ["ADMIN_TOKEN:long enough, this one"],
      0,
    ],
    ["a file is at fault, and the call is right", "ADMIN_TOKEN=short\n", ["RATE_LIMITS:off"], 1],
    ["the call is at fault", "", ["RESEND_RATE_PER_SECOND:fast"], 2],
    ["both are at fault", "ADMIN_TOKEN=short\n", ["ISSUER:nonsense"], 2],
  ])("where %s", async (_, lines, vars, code) => {
    expect(await exitCodeOf(lines, ...vars)).toBe(code);
  });
});

describe("before anything else", () => {
  const ready = join(import.meta.dirname, "../../src/dev/ready.cjs");

  /** The check where it lies in a project whose dependencies are `installed` or not, under Node as it seems to it. */
  const check = (installed: boolean, typescript: boolean) => {
    cpSync(ready, join(folder, "src/dev/ready.cjs"));
    if (installed) mkdirSync(join(folder, "node_modules/wrangler"), { recursive: true });
    return spawnSync(
      process.execPath,
      [
        ...(typescript ? [] : ["--no-experimental-strip-types"]),
        "-r",
        join(folder, "src/dev/ready.cjs"),
        "-e",
        "console.log('started')",
      ],
      { encoding: "utf8" },
    );
  };

  it("says that the dependencies are not installed, and what installs them", () => {
    const { status, stderr, stdout } = check(false, true);
    expect({ status, stderr, stdout }).toEqual({
      status: 1,
      stderr: "The dependencies are not installed. Run: npm ci\n",
      stdout: "",
    });
  });

  it("says that Node is too old, and what mends it", () => {
    const { status, stderr, stdout } = check(true, false);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Node [\d.]+ is too old, .* npm ci/);
    expect(stdout).toBe("");
  });

  const npmScripts = (JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> })
    .scripts;

  // The command line has a launcher that says so in its own way.
  it.each(Object.keys(npmScripts).filter((name) => name !== "cli"))(
    "says so to whoever runs npm run %s",
    (name) => {
      writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: npmScripts }));
      cpSync(ready, join(folder, "src/dev/ready.cjs"));
      const { status, stderr } = spawnSync("npm", ["run", "--silent", name], {
        cwd: folder,
        encoding: "utf8",
      });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: "The dependencies are not installed. Run: npm ci\n",
      });
    },
  );

  it("says nothing where all is well", () => {
    expect(check(true, true)).toMatchObject({ status: 0, stderr: "", stdout: "started\n" });
  });

  it("says in words where it cannot be kept, and what mends it", async () => {
    const file = join(folder, ".dev.vars");
    mkdirSync(file);
    await expect(ensureSecrets(file)).rejects.toThrow(CommandError);
    await expect(ensureSecrets(file)).rejects.toThrow(
      /\.dev\.vars \(EISDIR\)\. Make it yours .*or move it away/,
    );
  });
});
