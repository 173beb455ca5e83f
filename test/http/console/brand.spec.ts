// The vendor's color in the console.
import { describe, expect, it } from "vitest";
import { brandSheet } from "../../../src/http/ui/brand-sheet.ts";
import { contrast } from "../../../src/kernel/contrast.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";

describe("the color of BRAND", () => {
  it("colors the console, by a style sheet of its own", async () => {
    const visitor = await Visitor.signIn(env.ADMIN_TOKEN, { ...env, BRAND: '{"color":"#FFD400"}' });
    const { html } = await visitor.get("/admin/settings/mail");
    const [, href] = /<link rel="stylesheet" href="(\/admin\/brand[^"]*)"/.exec(html)!;
    expect(href).toBe("/admin/brand.css?color=ffd400");
    const sheet = await visitor.get(href!);
    expect(sheet.headers.get("Content-Type")).toBe("text/css; charset=utf-8");
    expect(sheet.headers.get("Cache-Control")).toContain("private");
    expect(sheet.html).toBe(brandSheet("#ffd400"));
  });

  it("is left out where none is configured or it is faulty", async () => {
    for (const BRAND of [undefined, '{"name":"SmartHaus"}', '{"color":"red;}"}']) {
      const visitor = await Visitor.signIn(env.ADMIN_TOKEN, BRAND === undefined ? env : { ...env, BRAND });
      expect((await visitor.get("/admin/settings/mail")).html).not.toContain("brand.css");
    }
  });

  it("can be read on all that it lies on, whatever it is", () => {
    const steps = [0, 51, 102, 153, 204, 255].map((channel) => channel.toString(16).padStart(2, "0"));
    const colors = steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => `#${r}${g}${b}`)));
    for (const color of colors) {
      const found = [...brandSheet(color).matchAll(/light-dark\((#\w{6}), (#\w{6})\)/g)];
      expect(found).toHaveLength(3);
      for (const [at, grounds, soft] of [
        [1, ["#ffffff", "#f5f6f9", "#f7f8fb"], "#556072"],
        [2, ["#0f1217", "#171b22", "#1d222b"], "#a3adbc"],
      ] as const) {
        const [accent, ink, tinted] = found.map((match) => match[at]!) as [string, string, string];
        expect(contrast(soft, tinted), `soft text with ${color}`).toBeGreaterThanOrEqual(4.5);
        for (const ground of [...grounds, tinted, ink]) {
          expect(contrast(accent, ground), `${color} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });
});
