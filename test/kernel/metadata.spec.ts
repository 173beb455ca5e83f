import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import { Metadata } from "../../src/kernel/metadata.ts";

type Schema = z.ZodMiniType;

const takes = (schema: Schema, value: unknown): boolean => schema.safeParse(value).success;

const faultOf = (schema: Schema, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

describe("metadata", () => {
  /** An object so many levels deep. */
  const nested = (levels: number, innermost: unknown = 1): Record<string, unknown> =>
    levels === 1 ? { a: innermost } : { a: nested(levels - 1, innermost) };
  /** An object of so many characters of JSON. */
  const sized = (length: number): Record<string, string> => ({ a: "x".repeat(length - 8) });

  it.each([
    ["an empty object", {}, true],
    ["any JSON below it", { a: [1, null, { b: "c" }], d: true }, true],
    ["null", null, false],
    ["a list", [], false],
    ["a name of 64 characters", { ["k".repeat(64)]: 1 }, true],
    ["a name of 65", { ["k".repeat(65)]: 1 }, false],
    ["32 levels", nested(32), true],
    ["32 levels around null", nested(32, null), true],
    ["33 levels", nested(33), false],
    ["a list as the 33rd level", nested(32, []), false],
    ["an object as the 33rd level beside what is none", { z: 1, ...nested(32, {}) }, false],
    ["whole numbers up to 2^53 - 1", { a: [9_007_199_254_740_991, -9_007_199_254_740_991, 0.1, 1e-9] }, true],
    ["a number that was rounded when it was read", JSON.parse('{"a":[9007199254740993]}'), false],
    ["one below", { a: { b: -(2 ** 53) } }, false],
    ["8192 characters of JSON", sized(8_192), true],
    ["8193", sized(8_193), false],
  ])("%s", (_, metadata, taken) => {
    expect(takes(Metadata, metadata)).toBe(taken);
  });

  it("says what is too much of it, and of what is too deep nothing else", () => {
    expect(faultOf(Metadata, sized(9_000))).toBe("Must be at most 8192 characters of JSON");
    const issues = Metadata.safeParse({ b: "x".repeat(9_000), ...nested(40) }).error?.issues;
    expect(issues?.map(({ message }) => message)).toEqual(["Must be at most 32 levels deep"]);
  });
});
