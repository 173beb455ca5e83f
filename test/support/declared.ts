// Compares every answer that a test gets with the call's declaration, and so with the OpenAPI document: its status,
// its members and their types, and for refusals the code.
import { expect } from "vitest";
import type * as z from "zod/mini";
import { endpoints } from "../../src/app.ts";
import type { Endpoint } from "../../src/http/endpoint.ts";
import { refusalsOf } from "../../src/http/openapi/openapi.ts";
import { ProblemDocument } from "../../src/http/schemas.ts";
import type { Answer } from "./answer.ts";

/** By method. */
const routes: Map<string, { declared: Endpoint; pattern: RegExp }[]> = Map.groupBy(
  endpoints.map((declared) => ({
    declared,
    pattern: new RegExp(`^${declared.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  })),
  ({ declared }) => declared.method,
);

/** Parsing drops members that the schema does not name, so the result must equal the answer. */
function expectExactly(schema: z.core.$ZodType, body: unknown, call: string): void {
  const parsed = (schema as z.ZodMiniType).safeParse(body);
  // Each call of each test comes through here, and expect() would take longer than most of them.
  if (parsed.success && JSON.stringify(parsed.data) === JSON.stringify(body)) return;
  expect(parsed.error, `${call}: ${JSON.stringify(body)}`).toBeUndefined();
  expect(parsed.data, call).toEqual(body);
}

export function assertDeclared(method: string, path: string, answer: Answer): void {
  const { pathname } = new URL(path, "http://localhost");
  const call = `${method} ${path} → ${answer.status}`;
  const assert = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`${call}: ${what}: ${answer.text}`);
  };
  if (pathname === "/admin" || pathname.startsWith("/admin/")) {
    // The console answers with pages for people.
    assert(answer.status < 400 || /^<!doctype html>/i.test(answer.text), "not a page");
    return;
  }
  if (answer.status >= 400 && method !== "HEAD") expectExactly(ProblemDocument, answer.body, call);
  const declared = routes.get(method.toLowerCase())?.find(({ pattern }) => pattern.test(pathname))?.declared;
  if (!declared) return;
  if (answer.status >= 400) {
    assert(refusalsOf(declared).includes(answer.body.code), "an undeclared code");
    return;
  }
  assert(!answer.headers.has("ETag") || declared.answer.etag === true, "an undeclared ETag");
  if (answer.status === 304) {
    assert(declared.answer.unchanged !== undefined && answer.text === "", "an undeclared 304, or a body");
    return;
  }
  const { accepted } = declared.answer;
  if (answer.status === 202 && accepted) {
    expectExactly(accepted.schema, answer.body, call);
    return;
  }
  const statuses = [declared.answer.status, ...(declared.answer.created ? [201] : [])];
  assert(statuses.includes(answer.status), "an undeclared status");
  const type = answer.headers.get("Content-Type")?.split(";")[0];
  const { schema, contentType = "application/json", alternative } = declared.answer;
  if (!schema) assert(answer.text === "", "an undeclared body");
  else if (type === contentType && answer.body !== null) expectExactly(schema, answer.body, call);
  else if (type === alternative?.contentType)
    expectExactly(alternative!.schema, answer.body ?? answer.text, call);
  // A body that is not JSON is declared as text.
  else assert(type === contentType && schema._zod.def.type === "string", `undeclared type ${type}`);
}
