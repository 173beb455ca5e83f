import { describe, expect, it, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { DEFAULT_BRAND, readBrand } from "../../src/field/brand.ts";
import { env } from "../support/env.ts";
import { call } from "../support/service.ts";

const ISSUER = "https://licensing.acme.example";
const read = (value: unknown) => readBrand(value, ISSUER);

describe("BRAND", () => {
  it("may be left out, or be empty", () => {
    for (const value of [undefined, null, "", "{}"]) {
      expect(read(value)).toEqual({ brand: DEFAULT_BRAND, fault: null });
    }
  });

  it("is read whole, as text or as a table of wrangler.toml", () => {
    const value = {
      name: " SmartHaus GmbH ",
      logo: "https://cdn.smarthaus.example/logo.png?v=2",
      color: "#FFD400",
      footer: "SmartHaus GmbH\r\n\n HRB 12345 B ",
      support: "hilfe@smarthaus.example",
    };
    const brand = {
      name: "SmartHaus GmbH",
      logo: "https://cdn.smarthaus.example/logo.png?v=2",
      color: "#ffd400",
      footer: ["SmartHaus GmbH", "HRB 12345 B"],
      support: "hilfe@smarthaus.example",
    };
    expect(read(JSON.stringify(value))).toEqual({ brand, fault: null });
    expect(read(value)).toEqual({ brand, fault: null });
  });

  it("takes an address in another script, as all mail does", () => {
    const support = "hilfe@bücher.example";
    expect(read({ support })).toMatchObject({ brand: { support }, fault: null });
  });

  it.each([
    ["/assets/logo.svg", "https://licensing.acme.example/assets/logo.svg"],
    ["/admin/assets/icon.svg", "https://licensing.acme.example/admin/assets/icon.svg"],
    ["https://cdn.example/a%20b.png", "https://cdn.example/a%20b.png"],
  ])("makes the logo %s an address that a mail can load", (logo, address) => {
    expect(read({ logo }).brand.logo).toBe(address);
  });

  it.each([
    "{",
    "[]",
    '"#ffd400"',
    "1",
    "null",
    { color: "red" },
    { color: "#ffd40" },
    { color: "#ffd4000" },
    { color: "#ffd400;}" },
    { color: 1 },
    { name: "" },
    { name: "x".repeat(81) },
    { name: "a\r\nBcc: b@c.example" },
    { support: "nobody" },
    { support: "a@b.example\r\nBcc: c@d.example" },
    { footer: "x".repeat(1_001) },
    { footer: "a\u0000b" },
    { logo: "http://cdn.example/logo.png" },
    { logo: "javascript:alert(1)//assets/" },
    { logo: "data:image/png;base64,AAAA" },
    { logo: "//cdn.example/assets/logo.png" },
    { logo: "/\\cdn.example/assets/logo.png" },
    { logo: "/v1/admin/licenses" },
    { logo: "https://user:word@cdn.example/logo.png" },
    { logo: "assets/logo.png" },
    { colour: "#ffd400" },
    // One fault, and nothing of it is used: half a brand is none.
    { name: "SmartHaus", color: "red" },
  ])("that is faulty falls back to the default and says so: %j", (value) => {
    const { brand, fault } = read(value);
    expect(brand).toEqual(DEFAULT_BRAND);
    expect(fault).toMatch(/^BRAND (?:is not|has) [^<>\r\n]{3,80}$/);
  });

  it("that is faulty stops nothing, and is logged without its value", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const bindings = { ...env, BRAND: '{"color": "hush-hush"}' };
    expect((await call("/healthz", { bindings })).status).toBe(200);
    expect((await call("/healthz", { bindings })).status).toBe(200);
    const told = log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes("BRAND"));
    log.mockRestore();
    expect(told).toEqual(['{"level":"error","event":"configuration","faults":["BRAND has a wrong color"]}']);
    expect(parseConfig(bindings)).toMatchObject({ brand: DEFAULT_BRAND });
  });
});
