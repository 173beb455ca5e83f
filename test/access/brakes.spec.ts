// How far somebody gets who guesses, and who is stopped with them: by the real bindings, with the limits of
// wrangler.toml.
import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/crypto/digests.ts";
import { env } from "../support/env.ts";
import { metered } from "../support/meter.ts";
import {
  type Answer,
  activate,
  admin,
  call,
  newLicense,
  newToken,
  ORIGIN,
  rows,
  unique,
} from "../support/service.ts";

/** Counts each request as several, so that a slow machine meets the limit within its minute, too. */
const weighing = (binding: RateLimit, delta: number): RateLimit => ({
  limit: ({ key }) => binding.limit({ key, delta }),
});

const PER_GUESS = 50;
const PER_REQUEST = 200;
const PER_SIGN_IN = 4;

const bindings = {
  ...env,
  RATE_LIMITS: "on",
  REFUSED_CREDENTIALS_LIMIT: weighing(env.REFUSED_CREDENTIALS_LIMIT, PER_GUESS),
  LICENSE_LIMIT: weighing(env.LICENSE_LIMIT, PER_REQUEST),
  SIGN_IN_LIMIT: weighing(env.SIGN_IN_LIMIT, PER_SIGN_IN),
};

/** Does it in one minute of the clock, by which the bindings count: where the minute ended meanwhile, once more. */
async function inOneMinute<T>(work: () => Promise<T>): Promise<T> {
  const minute = () => Math.floor(Date.now() / 60_000);
  for (let tries = 0; tries < 5; tries++) {
    const begun = minute();
    const result = await work();
    if (minute() === begun) return result;
  }
  throw new Error("not done within a minute");
}

let serial = 0;

/** An address that no other test has, nor a second try of the same one. */
const newAddress = (): string => `198.51.100.${++serial}`;

/** Addresses of one IPv6 connection, a /64, and one of the connection beside it. */
function newConnections(): { own: string[]; other: string } {
  const site = `2001:db8:${(++serial).toString(16)}`;
  const own = Array.from({ length: 7 }, (_, n) => `${site}:4:${n}:0:0:1`);
  return { own, other: `${site}:5:0:0:0:1` };
}

const validate = (ip: string, license_key: string): Promise<Answer> =>
  call("/v1/validate", {
    body: { license_key, instance_id: "box-1" },
    bindings,
    headers: { "CF-Connecting-IP": ip },
  });

const me = (ip: string, token: string): Promise<Answer> =>
  call("/v1/admin/me", { token, headers: { "CF-Connecting-IP": ip }, bindings });

const signIn = (ip: string, token: string): Promise<Answer> =>
  call("/admin/sign-in", {
    raw: new URLSearchParams({ token }),
    headers: { Origin: ORIGIN, "CF-Connecting-IP": ip },
    bindings,
  });

const guessKey = (ip: string) => validate(ip, "guess");
const guessToken = (ip: string) => me(ip, `caio_${"x".repeat(32)}`);
const guessAtSignIn = (ip: string) => signIn(ip, "guess");

/** What a guess from each address is answered, made one after the other. */
async function statusesOf(guess: (ip: string) => Promise<Answer>, ips: string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const ip of ips) statuses.push((await guess(ip)).status);
  return statuses;
}

describe.each([
  ["keys", guessKey, 400, 300 / PER_GUESS],
  ["tokens", guessToken, 401, 300 / PER_GUESS],
  ["tokens at the sign-in of the console", guessAtSignIn, 401, 20 / PER_SIGN_IN],
] as const)("who guesses %s", (_, guess, wrong, room) => {
  it("is stopped after as many as the limit allows, and told when to come back", async () => {
    const { statuses, next, elsewhere } = await inOneMinute(async () => {
      const ip = newAddress();
      return {
        statuses: await statusesOf(guess, Array(room).fill(ip)),
        next: await guess(ip),
        elsewhere: await guess(newAddress()),
      };
    });
    expect(statuses).toEqual(Array(room).fill(wrong));
    expect(next.status).toBe(429);
    expect(next.headers.get("Retry-After")).toBe("60");
    if (next.body) expect(next.body).toMatchObject({ code: "RATE_LIMITED", retryable: true });
    else expect(next.text).toContain("Too many sign-ins from this address");
    expect(elsewhere.status).toBe(wrong);
  });

  it("is one caller with all addresses of an IPv6 connection, and no other connection's", async () => {
    const { statuses, other } = await inOneMinute(async () => {
      const connections = newConnections();
      return {
        statuses: await statusesOf(guess, connections.own.slice(0, room + 1)),
        other: await guess(connections.other),
      };
    });
    expect(statuses).toEqual([...Array(room).fill(wrong), 429]);
    expect(other.status).toBe(wrong);
  });
});

describe("where somebody guesses,", () => {
  it("who shares the address and has a key or a token goes on", async () => {
    const { license_key } = await newLicense();
    const { token } = await newToken();
    const answers = await inOneMinute(async () => {
      const ip = newAddress();
      await statusesOf(guessKey, Array(7).fill(ip));
      await statusesOf(guessToken, Array(7).fill(ip));
      return [await guessKey(ip), await guessToken(ip), await validate(ip, license_key), await me(ip, token)];
    });
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 200, 200]);
  });

  it("guesses of keys do not count as guesses of tokens, nor the other way round", async () => {
    const statuses = await inOneMinute(async () => {
      const [keys, tokens] = [newAddress(), newAddress()];
      await statusesOf(guessKey, Array(7).fill(keys));
      await statusesOf(guessToken, Array(7).fill(tokens));
      return [(await guessToken(keys)).status, (await guessKey(tokens)).status];
    });
    expect(statuses).toEqual([401, 400]);
  });

  it("a right guess at the sign-in is stopped, too, and opens no session", async () => {
    const { token } = await newToken();
    const stopped = await inOneMinute(async () => {
      const ip = newAddress();
      await statusesOf(guessAtSignIn, Array(20 / PER_SIGN_IN).fill(ip));
      return signIn(ip, token);
    });
    expect(stopped.status).toBe(429);
    expect(stopped.headers.get("Set-Cookie")).toBeNull();
  });
});

describe("a license", () => {
  it("that is asked about without end is stopped, and no other license of that address", async () => {
    const room = 1_200 / PER_REQUEST;
    const { statuses, next, calm } = await inOneMinute(async () => {
      const [ip, busy, other] = [newAddress(), await newLicense(), await newLicense()];
      // From wherever they come: a key that went round the world is one key.
      const ips = Array.from({ length: room }, newAddress);
      const ask = (from: string) => validate(from, busy.license_key);
      return {
        statuses: await statusesOf(ask, ips),
        next: await ask(ip),
        calm: await validate(ip, other.license_key),
      };
    });
    expect(statuses).toEqual(Array(room).fill(200));
    expect(next).toMatchObject({ status: 429, body: { code: "RATE_LIMITED", retryable: true } });
    expect(next.headers.get("Retry-After")).toBe("60");
    expect(calm.status).toBe(200);
  });

  it("has room for a hundred instances that start, check in and ask at once behind one address", async () => {
    const { license_key } = await newLicense({ max_instances: 100 });
    await activate(license_key, "box-0");
    const headers = { "CF-Connecting-IP": newAddress() };
    for (const path of ["/v1/activate", "/v1/check-in", "/v1/validate"]) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          call(path, {
            body: { license_key, instance_id: `box-${n}` },
            bindings: { ...env, RATE_LIMITS: "on" },
            headers,
          }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });
});

describe("a guess of a token beyond the limit", () => {
  const guess = (n: number): string => `caio_${String(n).padStart(32, "x")}`;

  it("costs no look at the database, and everybody who has a token comes in", async () => {
    const old = `caio_${"y".repeat(32)}`;
    await rows(
      `INSERT INTO api_tokens (id, name, role, prefix, hash, created_by, created_at)
       VALUES (?, 'Of before tokens had a mark', 'viewer', 'caio_y', ?, 'x', 0)`,
      unique("tok_0"),
      await sha256(old),
    );
    const [revoked, fresh] = [await newToken(), await newToken()];
    await admin(`/api-tokens/${revoked.api_token.id}`, { method: "DELETE" });
    const { guesses, looks, again, good } = await inOneMinute(async () => {
      const ip = newAddress();
      const meter = metered({ ...bindings });
      const ask = async (token: string): Promise<number> =>
        (
          await call("/v1/admin/me", {
            token,
            headers: { "CF-Connecting-IP": ip },
            bindings: meter.bindings,
          })
        ).status;
      const all = async (tokens: string[]): Promise<number[]> => {
        const statuses: number[] = [];
        for (const token of tokens) statuses.push(await ask(token));
        return statuses;
      };
      await all(Array.from({ length: 300 / PER_GUESS + 1 }, (_, n) => guess(n)));
      meter.cost.trips = 0;
      const statuses = await all(Array.from({ length: 20 }, (_, n) => guess(500 + n)));
      const spent = meter.cost.trips;
      meter.cost.trips = 0;
      // A token of ours that was revoked is looked up once.
      await all(Array.from({ length: 5 }, () => revoked.token));
      // Made meanwhile, made before there was a mark, and of whoever deployed it.
      return {
        guesses: statuses,
        looks: spent,
        again: meter.cost.trips,
        good: await all([fresh.token, old, env.ADMIN_TOKEN]),
      };
    });
    expect(new Set(guesses)).toEqual(new Set([429]));
    expect(looks).toBe(0);
    expect(again).toBeLessThanOrEqual(1);
    expect(good).toEqual([200, 200, 200]);
  });
});
