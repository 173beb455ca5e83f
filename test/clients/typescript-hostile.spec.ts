// Answers that somebody kept, addresses that somebody mistyped, and services and folders that keep a caller waiting.
import { execFileSync } from "node:child_process";
import {
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open as openFile, readFile as readFileFrom } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  FileStorage,
  type License,
  type LicenseError,
  type LicenseOptions,
  MemoryStorage,
  NodeLicense,
  type Storage,
} from "../../src/clients/typescript/src/node.ts";
import { inTime } from "../../src/clients/typescript/src/disk.ts";
import { addressFault, canonicalAddress } from "../../src/clients/typescript/src/texts.ts";
import { open, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const issuer = "https://licenses.example";
const NOW = Date.parse("2027-01-05T00:00:00.000Z");
const MISTYPED = [
  "nonsense",
  "licensing.example",
  "localhost:8787",
  "ftp://x",
  "htps://licensing.example",
  "http://",
  "https:///",
  "http:/licensing.example",
  "https//licensing.example",
  "https://:8787",
  "https://licensing.example:port",
  "https://licensing.example:99999",
  "https://licens ing.example",
  "https://[::1",
  "user:secret@licensing.example",
  "/",
  "\u0000",
];

const signer = await createSigner(issuer);
const [key, otherKey] = [await signer.licenseKey("lic_1"), await signer.licenseKey("lic_2")];

type Body = Record<string, string>;
type Answering = (body: Body) => Promise<Response> | Response;

let folder: ReturnType<typeof stateFolder>;
let requests: { path: string; body: Body }[];
let answers: Answering[];
let said: LicenseError[];

beforeEach(() => {
  folder = stateFolder();
  [requests, answers, said] = [[], [], []];
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  folder.remove();
});

const grant = async (nonce?: string): Promise<Response> =>
  Response.json({
    license_key: key,
    certificate: await signer.certificate("lic_1", NOW / 1000, nonce === undefined ? {} : { nonce }),
  });

const problem = (code: string, more: object = {}): Response =>
  Response.json(
    { code, detail: code, ...more },
    { status: 403, headers: { "content-type": "application/problem+json" } },
  );

const refuse = async ({ nonce, instance_id }: Body): Promise<Response> => {
  const claims = { sub: instance_id, license_id: "lic_1", code: "LICENSE_SUSPENDED", iat: NOW / 1000, nonce };
  return problem("LICENSE_SUSPENDED", { refusal: await signer.document("refusal+jwt", claims) });
};

/** Until the request is given up. */
const silent = (signal: AbortSignal | null | undefined): Promise<Response> =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

const given = (options: Partial<LicenseOptions> = {}): LicenseOptions => ({
  issuer,
  trustedKeys: signer.trustedKeys,
  licenseKey: key,
  instanceId: "i-1",
  storage: folder.storage,
  clock: () => NOW,
  onError: (error) => said.push(error as LicenseError),
  fetch: async (url, { body, signal }) => {
    const about = { path: new URL(url).pathname, body: JSON.parse((body ?? "{}") as string) as Body };
    requests.push(about);
    const answer = answers.shift();
    return answer ? answer(about.body) : silent(signal);
  },
  ...options,
});

async function activated(options: Partial<LicenseOptions> = {}): Promise<License> {
  const license = await open(given(options));
  answers = [({ nonce }) => grant(nonce)];
  expect(await license.checkIn()).toMatchObject({ state: "entitled" });
  return license;
}

const timed = async <T>(work: () => Promise<T>): Promise<[T | Error, number]> => {
  const begun = performance.now();
  const result = await work().catch((error: Error) => error);
  return [result, performance.now() - begun];
};

describe("an answer to another request", () => {
  it("is told by the nonce, of which each request that may be refused has its own", async () => {
    const license = await activated();
    answers.push(
      () => problem("INSTANCE_NOT_ACTIVATED"),
      ({ nonce }) => grant(nonce),
      () => problem("X"),
    );
    await license.checkIn();
    await license.activate(otherKey);
    expect(requests.map(({ path }) => path)).toEqual([
      "/v1/activate",
      "/v1/check-in",
      "/v1/activate",
      "/v1/activate",
    ]);
    const nonces = requests.map(({ body }) => body["nonce"]!);
    expect(new Set(nonces).size).toBe(4);
    for (const nonce of nonces) expect(nonce.length).toBeGreaterThanOrEqual(16);
  });

  it("stops nothing that a certificate allows, where it is a genuine refusal that somebody kept", async () => {
    const license = await activated();
    let kept: Response | undefined;
    answers = [async (body) => (kept = await refuse(body)).clone()];
    expect(await license.checkIn()).toMatchObject({ state: "refused", code: "LICENSE_SUSPENDED" });
    answers = [({ nonce }) => grant(nonce)];
    expect(await license.checkIn()).toMatchObject({ state: "entitled" });
    // Signed in the same second as the certificate, so its time does not show that it is old.
    answers = [() => kept!];
    expect(await license.checkIn()).toMatchObject({ state: "entitled", warnings: ["LICENSE_SUSPENDED"] });
  });

  it("lifts no refusal, where it is a grant", async () => {
    const license = await activated();
    const kept = await grant("of-another-request");
    answers = [refuse, () => kept];
    await license.checkIn();
    const status = await license.checkIn();
    expect(status).toMatchObject({ state: "refused", code: "LICENSE_SUSPENDED" });
    expect(status.lastFailure!.reason).toContain("another request");
  });
});

describe("a mistyped address", () => {
  it.each(MISTYPED)("%j stops nobody, asks nobody, and is told", async (url) => {
    await activated();
    said = [];
    const asked = vi.fn<typeof fetch>();
    vi.stubGlobal("fetch", asked);
    const reason = "the url is no address of a service, which looks like https://licensing.example";
    const { fetch: _, storage: __, ...rest } = given({ url });
    const inCode = await NodeLicense.open({ ...rest, folder: folder.path, background: false });
    const opened = [inCode];
    if (!url.includes("\u0000")) {
      vi.stubEnv("CAIO_LICENSE_URL", url);
      const options = { ...rest, url: undefined, folder: folder.path, background: false };
      opened.push(await NodeLicense.open(options));
    }
    for (const license of opened) {
      for (const status of [license.status(), await license.checkIn()])
        expect(status).toMatchObject({ state: "entitled", lastFailure: { reason } });
    }
    expect(asked).not.toHaveBeenCalled();
    const told = said.map(({ message }) => message);
    expect(told.filter((text) => text.startsWith("The license service is not asked: "))).toHaveLength(
      opened.length,
    );
    expect(told.join()).not.toContain("secret");
  });

  it.each(MISTYPED)("%j without an issuer leaves it open whose license it is", async (url) => {
    await activated();
    const license = await open(given({ url, issuer: undefined }));
    expect(license.status()).toMatchObject({ mayRun: true, code: "ISSUER_MISMATCH" });
  });

  it.each([
    ...MISTYPED.map((url) => [url, true] as const),
    ["https://licensing.example", false],
    [" HTTPS://Licensing.Example.:443/ \n", false],
    ["http://localhost:8787", false],
    ["http://[::1]:8787/", false],
    ["https://user:secret@licensing.example/path/", false],
    ["https://müller.example:65535", false],
    ["http://127.0.0.1", false],
  ] as const)("%j: %s", (url, isFault) => {
    expect(addressFault(canonicalAddress(url)) !== null).toBe(isFault);
  });
});

describe("a service that says nothing", () => {
  it.each([
    ["checkIn", (license: License) => license.checkIn()],
    ["activate", (license: License) => license.activate()],
    ["activate with another key", (license: License) => license.activate(otherKey)],
    ["deactivate", (license: License) => license.deactivate()],
    ["release", (license: License) => license.release()],
  ])("is waited for by %s no longer than told in all", async (_, call) => {
    const license = await activated({ timeout: 300 });
    // Several requests, each of which is in time, and a fetch that does not know when to give up.
    const late = async (): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      return problem("INSTANCE_NOT_ACTIVATED");
    };
    answers = [late, () => new Promise<Response>(() => undefined)];
    const [, took] = await timed<unknown>(() => call(license));
    expect(took).toBeLessThan(700);
    expect(license.status()).toMatchObject({ state: "entitled", licenseId: "lic_1" });
  });

  it("is not waited for any longer where the storage does not answer either", async () => {
    const memory = new MemoryStorage();
    let isStuck = false;
    const storage: Storage = {
      read: (name) => memory.read(name),
      write: (name, text) => (isStuck ? new Promise(() => undefined) : memory.write(name, text)),
    };
    const license = await activated({ timeout: 300, storage });
    isStuck = true;
    license.countRequests();
    for (const call of [() => license.checkIn(), () => license.deactivate()]) {
      const [, took] = await timed<unknown>(call);
      expect(took).toBeLessThan(700);
    }
    expect(license.status()).toMatchObject({ state: "entitled" });
  });

  it("is told where the seat could not be given back in time", async () => {
    const license = await activated({ timeout: 200 });
    answers = [() => new Promise<Response>(() => undefined)];
    await expect(license.deactivate()).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });

  it("keeps a program from its end no longer than told", async () => {
    const { storage: _, ...rest } = given({ timeout: 300 });
    const license = await NodeLicense.open({ ...rest, url: issuer, folder: folder.path, release: true });
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    const [, took] = await timed(() => license.close());
    expect(took).toBeLessThan(1_500);
  });
});

describe("a place that is none", () => {
  it.each(["/proc/nope", "/proc/self/nope/deeper", "/dev/full", "/dev/null/state", "/sys/nope"])(
    "%s is told at once, and the license is in memory",
    async (path) => {
      const { storage: _, ...rest } = given();
      const [license, took] = await timed(() =>
        NodeLicense.open({ ...rest, url: issuer, folder: path, background: false }),
      );
      // Without the deadline for a disk, which would leave a thread that runs for ever.
      expect(took).toBeLessThan(1_500);
      const opened = license as NodeLicense;
      answers = [({ nonce }) => grant(nonce)];
      expect(await opened.checkIn()).toMatchObject({ state: "entitled", warnings: ["STATE_NOT_KEPT"] });
      await opened.close();
      expect(said.filter(({ code }) => code === "STATE_NOT_KEPT")).toHaveLength(1);
    },
  );

  it("does not answer: a start, a check-in and an end go on without it, and it is used when it is back", async () => {
    // A plain read of a pipe that nobody writes hangs as a network share does whose server is gone.
    const pipe = join(folder.path, "share");
    execFileSync("mkfifo", [pipe]);
    const { storage: _, ...rest } = given();
    try {
      const [reading, waited] = await timed(() =>
        inTime(folder.path, () => readFileFrom(pipe)).catch((error: Error) => error.message),
      );
      expect(reading).toMatch("does not answer");
      expect(waited).toBeLessThan(3_000);
      const options = { ...rest, url: issuer, folder: folder.path, background: false };
      const [opened, took] = await timed(() => NodeLicense.open(options));
      expect(took).toBeLessThan(5_000);
      const license = opened as NodeLicense;
      answers = [({ nonce }) => grant(nonce)];
      license.countRequests(3);
      const [status, asked] = await timed(() => license.checkIn());
      expect(asked).toBeLessThan(1_000);
      expect(status).toMatchObject({ state: "entitled", warnings: ["STATE_NOT_KEPT"] });
      const [, ended] = await timed(() => license.close());
      expect(ended).toBeLessThan(1_000);
      const writer = await openFile(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
      await writer.close();
      rmSync(pipe);
      // After the wait for the lock that it could not take away.
      const isWritten = async (): Promise<void> => {
        await license.flush();
        expect(folder.state()["usage"]["2027-01-05"].requests).toBe(3);
      };
      await vi.waitFor(isWritten, 5_000);
      expect(license.status()).toMatchObject({ state: "entitled", warnings: [] });
    } finally {
      rmSync(pipe, { force: true });
    }
  });

  it("is not made of a program that was busy for long", async () => {
    const storage = new FileStorage(folder.path);
    const [writing, reading] = [storage.write("a", "text"), storage.read("b")];
    const until = performance.now() + 2_500;
    while (performance.now() < until);
    await expect(writing).resolves.toBeUndefined();
    await expect(reading).resolves.toBeNull();
  });
});

describe("what is no file", () => {
  const WHAT: Record<string, (path: string) => void> = {
    "a folder": mkdirSync,
    "a pipe": (path) => execFileSync("mkfifo", [path]),
    "an endless device": (path) => symlinkSync("/dev/zero", path),
  };
  const faults = Object.keys(WHAT).flatMap((what) =>
    ["state.json", "kept.json", "instance_id", "lock.node"].map((name) => [what, name] as const),
  );
  const start = async (more: Record<string, unknown> = {}): Promise<NodeLicense> => {
    const { storage: _, licenseKey: __, ...rest } = given();
    return NodeLicense.open({ ...rest, folder: folder.path, background: false, ...more });
  };

  it.each(faults)("%s in the place of %s holds up no start and costs no license", async (what, name) => {
    await activated();
    rmSync(join(folder.path, name), { force: true });
    WHAT[what]!(join(folder.path, name));
    const [license, took] = await timed(() => start());
    expect(took).toBeLessThan(4_000);
    expect((license as NodeLicense).status()).toMatchObject({ state: "entitled", licenseId: "lic_1" });
    const [, ended] = await timed(() => (license as NodeLicense).close());
    expect(ended).toBeLessThan(4_000);
  });

  it.each(Object.keys(WHAT))("%s as key file holds up no start, and is told", async (what) => {
    const file = join(folder.path, "key");
    WHAT[what]!(file);
    const [license, took] = await timed(() => start({ licenseKeyFile: file }));
    expect(took).toBeLessThan(1_500);
    expect((license as NodeLicense).status()).toMatchObject({ code: "LICENSE_KEY_MISSING" });
    expect(said).toHaveLength(what === "a pipe" ? 0 : 1);
    await (license as NodeLicense).close();
  });

  it("is written to, not replaced, where a file for a courier goes", async () => {
    const [device, license] = [join(folder.path, "stdout"), await start({ licenseKey: key })];
    for (const [target, fault] of [
      ["/dev/null", null],
      ["/dev/full", /ENOSPC/],
    ] as const) {
      symlinkSync(target, device);
      const written = await license.writeActivationRequest(device).catch(String);
      expect(written ?? "written").toMatch(fault ?? "written");
      expect(readlinkSync(device)).toBe(target);
      rmSync(device);
    }
    await license.close();
  });

  it("is no license file", async () => {
    const license = await start();
    await expect(license.readLicenseFile("/dev/zero")).rejects.toMatchObject({
      code: "LICENSE_FILE_INVALID",
    });
    await license.close();
  });
});

describe("a lock that somebody left", () => {
  it("is waited for two seconds at most, whoever left it", async () => {
    writeFileSync(join(folder.path, "lock.node"), '{"where":"another host","pid":1,"token":"x"}');
    const [, took] = await timed(() => new FileStorage(folder.path).exclusively(async () => "mine"));
    expect(took).toBeLessThan(2_000);
  });

  it("is broken at once where its process is gone", async () => {
    const child = execFileSync(process.execPath, ["-e", "console.log(process.pid)"], { encoding: "utf8" });
    const where = `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} `;
    const namespace = execFileSync("readlink", ["/proc/self/ns/pid"], { encoding: "utf8" }).trim();
    const trace = { where: where + namespace, pid: Number(child), started: null, token: "x" };
    writeFileSync(join(folder.path, "lock.node"), JSON.stringify(trace));
    const [, took] = await timed(() => new FileStorage(folder.path).exclusively(async () => "mine"));
    expect(took).toBeLessThan(1_000);
  });
});

describe("temporary files", () => {
  const hidden = (): string[] => readdirSync(folder.path).filter((name) => name.startsWith("."));

  it("are gone after a write that failed", async () => {
    mkdirSync(join(folder.path, "state.json"));
    await expect(folder.storage.write("state.json", "{}")).rejects.toThrow(/EISDIR|ENOTEMPTY|directory/);
    expect(hidden()).toEqual([]);
  });

  it("of killed processes are gone after the next start", async () => {
    const left = [".state.json", ".kept.json", ".instance_id"].map(
      (name) => `${name}.${crypto.randomUUID()}`,
    );
    for (const name of left) writeFileSync(join(folder.path, name), key);
    await open(given());
    expect(hidden()).toEqual([]);
  });
});

it("a license in memory alone needs no folder", async () => {
  expect((await activated({ storage: new MemoryStorage() })).status().warnings).toEqual([]);
});
