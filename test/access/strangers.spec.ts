// What somebody outside can find out and use up: which licenses there are, and other people's patience.
import { generateKeyPair } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/crypto/digests.ts";
import { dissect, resigned, unsigned } from "../support/documents.ts";
import { env } from "../support/env.ts";
import { metered } from "../support/meter.ts";
import {
  type Answer,
  activate,
  admin,
  call,
  newLicense,
  newToken,
  rows,
  unique,
} from "../support/service.ts";

/** All that an answer tells, but for its request id. */
function toldBy({ status, headers, text, body }: Answer): unknown {
  const id: string = body.request_id;
  return {
    status,
    text: text.replaceAll(id, "…"),
    headers: [...headers].map(([name, value]) => [name, value.replaceAll(id, "…")]),
  };
}

describe("whoever has no key of ours", () => {
  it("cannot tell a license that there is from one that there is not", async () => {
    const { license_key } = await newLicense();
    await activate(license_key, "box-1");
    const stranger = await generateKeyPair("EdDSA", { crv: "Ed25519" });
    const { header, payload, signature } = dissect(license_key);
    // The signature that was good for the license's own id.
    const forged = (jti: string) => unsigned(header, { ...payload, jti }, signature);
    const unknown = "lic_01M85CP75Y61NN2Y9DGBM27EAQ";
    const keys = [
      await resigned(license_key, {}, stranger.privateKey),
      await resigned(forged(unknown), {}, stranger.privateKey),
      forged(unknown),
      `${license_key}x`,
      "x",
      "",
    ];
    for (const path of ["/v1/activate", "/v1/check-in", "/v1/validate", "/v1/deactivate"]) {
      const told = new Set<string>();
      for (const key of keys) {
        for (const instance_id of ["box-1", "box-2"]) {
          told.add(JSON.stringify(toldBy(await call(path, { body: { license_key: key, instance_id } }))));
        }
      }
      expect(told.size).toBe(1);
    }
  });

  it("is refused by the admin API before it says whether a thing exists", async () => {
    const { license } = await newLicense();
    const { token, api_token } = await newToken();
    await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    const told = new Set<string>();
    for (const id of [license.id, "lic_01M85CP75Y61NN2Y9DGBM27EAQ", "'", "%00"]) {
      for (const headers of [{}, { Authorization: `Bearer ${token}` }, { Authorization: "Bearer caio_x" }]) {
        told.add(JSON.stringify(toldBy(await call(`/v1/admin/licenses/${id}`, { headers }))));
      }
    }
    expect(told.size).toBe(1);
  });

  it("is led to the sign-in of the console, whether there is such a page or not", async () => {
    const { license } = await newLicense();
    for (const id of [license.id, "lic_01M85CP75Y61NN2Y9DGBM27EAQ"]) {
      for (const path of [`/admin/licenses/${id}`, `/admin/customers/${id}`, `/admin/nothing/${id}`]) {
        const answer = await call(path);
        expect(answer.status).toBe(303);
        expect(answer.headers.get("Location")).toBe(`/admin/sign-in?next=${encodeURIComponent(path)}`);
      }
    }
  });
});

/** The bindings count by the minute: what is counted here must not begin in one and end in the next. */
const youngMinute = async (): Promise<void> => {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 20_000) await new Promise((resolve) => setTimeout(resolve, left + 50));
};

describe("the brakes, by the real bindings", () => {
  beforeEach(youngMinute, 30_000);

  const bindings = { ...env, RATE_LIMITS: "on" };

  const from = (ip: string, license_key: string, path = "/v1/validate"): Promise<Answer> =>
    call(path, {
      body: { license_key, instance_id: "box-1" },
      bindings,
      headers: { "CF-Connecting-IP": ip },
    });

  it("let a customer's hundred instances behind one address start and check in at once", async () => {
    const { license_key } = await newLicense({ max_instances: 100 });
    const ip = "198.51.100.1";
    for (const path of ["/v1/activate", "/v1/check-in", "/v1/validate"]) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          call(path, {
            body: { license_key, instance_id: `box-${n}` },
            bindings,
            headers: { "CF-Connecting-IP": ip },
          }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });

  it("stop who guesses keys, and nobody who shares the address and has one", async () => {
    const ip = "198.51.100.2";
    const { license_key } = await newLicense();
    const guesses = await Promise.all(Array.from({ length: 310 }, () => from(ip, "guess")));
    const refused = guesses.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    for (const { headers, body } of refused) {
      expect(headers.get("Retry-After")).toBe("60");
      expect(body).toMatchObject({ code: "RATE_LIMITED", retryable: true });
    }
    expect((await from(ip, license_key)).status).toBe(200);
    expect((await from("198.51.100.3", "guess")).status).toBe(400);
  });

  it("take the addresses that one IPv6 connection has for one", async () => {
    const guesses = await Promise.all(
      Array.from({ length: 310 }, (_, n) => from(`2001:db8:1:2:${n.toString(16)}::1`, "guess")),
    );
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(10);
    expect((await from("2001:db8:1:3::1", "guess")).status).toBe(400);
  });

  it("stop a license that is asked about without end, and no other license of that address", async () => {
    const ip = "198.51.100.4";
    const [busy, calm] = [await newLicense(), await newLicense()];
    let stopped: Answer | undefined;
    for (let n = 0; n < 13 && !stopped; n++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => from(ip, busy.license_key)));
      stopped = answers.find(({ status }) => status === 429);
    }
    expect(stopped).toMatchObject({ status: 429, body: { code: "RATE_LIMITED", retryable: true } });
    expect(stopped!.headers.get("Retry-After")).toBe("60");
    expect((await from(ip, calm.license_key)).status).toBe(200);
  });

  it("stop who guesses tokens, and nobody who shares the address and has one", async () => {
    const headers = { "CF-Connecting-IP": "198.51.100.5" };
    const me = (token: string) => call("/v1/admin/me", { token, headers, bindings });
    const guesses = await Promise.all(Array.from({ length: 310 }, () => me(`caio_${"x".repeat(32)}`)));
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401, 429]));
    const refused = guesses.find(({ status }) => status === 429)!;
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect((await me((await newToken()).token)).status).toBe(200);
  });

  it("spare the database a guess beyond the limit, and let everybody in who has a token", async () => {
    const old = `caio_${"y".repeat(32)}`;
    await rows(
      `INSERT INTO api_tokens (id, name, role, prefix, hash, created_by, created_at)
       VALUES (?, 'Of before tokens had a mark', 'viewer', 'caio_y', ?, 'x', 0)`,
      unique("tok_old"),
      await sha256(old),
    );
    const revoked = await newToken();
    await admin(`/api-tokens/${revoked.api_token.id}`, { method: "DELETE" });
    const meter = metered();
    const service = { ...meter.bindings, RATE_LIMITS: "on" };
    const ask = (token: string): Promise<Answer> =>
      call("/v1/admin/me", {
        token,
        headers: { "CF-Connecting-IP": "198.51.100.7" },
        bindings: service,
      });
    const guess = (n: number): string => `caio_${String(n).padStart(32, "x")}`;

    await Promise.all(Array.from({ length: 310 }, (_, n) => ask(guess(n))));
    expect((await ask(guess(400))).status).toBe(429);
    meter.cost.trips = 0;
    for (let n = 500; n < 520; n++) expect((await ask(guess(n))).status).toBe(429);
    expect(meter.cost.trips).toBe(0);

    // A token of ours that was revoked is looked up once.
    for (let n = 0; n < 5; n++) expect((await ask(revoked.token)).status).toBe(429);
    expect(meter.cost.trips).toBe(1);

    // Made meanwhile, made before there was a mark, and of whoever deployed it.
    for (const token of [(await newToken()).token, old, env.ADMIN_TOKEN]) {
      expect((await ask(token)).status).toBe(200);
    }
  });

  it("stop who guesses at the sign-in of the console after twenty times, a right guess included", async () => {
    const { token } = await newToken();
    const signIn = (guess: string) =>
      call("/admin/sign-in", {
        raw: new URLSearchParams({ token: guess }),
        headers: { Origin: "http://localhost:8787", "CF-Connecting-IP": "198.51.100.6" },
        bindings,
      });
    for (let n = 0; n < 20; n++) expect((await signIn("guess")).status).toBe(401);
    const stopped = await signIn(token);
    expect(stopped.status).toBe(429);
    expect(stopped.headers.get("Retry-After")).toBe("60");
    expect(stopped.headers.get("Set-Cookie")).toBeNull();
  });
});

describe("a credential", () => {
  it("is looked up by its hash and compared in constant time", async () => {
    const compared: number[][] = [];
    const original = crypto.subtle.timingSafeEqual.bind(crypto.subtle);
    crypto.subtle.timingSafeEqual = (a, b) => {
      compared.push([a.byteLength, b.byteLength]);
      return original(a, b);
    };
    try {
      const { token } = await newToken();
      const guesses = ["", "x", env.ADMIN_TOKEN.slice(0, -1), `${env.ADMIN_TOKEN}x`, token.slice(0, -1)];
      for (const guess of guesses) {
        compared.length = 0;
        expect((await call("/v1/admin/me", { token: `t${guess}` })).status).toBe(401);
        // Two digests of one length, whatever the guess has in common with a token.
        expect(compared).toEqual([[64, 64]]);
      }
      compared.length = 0;
      expect((await call("/v1/admin/me", { token })).status).toBe(200);
      expect(compared).toEqual([
        [64, 64],
        [64, 64],
      ]);
    } finally {
      crypto.subtle.timingSafeEqual = original;
    }
  });
});
