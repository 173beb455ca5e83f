// Follows every link under /admin, or under /portal, each kind of page once, as ids stand for one another.
import type { Page } from "playwright-core";
import type { Kinds } from "./data.ts";
import type { House } from "./house.ts";

export interface Visited {
  /** With its query. */
  path: string;
  status: number;
  html: string;
  /** The page with the link that led here. */
  from: string;
}

/** Words that stand in paths as they are; all else is an id. */
const WORD = /^[a-z]+(?:-[a-z]+)*$/;

/** Lists below which every segment that is no known word is the id of something. */
const NAMED: Record<string, string[]> = {
  "license-types": ["new"],
  customers: ["new"],
  people: ["new"],
};

/**
 * The path with ids replaced, and the names of its parameters. A license's own page has its kind in place of its
 * id, since it differs by that.
 */
export function routeOf(path: string, kinds: Kinds): string {
  const { pathname, searchParams } = new URL(path, "http://localhost");
  const segments = pathname.split("/").slice(1).map(decodeURIComponent);
  const kind = Object.entries(kinds).find(([, id]) => id === segments[2])?.[0];
  const isPage = segments[1] === "licenses" && segments.length === 3 && kind !== undefined;
  const route = segments.map((segment, index) => {
    const words = NAMED[segments[index - 1] ?? ""];
    const isWord = words ? words.includes(segment) : WORD.test(segment);
    return isWord ? segment : isPage ? `{${kind}}` : "{id}";
  });
  const query = [...new Set(searchParams.keys())].toSorted().join("&");
  return `/${route.join("/")}${query && `?${query}`}`;
}

/** The console, or the customer's site. */
export type Site = "/admin" | "/portal";

/** Where links lead, and forms that can be sent; without signing out. Runs in the browser. */
function targetsIn(root: Document, under: Site): string[] {
  const here = new URL(root.baseURI);
  // Bars of charts lead where the tables behind them do.
  const links = [...root.querySelectorAll<HTMLAnchorElement>("a[href]:not(svg *)")].map(({ href }) => href);
  const forms = [...root.querySelectorAll("form[action]")]
    .filter(
      (form) =>
        form.querySelector("button:not([type=button]), select, textarea, input:not([type=hidden])") !== null,
    )
    .map((form) => form.getAttribute("action") ?? "");
  const frames = [...root.querySelectorAll("iframe")].map(({ src }) => src).filter((src) => src !== "");
  return [...links, ...forms, ...frames]
    .map((target) => new URL(target, here))
    .filter(
      ({ origin, pathname }) =>
        origin === here.origin && (pathname === under || pathname.startsWith(`${under}/`)),
    )
    .filter(({ pathname }) => pathname !== `${under}/sign-out` && !pathname.startsWith(`${under}/assets/`))
    .map(({ pathname, search }) => pathname + search);
}

/** How many forms of the page's content that do something can be sent. */
export const submitsOf = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const forms = [...document.querySelectorAll("main form[method=post]")];
    const isSent = (button: Element): boolean =>
      button.getAttribute("type") !== "button" &&
      button.checkVisibility() &&
      button.textContent.trim() !== "";
    return forms.filter((form) => [...form.querySelectorAll("button")].some(isSent)).length;
  });

const assets = new Map<string, number>();

/** What the page weighs with its style sheets and scripts, in bytes. */
export async function loadOf(page: Page, house: House, html: string): Promise<number> {
  const urls = await page.evaluate(() => [
    ...[...document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]")].map(({ href }) => href),
    ...[...document.querySelectorAll<HTMLScriptElement>("script[src]")].map(({ src }) => src),
  ]);
  for (const url of urls) {
    if (!url.startsWith(house.url)) throw new Error(`${url} is not ours`);
    if (!assets.has(url)) assets.set(url, (await (await fetch(url)).arrayBuffer()).byteLength);
  }
  return Buffer.byteLength(html) + urls.reduce((sum, url) => sum + assets.get(url)!, 0);
}

interface Opened {
  status: number;
  /** Null for a download, or a mail to be shown in a sandbox. */
  html: string | null;
  targets: string[];
}

/** How a page is opened. */
export type Opener = (page: Page, path: string, site: Site) => Promise<Opened>;

const SANDBOX = /(?:^|;)\s*sandbox/;

const isPage = (html: string | null): html is string => html?.startsWith("<!doctype html>") ?? false;

/** As a person opens it. */
const drawn: Opener = async (page, path, site) => {
  try {
    const answer = await page.goto(path);
    const status = answer?.status() ?? 0;
    if (!answer || SANDBOX.test(answer.headers()["content-security-policy"] ?? ""))
      return { status, html: null, targets: [] };
    const html = await answer.text();
    const targets = isPage(html)
      ? await page.evaluate<string[]>(`(${targetsIn.toString()})(document, "${site}")`)
      : [];
    return { status, html, targets };
  } catch (error) {
    if (!String(error).includes("Download is starting")) throw error;
    return { status: (await page.request.get(path)).status(), html: null, targets: [] };
  }
};

/** Without drawing it, which takes ten times as long: for what it says and offers. */
export const read: Opener = async (page, path, site) => {
  const answer = await page.request.get(path);
  const html = SANDBOX.test(answer.headers()["content-security-policy"] ?? "") ? null : await answer.text();
  const targets = isPage(html)
    ? await page.evaluate<string[]>(`(() => {
        const root = new DOMParser().parseFromString(${JSON.stringify(html)}, "text/html");
        const href = ${JSON.stringify(answer.url())};
        root.head.prepend(Object.assign(root.createElement("base"), { href }));
        return (${targetsIn.toString()})(root, "${site}");
      })()`)
    : [];
  return { status: answer.status(), html, targets };
};

/** Far more kinds of pages than there are, each by the names in its query: a walk that gets there has no end. */
const MAX_PAGES = 220;

/**
 * Begins at the first page and calls `look` for each kind of page, which is open then if it is drawn.
 * @throws where the links lead to ever more kinds
 */
export async function crawl(
  page: Page,
  kinds: Kinds,
  look: (visited: Visited) => Promise<void>,
  site: Site = "/admin",
  opener: Opener = drawn,
): Promise<void> {
  const seen = new Set<string>();
  const queue: { path: string; from: string }[] = [];
  const add = (path: string, from: string): void => {
    const route = routeOf(path, kinds);
    if (seen.has(route)) return;
    seen.add(route);
    if (seen.size > MAX_PAGES) throw new Error(`the links do not end: ${[...seen].slice(-20).join(", ")}`);
    queue.push({ path, from });
  };
  add(site, "nowhere");
  for (const id of Object.values(kinds)) add(`${site}/licenses/${id}`, "the list of licenses");
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { status, html, targets } = await opener(page, next.path, site);
    // A page of plain text or a download has no links and no looks.
    if (status === 200 && !isPage(html)) continue;
    await look({ ...next, status, html: html ?? "" });
    for (const target of targets) add(target, next.path);
  }
}
