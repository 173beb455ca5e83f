// How the commands of the project answer a call that is wrong: in words, not with a stack, and with nothing done.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../src/dev/service.ts";
import { type Outcome, run } from "./support/cli.ts";

const ROOT = join(import.meta.dirname, "../..");

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/** The scripts of package.json that are programs of the project's own, each with its file. */
const PROGRAMS = Object.entries(scripts).flatMap(([name, line]) => {
  const file = /^node (?:-r \S+ )?((?:src\/dev|test)\/\S+\.ts)$/.exec(line)?.[1];
  return file === undefined ? [] : [[name, file] as const];
});

const call = (name: string, ...args: string[]): Promise<Outcome> =>
  run(process.execPath, [join(ROOT, new Map(PROGRAMS).get(name)!), ...args], { cwd: ROOT });

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-usage-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("the programs are found", () => {
  const names = [
    "start",
    "verify",
    "keys",
    "demo",
    "docs",
    "deploy",
    "smoke",
    "bench",
    "bench:backup",
    "bench:capacity",
    "bench:years",
    "torture",
    "parts",
  ];
  expect(PROGRAMS.map(([name]) => name).toSorted()).toEqual(names.toSorted());
});

describe.each(PROGRAMS)("npm run %s", (name) => {
  it("says how it is called where that is asked for", async () => {
    const { code, out, err } = await call(name, "--help");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(name === "start" ? /Usage: npm start/ : new RegExp(`npm run (--silent )?${name}`));
  });

  it("refuses an option that it does not have, on standard error", async () => {
    const { code, out, err } = await call(name, "--bogus");
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/Unknown option '--bogus'[\s\S]*npm (run|start)/);
    expect(err).not.toMatch(/^ +at /m);
  });
});

describe("what a command cannot know", () => {
  it.each<[string, string[], RegExp]>([
    ["start", ["--port", "x"], /^--port x is not a port\./],
    ["start", ["--port", "65536"], /^--port 65536 is not a port\./],
    ["start", ["--var", "nonsense"], /^--var takes NAME:VALUE, not nonsense\./],
    ["start", ["--persist-to"], /'--persist-to <value>' argument missing/],
    ["keys", [], /^What is to be done\?/],
    ["keys", ["destroy"], /^Not known: destroy/],
    ["keys", ["generate", "twice"], /^Not known: generate twice/],
    ["keys", ["retire"], /^Not known: retire/],
    ["demo", ["now"], /Unexpected argument 'now'/],
    ["demo", ["--url", "nonsense", "--token", "t"], /^--url nonsense is no address\./],
    ["demo", ["--url", "ftp://licensing.example", "--token", "t"], /^--url ftp:\S+ is no address\./],
    ["demo", ["--url", "https://licensing.example"], /^--url needs --token TOKEN/],
    ["docs", ["docs/api.md"], /Unexpected argument/],
    ["verify", ["format"], /Unexpected argument/],
    ["smoke", [], /^One URL is needed\./],
    ["smoke", ["https://a.example", "https://b.example"], /^One URL is needed\./],
    ["smoke", ["licensing.example"], /^licensing\.example is no address\./],
    ["deploy", ["--env", "moon"], /^--env moon: there are production and staging\./],
    ["deploy", ["--wait", "long"], /^--wait long is not a number of seconds\./],
    ["deploy", ["staging"], /Unexpected argument 'staging'/],
    ["torture", ["--only", "crash,tickle"], /^--only tickle: there is no such part\./],
    ["torture", ["--rounds", "x"], /^--rounds and --seed take a whole number\./],
    ["bench", ["--licenses", "1000,many"], /^--licenses, --pairs and --slice take whole numbers\./],
    ["bench:years", ["--instances", "many"], /^That is no number of instances, months or years\./],
    ["bench:capacity", ["no-such-file.json"], /^no-such-file\.json is not there; run first: npm run bench\n/],
  ])("npm run %s -- %j", async (name, args, message) => {
    const { code, out, err } = await call(name, ...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ +at /m);
  });
});

describe("what is not as a command needs it", () => {
  const failing = async (name: string, ...args: string[]): Promise<string> => {
    const { code, err } = await call(name, ...args);
    expect(code).toBe(1);
    expect(err).not.toMatch(/^ +at /m);
    return err;
  };

  it("a wrangler.toml that is not there, is a folder, is another file, or cannot be understood", async () => {
    expect(await failing("deploy", "--config", "nope.toml")).toMatch(
      /^nope\.toml cannot be read: ENOENT.*\n$/,
    );
    expect(await failing("deploy", "--config", "README.md")).toBe("README.md is no wrangler.toml.\n");
    mkdirSync(join(folder, "folder.toml"));
    expect(await failing("deploy", "--config", join(folder, "folder.toml"))).toMatch(
      /folder\.toml cannot be read: EISDIR.*\n$/,
    );
    writeFileSync(join(folder, "odd.toml"), 'name = "a"\nmain = = "b"\n');
    expect(await failing("deploy", "--config", join(folder, "odd.toml"))).toMatch(
      /odd\.toml cannot be read: .*\(line 2: main = = "b"\)\n$/,
    );
  });

  it("a service that does not answer, or is none", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    expect(await failing("demo", "--url", url, "--token", "t")).toMatch(
      new RegExp(`^${url} cannot be reached: fetch failed: connect ECONNREFUSED`),
    );
    let answer = "<!doctype html><title>Hello</title>";
    const server = createServer((_, response) => response.writeHead(401).end(answer)).listen(
      port,
      "127.0.0.1",
    );
    try {
      expect(await failing("demo", "--url", url, "--token", "t")).toMatch(/answers 401 and no JSON/);
      answer = '{"code":"UNAUTHENTICATED","detail":"The token is not known."}';
      expect(await failing("demo", "--url", url, "--token", "t")).toBe(
        "The service answers 401 where it should answer 201. UNAUTHENTICATED: The token is not known.\n",
      );
    } finally {
      server.close();
    }
  });
});
