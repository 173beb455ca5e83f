// A client that a generator makes from the OpenAPI document: it compiles, and works against the real service.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Live, live } from "./support/live.ts";

const ROOT = join(import.meta.dirname, "../..");

// What somebody writes who has the document and nothing else. The compiler checks each name and type.
const PROGRAM = `
import createClient from "openapi-fetch";
import type { paths } from "./schema.d.ts";

const [baseUrl = "", token = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: \`Bearer \${token}\` } });

const made = await client.POST("/v1/admin/customers", {
  body: { id: "generated", name: "Acme Müller", tags: ["pilot"], notes: "Two\\nlines", metadata: { crm: "4711" } },
});
if (!made.data) throw new Error(JSON.stringify(made.error));

const changed = await client.PATCH("/v1/admin/customers/{id}", {
  params: { path: { id: made.data.id }, header: { "If-Match": \`W/\${made.response.headers.get("ETag")}\` } },
  body: { company: "Acme" },
});

const issued = await client.POST("/v1/admin/licenses", {
  body: { customer_id: "generated", license_type: "standard", tags: ["pilot"], expires_at: "2099-12-31" },
});
if (!issued.data) throw new Error(JSON.stringify(issued.error));

const activated = await client.POST("/v1/activate", {
  body: { license_key: issued.data.license_key, instance_id: "box", app_version: "1.9.0", labels: { env: "prod" } },
});

const byTag = await client.GET("/v1/admin/licenses", { params: { query: { tag: "pilot", limit: 5 } } });
const byKey = await client.GET("/v1/admin/customers", {
  params: { query: { metadata: { "metadata.crm": "4711" } } },
  // The members of an object as parameters of their own, as the document says ("style": "form", "explode": true).
  querySerializer: ({ metadata = {} }) => new URLSearchParams(metadata).toString(),
});
const old = await client.GET("/v1/admin/activations", { params: { query: { app_version_below: "2.0.0" } } });
const suspended = await client.POST("/v1/admin/customers/{id}/suspend", {
  params: { path: { id: "generated" } },
  body: { reason: "Unpaid." },
});
const refused = await client.GET("/v1/admin/licenses/{id}", { params: { path: { id: "lic_none" } } });

// @ts-expect-error -- a name is text
await client.POST("/v1/admin/customers", { body: { name: 7 } });

const numbers: { changed?: number | undefined } = { changed: suspended.data?.changed };
console.log(
  JSON.stringify({
    company: changed.data?.company,
    proven: activated.data?.activation_id.startsWith("act_"),
    byTag: byTag.data?.data.map(({ tags }) => tags),
    byKey: byKey.data?.data.map(({ id, notes }) => [id, notes]),
    old: old.data?.data.map(({ instance_id }) => instance_id),
    numbers,
    refused: refused.error?.code,
  }),
);
`;

const TSCONFIG = {
  compilerOptions: {
    target: "ES2023",
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ["node"],
  },
  include: ["*.ts"],
};

let service: Live;
let folder: string;

beforeAll(async () => {
  service = await live();
  folder = mkdtempSync(join(tmpdir(), "caio-licensing-generated-"));
});

afterAll(async () => {
  await service.remove();
  rmSync(folder, { recursive: true, force: true });
});

const node = (args: string[], input = "") =>
  spawnSync(process.execPath, args, { cwd: folder, input, encoding: "utf8", maxBuffer: 2 ** 26 });

it("openapi-typescript writes a client that compiles and works", { timeout: 120_000 }, async () => {
  const document = await (await fetch(`${service.url}/openapi.json`)).text();
  const generated = node([join(ROOT, "test/clients/support/openapi-client.mjs")], document);
  expect(generated.stderr).toBe("");
  writeFileSync(join(folder, "schema.d.ts"), generated.stdout);
  writeFileSync(join(folder, "use.ts"), PROGRAM);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const compiled = node([join(ROOT, "node_modules/typescript/lib/tsc.js"), "-p", "."]);
  expect(compiled.stdout).toBe("");
  const used = node(["use.ts", service.url, service.token]);
  expect(used.stderr).toBe("");
  expect(JSON.parse(used.stdout)).toEqual({
    company: "Acme",
    proven: true,
    byTag: [["pilot"]],
    byKey: [["generated", "Two\nlines"]],
    old: ["box"],
    numbers: { changed: 1 },
    refused: "LICENSE_NOT_FOUND",
  });
});
