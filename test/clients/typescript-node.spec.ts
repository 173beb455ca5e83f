// What the TypeScript client does on Node: its environment, its background work, processes that share a folder.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
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

describe("the environment", () => {
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
      const told = vi.fn(onError);
      const license = await install({ licenseKey, background: true, onError: told });
      const file = join(folder.path, "state.json");
      rmSync(file);
      mkdirSync(file);
      license.countRequests(3);
      await vi.advanceTimersByTimeAsync(2_000);
      await vi.waitFor(() => expect(told).toHaveBeenCalled());
      await setImmediate();
      rmSync(file, { recursive: true });
      await vi.advanceTimersByTimeAsync(2_000);
      await vi.waitFor(() => expect(folder.state()["usage"]["2027-01-05"].requests).toBe(3));
      await setImmediate();
      expect(escaped).toEqual([]);
    } finally {
      process.off("unhandledRejection", escape);
      vi.useRealTimers();
    }
  });
});
