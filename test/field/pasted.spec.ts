import { describe, expect, it } from "vitest";
import { cleaned, instanceIdOf, trimmed, wasMarked } from "../../src/field/pasted.ts";

const KEY = "eyJhbGciOi.eyJpc3Mi.c2lnbmF0dXJl";
const wrapped = KEY.replaceAll(/(.{10})/g, "$1\r\n");

describe("a license key, however it was pasted", () => {
  it.each([
    ["as it was signed", KEY, false],
    ["with a line break at the end", `${KEY}\r\n`, false],
    ["with blanks around it", ` \t${KEY}\u00a0 `, false],
    ["with a next line (U+0085) at the end", `${KEY}\u0085`, false],
    ["wrapped", wrapped, true],
    ["wrapped by a mail program, with quote marks of none", ` ${wrapped} `, true],
    ["with a blank inside", `${KEY.slice(0, 9)} ${KEY.slice(9)}`, true],
    ["with a byte order mark in front", `\ufeff${KEY}`, true],
    ["followed by a zero-width space", `${KEY}\u200b`, true],
    ["with a soft hyphen and a word joiner inside", `${KEY.slice(0, 5)}\u00ad\u2060${KEY.slice(5)}`, true],
    ["with marks from right to left", `\u202b${KEY}\u202c`, true],
    ["with an invisible character beyond the BMP", `${KEY}\u{e0001}`, true],
    ["with an ideographic and a mathematical space", `\u3000${KEY}\u205f`, false],
    ["in double quotes", `"${KEY}"`, true],
    ["in single quotes", `'${KEY}'`, true],
    ["in backticks", `\`${KEY}\``, true],
    ["in angle brackets", `<${KEY}>`, true],
    ["in quotes within quotes", `"'<${KEY}>'"`, true],
    ["after a name", `CAIO_LICENSE_KEY=${KEY}`, true],
    ["after export and a name, quoted, with a line end", `export CAIO_LICENSE_KEY="${KEY}"\n`, true],
    ["after a name, all of it quoted", `"KEY = '${KEY}'"`, true],
    ["after a name of a name", `A=B_2="${KEY}"`, true],
  ])("%s", (_what, pasted, marked) => {
    expect(cleaned(pasted)).toBe(KEY);
    expect(wasMarked(pasted)).toBe(marked);
  });

  it.each([
    ["nothing", "", ""],
    ["nothing but marks", " \u200b\ufeff\n", ""],
    ["a quote without the other", `"${KEY}`, `"${KEY}`],
    ["quotes that do not belong together", `"${KEY}'`, `"${KEY}'`],
    ["brackets the wrong way round", `>${KEY}<`, `>${KEY}<`],
    ["one quote alone", '"', '"'],
    ["a name with a digit in front", `1A=${KEY}`, `1A=${KEY}`],
    ["a name without its sign", `KEY:${KEY}`, `KEY:${KEY}`],
    ["a control character", `${KEY}\u0000`, `${KEY}\u0000`],
    ["a separator that is no blank to Unicode", `${KEY}\u001c`, `${KEY}\u001c`],
    ["padding", `${KEY}==`, `${KEY}==`],
  ])("leaves %s as it is", (_what, pasted, left) => expect(cleaned(pasted)).toBe(left));

  it("costs no more than its length, whatever is sent", () => {
    // Eight times what the largest request may have: anything quadratic takes longer than a test may.
    const n = 512 * 1024;
    const hostile = [
      `${'"'.repeat(n / 2)}x${'"'.repeat(n / 2)}`,
      "a=".repeat(n / 2),
      `${'"a='.repeat(n / 4)}x`,
      "a".repeat(n),
      `${" ".repeat(n)}x${" ".repeat(n)}y`,
      "\u200b".repeat(n),
      "\ud800".repeat(n),
    ];
    for (const rule of [cleaned, wasMarked, trimmed, instanceIdOf])
      expect(hostile.map((text) => String(rule(text)).length <= text.length + 5)).not.toContain(false);
  });
});

describe("an instance id", () => {
  it.each([
    ["as it is", "hostname-1", "hostname-1"],
    ["a blank at the end", "hostname-1 ", "hostname-1"],
    ["a byte order mark in front and a line end", "\ufeffhostname-1\r\n", "hostname-1"],
    ["a zero-width space at the end", "hostname-1\u200b", "hostname-1"],
    ["blanks inside stay", " box  1 ", "box  1"],
    ["a decomposed umlaut", "mu\u0308nchen", "m\u00fcnchen"],
    ["a composed one", "m\u00fcnchen", "m\u00fcnchen"],
    ["a character that NFC takes apart", "\u0958", "\u0915\u093c"],
    ["nothing but marks", " \u200b\n", ""],
    ["a control character stays, to be refused", "\u0007box", "\u0007box"],
  ])("%s", (_what, given, id) => expect(instanceIdOf(given)).toBe(id));
});
