import type { Child, FC } from "hono/jsx";
import { jsx as plain } from "hono/jsx/jsx-runtime";
import { describe, expect, it } from "vitest";
import { jsx } from "../../src/kernel/jsx.ts";

const HOSTILE = `<script>"'&`;

/** What an element is as text. */
const htmlOf = (element: { toString(): string | Promise<string> }): string | Promise<string> =>
  element.toString();

const Item: FC<{ name: string; children?: Child }> = ({ name, children }) => <li title={name}>{children}</li>;
const Nothing: FC = () => null;

describe("JSX", () => {
  it("writes elements, texts, figures, lists and fragments", () => {
    const page = (
      <ul class="list">
        {["one", "two"].map((name) => (
          <Item name={name}>
            {name}
            {1}
          </Item>
        ))}
        <>
          <br />
          {null}
          {undefined}
          {false}
          {true}
        </>
        <Nothing />
      </ul>
    );
    expect(htmlOf(page)).toBe(
      '<ul class="list"><li title="one">one1</li><li title="two">two1</li><br/></ul>',
    );
  });

  it("escapes texts and attributes, wherever they come from", () => {
    const escaped = "&lt;script&gt;&quot;&#39;&amp;";
    const Text = () => HOSTILE;
    expect(
      htmlOf(
        <p title={HOSTILE}>
          {HOSTILE}
          {[HOSTILE]}
          <>{HOSTILE}</>
          {/* A component may answer with a text. */}
          {jsx(Text as never, {})}
        </p>,
      ),
    ).toBe(`<p title="${escaped}">${escaped.repeat(4)}</p>`);
  });

  it("leaves out what is not there, and says true and false where that is a value", () => {
    const input = (
      <input checked disabled={false} value={undefined} aria-hidden={false} data-on maxlength={3} />
    );
    expect(htmlOf(input)).toBe('<input checked="" aria-hidden="false" data-on="true" maxlength="3"/>');
  });

  it("writes as it is only what says that it must be", () => {
    expect(htmlOf(<style dangerouslySetInnerHTML={{ __html: "a > b {}" }} />)).toBe(
      "<style>a > b {}</style>",
    );
    const forged = { isEscaped: true, toString: () => HOSTILE };
    expect(() => htmlOf(jsx("p", { children: forged }))).toThrow("Neither text nor an element.");
  });

  it.each([
    ["a name that ends the tag", () => jsx("p", { 'x="><script': "1" })],
    ["a tag that is none", () => jsx("p><script", {})],
    ["a promise", () => jsx("p", { children: Promise.resolve("text") })],
    ["an object", () => jsx("p", { children: {} })],
    ["an attribute that is no text", () => jsx("p", { title: {} })],
  ])("refuses %s", (_, make) => {
    expect(make).toThrow(TypeError);
  });

  it.each([
    ["a", { href: `/?a=1&b=${HOSTILE}`, children: HOSTILE }],
    ["input", { type: "checkbox", checked: true, required: false, value: 0 }],
    ["rect", { viewBox: "0 0 1 1", role: "img", "aria-label": "A", children: 0 }],
    ["td", { class: null, children: ["a", null, 2, ["b", [HOSTILE]]] }],
    ["details", { open: true, children: false }],
  ])("writes <%s> as Hono does", (tag, props) => {
    expect(htmlOf(jsx(tag, { ...props }))).toBe(htmlOf(plain(tag, { ...props }, undefined)));
  });
});
