// The TypeScript client in a container: no volume, no home, a read-only root, pods that come and go.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { NodeLicense } from "../../src/clients/typescript/src/node.ts";
import { bundled } from "./support/bundled.ts";
import { type Live, live } from "./support/live.ts";
import { scripted, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const program = await bundled("pod");

/** Mounts the folder $1 read-only for the command that follows, and for it alone. */
const READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"';
const canMount =
  spawnSync("unshare", ["-rm", "sh", "-c", READ_ONLY, "sh", mkdtempSync(join(tmpdir(), "caio-ro-")), "true"])
    .status === 0;

let service: Live;
let root: string;

beforeAll(async () => {
  service = await live();
});

afterAll(async () => {
  program.remove();
  await service?.remove();
});

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "caio-license-pod-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Pod {
  child: ChildProcess;
  output: () => string;
  says: (what: RegExp) => Promise<void>;
  end: (signal: NodeJS.Signals) => Promise<NodeJS.Signals | null>;
}

function start(env: Record<string, string>, isReadOnly = false): Pod {
  const command = [process.execPath, program.path];
  const [first, ...args] = isReadOnly
    ? ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", root, ...command]
    : command;
  const child = spawn(first!, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"]!, CAIO_LICENSE_URL: service.url, ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const over = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  return {
    child,
    output: () => output,
    says: (what) => vi.waitFor(() => expect(output).toMatch(what), { timeout: 30_000, interval: 20 }),
    async end(signal) {
      child.kill(signal);
      return (await over)[1];
    },
  };
}

const seatsOf = async (id: string): Promise<{ instance_id: string }[]> =>
  (await service.admin(`/activations?license_id=${id}&active=true`)).data;

describe("a pod whose service takes every request and never answers", () => {
  it.each(["0", "1"])("ends soon after SIGTERM, with CAIO_LICENSE_RELEASE=%s", async (release) => {
    const { key } = await service.newLicense();
    const silent = createServer().listen(0, "127.0.0.1");
    const asked = once(silent, "connection") as Promise<[Socket]>;
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const pod = start({
      CAIO_LICENSE_URL: `http://127.0.0.1:${port}`,
      CAIO_LICENSE_ISSUER: service.url,
      CAIO_LICENSE_KEY: key,
      CAIO_LICENSE_DIR: join(root, release),
      CAIO_LICENSE_RELEASE: release,
    });
    await pod.says(/^instance /m);
    const [socket] = await asked;
    const begin = performance.now();
    expect(await pod.end("SIGTERM")).toBe("SIGTERM");
    expect(performance.now() - begin).toBeLessThan(2_000);
    socket.destroy();
    silent.close();
  });
});

describe("a pod without a volume", () => {
  it.runIf(canMount)(
    "is never refused in twenty restarts with a read-only root and no home, where it asks for short leases and gives its seat back",
    async () => {
      const { id, key } = await service.newLicense({ max_instances: 2 });
      const env = {
        CAIO_LICENSE_KEY: key,
        CAIO_LICENSE_LEASE_HOURS: "1",
        CAIO_LICENSE_RELEASE: "1",
        HOME: root,
      };
      for (let n = 0; n < 20; n++) {
        const pod = start(env, true);
        await pod.says(/^entitled null STATE_NOT_KEPT$/m);
        // A signal that ends it, as it would without a license.
        expect(await pod.end("SIGTERM")).toBe("SIGTERM");
        expect(pod.output()).not.toMatch(/^refused/m);
        expect(pod.output().match(/cannot be written and goes on in memory/g)).toHaveLength(1);
        expect(await seatsOf(id)).toEqual([]);
      }
      expect(readdirSync(root)).toEqual([]);
      // Each told what it had counted before it went.
      expect(await service.requestsOf(id)).toBe(20);
    },
  );

  it("is never refused in twenty kills where its instance id is pinned", async () => {
    const { id, key } = await service.newLicense({ max_instances: 1 });
    for (let n = 0; n < 20; n++) {
      const env = {
        CAIO_LICENSE_KEY: key,
        CAIO_LICENSE_INSTANCE_ID: " hostname-1 ",
        CAIO_LICENSE_DIR: join(root, `${n}`),
      };
      const pod = start(env);
      await pod.says(/^entitled/m);
      expect(await pod.end("SIGKILL")).toBe("SIGKILL");
      expect(pod.output()).toMatch(/^instance hostname-1$/m);
      expect(pod.output()).not.toMatch(/^refused/m);
    }
    expect(await seatsOf(id)).toMatchObject([{ instance_id: "hostname-1" }]);
  });
});

describe("processes that share a folder", () => {
  it("keep their seat until the last of them ends, and take one again when one starts", async () => {
    const { id, key } = await service.newLicense({ max_instances: 1 });
    const env = { CAIO_LICENSE_KEY: key, CAIO_LICENSE_RELEASE: "1", CAIO_LICENSE_DIR: join(root, "state") };
    const pods = [start(env), start(env), start(env)];
    for (const pod of pods) await pod.says(/^entitled/m);
    // One that was killed holds nobody back.
    await pods[0]!.end("SIGKILL");
    await pods[1]!.end("SIGTERM");
    expect(await seatsOf(id)).toHaveLength(1);
    await pods[2]!.end("SIGTERM");
    expect(await seatsOf(id)).toEqual([]);
    const next = start(env);
    await next.says(/^entitled/m);
    await next.end("SIGTERM");
  });

  it("keep their license where another one is configured for the next start", async () => {
    const [trial, paid] = [await service.newLicense({ max_instances: 1 }), await service.newLicense()];
    const env = { CAIO_LICENSE_KEY: trial.key, CAIO_LICENSE_DIR: join(root, "state") };
    const first = start(env);
    await first.says(/^entitled/m);
    await first.end("SIGTERM");
    // The seat of before is free once the other license was granted.
    const second = start({ ...env, CAIO_LICENSE_KEY: `"${paid.key}"` });
    await second.says(/^entitled/m);
    await vi.waitFor(async () => expect(await seatsOf(paid.id)).toHaveLength(1), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await seatsOf(trial.id)).toEqual([]), { timeout: 20_000 });
    await second.end("SIGTERM");
  });
});

describe("a key file", () => {
  const issuer = "https://licenses.example";
  let folder: ReturnType<typeof stateFolder>;

  beforeEach(() => {
    folder = stateFolder();
  });

  afterEach(() => folder.remove());

  /** As Kubernetes mounts a Secret: the file is a link through a link that is swapped. */
  function mount(text: string | Uint8Array, version: string): void {
    mkdirSync(join(root, version));
    writeFileSync(join(root, version, "license"), text);
    symlinkSync(version, join(root, "..data_tmp"));
    renameSync(join(root, "..data_tmp"), join(root, "..data"));
  }

  it("is read at the start and while it runs, also where a Secret swaps its link; what cannot be read changes nothing", async () => {
    const signer = await createSigner(issuer);
    const keys = await Promise.all(["lic_1", "lic_2", "lic_3"].map((id) => signer.licenseKey(id)));
    mount(`\uFEFF${keys[0]}\r\n`, "v1");
    symlinkSync(join("..data", "license"), join(root, "license"));
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const errors: string[] = [];
    const license = await NodeLicense.open({
      url: issuer,
      trustedKeys: signer.trustedKeys,
      folder: folder.path,
      licenseKeyFile: join(root, "license"),
      fetch: scripted().fetch,
      onError: (error) => errors.push(String(error)),
    });
    const after10Seconds = async (check: () => void): Promise<void> =>
      vi.waitFor(async () => {
        await vi.advanceTimersByTimeAsync(10_000);
        check();
      });
    try {
      expect(license.status()).toMatchObject({ licenseId: "lic_1", candidate: null });
      // Of a license that may run nothing is given up for a file.
      mount(keys[1]!, "v2");
      await after10Seconds(() =>
        expect(license.status()).toMatchObject({ licenseId: "lic_1", candidate: { licenseId: "lic_2" } }),
      );
      mount(new Uint8Array([0xff, 0xfe, ...Buffer.from(keys[2]!, "utf16le")]), "v3");
      await after10Seconds(() => expect(errors.join("\n")).toMatch(/UTF-16/));
      expect(license.status()).toMatchObject({ licenseId: "lic_1", candidate: { licenseId: "lic_2" } });
      rmSync(join(root, "license"));
      await after10Seconds(() => expect(errors.join("\n")).toMatch(/ENOENT/));
      expect(license.status()).toMatchObject({ licenseId: "lic_1", mayRun: true });
      expect(errors.filter((error) => error.includes("UTF-16"))).toHaveLength(1);
    } finally {
      vi.useRealTimers();
      await license.close();
    }
  });

  it("comes after the key of the environment, and that after the argument's", async () => {
    const signer = await createSigner(issuer);
    const keys = await Promise.all(["lic_1", "lic_2", "lic_3"].map((id) => signer.licenseKey(id)));
    writeFileSync(join(root, "license"), keys[2]!);
    const licensed = async (options: object): Promise<string | null> => {
      const state = mkdtempSync(join(root, "state-"));
      const { trustedKeys } = signer;
      const license = await NodeLicense.open({
        issuer,
        trustedKeys,
        folder: state,
        background: false,
        ...options,
      });
      await license.close();
      return license.status().licenseId;
    };
    vi.stubEnv("CAIO_LICENSE_KEY_FILE", join(root, "license"));
    expect(await licensed({})).toBe("lic_3");
    vi.stubEnv("CAIO_LICENSE_KEY", keys[1]);
    expect(await licensed({})).toBe("lic_2");
    expect(await licensed({ licenseKey: keys[0] })).toBe("lic_1");
    vi.unstubAllEnvs();
  });
});
