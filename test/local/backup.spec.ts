// caio-license backup and restore, as people use them; and docs/operations/move-to-another-account.md, carried out.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LAUNCHER } from "./support/cli.ts";
import { Site } from "./support/site.ts";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** The commands of a section of the runbook, each as its arguments. */
function commandsUnder(heading: string): string[][] {
  const page = readFileSync(
    join(import.meta.dirname, "../../docs/operations/move-to-another-account.md"),
    "utf8",
  );
  const section = page.split(/^## /m).find((one) => one.startsWith(heading))!;
  return [...section.matchAll(/^caio-license (.+)$/gm)].map(([, args]) => args!.split(" "));
}

let site: Site;
let key: string;
let certificate: string;

beforeAll(async () => {
  site = new Site({
    ADMIN_TOKEN: `caio_${randomBytes(24).toString("base64url")}`,
    SESSION_SECRET: randomBytes(32).toString("base64url"),
  });
  site.vars["SIGNING_KEYS"] = await site.npm("keys", ["generate"]);
  await site.deploy();
  await site.call("/v1/admin/customers", { id: "acme", name: "Acme" });
  const { body } = await site.call("/v1/admin/licenses", { customer_id: "acme", license_type: "trial" });
  key = body.license_key;
  certificate = await activate("box-1");
  await site.night();
  await site.ok("audit", "verify", "--state", "audit.json");
  // A fresh isolate, which reads the head that the night made.
  await site.deploy();
  const again = { license_key: key, instance_id: "box-1", certificate };
  certificate = (await site.call("/v1/check-in", again, null)).body.certificate;
  writeFileSync(site.file("certificate.jwt"), certificate);
}, 120_000);

afterAll(() => site.close());

async function activate(instance_id: string): Promise<string> {
  const { status, body } = await site.call("/v1/activate", { license_key: key, instance_id }, null);
  expect([status, body.code]).toEqual([200, undefined]);
  return body.certificate;
}

describe("caio-license backup", { timeout: 120_000 }, () => {
  it("writes a file that only its owner can read, and leaves nothing beside it", async () => {
    expect(await site.ok("backup", "monday.backup")).toMatch(/The backup bck_\w+ is in monday.backup/);
    expect(statSync(site.file("monday.backup")).mode & 0o777).toBe(0o600);
    expect(readdirSync(site.folder).filter((name) => name.includes(".part"))).toEqual([]);
    const [event] = await site.json("events", "--action", "database.exported", "--limit", "1");
    expect(event).toMatchObject({ entity: { type: "export" }, actor: { id: "ADMIN_TOKEN" } });
  });

  it("goes on after it was killed, with the same backup", async () => {
    const child = spawn(process.execPath, [LAUNCHER, "backup", "killed.backup"], {
      cwd: site.folder,
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        CAIO_LICENSE_URL: site.url,
        CAIO_LICENSE_TOKEN: site.vars["ADMIN_TOKEN"]!,
      },
    });
    const state = site.file("killed.backup.part.json");
    for (let n = 0; n < 4_000; n++) {
      try {
        statSync(state);
        break;
      } catch {
        await sleep(2);
      }
    }
    child.kill("SIGKILL");
    await once(child, "close");
    const { id } = JSON.parse(readFileSync(state, "utf8"));
    expect(statSync(site.file("killed.backup.part")).mode & 0o777).toBe(0o600);
    const { code, out, err } = await site.cli(["backup", "killed.backup"]);
    expect([code, err]).toEqual([0, expect.stringContaining(`Going on with the backup ${id}`)]);
    expect(out).toContain(id);
    expect(readFileSync(site.file("killed.backup"), "utf8").match(/"backup":/g)).toHaveLength(1);
  });

  it("is for owners", async () => {
    const { body } = await site.call("/v1/admin/api-tokens", { name: "m", role: "manager" });
    for (const command of ["backup", "restore"]) {
      const { code, err } = await site.cli([command, "monday.backup"], { CAIO_LICENSE_TOKEN: body.token });
      expect([code, err]).toEqual([3, expect.stringContaining("does not allow")]);
    }
  });
});

describe("caio-license restore", { timeout: 180_000 }, () => {
  const refused = async (name: string, change: (lines: string[]) => string[] | string) => {
    const lines = readFileSync(site.file("monday.backup"), "utf8").split("\n");
    const changed = change(lines);
    writeFileSync(site.file(name), typeof changed === "string" ? changed : changed.join("\n"));
    const { code, err } = await site.cli(["restore", name]);
    return [code, err] as const;
  };

  it.each([
    ["nothing", () => "", /is not a backup/],
    ["a page of something else", () => "<html>\n", /is not a backup/],
    ["cut within a line", (lines: string[]) => lines.join("\n").slice(0, 3_000), /cut off/],
    ["without its last line", (lines: string[]) => [...lines.slice(0, -2), ""], /cut off/],
    ["without a row", (lines: string[]) => lines.toSpliced(2, 1), /was changed|cut off/],
    [
      "with another row",
      (lines: string[]) => lines.map((line) => line.replace("Acme", "Adme")),
      /rows of customers/,
    ],
    [
      "without a table",
      (lines: string[]) =>
        lines.toSpliced(
          lines.findIndex((line) => line.includes('"usage_walk"')),
          2,
        ),
      /rows of usage_walk/,
    ],
    ["with something behind it", (lines: string[]) => [...lines, "{}", ""], /was changed/],
    [
      "with another manifest",
      (lines: string[]) => lines.map((line) => line.replace(/^(\{"manifest":"[^.]+\.).(.*)/, "$1A$2")),
      /was changed|not one/,
    ],
  ])("refuses %s plainly, before anything is sent", async (_, change, says) => {
    const [code, err] = await refused("broken.backup", change);
    expect([code, err]).toEqual([5, expect.stringMatching(says)]);
    expect(err).not.toMatch(/eyJ/);
  });

  it("refuses a database that is not empty, and a file that is not there", async () => {
    const full = await site.cli(["restore", "monday.backup"]);
    expect([full.code, full.err]).toEqual([5, expect.stringContaining("not empty")]);
    const none = await site.cli(["restore", "none.backup"]);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("does not exist")]);
  });

  it("refuses the backup of another service", async () => {
    const other = new Site({ ...site.vars, SIGNING_KEYS: await site.npm("keys", ["generate"]) });
    try {
      await other.deploy();
      const { code, err } = await other.cli(["restore", site.file("monday.backup")]);
      expect([code, err]).toEqual([5, expect.stringContaining("Not signed by this service")]);
    } finally {
      await other.close();
    }
  });

  it("moves to another account: everything is there, the record verifies, and installations go on", async () => {
    const former = commandsUnder("In the former account");
    expect(former).toHaveLength(2);
    for (const args of former) await site.ok(...args);
    // After the backup: the only seat of the license goes to another installation.
    await site.call("/v1/deactivate", { license_key: key, instance_id: "box-1", certificate }, null);
    const later = await activate("box-2");
    const before = await site.json("licenses", "list");
    await site.deploy(site.newState("another-account"));
    // A first attempt that is killed half way.
    const [restore, ...checks] = commandsUnder("In the new account");
    const child = spawn(process.execPath, [LAUNCHER, ...restore!], {
      cwd: site.folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        CAIO_LICENSE_URL: site.url,
        CAIO_LICENSE_TOKEN: site.vars["ADMIN_TOKEN"]!,
      },
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      // The rows are there, and the rest has begun.
      if (said.includes("…")) child.kill("SIGKILL");
    });
    await once(child, "close");
    expect(said).toContain("…");
    expect(
      (await site.call("/v1/check-in", { license_key: key, instance_id: "box-2", certificate: later }, null))
        .status,
    ).toBe(503);

    const report = await site.json(...restore!);
    for (const args of checks) await site.ok(...args);
    expect(report).toMatchObject({ findings: [], given_up: [], seats_held: 1, seals: 1 });
    expect(await site.json("licenses", "list")).toEqual(before);
    expect(await site.json("audit", "verify", "--state", "audit.json")).toMatchObject({
      valid: true,
      seals: 1,
    });
    expect(await site.json("audit", "verify", "--witness", "certificate.jwt")).toMatchObject({ valid: true });
    await site.night();
    expect(await site.json("audit", "verify", "--state", "audit.json")).toMatchObject({
      valid: true,
      seals: 2,
    });
    // Both hold a certificate that runs: neither loses its seat, although the license has one.
    for (const [instance_id, held] of [
      ["box-1", certificate],
      ["box-2", later],
    ]) {
      const { status, body } = await site.call(
        "/v1/check-in",
        { license_key: key, instance_id, certificate: held },
        null,
      );
      expect([instance_id, status, body.code]).toEqual([instance_id, 200, undefined]);
    }
    const [event] = await site.json("events", "--action", "record.restored", "--limit", "1");
    expect(event.detail).toMatchObject({ backup: report.backup, with_access: true });
    // The tokens came, too.
    expect((await site.json("tokens", "list")).length).toBeGreaterThan(0);
  });
});
