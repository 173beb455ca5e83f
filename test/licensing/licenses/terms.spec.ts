import { describe, expect, it } from "vitest";
import type * as z from "zod/mini";
import {
  CheckInHours,
  Days,
  Features,
  GraceDays,
  LeaseDays,
  Limit,
  NoticeDays,
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
  it("are told what is wrong in words", () => {
    expect(faultOf(Features, ["a b"])).toMatch(/begin with a letter or digit/);
  });

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
