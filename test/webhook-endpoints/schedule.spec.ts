import { describe, expect, it } from "vitest";
import { pauseAfter } from "../../src/webhook-endpoints/schedule.ts";

const MINUTE = 60_000;

describe("after failures in a row nothing is sent for", () => {
  it.each([
    [1, 1],
    [2, 3],
    [3, 9],
    [4, 27],
    [5, 81],
    [6, 243],
    [7, 720],
    [8, 720],
    [1_000, 720],
  ])("%i: %i minutes", (failures, minutes) => {
    expect(pauseAfter(failures)).toBe(minutes * MINUTE);
  });
});
