// What a person chose for their own eyes, what waits beside the navigation, and the first day.
import { describe, expect, it } from "vitest";
import { Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, newLicense, newToken, rows } from "../../support/service.ts";

const HERE = "/admin/settings/view";

describe("my view", () => {
  it("is kept in this browser, and holds for each page and the next sign-in", async () => {
    const { token } = await newToken({ role: "viewer" });
    const visitor = await Visitor.signIn(token);
    expect((await visitor.get("/admin")).html).toContain('data-rows="comfortable" data-times="local"');
    const page = await visitor.get(HERE);
    const sent = await visitor.submit(page, { rows: "dense", start: "licenses", times: "utc" });
    const cookie = sent.headers.getSetCookie().find((one) => one.startsWith("__Host-caio-view="));
    for (const part of ["=dense.licenses.utc;", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"])
      expect(cookie).toContain(part);
    expect((await visitor.get(sent.location)).text).toContain("Kept in this browser.");
    expect((await visitor.get("/admin/licenses")).html).toContain('data-rows="dense" data-times="utc"');
    const again = await visitor.post("/admin/sign-in", { token });
    expect(again.location).toBe("/admin/licenses");
    const there = await visitor.post("/admin/sign-in", { token, next: "/admin/messages" });
    expect(there.location).toBe("/admin/messages");
  });

  it("refuses what is no choice, and takes no notice of a cookie that is none of ours", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get(HERE);
    for (const wrong of [{ rows: "huge" }, { start: "https://evil.example" }, { times: "" }])
      expect((await visitor.submit(page, wrong)).status).toBe(422);
    const { token } = await newToken({ role: "viewer" });
    for (const cookie of ["x", "dense.//evil.example.utc", "dense.licenses", 'a".b.c']) {
      const answer = await visitor.post(
        "/admin/sign-in",
        { token },
        { Cookie: `__Host-caio-view=${cookie}` },
      );
      expect(answer.location).toBe("/admin");
    }
  });
});

describe("beside the navigation", () => {
  const counts = (html: string) =>
    [...html.matchAll(/class="count" title="([^"]+)"/g)].map(([, text]) => text);

  it("stands what waits: mail that did not arrive, and suspected clones, of the last week", async () => {
    await freshRecord();
    const visitor = await Visitor.signInAs("viewer");
    expect(counts((await visitor.get("/admin/settings")).html)).toEqual([]);
    const { license, license_key } = await newLicense({ max_instances: 3 });
    await activate(license_key, "pod-1");
    const now = Date.now();
    await rows("UPDATE activations SET clone_suspected_at = ? WHERE license_id = ?", now, license.id);
    const add = (id: string, status: string, at: number) =>
      rows(
        `INSERT INTO messages (id, dedupe_key, kind, recipient, subject, content, status, attempts, created_at, updated_at)
         VALUES (?, ?, 'license_expired', 'a@b.example', 's', 'c', ?, 1, ?, ?)`,
        id,
        id,
        status,
        at,
        at,
      );
    await add("m1", "failed", now);
    await add("m2", "bounced", now);
    await add("m3", "bounced", now - 8 * 86_400_000);
    await add("m4", "delivered", now);
    const { html } = await visitor.get("/admin/settings");
    // The navigation stands there twice: on a desk and on a phone.
    expect(new Set(counts(html))).toEqual(new Set(["1 suspected clones", "2 bounced or failed lately"]));
  });

  it("costs no trip of its own where the page reads, and no page more than three", async () => {
    const { license } = await newLicense();
    const { bindings, cost } = metered();
    const visitor = await Visitor.signIn((await newToken({ role: "owner" })).token, bindings);
    for (const [path, most] of [
      ["/admin/settings", 2],
      ["/admin/settings/license-types", 2],
      ["/admin", 3],
      ["/admin/licenses", 3],
      ["/admin/customers", 3],
      ["/admin/instances", 3],
      ["/admin/messages", 3],
      ["/admin/activity", 3],
      ["/admin/settings/mail", 3],
      [`/admin/licenses/${license.id}`, 3],
      [`/admin/licenses/${license.id}/edit`, 3],
      ["/admin/licenses/new", 3],
    ] as const) {
      cost.trips = 0;
      const { html, status } = await visitor.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(cost.trips, path).toBeLessThanOrEqual(most);
      expect(html.length, path).toBeLessThan(100_000);
    }
  });
});

describe("the first day", () => {
  it("is guided until there is a license, each role by what it may do", async () => {
    await freshRecord();
    const owner = await (await Visitor.signIn()).get("/admin");
    expect(owner.text).toContain("The first day");
    expect(owner.text).toContain("Create a token for yourself");
    expect(owner.text).toContain("Issue the first license");
    const viewer = await (await Visitor.signInAs("viewer")).get("/admin");
    expect(viewer.text).toContain("The first day");
    expect(viewer.text).not.toContain("Create a token for yourself");
    expect(viewer.html).not.toContain("/admin/licenses/new");
    await newLicense();
    expect((await (await Visitor.signIn()).get("/admin")).text).not.toContain("The first day");
  });
});
