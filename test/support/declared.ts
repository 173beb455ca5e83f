// Compares every answer that a test gets with the call's declaration, and so with the OpenAPI document: its status,
// its members and their types, and for refusals the code.
import { expect } from "vitest";
import type * as z from "zod/mini";
import { endpoints } from "../../src/app.ts";
import { refusalsOf } from "../../src/http/openapi.ts";
import { ProblemDocument } from "../../src/http/schemas.ts";
import type { Answer } from "./answer.ts";

const routes = endpoints.map((declared) => ({
  declared,
  pattern: new RegExp(`^${declared.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

/** Parsing drops members that the schema does not name, so the result must equal the answer. */
function expectExactly(schema: z.core.$ZodType, body: unknown, call: string): void {
  const parsed = (schema as z.ZodMiniType).safeParse(body);
  expect(parsed.error, `${call}: ${JSON.stringify(body)}`).toBeUndefined();
  expect(parsed.data, call).toEqual(body);
}

export function assertDeclared(method: string, path: string, answer: Answer): void {
  const { pathname } = new URL(path, "http://localhost");
  const call = `${method} ${path} → ${answer.status}`;
  if (pathname === "/admin" || pathname.startsWith("/admin/")) {
    // The console answers with pages for people.
    if (answer.status >= 400) expect(answer.text, call).toMatch(/^<!doctype html>/i);
    return;
  }
  if (answer.status >= 400 && method !== "HEAD") expectExactly(ProblemDocument, answer.body, call);
  const route = routes.find(
    ({ declared, pattern }) => declared.method === method.toLowerCase() && pattern.test(pathname),
  );
  if (!route) return;
  const { declared } = route;
  if (answer.status >= 400) {
    expect(refusalsOf(declared), call).toContain(answer.body.code);
    return;
  }
  if (answer.headers.has("ETag")) expect(declared.answer.etag, call).toBe(true);
  if (answer.status === 304) {
    expect(declared.answer.unchanged, call).toBeDefined();
    expect(answer.text, call).toBe("");
    return;
  }
  const { accepted } = declared.answer;
  if (answer.status === 202 && accepted) {
    expectExactly(accepted.schema, answer.body, call);
    return;
  }
  const statuses = [declared.answer.status, ...(declared.answer.created ? [201] : [])];
  expect(statuses, call).toContain(answer.status);
  const type = answer.headers.get("Content-Type")?.split(";")[0];
  const { schema, contentType = "application/json", alternative } = declared.answer;
  if (!schema) expect(answer.text, call).toBe("");
  else if (type === contentType && answer.body !== null) expectExactly(schema, answer.body, call);
  else if (type === alternative?.contentType)
    expectExactly(alternative!.schema, answer.body ?? answer.text, call);
  // A body that is not JSON is declared as text.
  else expect([type, schema._zod.def.type], call).toEqual([contentType, "string"]);
}
