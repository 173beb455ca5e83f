// What customers see of their licenses, and the seats that they free.
import { beforeAll, describe, expect, it } from "vitest";
import { doors } from "../../../src/http/portal/index.ts";
import { newIsland } from "../../support/island.ts";
import { ownEvents } from "../../../src/licensing/portal/own-record.ts";
import { ownSeat } from "../../../src/licensing/portal/own.ts";
import { servicesOf } from "../../../src/services.ts";
import { env } from "../../support/env.ts";
import { FakeResend } from "../../support/mail.ts";
import { Browser, type House, hidden, newContact, newHouse, signedIn } from "../../support/portal.ts";
import { metered } from "../../support/meter.ts";
import { activate, admin, checkIn, eventsOf, rows } from "../../support/service.ts";

let resend: FakeResend;

beforeAll(() => {
  resend = new FakeResend();
});

const DAY = 86_400_000;

/** Five days ago, in whole seconds. */
const aWhileAgo = (): number => Math.floor((Date.now() - 5 * DAY) / 1_000) * 1_000;

const THIS_MONTH = new Date().toISOString().slice(0, 7);

const pathTo = (path: string, id: string): string =>
  path.replace("{id}", encodeURIComponent(id)).replace("{month}", THIS_MONTH);

const seatOf = async (key: string, instance: string): Promise<string> =>
  (await activate(key, instance)).body.activation_id;

const free = (browser: Browser, seat: string) => browser.submit(`/portal/seats/${seat}/free`);

const isSeated = async (seat: string): Promise<boolean> =>
  (await rows("SELECT 1 FROM activations WHERE id = ? AND ended_at = 0", seat)).length > 0;

/** A house of its own, and its contact signed in. */
async function open(license: Record<string, unknown> = {}, contact: Record<string, unknown> = {}) {
  const house = await newHouse(license, contact);
  return { ...house, browser: await signedIn(resend, house.contact.email) };
}

describe("the state of a license, in calm words with the next step", () => {
  const at = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

  it.each<[string, Record<string, unknown>, ((house: House) => Promise<unknown>) | null, string, string]>([
    ["without instances", {}, null, "Nothing is installed yet.", "Take the license key"],
    ["with room", {}, (h) => activate(h.key, "one"), "Valid through", "nothing to do"],
    [
      "full",
      { max_instances: 1 },
      (h) => activate(h.key, "one"),
      "All seats are taken.",
      "Free the seat of one that no longer runs",
    ],
    ["that ends soon", { expires_days: 5 }, null, "Valid through", "Ask for a renewal in time"],
    ["to come", { starts_at: at(9), expires_at: at(90) }, null, "This license begins on", "starts by itself"],
    [
      "suspended",
      {},
      (h) => admin(`/licenses/${h.license.id}/suspend`, { body: { reason: "unpaid" } }),
      "This license is suspended.",
      "keep their seats",
    ],
    [
      "revoked",
      {},
      (h) => admin(`/licenses/${h.license.id}/revoke`, { body: { reason: "fraud" } }),
      "This license was revoked.",
      "no longer run",
    ],
    [
      "in grace",
      { grace_days: 20 },
      (h) =>
        rows(
          "UPDATE licenses SET issued_at = issued_at - 864000000, expires_at = ? WHERE id = ?",
          aWhileAgo(),
          h.license.id,
        ),
      "Everything still runs.",
      "Ask for a renewal before then",
    ],
    [
      "expired",
      { grace_days: 0 },
      (h) =>
        rows(
          "UPDATE licenses SET issued_at = issued_at - 864000000, expires_at = ? WHERE id = ?",
          aWhileAgo(),
          h.license.id,
        ),
      "This license ended on",
      "go on by themselves",
    ],
  ])("%s", async (_, license, change, headline, next) => {
    const house = await open(license);
    await change?.(house);
    const page = await house.browser.get(`/portal/licenses/${house.license.id}`);
    expect(page.status).toBe(200);
    expect(page.text).toContain(headline);
    expect(page.text).toContain(next);
  });

  it("says nothing that staff noted", async () => {
    const house = await open({ notes: "pays late", tags: ["watch"], metadata: { crm: "4711" } });
    const page = await house.browser.get(`/portal/licenses/${house.license.id}`);
    for (const noted of ["pays late", "watch", "4711"]) expect(page.html).not.toContain(noted);
  });
});

describe("a page", () => {
  it("of 50 seats is no longer than 100 KB, and leads to the others", async () => {
    const house = await open({ max_instances: 60 });
    for (let n = 0; n < 52; n++) await activate(house.key, `box-${String(n).padStart(2, "0")}`);
    const page = await house.browser.get(`/portal/licenses/${house.license.id}`);
    expect(page.html.length).toBeLessThan(100_000);
    expect(page.html).toContain("box-49");
    expect(page.html).not.toContain("box-50");
    const next = await house.browser.get(`/portal/licenses/${house.license.id}?after=box-49`);
    expect(next.html).toContain("box-51");
  });

  it("costs at most three round trips, whichever it is", async () => {
    const house = await open();
    const seat = await seatOf(house.key, "one");
    const { bindings, cost } = metered();
    const counted = new Browser(bindings);
    for (const [name, value] of house.browser.cookies) counted.cookies.set(name, value);
    const other = await newContact(house.customer.id);
    await admin("/entitlements", { body: { code: "trips", name: "Trips", kind: "meter" } });
    await admin(`/licenses/${house.license.id}`, {
      method: "PATCH",
      body: { entitlements: { trips: { value: 10 } } },
    });
    for (const { path } of doors) {
      const id = path.includes("/seats/") ? seat : path.includes("/contacts/") ? other.id : house.license.id;
      cost.trips = 0;
      expect((await counted.get(pathTo(path, id))).status, path).toBe(200);
      expect(cost.trips, path).toBeLessThanOrEqual(3);
      expect(cost.trips, path).toBeGreaterThan(0);
    }
  });

  it.each(["after='; DROP TABLE x", "after=%00", `after=${"x".repeat(3_000)}`, "done=<script>"])(
    "takes %s",
    async (query) => {
      const house = await open();
      expect((await house.browser.get(`/portal/licenses/${house.license.id}?${query}`)).status).toBe(200);
      expect((await house.browser.get(`/portal?${query}`)).status).toBe(200);
    },
  );
});

describe("what the license entitles to", () => {
  it("stands with its name, its unit, its end, and what of it is used", async () => {
    const house = await open();
    for (const body of [
      { code: "tokens", name: "Tokens", kind: "meter", unit: "tokens" },
      { code: "gpus", name: "GPUs", kind: "limit" },
      { code: "sso", name: "Single sign-on", kind: "flag" },
    ])
      await admin("/entitlements", { body });
    await admin(`/licenses/${house.license.id}`, {
      method: "PATCH",
      body: {
        entitlements: {
          tokens: { value: 1_000 },
          gpus: { value: 8, until: "2099-05-31" },
          sso: { value: true },
        },
      },
    });
    await activate(house.key, "one");
    const date = new Date().toISOString().slice(0, 10);
    const usage = [{ date, requests: 3, services: 1, meters: { tokens: 250 } }];
    expect((await checkIn(house.key, "one", { usage })).status).toBe(200);
    const page = await house.browser.get(`/portal/licenses/${house.license.id}`);
    expect(page.text).toContain("Tokens 250 of 1,000 in use tokens this month");
    expect(page.text).toMatch(/GPUs 8 through May 31, 2099/);
    expect(page.text).toContain("Single sign-on included");
    const statement = await house.browser.get(
      `/portal/licenses/${house.license.id}/statements/${THIS_MONTH}`,
    );
    expect(statement.text).toMatch(/tokens 250 250 1,000/);
    for (const month of ["2026-13", "..%2f", "2999-01"])
      expect(
        (await house.browser.get(`/portal/licenses/${house.license.id}/statements/${month}`)).status,
        month,
      ).toBeGreaterThanOrEqual(404);
  });
});

describe("freeing a seat", () => {
  it("makes room for another installation, and the record says who did it", async () => {
    const house = await open({ max_instances: 1 });
    const dead = await seatOf(house.key, "dead");
    expect((await activate(house.key, "new")).status).toBe(403);
    const freed = await free(house.browser, dead);
    expect(freed.location).toBe(`/portal/licenses/${house.license.id}?done=freed#seats`);
    expect((await activate(house.key, "new")).status).toBe(200);
    expect((await checkIn(house.key, "dead")).status).toBe(404);
    const events = await eventsOf(house.license.id);
    expect(events).toContainEqual(
      expect.objectContaining({
        action: "activation.ended",
        actor_type: "customer",
        actor_id: house.contact.id,
      }),
    );
  });

  it("works as often in 30 days as the license has seats, and not once more", async () => {
    const house = await open({ max_instances: 2 });
    for (let n = 0; n < 2; n++) {
      expect((await free(house.browser, await seatOf(house.key, `box-${n}`))).status).toBe(303);
    }
    const third = await seatOf(house.key, "box-3");
    const refused = await free(house.browser, third);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("as many seats as this license has");
    expect(await isSeated(third)).toBe(true);
    await rows(
      "UPDATE portal_frees SET freed_at = freed_at - ? WHERE license_id = ?",
      30 * DAY,
      house.license.id,
    );
    expect((await free(house.browser, third)).status).toBe(303);
  });

  it("is bounded also where many forms arrive at once", async () => {
    const house = await open({ max_instances: 3 });
    const one = await seatOf(house.key, "one");
    await free(house.browser, one);
    const seats = await Promise.all(["a", "b", "c"].map((name) => seatOf(house.key, name)));
    const forms = await Promise.all(seats.map((seat) => house.browser.get(`/portal/seats/${seat}/free`)));
    const answers = await Promise.all(
      forms.map((form, n) => house.browser.post(`/portal/seats/${seats[n]}/free`, hidden(form.html))),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 303, 409]);
  });

  it("counts once if the form is sent twice", async () => {
    const house = await open();
    const seat = await seatOf(house.key, "one");
    const path = `/portal/seats/${seat}/free`;
    const form = hidden((await house.browser.get(path)).html);
    expect((await house.browser.post(path, form)).status).toBe(303);
    expect((await house.browser.post(path, form)).status).toBe(303);
    expect(await rows("SELECT 1 FROM portal_frees WHERE license_id = ?", house.license.id)).toHaveLength(1);
  });

  it("never frees the seat of a license file: only a receipt proves that it stopped", async () => {
    const house = await open();
    const file = await admin(`/licenses/${house.license.id}/offline-activations`, {
      body: { request: await (await newIsland(house.key, "cellar")).request() },
    });
    expect(file.status).toBe(200);
    const refused = await free(house.browser, file.body.activation_id);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("runs by a license file");
    expect(await isSeated(file.body.activation_id)).toBe(true);
  });

  it("takes no form that was made for another session, or none", async () => {
    const house = await open();
    const other = await open();
    const seat = await seatOf(house.key, "one");
    const theirs = await seatOf(other.key, "one");
    const foreign = hidden((await other.browser.get(`/portal/seats/${theirs}/free`)).html);
    for (const form of [
      foreign,
      { ...foreign, form_token: "" },
      { ...foreign, form_token: "A".repeat(43) },
    ]) {
      expect((await house.browser.post(`/portal/seats/${seat}/free`, form)).status).toBe(403);
    }
    const own = hidden((await house.browser.get(`/portal/seats/${seat}/free`)).html);
    const forged = await house.browser.post(`/portal/seats/${seat}/free`, own, {
      Origin: "https://evil.example",
    });
    expect(forged.status).toBe(403);
    expect(await isSeated(seat)).toBe(true);
  });
});

describe("the key", () => {
  it("stands in what is to be pasted, and each look is recorded", async () => {
    const house = await open();
    const page = await house.browser.get(`/portal/licenses/${house.license.id}/key`);
    expect(page.html.split(house.key).length).toBeGreaterThanOrEqual(4);
    expect(page.html).toContain("http://localhost:8787");
    const file = await house.browser.get(`/portal/licenses/${house.license.id}/key/file`);
    expect(file.html).toBe(`${house.key}\n`);
    const looks = (await eventsOf(house.license.id)).filter(
      ({ action, actor_type }) => action === "license.key_revealed" && actor_type === "customer",
    );
    expect(looks).toHaveLength(2);
  });

  it("is not fetched for another site", async () => {
    const house = await open();
    const page = await house.browser.get(`/portal/licenses/${house.license.id}/key`, {
      "Sec-Fetch-Site": "cross-site",
    });
    expect(page.status).toBe(403);
    expect(page.html).not.toContain(house.key);
  });
});

// What each role opens. Repeated here so that nobody changes the rules by accident.
const OPENS: Record<string, string[]> = {
  "/portal": ["license", "billing", "technical"],
  "/portal/licenses/{id}": ["license", "billing", "technical"],
  "/portal/licenses/{id}/key": ["license"],
  "/portal/licenses/{id}/key/file": ["license"],
  "/portal/seats/{id}/free": ["technical"],
  "/portal/requests": ["license", "billing", "technical"],
  "/portal/air-gap": ["technical"],
  "/portal/air-gap/receipt": ["technical"],
  "/portal/contacts": ["license"],
  "/portal/contacts/{id}": ["license"],
  "/portal/contacts/{id}/remove": ["license"],
  "/portal/events": ["license"],
  "/portal/licenses/{id}/events": ["license", "technical"],
  "/portal/licenses/{id}/statements/{month}": ["license", "technical"],
};

describe("role × page", () => {
  it("has a line for each page", () => {
    expect(doors.map(({ path }) => path).toSorted()).toEqual(Object.keys(OPENS).toSorted());
  });

  it.each(["license", "billing", "technical"])("%s", async (role) => {
    const house = await open({}, { roles: [role] });
    const seat = await seatOf(house.key, "one");
    const other = await newContact(house.customer.id);
    for (const { path } of doors) {
      const id = path.includes("/seats/") ? seat : path.includes("/contacts/") ? other.id : house.license.id;
      const page = await house.browser.get(pathTo(path, id));
      expect(page.status, path).toBe(OPENS[path]!.includes(role) ? 200 : 403);
    }
    const shown = (await house.browser.get(`/portal/licenses/${house.license.id}`)).html;
    expect(shown.includes("Installations that hold a seat")).toBe(role !== "billing");
    expect(shown.includes("/free")).toBe(role === "technical");
    expect(shown.includes("/key")).toBe(role === "license");
  });

  it.each(["license", "billing"])("%s sends no form of the technical contact", async (role) => {
    const house = await newHouse({}, { roles: ["technical"] });
    const other = await newContact(house.customer.id, { roles: [role] });
    const browser = await signedIn(resend, other.email);
    const seat = await seatOf(house.key, "one");
    expect((await browser.post(`/portal/seats/${seat}/free`, { once: crypto.randomUUID() })).status).toBe(
      403,
    );
    expect(await isSeated(seat)).toBe(true);
  });
});

describe("customer × page × another's object", () => {
  it("finds nothing of another customer, and changes nothing", async () => {
    const own = await open();
    const theirs = await newHouse();
    const seat = await seatOf(theirs.key, "their-box");
    const mine = await seatOf(own.key, "my-box");
    const form = hidden((await own.browser.get(`/portal/seats/${mine}/free`)).html);
    const objects = {
      license: theirs.license.id,
      seat,
      customer: theirs.customer.id,
      contact: theirs.contact.id,
      unknown: "lic_01J00000000000000000000000",
      // The license of the one, the activation of the other.
      mixed: `${mine.slice(0, mine.lastIndexOf("_"))}${seat.slice(seat.lastIndexOf("_"))}`,
    };
    const theirRows = async () =>
      JSON.stringify([
        await rows("SELECT * FROM activations WHERE license_id = ?", theirs.license.id),
        await rows("SELECT * FROM contacts WHERE customer_id = ?", theirs.customer.id),
        await rows("SELECT * FROM statements WHERE license_id = ?", theirs.license.id),
        await eventsOf(theirs.license.id),
        await eventsOf(theirs.customer.id),
      ]);
    const before = await theirRows();
    for (const { path } of doors.filter((door) => door.path.includes("{id}"))) {
      for (const [what, id] of Object.entries(objects)) {
        const at = pathTo(path, id);
        const page = await own.browser.get(at);
        expect(page.status, `${at} (${what})`).toBe(404);
        for (const secret of [theirs.key, theirs.customer.name, "their-box"])
          expect(page.html).not.toContain(secret);
        const sent = await own.browser.post(at, { ...form, once: crypto.randomUUID() });
        expect(sent.status, `POST ${at} (${what})`).toBe(404);
      }
    }
    expect(await theirRows()).toBe(before);
    expect(await rows("SELECT 1 FROM portal_frees WHERE license_id = ?", theirs.license.id)).toEqual([]);
  });

  it("finds no seat of another customer, also for a page that asks for nothing else", async () => {
    const [own, theirs] = [await newHouse(), await newHouse()];
    const actor = {
      type: "customer",
      id: own.contact.id,
      customerId: own.customer.id,
      roles: ["technical"],
      licenseId: null,
    } as const;
    const context = { ...servicesOf(env), actor, requestId: "r", ip: null, defer: () => undefined };
    const seat = await seatOf(own.key, "mine");
    expect((await ownSeat(context, seat)).id).toBe(seat);
    await expect(ownSeat(context, await seatOf(theirs.key, "theirs"))).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect((await ownEvents(context, own.license.id)).rows.length).toBeGreaterThan(0);
    await expect(ownEvents(context, theirs.license.id)).rejects.toMatchObject({ code: "LICENSE_NOT_FOUND" });
  });

  it("opens no page to a stranger, and no call of staff to a customer", async () => {
    const own = await open();
    const stranger = new Browser();
    for (const { path } of doors) {
      expect((await stranger.get(pathTo(path, own.license.id))).location, path).toBe("/portal/sign-in");
    }
    expect((await own.browser.get("/v1/admin/licenses")).status).toBe(401);
    expect((await own.browser.get("/admin")).location).toContain("/admin/sign-in");
  });
});
