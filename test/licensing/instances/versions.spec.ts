import { describe, expect, it } from "vitest";
import { compareVersions, versionOf } from "../../../src/licensing/instances/versions.ts";
import { activate, admin, newLicense } from "../../support/service.ts";

// Semantic Versioning 2.0.0, section 11, with its own examples.
const ORDER = [
  "0.0.0",
  "0.9.9",
  "1.0.0-0",
  "1.0.0-1",
  "1.0.0-2",
  "1.0.0-11",
  "1.0.0--",
  "1.0.0-RC",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.1",
  "1.2.0",
  "1.10.0",
  "2.0.0",
  "2.1.0",
  "2.1.1",
  "99999999999999999999.0.0",
  "100000000000000000000.0.0",
];

describe("the order of versions", () => {
  it("is that of Semantic Versioning", () => {
    for (const [n, a] of ORDER.entries()) {
      for (const [m, b] of ORDER.entries()) {
        expect(Math.sign(compareVersions(versionOf(a)!, versionOf(b)!)), `${a} and ${b}`).toBe(
          Math.sign(n - m),
        );
      }
    }
  });

  it("knows no builds, and passes over a v in front", () => {
    for (const same of ["1.0.0+a", "1.0.0+001", "v1.0.0"]) {
      expect(compareVersions(versionOf(same)!, versionOf("1.0.0")!)).toBe(0);
    }
  });

  it.each([
    "",
    "1",
    "1.0",
    "1.0.0.0",
    "01.0.0",
    "1.0.0-01",
    "1.0.0-",
    "1.0.0-a..b",
    "1.0.0+",
    "a.b.c",
    "vv1.0.0",
    "1.0.0 ",
    "1.0.0-ä",
  ])("%j is none", (text) => {
    expect(versionOf(text)).toBeNull();
  });
});

describe("finding instances", () => {
  it("by a version that theirs is below, and by labels", async () => {
    const { license, license_key } = await newLicense({ max_instances: 10 });
    const ids = new Map<string, string>();
    for (const [instance, app_version, labels] of [
      ["old", "1.9.0", { env: "prod", "region/eu.west": "a b" }],
      ["rc", "2.0.0-rc.1", { env: "test" }],
      ["new", "2.0.0", { env: "prod" }],
      ["odd", "build 7", undefined],
      ["none", undefined, undefined],
    ] as const) {
      ids.set((await activate(license_key, instance, { app_version, labels })).body.activation_id, instance);
    }
    const find = async (query: string): Promise<unknown> => {
      const { status, body } = await admin(`/activations?license_id=${license.id}&${query}`);
      return status === 200 ? body.data.map(({ id }: { id: string }) => ids.get(id)).toSorted() : status;
    };
    expect(await find("app_version_below=2.0.0")).toEqual(["old", "rc"]);
    expect(await find("app_version_below=v2.0.1")).toEqual(["new", "old", "rc"]);
    expect(await find("app_version_below=2.0.0-rc.1")).toEqual(["old"]);
    expect(await find("app_version_below=1.9.0")).toEqual([]);
    expect(await find("label.env=prod")).toEqual(["new", "old"]);
    expect(await find("label.env=prod&app_version_below=2.0.0&active=true")).toEqual(["old"]);
    expect(await find(`${encodeURIComponent("label.region/eu.west")}=a%20b`)).toEqual(["old"]);
    expect(await find("label.constructor=x")).toEqual([]);
    for (const short of ["2", "2.0", "v2.0"])
      expect(await find(`app_version_below=${short}`)).toEqual(["old", "rc"]);
    expect(await find("app_version_below=2.0.0.0")).toBe(422);
    expect(await find("label=x")).toBe(422);
    expect(await find("metadata.a=x")).toBe(422);
    const ofLicense = await admin(`/licenses/${license.id}/activations?label.env=test`);
    expect(ofLicense.body.data).toHaveLength(1);
  });
});
