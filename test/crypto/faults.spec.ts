// Signing keys that are no good: the service says so, everywhere and from the first request on, and signs nothing.
import { beforeAll, describe, expect, it, vi } from "vitest";
import { endpoints } from "../../src/app.ts";
import { generateKeys } from "../../src/dev/keys.ts";
import { env } from "../support/env.ts";
import { fire, NIGHTLY } from "../support/mail.ts";
import { call, newLicense } from "../support/service.ts";
import { WEAK } from "../support/weak-key.ts";

type Jwk = Record<string, string>;

const keysOf = (text: string): Jwk[] => (JSON.parse(text) as { keys: Jwk[] }).keys;

const ours = keysOf(env.SIGNING_KEYS);
const others = keysOf(await generateKeys());
const { d: _private, ...publicOnly } = ours[0]!;

const BROKEN: [string, string | undefined][] = [
  ["missing", undefined],
  ["empty", ""],
  ["cut off", env.SIGNING_KEYS.slice(0, -20)],
  ["a set without a key", '{"keys":[]}'],
  ["a single key in place of a set", JSON.stringify(ours[0])],
  ["a key without its private half", JSON.stringify({ keys: [publicOnly] })],
  ["a key of another curve", JSON.stringify({ keys: [{ ...ours[0], crv: "X25519" }] })],
  ["a public half that anybody can sign for", JSON.stringify({ keys: [{ ...ours[0], x: WEAK.x }] })],
  ["a private half that is too short", JSON.stringify({ keys: [{ ...ours[0], d: "short" }] })],
  ["the halves of two keys", JSON.stringify({ keys: [{ ...ours[0], d: others[0]!["d"] }] })],
  [
    "the halves of two keys, behind a good one",
    JSON.stringify({ keys: [ours[0], { ...others[0], d: ours[0]!["d"] }] }),
  ],
  ["two keys of one name", JSON.stringify({ keys: [ours[0], { ...others[0], kid: ours[0]!["kid"] }] })],
];

let license_key: string;

beforeAll(async () => {
  ({ license_key } = await newLicense());
});

// The set of published keys is a constant of the isolate: what it holds verifies nothing that was signed.
const paths = endpoints
  .filter(({ path }) => path !== "/.well-known/jwks.json")
  .map(({ method, path }) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, "none") }));

describe("signing keys that are no good", () => {
  it.each(BROKEN)(
    "%s: every call is a 503, and the log says which variable it is",
    async (_, SIGNING_KEYS) => {
      const { SIGNING_KEYS: _good, ...rest } = env;
      const bindings = (SIGNING_KEYS === undefined ? rest : { ...rest, SIGNING_KEYS }) as typeof env;
      const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
      for (const { method, path } of paths) {
        const answer = await call(path, {
          method,
          bindings,
          token: env.ADMIN_TOKEN,
          ...(method === "GET" ? {} : { body: { license_key, instance_id: "box" } }),
        });
        expect([path, answer.status]).toEqual([path, 503]);
        expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
        for (const secret of secretsOf(SIGNING_KEYS)) expect(answer.text).not.toContain(secret);
      }
      await expect(fire(NIGHTLY, bindings)).rejects.toThrow(/SIGNING_KEYS/);
      const lines = logged.mock.calls.map(([line]) => String(line)).join("\n");
      logged.mockRestore();
      expect(lines).toMatch(/SIGNING_KEYS is (missing|malformed)/);
      for (const secret of secretsOf(SIGNING_KEYS)) expect(lines).not.toContain(secret);
    },
  );
});

const secretsOf = (text: string | undefined): string[] => [
  ...(text === undefined || text.length < 16 ? [] : [text]),
  ours[0]!["d"]!,
  others[0]!["d"]!,
];
