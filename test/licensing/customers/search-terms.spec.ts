import { describe, expect, it } from "vitest";
import { normalizeTerm, termsOf, termsOfLicense } from "../../../src/licensing/customers/search-terms.ts";

const noted = { metadata: {}, tags: [], notes: null };
const customer = { id: "acme", name: "Acme", company: null, email: null, ...noted };

describe("the terms of a customer", () => {
  it.each([
    [{}, ["acme"]],
    [{ name: " Ada  Mary\u00a0Price " }, ["acme", "ada mary price", "mary price", "price"]],
    [{ email: "Ada@Acme.example" }, ["acme", "ada@acme.example", "acme.example"]],
    [{ company: "\uff21\uff23\uff2d\uff25 GmbH" }, ["acme", "acme gmbh", "gmbh"]],
    [{ name: "\u00c4rzte @ home" }, ["acme", "arzte @ home", "@ home", "home"]],
    [
      { name: "1 2 3 4 5 6 7 8 9" },
      ["acme", ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => "1 2 3 4 5 6 7 8 9".slice(2 * n - 2))],
    ],
    [{ name: "Sons (Berlin)" }, ["acme", "sons (berlin)", "(berlin)", "berlin)"]],
    [{ name: "O\u2019Brien\u2013Meier" }, ["acme", "o'brien-meier", "brien-meier", "meier"]],
    [{ metadata: { po: "RE/2024_17.b" } }, ["acme", "re/2024_17.b", "2024_17.b"]],
    [{ name: `${"\u{1f511}".repeat(150)}-b` }, ["acme", "\u{1f511}".repeat(100), "b"]],
    [{ name: "\u{1f511}".repeat(101) }, ["acme", "\u{1f511}".repeat(100)]],
    [{ tags: ["gold", "eu-west"] }, ["acme", "gold", "eu-west", "west"]],
    [{ notes: "Calls\nAda first" }, ["acme", "calls ada first", "ada first", "first"]],
    [{ metadata: { crm: 4711, ok: true, none: null, empty: "" } }, ["acme", "4711", "true"]],
    [{ metadata: { old: { numbers: ["A 1", "B"] } } }, ["acme", "a 1", "b", "1"]],
  ])("%j: %j", (given, terms) => {
    expect(termsOf({ ...customer, ...given }).toSorted()).toEqual(terms.toSorted());
  });

  it("are those of the first hundred words of a text", () => {
    const words = Array.from({ length: 101 }, (_, n) => `w${n}`);
    const terms = termsOf({ ...customer, notes: words.join(" ") });
    expect(terms.some((term) => term.startsWith("w99 "))).toBe(true);
    expect(terms.some((term) => term.startsWith("w100"))).toBe(false);
  });

  it("are bounded, whatever the notes and metadata, and hold each whole value even so", () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 900 }, (_, n) => [`k${n}`, `v${n} a b c d e f g`]),
    );
    const terms = termsOf({ ...customer, metadata, notes: "word ".repeat(800) });
    expect(terms.length).toBeLessThan(2_000);
    expect(terms).toContain("v899 a b c d e f g");
  });
});

describe("the terms of a license", () => {
  it("are what staff noted; its id is found anyway", () => {
    expect(termsOfLicense(noted)).toEqual([]);
    expect(termsOfLicense({ metadata: { po: "PO-7" }, tags: ["gold"], notes: null })).toEqual([
      "gold",
      "po-7",
      "7",
    ]);
  });
});

describe("a term", () => {
  it.each([
    ["M\u00fcller", "muller"],
    ["Mu\u0308ller", "muller"],
    ["\u0130stanbul", "istanbul"],
    ["ISTANBUL", "istanbul"],
    ["\u0131stanbul", "istanbul"],
    ["Stra\u00dfe", "strasse"],
    ["STRA\u1e9eE", "strasse"],
    ["\u0141\u00f3d\u017a", "lodz"],
    ["\u00d8rsted \u00c6r\u00f8", "orsted aero"],
    ["\u0110\u1eb7ng Vi\u1ec7t", "dang viet"],
    ["\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"],
    ["\u0401\u043b\u043a\u0430", "\u0435\u043b\u043a\u0430"],
    ["\ud55c\uad6d", "\ud55c\uad6d"],
    ["\ufb01n", "fin"],
  ])("%j is stored as %j", (text, term) => {
    expect(normalizeTerm(text)).toBe(term);
    expect(normalizeTerm(term)).toBe(term);
  });
});
