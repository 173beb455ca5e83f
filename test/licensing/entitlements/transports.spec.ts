// Entitlements come by five ways: the API, the command line, the forms of the console, and imports of JSON and of CSV. One
// table of cases goes through all of them: the same input is kept alike, or refused alike.
import { Command } from "commander";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { addLicenseCommands } from "../../../src/cli/commands/licenses/licenses.ts";
import { Failure } from "../../../src/cli/failures.ts";
import { setTime } from "../../support/clock.ts";
import { type Fields, type ShownPage, Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { admin, type Answer, call, newCustomer, newLicense, ORIGIN, unique } from "../../support/service.ts";

interface Given {
  value: unknown;
  until?: string;
}

/** By code; null takes one away. */
type Input = Record<string, Given | null>;

/** What is kept, or the members that a refusal names. */
type Outcome = { kept: unknown } | { refused: string; at: string[] };

interface Case {
  kind: string;
  /** What the type has, or the license before it is changed. */
  before?: Given;
  given: Given | null;
  /** Left out: what is given; null: nothing. */
  kept?: Given | null;
  /** The member of the entitlement that is refused; empty: the entitlement. */
  refused?: string;
  /** A form has only what its field can hold. */
  notInForms?: true;
}

const JUNE = "2027-06-30";
const JUNE_IS_OVER = "2027-07-01T12:00:00.000Z";
const AT_FOUR = "2027-06-30T16:00:00.000Z";

const CASES: Case[] = [
  { kind: "flag", given: { value: true } },
  { kind: "flag", given: { value: false } },
  { kind: "flag", given: { value: true }, before: { value: false } },
  { kind: "flag", given: { value: false, until: AT_FOUR }, before: { value: true } },
  { kind: "flag", given: { value: 1 }, refused: "value" },
  { kind: "flag", given: { value: "yes" }, refused: "value" },
  { kind: "flag", given: { value: null }, refused: "value", notInForms: true },
  { kind: "limit", given: { value: 8 } },
  { kind: "limit", given: { value: 0 } },
  { kind: "limit", given: { value: null } },
  { kind: "limit", given: { value: null }, before: { value: 4, until: AT_FOUR } },
  { kind: "limit", given: { value: 4 }, before: { value: null } },
  { kind: "limit", given: { value: 1_000_000_000_000 } },
  { kind: "limit", given: { value: 1_000_000_000_001 }, refused: "value" },
  { kind: "limit", given: { value: -1 }, refused: "value" },
  { kind: "limit", given: { value: 1.5 }, refused: "value" },
  { kind: "limit", given: { value: "many" }, refused: "value" },
  { kind: "limit", given: { value: true }, refused: "value" },
  { kind: "text", given: { value: "Berlin" } },
  { kind: "text", given: { value: 'Köln, "Nord"; =1,until=2027' } },
  { kind: "text", given: { value: "true" } },
  { kind: "text", given: { value: "8" } },
  { kind: "text", given: { value: "unlimited" } },
  { kind: "text", given: { value: "x".repeat(200) } },
  { kind: "text", given: { value: "x".repeat(201) }, refused: "value" },
  { kind: "text", given: { value: 8 }, refused: "value", notInForms: true },
  { kind: "text", given: { value: null }, refused: "value", notInForms: true },
  { kind: "meter", given: { value: 2_000_000 } },
  { kind: "meter", given: { value: null, until: AT_FOUR } },
  { kind: "meter", given: { value: "7 tokens" }, refused: "value" },
  // A date is that whole day everywhere on Earth; an instant is exact, whatever its zone.
  { kind: "limit", given: { value: 8, until: JUNE }, kept: { value: 8, until: JUNE_IS_OVER } },
  { kind: "limit", given: { value: 8, until: AT_FOUR } },
  {
    kind: "limit",
    given: { value: 8, until: "2027-06-30T18:00:00+02:00" },
    kept: { value: 8, until: AT_FOUR },
  },
  { kind: "flag", given: { value: true, until: "2020-01-31T00:00:00.000Z" } },
  { kind: "limit", given: { value: 8, until: "2027-02-30" }, refused: "until" },
  { kind: "limit", given: { value: 8, until: "tomorrow" }, refused: "until" },
  { kind: "text", given: { value: "Berlin", until: "2027-06-30T16:00:00" }, refused: "until" },
  // The whole entitlement is replaced, its end too.
  { kind: "limit", before: { value: 4, until: AT_FOUR }, given: { value: 8 } },
  { kind: "flag", before: { value: true, until: AT_FOUR }, given: { value: true } },
  { kind: "limit", before: { value: 4 }, given: null, kept: null },
  { kind: "flag", before: { value: true, until: AT_FOUR }, given: null, kept: null },
  { kind: "text", before: { value: "Berlin" }, given: null, kept: null },
  { kind: "meter", before: { value: null }, given: null, kept: null },
  { kind: "limit", given: null, kept: null },
  { kind: "unknown", given: { value: 8 }, refused: "" },
  { kind: "unknown", given: null, kept: null },
];

let customer_id: string;
let visitor: Visitor;
/** One of each kind, so that forms stay short. */
let codes: Record<string, string>;

beforeAll(async () => {
  setTime("2026-11-29T08:00:00Z");
  customer_id = (await newCustomer()).id;
  visitor = await Visitor.signIn(env.ADMIN_TOKEN);
  const kinds = ["flag", "limit", "text", "meter"];
  codes = Object.fromEntries(await Promise.all(kinds.map(async (kind) => [kind, await defined(kind)])));
  codes["unknown"] = unique("a");
});

beforeEach(() => {
  setTime("2026-11-29T08:00:00Z");
  vi.stubEnv("CAIO_LICENSE_URL", ORIGIN);
  vi.stubEnv("CAIO_LICENSE_TOKEN", env.ADMIN_TOKEN);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function defined(kind: string): Promise<string> {
  const code = unique("a");
  const answer = await admin("/entitlements", { body: { code, name: "Something", kind } });
  expect(answer.status, answer.text).toBe(201);
  return code;
}

const refusal = (code: string, paths: string[]): Outcome => ({
  refused: code,
  at: [...new Set(paths.map((path) => path.replace(/^rows\.\d+\./, "")))].toSorted(),
});

const faulty = ({ body }: Answer): Outcome =>
  refusal(
    body.code,
    body.errors.map(({ path }: { path: string }) => path),
  );

const kept = async (path: string): Promise<Outcome> => ({ kept: (await admin(path)).body.entitlements });

// ------------------------------------------------------------------------------------------------ the command line

/** A value as somebody writes it behind --set. A text that looks like something else stands in quotes. */
const written = (value: unknown): string =>
  value === null ? "unlimited" : typeof value === "string" ? `"${value}"` : JSON.stringify(value);

const optionsOf = (input: Input): string[] =>
  Object.entries(input).flatMap(([code, given]) =>
    given === null
      ? ["--unset", code]
      : [
          "--set",
          `${code}=${written(given.value)}${given.until === undefined ? "" : `,until=${given.until}`}`,
        ],
  );

/** Runs a command against the service of this run. @returns what it prints @throws Failure */
async function printedBy(...line: string[]): Promise<string> {
  vi.stubGlobal("fetch", async (url: URL, { method, headers, body }: RequestInit) => {
    const sent = { method: method!, headers: headers as Record<string, string>, raw: body as string };
    const { status, text, headers: answered } = await call(url.pathname + url.search, sent);
    return new Response(text, { status, headers: answered });
  });
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addLicenseCommands(program.command("licenses").exitOverride());
  try {
    await program.parseAsync(["licenses", ...line], { from: "user" });
    return printed;
  } finally {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  }
}

/** The answer as JSON, or how the command fails. */
async function caioLicense(...line: string[]): Promise<any> {
  try {
    return JSON.parse(await printedBy(...line, "--json"));
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** A single fault is the message itself. */
const failed = ({ message, lines }: Failure): Outcome => {
  const code = lines.find((line) => line.startsWith("code: "))!.slice("code: ".length);
  return refusal(
    code,
    [message, ...lines].flatMap((line) => /^(entitlements\S*): /.exec(line)?.[1] ?? []),
  );
};

// ------------------------------------------------------------------------------------------------ the console

/** The fields of a form, each with its kind, as somebody fills them in. */
const fieldsOf = (input: Input, kinds: Record<string, string>): Fields =>
  Object.assign(
    { entitlement_fields: Object.keys(input).map((code) => `${kinds[code]} ${code}`) },
    ...Object.entries(input).map(([code, given]): Fields => {
      const name = `entitlement.${code}`;
      const isUnlimited = given?.value === null;
      return {
        [name]: given === null || isUnlimited ? "" : String(given.value),
        [`${name}.unlimited`]: isUnlimited ? "yes" : undefined,
        [`${name}.until`]: given?.until ?? "",
      };
    }),
  );

async function submitted(path: string, fields: Fields): Promise<ShownPage | Outcome> {
  const page = await visitor.submit(await visitor.get(path), fields);
  if (page.location !== "") return page;
  // A refusal at the top links each fault to its field.
  const ids = [...page.html.matchAll(/<a href="#(entitlement[^"]*)"/g)].map(([, id]) => id!);
  const listed = [fields["entitlement_fields"]].flat().map((one) => (one as string).split(" ")[1]!);
  const at = ids.map((id) => {
    const code = listed.find((one) => id.startsWith(`entitlement.${one}`))!;
    return `entitlements.${code}.${id.endsWith(".until") ? "until" : "value"}`;
  });
  expect(page.status, page.text).toBe(422);
  return refusal("REQUEST_INVALID", at);
}

// ------------------------------------------------------------------------------------------------ issuing

type Way<Args extends unknown[]> = (
  input: Input,
  kinds: Record<string, string>,
  ...args: Args
) => Promise<Outcome>;

const ISSUED: Record<string, Way<[type: string]>> = {
  async "the API"(entitlements, _, license_type) {
    const answer = await admin("/licenses", { body: { customer_id, license_type, entitlements } });
    return answer.status === 201 ? { kept: answer.body.license.entitlements } : faulty(answer);
  },
  async "the command line"(input, _, type) {
    const told = await caioLicense("create", "--customer", customer_id, "--type", type, ...optionsOf(input));
    return told instanceof Failure ? failed(told) : { kept: told.license.entitlements };
  },
  async "a form"(input, kinds, license_type) {
    const shown = { terms_of: license_type, further_of: license_type };
    const fields = { customer_id, license_type, ...shown, ...fieldsOf(input, kinds) };
    const answer = await submitted(`/admin/licenses/new?license_type=${license_type}`, fields);
    return "location" in answer ? kept(`/licenses/${answer.location.split("/")[3]}`) : answer;
  },
  async "an import of JSON"(entitlements, _, license_type) {
    const tag = unique("tag");
    return imported({ body: [{ customer_id, license_type, entitlements, tags: [tag] }] }, tag);
  },
  async "an import of CSV"(entitlements, _, license_type) {
    const tag = unique("tag");
    const cell = `"${JSON.stringify(entitlements).replaceAll('"', '""')}"`;
    const raw = `customer_id,license_type,tags,entitlements\r\n${customer_id},${license_type},${tag},${cell}\r\n`;
    return imported({ raw, headers: { "Content-Type": "text/csv" }, method: "POST" }, tag);
  },
};

async function imported(file: Parameters<typeof admin>[1], tag: string): Promise<Outcome> {
  const answer = await admin("/imports/licenses", file);
  if (answer.status !== 200) return faulty(answer);
  const { data } = (await admin(`/licenses?tag=${tag}`)).body;
  return { kept: data[0].entitlements };
}

const CHANGED: Record<string, Way<[id: string]>> = {
  async "the API"(entitlements, _, id) {
    const answer = await admin(`/licenses/${id}`, { method: "PATCH", body: { entitlements } });
    return answer.status === 200 ? { kept: answer.body.entitlements } : faulty(answer);
  },
  async "the command line"(input, _, id) {
    const told = await caioLicense("update", id, ...optionsOf(input));
    return told instanceof Failure ? failed(told) : { kept: told.entitlements };
  },
  async "a form"(input, kinds, id) {
    const answer = await submitted(`/admin/licenses/${id}/edit`, fieldsOf(input, kinds));
    return "location" in answer ? kept(`/licenses/${id}`) : answer;
  },
};

const WRITTEN: Record<string, Way<[type: string]>> = {
  async "the API"(input, _, type) {
    const entitlements = Object.fromEntries(Object.entries(input).filter(([, given]) => given !== null));
    const answer = await admin(`/license-types/${type}`, {
      method: "PUT",
      body: { name: "T", entitlements },
    });
    return answer.status < 300 ? { kept: answer.body.entitlements } : faulty(answer);
  },
  async "a form"(input, kinds, type) {
    const answer = await submitted(`/admin/settings/license-types/${type}/edit`, fieldsOf(input, kinds));
    return "location" in answer ? kept(`/license-types/${type}`) : answer;
  },
};

/** A type of this test, with what it has before. */
async function typeWith(entitlements: Input): Promise<string> {
  const type = unique("type");
  const answer = await admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", entitlements } });
  expect(answer.status, answer.text).toBe(201);
  return type;
}

/** A license of this test, with what it has before. */
const licenseWith = async (entitlements: Input): Promise<string> =>
  (await newLicense({ customer_id, entitlements })).license.id;

const outcomeOf = (one: Case, code: string): Outcome => {
  const { given, refused, kept: stays = given } = one;
  if (refused === undefined) return { kept: stays === null ? {} : { [code]: stays } };
  return refusal("REQUEST_INVALID", [["entitlements", code, refused].filter(Boolean).join(".")]);
};

const named = ({ kind, before, given }: Case): string =>
  `${kind} ${before ? `that is ${JSON.stringify(before)}, ` : ""}${given === null ? "taken away" : JSON.stringify(given).slice(0, 80)}`;

describe.each(CASES.map((one) => [named(one), one] as const))("%s", (_, one) => {
  const { kind, before, given, notInForms } = one;

  /** Sends it by every way; where it changes its holder, to one of its own. */
  async function through(ways: Record<string, Way<[string]>>, holder: (before: Input) => Promise<string>) {
    const code = codes[kind]!;
    const held = before ? { [code]: before } : {};
    const isChanged = ways !== ISSUED && one.refused === undefined;
    let id = await holder(held);
    for (const [n, [name, way]] of Object.entries(ways).entries()) {
      if (name === "a form" && (notInForms || kind === "unknown")) continue;
      if (isChanged && n > 0) id = await holder(held);
      expect(await way({ [code]: given }, { [code]: kind }, id), name).toEqual(outcomeOf(one, code));
    }
    if (ways === CHANGED && !isChanged) expect(await kept(`/licenses/${id}`)).toEqual({ kept: held });
  }

  it("is the same at issue, above what the type has", () => through(ISSUED, typeWith));

  it("is the same in a change of a license", () => through(CHANGED, licenseWith));

  it("is the same in a license type", () => through(WRITTEN, typeWith));
});

describe("several at once", () => {
  async function through(
    ways: Record<string, Way<[string]>>,
    holder: (before: Input) => Promise<string>,
    [before, input, kinds]: [before: Input, input: Input, kinds: Record<string, string>],
  ): Promise<[string, Outcome][]> {
    const outcomes: [string, Outcome][] = [];
    for (const [name, way] of Object.entries(ways))
      outcomes.push([name, await way(input, kinds, await holder(before))]);
    return outcomes;
  }

  it("replace what they name, take away what they say, and leave the others", async () => {
    const [gpus, sso, city] = [await defined("limit"), await defined("flag"), await defined("text")];
    const before: Input = { [gpus]: { value: 4 }, [sso]: { value: true }, [city]: { value: "Bonn" } };
    const input: Input = { [gpus]: { value: 8, until: AT_FOUR }, [city]: null };
    const kinds = { [gpus]: "limit", [sso]: "flag", [city]: "text" };
    const expected = { kept: { [gpus]: { value: 8, until: AT_FOUR }, [sso]: { value: true } } };
    const issued = await through(ISSUED, typeWith, [before, input, kinds]);
    const changed = await through(CHANGED, licenseWith, [before, input, kinds]);
    for (const [name, outcome] of [...issued, ...changed]) expect(outcome, name).toEqual(expected);
  });

  it("that are too many for a document are refused as a whole", async () => {
    const many = await Promise.all(Array.from({ length: 18 }, () => defined("text")));
    const input = Object.fromEntries(many.map((code) => [code, { value: "x".repeat(200) }]));
    const kinds = Object.fromEntries(many.map((code) => [code, "text"]));
    const outcomes = await through(ISSUED, typeWith, [{}, input, kinds]);
    for (const [name, outcome] of outcomes)
      expect(outcome, name).toEqual(refusal("REQUEST_INVALID", name === "a form" ? [] : ["entitlements"]));
  });
});

describe("the command line", () => {
  it("does not take an entitlement away that it sets", async () => {
    const { license } = await newLicense({ customer_id });
    const told = await caioLicense("update", license.id, "--set", "gpus=8", "--unset", "gpus");
    expect(told).toMatchObject({ message: "gpus cannot be set and taken away at once.", exitCode: 2 });
  });

  it("shows what a change would do in the same words as a license", async () => {
    const code = codes["limit"]!;
    const { license } = await newLicense({
      customer_id,
      entitlements: { [code]: { value: 4, until: AT_FOUR } },
    });
    const set = ["--set", `${code}=unlimited,until=${JUNE}`];
    expect(await printedBy("update", license.id, ...set, "--dry-run")).toMatch(
      new RegExp(
        `entitlements +${code}=4 \\(until 2027-06-30 16:00Z.*\\) +${code}=unlimited \\(through 30 June 2027.*\\) `,
      ),
    );
  });

  it.each(["gpus", "gpus=", "=8"])("does not take --set %s", async (text) => {
    await expect(caioLicense("update", "lic_1", "--set", text)).rejects.toMatchObject({
      code: "commander.invalidArgument",
    });
  });
});
