import { describe, expect, it } from "vitest";
import { cutAt } from "../../../src/http/ui/outliers.ts";

const usual = [10, 12, 9, 11, 10, 8, 12, 10];

describe("a chart", () => {
  it.each([
    ["no odd one", usual, null, null],
    ["four times the next", [...usual, 48], null, null],
    ["more than four times the next", [...usual, 49], null, 15],
    ["two of the same height", [...usual, 500, 480], null, 15],
    ["as many odd ones as usual ones", [1, 1, 500, 500], null, null],
    ["few bars", [1, 500], null, null],
    ["zeros, which tell nothing", [0, 0, 0, 0, 0, 0, 0, 500], null, null],
    ["a limit that the odd one is near", [...usual, 500], 130, null],
    ["a limit far below the odd one", [...usual, 500], 100, 120],
  ])("with %s is cut where it should be", (_, values, limit, cut) => {
    expect(cutAt(values, limit)).toBe(cut);
  });
});
