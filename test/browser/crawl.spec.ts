// Every page that links lead to, for each role: it is there, it fits, everybody can use it, and it offers
// nothing that would be refused.
import type { Page } from "playwright-core";
import { describe, type ExpectStatic } from "vitest";
import { lookFaults, oddTexts, overflow, type Tab } from "./support/browser.ts";
import {
  crawl,
  loadOf,
  type Opener,
  read,
  routeOf,
  type Site,
  submitsOf,
  type Visited,
} from "./support/crawl.ts";
import { everyKind, type Kinds, newToken } from "./support/data.ts";
import { enterSite } from "./support/site.ts";
import { test } from "./support/test.ts";
import type { House } from "./support/house.ts";

/** What a page may weigh with its style sheet and its script, in bytes as they are before compression. */
const MAX_LOAD = 100 * 1_024;

/**
 * The walk ends by the number of its pages, and each step by its own time. This is for a browser that hangs: on a
 * busy machine the walk takes as long as it takes.
 */
const LAST_RESORT = 3_600_000;

const LICENSE_KEY = /eyJ[\w-]+\.eyJ[\w-]+\./;

/** What is the same in each look and for each role. */
async function faultsOf(page: Page, house: House, html: string): Promise<string[]> {
  const { headings, title, planted, lang } = await page.evaluate(() => ({
    headings: document.querySelectorAll("h1").length,
    title: document.title,
    planted: document.querySelectorAll(
      "img[onerror], img[src=x], body script:not([src^='/admin/assets/'], [src^='/portal/assets/'])",
    ).length,
    lang: document.documentElement.lang,
  }));
  const load = await loadOf(page, house, html);
  return [
    headings === 1 ? "" : `${headings} h1`,
    /^.+ · CAIO (?:Licensing|licenses)$/.test(title) ? "" : `the title ${title}`,
    planted === 0 ? "" : "markup from a name",
    lang === "en" ? "" : "no language",
    load <= MAX_LOAD ? "" : `${load} bytes`,
    ...(await oddTexts(page)),
  ].filter((fault) => fault !== "");
}

let kinds: Kinds;

test.beforeAll(async ({ house }) => {
  kinds = await everyKind(house);
});

async function walk(
  tab: Tab,
  // The test's own, as several walk at once.
  expect: ExpectStatic,
  look: (visited: Visited) => Promise<string[]>,
  { site = "/admin", kinds: known = kinds, opener }: { site?: Site; kinds?: Kinds; opener?: Opener } = {},
): Promise<string[]> {
  const seen: string[] = [];
  await crawl(
    tab.page,
    known,
    async (visited) => {
      const route = routeOf(visited.path, known);
      seen.push(route);
      const faults =
        visited.status === 200 ? await look(visited) : [`status ${visited.status}, from ${visited.from}`];
      faults.push(...tab.faults());
      expect.soft(faults, visited.path).toEqual([]);
    },
    site,
    opener,
  );
  return seen;
}

describe.concurrent("the customer's site", () => {
  test("of a contact", { timeout: LAST_RESORT }, async ({ open, house, expect }) => {
    const tab = await open({ axe: true });
    const own = await enterSite(tab.page, house, kinds);
    const seen = await walk(
      tab,
      expect,
      async ({ html }) => [...(await faultsOf(tab.page, house, html)), ...(await lookFaults(tab.page))],
      { site: "/portal", kinds: own },
    );
    expect(seen).toEqual(
      expect.arrayContaining([
        "/portal",
        "/portal/licenses/{suspended}",
        "/portal/licenses/{id}/key",
        "/portal/licenses/{id}/events",
        "/portal/contacts/{id}",
        "/portal/requests?kind&license",
      ]),
    );
  });
});

describe.concurrent("the console", () => {
  test("of an owner", { timeout: LAST_RESORT }, async ({ open, house, expect }) => {
    const tab = await open({ axe: true, token: house.token });
    const forms: string[] = [];
    const seen = await walk(tab, expect, async ({ path, html }) => {
      if ((await submitsOf(tab.page)) > 0) forms.push(path);
      return [...(await faultsOf(tab.page, house, html)), ...(await lookFaults(tab.page))];
    });
    // The walk got around: it did not end at the first page.
    expect(seen).toEqual(
      expect.arrayContaining([
        "/admin",
        "/admin/licenses",
        "/admin/licenses/new",
        "/admin/licenses/{suspended}",
        "/admin/licenses/{expired}",
        "/admin/licenses/{id}/suspend",
        "/admin/licenses/{id}/key",
      ]),
    );

    const plain = await open({ js: false, token: house.token });
    for (const path of forms) {
      const answer = await plain.page.goto(path);
      expect.soft(answer?.status(), path).toBe(200);
      expect.soft(await submitsOf(plain.page), path).toBeGreaterThan(0);
      expect.soft(await overflow(plain.page), path).toBe(0);
    }
    expect(forms.length).toBeGreaterThan(3);
  });

  describe.each(["manager", "viewer"] as const)("of a %s", (role) => {
    test("offers nothing that is refused", { timeout: LAST_RESORT }, async ({ open, house, expect }) => {
      const { token } = await newToken(house, role);
      const tab = await open({ token });
      // What these pages look like, the owner's walk sees: they are the same with less on them.
      const seen = await walk(
        tab,
        expect,
        ({ html }) =>
          Promise.resolve(role === "viewer" && LICENSE_KEY.test(html) ? ["shows a license key"] : []),
        { opener: read },
      );
      const changing = seen.filter((route) => /\/(?:new|renew|suspend|key|edit|free)$/.test(route));
      if (role === "viewer") expect(changing).toEqual([]);
      else expect(changing).toContain("/admin/licenses/{id}/suspend");
    });
  });
});
