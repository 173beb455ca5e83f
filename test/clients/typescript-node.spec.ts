// What the TypeScript client does on Node: its environment, its background work, processes that share a folder.
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { NodeLicense, type NodeLicenseOptions } from "../../src/clients/typescript/src/node.ts";
import { stateFolder } from "./support/scripted.ts";
import { createSigner, type Signer } from "./support/signer.ts";

const issuer = "https://licenses.example";
const NOW = Date.parse("2027-01-05T00:00:00.000Z");

let signer: Signer;
let licenseKey: string;
let folder: ReturnType<typeof stateFolder>;
const opened: NodeLicense[] = [];

beforeAll(async () => {
  signer = await createSigner(issuer);
  licenseKey = await signer.licenseKey("lic_1");
});

beforeEach(() => {
  folder = stateFolder();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(opened.splice(0).map((license) => license.close()));
  folder.remove();
});

/** An installation without a network, that does nothing by itself, unless told to. */
async function install(options: NodeLicenseOptions = {}): Promise<NodeLicense> {
  const license = await NodeLicense.open({
    issuer,
    trustedKeys: signer.trustedKeys,
    instanceId: "i-1",
    folder: folder.path,
    clock: () => NOW,
    background: false,
    ...options,
  });
  opened.push(license);
  return license;
}

/** Lets the background work go on until `check` is content. The timers are faked. */
const ticking = (check: () => void): Promise<void> =>
  vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(2_000);
    check();
  });

describe("the environment", () => {
  it("counts where a program says null for the key that it has not", async () => {
    vi.stubEnv("CAIO_LICENSE_KEY", licenseKey);
    const settings = JSON.parse('{ "licenseKey": null }') as object;
    expect((await install(settings)).status().code).toBe("NOT_ACTIVATED");
  });

  it("counts an empty variable as not set", async () => {
    for (const name of ["URL", "KEY", "ISSUER", "KEYS", "DIR"]) vi.stubEnv(`CAIO_LICENSE_${name}`, "");
    vi.stubEnv("HOME", folder.path);
    const { trustedKeys } = signer;
    const license = await install({
      url: issuer,
      issuer: undefined,
      folder: undefined,
      licenseKey,
      trustedKeys,
    });
    expect(license.status()).toMatchObject({ state: "indeterminate", code: "NOT_ACTIVATED" });
    const state = join(folder.path, ".local/state/caio-license/state.json");
    expect(JSON.parse(readFileSync(state, "utf8"))).toMatchObject({ license_key: licenseKey });
    // The same where a program hands on what it found there.
    const handed = await install({ url: "", issuer, folder: "", licenseKey: "" });
    expect(handed.status()).toMatchObject({ code: "NOT_ACTIVATED" });
    await expect(install({ url: "", issuer: "" })).rejects.toThrow(/its url, or the issuer/);
  });
});

describe("an onError that throws", () => {
  it.each([
    [
      "at once",
      () => {
        throw new Error("the logger is down");
      },
    ],
    ["later", () => Promise.reject(new Error("the logger is down"))],
  ])("%s ends nothing: the background work goes on, and what was counted is written", async (_, onError) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const escaped: unknown[] = [];
    const escape = (error: unknown): unknown => escaped.push(error);
    process.on("unhandledRejection", escape);
    try {
      // No mock: one would handle the promise that it returns.
      let told = 0;
      const counted = (): unknown => {
        told++;
        return onError();
      };
      const license = await install({ licenseKey, background: true, onError: counted });
      const away = `${folder.path}.away`;
      renameSync(folder.path, away);
      writeFileSync(folder.path, "a file where the folder was");
      license.countRequests(3);
      await ticking(() => expect(told).toBeGreaterThan(0));
      await setImmediate();
      rmSync(folder.path);
      renameSync(away, folder.path);
      await ticking(() => expect(folder.state()["usage"]["2027-01-05"].requests).toBe(3));
      await setImmediate();
      expect(escaped).toEqual([]);
    } finally {
      process.off("unhandledRejection", escape);
      vi.useRealTimers();
    }
  });
});

describe("processes that share a folder", () => {
  /** The answer to a request file, as staff hand it out. */
  const answerTo = async (request: string): Promise<string> => {
    const { nonce } = JSON.parse(request) as { nonce: string };
    const certificate = await signer.certificate("lic_1", NOW / 1000, { nonce });
    return JSON.stringify({ license_key: licenseKey, certificate });
  };

  it("know at their next flush what one of them learned", async () => {
    const idle = await install({ licenseKey });
    const busy = await install();
    await busy.loadLicenseFile(await answerTo(await busy.activationRequest()));
    expect(idle.status()).toMatchObject({ code: "NOT_ACTIVATED" });
    await idle.flush();
    expect(idle.status()).toMatchObject({ state: "entitled" });
  });

  it("learn in the background while nothing is counted, and forget nothing where the state is gone or broken", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const idle = await install({ licenseKey, background: true });
      const busy = await install();
      await busy.loadLicenseFile(await answerTo(await busy.activationRequest()));
      await ticking(() => expect(idle.status()).toMatchObject({ state: "entitled" }));
      const file = join(folder.path, "state.json");
      writeFileSync(file, '{"version": 1, "lic');
      await idle.flush();
      expect(idle.status()).toMatchObject({ state: "entitled" });
      rmSync(file);
      await idle.flush();
      expect(idle.status()).toMatchObject({ state: "entitled" });
    } finally {
      vi.useRealTimers();
    }
  });

  it("load the answer to a request that another one made, and a list after a newer one", async () => {
    const first = await install({ licenseKey });
    const second = await install();
    const file = await answerTo(await second.activationRequest());
    expect(await first.loadLicenseFile(file)).toMatchObject({ state: "entitled" });
    await second.loadRevocations(await signer.revocations(NOW / 1000 + 1, ["lic_1"]));
    expect(await first.loadRevocations(await signer.revocations(NOW / 1000, []))).toMatchObject({
      code: "LICENSE_REVOKED",
    });
  });

  it("write the receipt for a certificate that another one took in", async () => {
    const first = await install({ licenseKey });
    const second = await install();
    const request = await second.activationRequest();
    const { nonce, public_key } = JSON.parse(request) as { nonce: string; public_key: object };
    const certificate = await signer.certificate("lic_1", NOW / 1000, { nonce, cnf: { jwk: public_key } });
    await second.loadLicenseFile(JSON.stringify({ license_key: licenseKey, certificate }));
    const kept = vi.fn<(receipt: string) => Promise<void>>(async () => undefined);
    await first.deactivationReceipt(kept);
    expect(kept).toHaveBeenCalledOnce();
    expect(folder.state()).toMatchObject({ license_key: null });
  });
});
