import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { metered } from "../support/meter.ts";
import { admin, call, eventsOf, newToken, rows, unique } from "../support/service.ts";

const NOW = "2026-03-01T10:00:00.000Z";

const me = (token: string) => call("/v1/admin/me", { token });

const sha256 = async (text: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("hex");

const revoke = (id: string) => admin(`/api-tokens/${id}`, { method: "DELETE" });

describe("making an API token", () => {
  it("answers with the token once and keeps only its hash", async () => {
    setTime(NOW);
    const name = unique("Billing");
    const { api_token, token } = await newToken({ name, role: "viewer", expires_at: "2027-01-31" });
    expect(token).toMatch(/^caio_[A-Za-z0-9_-]{32}$/);
    expect(api_token).toEqual({
      id: expect.stringMatching(/^tok_[0-9A-Z]{26}$/),
      name,
      role: "viewer",
      prefix: token.slice(0, 11),
      created_by: "ADMIN_TOKEN",
      created_at: NOW,
      expires_at: "2027-02-01T12:00:00.000Z",
      last_used_at: null,
      revoked_at: null,
    });
    const [row] = await rows("SELECT * FROM api_tokens WHERE id = ?", api_token.id);
    expect(row!["hash"]).toBe(await sha256(token));
    expect(JSON.stringify(row)).not.toContain(token);
  });

  it("makes another one each time", async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => newToken()));
    expect(new Set(made.map(({ token }) => token)).size).toBe(10);
  });

  it.each([
    [{ role: "viewer" }, "name"],
    [{ name: " ", role: "viewer" }, "name"],
    [{ name: "x".repeat(201), role: "viewer" }, "name"],
    [{ name: "x" }, "role"],
    [{ name: "x", role: "admin" }, "role"],
    [{ name: "x", role: "viewer", expires_at: "soon" }, "expires_at"],
    [{ name: "x", role: "viewer", expires_at: "2026-03-01T10:00:00Z" }, "expires_at"],
    [{ name: "x", role: "viewer", token: "caio_mine" }, "token"],
  ])("refuses %j for its %s, and makes none", async (body, path) => {
    setTime(NOW);
    const [before] = await rows("SELECT count(*) n FROM api_tokens");
    const answer = await admin("/api-tokens", { body });
    expect(answer).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID", errors: [{ path }] } });
    expect(await rows("SELECT count(*) n FROM api_tokens")).toEqual([before]);
  });
});

describe("an API token", () => {
  it.each(["owner", "manager", "viewer"])("signs its holder in as %s", async (role) => {
    const { api_token, token } = await newToken({ role });
    const answer = await me(token);
    expect(answer).toMatchObject({ status: 200, body: { actor: { type: "staff", id: api_token.id }, role } });
  });

  it("is the actor of what it does", async () => {
    const { api_token, token } = await newToken();
    const { body } = await call("/v1/admin/customers", { token, body: { name: "Acme" } });
    expect(await eventsOf(body.id)).toMatchObject([{ actor_type: "staff", actor_id: api_token.id }]);
  });

  it("holds until its end, and not at it", async () => {
    setTime(NOW);
    const { token } = await newToken({ expires_at: "2026-03-01T11:00:00Z" });
    setTime("2026-03-01T10:59:59.999Z");
    expect((await me(token)).status).toBe(200);
    setTime("2026-03-01T11:00:00.000Z");
    expect((await me(token)).status).toBe(401);
  });

  it("is refused from the moment it is revoked, and for good", async () => {
    const { api_token, token } = await newToken();
    expect((await me(token)).status).toBe(200);
    expect(await revoke(api_token.id)).toMatchObject({ status: 204, text: "" });
    expect((await me(token)).status).toBe(401);
    const [first] = await rows("SELECT revoked_at FROM api_tokens WHERE id = ?", api_token.id);
    setTime(Date.now() + DAY);
    expect((await revoke(api_token.id)).status).toBe(204);
    expect(await rows("SELECT revoked_at FROM api_tokens WHERE id = ?", api_token.id)).toEqual([first]);
    expect((await eventsOf(api_token.id)).map((event) => event.action)).toEqual([
      "api_token.created",
      "api_token.revoked",
    ]);
  });

  it("that does not exist cannot be revoked", async () => {
    expect(await revoke("tok_none")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await eventsOf("tok_none")).toEqual([]);
  });

  it("is told from the record by id and prefix, never by name, token or hash", async () => {
    const name = unique("CI");
    const { api_token, token } = await newToken({ name });
    await revoke(api_token.id);
    const events = await eventsOf(api_token.id);
    expect(JSON.parse(events[0]!.detail).after).toMatchObject({ role: "manager" });
    expect(JSON.parse(events[1]!.detail)).toEqual({ role: "manager", prefix: api_token.prefix });
    for (const { detail } of events) {
      expect(detail).not.toContain(token.slice(12));
      expect(detail).not.toContain(await sha256(token));
      expect(detail).not.toContain(name);
    }
  });

  it("is listed without its secret, in the order of making", async () => {
    const made = [];
    for (let n = 0; n < 3; n++) {
      setTime(Date.parse("2031-01-01T00:00:00Z") + n);
      made.push(await newToken());
    }
    const listed = [];
    let cursor = "";
    do {
      const { body } = await admin(`/api-tokens?limit=2${cursor && `&cursor=${cursor}`}`);
      listed.push(...body.data);
      cursor = body.next_cursor;
    } while (cursor);
    expect(listed.slice(-3)).toEqual(made.map(({ api_token }) => api_token));
    expect(JSON.stringify(listed)).not.toMatch(/hash/);
  });
});

describe("what is no token", () => {
  it("is refused alike, whatever is wrong with it, so that nothing can be learned", async () => {
    const good = (await newToken()).token;
    const expired = await newToken();
    await rows("UPDATE api_tokens SET expires_at = 1 WHERE id = ?", expired.api_token.id);
    const revoked = await newToken();
    await revoke(revoked.api_token.id);
    const bodies = new Set<string>();
    for (const token of [
      `caio_${"A".repeat(32)}`,
      good.replace("caio_", "ciao_"),
      good.slice(0, -1),
      `${good}A`,
      good.toLowerCase() === good ? good.toUpperCase() : good.toLowerCase(),
      good.slice(5),
      await sha256(good),
      `caio_${"'".repeat(32)}`,
      "' OR 1=1 --",
      expired.token,
      revoked.token,
    ]) {
      const answer = await me(token);
      expect(answer.status).toBe(401);
      bodies.add(answer.text.replace(answer.body.request_id, ""));
    }
    expect(bodies.size).toBe(1);
  });

  it("costs D1 nothing where it cannot be one", async () => {
    const { bindings, cost } = metered();
    for (const token of ["x", "caio_short", `caio_${"A".repeat(33)}`]) {
      await call("/v1/admin/me", { token, bindings });
    }
    expect(cost).toEqual({ trips: 0, read: 0, written: 0 });
  });
});

describe("the last use of a token", () => {
  it("is written at most once a minute, whatever the number of requests", async () => {
    setTime(NOW);
    const { api_token, token } = await newToken();
    const lastUse = async () =>
      (await rows("SELECT last_used_at FROM api_tokens WHERE id = ?", api_token.id))[0]!["last_used_at"];
    const { bindings, cost } = metered();
    const use = () => call("/v1/admin/me", { token, bindings });

    await Promise.all(Array.from({ length: 20 }, use));
    expect(cost.written).toBe(1);
    expect(await lastUse()).toBe(Date.parse(NOW));
    setTime(Date.parse(NOW) + 59_999);
    const before = cost.trips;
    await use();
    expect(cost).toMatchObject({ trips: before + 1, written: 1 });
    setTime(Date.parse(NOW) + 60_000);
    await Promise.all(Array.from({ length: 20 }, use));
    expect(cost.written).toBe(2);
    expect(await lastUse()).toBe(Date.parse(NOW) + 60_000);
  });

  it("is not touched by ADMIN_TOKEN, which is in no table", async () => {
    const { bindings, cost } = metered();
    const answer = await call("/v1/admin/me", { token: env.ADMIN_TOKEN, bindings });
    expect(answer.body).toEqual({ actor: { type: "staff", id: "ADMIN_TOKEN" }, role: "owner" });
    expect(cost).toEqual({ trips: 0, read: 0, written: 0 });
  });
});
