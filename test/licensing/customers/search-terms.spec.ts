import { describe, expect, it } from "vitest";
import { termsOf } from "../../../src/licensing/customers/search-terms.ts";

const customer = { id: "acme", name: "Acme", company: null, email: null };

describe("the terms of a customer", () => {
  it.each([
    [{}, ["acme"]],
    [{ name: " Ada  Mary\u00a0Price " }, ["acme", "ada mary price", "mary price", "price"]],
    [{ email: "Ada@Acme.example" }, ["acme", "ada@acme.example", "acme.example"]],
    [{ company: "\uff21\uff23\uff2d\uff25 GmbH" }, ["acme", "acme gmbh", "gmbh"]],
    [{ name: "\u00c4rzte @ home" }, ["acme", "\u00e4rzte @ home", "@ home", "home"]],
    [
      { name: "1 2 3 4 5 6 7 8 9" },
      ["acme", ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => "1 2 3 4 5 6 7 8 9".slice(2 * n - 2))],
    ],
    [{ name: "\u{1f511}".repeat(101) }, ["acme", "\u{1f511}".repeat(100)]],
  ])("%j: %j", (given, terms) => {
    expect(termsOf({ ...customer, ...given })).toEqual(terms);
  });
});
