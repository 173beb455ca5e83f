// What a person chose for their own eyes, what waits beside the navigation, and the first day.
import { describe, expect, it } from "vitest";
import { type Fields, Visitor } from "../../support/console.ts";
import { metered } from "../../support/meter.ts";
import { freshRecord } from "../../support/record.ts";
import { activate, admin, newCustomer, newLicense, newToken, rows, unique } from "../../support/service.ts";

const HERE = "/admin/settings/view";

const keep = async (visitor: Visitor, values: Fields) => visitor.submit(await visitor.get(HERE), values);

async function newViewer(): Promise<{ token: string; id: string }> {
  const { token, api_token } = await newToken({ role: "viewer" });
  return { token, id: api_token.id };
}

/** A license about which a mail was written. */
async function mailed() {
  const email = `${unique("it")}@acme.example`;
  const issued = await newLicense({ customer_id: (await newCustomer({ email })).id, send_email: true });
  return issued;
}

const keptOf = (actor: string) => rows("SELECT view FROM staff_views WHERE actor_id = ?", actor);

describe("my view", () => {
  it("is kept with its token, and holds for each page, browser and sign-in", async () => {
    const { token, id } = await newViewer();
    const visitor = await Visitor.signIn(token);
    const usual = 'data-rows="comfortable" data-times="local" data-theme="system"';
    expect((await visitor.get("/admin")).html).toContain(usual);
    const sent = await keep(visitor, { rows: "dense", start: "licenses", times: "utc", theme: "dark" });
    expect((await visitor.get(sent.location)).text).toContain("Saved.");
    const chosen = 'data-rows="dense" data-times="utc" data-theme="dark"';
    expect((await visitor.get("/admin/licenses")).html).toContain(chosen);
    const elsewhere = await Visitor.signIn(token);
    expect((await elsewhere.get("/admin/licenses")).html).toContain(chosen);
    expect((await elsewhere.post("/admin/sign-in", { token })).location).toBe("/admin/licenses");
    const there = await elsewhere.post("/admin/sign-in", { token, next: "/admin/messages" });
    expect(there.location).toBe("/admin/messages");
    // Nobody else sees it so.
    const another = await newToken({ role: "viewer" });
    expect((await (await Visitor.signIn(another.token)).get("/admin")).html).toContain(usual);
    expect((await visitor.post("/admin/sign-in", { token: another.token })).location).toBe("/admin");
    expect(await keptOf(id)).toEqual([
      { view: '{"rows":"dense","start":"licenses","times":"utc","theme":"dark"}' },
    ]);
  });

  it("is kept for ADMIN_TOKEN, too", async () => {
    const visitor = await Visitor.signIn();
    await keep(visitor, { times: "utc" });
    expect((await visitor.get("/admin")).html).toContain('data-times="utc"');
    await keep(visitor, { times: "local" });
    expect((await visitor.get("/admin")).html).toContain('data-times="local"');
  });

  it("refuses what is no choice, and keeps nothing then", async () => {
    const { token, id } = await newViewer();
    const visitor = await Visitor.signIn(token);
    for (const wrong of [
      { rows: "huge" },
      { start: "https://evil.example" },
      { times: "" },
      { theme: "pink" },
    ])
      expect((await keep(visitor, wrong)).status).toBe(422);
    expect(await keptOf(id)).toEqual([]);
  });

  it("is read as far as it is known: another release may have kept more or less", async () => {
    const { token, id } = await newViewer();
    await rows(
      "INSERT INTO staff_views VALUES (?, ?, 0)",
      id,
      JSON.stringify({
        rows: "dense",
        start: "moon",
        wings: 2,
        columns: { licenses: 7, customers: ["email"] },
      }),
    );
    const visitor = await Visitor.signIn(token);
    expect((await visitor.get("/admin")).html).toContain('data-rows="dense" data-times="local"');
    expect((await visitor.post("/admin/sign-in", { token })).location).toBe("/admin");
    expect((await visitor.get("/admin/licenses")).status).toBe(200);
    await keep(visitor, { rows: "comfortable" });
    expect(JSON.parse(String((await keptOf(id))[0]!["view"]))).toMatchObject({ wings: 2, start: "overview" });
  });

  it("goes with its token or its person, and with no other", async () => {
    const [one, other] = [await newViewer(), await newViewer()];
    for (const { token } of [one, other]) await keep(await Visitor.signIn(token), { rows: "dense" });
    await admin(`/api-tokens/${one.id}`, { method: "DELETE" });
    expect([(await keptOf(one.id)).length, (await keptOf(other.id)).length]).toEqual([0, 1]);
    const [ada, bob] = [`${unique("ada")}@smarthaus.example`, `${unique("bob")}@smarthaus.example`];
    for (const email of [ada, bob]) {
      await admin(`/people/${email}`, { method: "PUT", body: { role: "viewer" } });
      await rows("INSERT INTO staff_views VALUES (?, '{}', 0)", email);
    }
    await admin(`/people/${ada}`, { method: "PUT", body: { role: "manager" } });
    expect(await keptOf(ada)).toHaveLength(1);
    await admin(`/people/${ada}`, { method: "DELETE" });
    expect([(await keptOf(ada)).length, (await keptOf(bob)).length]).toEqual([0, 1]);
  });
});

const headsOf = ({ html }: { html: string }): string[] =>
  [...html.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, head = ""]) =>
    head.replaceAll(/<[^>]*>/g, ""),
  );

describe("the columns of a list", () => {
  const choose = async (visitor: Visitor, list: string, column: string[], more: Fields = {}) =>
    visitor.submit(await visitor.get(`/admin/settings/columns/${list}`), { column, ...more });

  it.each([
    ["licenses", ["Id", "Standing", "Type", "Issued", "Ends", "Seats"], ["Starts", "Tags", "Last mail"]],
    ["customers", ["Id", "E-mail", "Licenses", "Seats", "Next end"], ["Tags", "Since"]],
    [
      "instances",
      ["Status", "Last seen", "Lease ends", "Version", "Environment", "Labels", "Customer"],
      ["Since", "Address"],
    ],
    ["messages", ["Status", "Written"], ["To", "Kind", "License"]],
  ])("of %s are %j until some are chosen, such as %j", async (list, usual, extra) => {
    await activate((await mailed()).license_key, "pod-1");
    const { token } = await newToken({ role: "viewer" });
    const visitor = await Visitor.signIn(token);
    const path = `/admin/${list}`;
    const main = headsOf(await visitor.get(path))[0]!;
    expect(headsOf(await visitor.get(path))).toEqual([main, ...usual]);
    const form = await visitor.get(`/admin/settings/columns/${list}`);
    const values = [...form.html.matchAll(/name="column" value="(\w+)"( checked)?/g)];
    expect(values.filter(([, , checked]) => checked)).toHaveLength(usual.length);
    expect(values).toHaveLength(usual.length + extra.length);
    // All of them, in the order of the list whatever the order of the choice, and in another browser, too.
    const all = values.map(([, value]) => value!);
    expect((await choose(visitor, list, all.toReversed())).location).toBe(path);
    const elsewhere = await Visitor.signIn(token);
    expect(headsOf(await elsewhere.get(path))).toEqual([main, ...usual, ...extra]);
    // One; none; those that do not exist.
    await choose(visitor, list, [all[1]!, "wings", all[1]!]);
    expect(headsOf(await visitor.get(path))).toEqual([main, [...usual, ...extra][1]]);
    await choose(visitor, list, []);
    expect(headsOf(await visitor.get(path))).toEqual([main]);
    await choose(visitor, list, [], { usual: "yes" });
    expect(headsOf(await visitor.get(path))).toEqual([main, ...usual]);
  });

  it("are chosen list by list, beside everything else of the view", async () => {
    await newLicense();
    const { token, id } = await newViewer();
    const visitor = await Visitor.signIn(token);
    await choose(visitor, "licenses", ["ends"]);
    await keep(visitor, { rows: "dense" });
    await choose(visitor, "customers", ["tags"]);
    expect(headsOf(await visitor.get("/admin/licenses"))).toEqual(["License", "Ends"]);
    expect(headsOf(await visitor.get("/admin/customers"))).toEqual(["Customer", "Tags"]);
    expect((await visitor.get("/admin")).html).toContain('data-rows="dense"');
    expect(JSON.parse(String((await keptOf(id))[0]!["view"])).columns).toEqual({
      licenses: ["ends"],
      customers: ["tags"],
    });
  });

  it("have the last mail where the filter is about it, chosen or not", async () => {
    await newLicense();
    const visitor = await Visitor.signInAs("viewer");
    const asked = "/admin/licenses?last_mail=none";
    expect(headsOf(await visitor.get(asked)).at(-1)).toBe("Last mail");
    await choose(visitor, "licenses", ["ends"]);
    expect(headsOf(await visitor.get(asked))).toEqual(["License", "Ends", "Last mail"]);
    expect(headsOf(await visitor.get("/admin/licenses"))).toEqual(["License", "Ends"]);
  });

  it("lead back to what the list showed, and to nothing else", async () => {
    const visitor = await Visitor.signInAs("viewer");
    const list = await visitor.get("/admin/licenses?standing=active&sort=ending");
    const [, link = ""] = /href="(\/admin\/settings\/columns\/licenses[^"]*)"/.exec(list.html) ?? [];
    const form = await visitor.get(link.replaceAll("&amp;", "&"));
    const sent = await visitor.submit(form, { column: ["ends"] });
    expect(sent.location).toBe("/admin/licenses?standing=active&sort=ending");
    for (const [back, location] of [
      ["//evil.example/?a=b", "/admin/licenses?%2F%2Fevil.example%2F%3Fa=b"],
      ["#x", "/admin/licenses?%23x="],
      ["done=deleted&q=a", "/admin/licenses?q=a"],
    ])
      expect((await choose(visitor, "licenses", [], { back })).location).toBe(location);
    expect((await visitor.get("/admin/settings/columns/seals")).status).toBe(404);
    expect((await visitor.get("/admin/settings/columns/constructor")).status).toBe(404);
  });

  it("change no export", async () => {
    await newLicense();
    const visitor = await Visitor.signInAs("owner");
    const read = async () =>
      (await visitor.submit(await visitor.get("/admin/exports/licenses"))).text.split(" ")[0];
    const before = await read();
    await choose(visitor, "licenses", []);
    expect(await read()).toBe(before);
  });

  it("are read with the session: no trip and one row more, and the mail only if it is chosen", async () => {
    const { license } = await mailed();
    const { bindings, cost } = metered();
    const visitor = await Visitor.signIn((await newToken({ role: "viewer" })).token, bindings);
    const costOf = async () => {
      Object.assign(cost, { trips: 0, read: 0, written: 0 });
      await visitor.get(`/admin/licenses?q=${license.id}`);
      return { ...cost };
    };
    const usual = await costOf();
    await choose(visitor, "licenses", ["ends"]);
    expect(await costOf()).toEqual({ ...usual, read: usual.read + 1 });
    await choose(visitor, "licenses", ["mail"]);
    const withMail = await costOf();
    expect(withMail.trips).toBe(usual.trips);
    expect(withMail.read).toBeGreaterThan(usual.read + 1);
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
    for (const [id, status] of [
      ["req_1", "open"],
      ["req_2", "open"],
      ["req_3", "declined"],
    ] as const)
      await rows(
        `INSERT INTO customer_requests (id, customer_id, contact_id, kind, text, status, created_at, answered_at)
         VALUES (?, ?, 'con_x', 'question', 'x', ?, 0, ?)`,
        id,
        license.customer_id,
        status,
        status === "open" ? null : 1,
      );
    const { html } = await visitor.get("/admin/settings");
    // The navigation stands there twice: on a desk and on a phone.
    expect(new Set(counts(html))).toEqual(
      new Set(["1 suspected clones", "2 open", "2 bounced or failed lately"]),
    );
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
