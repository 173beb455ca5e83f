import { describe, expect, it } from "vitest";
import { contrast, mix, READABLE, readableOn, textOn } from "../../src/kernel/contrast.ts";

const STEPS = ["00", "33", "66", "99", "cc", "ff"];
const COLORS = STEPS.flatMap((red) =>
  STEPS.flatMap((green) => STEPS.map((blue) => `#${red}${green}${blue}`)),
);
const GROUNDS = ["#ffffff", "#1a1e25", "#000000", "#777777"];

describe("contrast", () => {
  it.each([
    ["#000000", "#ffffff", 21],
    ["#ffffff", "#ffffff", 1],
    // The two grays around the least contrast of text on white.
    ["#767676", "#ffffff", 4.54],
    ["#777777", "#ffffff", 4.48],
    ["#0000ff", "#ffffff", 8.59],
    ["#ffff00", "#ffffff", 1.07],
  ])("of %s and %s is %f, in either order", (one, other, ratio) => {
    expect(contrast(one, other)).toBeCloseTo(ratio, 2);
    expect(contrast(other, one)).toBe(contrast(one, other));
  });
});

describe("a color that is mended", () => {
  it("stays as it is where it can be read, and moves no further than needed where it cannot", () => {
    expect(readableOn("#ffffff", "#767676")).toBe("#767676");
    const mended = readableOn("#ffffff", "#777777");
    expect(mended).not.toBe("#777777");
    expect(contrast(mended, "#ffffff")).toBeLessThan(READABLE + 0.15);
  });

  it.each([
    ["#ffffff", "#ffffff"],
    ["#000000", "#000000"],
    ["#ffffff", "#ffff00"],
    ["#1a1e25", "#1a1e25"],
    ["#777777", "#777777"],
  ])("can be read on %s even if it is %s", (ground, color) => {
    expect(contrast(readableOn(ground, color), ground)).toBeGreaterThanOrEqual(READABLE);
  });

  it("can be read on every ground, whatever it was", () => {
    for (const ground of GROUNDS) {
      for (const color of COLORS) {
        expect(contrast(readableOn(ground, color), ground), `${color} on ${ground}`).toBeGreaterThanOrEqual(
          READABLE,
        );
      }
    }
  });

  it("keeps its hue: red stays more red than anything else", () => {
    expect(readableOn("#ffffff", "#ff8080")).toBe("#b55b5b");
    expect(readableOn("#000000", "#800000")).toMatch(/^#[a-c].([0-9a-f]{2})\1$/);
  });
});

it("white or black can be read on every color", () => {
  for (const color of COLORS) expect(contrast(textOn(color), color)).toBeGreaterThanOrEqual(READABLE);
  expect([textOn("#ffffff"), textOn("#000000"), textOn("#ffd400"), textOn("#1d5bd6")]).toEqual([
    "#000000",
    "#ffffff",
    "#000000",
    "#ffffff",
  ]);
});

it("a share of a color lies between it and its ground", () => {
  expect(mix("#ffffff", "#000000", 0)).toBe("#000000");
  expect(mix("#ffffff", "#000000", 1)).toBe("#ffffff");
  expect(mix("#ff0000", "#000000", 0.5)).toBe("#800000");
});
