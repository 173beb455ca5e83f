// caio-license drill: real applications, one that behaves and one with the five classic mistakes, in both languages.
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../src/dev/service.ts";
import { findPython, PACKAGE } from "../../clients/support/python.ts";
import { LAUNCHER, type Outcome, run } from "../support/cli.ts";
import { isHere } from "../support/everything.ts";

const APPS = join(import.meta.dirname, "../../clients/drill-apps");
const python = findPython();
const FIVE = [
  "treats a 5xx as refusal",
  "ignores grace",
  "restarts on refusal",
  "checks at start only",
  "caches for ever",
];

let folder: string;
let temporary: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-license-drill-test-"));
  temporary = mkdtempSync(join(tmpdir(), "caio-license-drill-temporary-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({
  XDG_CACHE_HOME: join(tmpdir(), "caio-license-test-cache"),
  PYTHONPATH: join(PACKAGE, "src"),
  PYTHONDONTWRITEBYTECODE: "1",
  TMPDIR: temporary,
  // What the machine has of its own must not get to the application.
  CAIO_LICENSE_KEY: "the-machine's-own",
  CAIO_LICENSE_KEY_FILE: "/nonexistent/key",
  CAIO_LICENSE_INSTANCE_ID: "the-machine's-own",
  HTTP_PROXY: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
});

const drill = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, [LAUNCHER, "drill", ...args], { env: environment(), cwd: folder });

const file = (name: string): string => readFileSync(join(folder, name), "utf8");

async function drillApp(command: string[], ...options: string[]): Promise<Outcome> {
  const port = await freePort();
  const probe = ["--probe", `http://127.0.0.1:${port}/`];
  return drill(...probe, ...options, "--", ...command, String(port));
}

const app = (name: string): string[] =>
  name.endsWith(".py") ? [python!, join(APPS, name)] : [process.execPath, join(APPS, name)];

const scenesOf = (out: string): any[] => JSON.parse(out).scenes;

/** Scenes of one's own. */
function scenes(name: string, ...of: object[]): string {
  writeFileSync(join(folder, name), JSON.stringify({ license: { expires_days: 60 }, scenes: of }));
  return join(folder, name);
}

const START = { name: "start", do: ["start"] };

describe.concurrent("a whole ladder", () => {
  const LANGUAGES = ["ts", ...(isHere(python !== null, "There is no python3 for the client.") ? ["py"] : [])];

  it.each(LANGUAGES)("passes an application that behaves: good.%s", async (language) => {
    const outcome = await drillApp(
      app(`good.${language}`),
      "--json",
      "--settle-seconds",
      "3",
      "--junit",
      `${language}.xml`,
      "--report",
      `${language}.html`,
      "--log",
      `${language}.log`,
    );
    expect(outcome).toMatchObject({ code: 0, err: expect.not.stringContaining("error") });
    const played = scenesOf(outcome.out);
    expect(played.map(({ mistakes }) => mistakes)).toEqual(played.map(() => []));
    expect(played.map(({ name, license, application }) => [name, license.state, application])).toEqual([
      ["start", "entitled", "ran"],
      ["server-errors", "entitled", "ran"],
      ["no-contact", "indeterminate", "ran"],
      ["contact", "entitled", "ran"],
      ["warning", "entitled", "ran"],
      ["grace", "grace", "ran"],
      ["grace-restart", "grace", "ran"],
      ["end", "refused", "stopped"],
      ["renewal", "entitled", "ran"],
      ["suspension", "refused", "stopped"],
      ["suspension-restart", "refused", "stopped"],
      ["reinstatement", "entitled", "ran"],
      ["reissue", "entitled", "ran"],
      ["rotation", "entitled", "ran"],
      ["clock-back", "entitled", "ran"],
    ]);
    expect(played.every(({ license }) => license.warnings.includes("DRILL"))).toBe(true);
    expect(file(`${language}.xml`)).toMatch(/<testsuites tests="15" failures="0" errors="0" time="\d/);
    expect(file(`${language}.html`)).toContain("Passed: 15 of 15 scenes");
    // The application's log says that it is in a drill, and holds no key.
    expect(file(`${language}.log`)).toContain(
      "DRILL: the license comes from a drill, which moves the clock.",
    );
    expect(file(`${language}.log`)).not.toMatch(/eyJ/);
  });

  it.each(LANGUAGES)("names the five classic mistakes of one that has them: bad.%s", async (language) => {
    const { code, out, err } = await drillApp(
      app(`bad.${language}`),
      "--json",

      "--settle-seconds",
      "1",
      "--keep-going",
      "--junit",
      `bad-${language}.xml`,
      "--report",
      `bad-${language}.html`,
    );
    expect(code).toBe(1);
    const named = Object.fromEntries(
      scenesOf(out)
        .filter(({ mistakes }) => mistakes.length > 0)
        .map(({ name, mistakes }) => [name, mistakes]),
    );
    expect(named).toEqual({
      "server-errors": ["treats a 5xx as refusal"],
      "grace-restart": ["ignores grace"],
      end: ["restarts on refusal"],
      suspension: ["checks at start only"],
      "suspension-restart": ["restarts on refusal"],
      reinstatement: ["caches for ever"],
      // It never comes back; nothing else is blamed on it.
      reissue: ["caches for ever"],
      rotation: ["caches for ever"],
      "clock-back": ["caches for ever"],
    });
    for (const mistake of FIVE) {
      expect(err).toContain(`the application ${mistake}`);
      expect(file(`bad-${language}.html`)).toContain(mistake);
      expect(file(`bad-${language}.xml`)).toContain(mistake);
    }
    expect(file(`bad-${language}.html`)).toContain("This customer was suspended once.");
  });

  it("ends at the first mistake, says so, and judges the scenes alone that are named", async () => {
    const { code, out, err } = await drillApp(app("bad.ts"), "--json");
    expect(code).toBe(1);
    expect(scenesOf(out).map(({ name }) => name)).toEqual(["start", "server-errors"]);
    expect(err).toContain("13 more scenes were not played: --keep-going plays them.");
    const some = await drillApp(app("bad.ts"), "--json", "--only", "warning,grace");
    expect(some.code).toBe(0);
    expect(scenesOf(some.out).map(({ name }) => name)).toEqual(["warning", "grace"]);
  });
});

/** A job that runs once and ends: node job.mjs, with the client's sources. */
const JOB = `
import { NodeLicense } from ${JSON.stringify(join(PACKAGE, "../typescript/src/node.ts"))};
const license = await NodeLicense.open({ background: false, ...JSON.parse(process.argv[2] ?? "{}") });
const { mayRun, detail } = await license.checkIn();
console.log(detail);
await license.close();
process.exit(mayRun ? 0 : 1);
`;

describe.concurrent("an application without a probe", () => {
  const LADDER = [START, { name: "stop", do: ["suspend"] }, { name: "go", do: ["reinstate"] }];

  it("is asked by how it ends, scene by scene, and a job that ends is no crash", async () => {
    writeFileSync(join(folder, "job.mjs"), JOB);
    const args = ["--scenes", scenes("job.json", ...LADDER), "--json", "--settle-seconds", "10"];
    const { code, out } = await drill(...args, "--", process.execPath, "job.mjs");
    expect(code).toBe(0);
    expect(scenesOf(out).map(({ application }) => application)).toEqual(["ran", "stopped", "ran"]);
  });

  it.each<[string, object, RegExp]>([
    ["issuer", { issuer: "https://licensing.example" }, /issuer or trusted_keys/],
    [
      "keys",
      {
        trustedKeys: {
          keys: [
            { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "2026" },
          ],
        },
      },
      /issuer or trusted_keys/,
    ],
    ["license key", { licenseKey: "eyJhbGciOiJFZERTQSJ9.e30.AA" }, /license_key \(licenseKey\) in code/],
    ["url", { url: "http://127.0.0.1:9" }, /passes url in code/],
  ])("that passes its own %s in code is not reached, and is told why", async (name, options, why) => {
    const job = `own-${name.replace(" ", "-")}.mjs`;
    writeFileSync(join(folder, job), JOB);
    const args = ["--scenes", scenes(`${job}.json`, START), "--settle-seconds", "1"];
    const { code, err } = await drill(...args, "--", process.execPath, job, JSON.stringify(options));
    expect(code, err).toBe(2);
    expect(err).toContain("The drill does not reach the application.");
    expect(err).toMatch(why);
  });
});

describe.concurrent("what is wrong with the command line", () => {
  it("prints the scenes that it plays, as a file that it takes", async () => {
    const { code, out } = await drill("--print-scenes");
    expect(code).toBe(0);
    writeFileSync(join(folder, "printed.json"), out);
    const { code: again, err } = await drill("--scenes", "printed.json", "--", "/nonexistent/command");
    expect(again).toBe(2);
    expect(err).toContain("/nonexistent/command cannot be started (ENOENT).");
  });

  it.each<[string[], RegExp]>([
    [[], /What is to be drilled\?/],
    [["--probe", "localhost", "--", "true"], /--probe is an address/],
    [["--only", "nothing", "--", "true"], /There is no scene nothing\./],
    [["--scenes", "missing.json", "--", "true"], /missing\.json cannot be read/],
    [["--scenes", "/dev/zero", "--", "true"], /\/dev\/zero is longer than 64 MiB\./],
    [["--report", "missing/report.html", "--", "true"], /cannot be written \(ENOENT\)/],
    [["--", "true"], /never asked the drill's license service/],
    [["--", "sh", "-c", "echo No module >&2; exit 3"], /ended with exit code 3\.[^]*No module/],
  ])("%j", async (args, message) => {
    const { code, err } = await drill("--settle-seconds", "1", ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});

/** Whether anything listens there. */
async function isOpen(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}

/** A product that does not care what its license says, and takes its time to end. */
const DEAF = `
import { createServer } from "node:http";
import { NodeLicense } from ${JSON.stringify(join(PACKAGE, "../typescript/src/node.ts"))};
await NodeLicense.open();
createServer((_, response) => response.end()).listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => setTimeout(() => process.exit(), 1_500));
`;

/** Each begins by looking whether the application runs, and starts it anew otherwise. */
const MANY = Array.from({ length: 100 }, (_, n) => ({ name: `day-${n}`, do: ["advance 1m"] }));

describe.concurrent("its end", () => {
  it.for(["SIGINT", "SIGTERM"] as const)(
    "by %s ends the application and what that started, and leaves no file",
    // Its own expect: polling does not find the test in one of several at a time otherwise.
    async (signal, { expect: here }) => {
      const [port, inner] = [await freePort(), await freePort()];
      const command = `"$0" "$1" ${inner} & exec "$0" "$1" ${port}`;
      const own = join(folder, `end-${signal}`);
      writeFileSync(`${own}.mjs`, DEAF);
      const child = spawn(
        process.execPath,
        [
          LAUNCHER,
          "drill",
          // Some scene begins while the application ends, and the last one has no end by itself.
          "--scenes",
          scenes(`end-${signal}.json`, START, ...MANY, { name: "stop", do: ["suspend"] }),
          "--settle-seconds",
          "300",
          "--report",
          `${own}.html`,
          "--probe",
          `http://127.0.0.1:${port}/`,
          "--",
          "sh",
          "-c",
          command,
          process.execPath,
          `${own}.mjs`,
        ],
        { env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...environment() }, cwd: folder },
      );
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      await here.poll(async () => (await isOpen(port)) || said).toBe(true);
      await here.poll(async () => (await isOpen(inner)) || said).toBe(true);
      child.kill(signal);
      expect(await once(child, "close")).toEqual([130, null]);
      // The group is told; it may need a moment.
      await here.poll(() => isOpen(port)).toBe(false);
      await here.poll(() => isOpen(inner)).toBe(false);
      expect(existsSync(`${own}.html`)).toBe(false);
      expect(globSync(`.end-${signal}*`, { cwd: folder })).toEqual([]);
    },
  );

  it("does not wait for an application that does not end by itself", async () => {
    const port = await freePort();
    const stubborn = `process.on("SIGTERM", () => {}); await import(${JSON.stringify(join(APPS, "good.ts"))});`;
    writeFileSync(join(folder, "stubborn.mjs"), stubborn);
    const args = ["--scenes", scenes("stubborn.json", START), "--probe", `http://127.0.0.1:${port}/`];
    const { code } = await drill(...args, "--", process.execPath, "stubborn.mjs", String(port));
    expect(code).toBe(0);
    expect(await isOpen(port)).toBe(false);
  });
});

it("comes to its end where the application left its group, and goes on", async () => {
  const port = await freePort();
  // Its first process ends, and what stays holds the drill's pipes.
  writeFileSync(
    join(folder, "daemon.mjs"),
    `import { spawn } from "node:child_process";
    const [, , app, port] = process.argv;
    const inner = spawn(process.execPath, [app, port], { detached: true, stdio: "inherit" });
    console.log("pid=" + inner.pid);
    setTimeout(() => process.exit(), 1500);`,
  );
  const args = ["--scenes", scenes("daemon.json", START), "--probe", `http://127.0.0.1:${port}/`];
  const command = [process.execPath, "daemon.mjs", join(APPS, "good.ts"), String(port)];
  const outcome = await drill(...args, "--log", "daemon.log", "--", ...command);
  try {
    expect(outcome.code, outcome.err).toBe(0);
  } finally {
    process.kill(Number(/pid=(\d+)/.exec(file("daemon.log"))![1]), "SIGKILL");
  }
});

it("leaves nothing in the folder for temporary files", async () => {
  await sleep(100);
  expect(globSync("caio-license-drill-*", { cwd: temporary })).toEqual([]);
});

it("does not take a page of somebody else for the application", async () => {
  // A redirect, as a sign-in page answers it, is no yes.
  const server = createServer((_, response) => response.writeHead(302, { Location: "/" }).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      join(folder, "quiet.mjs"),
      JOB.replace("process.exit(mayRun ? 0 : 1);", "setInterval(() => {}, 1000);"),
    );
    const args = ["--scenes", scenes("redirect.json", START), "--settle-seconds", "1"];
    const probe = ["--probe", `http://127.0.0.1:${port}/`];
    const { code, err } = await drill(...args, ...probe, "--", process.execPath, "quiet.mjs");
    expect(code).toBe(1);
    expect(err).toContain("the application stops although the license lets it run");
  } finally {
    server.close();
  }
});

it("runs in GitHub Actions as docs/drill.md says", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/drill.md"), "utf8");
  const workflow = /```yaml\n([\s\S]*?)```/.exec(page)![1]!;
  expect(workflow.trim().split("\n").length).toBeLessThanOrEqual(11);
  const line = /run: licensing\/src\/cli\/caio-license\.js (.*) -- python app\.py/.exec(workflow)![1]!;
  const port = await freePort();
  const args = line.replace("http://localhost:8000/ready", `http://127.0.0.1:${port}/`).split(" ");
  const outcome = await run(LAUNCHER, [...args, "--only", "start", "--", ...app("good.ts"), String(port)], {
    env: { ...environment(), PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` },
    cwd: folder,
  });
  expect(outcome.code, outcome.err).toBe(0);
  expect(file("drill.html")).toContain("Passed: 1 of 1 scenes");
  expect(file("drill.xml")).toContain('tests="1" failures="0"');
});
