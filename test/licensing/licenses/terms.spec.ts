import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import {
  CheckInHours,
  ChosenId,
  Days,
  EndInstant,
  Features,
  GraceDays,
  LeaseDays,
  Limit,
  Metadata,
  NoticeDays,
  Reason,
  SearchText,
  StartInstant,
  Text,
} from "../../../src/licensing/licenses/terms.ts";

type Schema = z.ZodMiniType;

const takes = (schema: Schema, value: unknown): boolean => schema.safeParse(value).success;

const faultOf = (schema: Schema, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

const NAMES: [string, Schema, least: number, most: number][] = [
  ["a limit", Limit, 1, 1_000_000_000],
  ["a duration in days", Days, 1, 36_500],
  ["a grace in days", GraceDays, 0, 3_650],
  ["a lease in days", LeaseDays, 1, 3_650],
  ["a rhythm in hours", CheckInHours, 1, 8_760],
];

describe.each(NAMES)("%s", (_, schema, least, most) => {
  it(`is a whole number from ${least} to ${most}`, () => {
    expect([least - 1, least, most, most + 1].map((value) => takes(schema, value))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    for (const value of [
      least + 0.5,
      String(least + 1),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      undefined,
      true,
    ])
      expect(takes(schema, value)).toBe(false);
  });
});

it("only a limit may be null: unlimited", () => {
  expect(NAMES.map(([, schema]) => takes(schema, null))).toEqual([true, false, false, false, false]);
});

describe("an id that people choose", () => {
  it.each(["a", "A.b_c-9", "...", ".a", "..a", "a.", "x".repeat(64)])("may be %s", (id) => {
    expect(takes(ChosenId, id)).toBe(true);
  });

  it.each(["", ".", "..", "x".repeat(65), "a b", " a", "a ", "a/b", "ä", "a\n"])("may not be %j", (id) => {
    expect(faultOf(ChosenId, id)).toMatch(/^Must be 1 to 64 letters/);
  });
});

it("what is wrong with a text or a feature is said in words", () => {
  expect(faultOf(Text(9), "a\u0000")).toMatch(/control characters/);
  expect(faultOf(Features, ["a b"])).toMatch(/begin with a letter or digit/);
});

describe("a text", () => {
  it.each([
    ["one character", "x", "x"],
    ["blanks around it, which go", "  a b \n", "a b"],
    ["as many as it may have", "x".repeat(10), "x".repeat(10)],
    ["blanks that do not count", ` ${"x".repeat(10)} `, "x".repeat(10)],
    ["letters of everybody", "Ł😀", "Ł😀"],
    ["characters as readers count them", "😀".repeat(10), "😀".repeat(10)],
  ])("%s", (_, text, kept) => {
    expect(Text(10).parse(text)).toBe(kept);
  });

  it.each([
    ["nothing", ""],
    ["blanks alone", "   "],
    ["one too many", "x".repeat(11)],
    ["one too many, of two code units each", "😀".repeat(11)],
    ["a control character at its beginning", "\u0007x"],
    ["a control character within", "a\nb"],
    ["a control character at its end", "x\u0007"],
    ["half a surrogate pair", "a\ud800b"],
  ])("is not %s", (_, text) => {
    expect(takes(Text(10), text)).toBe(false);
  });

  it("of a reason has up to 500 characters, of a search up to 100", () => {
    expect([500, 501].map((length) => takes(Reason, "x".repeat(length)))).toEqual([true, false]);
    expect([100, 101].map((length) => takes(SearchText, "x".repeat(length)))).toEqual([true, false]);
  });
});

describe("days of notice", () => {
  it.each([
    [[], true],
    [[0], true],
    [[365, 0, 30], true],
    [[-1], false],
    [[366], false],
    [[1.5], false],
    [[30, 7, 30], false],
    [Array.from({ length: 20 }, (_, n) => n), true],
    [Array.from({ length: 21 }, (_, n) => n), false],
  ])("%j: %s", (days, taken) => {
    expect(takes(NoticeDays, days)).toBe(taken);
  });

  it("that repeat are said to", () => expect(faultOf(NoticeDays, [1, 1])).toBe("Days must not repeat"));
});

describe("features", () => {
  it.each([
    [[], true],
    [["a"], true],
    [["A9._:/-z"], true],
    [["9"], true],
    [["x".repeat(64)], true],
    [["x".repeat(65)], false],
    [[""], false],
    [[".a"], false],
    [["-a"], false],
    [["a b"], false],
    [["a", "b", "a"], false],
    [["é"], false],
    [["a\n"], false],
    [[" a"], false],
    [Array.from({ length: 100 }, (_, n) => `f${n}`), true],
    [Array.from({ length: 101 }, (_, n) => `f${n}`), false],
  ])("%j: %s", (features, taken) => {
    expect(takes(Features, features)).toBe(taken);
  });

  it("that repeat are said to", () => expect(faultOf(Features, ["a", "a"])).toBe("Features must not repeat"));
});

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

describe("instants of terms are whole seconds, in the holder's favor", () => {
  it.each([
    ["2027-01-31", "2027-01-30T10:00:00.000Z", "2027-02-01T12:00:00.000Z"],
    ["2027-01-31T10:00:00.001Z", "2027-01-31T10:00:00.000Z", "2027-01-31T10:00:01.000Z"],
    ["2027-01-31T10:00:00Z", "2027-01-31T10:00:00.000Z", "2027-01-31T10:00:00.000Z"],
  ])("%s starts at %s and ends at %s", (text, start, end) => {
    expect(StartInstant.parse(text)).toBe(Date.parse(start));
    expect(EndInstant.parse(text)).toBe(Date.parse(end));
  });

  it.each(["", "tomorrow", "2027-02-30"])("%j is neither", (text) => {
    for (const schema of [StartInstant, EndInstant])
      expect(faultOf(schema, text)).toMatch(
        /^Must be an RFC 3339 instant .* or a date .* from 1970 to 9999$/,
      );
  });
});
