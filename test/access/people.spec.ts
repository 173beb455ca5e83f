import { describe, expect, it } from "vitest";
import { setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { admin, call, eventsOf, rows, unique } from "../support/service.ts";

const NOW = "2026-03-01T10:00:00.000Z";

const address = () => `${unique("ada")}@smarthaus.example`;

const put = (email: string, body: unknown) => admin(`/people/${email}`, { method: "PUT", body });

const remove = (email: string) => admin(`/people/${email}`, { method: "DELETE" });

const eventsFor = async (email: string) =>
  (await eventsOf(email)).map(({ action, detail }) => [action, JSON.parse(detail)]);

describe("a person", () => {
  it("gets a role, another one, and loses it", async () => {
    setTime(NOW);
    const email = address();
    const added = await put(email, { role: "viewer" });
    expect(added.status).toBe(201);
    expect(added.body).toEqual({ email, role: "viewer", created_at: NOW, updated_at: NOW });

    setTime("2026-03-02T10:00:00.000Z");
    const changed = await put(email, { role: "owner" });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({
      email,
      role: "owner",
      created_at: NOW,
      updated_at: "2026-03-02T10:00:00.000Z",
    });
    expect(await put(email, { role: "owner" })).toMatchObject({ status: 200, body: changed.body });

    expect(await remove(email)).toMatchObject({ status: 204, text: "" });
    expect(await remove(email)).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
    expect(await eventsFor(email)).toEqual([
      ["person.added", { role: "viewer" }],
      ["person.changed", { before: "viewer", after: "owner" }],
      ["person.removed", { role: "owner" }],
    ]);
  });

  it("is one however the address is spelled", async () => {
    const email = address();
    await put(email, { role: "viewer" });
    const again = await put(email.toUpperCase(), { role: "manager" });
    expect(again).toMatchObject({ status: 200, body: { email, role: "manager" } });
    expect((await remove(encodeURIComponent(email.toUpperCase()))).status).toBe(204);
  });

  it("is added once by parallel calls", async () => {
    const email = address();
    const answers = await Promise.all(Array.from({ length: 10 }, () => put(email, { role: "viewer" })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(9).fill(200), 201]);
    expect(await eventsFor(email)).toEqual([["person.added", { role: "viewer" }]]);
  });

  it.each([
    ["nobody", { role: "viewer" }, "email"],
    ["a@b", { role: "viewer" }, "email"],
    [`${"x".repeat(250)}@a.example`, { role: "viewer" }, "email"],
    ["ada@refused.example", {}, "role"],
    ["ada@refused.example", { role: "admin" }, "role"],
    ["ada@refused.example", { role: "viewer", email: "eve@refused.example" }, "email"],
  ])("%s with %j is refused for its %s", async (email, body, path) => {
    const answer = await put(email, body);
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } });
    expect(await rows("SELECT * FROM people WHERE email LIKE '%@refused.example'")).toEqual([]);
  });

  it("is listed by address, page by page", async () => {
    const emails = [address(), address(), address()];
    for (const email of emails) await put(email, { role: "viewer" });
    const listed: string[] = [];
    let cursor = "";
    do {
      const { body } = await admin(`/people?limit=2${cursor && `&cursor=${cursor}`}`);
      listed.push(...body.data.map((person: { email: string }) => person.email));
      cursor = body.next_cursor;
    } while (cursor);
    expect(listed).toEqual(listed.toSorted());
    expect(listed).toEqual(expect.arrayContaining(emails));
  });
});

describe("without Cloudflare Access", () => {
  it("its header signs nobody in", async () => {
    const headers = { "Cf-Access-Jwt-Assertion": "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImEifQ." };
    expect((await call("/v1/admin/me", { headers })).status).toBe(401);
  });

  it("a service that has only half of its configuration answers 503", async () => {
    const bindings = { ...env, ACCESS_AUD: "aud" };
    expect((await call("/v1/admin/me", { bindings })).status).toBe(503);
  });
});
