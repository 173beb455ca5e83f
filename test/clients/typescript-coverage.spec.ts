// Which versions a license covers, by when they were built: what the table of cases does not ask.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { covers } from "../../src/clients/typescript/src/coverage.ts";
import { fromEnvironment } from "../../src/clients/typescript/src/environment.ts";
import { License } from "../../src/clients/typescript/src/node.ts";
import { open, stateFolder } from "./support/scripted.ts";
import { createSigner } from "./support/signer.ts";

const UNTIL = { updatesUntil: "2027-03-01T12:00:00.000Z" };

let folder: ReturnType<typeof stateFolder>;

beforeEach(() => {
  folder = stateFolder();
});

afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

describe("a version", () => {
  it.each([
    ["2027-03-01T11:59:59.999Z", true],
    ["2027-03-01T12:00:00Z", false],
    ["2027-03-01T13:59:59+02:00", true],
    ["2027-03-01T14:00:00+02:00", false],
    [" 2027-03-01 ", true],
    ["2027-03-02", false],
    [Date.parse("2027-03-01T12:00:00Z") - 1, true],
    [Date.parse("2027-03-01T12:00:00Z"), false],
    [new Date("2027-02-28"), true],
    [new Date("2027-03-02"), false],
  ])("built at %s is covered: %s", (builtAt, expected) => {
    expect(covers(UNTIL, builtAt)).toBe(expected);
    expect(covers({ updatesUntil: null }, builtAt)).toBe(true);
  });

  it.each(["", "soon", "2027-02-30", "2027-03-01T12:00", Number.NaN, new Date("soon")])(
    "built at %s was never built",
    async (builtAt) => {
      expect(() => covers(UNTIL, builtAt)).toThrow(RangeError);
      const { storage } = folder;
      const options = { issuer: "https://licenses.example", storage, builtAt };
      await expect(License.open(options)).rejects.toThrow(RangeError);
    },
  );
});

it("a version that is not covered is warned of also where the service does not answer in time", async () => {
  const signer = await createSigner("https://licenses.example");
  const claims = { sub: "acme", jti: "lic_1", rev: 1, features: [], updates_until: UNTIL.updatesUntil };
  const license = await open({
    licenseKey: await signer.document("license+jwt", claims),
    trustedKeys: signer.trustedKeys,
    storage: folder.storage,
    builtAt: "2027-03-02",
    timeout: 50,
    fetch: () => new Promise(() => undefined),
    onError: () => undefined,
  });
  // Nothing can be written either, so that the call itself runs out of time.
  folder.storage.write = () => new Promise(() => undefined);
  license.countRequests();
  const { lastFailure, warnings } = await license.checkIn();
  expect(lastFailure?.reason).toBe("no answer in time");
  expect(warnings).toContain("UPDATE_NOT_COVERED");
});

describe("CAIO_BUILT_AT", () => {
  const from = (builtAt?: string) => fromEnvironment({ folder: folder.path, builtAt });

  it("counts where no option says it", async () => {
    vi.stubEnv("CAIO_BUILT_AT", "2027-03-02");
    expect((await from()).builtAt).toBe("2027-03-02");
    expect((await from("2027-01-01")).builtAt).toBe("2027-01-01");
    vi.stubEnv("CAIO_BUILT_AT", "");
    expect((await from()).builtAt).toBeUndefined();
  });

  it("with a typing error stops nothing, and is said", async () => {
    vi.stubEnv("CAIO_BUILT_AT", "yesterday");
    const { builtAt, said } = await from();
    expect(builtAt).toBeUndefined();
    expect(said.map(({ message }) => message).join()).toContain("CAIO_BUILT_AT");
  });
});
