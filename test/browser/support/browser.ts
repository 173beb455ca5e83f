// Pages in a real browser. A test fails on whatever a developer's console would show in red or yellow.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { House } from "./house.ts";

export const COOKIE = "__Host-caio-session";

export interface Look {
  theme?: "light" | "dark";
  width?: number;
  js?: boolean;
  /** Signed in with this token. */
  token?: string;
  /** Axe comes with each page: for a tab of which most pages are looked at with it. */
  axe?: boolean;
  /** Statuses that this test means to meet; Chromium reports each as an error. */
  refusals?: number[];
}

export interface Tab {
  page: Page;
  context: BrowserContext;
  /** What went wrong since the last look. */
  faults: () => string[];
}

/** Notes down errors, warnings, failed requests, breaches of the policy, dialogs, and requests to others. */
function watch(page: Page, house: House, refusals: number[]): string[] {
  const faults: string[] = [];
  const note = (fault: string): void => void faults.push(`${page.url()}: ${fault}`);
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const status = /the server responded with a status of (\d+)/.exec(message.text())?.[1];
    if (status === undefined || !refusals.includes(Number(status))) note(message.text());
  });
  page.on("pageerror", (error) => note(error.message));
  page.on("dialog", (dialog) => {
    note(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // What the page itself gave up: a filter typed on, a download in place of a page.
    if (reason !== "net::ERR_ABORTED") note(`${request.url()} failed: ${reason}`);
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (origin !== house.url && protocol !== "data:" && protocol !== "blob:") note(`asks ${request.url()}`);
  });
  return faults;
}

export async function signIn(page: Page, house: House, token: string): Promise<void> {
  if (!page.url().includes("/admin/sign-in")) await page.goto(`${house.url}/admin/sign-in`);
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/admin/sign-in"));
}

// Of two that do the same the small one.
const AXE = readFileSync(join(import.meta.dirname, "../../../node_modules/axe-core/axe.min.js"), "utf8");

const sessions = new Map<string, string>();

/** The cookie of a session that all tabs of a token share; the form that gives it has a test of its own. */
async function sessionOf(house: House, token: string): Promise<string> {
  const known = sessions.get(token);
  if (known !== undefined) return known;
  const answer = await fetch(`${house.url}/admin/sign-in`, {
    method: "POST",
    headers: { Origin: house.url },
    body: new URLSearchParams({ token }),
    redirect: "manual",
  });
  const value = new RegExp(`${COOKIE}=([^;]+)`).exec(answer.headers.get("Set-Cookie") ?? "")?.[1];
  if (value === undefined) throw new Error(`not signed in: ${answer.status}`);
  sessions.set(token, value);
  return value;
}

export async function openTab(browser: Browser, house: House, look: Look = {}): Promise<Tab> {
  const { theme = "light", width = 1280, js = true, axe: withAxe = false, token, refusals = [] } = look;
  const context = await browser.newContext({
    baseURL: house.url,
    colorScheme: theme,
    viewport: { width, height: 900 },
    javaScriptEnabled: js,
    permissions: ["clipboard-read", "clipboard-write"],
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(60_000);
  // Chromium compiles it once then, not for each page.
  if (withAxe) await context.addInitScript({ content: AXE });
  if (token !== undefined) {
    const value = await sessionOf(house, token);
    const { hostname: domain } = new URL(house.url);
    await context.addCookies([
      { name: COOKIE, value, domain, path: "/", httpOnly: true, secure: true, sameSite: "Lax" },
    ]);
  }
  const page = await context.newPage();
  const faults = watch(page, house, refusals);
  return { page, context, faults: () => faults.splice(0) };
}

/**
 * Faults of accessibility, by WCAG 2.2 AA and axe's best practices. The tool is put in from outside: the
 * page's policy lets in no script but its own, and is not to be loosened for a test.
 */
export async function axeFaults(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (only) => {
    const { axe: tool } = window as unknown as { axe: typeof axe };
    const options = only ? { runOnly: { type: "rule" as const, values: only } } : {};
    const results = await tool.run(document, { ...options, iframes: false, resultTypes: ["violations"] });
    return results.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      html: nodes.map((node) => node.html),
    }));
  }, rules);
  return violations.map(({ id, help, html }) => `${id}: ${help}: ${html.slice(0, 3).join(" | ")}`);
}

/** The sizes of text: small, text, title and large. */
const TEXT_SIZES = ["12px", "14px", "16px", "24px"];

/** What has text of another size, apart from charts, whose text is drawn. */
export const oddTexts = (page: Page): Promise<string[]> =>
  page.evaluate((sizes) => {
    const hasText = (element: Element): boolean =>
      element.matches("input, select, textarea") ||
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== "");
    return [...document.body.querySelectorAll("*:not(svg, svg *, option, script, style)")]
      .filter((element) => hasText(element) && element.checkVisibility())
      .map((element) => ({ element, size: getComputedStyle(element).fontSize }))
      .filter(({ size }) => !sizes.includes(size))
      .map(({ element, size }) => `${size}: ${element.outerHTML.slice(0, 80)}`);
  }, TEXT_SIZES);

/** By how many pixels the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return Math.max(0, scrollWidth - clientWidth);
  });

/** Faults of the open page in each look: axe in both themes and on a phone, and what sticks out there. */
export async function lookFaults(page: Page): Promise<string[]> {
  const faults = (await axeFaults(page)).map((fault) => `light, 1280: ${fault}`);
  await page.emulateMedia({ colorScheme: "dark" });
  // Another theme changes colors and nothing else.
  faults.push(...(await axeFaults(page, ["color-contrast"])).map((fault) => `dark, 1280: ${fault}`));
  await page.emulateMedia({ colorScheme: "light" });
  for (const width of [390, 360]) {
    await page.setViewportSize({ width, height: 844 });
    const wider = await overflow(page);
    if (wider > 0) faults.push(`${width}: ${wider} px too wide`);
  }
  faults.push(...(await axeFaults(page)).map((fault) => `light, 360: ${fault}`));
  await page.setViewportSize({ width: 1280, height: 900 });
  return faults;
}
