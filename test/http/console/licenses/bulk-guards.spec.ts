// What keeps a bulk action from doing something twice, over somebody else's change, or beyond what D1 allows.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../../../src/config.ts";
import { env } from "../../../support/env.ts";
import { type ShownPage, Visitor } from "../../../support/console.ts";
import { OVERLOADED, passing } from "../../../support/faulty.ts";
import { emptyOutbox, FakeResend, mailing } from "../../../support/mail.ts";
import { recorded } from "../../../support/meter.ts";
import { admin, newCustomer, newLicense, rows, unique } from "../../../support/service.ts";

const END = "2099-01-31";
const OVERTAKEN = "Somebody changed it after you looked: nothing was done.";

const read = async (id: string): Promise<any> => (await admin(`/licenses/${id}`)).body;

const patch = (id: string, body: object) => admin(`/licenses/${id}`, { method: "PATCH", body });

const pathOf = (doing: string, ids: string[]) =>
  `/admin/licenses/bulk?do=${doing}&${ids.map((id) => `id=${id}`).join("&")}`;

async function several(count: number, terms: object = {}, customer: object = {}): Promise<string[]> {
  const { id } = await newCustomer(customer);
  const ids: string[] = [];
  for (let n = 0; n < count; n++)
    ids.push((await newLicense({ customer_id: id, expires_at: END, ...terms })).license.id);
  return ids;
}

/** How often an action was recorded for each. */
const recordedOf = (action: string, ids: string[]) =>
  rows<{ id: string; n: number }>(
    `SELECT value AS id, (SELECT count(*) FROM events WHERE entity_id = value AND action = ?1) AS n
     FROM json_each(?2)`,
    action,
    JSON.stringify(ids),
  );

/** Bindings with which somebody else acts right before the n-th license is written. */
function withAnother(nth: number, acts: () => Promise<unknown>, bindings: Env = env): Env {
  let hits = 0;
  return passing(
    /^update .licenses. set/i,
    async (run, isHit) => {
      if (isHit && ++hits === nth) await acts();
      return run();
    },
    bindings,
  );
}

/** What is entered for each action, its event, and what a colleague changes. */
const ACTIONS: [doing: string, event: string, entered: Record<string, string>][] = [
  ["renew", "license.renewed", { ends: "P1Y" }],
  ["change", "license.changed", { max_instances: "77" }],
  ["tag", "license.changed", { tags: "q3" }],
  ["suspend", "license.suspended", { reason: "Unpaid." }],
  ["reinstate", "license.reinstated", {}],
];

const noted = (id: string) => patch(id, { notes: "Mine." });

async function prepared(doing: string): Promise<string[]> {
  const ids = await several(3);
  if (doing === "reinstate")
    for (const id of ids) await admin(`/licenses/${id}/suspend`, { body: { reason: "x" } });
  return ids;
}

describe.each(ACTIONS)("what somebody else changes during a bulk action: %s", (doing, event, entered) => {
  const expectOne = async (ids: string[], overtaken: string, done: ShownPage) => {
    expect(done.text).toContain("2 of 3 licenses done.");
    expect(done.text).toContain(OVERTAKEN);
    const others = ids.filter((id) => id !== overtaken);
    const once = others.map((id) => ({ id, n: 1 }));
    expect(await recordedOf(event, others)).toEqual(once);
    expect(await read(overtaken)).toMatchObject({ notes: "Mine." });
    // Nothing but the colleague's note.
    expect(await recordedOf("license.changed", [overtaken])).toEqual([{ id: overtaken, n: 1 }]);
    if (event !== "license.changed")
      expect(await recordedOf(event, [overtaken])).toEqual([{ id: overtaken, n: 0 }]);
  };

  it("is not known to a page that a former release made, whose form goes through", async () => {
    const ids = await prepared(doing);
    const owner = await Visitor.signIn();
    const done = await owner.submit(await owner.get(pathOf(doing, ids)), { ...entered, seen: undefined });
    expect(done.text).toContain("3 of 3 licenses done.");
  });

  it("between the preview and the form is left as it is, told, and offered again", async () => {
    const ids = await prepared(doing);
    const [, second] = ids as [string, string, string];
    const owner = await Visitor.signIn();
    const form = await owner.get(pathOf(doing, ids));
    await noted(second);
    const done = await owner.submit(form, entered);
    await expectOne(ids, second, done);
    const again = await owner.submit(done, { look: "yes" }, "/admin/licenses/bulk");
    expect(again.text).toContain("1 license");
    expect((await owner.submit(again, entered)).text).toContain("1 of 1 license done.");
    expect(await recordedOf(event, ids)).toEqual(
      ids.map((id) => ({ id, n: event === "license.changed" && id === second ? 2 : 1 })),
    );
  });

  it("between reading and writing is left as it is, and told", async () => {
    const ids = await prepared(doing);
    const [, second] = ids as [string, string, string];
    const owner = await Visitor.signIn(
      undefined,
      withAnother(2, () => noted(second)),
    );
    await expectOne(ids, second, await owner.submit(await owner.get(pathOf(doing, ids)), entered));
  });
});

describe("a bulk action", () => {
  it("of two people at once renews each license once", async () => {
    const ids = await several(3);
    const [one, other] = [await Visitor.signIn(), await Visitor.signInAs("manager")];
    const [first, second] = [await one.get(pathOf("renew", ids)), await other.get(pathOf("renew", ids))];
    const answers = await Promise.all([
      one.submit(first, { ends: "P1Y" }),
      other.submit(second, { ends: "P1Y" }),
    ]);
    const done = answers.map(({ text }) => Number(/(\d) of 3 licenses done/.exec(text)![1]));
    expect(done[0]! + done[1]!).toBe(3);
    expect(await recordedOf("license.renewed", ids)).toEqual(ids.map((id) => ({ id, n: 1 })));
    for (const id of ids) expect((await read(id)).expires_at).toMatch(/^2100-02-01/);
  });

  it("whose form is sent twice is done once, and answers the same", async () => {
    const ids = await several(2);
    const owner = await Visitor.signIn();
    const form = await owner.get(pathOf("renew", ids));
    const first = await owner.submit(form, { ends: "P1Y" });
    const second = await owner.submit(form, { ends: "P1Y" });
    expect(second.text).toBe(first.text);
    expect(await recordedOf("license.renewed", ids)).toEqual(ids.map((id) => ({ id, n: 1 })));
  });

  it("leaves alone what its form did not show", async () => {
    const [shown, other] = (await several(2)) as [string, string];
    const owner = await Visitor.signIn();
    const done = await owner.submit(await owner.get(pathOf("renew", [shown])), { id: [shown, other] });
    expect(done.text).toContain("1 of 2 licenses done.");
    expect(await recordedOf("license.renewed", [other])).toEqual([{ id: other, n: 0 }]);
  });

  it("that D1 breaks off says so, and sent again does nothing twice", async () => {
    const ids = await several(3);
    let isDown = true;
    const broken = async () => {
      if (isDown) throw new Error(OVERLOADED);
    };
    const owner = await Visitor.signIn(undefined, withAnother(2, broken));
    const form = await owner.get(pathOf("renew", ids));
    expect((await owner.submit(form, { ends: "P1Y" })).status).toBe(503);
    isDown = false;
    expect((await owner.submit(form, { ends: "P1Y" })).status).toBe(409);
    expect((await recordedOf("license.renewed", ids)).map(({ n }) => n)).toEqual([1, 0, 0]);
  });

  it("does something once with a license that is chosen twice", async () => {
    const [id] = (await several(1)) as [string];
    const owner = await Visitor.signIn();
    const form = await owner.get(pathOf("renew", [id, id]));
    expect(form.text).toContain("1 license.");
    expect((await owner.submit(form, { ends: "P1Y", id: [id, id] })).text).toContain("1 of 1 license done.");
    expect(await recordedOf("license.renewed", [id])).toEqual([{ id, n: 1 }]);
  });

  it("takes 500 of those that the filters find, from all their pages, and says that there are more", async () => {
    const { id } = await newCustomer();
    await rows(
      `INSERT INTO licenses (id, customer_id, license_type, status, revision, issued_at, expires_at, grace_days,
         lease_days, check_in_hours, features, updated_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 501)
       SELECT printf('lic_%s_%04d', ?1, i), ?1, 'standard', 'active', 1, i * 1000, NULL, 14, 30, 24, '[]', i * 1000 FROM n`,
      id,
    );
    const owner = await Visitor.signIn();
    const path = `/admin/licenses/bulk?do=suspend&matching=customer_id%3D${id}`;
    const form = await owner.get(path);
    expect(form.text).toContain("The first 50 of 500 licenses");
    expect(form.text).toContain("The filters find more than 500");
    const [, rest] = /name="rest" value="([^"]+)"/.exec(form.html)!;
    const shown = form.forms.flatMap(({ fields }) => fields).filter(([name]) => name === "id");
    expect(new Set([...rest!.split(" "), ...shown.map(([, one]) => one)]).size).toBe(500);
    await rows("DELETE FROM licenses WHERE id = printf('lic_%s_%04d', ?1, 1)", id);
    expect((await owner.get(path)).text).not.toContain("The filters find more than");
  });

  it("shows a license anew where a preview is made anew", async () => {
    const [id] = (await several(1)) as [string];
    const owner = await Visitor.signIn();
    const form = await owner.get(pathOf("renew", [id]));
    await noted(id);
    const looked = await owner.submit(form, { ends: "P1Y", look: "yes" });
    expect((await owner.submit(looked, { ends: "P1Y" })).text).toContain("1 of 1 license done.");
  });
});

describe("the mail of a bulk action", () => {
  let resend: FakeResend;
  beforeEach(async () => {
    resend = new FakeResend();
    await emptyOutbox();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is one for the others where somebody else was faster with one", async () => {
    const email = `${unique("it")}@bulk.example`;
    const ids = await several(3, {}, { email });
    const bindings = withAnother(2, () => noted(ids[1]!), mailing());
    const owner = await Visitor.signIn(undefined, bindings);
    await owner.submit(await owner.get(pathOf("renew", ids)), { ends: "P1Y" });
    expect(resend.to(email).map(({ attachments }) => attachments!.length)).toEqual([2]);
  });

  it("stops before it sends more statements than D1 allows, and goes on with what is left", async () => {
    const ids = await several(12, {}, { email: "c0@bulk.example" });
    const [{ customer_id }] = [await read(ids[0]!)];
    await rows(
      `INSERT INTO contacts (id, customer_id, email, roles, portal, own, created_at, updated_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 39)
       SELECT 'con_' || i || ?1, ?1, 'c' || i || '@bulk.example', '["license"]', 0, 0, 0, 0 FROM n`,
      customer_id,
    );
    const { bindings, statements } = recorded();
    const owner = await Visitor.signIn(undefined, mailing({ DB: bindings.DB }));
    let page = await owner.get(pathOf("send", ids));
    const steps: number[] = [];
    while (steps.length === 0 || page.html.includes("Go on with")) {
      if (steps.length > 0) page = await owner.submit(page, { look: "yes" }, "/admin/licenses/bulk");
      statements.length = 0;
      page = await owner.submit(page, { look: undefined }, "/admin/licenses/bulk");
      expect(statements.length).toBeLessThanOrEqual(1_000);
      steps.push(Number(/(\d+) of \d+ licenses? done/.exec(page.text)![1]));
    }
    expect(steps.length).toBeGreaterThan(1);
    expect(steps.reduce((sum, n) => sum + n, 0)).toBe(12);
    const mails = await rows<{ n: number }>(
      "SELECT count(*) AS n FROM messages WHERE customer_id = ? GROUP BY license_id, recipient",
      customer_id,
    );
    expect(mails).toEqual(Array.from({ length: 480 }, () => ({ n: 1 })));
    // So many random bytes look like an address somewhere, for which the database is searched after this file.
    await rows("DELETE FROM messages WHERE customer_id = ?", customer_id);
  }, 60_000);
});
