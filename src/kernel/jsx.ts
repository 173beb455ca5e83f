// How JSX becomes HTML: each element is written as text at once, from the inside out. Hono's own runtime builds a tree
// first, for contexts and streams that no page needs, and that took a seventh of the time of a page. The types are
// Hono's. tsconfig.json names this file by "#jsx", which package.json resolves.
import type { Child } from "hono/jsx";
import type { JSX as HonoJSX } from "hono/jsx/jsx-runtime";

export type { JSX } from "hono/jsx/jsx-runtime";

type Component = (props: Record<string, unknown>) => unknown;

/** HTML that was escaped where it had to be. Hono's `html` knows it by `isEscaped`. */
class Markup {
  readonly isEscaped = true;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const SPECIAL = /[&<>"']/;

/** Most texts have nothing to escape, and to look is cheaper than to replace. */
const escaped = (text: string): string =>
  SPECIAL.test(text) ? text.replaceAll(/[&<>"']/g, (found) => ESCAPES[found]!) : text;

/** Elements without content (HTML section 13.1.2). */
const VOID = new Set("area base br col embed hr img input link meta param source track wbr".split(" "));

/** Attributes that are there or not (HTML section 2.3.2). Others, such as aria-hidden, say true or false. */
const BOOLEAN = new Set(
  (
    "allowfullscreen async autofocus autoplay checked controls default defer disabled download formnovalidate " +
    "hidden inert ismap itemscope loop multiple muted nomodule novalidate open playsinline readonly required " +
    "reversed selected"
  ).split(" "),
);

const names = new Set<string>();

/** A name that is none could end the tag. Those that the pages use are few, and each is looked at once. */
function checked(name: string): string {
  if (names.has(name)) return name;
  if (!/^[A-Za-z][\w:.-]*$/.test(name)) throw new TypeError("Not a name of an element or attribute.");
  names.add(name);
  return name;
}

function content(child: unknown): string {
  if (typeof child === "string") return escaped(child);
  if (typeof child === "number") return String(child);
  if (child === null || child === undefined || typeof child === "boolean") return "";
  if (Array.isArray(child)) {
    let text = "";
    for (const one of child) text += content(one);
    return text;
  }
  if (child instanceof Markup) return child.toString();
  // A promise above all: pages read everything before they are written.
  throw new TypeError("Neither text nor an element.");
}

function attribute(name: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return ` ${checked(name)}="${escaped(value)}"`;
  if (typeof value === "number") return ` ${checked(name)}="${value}"`;
  if (typeof value !== "boolean") throw new TypeError(`The attribute ${name} is no text.`);
  if (BOOLEAN.has(name)) return value ? ` ${checked(name)}=""` : "";
  return ` ${checked(name)}="${value}"`;
}

function element(tag: string, props: Record<string, unknown>): string {
  let text = `<${checked(tag)}`;
  let inner = "";
  for (const name in props) {
    const value = props[name];
    if (name === "children") inner = content(value);
    else if (name === "dangerouslySetInnerHTML") inner = (value as { __html: string }).__html;
    else text += attribute(name, value);
  }
  return VOID.has(tag) ? `${text}/>` : `${text}>${inner}</${tag}>`;
}

/** An element, or what a component makes of its properties. */
export const jsx = (tag: string | Component, props: Record<string, unknown>): HonoJSX.Element =>
  (typeof tag === "function" ? tag(props) : new Markup(element(tag, props))) as HonoJSX.Element;

/** The same with several children, and in tests. */
export { jsx as jsxs, jsx as jsxDEV };

/** Children without an element around them. */
export const Fragment = ({ children }: { children?: Child }): HonoJSX.Element =>
  new Markup(content(children)) as unknown as HonoJSX.Element;
