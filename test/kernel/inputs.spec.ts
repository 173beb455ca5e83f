import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import { ChosenId, EndInstant, Reason, SearchText, StartInstant, Text } from "../../src/kernel/inputs.ts";

type Schema = z.ZodMiniType;

const takes = (schema: Schema, value: unknown): boolean => schema.safeParse(value).success;

const faultOf = (schema: Schema, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

describe("an id that people choose", () => {
  it.each(["a", "A.b_c-9", "...", ".a", "..a", "a.", "x".repeat(64)])("may be %s", (id) => {
    expect(takes(ChosenId, id)).toBe(true);
  });

  it.each(["", ".", "..", "x".repeat(65), "a b", " a", "a ", "a/b", "ä", "a\n"])("may not be %j", (id) => {
    expect(faultOf(ChosenId, id)).toMatch(/^Must be 1 to 64 letters/);
  });
});

describe("a text", () => {
  it("is told in words what is wrong with it", () => {
    expect(faultOf(Text(9), "a\u0000")).toMatch(/control characters/);
  });

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
