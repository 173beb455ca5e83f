// Requests generated from the OpenAPI document, in anybody's name: no call fails, every refusal is a problem
// document that the call declares (`call` sees to that), and what is refused has written nothing.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newReferences, newTokens, type Role, ROLES } from "../support/crew.ts";
import { env } from "../support/env.ts";
import { arbitraryOf, fill, hostileText, type JsonSchema, type References } from "../support/hostile.ts";
import { watched } from "../support/meter.ts";
import { type Answer, call } from "../support/service.ts";

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  schema: JsonSchema;
}

interface Operation {
  method: string;
  path: string;
  parameters: Parameter[];
  content: Record<string, { schema: JsonSchema; example: unknown }>;
}

const document = (await call("/openapi.json")).body;

const operations = Object.entries<Record<string, any>>(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [], requestBody }]): Operation => ({
    method: method.toUpperCase(),
    path,
    parameters,
    content: requestBody?.content ?? {},
  })),
);

const COUNT = Math.ceil(env.FUZZ_REQUESTS / operations.length);

const { bindings, writes } = watched({ RESEND_WEBHOOK_SECRET: `whsec_${btoa("x".repeat(24))}` });

const IDS: [RegExp, string][] = [
  [/customers\/\{id\}/, "$customer"],
  [/licenses\/\{id\}/, "$license"],
  [/activations\/\{id\}/, "$activation"],
  [/messages\/\{id\}/, "$message"],
  [/api-tokens\/\{id\}/, "$token_id"],
  [/license-types\/\{id\}/, "$license_type"],
];

/** The characters that can be in a header. */
const headerText = hostileText.map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?"));

const CREDENTIALS = [...ROLES, "nobody", "garbage"] as const;

function requestsOf({ method, path, parameters, content }: Operation) {
  const id = IDS.find(([pattern]) => pattern.test(path))?.[1] ?? "none";
  const inPath = parameters.filter((parameter) => parameter.in === "path");
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  const pair = ({ name, schema }: Parameter) => fc.tuple(fc.constant(name), arbitraryOf(schema, name));
  const bodies = Object.entries(content).flatMap(([type, { schema, example }]) => [
    { weight: 8, arbitrary: fc.tuple(fc.constant(type), arbitraryOf(schema, "")) },
    { weight: 1, arbitrary: fc.constant([type, example] as [string, unknown]) },
  ]);
  return fc.record({
    method: fc.oneof(
      { weight: 19, arbitrary: fc.constant(method) },
      { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD") },
    ),
    params: fc.tuple(
      ...inPath.map(() =>
        fc.oneof({ weight: 3, arbitrary: fc.constant(id) }, { weight: 1, arbitrary: hostileText }),
      ),
    ),
    encoded: fc.oneof(
      { weight: 9, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    query: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      {
        weight: inQuery.length,
        arbitrary: fc.array(
          inQuery.length > 0 ? fc.oneof(...inQuery.map(pair)) : fc.constant<[string, unknown]>(["a", "b"]),
          {
            maxLength: 4,
          },
        ),
      },
      { weight: 1, arbitrary: fc.array(fc.tuple(hostileText, hostileText), { maxLength: 3 }) },
    ),
    body:
      bodies.length === 0
        ? fc.constant(null)
        : fc.oneof(...bodies, { weight: 1, arbitrary: fc.tuple(headerText, hostileText) }),
    credential: fc.oneof(
      { weight: 6, arbitrary: fc.constant("owner" as const) },
      { weight: 3, arbitrary: fc.constantFrom(...CREDENTIALS) },
    ),
    headers: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.dictionary(
          fc.constantFrom(
            "If-Match",
            "Idempotency-Key",
            "Accept",
            "Cf-Access-Jwt-Assertion",
            "If-None-Match",
            "Range",
          ),
          headerText,
          { maxKeys: 3, noNullPrototype: true },
        ),
      },
    ),
  });
}

type Shot = ReturnType<typeof requestsOf> extends fc.Arbitrary<infer T> ? T : never;

let tokens: Record<Role, string>;
const seen = new Map<number, number>();

const text = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** A lone surrogate cannot be in a URL: it goes as the character that replaces it. */
const escape = (part: string): string => encodeURIComponent(part.toWellFormed());

function send({ path }: Operation, shot: Shot, references: References): Promise<Answer> {
  const { method, encoded, credential } = shot;
  const params = fill(shot.params, references);
  const names = [...path.matchAll(/\{\w+\}/g)];
  let target = path;
  names.forEach(([name], n) => {
    target = target.replace(name, () => (encoded ? escape(params[n]!) : params[n]!.toWellFormed()));
  });
  const query = fill(shot.query as [string, unknown][], references)
    .map(([name, value]) => `${escape(name)}=${escape(text(value))}`)
    .join("&");
  const headers = new Headers(shot.headers);
  if (credential === "garbage") headers.set("Authorization", `Bearer caio_${"x".repeat(32)}`);
  else if (credential !== "nobody") headers.set("Authorization", `Bearer ${tokens[credential]}`);
  const sendsBody = shot.body !== null && method !== "GET" && method !== "HEAD";
  if (sendsBody) headers.set("Content-Type", shot.body![0]);
  return call(query === "" ? target : `${target}?${query}`, {
    method,
    headers: Object.fromEntries(headers),
    bindings,
    ...(sendsBody ? { raw: text(fill(shot.body![1], references)) } : {}),
  });
}

beforeAll(async () => {
  tokens = await newTokens();
});

describe("any request at all", () => {
  it.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    "to %s",
    { timeout: 600_000 },
    async (_, operation) => {
      const references = await newReferences();
      await fc.assert(
        fc.asyncProperty(requestsOf(operation), async (shot) => {
          writes.length = 0;
          const answer = await send(operation, shot, references);
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
          expect(answer.status).toBeLessThan(500);
          if (answer.status >= 400) expect(writes).toEqual([]);
        }),
        { numRuns: COUNT, seed: env.FUZZ_SEED, endOnFailure: false },
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
      endpoints: operations.length,
      seed: env.FUZZ_SEED,
      answered: total - refused,
      refused,
      "5xx": 0,
      "refused and written": 0,
    };
  });
});

afterAll(() => {
  writes.length = 0;
});
