// The pure parts of a drill: its scenes, what it finds, and what it writes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Heard } from "../../../src/clients/typescript/src/testing.ts";
import { mistakesOf, type Observed, type Result } from "../../../src/cli/drill/findings.ts";
import { escaped, junitOf } from "../../../src/cli/drill/junit.ts";
import { lastWords, unreached } from "../../../src/cli/drill/reached.ts";
import { reportOf } from "../../../src/cli/drill/report.ts";
import { LADDER, parseLadder, type Scene, stepOf } from "../../../src/cli/drill/scenes.ts";
import { Failure } from "../../../src/cli/failures.ts";

const HOSTILE = `<script>alert("1")</script>&'\u0000\u0008\uD800]]>`;

const scene: Scene = { name: "end", about: "The end.", steps: [], mistake: { ran: "goes on" } };

const resultOf = (given: Partial<Result> = {}): Result => ({
  scene,
  at: Date.UTC(2027, 0, 31),
  license: { state: "refused", code: "LICENSE_EXPIRED", mayRun: false, warnings: ["DRILL"], detail: "Over." },
  observed: { did: "stopped", exited: false },
  mistakes: [],
  took: 1234.5,
  output: "",
  ...given,
});

describe("a step", () => {
  it.each<[string, object | null]>([
    ["start", { do: "start" }],
    [" restart ", { do: "restart" }],
    ["outage", { do: "outage", kind: "down" }],
    ["outage error", { do: "outage", kind: "error" }],
    ["advance 40d", { do: "advance", seconds: 40 * 86_400 }],
    ["clock-back 3h", { do: "clock-back", seconds: 3 * 3_600 }],
    ["renew 3660d", { do: "renew", seconds: 3_660 * 86_400 }],
    ["renew 3661d", null],
    ["clock-back 0h", { do: "clock-back", seconds: 0 }],
    ["advance 90m", { do: "advance", seconds: 5_400 }],
    ["advance 15s", { do: "advance", seconds: 15 }],
    ["advance", null],
    ["advance 40", null],
    ["advance -1d", null],
    ["advance 1.5d", null],
    ["outage sometimes", null],
    ["start now", null],
    ["dance", null],
    ["", null],
  ])("%j", (text, expected) => {
    expect(stepOf(text)).toEqual(expected);
  });
});

describe("a file of scenes", () => {
  const parse = (value: unknown) => parseLadder(JSON.stringify(value), "scenes.json");

  it("is read with what it leaves out", () => {
    expect(parse({ scenes: [{ name: "a", do: ["start", "advance 1d"] }] })).toEqual({
      license: {},
      scenes: [expect.objectContaining({ name: "a", about: "a", mistake: {} })],
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["no scenes", {}, /scenes/],
    ["none at all", { scenes: [] }, /scenes/],
    ["a name that no file could have", { scenes: [{ name: "A b", do: [] }] }, /scenes\.0\.name/],
    ["a member that there is not", { scenes: [{ name: "a", do: [], doo: [] }] }, /doo/],
    ["a term that there is not", { license: { expires: 4 }, scenes: [{ name: "a", do: [] }] }, /expires/],
    [
      "a mistyped license type",
      { license: { license_type: "profesional" }, scenes: [{ name: "a", do: [] }] },
      /license\.license_type: must be one of trial, standard, professional, enterprise/,
    ],
    [
      "a number that is none",
      { license: { lease_days: 0 }, scenes: [{ name: "a", do: [] }] },
      /license\.lease_days: must be at least 1/,
    ],
    [
      "an entitlement that has no value",
      { license: { entitlements: { gpus: 8 } }, scenes: [{ name: "a", do: [] }] },
      /license\.entitlements\.gpus: must be an object/,
    ],
    [
      "an entitlement that ends at no time",
      {
        license: { entitlements: { gpus: { value: 8, until: "2027-01-31" } } },
        scenes: [{ name: "a", do: [] }],
      },
      /license\.entitlements\.gpus\.until: must be a time such as 2026-12-31T00:00:00Z/,
    ],
    ["a step that there is not", { scenes: [{ name: "a", do: ["dance"] }] }, /dance/],
    [
      "two of a name",
      {
        scenes: [
          { name: "a", do: [] },
          { name: "a", do: [] },
        ],
      },
      /two scenes named a/,
    ],
  ])("is refused with %s, by its name", (_, value, told) => {
    try {
      parse(value);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      const { message, lines } = error as Failure;
      expect([message, ...lines].join("\n")).toMatch(told);
      expect(message).toContain("scenes.json");
      return;
    }
    expect.unreachable();
  });

  it("sells what the application asks for by code", () => {
    const license = {
      license_type: "enterprise",
      updates_until: "2030-01-31T00:00:00Z",
      entitlements: {
        gpus: { value: 8, until: "2030-01-31T00:00:00Z" },
        sso: { value: true },
        nodes: { value: null },
      },
    };
    expect(parse({ license, scenes: [{ name: "a", do: [] }] })).toMatchObject({ license });
  });

  it("is refused where it is no JSON", () => {
    expect(() => parseLadder("scenes:\n  - a", "scenes.yaml")).toThrow("scenes.yaml is not JSON.");
  });

  it("that is built in plays all that may happen to a license", () => {
    const { scenes } = parseLadder(readFileSync(LADDER, "utf8"), "ladder.json");
    const steps = new Set(scenes.flatMap((one) => one.steps.map((step) => step.do)));
    for (const step of ["outage", "renew", "suspend", "reissue", "rotate-keys", "clock-back"] as const)
      expect(steps).toContain(step);
  });
});

describe("what is wrong", () => {
  const observed = (did: Observed["did"], exited = false): Observed => ({ did, exited });
  const before = (mayRun: boolean, did: Observed["did"]) =>
    resultOf({
      license: { ...resultOf().license, mayRun },
      observed: observed(did),
      mistakes: ["was wrong"],
    });

  it.each<[string, Observed, Parameters<typeof mistakesOf>[2], string[]]>([
    ["runs, and may", observed("ran"), { mayRun: true, isServer: true, before: null }, []],
    [
      "runs again after an end, and may",
      observed("ran", true),
      { mayRun: true, isServer: true, before: null },
      [],
    ],
    [
      "stops, and may run",
      observed("stopped"),
      { mayRun: true, isServer: true, before: null },
      ["stops although the license lets it run"],
    ],
    [
      "is still stopped",
      observed("stopped"),
      { mayRun: true, isServer: true, before: before(true, "stopped") },
      ["was wrong"],
    ],
    [
      "stays stopped after a refusal",
      observed("stopped"),
      { mayRun: true, isServer: true, before: before(false, "stopped") },
      ["stops although the license lets it run"],
    ],
    [
      "stops after it ran",
      observed("stopped"),
      { mayRun: true, isServer: true, before: before(true, "ran") },
      ["stops although the license lets it run"],
    ],
    ["stops, and must", observed("stopped"), { mayRun: false, isServer: true, before: null }, []],
    ["runs, and must not", observed("ran"), { mayRun: false, isServer: true, before: null }, ["goes on"]],
    [
      "ends itself on a refusal",
      observed("stopped", true),
      { mayRun: false, isServer: true, before: null },
      ["restarts on refusal"],
    ],
    [
      "is a job that ends on a refusal",
      observed("stopped", true),
      { mayRun: false, isServer: false, before: null },
      [],
    ],
    [
      "ends itself, and runs without a license",
      observed("ran", true),
      { mayRun: false, isServer: true, before: null },
      ["goes on", "restarts on refusal"],
    ],
  ])("with an application that %s", (_, did, circumstances, expected) => {
    expect(mistakesOf(scene, did, circumstances)).toEqual(expected);
  });
});

describe("whether a drill reaches the application", () => {
  const heard = (given: Partial<Heard>): Heard => ({
    method: "POST",
    path: "/v1/activate",
    body: {},
    drillClock: "2027-01-01T00:00:00.000Z",
    status: 200,
    code: null,
    ...given,
  });

  it.each<[string, Heard[], RegExp | null]>([
    ["it asked", [heard({})], null],
    ["one of several asked", [heard({ drillClock: null }), heard({})], null],
    ["it asked nothing", [], /passes url in code/],
    ["it read the keys alone", [heard({ path: "/.well-known/jwks.json" })], /passes url in code/],
    ["its key is another", [heard({ code: "LICENSE_KEY_INVALID", status: 400 })], /license_key/],
    ["it does not know of a drill", [heard({ drillClock: null })], /issuer or trusted_keys/],
  ])("%s", (_, requests, told) => {
    const why = unreached(requests);
    if (told === null) expect(why).toBeNull();
    else expect(why!.join("\n")).toMatch(told);
  });
});

describe("the last words of an application that asked nothing", () => {
  const ended = {
    isRunning: false,
    exits: 1,
    exitCode: 1,
    output: "Traceback:\r\n\n  No module named app\n",
  };

  it.each<[string, Partial<Parameters<typeof lastWords>[0]>, string[]]>([
    [
      "are told where it failed",
      {},
      ["It ended with exit code 1. The last that it wrote:", "  Traceback:", "    No module named app"],
    ],
    [
      "are missed where it wrote nothing",
      { output: "\n" },
      ["It ended with exit code 1, and wrote nothing."],
    ],
    ["are told by a signal", { exitCode: null, output: "" }, ["It ended by a signal, and wrote nothing."]],
    ["are none where it runs", { exits: 0, isRunning: true }, []],
    ["are none where it did its work", { exitCode: 0 }, []],
  ])("%s", (_, given, expected) => {
    expect(lastWords({ ...ended, ...given })).toEqual(expected);
  });

  it("are cut", () => {
    const told = lastWords({ ...ended, output: `${"x".repeat(900)}\n`.repeat(90) });
    expect(told).toHaveLength(13);
    expect(told[1]).toHaveLength(202);
  });
});

describe("a JUnit file", () => {
  const failed = resultOf({ mistakes: [HOSTILE], output: HOSTILE, observed: { did: "ran", exited: true } });
  const xml = junitOf([resultOf(), failed], `node ${HOSTILE}`);

  it("counts", () => {
    expect(xml).toContain('<testsuites tests="2" failures="1" errors="0" time="2.469">');
    expect(xml).toContain('<testcase classname="drill" name="end" time="1.234"/>');
  });

  it("holds nothing that is no XML", () => {
    expect(xml).not.toContain("<script>");
    // oxlint-disable-next-line no-control-regex
    expect(xml).not.toMatch(/[\u0000-\u0008\uD800-\uDFFF]/);
    expect(xml).not.toContain("]]>");
    expect(escaped(HOSTILE)).toBe(
      "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\uFFFD\uFFFD\uFFFD]]&gt;",
    );
  });
});

describe("a report", () => {
  const played = { command: `node ${HOSTILE}`, version: "1.2.3", began: 0, ended: 60_000, scenes: 2 };
  const whole = reportOf({ ...played, results: [resultOf(), resultOf()] });
  const broken = reportOf({
    ...played,
    results: [resultOf({ mistakes: [HOSTILE], output: HOSTILE, scene: { ...scene, about: HOSTILE } })],
  });

  it("says what was played, and whether all of it passed", () => {
    expect(whole).toContain("Passed: 2 of 2 scenes");
    expect(whole).toContain("2027-01-31");
    expect(broken).toContain("Not passed: 1 of 1 scenes");
    expect(broken).toContain("ended after 1 of 2 scenes");
    expect(broken).toContain("What is wrong");
  });

  it("loads nothing, runs nothing, and repeats nobody's markup", () => {
    for (const page of [whole, broken]) {
      expect(page).not.toMatch(/<script|<link|<img|<iframe|url\(|src=|href=|\son\w+=/);
      expect(page).toContain("default-src 'none'; style-src 'unsafe-inline'");
      // oxlint-disable-next-line no-control-regex
      expect(page).not.toMatch(/[\u0000-\u0008\uD800-\uDFFF]/);
    }
  });

  it("is fit for a dark screen, a small one, and paper", () => {
    expect(whole).toContain("prefers-color-scheme: dark");
    expect(whole).toContain("@media print");
    expect(whole).toContain('name="viewport"');
    expect(whole).toContain('<html lang="en">');
  });
});
