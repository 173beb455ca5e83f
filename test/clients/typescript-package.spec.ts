// The TypeScript client as it is published: packed, unpacked elsewhere, and run by Node without TypeScript.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeConformance } from "../support/conformance.ts";
import { live } from "./support/live.ts";

const ROOT = join(import.meta.dirname, "../..");
const PACKAGE = join(ROOT, "src/clients/typescript");
const MODULES = join(ROOT, "node_modules");

let consumer: string;
let installed: string;

/** An installation in TypeScript. */
const CONSUMER = `
import { LicenseError, type Status, type Storage } from "@smarthaus/caio-licensing";
import { NodeLicense } from "@smarthaus/caio-licensing/node";
import { LicenseDrill } from "@smarthaus/caio-licensing/testing";

export async function rehearse(): Promise<boolean> {
  await using drill = await LicenseDrill.start({ at: "2031-02-03T04:05:06Z" });
  const license = await drill.open({ licenseKey: await drill.issue({ features: ["audit"] }) });
  drill.advance({ days: 40 });
  return (await license.checkIn()).mayRun;
}

export async function guard(storage: Storage): Promise<Status | string> {
  const license = await NodeLicense.open({ url: "https://licensing.example" });
  try {
    license.requireFeature("audit");
    await storage.write("told", license.metrics());
    return license.status();
  } catch (error) {
    return error instanceof LicenseError ? error.code : "?";
  } finally {
    await license.close();
  }
}
`;

/** An application that is CommonJS still. */
const COMMONJS = `
const { LicenseError } = require("@smarthaus/caio-licensing");
const { NodeLicense } = require("@smarthaus/caio-licensing/node");

NodeLicense.open({ issuer: "https://licensing.example", folder: process.argv[2] }).then(async (license) => {
  const { code, mayRun } = license.status();
  process.stdout.write(code + " " + mayRun);
  await license.close();
});
`;

/** Every Node on the path, the one that runs this first. */
const nodes = [
  ...new Set(
    [process.execPath, ...(process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node"))]
      .filter((path) => existsSync(path))
      .map((path) => realpathSync(path)),
  ),
];

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));

beforeAll(async () => {
  consumer = mkdtempSync(join(tmpdir(), "caio-licensing-package-"));
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", consumer], {
    cwd: PACKAGE,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const archive = /caio-licensing-[\d.]+\.tgz/.exec(packed)![0];
  installed = join(consumer, "node_modules/@smarthaus/caio-licensing");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", [
    "-xzf",
    join(consumer, `smarthaus-${archive}`),
    "-C",
    installed,
    "--strip-components=1",
  ]);
  symlinkSync(join(MODULES, "jose"), join(consumer, "node_modules/jose"));
  mkdirSync(join(consumer, "node_modules/@types"));
  symlinkSync(join(MODULES, "@types/node"), join(consumer, "node_modules/@types/node"));
  symlinkSync(realpathSync(join(MODULES, "undici-types")), join(consumer, "node_modules/undici-types"));
  copyFileSync(join(import.meta.dirname, "support/consumer.mjs"), join(consumer, "consumer.mjs"));
  writeFileSync(join(consumer, "consumer.ts"), CONSUMER);
  writeFileSync(join(consumer, "consumer.cts"), CONSUMER);
  writeFileSync(join(consumer, "consumer.cjs"), COMMONJS);
  writeFileSync(join(consumer, "package.json"), '{"type": "module"}');
  await writeConformance(join(consumer, "conformance.json"));
});

afterAll(() => rmSync(consumer, { recursive: true, force: true }));

describe("the published package", () => {
  it("holds what it exports, its license of use, and nothing of the sources", () => {
    const { exports, dependencies } = readJson(join(installed, "package.json"));
    const targets = JSON.stringify(exports).match(/\.\/dist[^"]+/g)!;
    expect(targets).toHaveLength(12);
    for (const target of targets) expect(existsSync(join(installed, target)), target).toBe(true);
    for (const name of ["README.md", "LICENSE"]) expect(existsSync(join(installed, name)), name).toBe(true);
    expect(readFileSync(join(installed, "LICENSE"), "utf8")).toBe(
      readFileSync(join(ROOT, "LICENSE"), "utf8"),
    );
    expect(existsSync(join(installed, "src"))).toBe(false);
    expect(dependencies.jose).toBe(readJson(join(ROOT, "package.json")).dependencies.jose);
  });

  it("needs nothing of Node in its core", () => {
    const seen = new Set<string>();
    const walk = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, name] of readFileSync(file, "utf8").matchAll(/(?:from|import) "([^"]+)"/g)) {
        if (name!.startsWith(".")) walk(join(dirname(file), name!));
        else expect(name, file).toBe("jose");
      }
    };
    walk(join(installed, "dist/index.js"));
    expect(seen.size).toBeGreaterThan(10);
  });

  it.each(nodes)("judges the offline cases under %s, and writes what it counted at its end", (node) => {
    const folder = mkdtempSync(join(consumer, "state-"));
    const output = execFileSync(node, ["consumer.mjs", folder], {
      cwd: consumer,
      encoding: "utf8",
      env: { CONFORMANCE_FILE: join(consumer, "conformance.json") },
    });
    const { judged, wrong } = JSON.parse(output);
    expect(wrong).toEqual([]);
    expect(judged).toBeGreaterThan(80);
    const { usage } = readJson(join(folder, "state.json"));
    expect(Object.values(usage)).toEqual([{ requests: 3, services: 0 }]);
  });

  it.each(["consumer.ts", "consumer.cts"])(
    "compiles into a strict program by its declarations: %s",
    (file) => {
      for (const module of ["node16", "nodenext"]) {
        const flags = ["--noEmit", "--strict", "--module", module, "--target", "es2022", "--lib", "es2023"];
        const tsc = join(MODULES, ".bin/tsc");
        execFileSync(tsc, [...flags, "--types", "node", "--skipLibCheck", "false", file], { cwd: consumer });
      }
    },
  );

  it.each(nodes)("is required by a CommonJS program under %s", (node) => {
    const output = execFileSync(node, ["consumer.cjs", mkdtempSync(join(consumer, "state-"))], {
      cwd: consumer,
      encoding: "utf8",
      env: {},
    });
    expect(output).toBe("LICENSE_KEY_MISSING false");
  });

  it("does what the documentation's first lines say, against the real service", async () => {
    const page = readFileSync(join(ROOT, "docs/integration-typescript.md"), "utf8");
    writeFileSync(join(consumer, "first.mjs"), /```js\n([\s\S]*?)```/.exec(page)![1]!);
    const service = await live();
    try {
      const { id, key } = await service.newLicense();
      const output = execFileSync(process.execPath, ["first.mjs"], {
        cwd: consumer,
        encoding: "utf8",
        env: {
          CAIO_LICENSE_URL: service.url,
          CAIO_LICENSE_KEY: key,
          CAIO_LICENSE_DIR: mkdtempSync(join(consumer, "state-")),
        },
      });
      expect(output).toMatch(/^entitled null true \[/);
      const { data } = await service.admin(`/licenses/${id}/activations`);
      expect(data).toHaveLength(1);
    } finally {
      await service.remove();
    }
  });
});
