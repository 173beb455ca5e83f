// What an isolate prepares before it answers an installation: docs/decisions/0014-late-files.md. Sizes are measured by
// `npm run verify`.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundle, loadedAtOnce, whole, write } from "../../src/dev/bundle/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");
const ENTRY = "src/worker.ts";

let folder: string;
let made: Bundle;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-bundle-"));
  made = await bundle(ENTRY, relative(ROOT, folder));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundle", () => {
  it.each([
    ["the console", "src/http/console/"],
    ["the customer's site", "src/http/portal/"],
    ["what pages are made of", "src/http/ui/"],
    ["the admin API", "src/http/admin/"],
    ["the reference", "src/http/reference.tsx"],
    ["the OpenAPI document", "src/http/openapi/openapi.ts"],
    ["the jobs", "src/jobs/"],
    ["the languages of mail", "src/notices/templates/languages/"],
    ["Resend's SDK", "node_modules/resend/"],
    ["CSV", "node_modules/papaparse/"],
    ["export and import", "src/licensing/sheets/"],
    ["components", "node_modules/hono/dist/jsx/"],
  ])("loads %s only once it is needed", (_, path) => {
    const under = (source: string): boolean => source.startsWith(path);
    expect(whole(made).sources.filter(under)).not.toEqual([]);
    expect(loadedAtOnce(made, ENTRY).sources.filter(under)).toEqual([]);
  });

  it("has nothing that only developers see", () => {
    expect(whole(made).sources.filter((source) => /^(?:src\/dev|test)\//.test(source))).toEqual([]);
  });

  it("loads the calls of installations at once", () => {
    const { sources } = loadedAtOnce(made, ENTRY);
    for (const call of ["activate", "check-in", "validate", "deactivate"]) {
      expect(sources).toContain(`src/http/instances/${call}.ts`);
      expect(sources).toContain(`src/licensing/seats/calls/${call}.ts`);
    }
  });

  it("is written with its source maps, in place of an earlier one, and nothing else is touched", () => {
    const earlier = ["app-EARLIER.mjs", "app-EARLIER.mjs.map"];
    for (const name of [...earlier, "README.md"]) writeFileSync(join(folder, name), "");
    write(made);
    const names = readdirSync(folder);
    const modules = names.filter((name) => name.endsWith(".mjs"));
    expect(modules).toContain("worker.mjs");
    expect(names).toContain("README.md");
    expect(names).not.toEqual(expect.arrayContaining(earlier));
    for (const name of modules)
      expect(readFileSync(join(folder, name), "utf8")).toMatch(`\n//# sourceMappingURL=${name}.map\n`);
    expect(names).toHaveLength(2 * modules.length + 1);
  });
});
