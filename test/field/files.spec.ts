import { describe, expect, it } from "vitest";
import { NotText, textIn } from "../../src/field/files.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const utf16 = (text: string, endian: "le" | "be"): Uint8Array =>
  Uint8Array.from(
    Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)).flatMap((unit) =>
      endian === "le" ? [unit & 0xff, unit >> 8] : [unit >> 8, unit & 0xff],
    ),
  );

describe("a text file", () => {
  it.each([
    ["nothing", utf8(""), ""],
    ["UTF-8", utf8("Zürich 🏔"), "Zürich 🏔"],
    ["a byte order mark in front", utf8("\ufeffZürich"), "Zürich"],
    ["one of two byte order marks", utf8("\ufeff\ufeffa"), "\ufeffa"],
    ["one character", utf8("a"), "a"],
    ["a zero among others", utf8("a\u0000b c"), "a\u0000b c"],
  ])("%s", (_what, bytes, text) => expect(textIn(bytes)).toBe(text));

  it.each([
    ["little-endian, with its mark", utf16('\ufeff{"a": 1}', "le")],
    ["big-endian, with its mark", utf16('\ufeff{"a": 1}', "be")],
    ["little-endian, without", utf16('{"a": 1}', "le")],
    ["big-endian, without", utf16('{"a": 1}', "be")],
    ["with its mark and nothing else", utf16("\ufeff", "le")],
  ])("UTF-16 is refused by that name: %s", (_what, bytes) => {
    expect(() => textIn(bytes)).toThrow(NotText);
    expect(() => textIn(bytes)).toThrow("is in UTF-16: save it as UTF-8");
  });

  it.each([
    ["a workbook (.xlsx, .ods) or another ZIP", Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0x14, 0x00)],
    ["an older workbook (.xls)", Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1)],
  ])("is not %s, and says so", (_what, bytes) => {
    expect(() => textIn(bytes)).toThrow(
      "is a workbook or an archive, such as .xlsx: save it as CSV in UTF-8",
    );
  });

  it("is not what is not UTF-8", () => {
    expect(() => textIn(Uint8Array.of(0x5a, 0xfc, 0x72))).toThrow("is not in UTF-8");
  });
});
