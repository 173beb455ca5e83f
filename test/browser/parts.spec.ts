// The page of all parts keeps their looks: what color tells, sizes, heights and edges. It asks the browser for them, so
// that no font of a machine counts. Where a look is meant to change: npm test -- --project browser parts -u
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { axeFaults, oddTexts, overflow } from "./support/browser.ts";
import { test as base } from "./support/test.ts";
import { serveParts } from "./support/parts.ts";

const test = base.extend("parts", { scope: "file" }, async ({ browser }, { onCleanup }) => {
  const { url, close } = await serveParts();
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  onCleanup(async () => {
    await page.close();
    await close();
  });
  await page.goto(url);
  return page;
});

/** One of each: what it is called here, and where it stands. */
const PARTS: Record<string, string> = {
  page: "body",
  title: "h1",
  lead: ".lead",
  card: ".card",
  "card's title": "h2",
  "button, primary": "button.primary",
  "button, plain": "button[class='']",
  "button, quiet": "button.quiet",
  "button, danger": "button.danger",
  "button, quiet danger": "button.quiet.danger",
  "button, small": "button.small",
  "button, disabled": "button[disabled]",
  "button, chosen": ".button[aria-current]",
  "button of a deed": ".submit button.danger",
  "badge, good": ".badge.good",
  "badge, info": ".badge.info",
  "badge, warn": ".badge.warn",
  "badge, late": ".badge.late",
  "badge, stop": ".badge.stop",
  "badge, held": ".badge.held",
  "badge, plain": ".badge.plain",
  count: ".count",
  note: ".note:not(.good, .warn, .stop)",
  "note, good": ".note.good",
  "note, warn": ".note.warn",
  "note, stop": ".note.stop",
  empty: ".empty",
  figure: ".figure",
  "figure's number": ".figure b",
  "fact's name": ".facts dt",
  "fact's value": ".facts dd",
  code: ".facts code",
  "meter, free": ".meter .bar.good",
  "meter, full": ".meter .bar.warn",
  "meter, over": ".meter .bar.stop",
  "chart's bar": ".chart rect:not(.over)",
  "chart's bar over the limit": ".chart .over",
  "chart's limit": ".chart .limit",
  "timeline's line": ".timeline",
  "table's head": ".rows th",
  "table's cell": ".rows td.main",
  "table's second line": ".rows .second",
  field: "#good-name",
  "field, refused": "#bad-name",
  label: "#form .field label",
  hint: ".field .hint",
  fault: ".fault",
  choice: ".choice:not(:has(:checked))",
  "choice, chosen": ".choice:has(:checked)",
  dialog: "dialog",
};

const PROPERTIES = [
  "color",
  "background-color",
  "border-top",
  "border-left",
  "border-radius",
  "padding",
  "min-height",
  "font-size",
  "font-weight",
  "opacity",
  "fill",
  "stroke",
];

/** How each part looks: a line a part. What says nothing is left out. */
const looksOf = (page: Page): Promise<string[]> =>
  page.evaluate(
    ({ parts, properties }) =>
      Object.entries(parts).map(([name, selector]) => {
        const element = document.querySelector(selector);
        if (element === null) return `${name}: not there`;
        const style = getComputedStyle(element);
        const isDrawn = element.namespaceURI !== "http://www.w3.org/1999/xhtml";
        const told = properties
          .filter((property) => isDrawn === /^(?:fill|stroke)$/.test(property))
          .map((property) => [property, style.getPropertyValue(property)])
          .filter(([, value]) => !/^(?:rgba\(0, 0, 0, 0\)|0px(?: none.*)?|none|auto|1|400)$/.test(value!));
        return `${name}: ${told.map((pair) => pair.join(" ")).join("; ")}`;
      }),
    { parts: PARTS, properties: PROPERTIES },
  );

describe.each(["light", "dark"] as const)("the parts in %s", (colorScheme) => {
  test("look as they did", async ({ parts }) => {
    await parts.emulateMedia({ colorScheme });
    await parts.mouse.move(0, 0);
    const looks = await looksOf(parts);
    expect(looks.filter((look) => look.endsWith(": not there"))).toEqual([]);
    await expect(`${looks.join("\n")}\n`).toMatchFileSnapshot(`looks/${colorScheme}.txt`);
  });

  test("tell each standing by a color of its own", async ({ parts }) => {
    await parts.emulateMedia({ colorScheme });
    const told = await parts
      .locator(".badges")
      .first()
      .locator(".badge")
      .evaluateAll((badges) =>
        badges.map((badge) => {
          const { color, backgroundColor } = getComputedStyle(badge);
          return `${color} on ${backgroundColor}`;
        }),
      );
    expect(told).toHaveLength(7);
    expect(new Set(told).size).toBe(7);
  });

  test("can be used by everybody", async ({ parts }) => {
    await parts.emulateMedia({ colorScheme });
    expect(await axeFaults(parts)).toEqual([]);
  });

  test("answer the pointer and the keyboard", async ({ parts }) => {
    await parts.emulateMedia({ colorScheme });
    for (const look of [
      "button.primary",
      "button[class='']",
      "button.danger",
      ".rows tbody tr",
      "a.figure",
    ]) {
      const part = parts.locator(look).first();
      const shown = () =>
        part.evaluate((it) => getComputedStyle(it).backgroundColor + getComputedStyle(it).borderTopColor);
      await parts.mouse.move(0, 0);
      const before = await shown();
      await part.hover({ position: { x: 3, y: 3 } });
      expect(await shown(), look).not.toBe(before);
    }
    await parts.getByRole("button", { name: "plain" }).first().focus();
    await parts.keyboard.press("Tab");
    const outline = await parts.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
    expect(outline).toBe("solid");
  });
});

describe("the sizes of the parts", () => {
  test("are 12, 14, 16 and 24 pixels for text", async ({ parts }) => {
    expect(await oddTexts(parts)).toEqual([]);
  });

  test("are one height for all controls in a row", async ({ parts }) => {
    const heights = await parts
      .locator("#good-name, #good-type, #good-day, .submit button, .submit .button")
      .evaluateAll((controls) => controls.map((control) => control.getBoundingClientRect().height));
    expect(new Set(heights)).toEqual(new Set([36]));
  });

  test("let the fields of a row stand in one line, whatever their labels take", async ({ parts }) => {
    for (const width of [1280, 768]) {
      await parts.setViewportSize({ width, height: 900 });
      const tops = await parts
        .locator("#good-seats, #good-hours, #good-day")
        .evaluateAll((fields) => fields.map((field) => field.getBoundingClientRect().top));
      expect(new Set(tops).size, `${width}`).toBe(1);
    }
  });

  test("let the text of a chart be about 12 pixels at each width", async ({ parts }) => {
    for (const width of [1400, 1100, 1000, 900, 768, 620, 500, 390]) {
      await parts.setViewportSize({ width, height: 900 });
      const height = await parts
        .locator(".chart .tick")
        .first()
        .evaluate((tick) => {
          const { a: scale } = (tick as SVGTextElement).getScreenCTM()!;
          return parseFloat(getComputedStyle(tick).fontSize) * scale;
        });
      expect(height, `${width}`).toBeGreaterThan(10.5);
      expect(height, `${width}`).toBeLessThan(15);
    }
  });

  test("fit each screen", async ({ parts }) => {
    for (const width of [1920, 1280, 768, 390, 360]) {
      await parts.setViewportSize({ width, height: 900 });
      expect(await overflow(parts), `${width}`).toBe(0);
    }
    await parts.setViewportSize({ width: 1280, height: 900 });
  });
});
