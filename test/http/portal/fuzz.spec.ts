// Every page and form of the customer's site with hostile queries and fields, signed in as anybody: none fails, every
// refusal is a page, nothing that was sent gets into a page as markup, what is refused has written nothing, and nothing
// of another customer is in any answer, or changes.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { doors } from "../../../src/http/portal/index.ts";
import { env } from "../../support/env.ts";
import { fill, hostileText, PROBE, type References } from "../../support/hostile.ts";
import { FakeResend, mailing } from "../../support/mail.ts";
import { watched } from "../../support/meter.ts";
import { Browser, type House, hidden, newContact, newHouse, signedIn } from "../../support/portal.ts";
import { activate, admin, ORIGIN, rows } from "../../support/service.ts";

const OPEN_TO_ALL = ["/portal/sign-in", "/portal/sign-in/link", "/portal/sign-in/key", "/portal/confirm"];

const targets = [
  ...doors.map((door) => ({ path: door.path, isForm: "submit" in door || "answer" in door })),
  ...OPEN_TO_ALL.map((path) => ({ path, isForm: true })),
  { path: "/portal/{id}", isForm: false },
].flatMap(({ path, isForm }) =>
  (isForm ? (["GET", "POST"] as const) : (["GET"] as const)).map((method) => ({ method, path })),
);

type Target = (typeof targets)[number];

const COUNT = Math.ceil(env.FUZZ_REQUESTS / 2 / targets.length);

const { bindings, writes } = watched(mailing());

const FIELDS = [
  "after",
  "before",
  "contact",
  "done",
  "email",
  "kind",
  "language",
  "license",
  "license_id",
  "license_key",
  "name",
  "portal",
  "receipt",
  "request",
  "roles",
  "seats",
  "text",
  "token",
  "version",
];

const VALUES = [
  "technical",
  "license",
  "renewal",
  "seats",
  "question",
  "3",
  "0",
  "on",
  "de",
  "ada@acme.example",
];

const VISITORS = ["license", "billing", "technical", "all", "key", "other", "nobody", "garbage"] as const;

const shots = fc.record({
  id: fc.oneof(
    { weight: 3, arbitrary: fc.constant("$own") },
    { weight: 2, arbitrary: fc.constantFrom("$theirs", "$license", "$their_license") },
    { weight: 1, arbitrary: hostileText },
  ),
  month: fc.oneof(
    { weight: 3, arbitrary: fc.constant(new Date().toISOString().slice(0, 7)) },
    { weight: 1, arbitrary: hostileText },
  ),
  fields: fc.array(
    fc.tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...FIELDS) }, { weight: 1, arbitrary: hostileText }),
      fc.oneof(
        { weight: 2, arbitrary: hostileText },
        { weight: 2, arbitrary: fc.constantFrom(...VALUES) },
        {
          weight: 1,
          arbitrary: fc.constantFrom("$own", "$theirs", "$license", "$their_license", "$their_key"),
        },
      ),
    ),
    { maxLength: 8 },
  ),
  as: fc.oneof(
    { weight: 4, arbitrary: fc.constant("all" as const) },
    { weight: 3, arbitrary: fc.constantFrom(...VISITORS) },
  ),
  once: fc.oneof({ weight: 6, arbitrary: fc.uuid() }, { weight: 1, arbitrary: hostileText }),
  formToken: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: hostileText }),
  origin: fc.constantFrom(ORIGIN, ORIGIN, ORIGIN, ORIGIN, ORIGIN, "https://evil.example", "null"),
  encoding: fc.constantFrom("url", "url", "url", "multipart", "text/plain", "broken"),
});

type Shot = typeof shots extends fc.Arbitrary<infer T> ? T : never;

interface Visitor {
  browser: Browser;
  formToken: string;
}

let own: House;
let theirs: House;
let visitors: Record<(typeof VISITORS)[number], Visitor>;
let seats: Record<"own" | "theirs", string>;
const seen = new Map<number, number>();

async function visitorOf(browser: Browser): Promise<Visitor> {
  const signedInBrowser = new Browser(bindings);
  for (const [name, value] of browser.cookies) signedInBrowser.cookies.set(name, value);
  return {
    browser: signedInBrowser,
    formToken: hidden((await browser.get("/portal")).html)["form_token"] ?? "",
  };
}

beforeAll(async () => {
  const resend = new FakeResend();
  [own, theirs] = [await newHouse({ max_instances: 1_000 }), await newHouse({ max_instances: 1_000 })];
  seats = {
    own: (await activate(own.key, "ours")).body.activation_id,
    theirs: (await activate(theirs.key, "their-box")).body.activation_id,
  };
  const contact = async (roles?: string[]) =>
    visitorOf(await signedIn(resend, (await newContact(own.customer.id, roles ? { roles } : {})).email));
  const byKey = new Browser();
  await byKey.post("/portal/sign-in/key", { license_key: own.key });
  const garbage = new Browser(bindings);
  garbage.cookies.set("__Host-caio-portal", "A".repeat(43));
  visitors = {
    all: await contact(),
    license: await contact(["license"]),
    billing: await contact(["billing"]),
    technical: await contact(["technical"]),
    key: await visitorOf(byKey),
    // Of another customer, whose own pages show what is theirs; it may not free its seat.
    other: await visitorOf(
      await signedIn(resend, (await newContact(theirs.customer.id, { roles: ["license"] })).email),
    ),
    nobody: { browser: new Browser(bindings), formToken: "" },
    garbage: { browser: garbage, formToken: "" },
  };
});

const referencesFor = (path: string): References => {
  const [mine, others] = path.includes("/seats/")
    ? [seats.own, seats.theirs]
    : path.includes("/contacts/")
      ? [own.contact.id, theirs.contact.id]
      : [own.license.id, theirs.license.id];
  return {
    own: mine,
    theirs: others,
    license: own.license.id,
    their_license: theirs.license.id,
    their_key: theirs.key,
  } as unknown as References;
};

const escape = (text: string): string => encodeURIComponent(text.toWellFormed());

function send({ method, path }: Target, shot: Shot) {
  const references = referencesFor(path);
  const target = path
    .replace("{id}", () => escape(fill(shot.id, references)))
    .replace("{month}", () => escape(shot.month));
  const { browser, formToken } = visitors[shot.as];
  const fields = fill(shot.fields, references).map(([name, text]): [string, string] => [
    name.toWellFormed(),
    text.toWellFormed(),
  ]);
  if (method === "GET") {
    const query = fields.map(([name, text]) => `${escape(name)}=${escape(text)}`).join("&");
    return browser.get(query === "" ? target : `${target}?${query}`);
  }
  const all: [string, string][] = [
    ...fields,
    ["form_token", shot.formToken?.toWellFormed() ?? formToken],
    ["once", shot.once.toWellFormed()],
  ];
  if (shot.encoding === "multipart") {
    const form = new FormData();
    all.forEach(([name, text], n) =>
      n % 5 === 4 ? form.append(name, new File([text], `${n}.caio-request`)) : form.append(name, text),
    );
    return browser.send(target, form, { Origin: shot.origin });
  }
  const type = {
    url: "application/x-www-form-urlencoded",
    "text/plain": "text/plain",
    broken: "multipart/form-data; boundary=x",
  }[shot.encoding];
  const raw = all.map(([name, text]) => `${escape(name)}=${escape(text)}`).join("&");
  return browser.send(target, raw, { Origin: shot.origin, "Content-Type": type });
}

/** What the other customer has: only its own contact, who is signed in as `other`, may change it. */
const theirState = async (): Promise<string> =>
  JSON.stringify([
    await rows(
      "SELECT id, ended_at FROM activations WHERE license_id = ? AND ended_at = 0",
      theirs.license.id,
    ),
    (await admin(`/licenses/${theirs.license.id}`)).body,
  ]);

describe("any visit to the customer's site", () => {
  it.each(targets.map((target) => [`${target.method} ${target.path}`, target] as const))(
    "%s",
    { timeout: 600_000 },
    async (_, target) => {
      const before = await theirState();
      await fc.assert(
        fc.asyncProperty(shots, async (shot) => {
          writes.length = 0;
          const answer = await send(target, shot);
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
          expect(answer.status).toBeLessThan(500);
          expect(answer.html).not.toContain(PROBE);
          if (shot.as !== "other") {
            for (const secret of [theirs.customer.name, "their-box", theirs.contact.email])
              expect(answer.html).not.toContain(secret);
          }
          if (answer.status < 400) {
            expect(answer.location === "" ? "/portal" : answer.location).toMatch(/^\/portal(?:[/?]|$)/);
            return;
          }
          expect(writes).toEqual([]);
          expect(answer.headers.get("Content-Type")).toBe("text/html; charset=UTF-8");
        }),
        { numRuns: COUNT, seed: env.FUZZ_SEED },
      );
      expect(await theirState()).toBe(before);
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
