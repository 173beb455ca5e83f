import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../src/dev/service.ts";
import { type Desk, interfere, LAUNCHER, openDesk, run } from "../support/cli.ts";
import { isHere } from "../support/everything.ts";

const ESCAPE = "\u001B";

let desk: Desk;
let viewer: string;
let signedIn: Record<string, string>;

beforeAll(async () => {
  desk = await openDesk();
  signedIn = { CAIO_LICENSE_URL: desk.service.url, CAIO_LICENSE_TOKEN: desk.service.token };
  Object.assign(desk.env, signedIn);
  viewer = (await desk.ok("tokens", "create", "--name", "Auditor", "--role", "viewer")).trim();
  await desk.ok("customers", "create", "--id", "acme", "--name", "Acme");
  await desk.ok("licenses", "create", "--customer", "acme", "--type", "standard");
});

afterAll(() => desk.close());

describe("refusals", () => {
  it.each([
    [3, "FORBIDDEN", ["customers", "create", "--name", "x"]],
    [3, "FORBIDDEN", ["export"]],
    [3, "FORBIDDEN", ["tokens", "list"]],
  ])("exit with %i for a viewer: %s", async (code, problem, args) => {
    const refused = await desk.cli(args, { env: { CAIO_LICENSE_TOKEN: viewer } });
    expect(refused).toMatchObject({ code, out: "" });
    expect(refused.err).toMatch(
      new RegExp(
        `^error: The role viewer does not allow this.\n  remedy: .*\n  code: ${problem}\n  request: [\\w-]{8,}\n$`,
      ),
    );
  });

  it.each([
    [4, "LICENSE_NOT_FOUND", ["licenses", "show", "lic_nothing"]],
    [4, "CUSTOMER_NOT_FOUND", ["customers", "delete", "nobody", "--yes"]],
    [4, "NOT_FOUND", ["instances", "free", "act_nothing", "--yes"]],
    [5, "CONFLICT", ["customers", "create", "--id", "acme", "--name", "Acme"]],
    [5, "CONFLICT", ["customers", "delete", "acme", "--yes"]],
    [
      5,
      "REQUEST_INVALID",
      ["licenses", "create", "--customer", "acme", "--type", "standard", "--expires", "soon"],
    ],
  ])("exit with %i for %s", async (code, problem, args) => {
    const refused = await desk.cli(args);
    expect(refused).toMatchObject({ code, out: "" });
    expect(refused.err).toMatch(new RegExp(`  code: ${problem}\n  request: [\\w-]{8,}\n$`));
  });

  it.each([
    [["nonsense"]],
    [["customers"]],
    [["licenses", "create", "--customer", "acme"]],
    [["customers", "list", "--limit", "0"]],
    [["licenses", "renew", "lic_x"]],
    [["customers", "update", "acme"]],
    [["import", "licenses", "missing.csv"]],
    [["completion", "tcsh"]],
  ])("exit with 2 for a command line that is not right: %j", async (args) => {
    const { code, out, err } = await desk.cli(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).not.toBe("");
  });

  it("exit with 6 where the service cannot be reached", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const refused = await desk.cli(["stats"], { env: { CAIO_LICENSE_URL: url } });
    expect(refused).toMatchObject({ code: 6, out: "" });
    expect(refused.err).toMatch(/^error: http:\/\/127.0.0.1:\d+ cannot be reached: ECONNREFUSED/);
  });

  it("exit with 3 where nobody is signed in", async () => {
    const env = { CAIO_LICENSE_URL: "", CAIO_LICENSE_TOKEN: "" };
    const refused = await desk.cli(["stats"], { env });
    expect(refused.code).toBe(3);
    expect(refused.err).toContain("caio-license login");
  });
});

it("a Node that runs no TypeScript hands over to the project's own, exit codes included", async () => {
  const older = await run(
    process.execPath,
    ["--no-strip-types", LAUNCHER, "licenses", "show", "lic_nothing"],
    {
      env: desk.env,
    },
  );
  expect(older.code).toBe(4);
  expect(older.err).toContain("code: LICENSE_NOT_FOUND");
});

it("whoever stops reading ends it quietly", async () => {
  const command = `${process.execPath} ${LAUNCHER} export | head -c 0; exit "\${PIPESTATUS[0]}"`;
  expect(await run("bash", ["-c", command], { env: desk.env })).toEqual({ code: 0, out: "", err: "" });
});

describe("what cannot be undone", () => {
  it.each([
    [["customers", "delete", "acme"]],
    [["licenses", "revoke", "lic_x", "--reason", "x"]],
    [["instances", "free", "act_x"]],
    [["tokens", "revoke", "tok_x"]],
    [["people", "remove", "grace@smarthaus.example"]],
  ])("needs --yes without a terminal: %j", async (args) => {
    const { code, err } = await desk.cli(args);
    expect(code).toBe(2);
    expect(err).toContain("--yes");
    expect(err).not.toContain("request:");
  });
});

// It gives a command a terminal.
const hasScript = process.platform === "linux" && existsSync("/usr/bin/script");

describe.runIf(isHere(hasScript, "There is no script(1) of Linux."))("at a terminal", () => {
  const atTerminal = (
    command: string,
    env: Record<string, string> = {},
    typed?: { at: RegExp; text: string },
  ) =>
    run("script", ["-qec", `${process.execPath} ${LAUNCHER} ${command}`, "/dev/null"], {
      cwd: desk.folder,
      env: { ...desk.env, TERM: "xterm", ...env },
      ...(typed === undefined ? {} : { typed }),
    });

  it("asks before what cannot be undone; no changes nothing", async () => {
    await desk.ok("customers", "create", "--id", "doomed", "--name", "Doomed");
    const at = /Delete the customer doomed\?/;
    expect((await atTerminal("customers delete doomed", {}, { at, text: "n\r" })).code).toBe(2);
    await desk.ok("customers", "show", "doomed");
    expect((await atTerminal("customers delete doomed", {}, { at, text: "\u0003" })).code).toBe(130);
    await desk.ok("customers", "show", "doomed");
    expect((await atTerminal("customers delete doomed", {}, { at, text: "y\r" })).code).toBe(0);
    expect((await desk.cli(["customers", "show", "doomed"])).code).toBe(4);
  });

  it("asks for the token without echo", async () => {
    const env = { CAIO_LICENSE_TOKEN: "", CAIO_LICENSE_URL: desk.service.url };
    const typed = { at: /API token/, text: `${viewer}\r` };
    const { code, out } = await atTerminal("login --profile asked", env, typed);
    expect(code).toBe(0);
    expect(out).toMatch(/as tok_\w+ \(viewer\), profile asked/);
    expect(out).not.toContain(viewer.slice(5, 12));
  });

  it("shows how much of a file is sent", async () => {
    writeFileSync(desk.file("watched.csv"), "name\nWatched\n");
    const { code, out } = await atTerminal("import customers watched.csv");
    expect(code).toBe(0);
    expect(out).toContain("100% of 13 bytes sent");
    expect(out).toContain("1 of 1 rows were created.");
  });

  it("colors standings, unless NO_COLOR says not to", async () => {
    expect((await atTerminal("licenses list")).out).toContain(`${ESCAPE}[32mactive`);
    expect((await atTerminal("licenses list", { NO_COLOR: "1" })).out).not.toContain(ESCAPE);
    expect(await desk.ok("licenses", "list")).not.toContain(ESCAPE);
  });
});

describe("tokens", () => {
  it("do not go over plain HTTP, to other services, or along with a redirect", async () => {
    for (const url of [
      "http://licensing.example",
      "ftp://localhost",
      "https://user:pw@licensing.example",
      "localhost",
    ]) {
      const refused = await desk.cli(["login", "--url", url, "--token-stdin"], { input: viewer });
      expect(refused.code, url).toBe(2);
    }
    const plain = await desk.cli(["stats"], { env: { CAIO_LICENSE_URL: "http://192.0.2.1" } });
    expect(plain.err).toContain("must not be sent over plain HTTP");
    await desk.ok("login", "--profile", "mine");
    const elsewhere = {
      CAIO_LICENSE_PROFILE: "mine",
      CAIO_LICENSE_TOKEN: "",
      CAIO_LICENSE_URL: "https://other.example",
    };
    expect((await desk.cli(["stats"], { env: elsewhere })).code).toBe(3);

    const seen: (string | undefined)[] = [];
    const target = await interfere(desk.service.url, (_, inbound, outbound) => {
      seen.push(inbound.headers.authorization);
      outbound.end("{}");
    });
    const gate = await interfere(desk.service.url, (_, _inbound, outbound) => {
      outbound.writeHead(302, { location: target.url }).end();
    });
    const redirected = await desk.cli(["stats"], { env: { CAIO_LICENSE_URL: gate.url } });
    expect(redirected.code).toBe(1);
    expect(redirected.err).toContain("redirect");
    expect(seen).toEqual([]);
    await gate.close();
    await target.close();
  });

  it("are not kept where the service refuses them", async () => {
    const refused = await desk.cli(["login", "--profile", "wrong", "--token-stdin"], { input: "caio_wrong" });
    expect(refused.code).toBe(3);
    expect((await desk.cli(["whoami", "--profile", "wrong"], { env: { CAIO_LICENSE_TOKEN: "" } })).code).toBe(
      3,
    );
  });

  it("and keys never show in an error, wherever they were typed", async () => {
    const key = (
      await desk
        .ok("licenses", "list", "--json")
        .then((list) => desk.ok("licenses", "key", JSON.parse(list)[0].id))
    ).trim();
    const attempts = [
      ["login", `--token=${viewer}`],
      ["whoami", viewer],
      ["licenses", "show", viewer],
      ["licenses", "list", "--limit", viewer],
      ["licenses", "show", key],
      [key],
      ["verify", key],
    ];
    for (const args of attempts) {
      const { out, err } = await desk.cli(args);
      expect(out + err).not.toContain(viewer.slice(8));
      expect(out + err).not.toContain(key.slice(-40));
    }
    const odd = "s3cret and then\u0001some";
    const { err } = await desk.cli(["whoami"], { env: { CAIO_LICENSE_TOKEN: odd } });
    expect(err).toContain("The token");
    expect(err).not.toContain("s3cret");
  });

  it("of any form do not show in what the service, or who answers in its place, says", async () => {
    const token = "of-my-own-making";
    const network = await interfere(desk.service.url, (_, inbound, outbound) => {
      const detail = `What is ${inbound.headers.authorization}?`;
      outbound.writeHead(409, { "content-type": "application/problem+json" });
      outbound.end(JSON.stringify({ code: "CONFLICT", detail }));
    });
    const { err } = await desk.cli(["stats"], {
      env: { CAIO_LICENSE_URL: network.url, CAIO_LICENSE_TOKEN: token },
    });
    expect(err).toContain("error: What is Bearer [secret]?");
    expect(err).not.toContain(token);
    await network.close();
  });

  it("stay with their owner, also where the folder was open", async () => {
    const folder = join(desk.folder, "open", "caio-license");
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, "config.json"), '{"profiles":{}}', { mode: 0o644 });
    await desk.cli(["login"], { env: { XDG_CONFIG_HOME: join(desk.folder, "open") } });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "config.json")).mode & 0o777).toBe(0o600);
  });
});

describe("a bad network", () => {
  it("does nothing twice: a POST whose answer was lost is sent again under the same key", async () => {
    const network = await interfere(desk.service.url, (count, _, outbound, pass) => {
      if (count === 1) pass(() => outbound.destroy());
      else pass();
    });
    const env = { CAIO_LICENSE_URL: network.url };
    const made = await desk.cli(["customers", "create", "--name", "Once", "--json"], { env });
    expect(made.code).toBe(0);
    expect(network.requests()).toBe(2);
    expect(await desk.json("customers", "list", "--query", "once")).toEqual([JSON.parse(made.out)]);
    await network.close();
  });

  it("takes a deletion whose answer was lost for done", async () => {
    await desk.ok("customers", "create", "--id", "lost", "--name", "Lost");
    const network = await interfere(desk.service.url, (count, _, outbound, pass) => {
      if (count === 1) pass(() => outbound.destroy());
      else pass();
    });
    const args = ["customers", "delete", "lost", "--yes"];
    const deleted = await desk.cli(args, { env: { CAIO_LICENSE_URL: network.url } });
    expect(deleted).toEqual({ code: 0, out: "Customer lost is deleted.\n", err: "" });
    expect(network.requests()).toBe(2);
    expect((await desk.cli(args)).code).toBe(4);
    await network.close();
  });

  it("waits as long as Retry-After says, and not for ever", async () => {
    const network = await interfere(desk.service.url, (count, _, outbound, pass) => {
      if (count === 1) outbound.writeHead(503, { "retry-after": "0" }).end();
      else if (count === 3) outbound.writeHead(503, { "retry-after": "3600" }).end();
      else pass();
    });
    const env = { CAIO_LICENSE_URL: network.url };
    expect((await desk.cli(["stats"], { env })).code).toBe(0);
    expect(network.requests()).toBe(2);
    expect((await desk.cli(["stats"], { env })).code).toBe(6);
    expect(network.requests()).toBe(3);
    await network.close();
  });

  it("leaves no file of a broken export, and keeps the one that was there", async () => {
    const network = await interfere(desk.service.url, (_, _inbound, outbound, pass) => {
      pass((answer) => {
        outbound.writeHead(answer.statusCode!, { "content-type": "text/csv" });
        answer.once("data", (chunk: Buffer) => {
          outbound.write(chunk.subarray(0, 100));
          setTimeout(() => outbound.destroy(), 50);
        });
      });
    });
    mkdirSync(desk.file("exports"));
    writeFileSync(desk.file("exports/all.csv"), "yesterday's");
    const broken = await desk.cli(["export", "--output", "exports/all.csv"], {
      env: { CAIO_LICENSE_URL: network.url },
    });
    expect(broken.code).toBe(6);
    expect(broken.err).toContain("was cut off");
    expect(readdirSync(desk.file("exports"))).toEqual(["all.csv"]);
    expect(readFileSync(desk.file("exports/all.csv"), "utf8")).toBe("yesterday's");
    const printed = await desk.cli(["export"], { env: { CAIO_LICENSE_URL: network.url } });
    expect(printed.code).toBe(6);
    expect(printed.err).toContain("is incomplete");
    await network.close();
  });
});

it("a file that is written takes the place of no device, and of what a link points to", async () => {
  writeFileSync(desk.file("monthly.csv"), "yesterday's");
  symlinkSync("monthly.csv", desk.file("latest.csv"));
  await desk.ok("export", "--output", "latest.csv");
  expect(lstatSync(desk.file("latest.csv")).isSymbolicLink()).toBe(true);
  expect(readFileSync(desk.file("monthly.csv"), "utf8")).toMatch(/^id,customer_id,/);
  symlinkSync("/dev/full", desk.file("full"));
  const full = await desk.cli(["export", "--output", "full"]);
  expect(full).toMatchObject({ code: 2, out: "" });
  expect(full.err).toContain("cannot be written (ENOSPC)");
  expect(lstatSync(desk.file("full")).isSymbolicLink()).toBe(true);
  expect(statSync("/dev/full").isCharacterDevice()).toBe(true);
});

it("output that cannot be written is told", async () => {
  const { code, err } = await run("/bin/sh", ["-c", `exec "${LAUNCHER}" stats > /dev/full`], {
    env: desk.env,
  });
  expect({ code, err }).toEqual({ code: 1, err: "error: The output cannot be written (ENOSPC).\n" });
});

describe("what a terminal obeys or turns around", () => {
  const HOSTILE = "\u001B]0;owned\u0007 \u009B31m \u202Eevil\u2066 \u200F\u061C two\nlines\u2028three\u007F";
  const SHOWN =
    "\\u001B]0;owned\\u0007 \\u009B31m \\u202Eevil\\u2066 \\u200F\\u061C two\\u000Alines\\u2028three\\u007F";
  const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

  const customer = {
    id: "x",
    name: HOSTILE,
    metadata: { note: HOSTILE },
    created_at: "2026-01-01T00:00:00.000Z",
    updated_at: "2026-01-01T00:00:00.000Z",
    email: null,
    company: "żółć · قهوة · 👩‍💻",
    email_status: null,
    notes: null,
    tags: [],
  };

  /** Runs a command against a service that answers with this, spelled as raw as JSON allows. */
  async function answered(body: string, args: string[], type = "application/json", status = 200) {
    const network = await interfere(desk.service.url, (_, _inbound, outbound) => {
      outbound.writeHead(status, { "content-type": type });
      outbound.end(body);
    });
    const outcome = await desk.cli(args, { env: { CAIO_LICENSE_URL: network.url } });
    await network.close();
    return outcome;
  }

  const linesOf = ({ out, err }: { out: string; err: string }): string => `${out}${err}`.replaceAll("\n", "");

  it("is shown as \\uXXXX in tables, details and failures; other letters stay", async () => {
    const shown = await answered(JSON.stringify(customer), ["customers", "show", "x"]);
    expect(shown.out).toContain(SHOWN);
    expect(shown.out).toContain("żółć · قهوة · 👩‍💻");
    expect(linesOf(shown)).not.toMatch(OBEYED);

    const page = JSON.stringify({ data: [customer], next_cursor: null });
    const listed = await answered(page, ["customers", "list"]);
    expect(listed.out).toContain(SHOWN);
    expect(linesOf(listed)).not.toMatch(OBEYED);

    const problem = JSON.stringify({ code: "CONFLICT", detail: HOSTILE, remedy: HOSTILE });
    const refused = await answered(problem, ["customers", "show", "x"], "application/problem+json", 409);
    expect(refused.err).toContain(`error: ${SHOWN}`);
    expect(linesOf(refused)).not.toMatch(OBEYED);
  });

  it.each([
    ["an answer", ["customers", "show", "x", "--json"], (out: string) => JSON.parse(out).name],
    ["a list", ["customers", "list", "--json"], (out: string) => JSON.parse(out)[0].name],
    ["a list by lines", ["customers", "list", "--ndjson"], (out: string) => JSON.parse(out).name],
  ])("is escaped in the JSON of %s, which says the same as before", async (_, args, nameIn) => {
    const body = args.includes("list") ? { data: [customer], next_cursor: null } : customer;
    const shown = await answered(JSON.stringify(body), args);
    expect(linesOf(shown)).not.toMatch(OBEYED);
    expect(nameIn(shown.out)).toBe(HOSTILE);
  });

  it("does not come from what answers in the service's place, or from the command line", async () => {
    const proxy = await answered(`<title>\u001B]0;owned\u0007\u202E</title>`, [
      "customers",
      "show",
      "x",
      "--json",
    ]);
    expect(linesOf(proxy)).not.toMatch(OBEYED);
    const typed = await desk.cli(["customers", "show", "x", "--\u001B]0;owned\u0007\u202E"]);
    expect(typed.code).toBe(2);
    expect(linesOf(typed)).not.toMatch(OBEYED);
  });

  it("stays as it is in a file of data", async () => {
    const csv = `id,name\r\nx,"\u202E"\r\n`;
    expect((await answered(csv, ["export"], "text/csv")).out).toBe(csv);
  });
});
