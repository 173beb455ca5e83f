import { beforeEach, describe, expect, it } from "vitest";
import { DAY, setTime } from "../../../support/clock.ts";
import { Visitor } from "../../../support/console.ts";
import { env } from "../../../support/env.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

beforeEach(() => {
  setTime(NOW);
});

const seatOf = async (licenseId: string, instance: string): Promise<string> => {
  const [row] = await rows<{ id: string }>(
    "SELECT id FROM activations WHERE license_id = ? AND instance_id = ?",
    licenseId,
    instance,
  );
  return row!.id;
};

/** A license with one seat taken. */
async function seated(instance: string, more: object = {}) {
  const { license, license_key } = await newLicense({ max_instances: null, expires_days: 400 });
  await activate(license_key, instance, more);
  return { license, license_key, id: await seatOf(license.id, instance) };
}

describe("/admin/instances", () => {
  it("finds by license, customer, host name and by whether a seat is held", async () => {
    const { license, license_key } = await seated("one", {
      hostname: "vault.example",
      app_version: "17.4.1",
    });
    await activate(license_key, "two");
    const gone = await seatOf(license.id, "two");
    await admin(`/activations/${gone}`, { method: "DELETE" });
    const visitor = await Visitor.signInAs("viewer");
    const list = async (query: string) => (await visitor.get(`/admin/instances?${query}`)).text;
    const all = await list(`license_id=${license.id}`);
    expect(all).toContain("vault.example");
    expect(all).toContain("freed by staff");
    expect(await list(`license_id=${license.id}&active=true`)).not.toContain("freed by staff");
    expect(await list(`customer_id=${license.customer_id}&active=false`)).not.toContain("vault.example");
    expect(await list(`license_id=${license.id}&q=VAULT`)).toContain("17.4.1");
    expect(await list(`license_id=${license.id}&q=nothing`)).toContain("Nothing matches these filters");
  });

  it("finds the silent ones, page by page while time goes on", async () => {
    const { license, license_key } = await seated("a");
    for (const name of ["b", "c"]) await activate(license_key, name);
    setTime(NOW + 2 * DAY);
    const query = `/admin/instances?license_id=${license.id}&silent_days=`;
    expect((await (await Visitor.signIn()).get(`${query}3`)).text).toContain("Nothing matches these filters");
    setTime(NOW + 4 * DAY);
    const visitor = await Visitor.signIn();
    await activate(license_key, "c");
    const first = await visitor.get(`${query}3&limit=1`);
    expect(first.text).toContain("silent");
    const next = /href="([^"]+)" rel="next"/.exec(first.html)![1]!.replaceAll("&amp;", "&");
    setTime(NOW + 4 * DAY + 5_000);
    const second = await visitor.get(next);
    expect(second).toMatchObject({ status: 200 });
    expect(second.html).toContain(`/admin/instances/${await seatOf(license.id, "b")}"`);
    expect((await visitor.get(`${query}3`)).html).not.toContain(await seatOf(license.id, "c"));
  });

  it("counts them all only where somebody asks", async () => {
    const { license } = await seated("counted");
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get(`/admin/instances?license_id=${license.id}`);
    expect(page.html).toContain("count=now");
    expect(page.html).not.toContain('class="figure"');
    expect((await visitor.get("/admin/instances?count=now&silent_days=9")).text).toContain(
      "silent for 9 days or more",
    );
    const narrowed = await visitor.get(`/admin/instances?count=now&license_id=${license.id}`);
    expect(narrowed.text).toContain(
      "The figures count all instances, not only those that the filters below find.",
    );
    expect((await visitor.get("/admin/instances?count=now")).text).not.toContain(
      "The figures count all instances",
    );
  });

  it("refuses filters that mean nothing", async () => {
    const visitor = await Visitor.signIn();
    for (const query of ["silent_days=x", "silent_days=0", "active=maybe", "customer_id=a%20b"]) {
      const page = await visitor.get(`/admin/instances?${query}`);
      expect(page).toMatchObject({ status: 422 });
      expect(page.html).toContain('class="fault"');
      expect(page.html).toContain('class="filters"');
    }
  });
});

describe("an instance's page", () => {
  it("shows all that is known of it", async () => {
    const { license, id } = await seated("island", {
      hostname: "vault.example",
      fingerprint: "fp-1",
      labels: { site: "Graz" },
    });
    const { text, html } = await (await Visitor.signIn()).get(`/admin/instances/${id}`);
    for (const fact of ["island", "live", "vault.example", "fp-1", "site Graz"]) expect(text).toContain(fact);
    expect(html).toContain(`/admin/licenses/${license.id}"`);
    const { name } = (await admin(`/customers/${license.customer_id}`)).body;
    expect(html).toContain(`<a href="/admin/customers/${license.customer_id}">${name}</a>`);
  });

  it("warns of a changed fingerprint", async () => {
    const { license_key, id } = await seated("moved", { fingerprint: "fp-1" });
    await activate(license_key, "moved", { fingerprint: "fp-2" });
    const { text } = await (await Visitor.signIn()).get(`/admin/instances/${id}`);
    expect(text).toContain("fingerprint changed");
  });

  it("shows what an instance says of itself as text", async () => {
    const hostile = "<script>alert(1)</script>";
    const { id, license } = await seated(hostile, { hostname: hostile, labels: { [hostile]: hostile } });
    const visitor = await Visitor.signIn();
    for (const path of [`/${id}`, `/${id}/free`, `?license_id=${license.id}`]) {
      const page = await visitor.get(`/admin/instances${path}`);
      expect(page.html).not.toContain("<script>alert");
      expect(page.text).toContain(hostile);
    }
  });

  it("is not there for an id that is none", async () => {
    expect(await (await Visitor.signIn()).get("/admin/instances/act_none_1")).toMatchObject({ status: 404 });
  });
});

describe("an instance without a network", () => {
  /** A seat by a file that staff handed in, and one that an instance took itself. */
  async function both() {
    const { license, license_key } = await newLicense({ max_instances: null, expires_days: 400 });
    await activate(license_key, "networked");
    const body = { request: { license_key, instance_id: "island" } };
    const answer = await admin(`/licenses/${license.id}/offline-activations`, { body });
    expect(answer.status).toBe(200);
    // Both hold their seats; nothing was heard of either since.
    await env.DB.prepare("UPDATE activations SET lease_expires_at = ? WHERE license_id = ?")
      .bind(NOW + 400 * DAY, license.id)
      .run();
    return { license, id: await seatOf(license.id, "island") };
  }

  it("is there by file, is not expected, and has no address of its own", async () => {
    const { license, id } = await both();
    await env.DB.prepare("UPDATE activations SET ip = '203.0.113.9' WHERE license_id = ?")
      .bind(license.id)
      .run();
    const visitor = await Visitor.signIn();
    const page = await visitor.get(`/admin/instances/${id}`);
    expect(page.text).toContain("by file");
    expect(page.text).not.toMatch(/Expected next|IP address|203\.0\.113\.9/);
    expect(page.text).toContain("It reports nothing about itself");
    const other = await visitor.get(`/admin/instances/${await seatOf(license.id, "networked")}`);
    expect(other.text).toMatch(/Expected next.*IP address 203\.0\.113\.9/);
  });

  it("is never silent: not in its badge, its list or the count", async () => {
    const count = async () => (await admin("/statistics/instances?silent_days=30")).body;
    const { license } = await both();
    setTime(NOW + 20 * DAY);
    const before = await count();
    setTime(NOW + 40 * DAY);
    const after = await count();
    const visitor = await Visitor.signIn();
    const all = (await visitor.get(`/admin/instances?license_id=${license.id}`)).text;
    expect(all).toMatch(/island by file/);
    expect(all).toMatch(/networked silent/);
    const silent = (await visitor.get(`/admin/instances?license_id=${license.id}&silent_days=30`)).html;
    expect(silent).toContain(await seatOf(license.id, "networked"));
    expect(silent).not.toContain(await seatOf(license.id, "island"));
    const [unheard] = await rows<{ n: number }>(
      `SELECT count(*) AS n FROM activations WHERE ended_at = 0 AND lease_expires_at > ?1 AND last_seen_at <= ?2
         AND actor_type <> 'staff'`,
      NOW + 40 * DAY,
      NOW + 10 * DAY,
    );
    expect(after.silent).toBe(unheard!.n);
    expect(before.live + before.silent + before.freed).toBe(after.live + after.silent + after.freed);
  });
});

describe("freeing a seat", () => {
  it("is explained, done once and said", async () => {
    const { license_key, id, license } = await seated("a");
    const visitor = await Visitor.signInAs("manager");
    const form = await visitor.get(`/admin/instances/${id}/free`);
    expect(form.text).toContain("told at its next check-in");
    const done = await visitor.submit(form);
    expect(done.location).toBe(`/admin/instances/${id}?done=freed`);
    const page = await visitor.get(done.location);
    expect(page.text).toContain("The seat is free.");
    expect(page.text).toContain("freed by staff");
    expect(page.html).not.toContain(`/admin/instances/${id}/free`);
    expect((await visitor.get(`/admin/instances/${id}/free`)).text).toContain("no longer holds a seat");
    expect((await admin(`/activations?license_id=${license.id}&active=true`)).body.data).toEqual([]);
    expect(await activate(license_key, "b")).toMatchObject({ status: 200 });
  });

  it("of a file says that it counts until the file ends, unless it is certain that it runs no more", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    const request = { license_key, instance_id: "island" };
    const path = `/licenses/${license.id}/offline-activations`;
    const id = (await admin(path, { body: { request, lease_days: 30 } })).body.activation_id as string;
    const visitor = await Visitor.signInAs("manager");
    const form = await visitor.get(`/admin/instances/${id}/free`);
    expect(form.text).toContain(
      "without the receipt that it signs when it stops, the seat counts until then",
    );
    const done = await visitor.submit(form);
    const page = await visitor.get(done.location);
    expect(page.text).toContain("It counts until the file of its installation ends");
    expect(page.text).toContain("freed, counts until its file ends");
    expect(await activate(license_key, "b")).toMatchObject({ status: 403 });
    const forced = await visitor.fill(`/admin/instances/${id}/free`, { force: "yes" });
    expect(forced.text).toContain("The seat is free.");
    expect(await activate(license_key, "b")).toMatchObject({ status: 200 });
  });

  it("is neither offered to a viewer nor taken from one, nor from a forged form", async () => {
    const { id } = await seated(unique("seat"));
    const viewer = await Visitor.signInAs("viewer");
    const page = await viewer.get(`/admin/instances/${id}`);
    expect(page.html).not.toContain("/free");
    const fields = { form_token: page.forms[0]!.fields[0]![1], once: crypto.randomUUID() };
    expect(await viewer.post(`/admin/instances/${id}/free`, fields)).toMatchObject({ status: 403 });
    const owner = await Visitor.signIn();
    const form = await owner.get(`/admin/instances/${id}/free`);
    expect(await owner.submit(form, { form_token: "A".repeat(43) })).toMatchObject({ status: 403 });
    expect((await admin(`/activations/${id}`)).body.active).toBe(true);
  });
});

describe("a row of the list of instances", () => {
  it("names the customer and the version, once", async () => {
    const company = unique("Danube");
    const { id } = await newCustomer({ name: "Felix Jensen", company });
    const { license_key } = await newLicense({ customer_id: id });
    await activate(license_key, "pod-1", { app_version: "1.9.37", hostname: "node-7" });
    const { html, text } = await (await Visitor.signInAs("viewer")).get(`/admin/instances?customer_id=${id}`);
    expect(html).toContain(`<a href="/admin/customers/${id}">${company}</a>`);
    expect(text.match(/1\.9\.37/g)).toHaveLength(1);
    expect(text).not.toContain("Felix Jensen");
  });
});
