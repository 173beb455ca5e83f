import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../../src/problems.ts";
import { admin, call } from "../support/service.ts";

describe("GET /openapi.json", () => {
  it("describes every call with an example for its answer and for each refusal", async () => {
    const { status, body } = await call("/openapi.json");
    expect(status).toBe(200);
    expect(body.openapi).toBe("3.1.0");
    const ids = new Set<string>();
    for (const methods of Object.values<Record<string, any>>(body.paths)) {
      for (const operation of Object.values(methods)) {
        ids.add(operation.operationId);
        for (const [code, response] of Object.entries<any>(operation.responses)) {
          if (code === "204") continue;
          const [content] = Object.values<any>(response.content);
          expect(content.schema).toBeDefined();
          expect(content.example ?? Object.keys(content.examples).length).toBeTruthy();
        }
      }
    }
    const operations = Object.values<object>(body.paths).flatMap((methods) => Object.keys(methods));
    expect(ids.size).toBe(operations.length);
  });

  it("takes request schemas from what really validates", async () => {
    const { body } = await call("/openapi.json");
    const schema = body.paths["/v1/admin/licenses"].post.requestBody.content["application/json"].schema;
    expect(schema.required).toEqual(["customer_id", "license_type"]);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.expires_days).toMatchObject({ type: "integer", minimum: 1, maximum: 36_500 });
  });
});

describe("files in the API document", () => {
  it("have their media types, and examples that the imports take", async () => {
    const { body } = await call("/openapi.json");
    const exported = body.paths["/v1/admin/exports/licenses"].get.responses["200"].content;
    expect(Object.keys(exported)).toEqual(["text/csv", "application/json"]);
    for (const kind of ["customers", "licenses"]) {
      const { content } = body.paths[`/v1/admin/imports/${kind}`].post.requestBody;
      expect(Object.keys(content)).toEqual(["text/csv", "application/json"]);
      for (const [type, { example }] of Object.entries<any>(content)) {
        const answer = await admin(`/imports/${kind}?dry_run=true`, {
          raw: typeof example === "string" ? example : JSON.stringify(example),
          headers: { "Content-Type": type },
        });
        // Whether their customer is there depends on who ran before.
        const faults = (answer.body.errors ?? []).map(({ path }: { path: string }) => path);
        expect(faults.filter((path: string) => !/\.(?:customer_)?id$/.test(path))).toEqual([]);
      }
    }
  });
});

describe("GET /docs", () => {
  it("shows every refusal and loads nothing from anywhere", async () => {
    const { status, headers, text } = await call("/docs");
    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^text\/html/);
    for (const code of Object.keys(PROBLEMS)) expect(text).toContain(`id="${code}"`);
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(text).not.toMatch(/<script/);
    expect(headers.get("Content-Security-Policy")).toMatch(/style-src 'nonce-/);
  });
});
