// The TypeScript client against the real service.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type KeySet,
  LicenseError,
  NodeLicense,
  type NodeLicenseOptions,
} from "../../src/clients/typescript/src/node.ts";
import { type Live, live } from "./support/live.ts";

const CLIENT = join(import.meta.dirname, "../../src/clients/typescript/src/node.ts");
const run = promisify(execFile);

let service: Live;
let folder: string;
const opened: NodeLicense[] = [];

beforeAll(async () => {
  service = await live();
});

afterAll(() => service?.remove());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "caio-license-test-"));
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((license) => license.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** An installation that does nothing by itself, unless told to. */
async function install(options: Partial<NodeLicenseOptions> = {}): Promise<NodeLicense> {
  const license = await NodeLicense.open({
    url: service.url,
    folder: join(folder, "state"),
    background: false,
    ...options,
  });
  opened.push(license);
  return license;
}

const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await what()); tries++) {
    if (tries > 300) throw new Error("this never came");
    await sleep(100);
  }
};

describe("an installation", () => {
  it("activates with nothing but its key, checks in, and gives the seat back", async () => {
    const { id, key } = await service.newLicense({ max_instances: 1 });
    const license = await install({ licenseKey: key, appVersion: "4.2.0" });
    expect(license.status()).toMatchObject({ state: "indeterminate", code: "SIGNING_KEY_UNKNOWN" });
    expect(await license.checkIn()).toMatchObject({
      state: "entitled",
      code: null,
      licenseId: id,
      maxInstances: 1,
      mayRun: true,
    });
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    const { data } = await service.admin(`/licenses/${id}/activations`);
    expect(data).toMatchObject([{ instance_id: license.instanceId, active: true, app_version: "4.2.0" }]);

    const other = await install({ folder: join(folder, "other"), licenseKey: key });
    expect(await other.checkIn()).toMatchObject({ state: "refused", code: "ACTIVATION_LIMIT_REACHED" });

    license.countRequests(7);
    await license.deactivate();
    expect(await service.requestsOf(id)).toBe(7);
    expect(await license.checkInIfDue()).toMatchObject({ state: "refused", code: "LICENSE_KEY_MISSING" });
    expect(await other.checkIn()).toMatchObject({ state: "entitled" });
    await other.deactivate();
    expect(await license.activate(key)).toMatchObject({ state: "entitled" });
  });

  it("is the same instance after a restart, and entitled before it asked anybody", async () => {
    const { id, key } = await service.newLicense();
    const first = await install({ licenseKey: key });
    await first.checkIn();
    await first.close();
    const second = await install({
      url: "http://127.0.0.1:9",
      issuer: service.url,
    });
    expect(second.instanceId).toBe(first.instanceId);
    expect(second.status()).toMatchObject({ state: "entitled", licenseId: id });
    for (const name of ["state.json", "instance_id"])
      expect(statSync(join(folder, "state", name)).mode & 0o777).toBe(0o600);
  });

  it("stops when it is suspended, goes on when it is reinstated, and gets a renewal without a mail", async () => {
    const { id, key } = await service.newLicense({ expires_days: 100 });
    const license = await install({ licenseKey: key });
    const { licenseExpiresAt, features } = await license.checkIn();
    license.requireFeature(features[0]!);

    await service.admin(`/licenses/${id}/suspend`, { reason: "unpaid" });
    expect(license.status().state).toBe("entitled");
    // Signed, so that it counts at once.
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_SUSPENDED" });
    expect(() => license.requireFeature(features[0]!)).toThrow(
      expect.objectContaining({ name: "LicenseError", code: "LICENSE_SUSPENDED" }),
    );

    await service.admin(`/licenses/${id}/reinstate`, {});
    const { license: renewed } = await service.admin(`/licenses/${id}/renew`, { expires_days: 365 });
    const status = await license.checkIn();
    expect(status).toMatchObject({ state: "entitled", code: null, licenseExpiresAt: renewed.expires_at });
    expect(status.licenseExpiresAt).not.toBe(licenseExpiresAt);

    // Started again with the old key in its configuration, it keeps what it was given.
    const restarted = await install({ licenseKey: key });
    expect(restarted.status()).toMatchObject({ licenseExpiresAt: renewed.expires_at });
    const stored = JSON.parse(readFileSync(join(folder, "state", "state.json"), "utf8"));
    expect(stored.license_key).not.toBe(key);
  });

  it("that asks by another name of the host names both, and goes on where it is told the other one", async () => {
    const { id, key } = await service.newLicense();
    const url = service.url.replace("127.0.0.1", "localhost");
    const license = await install({ url, licenseKey: key });
    const { state, code, detail, mayRun } = await license.checkIn();
    expect({ state, code, mayRun }).toEqual({
      state: "indeterminate",
      code: "ISSUER_MISMATCH",
      mayRun: true,
    });
    expect(detail).toContain(url);
    expect(detail).toContain(service.url);
    const told = await install({
      url: ` ${url.toUpperCase()}/ `,
      issuer: `${url},${service.url}`,
      licenseKey: key,
    });
    expect(await told.checkIn()).toMatchObject({ state: "entitled", licenseId: id });
  });

  it("gives the old seat back when it goes over to another license", async () => {
    const [old, other] = [await service.newLicense({ max_instances: 1 }), await service.newLicense()];
    const license = await install({ licenseKey: old.key });
    await license.checkIn();
    license.countRequests(4);
    expect(await license.activate(`export CAIO_LICENSE_KEY='${other.key}'`)).toMatchObject({
      state: "entitled",
      licenseId: other.id,
      candidate: null,
    });
    const seats = await service.admin(`/activations?license_id=${old.id}&active=true`);
    expect(seats.data).toEqual([]);
    // What was not told under the one is told under the other, once.
    await license.checkIn();
    expect([await service.requestsOf(old.id), await service.requestsOf(other.id)]).toEqual([0, 4]);
    // The key of before, still in the environment, changes nothing.
    const restarted = await install({ licenseKey: old.key });
    expect(restarted.status()).toMatchObject({ state: "entitled", licenseId: other.id, candidate: null });
  });

  it("goes over to a reissued key by itself, while a thief with the old one is refused", async () => {
    const { id, key } = await service.newLicense();
    const license = await install({ licenseKey: key });
    await license.checkIn();
    await service.admin(`/licenses/${id}/reissue`, { reason: "leaked" });
    expect(await license.checkIn()).toMatchObject({
      state: "entitled",
      warnings: ["LICENSE_KEY_SUPERSEDED"],
    });
    expect(await license.checkIn()).toMatchObject({ state: "entitled", warnings: [] });
    const thief = await install({ folder: join(folder, "thief"), licenseKey: key });
    expect(await thief.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_KEY_SUPERSEDED" });
  });

  it("activates again where staff took its seat back", async () => {
    const { id, key } = await service.newLicense();
    const license = await install({ licenseKey: key });
    await license.checkIn();
    const { data } = await service.admin(`/licenses/${id}/activations`);
    const response = await fetch(`${service.url}/v1/deactivate`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        license_key: key,
        instance_id: license.instanceId,
        certificate: JSON.parse(readFileSync(join(folder, "state", "state.json"), "utf8")).certificate,
      }),
    });
    expect(response.status).toBe(204);
    license.countRequests(3);
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    expect((await service.admin(`/licenses/${id}/activations`)).data[0].id).not.toBe(data[0].id);
    await license.checkIn();
    expect(await service.requestsOf(id)).toBe(3);
  });

  it("takes in a revocation list that somebody passed on", async () => {
    const { id, key } = await service.newLicense();
    const license = await install({ licenseKey: key });
    await license.checkIn();
    await service.admin(`/licenses/${id}/revoke`, { reason: "over" });
    const list = await (await fetch(`${service.url}/v1/revocations`)).text();
    // Issued by the hour, but never before what it tells of: the certificate of this hour is older.
    expect(await license.loadRevocations(list)).toMatchObject({ state: "refused", code: "LICENSE_REVOKED" });
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_REVOKED" });
    const fresh = await install({ folder: join(folder, "fresh"), licenseKey: key });
    await fresh.checkInIfDue();
    expect(await fresh.loadRevocations()).toMatchObject({ state: "refused", code: "LICENSE_REVOKED" });
    await expect(license.loadRevocations(list.slice(0, -3))).rejects.toThrow(LicenseError);
  });
});

describe("a certificate", () => {
  const HOUR = 3_600_000;
  const leaseOf = ({ leaseExpiresAt }: { leaseExpiresAt: string | null }): number =>
    (Date.parse(leaseExpiresAt!) - Date.now()) / HOUR;

  it("lasts no longer than was wished for", async () => {
    const { key } = await service.newLicense();
    const license = await install({ licenseKey: key, leaseHours: 2 });
    const status = await license.checkIn();
    expect(leaseOf(status)).toBeGreaterThan(1.9);
    expect(leaseOf(status)).toBeLessThan(2.1);
  });

  it("that was lost is missed: the seat stays one, leases are short, and usage waits until it is proven", async () => {
    const { id, key } = await service.newLicense({ max_instances: 1 });
    const license = await install({ licenseKey: key, instanceId: "rack-7" });
    await license.checkIn();
    license.countRequests(2);
    const other = await install({ folder: join(folder, "other"), licenseKey: key, instanceId: "rack-7" });
    other.countRequests(1_000_000);
    await other.checkIn();
    const status = await other.checkIn();
    expect(status).toMatchObject({ state: "entitled", warnings: ["INSTANCE_UNPROVEN"] });
    expect(leaseOf(status)).toBeLessThan(72.1);
    await expect(other.deactivate()).rejects.toMatchObject({ code: "CERTIFICATE_REQUIRED" });
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    expect(await service.requestsOf(id)).toBe(2);
    const { usage } = JSON.parse(readFileSync(join(folder, "other", "state.json"), "utf8"));
    expect(Object.values(usage)).toMatchObject([{ requests: 1_000_000 }]);
    await license.deactivate();
  });
});

describe("usage", () => {
  it("arrives once: day by day, over restarts, told again and again", async () => {
    const { id, key } = await service.newLicense();
    let now = Date.now() - 3 * 86_400_000;
    const clock = () => now;
    const first = await install({ licenseKey: key, clock });
    first.countRequests(10);
    first.setServices(4);
    first.setServices(2);
    await first.flush();
    now += 86_400_000;
    first.countRequests(20);
    await first.close();
    now += 2 * 86_400_000;
    const second = await install({ clock });
    second.countRequests();
    await second.checkIn();
    await second.checkIn();
    await second.checkIn();
    const { data } = await service.admin(`/licenses/${id}/usage`);
    expect(data.map(({ requests, services }: any) => [requests, services])).toEqual([
      [10, 4],
      [20, 2],
      [1, 0],
    ]);
    const { usage } = JSON.parse(readFileSync(join(folder, "state", "state.json"), "utf8"));
    expect(Object.values(usage)).toEqual([{ requests: 1, services: 0 }]);
  });

  it("arrives in full from processes that share a state folder", async () => {
    const { id, key } = await service.newLicense();
    const workers = await Promise.all([1, 2, 3].map(() => install({ licenseKey: key })));
    expect(new Set(workers.map(({ instanceId }) => instanceId)).size).toBe(1);
    await Promise.all(
      workers.map(async (worker) => {
        for (let n = 0; n < 20; n++) {
          worker.countRequests(5);
          await worker.flush();
        }
      }),
    );
    await workers[0]!.checkIn();
    await workers[1]!.checkIn();
    expect(await service.requestsOf(id)).toBe(300);
  });
});

describe("the air gap", () => {
  it("is crossed by files alone, there and back, and closed by a receipt", async () => {
    const { id, key } = await service.newLicense({ max_instances: 1 });
    const published = await fetch(`${service.url}/.well-known/jwks.json`);
    const trustedKeys: KeySet = JSON.parse(await published.text());
    const island = await install({
      url: "http://127.0.0.1:9",
      issuer: service.url,
      licenseKey: key,
      trustedKeys,
      fetchKeys: false,
    });
    island.countRequests(11);
    const [request, file, receipt] = ["request.json", "island.caio-license", "receipt.jws"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await island.writeActivationRequest(request);
    const answer = await service.admin(`/licenses/${id}/offline-activations`, {
      request: JSON.parse(readFileSync(request, "utf8")),
    });
    writeFileSync(file, JSON.stringify(answer));
    expect(await island.readLicenseFile(file)).toMatchObject({
      state: "entitled",
      leaseExpiresAt: answer.lease_expires_at,
    });
    expect(await service.requestsOf(id)).toBe(11);

    // The answer to a request that is forgotten, and one that was tampered with, are turned away and change nothing.
    await island.writeActivationRequest(request);
    const other = await service.admin(`/licenses/${id}/offline-activations`, {
      request: JSON.parse(readFileSync(request, "utf8")),
    });
    for (let n = 0; n < 3; n++) await island.writeActivationRequest(request);
    for (const wrong of [
      other,
      { ...answer, certificate: `${answer.certificate.slice(0, -6)}AAAAAA` },
      "{}",
    ]) {
      writeFileSync(file, JSON.stringify(wrong));
      await expect(island.readLicenseFile(file)).rejects.toMatchObject({ code: "LICENSE_FILE_INVALID" });
    }
    expect(island.status()).toMatchObject({ state: "entitled" });

    // A receipt speaks for the newest license file of its installation, so the last answer must have arrived.
    const newest = await service.admin(`/licenses/${id}/offline-activations`, {
      request: JSON.parse(readFileSync(request, "utf8")),
    });
    writeFileSync(file, JSON.stringify(newest));
    await island.readLicenseFile(file);
    await island.writeDeactivationReceipt(receipt);
    expect(island.status()).toMatchObject({ state: "refused", code: "LICENSE_KEY_MISSING" });
    await expect(island.writeDeactivationReceipt(receipt)).rejects.toMatchObject({ code: "NOT_ACTIVATED" });
    await service.admin(`/licenses/${id}/offline-deactivations`, { receipt: readFileSync(receipt, "utf8") });
    const next = await install({ folder: join(folder, "next"), licenseKey: key });
    expect(await next.checkIn()).toMatchObject({ state: "entitled" });
  });
});

describe("a proxy", () => {
  it("is taken where Node is told to, and only then", async () => {
    const { key } = await service.newLicense();
    const tunnels: string[] = [];
    const proxy = createServer().listen(0, "127.0.0.1");
    await once(proxy, "listening");
    proxy.on("connect", (request, socket) => {
      tunnels.push(request.url!);
      const [host, port] = request.url!.split(":") as [string, string];
      const target = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(target).pipe(socket);
      });
    });
    const script = `
      import { NodeLicense } from ${JSON.stringify(pathToFileURL(CLIENT).href)};
      const license = await NodeLicense.open({ background: false });
      process.stdout.write((await license.checkIn()).state);`;
    const checkIn = async (name: string, told: object): Promise<string> => {
      const env = {
        HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        CAIO_LICENSE_URL: service.url,
        CAIO_LICENSE_KEY: key,
        CAIO_LICENSE_DIR: join(folder, name),
        ...told,
      };
      return (await run(process.execPath, ["--input-type=module", "-e", script], { env })).stdout;
    };
    try {
      expect(await checkIn("direct", {})).toBe("entitled");
      expect(tunnels).toEqual([]);
      expect(await checkIn("through", { NODE_USE_ENV_PROXY: "1" })).toBe("entitled");
      expect(new Set(tunnels)).toEqual(new Set([new URL(service.url).host]));
    } finally {
      proxy.close();
    }
  });
});

describe("an outage", () => {
  it("of a service that is killed and comes back refuses nothing, and all usage arrives exactly once", async () => {
    const { id, key } = await service.newLicense();
    // In the background, as it is meant to run; the random number makes it try again after a second.
    const license = await install({ licenseKey: key, background: true, random: () => 0 });
    await until(() => license.status().state === "entitled");
    const states = new Set<string>();
    let counted = 0;
    const counting = setInterval(() => {
      license.countRequests();
      counted++;
      states.add(license.status().state);
    }, 5);
    try {
      for (let round = 0; round < 2; round++) {
        await license.checkIn();
        // Killed while a check-in is under way: whether it was taken in is not known.
        const torn = license.checkIn();
        await service.kill();
        expect(await torn).toMatchObject({ state: "entitled" });
        expect(await license.checkIn()).toMatchObject({ state: "entitled" });
        const told = counted;
        await service.start();
        // It finds back by itself.
        await until(async () => (await service.requestsOf(id)) >= told);
      }
    } finally {
      clearInterval(counting);
    }
    await license.checkIn();
    await license.checkIn();
    expect(await service.requestsOf(id)).toBe(counted);
    expect([...states]).toEqual(["entitled"]);
  });
});
