// Every page and form of the console with hostile queries and fields, signed in as anybody: none fails, every
// refusal is a page, nothing that was sent gets into a page as markup, and what is refused has written nothing.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { doors } from "../../../src/http/console/index.ts";
import {
  newReferences,
  newTokens,
  PERSON_ROLES,
  type Role,
  type Visitor,
  visitorOf,
} from "../../support/crew.ts";
import { env } from "../../support/env.ts";
import { fill, hostileText, PROBE, type References } from "../../support/hostile.ts";
import { watched } from "../../support/meter.ts";
import { type Answer, call, ORIGIN } from "../../support/service.ts";

const SIGN_IN = ["/admin/sign-in", "/admin/sign-out"].map((path) => ({ path, isForm: true }));

const targets = [
  ...doors.map((door) => ({ path: door.path, isForm: "submit" in door })),
  ...SIGN_IN,
  { path: "/admin/{id}", isForm: false },
].flatMap(({ path, isForm }) =>
  (isForm ? (["GET", "POST"] as const) : (["GET"] as const)).map((method) => ({ method, path })),
);

type Target = (typeof targets)[number];

const COUNT = Math.ceil(env.FUZZ_REQUESTS / targets.length);

const { bindings, writes } = watched();

const FIELDS = [
  "id",
  "q",
  "cursor",
  "limit",
  "sort",
  "standing",
  "do",
  "look",
  "next",
  "done",
  "token",
  "version",
];

const VALUES = [
  "365",
  "0",
  "2027-01-31",
  "yes",
  "standard",
  "unlimited",
  "+new",
  "perpetual",
  "days",
  "type",
];

const value = fc.oneof(
  { weight: 2, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.constantFrom(...VALUES) },
);

const idOf = (path: string): string =>
  ["customers", "activations", "instances", "messages", "license-types"].find((name) =>
    path.includes(name),
  ) === undefined
    ? "$license"
    : ((
        { customers: "$customer", messages: "$message", "license-types": "$license_type" } as Record<
          string,
          string
        >
      )[path.split("/")[2]!] ?? "$activation");

const shots = (path: string, names: string[]) =>
  fc.record({
    id: fc.oneof({ weight: 3, arbitrary: fc.constant(idOf(path)) }, { weight: 1, arbitrary: hostileText }),
    fields: fc.array(
      fc.tuple(
        fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom(...names, ...FIELDS) },
          { weight: 1, arbitrary: hostileText },
        ),
        value,
      ),
      { maxLength: 8 },
    ),
    /** The fields that the page itself offers, filled as it fills them. */
    keeps: fc.boolean(),
    as: fc.oneof(
      { weight: 6, arbitrary: fc.constant("owner" as const) },
      { weight: 3, arbitrary: fc.constantFrom(...PERSON_ROLES, "nobody", "garbage") },
    ),
    once: fc.oneof({ weight: 6, arbitrary: fc.uuid() }, { weight: 1, arbitrary: hostileText }),
    formToken: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: hostileText }),
    origin: fc.constantFrom(ORIGIN, ORIGIN, ORIGIN, ORIGIN, ORIGIN, ORIGIN, "https://evil.example", "null"),
    encoding: fc.constantFrom("url", "url", "url", "multipart", "text/plain", "broken"),
  });

type Shot = ReturnType<typeof shots> extends fc.Arbitrary<infer T> ? T : never;

let visitors: Record<Role, Visitor>;
const seen = new Map<number, number>();

const escape = (text: string): string => encodeURIComponent(text.toWellFormed());

/** The names and values of the fields on a page. */
const fieldsOf = (page: string): [string, string][] =>
  [...page.matchAll(/<(?:input|select|textarea|button)\b[^>]*?\bname="([^"]*)"[^>]*/g)].map((found) => [
    found[1]!,
    /\bvalue="([^"]*)"/.exec(found[0])?.[1] ?? "",
  ]);

function send(
  { method, path }: Target,
  shot: Shot,
  offered: [string, string][],
  references: References,
): Promise<Answer> {
  const target = path.replace(/\{\w+\}/, () => escape(fill(shot.id, references)));
  const fields = fill(shot.fields, references).map(([name, text]): [string, string] => [
    name.toWellFormed(),
    text.toWellFormed(),
  ]);
  const visitor = shot.as === "nobody" || shot.as === "garbage" ? null : visitors[shot.as];
  const headers: Record<string, string> = {
    ...(visitor?.headers ?? (shot.as === "garbage" ? { Cookie: "__Host-caio-session=e30.e30.AAAA" } : {})),
    Origin: shot.origin,
  };
  if (method === "GET") {
    const query = fields.map(([name, text]) => `${escape(name)}=${escape(text)}`).join("&");
    return call(query === "" ? target : `${target}?${query}`, { headers, bindings });
  }
  const own = offered.filter(([name]) => name !== "form_token" && name !== "once" && name !== "look");
  const all: [string, string][] = [
    ...(shot.keeps ? own.filter(([name]) => !fields.some(([given]) => given === name)) : []),
    ...fields,
    ["form_token", shot.formToken?.toWellFormed() ?? visitor?.formToken ?? ""],
    ["once", shot.once.toWellFormed()],
  ];
  if (shot.encoding === "multipart") {
    const form = new FormData();
    all.forEach(([name, text], n) =>
      n % 5 === 4 ? form.append(name, new File([text], `${n}.csv`)) : form.append(name, text),
    );
    return call(target, { method, raw: form, headers, bindings });
  }
  const type = {
    url: "application/x-www-form-urlencoded",
    "text/plain": "text/plain",
    broken: "multipart/form-data; boundary=x",
  }[shot.encoding];
  const raw = all.map(([name, text]) => `${escape(name)}=${escape(text)}`).join("&");
  return call(target, { method, raw, headers: { ...headers, "Content-Type": type }, bindings });
}

beforeAll(async () => {
  const tokens = await newTokens();
  visitors = {} as Record<Role, Visitor>;
  for (const role of PERSON_ROLES) visitors[role] = await visitorOf(tokens[role]);
});

describe("any visit to the console", () => {
  it.each(targets.map((target) => [`${target.method} ${target.path}`, target] as const))(
    "%s",
    { timeout: 600_000 },
    async (_, target) => {
      const references = await newReferences();
      const path = target.path.replace(/\{\w+\}/, () => fill(idOf(target.path), references));
      const page = await call(path, { headers: { Cookie: visitors.owner.headers["Cookie"]! } });
      const offered = fieldsOf(page.text);
      const names = offered.map(([name]) => name).filter((name) => name !== "form_token" && name !== "once");
      await fc.assert(
        fc.asyncProperty(shots(target.path, names), async (shot) => {
          // Signing out would end the visit for all that comes after.
          if (target.path === "/admin/sign-out" && shot.as !== "garbage") shot.formToken ??= "";
          writes.length = 0;
          const answer = await send(target, shot, offered, references);
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
          expect(answer.status).toBeLessThan(500);
          expect(answer.text).not.toContain(PROBE);
          if (answer.status < 400) {
            // Nothing leads away from here.
            expect(answer.headers.get("Location") ?? "/admin").toMatch(/^\/admin(?:[/?]|$)/);
            return;
          }
          expect(writes).toEqual([]);
          expect(answer.headers.get("Content-Type")).toBe("text/html; charset=UTF-8");
          expect(answer.text).toMatch(/^<!doctype html>/i);
        }),
        { numRuns: COUNT, seed: env.FUZZ_SEED },
      );
    },
  );

  it("was refused or answered, and both happened", ({ task }) => {
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
    const refused = [...seen].filter(([status]) => status >= 400).reduce((sum, [, count]) => sum + count, 0);
    expect(refused).toBeGreaterThan(total / 20);
    expect(total - refused).toBeGreaterThan(total / 20);
    task.meta.figures = {
      requests: total,
      "pages and forms": targets.length,
      seed: env.FUZZ_SEED,
      answered: total - refused,
      refused,
      "5xx": 0,
      "refused and written": 0,
    };
  });
});
