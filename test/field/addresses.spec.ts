import { describe, expect, it } from "vitest";
import { addressesIn, canonicalAddress, isSameAddress } from "../../src/field/addresses.ts";

describe("an address", () => {
  it.each([
    ["https://licensing.example", "https://licensing.example"],
    ["https://licensing.example/", "https://licensing.example"],
    ["https://licensing.example///", "https://licensing.example"],
    [" https://licensing.example\r\n", "https://licensing.example"],
    ["\ufeffhttps://licensing.example\u200b", "https://licensing.example"],
    ["HTTPS://Licensing.Example", "https://licensing.example"],
    ["https://licensing.example:443", "https://licensing.example"],
    ["https://licensing.example.", "https://licensing.example"],
    ["https://licensing.example.:443/", "https://licensing.example"],
    ["https://licensing.example.:8443", "https://licensing.example:8443"],
    ["http://licensing.example:80", "http://licensing.example"],
    ["http://licensing.example:443", "http://licensing.example:443"],
    ["https://licensing.example:80", "https://licensing.example:80"],
    ["http://127.0.0.1:8787/", "http://127.0.0.1:8787"],
    ["http://[::1]:80/", "http://[::1]"],
    ["https://licensing.example/Path/", "https://licensing.example/Path"],
    ["licensing", "licensing"],
    [" Licensing/ ", "Licensing"],
    ["", ""],
  ])("%j is %j", (given, one) => expect(canonicalAddress(given)).toBe(one));

  it.each([
    ["HTTPS://Licensing.Example:443/", "https://licensing.example", true],
    ["http://localhost:8787", "http://127.0.0.1:8787", false],
    ["http://licensing.example", "https://licensing.example", false],
    ["https://licensing.example", "https://licensing.example.evil", false],
    ["https://licensing.example/a", "https://licensing.example/A", false],
  ])("%j and %j: %j", (one, other, same) => expect(isSameAddress(one, other)).toBe(same));

  it("comes in lists", () => {
    expect(addressesIn(" https://a.example/, ,https://b.example\n")).toEqual([
      "https://a.example",
      "https://b.example",
    ]);
    expect(addressesIn("")).toEqual([]);
  });
});
