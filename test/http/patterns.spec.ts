// The patterns of the OpenAPI document: generators put them into clients of languages whose regular expressions know
// less than ours. A pattern may be weaker than what the service checks, never stricter.
import { describe, expect, it } from "vitest";
import { InstanceId } from "../../src/licensing/seats/calls/presented.ts";
import { Text } from "../../src/kernel/inputs.ts";
import { call } from "../support/service.ts";

type Json = Record<string, any>;

/** All patterns, those of names of members as well, with where they stand. */
function patternsIn(value: unknown, path = ""): [path: string, pattern: string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]): [string, string][] =>
    name === "pattern" && typeof member === "string"
      ? [[path, member]]
      : patternsIn(member, `${path}/${name}`),
  );
}

const document: Json = (await call("/openapi.json")).body;
const patterns = patternsIn(document["paths"]);

describe("the patterns of the document", () => {
  it("compile without flags, and have nothing that only some languages know", () => {
    expect(patterns.length).toBeGreaterThan(40);
    for (const [path, pattern] of patterns) {
      expect(() => new RegExp(pattern), path).not.toThrow();
      // Properties of Unicode, code points in braces, lookbehind, named groups, sets, and flags within.
      expect(pattern, path).not.toMatch(/\\[pPu]\{|\(\?<|\(\?[a-z]+[:)]|&&|\\[dDwW]\{0\}/);
    }
  });

  it("mean the same with and without the flag u", () => {
    for (const [path, pattern] of patterns) {
      for (const text of ["Acme", "Ünïcödé", "日本", "😀 party", "a-b", "4711", " "]) {
        expect(new RegExp(pattern).test(text), `${path} ${text}`).toBe(new RegExp(pattern, "u").test(text));
      }
    }
  });
});

const patternOf = (method: string, path: string, name: string): RegExp =>
  new RegExp(
    Object.values<Json>(document["paths"][path][method].requestBody.content)[0]!["schema"].properties[name]
      .pattern,
  );

describe("a published pattern refuses nothing that the service takes", () => {
  const SAMPLES = [
    "Acme",
    "a",
    " a ",
    "\u00a0a",
    "\ufeffa\ufeff",
    "😀",
    "Ünïcödé",
    "İstanbul",
    "a\u200bb",
    "C,p{c}",
    "\u2028",
    "x".repeat(128),
    "\ta\t",
    "\u200ba",
    "a\u0085",
    "\u0000",
    "a\u0000b",
    "",
    " ",
    "\ud800",
  ];

  it.each([
    ["names", patternOf("post", "/v1/admin/customers", "name"), Text(200)],
    ["instance ids", patternOf("post", "/v1/activate", "instance_id"), InstanceId],
  ])("of %s", (_, pattern, schema) => {
    let taken = 0;
    for (const text of SAMPLES) {
      if (!schema.safeParse(text).success) continue;
      taken++;
      expect(pattern.test(text), JSON.stringify(text)).toBe(true);
    }
    expect(taken).toBeGreaterThan(10);
  });
});
