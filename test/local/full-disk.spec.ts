// A local service on a disk that is really full: a small tmpfs of its own, which this test fills from outside.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NodeLicense } from "../../src/clients/typescript/src/node.ts";
import { ENDS_WITH_PARENT, freePort } from "../../src/dev/service.ts";
import { isHere } from "./support/everything.ts";
import { migrated } from "./support/migrated.ts";

/** Mounts a tmpfs on $1 for the command that follows, and for it alone, with what is in $2. */
const SMALL_DISK = 'mount -t tmpfs -o size=8m tmpfs "$1" && cp -r "$2"/. "$1"/ && shift 2 && exec "$@"';

const canMount =
  spawnSync("unshare", ["-rm", "sh", "-c", 'mount -t tmpfs tmpfs "$0"', tmpdir()]).status === 0;

const TOKEN = "caio_token-of-the-full-disk-test";

let folder: string;
let service: ChildProcess;
let url: string;
let output: string;

/** A file on the small disk, as this process reaches it. */
const onDisk = (name: string): string => join(`/proc/${service.pid}/root`, folder, "disk", name);

function fill(): void {
  const filler = openSync(onDisk("filler"), "w");
  for (let size = 65_536; size >= 1;) {
    try {
      writeSync(filler, Buffer.alloc(size));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
      size = Math.floor(size / 2);
    }
  }
  closeSync(filler);
}

interface Answer {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of many calls
  body: any;
  retryAfter: number;
}

async function call(path: string, body?: object): Promise<Answer> {
  const response = await fetch(url + path, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return {
    status: response.status,
    body: await response.json(),
    retryAfter: Number(response.headers.get("Retry-After")),
  };
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-full-"));
  migrated(join(folder, "template"));
  mkdirSync(join(folder, "disk"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  output = "";
  const start = ["npm", "run", "--silent", "start", "--", "--port", String(port)];
  const options = [
    "--persist-to",
    join(folder, "disk"),
    "--var",
    `ADMIN_TOKEN:${TOKEN}`,
    "--var",
    "RATE_LIMITS:off",
    "--var",
    `ISSUER:${url}`,
  ];
  service = spawn(
    "unshare",
    [
      "-rm",
      "sh",
      "-c",
      SMALL_DISK,
      "sh",
      join(folder, "disk"),
      join(folder, "template"),
      ...start,
      ...options,
    ],
    {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: ENDS_WITH_PARENT.join(" ") },
    },
  );
  for (const stream of [service.stdout!, service.stderr!])
    stream.on("data", (chunk: Buffer) => (output += String(chunk)));
});

afterEach(async () => {
  const ended = once(service, "close");
  process.kill(-service.pid!, "SIGINT");
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

describe.runIf(isHere(canMount, "No disk can be mounted here."))("on a full disk", () => {
  it("refuses with 503 and never 500, keeps proven instances running, says so, and recovers", async () => {
    await vi.waitFor(() => expect(output).toContain("A first call"), { timeout: 60_000, interval: 100 });
    const type = { name: "Short", lease_days: 1, grace_days: 0, duration_days: 365 };
    const put = await fetch(`${url}/v1/admin/license-types/short`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify(type),
    });
    expect(put.status).toBe(201);
    await call("/v1/admin/customers", { id: "acme", name: "Acme" });
    const issued = await call("/v1/admin/licenses", { customer_id: "acme", license_type: "short" });
    const { license_key } = issued.body;
    const holder = await call("/v1/activate", { license_key, instance_id: "holder" });
    expect(holder.status).toBe(200);
    const client = await NodeLicense.open({
      url,
      licenseKey: license_key,
      folder: join(folder, "client"),
      background: false,
    });
    client.countRequests(5);
    // The first one takes the seat, the second one tells what was counted.
    await client.checkIn();
    expect(await client.checkIn()).toMatchObject({ state: "entitled", warnings: [] });
    const usedBy = async (): Promise<number[]> => {
      const { data } = (await call(`/v1/admin/licenses/${issued.body.license.id}/usage`)).body;
      return data.map(({ requests }: { requests: number }) => requests);
    };
    expect(await usedBy()).toEqual([5]);

    fill();
    // The log that SQLite writes ahead may have some room left in itself.
    const answers: Answer[] = [];
    for (let n = 0; n < 3_000 && answers.at(-1)?.status !== 503; n++)
      answers.push(await call("/v1/activate", { license_key, instance_id: `box-${n}` }));
    for (let n = 0; n < 50; n++)
      answers.push(await call("/v1/activate", { license_key, instance_id: `late-${n}` }));
    expect(new Set(answers.slice(-50).map(({ status }) => status))).toEqual(new Set([503]));
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    expect(answers.at(-1)!.retryAfter).toBeGreaterThan(0);
    expect(await call("/v1/admin/customers", { id: "late", name: "Late" })).toMatchObject({ status: 503 });

    const { certificate } = holder.body;
    const today = new Date().toISOString().slice(0, 10);
    const usage = [{ date: today, requests: 5, services: 1 }];
    const kept = await call("/v1/check-in", { license_key, instance_id: "holder", certificate, usage });
    expect(kept).toMatchObject({ status: 200, body: { usage_ignored: [today] } });
    expect(kept.body.warnings).toContainEqual(expect.objectContaining({ code: "NOT_RECORDED" }));
    expect(kept.body.lease_expires_at > holder.body.lease_expires_at).toBe(true);

    // The client of an installation goes on, counts, and keeps what was not taken.
    let lease = client.status().leaseExpiresAt!;
    for (let n = 0; n < 3; n++) {
      client.countRequests(100);
      const status = await client.checkIn();
      expect(status).toMatchObject({ state: "entitled", mayRun: true });
      expect(status.warnings).toEqual(["NOT_RECORDED"]);
      expect(status.leaseExpiresAt! >= lease).toBe(true);
      lease = status.leaseExpiresAt!;
    }

    expect(await call("/readyz")).toMatchObject({
      status: 503,
      body: { detail: "The database takes no writes." },
    });
    expect(await call("/v1/admin/health")).toMatchObject({
      status: 503,
      body: { database: { takes_writes: false } },
    });
    expect(output).toMatch(/"event":"database unavailable"/);
    const page = await fetch(`${url}/admin/sign-in`, {
      method: "POST",
      headers: { Origin: url },
      body: new URLSearchParams({ token: TOKEN }),
    });
    expect(page.status).toBe(503);
    expect(await page.text()).toMatch(
      /takes no writes.*Installations go on.*docs\/operations\/database-full\.md/,
    );

    unlinkSync(onDisk("filler"));
    expect((await call("/v1/activate", { license_key, instance_id: "after" })).status).toBe(200);
    client.countRequests(2);
    for (let n = 0; n < 2; n++)
      expect(await client.checkIn()).toMatchObject({ state: "entitled", warnings: [] });
    expect(await usedBy()).toEqual([307]);
    await client.close();
    const again = { license_key, instance_id: "holder", certificate: kept.body.certificate, usage };
    expect(await call("/v1/check-in", again)).toMatchObject({
      status: 200,
      body: { warnings: [], usage_ignored: [] },
    });
    expect((await call("/readyz")).body).toEqual({ status: "ok" });
    expect((await call("/v1/admin/health")).status).toBe(200);
  });
});
