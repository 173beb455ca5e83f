// Files as people and other systems write them, at every command that reads one.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Desk, openDesk } from "../support/cli.ts";

let desk: Desk;
let license: { id: string };
let key: string;

const BOM = "\ufeff";
const CRLF = (text: string): string => text.replaceAll("\n", "\r\n");
const utf16 = (text: string): Buffer => Buffer.from(`${BOM}${text}`, "utf16le");

beforeAll(async () => {
  desk = await openDesk();
  Object.assign(desk.env, { CAIO_LICENSE_URL: desk.service.url, CAIO_LICENSE_TOKEN: desk.service.token });
  await desk.ok("customers", "create", "--id", "acme", "--name", "Acme");
  ({ license, license_key: key } = await desk.json(
    ..."licenses create --customer acme --type standard --max-instances 5".split(" "),
  ));
  const jwks = await (await fetch(`${desk.service.url}/.well-known/jwks.json`)).text();
  writeFileSync(desk.file("jwks.json"), `${BOM}${jwks}`);
  writeFileSync(
    desk.file("list.jwt"),
    BOM + (await (await fetch(`${desk.service.url}/v1/revocations`)).text()),
  );
});

afterAll(() => desk.close());

const request = (instance_id: string): string => JSON.stringify({ license_key: key, instance_id }, null, 2);

describe("a file with a byte order mark and CRLF", () => {
  it("is read: a request, the license file made of it, keys and a list to verify it with", async () => {
    writeFileSync(desk.file("request.json"), BOM + CRLF(request("berlin\r\n")));
    await desk.ok("offline-activate", license.id, "request.json", "--output", "berlin.caio-license");
    const file = await desk.ok("offline-activate", license.id, "request.json", "--output", "-");
    writeFileSync(desk.file("edited.caio-license"), BOM + CRLF(file));
    const judged = await desk.json(
      ..."verify edited.caio-license --jwks jwks.json --revocations list.jwt".split(" "),
    );
    expect(judged).toMatchObject({ valid: true, instance_id: "berlin", license_id: license.id });
  });

  it("is read: a license key, on stdin too", async () => {
    writeFileSync(desk.file("acme.key"), `${BOM}export CAIO_LICENSE_KEY="${key}"\r\n`);
    const args = ["verify", "--jwks", "jwks.json", "--json"];
    expect(JSON.parse(await desk.ok(...args, "acme.key"))).toMatchObject({ valid: true });
    const input = `${BOM}${key.replaceAll(/(.{76})/g, "$1\r\n")}`;
    expect(JSON.parse((await desk.cli([...args, "-"], { input })).out)).toMatchObject({ valid: true });
  });

  it("is read: an import", async () => {
    writeFileSync(desk.file("customers.csv"), `${BOM}id,name\r\nzurich,Zürich\r\n`);
    await desk.ok("import", "customers", "customers.csv");
    expect(await desk.json("customers", "show", "zurich")).toMatchObject({ name: "Zürich" });
  });

  it("is read: a token, and the profiles that were edited since", async () => {
    const home = { CAIO_LICENSE_URL: "", CAIO_LICENSE_TOKEN: "" };
    const login = ["login", "--url", desk.service.url, "--token-stdin"];
    const input = `${BOM}${desk.service.token}\r\n`;
    expect(await desk.cli(login, { input, env: home })).toMatchObject({ code: 0 });
    const config = join(desk.env["XDG_CONFIG_HOME"]!, "caio-license/config.json");
    writeFileSync(config, BOM + CRLF(readFileSync(config, "utf8")), { mode: 0o600 });
    expect(await desk.cli(["whoami"], { env: home })).toMatchObject({ code: 0 });
    writeFileSync(config, utf16("{}"), { mode: 0o600 });
    const wide = await desk.cli(["whoami"], { env: home });
    expect(wide).toMatchObject({ code: 2 });
    expect(wide.err).toContain("config.json is in UTF-16: save it as UTF-8.");
  });
});

describe("a file in UTF-16", () => {
  it.each([
    ["offline-activate", "lic_x", "wide", "--output", "-"],
    ["offline-deactivate", "lic_x", "wide"],
    ["verify", "wide", "--jwks", "jwks.json"],
    ["verify", "acme.key", "--jwks", "wide"],
    ["verify", "acme.key", "--jwks", "jwks.json", "--revocations", "wide"],
    ["import", "customers", "wide", "--format", "json"],
    ["import", "licenses", "wide", "--format", "csv"],
    ["audit", "verify", "--jwks", "wide"],
    ["audit", "verify", "--state", "wide"],
  ])("is refused by that name: %s %s %s", async (...args) => {
    writeFileSync(desk.file("wide"), utf16(request("berlin")));
    writeFileSync(desk.file("acme.key"), key);
    const { code, out, err } = await desk.cli(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^error: wide is in UTF-16: save it as UTF-8\.\n/);
  });

  it("is refused on stdin", async () => {
    const input = utf16(desk.service.token) as unknown as string;
    const refused = await desk.cli(["login", "--url", desk.service.url, "--token-stdin"], { input });
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(refused.err).toContain("The input on stdin is in UTF-16: save it as UTF-8.");
  });
});

it("a file of another encoding is refused, not half read", async () => {
  writeFileSync(desk.file("latin1.csv"), Buffer.from("id,name\nzh,Zürich\n", "latin1"));
  const refused = await desk.cli(["import", "customers", "latin1.csv"]);
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain("latin1.csv is not in UTF-8.");
});

it("a wrapped key does not show in an error, nor in what would be sent", async () => {
  const wrapped = key.replaceAll(/(.{76})/g, "$1\n");
  writeFileSync(desk.file("wrapped.json"), JSON.stringify({ license_key: wrapped, instance_id: "berlin" }));
  for (const args of [
    ["licenses", "show", wrapped],
    [wrapped],
    ["offline-activate", license.id, "wrapped.json", "--output", "-", "--dry-run"],
    ["offline-activate", license.id, "wrapped.json", "--output", "-", "--dry-run", "--json"],
  ]) {
    const { out, err } = await desk.cli(args);
    for (let at = 0; at + 20 < key.length; at += 10)
      expect(out + err, args.join(" ")).not.toContain(key.slice(at, at + 20).split("\n")[0]);
  }
});
