import { describe, expect, it } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { freshRecord } from "../../support/record.ts";
import {
  activate,
  admin,
  checkIn,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../../support/service.ts";

const NOW = Date.parse("2026-06-01T08:00:00.000Z");

/** When nothing of another test ends. */
const LAST = Date.parse("2090-06-01T08:00:00.000Z");

describe("the console", () => {
  it("opens to whoever signs in with a token, and leads nowhere without one", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const page = await visitor.get("/admin");
    expect(page).toMatchObject({ status: 200, location: "" });
    expect(page.text).toContain("Needs attention");
    expect(page.html).not.toContain("/admin/licenses/new");
    await expect(Visitor.signIn("caio_wrong")).rejects.toThrow("not valid");
    const answer = await visitor.submit(page, {}, "/admin/sign-out");
    expect(answer).toMatchObject({ status: 303, location: "/admin/sign-in" });
    expect(await visitor.get("/admin")).toMatchObject({
      status: 303,
      location: "/admin/sign-in?next=%2Fadmin",
    });
  });

  it("calls whoever is signed in by the name of their token", async () => {
    const { token, api_token } = await newToken({ role: "viewer", name: "Ada's laptop" });
    const { html } = await (await Visitor.signIn(token)).get("/admin");
    expect(html).toContain(`title="${api_token.id}">Ada&#39;s laptop<`);
    expect((await (await Visitor.signIn()).get("/admin")).html).toContain('title="ADMIN_TOKEN">ADMIN_TOKEN<');
  });
});

/** The figures of the overview: what they count, and where it is listed. */
const figuresOf = (html: string) =>
  [...html.matchAll(/class="figure" href="([^"]+)"><b>([\d,]+)<\/b><span class="label">([^<]+)</g)].map(
    ([, href, count, label]) => ({ href: href!, count: Number(count!.replaceAll(",", "")), label }),
  );

describe("the overview", () => {
  it("counts in each figure what the list behind it holds", async () => {
    // Other files put rows in of which the counters know nothing.
    await freshRecord();
    const customer_id = (await newCustomer()).id;
    const make = async (input: object): Promise<any> =>
      newLicense({ customer_id, max_instances: 9, ...input });
    setTime(NOW - 40 * DAY);
    await make({ expires_days: 400 });
    await make({ expires_at: null });
    await make({ expires_days: 50 });
    await make({ expires_days: 30, grace_days: 30 });
    for (const grace_days of [0, 1]) await make({ expires_days: 30, grace_days });
    await admin(`/licenses/${(await make({})).license.id}/suspend`, { body: { reason: "x" } });
    setTime(NOW);
    const { license_key } = await make({ expires_days: 3 });
    for (const instance of ["a", "b", "c"]) await activate(license_key, instance);
    const visitor = await Visitor.signIn();
    const figures = figuresOf((await visitor.get("/admin")).html);
    expect(figures.map(({ label }) => label)).toEqual([
      "active licenses",
      "expiring within 30 days",
      "in grace",
      "expired",
      "seats in use",
    ]);
    for (const { href, count, label } of figures) {
      let path: string | undefined = `${href.replaceAll("&amp;", "&")}&limit=100`;
      let listed = 0;
      while (path !== undefined) {
        const { html }: { html: string } = await visitor.get(path);
        listed += /<tbody>.*<\/tbody>/s.exec(html)?.[0].match(/<tr>/g)?.length ?? 0;
        path = /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
      }
      // A lapsed lease counts as a seat until it is noticed, at the license's next activation.
      const [lapsed] = await rows<{ n: number }>(
        "SELECT count(*) AS n FROM activations WHERE ended_at = 0 AND lease_expires_at <= ?",
        NOW,
      );
      expect(count, label).toBe(listed + (label === "seats in use" ? lapsed!.n : 0));
    }
  });

  it("leads from a suspected clone to the instance, and to all of each kind", async () => {
    setTime(NOW);
    const { license, license_key } = await newLicense();
    await activate(license_key, "twin");
    const [seat] = (await admin(`/activations?license_id=${license.id}`)).body.data;
    await env.DB.prepare("UPDATE activations SET clone_suspected_at = ? WHERE license_id = ?")
      .bind(LAST, license.id)
      .run();
    const { html, text } = await (await Visitor.signIn()).get("/admin");
    await env.DB.prepare("UPDATE activations SET clone_suspected_at = NULL WHERE license_id = ?")
      .bind(license.id)
      .run();
    expect(html).toContain(`href="/admin/instances/${seat.id}">twin<`);
    for (const list of ["standing=grace", "status=bounced", "status=failed", "action=license.overused"]) {
      expect(html).toContain(`?${list}">`);
    }
    expect(text).toContain("Licenses ending by month");
  });

  it("charts ends and activations over times of choice, each beside the other", async () => {
    setTime(NOW);
    const day = (ago: number) => new Date(NOW - ago * DAY).toISOString().slice(0, 10);
    for (const ago of [6, 7, 29, 30, 89, 90])
      await rows(
        "INSERT INTO activation_days (day, n) VALUES (?, 7000) ON CONFLICT DO UPDATE SET n = 7000",
        day(ago),
      );
    await newLicense({ expires_days: 700 });
    const visitor = await Visitor.signInAs("viewer");
    const chart = async (id: string, query: string) => {
      const { html } = await visitor.get(`/admin?${query}`);
      const [, card = ""] = html.split(`<section class="card" id="${id}">`);
      return card.split("</section>")[0]!;
    };
    const high = async (query: string) =>
      [...(await chart("activations", query)).matchAll(/: ([\d,]+)<\/title>/g)]
        .map(([, value]) => Math.floor(Number(value!.replaceAll(",", "")) / 7_000))
        .reduce((sum, times) => sum + times, 0);
    expect(await high("activations=7d")).toBe(1);
    expect([await high("activations=30d"), await high("")]).toEqual([3, 3]);
    expect(await high("activations=90d")).toBe(5);
    expect(await chart("activations", "activations=30d")).not.toContain("by week");
    expect(await chart("activations", "activations=90d")).toContain("by week");
    const year = await chart("activations", "activations=12m&ends=6m");
    expect(year).toContain("by week");
    // A week leads to its days.
    const week = /action=activation\.created&amp;since=([\d-]+)&amp;until=([\d-]+)/.exec(year)!;
    expect(Date.parse(week[2]!) - Date.parse(week[1]!)).toBe(6 * DAY);
    expect(year).toContain('"/admin?ends=6m&amp;activations=30d#activations"');
    const ends = async (name: string) =>
      (await chart("ends", `ends=${name}&activations=7d`)).match(/<g><title>/g)?.length;
    expect(await ends("24m")).toBe(24);
    expect(await ends("36m")).toBe(36);
    expect(await chart("ends", "ends=24m")).toContain('"/admin?ends=36m&amp;activations=30d#ends"');
    for (const wrong of ["ends=7d", "activations=24m"])
      expect((await visitor.get(`/admin?${wrong}`)).status).toBe(422);
    await rows("DELETE FROM activation_days WHERE n = 7000");
  });

  /** What needs attention and has to do with a customer: what it is called, and where it leads. */
  async function concernsOf(visitor: Visitor, about: string): Promise<[kind: string, href: string][]> {
    const { html } = await visitor.get("/admin");
    const concerns = html.matchAll(
      />([^<]+)<\/span><\/span><span class="what"><a href="([^"]+)">(.*?)<span class="aside">/g,
    );
    return [...concerns]
      .filter(([, , , what]) => what!.includes(about))
      .map(([, kind, href]) => [kind!, href!]);
  }

  it("tells for seven days of a license that was used above its limit", async () => {
    setTime(NOW);
    const name = unique("Busy");
    const customer_id = (await newCustomer({ name })).id;
    const { license, license_key } = await newLicense({ customer_id, max_requests_per_day: 10 });
    await activate(license_key, "a");
    const use = (requests: number) =>
      checkIn(license_key, "a", { usage: [{ date: "2026-06-01", requests, services: 1 }] });
    const visitor = await Visitor.signIn();
    await use(10);
    expect(await concernsOf(visitor, name)).toEqual([]);
    await use(11);
    const over = [["over the limit", `/admin/licenses/${license.id}`]];
    expect(await concernsOf(visitor, name)).toEqual(over);
    setTime(NOW + 7 * DAY - 1);
    const later = await Visitor.signIn();
    expect(await concernsOf(later, name)).toEqual(over);
    setTime(NOW + 7 * DAY);
    expect(await concernsOf(later, name)).toEqual([]);
  });

  it.each(["bounced", "failed"])("tells of mail that %s", async (status) => {
    setTime(NOW);
    const email = `${unique("it")}@acme.example`;
    const { license } = await newLicense({
      customer_id: (await newCustomer({ email })).id,
      send_email: true,
    });
    const visitor = await Visitor.signIn();
    expect(await concernsOf(visitor, email)).toEqual([]);
    const [message] = await rows<{ id: string }>(
      "UPDATE messages SET status = ? WHERE license_id = ? RETURNING id",
      status,
      license.id,
    );
    const told = [[`mail ${status}`, `/admin/licenses/${license.id}`]];
    expect(await concernsOf(visitor, email)).toEqual(told);
    expect(await concernsOf(visitor, `href="/admin/messages/${message!.id}"`)).toEqual(told);
  });

  it("tells of a license from 30 days before its end until its grace is over", async () => {
    // When nothing of another test ends.
    const end = Date.parse("2080-06-01T08:00:00.000Z");
    setTime(end - 120 * DAY);
    const name = unique("Leaving");
    const customer_id = (await newCustomer({ name })).id;
    const expires_at = new Date(end).toISOString();
    const { license } = await newLicense({ customer_id, expires_at, grace_days: 14 });
    const toldAt = async (at: number) => {
      setTime(at);
      return concernsOf(await Visitor.signIn(), name);
    };
    const href = `/admin/licenses/${license.id}`;
    expect(await toldAt(end - 30 * DAY - 1)).toEqual([]);
    expect(await toldAt(end - 30 * DAY)).toEqual([["expiring", href]]);
    expect(await toldAt(end - 1)).toEqual([["expiring", href]]);
    expect(await toldAt(end)).toEqual([["grace", href]]);
    expect(await toldAt(end + 14 * DAY - 1)).toEqual([["grace", href]]);
    expect(await toldAt(end + 14 * DAY)).toEqual([]);
  });

  it("tells of licenses that end also where those that end first are all suspended", async () => {
    setTime(LAST);
    const customer_id = (await newCustomer()).id;
    const row = { customer_id, license_type: "standard", expires_at: "2090-06-20" };
    const { body } = await admin("/imports/licenses", { body: Array.from({ length: 101 }, () => row) });
    expect(body.created).toBe(101);
    await env.DB.prepare("UPDATE licenses SET status = 'suspended' WHERE customer_id = ?")
      .bind(customer_id)
      .run();
    await newLicense({ customer_id, expires_at: "2090-06-25" });
    const { html } = await (await Visitor.signIn()).get("/admin");
    expect(html).toMatch(
      /expiring<\/span><\/span><span class="what"><a href="[^"]+standing=expiring">1 license</,
    );
  });
});
