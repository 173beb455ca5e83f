import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { npm } from "./support/npm.ts";

const keysOf = (text: string) =>
  parseConfig({
    ISSUER: "http://localhost",
    MAIL_FROM: "licensing@smarthaus.example",
    SESSION_SECRET: "s".repeat(32),
    SIGNING_KEYS: text,
  }).signingKeys;

async function run(input: string, ...args: string[]) {
  const script = npm("keys", ...args);
  script.child.stdin.end(input);
  return { code: await script.ended, output: script.output() };
}

describe("npm run keys", () => {
  it("generate makes a set that the service takes, another one each time", async () => {
    const [one, two] = [await run("", "generate"), await run("", "generate")];
    expect(keysOf(one.output)).toHaveLength(1);
    expect(keysOf(one.output)[0]!.kid).not.toBe(keysOf(two.output)[0]!.kid);
  });

  it("rotate puts a new key in front and keeps the old ones", async () => {
    const old = (await run("", "generate")).output;
    const { code, output } = await run(old, "rotate");
    expect(code).toBe(0);
    const [fresh, kept, ...more] = keysOf(output);
    expect(kept).toEqual(keysOf(old)[0]);
    expect(fresh!.kid).not.toBe(kept!.kid);
    expect(more).toEqual([]);
  });

  it("retire takes a key out, but not the one that signs", async () => {
    const old = (await run("", "generate")).output;
    const rotated = (await run(old, "rotate")).output;
    const [fresh, kept] = keysOf(rotated);
    expect(keysOf((await run(rotated, "retire", kept!.kid)).output)).toEqual([fresh]);
    const signing = await run(rotated, "retire", fresh!.kid);
    expect([signing.code, signing.output]).toEqual([
      1,
      `${fresh!.kid} is the key that signs: rotate first.\n`,
    ]);
    expect((await run(rotated, "retire", "none")).output).toBe("The set has no key none.\n");
  });

  it("retire takes a key whose id begins with a hyphen, as one in 64 does", async () => {
    const [one, two] = [{ kid: "one" }, { kid: "-Gx" }];
    const { code, output } = await run(JSON.stringify({ keys: [one, two] }), "retire", two.kid);
    expect([code, output.trim()]).toEqual([0, JSON.stringify({ keys: [one] })]);
  });

  it.each([
    ["nonsense", ["rotate"], 1, /not a JWK Set/],
    ['{"keys":[]}', ["rotate"], 1, /not a JWK Set/],
    ["{}", ["retire", "x"], 1, /not a JWK Set/],
  ])("%j to %j ends with %d", async (input, args, code, message) => {
    const result = await run(input, ...args);
    expect(result.code).toBe(code);
    expect(result.output).toMatch(message);
  });
});
