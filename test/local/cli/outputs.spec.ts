// Where a command writes what the service makes: looked at before the service is asked, and nothing lost where it fails.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Desk, interfere, LAUNCHER, openDesk, run } from "../support/cli.ts";

let desk: Desk;
let license: string;
let network: Awaited<ReturnType<typeof interfere>>;

beforeAll(async () => {
  desk = await openDesk();
  network = await interfere(desk.service.url, (_, _inbound, _outbound, pass) => pass());
  Object.assign(desk.env, { CAIO_LICENSE_URL: network.url, CAIO_LICENSE_TOKEN: desk.service.token });
  await desk.ok("customers", "create", "--id", "acme", "--name", "Acme");
  const issued = await desk.json(..."licenses create --customer acme --type standard".split(" "));
  license = issued.license.id;
  const request = { license_key: issued.license_key, instance_id: "island" };
  writeFileSync(desk.file("request.json"), JSON.stringify(request));
  mkdirSync(desk.file("folder"));
  writeFileSync(desk.file("a-file"), "");
  symlinkSync("/dev/full", desk.file("full"));
  symlinkSync("no/such/place", desk.file("dangling"));
});

afterAll(async () => {
  await network.close();
  await desk.close();
});

/** Every command that writes what the service makes into a file. */
const COMMANDS: [name: string, args: () => string[]][] = [
  ["offline-activate", () => ["offline-activate", license, "request.json", "--output"]],
  ["licenses key", () => ["licenses", "key", license, "--output"]],
  ["tokens create", () => ["tokens", "create", "--name", "CI", "--role", "viewer", "--output"]],
  [
    "webhook-endpoints create",
    () => ["webhook-endpoints", "create", "https://hooks.acme.example", "--output"],
  ],
  [
    "webhook-endpoints rotate-secret",
    () => ["webhook-endpoints", "rotate-secret", "whe_1", "--yes", "--output"],
  ],
  ["customers data", () => ["customers", "data", "acme", "--output"]],
  ["export", () => ["export", "--output"]],
  ["audit verify", () => ["audit", "verify", "--state"]],
];

describe.each(COMMANDS)("%s", (_name, args) => {
  it.each([
    ["folder", "folder is a folder."],
    ["folder/", "folder/ is a folder."],
    [".", ". is a folder."],
    ["missing/out", "missing/out cannot be written (ENOENT)."],
    ["a-file/out", "a-file/out cannot be written (ENOTDIR)."],
    ["/proc/nothing", "/proc/nothing cannot be written (ENOENT)."],
    ["x".repeat(300), `${"x".repeat(300)} cannot be written (ENAMETOOLONG).`],
  ])("asks the service nothing where it cannot write to %s", async (path, message) => {
    const before = network.requests();
    const files = readdirSync(desk.folder);
    const { code, out, err } = await desk.cli([...args(), path]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.split("\n")[0]).toBe(`error: ${message}`);
    expect(network.requests()).toBe(before);
    expect(readdirSync(desk.folder)).toEqual(files);
  });

  it("leaves nothing behind where the service refuses, and the file that was there as it was", async () => {
    writeFileSync(desk.file("kept"), "{}");
    const files = readdirSync(desk.folder);
    const refused = await desk.cli([...args(), "kept"], {
      env: { CAIO_LICENSE_TOKEN: "caio_nobody-knows-this-token-at-all-x" },
    });
    expect(refused.code).not.toBe(0);
    expect(readFileSync(desk.file("kept"), "utf8")).toBe("{}");
    expect(readdirSync(desk.folder)).toEqual(files);
  });
});

describe("what the service made, and cannot be written all the same", () => {
  const fails = async (name: string) => {
    const [, args] = COMMANDS.find(([known]) => known === name)!;
    const { code, out, err } = await desk.cli([...args(), "full"]);
    expect(code).toBe(1);
    expect(err).toContain("full cannot be written (ENOSPC).");
    expect(err).toContain("It was made, and is printed on stdout instead: keep it.");
    return { out, err };
  };

  it("is printed: a license file, whose receipt is good later", async () => {
    const { out } = await fails("offline-activate");
    writeFileSync(desk.file("rescued.caio-license"), out);
    expect(JSON.parse(out)).toMatchObject({ format: "caio-license", instance_id: "island" });
    const { data } = JSON.parse(
      await (
        await fetch(`${desk.service.url}/v1/admin/licenses/${license}/activations`, {
          headers: { Authorization: `Bearer ${desk.service.token}` },
        })
      ).text(),
    );
    expect(data).toHaveLength(1);
  });

  it("is printed: a token", async () => {
    const { out, err } = await fails("tokens create");
    expect(err).toMatch(/^API token tok_\w+ \(viewer\)/);
    const me = await desk.cli(["whoami"], { env: { CAIO_LICENSE_TOKEN: out.trim() } });
    expect(me.out).toMatch(/role +viewer/);
  });

  it("is printed: a webhook's secret", async () => {
    const { out, err } = await fails("webhook-endpoints create");
    expect(err).toMatch(/^Webhook endpoint whe_\w+; its secret is not shown again, and is in full\.\n/);
    expect(out).toMatch(/^whsec_[\w+/]+=*\n$/);
  });

  it("is not printed where it can be had again: a key", async () => {
    const { code, out, err } = await desk.cli(["licenses", "key", license, "--output", "full"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("full cannot be written (ENOSPC).");
  });
});

describe("a token", () => {
  it("is in a file that only its owner can read", async () => {
    const made = await desk.cli([...COMMANDS[2]![1](), "token.txt"]);
    expect(made).toMatchObject({ code: 0, out: "" });
    expect(made.err).toMatch(
      /^API token tok_\w+ \(viewer\); it is not shown again, and is in token\.txt\.\n$/,
    );
    expect(readFileSync(desk.file("token.txt"), "utf8")).toMatch(/^caio_[\w-]{32}\n$/);
    expect(statSync(desk.file("token.txt")).mode & 0o777).toBe(0o600);
  });

  it.each(["true", "false"])("that nobody read is no success: | %s", async (reader) => {
    const command = `"${process.execPath}" "${LAUNCHER}" tokens create --name CI --role viewer | (exec <&-; sleep 3; ${reader}); exit "\${PIPESTATUS[0]}"`;
    const { code, err } = await run("bash", ["-c", command], { env: desk.env });
    expect(code).toBe(1);
    expect(err).toMatch(/API token tok_\w+ \(viewer\)/);
  });

  it("is shown as JSON where that is asked for, and not made in a dry run", async () => {
    const args = ["tokens", "create", "--name", "CI", "--role", "viewer", "--json"];
    expect(JSON.parse(await desk.ok(...args))).toMatchObject({ api_token: { role: "viewer" } });
    expect(JSON.parse(await desk.ok(...args, "--dry-run", "--output", "none"))).toMatchObject({
      dry_run: true,
    });
    expect(existsSync(desk.file("none"))).toBe(false);
  });
});

it("a link is followed, and one that leads nowhere takes the file", async () => {
  await desk.ok("licenses", "key", license, "--output", "dangling");
  expect(readFileSync(desk.file("dangling"), "utf8")).toMatch(/^eyJ/);
});

describe("an end that is a date", () => {
  it("is shown as that date, and another as its instant", async () => {
    const created = await desk.ok(
      ..."licenses create --customer acme --type standard --expires 2031-01-31 --grace-days 14".split(" "),
    );
    expect(created).toMatch(/\nexpires +through 31 January 2031 \(in \d+ \w+\)\n/);
    expect(created).toMatch(/\ngrace until +through 14 February 2031 \(/);
    const id = /lic_\w+/.exec(created)![0];
    expect(await desk.ok("licenses", "list", "--customer", "acme")).toContain("through 31 January 2031");
    const changed = await desk.ok("licenses", "update", id, "--expires", "2032-02-29", "--dry-run");
    expect(changed).toMatch(/expires_at +through 31 January 2031 \(.*\) +through 29 February 2032 \(/);
    const key = await desk.ok("licenses", "key", id);
    writeFileSync(
      desk.file("jwks.json"),
      await (await fetch(`${desk.service.url}/.well-known/jwks.json`)).text(),
    );
    const verified = await desk.cli(["verify", "-", "--jwks", "jwks.json"], { input: key });
    expect(verified.out).toMatch(/valid until +through 31 January 2031 \(/);
    writeFileSync(desk.file("dated.json"), JSON.stringify({ license_key: key, instance_id: "island" }));
    const offline = await desk.cli(["offline-activate", id, "dated.json", "--output", "dated.caio-license"]);
    expect(offline.err).toMatch(/^island may run through 14 February 2031 \(in \d+ \w+\): dated/);
    await desk.ok("licenses", "update", id, "--expires", "2031-01-31T10:00:00Z");
    expect(await desk.ok("licenses", "show", id)).toMatch(/\nexpires +2031-01-31 10:00Z \(/);
  });

  it("is shown as that date: a token's", async () => {
    await desk.ok(..."tokens create --name Dated --role viewer --expires 2031-12-31".split(" "));
    expect(await desk.ok("tokens", "list")).toMatch(/Dated +viewer +\S+ +through 31 December 2031 \(/);
  });
});
