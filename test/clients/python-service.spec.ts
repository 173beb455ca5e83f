// The Python client against the real service, over outages and proxies too, and as a package.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LicenseError, NodeLicense } from "../../src/clients/typescript/src/node.ts";
import { freePort, type RunningService } from "../../src/dev/service.ts";
import { startBuilt } from "../local/support/built.ts";
import { isHere } from "../local/support/everything.ts";
import { migrated } from "../local/support/migrated.ts";
import { startGateway } from "./support/gateway.ts";
import { findPython, LACKING, MODULES, PACKAGE, runPython, startPython, unittest } from "./support/python.ts";

const found = findPython();
const isPythonHere = isHere(found !== null, LACKING);
const python = found ?? "";

// setuptools first: on Debian 12 pip loads Python's own distutils, and setuptools, which brings another, cannot be
// imported after that.
const hasPip =
  found !== null &&
  (await runPython(found, ["-W", "ignore", "-c", "import setuptools, pip, wheel"])).code === 0;
const lackingPip = "There is no pip with setuptools and wheel for python3.";

describe.runIf(isPythonHere)(
  `the Python client and the service${isPythonHere ? "" : ` (${LACKING})`}`,
  () => {
    let folder: string;
    let service: RunningService;
    const children: ChildProcessWithoutNullStreams[] = [];

    const start = async (port: number): Promise<void> => {
      service = await startBuilt({
        port,
        ...migrated(join(folder, "database")),
        vars: [`ISSUER:http://localhost:${port}`, "RATE_LIMITS:off"],
      });
    };

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "caio-licensing-python-"));
      await start(await freePort());
    });

    afterAll(async () => {
      for (const child of children) child.kill("SIGKILL");
      await service.stop();
      rmSync(folder, { recursive: true });
    });

    const admin = async (method: string, path: string, body?: object) => {
      const response = await fetch(`http://127.0.0.1:${new URL(service.url).port}/v1/admin${path}`, {
        method,
        headers: { Authorization: `Bearer ${service.token}`, "Content-Type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });
      expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
      return (await response.json()) as any;
    };

    const issue = async (terms: object = {}): Promise<{ id: string; key: string }> => {
      const customer = await admin("POST", "/customers", { name: "Acme" });
      const { license, license_key } = await admin("POST", "/licenses", {
        customer_id: customer.id,
        license_type: "professional",
        expires_days: 90,
        ...terms,
      });
      return { id: license.id, key: license_key };
    };

    it("gets along with the real service", () =>
      unittest(python, MODULES.service, {
        LICENSING_URL: service.url,
        LICENSING_TOKEN: service.token,
      }));

    // Twenty pods, one after the other.
    it(
      "runs in a container without a home, a volume, or a root that can be written",
      { timeout: 90_000 },
      () =>
        unittest(python, MODULES.container, { LICENSING_URL: service.url, LICENSING_TOKEN: service.token }),
    );

    it("carries CAIO's Phase 17 in FastAPI", () =>
      unittest(python, ["test_phase17"], { LICENSING_URL: service.url, LICENSING_TOKEN: service.token }));

    it("obeys, counts and adds up as the TypeScript client and the service do", async () => {
      await admin("POST", "/entitlements", { code: "gpus", name: "GPUs", kind: "limit" });
      const meter = { kind: "meter", period: "month", over: "warn" };
      await admin("POST", "/entitlements", { code: "tokens", name: "Tokens", aggregate: "sum", ...meter });
      await admin("POST", "/entitlements", { code: "nodes", name: "Nodes", aggregate: "peak", ...meter });
      const { id, key } = await issue({
        entitlements: { gpus: { value: 8 }, tokens: { value: 2_000 }, nodes: { value: null } },
      });
      const month = new Date().toISOString().slice(0, 7);
      const program = `
import json, sys
from caio_licensing import LicenseClient
client = LicenseClient(sys.argv[1], sys.argv[2], state_dir=sys.argv[3])
client.check_in()
client.count("tokens", 120)
client.observe("nodes", 4)
status = client.check_in()
allows = [status.allows("gpus", 8), status.allows("gpus", 9), status.allows("sso")]
print(json.dumps({"gpus": status.entitlement("gpus"), "allows": allows, "meters": client.statement(sys.argv[4])["meters"]}))
`;
      const { code, output } = await runPython(python, [
        "-c",
        program,
        service.url,
        key,
        join(folder, "one"),
        month,
      ]);
      expect(code, output).toBe(0);
      const one = JSON.parse(output) as { meters: Record<string, { total: number; peak: number }> };
      expect(one).toMatchObject({ gpus: 8, allows: [true, false, false] });

      const other = await NodeLicense.open({
        url: service.url,
        licenseKey: key,
        folder: join(folder, "other"),
        background: false,
      });
      try {
        await other.checkIn();
        other.count("tokens", 30);
        other.observe("nodes", 3);
        await other.checkIn();
        expect(other.entitlement("gpus")).toBe(8);
        expect([other.allows("gpus", 8), other.allows("gpus", 9), other.allows("sso")]).toEqual([
          true,
          false,
          false,
        ]);
        expect(() => other.requireEntitlement("gpus", 8)).not.toThrow();
        expect(() => other.requireEntitlement("gpus", 9)).toThrow(LicenseError);
        const { meters } = await admin("GET", `/licenses/${id}/statements/${month}`);
        const theirs = other.statement(month).meters;
        for (const [meterCode, both] of [
          ["tokens", 150],
          ["nodes", 7],
        ] as const) {
          expect(meters[meterCode], meterCode).toMatchObject({ total: both, peak: both });
          expect(one.meters[meterCode]!.total + theirs[meterCode]!.total, meterCode).toBe(both);
        }
      } finally {
        await other.close();
      }
    });

    it("refuses nothing and loses no count while the service is away", async () => {
      const { id, key } = await issue();
      const state = join(folder, "counting");
      const states = new Set<string>();
      let failures = 0;
      const count = () => {
        const child = startPython(python, ["counting.py", service.url, state, key]);
        children.push(child);
        child.stderr.resume();
        const lines = createInterface({ input: child.stdout });
        const total = new Promise<number>((resolve, reject) => {
          lines.on("line", (text) => {
            const line = JSON.parse(text) as { state?: string; failures?: number; total?: number };
            if (line.state) states.add(line.state);
            failures = line.failures ?? failures;
            if (line.total !== undefined) resolve(line.total);
          });
          void once(child, "close").then(() => reject(new Error("ended without a total")));
        });
        return { child, total };
      };
      const until = async (holds: () => boolean) => {
        for (const end = Date.now() + 60_000; !holds() && Date.now() < end;) await sleep(50);
        expect(holds()).toBe(true);
      };

      const first = count();
      await until(() => states.has("entitled"));
      const port = Number(new URL(service.url).port);
      await service.kill();
      await until(() => failures >= 2);
      await start(port);
      await until(() => failures === 0);
      first.child.stdin.end("stop\n");
      const counted = await first.total;

      // A second life of the same installation adds to what is there.
      const second = count();
      await sleep(1_000);
      second.child.stdin.end("stop\n");
      const more = await second.total;

      expect(counted).toBeGreaterThan(100);
      expect([...states]).toEqual(["entitled"]);
      const { data } = await admin("GET", `/licenses/${id}/usage`);
      expect(data.reduce((sum: number, day: any) => sum + day.requests, 0)).toBe(counted + more);
    });

    it("goes through a proxy and trusts a company's own authority", async () => {
      const { key } = await issue();
      const gateway = await startGateway(folder, service.url);
      const program = `
import sys
from caio_licensing import LicenseClient
client = LicenseClient("https://licensing.test", sys.argv[1], state_dir=sys.argv[2], issuer=sys.argv[3])
print(client.check_in().state)
`;
      const run = (name: string, extra: Record<string, string>) =>
        runPython(python, ["-c", program, key, join(folder, name), service.url], extra);
      try {
        const through = { HTTPS_PROXY: gateway.proxy };
        const trusted = await run("trusted", { ...through, SSL_CERT_FILE: gateway.authority });
        expect(trusted.output).toBe("entitled\n");
        expect(gateway.connected).toContain("licensing.test:443");
        const untrusted = await run("untrusted", through);
        expect(untrusted.output).toContain("indeterminate");
        const direct = await run("direct", { SSL_CERT_FILE: gateway.authority });
        expect(direct.output).toContain("indeterminate");
      } finally {
        await gateway.close();
      }
    });

    it.runIf(isHere(hasPip, lackingPip))(
      "is a package that pip installs without a network, with its license and a page that stands alone",
      async () => {
        const target = join(folder, "site");
        const offline = ["--no-index", "--no-build-isolation", "--no-deps", "--no-cache-dir", "--quiet"];
        const source = join(folder, "source");
        const copied = await runPython(python, [
          "-c",
          "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])",
          PACKAGE,
          source,
        ]);
        expect(copied.code, copied.output).toBe(0);
        const pip = async (...args: string[]) => {
          const { code, output } = await runPython(python, ["-m", "pip", ...args]);
          expect(code, output).toBe(0);
        };
        await pip("wheel", ...offline, "--wheel-dir", join(folder, "wheels"), source);
        await pip("install", ...offline, "--target", target, ...globSync(join(folder, "wheels/*.whl")));
        const program = `
import importlib.metadata, pathlib, caio_licensing
from caio_licensing.testing import LicenseDrill
package = pathlib.Path(caio_licensing.__file__).parent
found = importlib.metadata.distribution("caio-licensing")
print(package, (package / "py.typed").exists())
print(*sorted(file.name for file in found.files if file.name in ("LICENSE", "METADATA")))
page = found.metadata.get_payload() or found.metadata["Description"]
print(page[: page.index("\\n")], *(link for link in ("](..", "](docs", "../") if link in page))
with LicenseDrill() as drill:
    print(drill.client(drill.issue()).check_in().state, *(one.value for one in found.entry_points))
`;
        const used = await runPython(python, ["-c", program], { PYTHONPATH: target });
        expect(used.output).toBe(
          `${join(target, "caio_licensing")} True\nLICENSE METADATA\n# caio-licensing\nDRILL: the license comes from a drill.\nentitled caio_licensing.testing.plugin\n`,
        );
      },
    );
  },
);
