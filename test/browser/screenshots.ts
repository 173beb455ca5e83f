// node test/browser/screenshots.ts --out DIR: a picture of each page of the console and of the customer's site, light
// and dark, from a large screen to a phone, with demonstration data in a service of its own.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Look, openTab } from "./support/browser.ts";
import { launch } from "./support/chromium.ts";
import { crawl, routeOf, type Visited } from "./support/crawl.ts";
import type { Kinds } from "./support/data.ts";
import { demoData } from "./support/demo-data.ts";
import { type House, openHouse } from "./support/house.ts";
import { enterSite } from "./support/site.ts";

const LOOKS: Look[] = [1920, 1280, 768, 390].flatMap((width) => [
  { theme: "light" as const, width },
  { theme: "dark" as const, width },
]);

const { values } = parseArgs({ options: { out: { type: "string" }, readme: { type: "boolean" } } });

const nameOf = (route: string): string =>
  route
    .replace(/^\/admin\/?/, "")
    .replace(/^\/portal/, "site")
    .replaceAll(/[^a-z0-9-]+/gi, "_")
    .replaceAll(/^_+|_+$/g, "") || "overview";

/** What a desk shows at once of the pages that tell most, of the console and of the customer's site: docs/images. */
async function shootForReadme(house: House, out: string): Promise<void> {
  const kinds = await demoData(house);
  const { busy } = kinds;
  const browser = await launch();
  try {
    for (const theme of ["light", "dark"] as const) {
      const tab = await openTab(browser, house, { theme, token: house.token });
      for (const [name, path, size] of [
        ["overview", "/admin", { width: 1280, height: 800 }],
        ["license", `/admin/licenses/${busy}`, { width: 1440, height: 900 }],
      ] as const) {
        await tab.page.setViewportSize(size);
        await tab.page.goto(path);
        await tab.page.screenshot({ path: join(out, `${name}-${theme}.png`) });
      }
      await tab.context.close();
    }
    const { page, context } = await openTab(browser, house, { theme: "light" });
    await enterSite(page, house, kinds, "busy");
    for (const [name, path] of [
      ["site-license", `/portal/licenses/${busy}`],
      ["site-key", `/portal/licenses/${busy}/key`],
    ] as const) {
      await page.goto(path);
      await page.setViewportSize({ width: 1280, height: 800 });
      for (const theme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await page.screenshot({ path: join(out, `${name}-${theme}.png`) });
      }
    }
    await context.close();
  } finally {
    await browser.close();
  }
}

async function shoot(house: House, out: string): Promise<void> {
  const kinds = await demoData(house);
  const browser = await launch();
  try {
    const { page } = await openTab(browser, house, { token: house.token });
    const found: { path: string; name: string }[] = [{ path: "/admin/sign-in", name: "sign-in" }];
    const add =
      (known: Kinds) =>
      async ({ path, status }: Visited): Promise<void> => {
        const route = routeOf(path, known);
        // A filter shows the same page with fewer rows.
        if (status === 200 && !route.includes("?")) found.push({ path, name: nameOf(route) });
      };
    await crawl(page, kinds, add(kinds));
    const site = await openTab(browser, house);
    const own = await enterSite(site.page, house, kinds, "busy");
    await crawl(site.page, own, add(own), "/portal");
    const cookies = await site.context.cookies();
    for (const look of LOOKS) {
      const tab = await openTab(browser, house, { ...look, token: house.token });
      await tab.context.addCookies(cookies);
      for (const { path, name } of found) {
        await tab.page.goto(path);
        const file = join(out, `${name}-${look.theme}-${look.width}.png`);
        await tab.page.screenshot({ path: file, fullPage: true });
      }
      for (const fault of tab.faults()) process.stderr.write(`${fault}\n`);
      await tab.context.close();
    }
    process.stdout.write(`${found.length} pages, ${found.length * LOOKS.length} pictures in ${out}\n`);
  } finally {
    await browser.close();
  }
}

if (values.out === undefined) {
  process.stderr.write("Usage: node test/browser/screenshots.ts --out DIR [--readme]\n");
  process.exitCode = 1;
} else {
  mkdirSync(values.out, { recursive: true });
  const { house, close } = await openHouse();
  try {
    await (values.readme === true ? shootForReadme : shoot)(house, values.out);
  } finally {
    await close();
  }
}
