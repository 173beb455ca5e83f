// Forms of single licenses that two people have open at the same time: what is done counts once, unless on purpose.
import { beforeEach, describe, expect, it } from "vitest";
import type { Env } from "../../../../src/config.ts";
import { type ShownPage, Visitor } from "../../../support/console.ts";
import { env } from "../../../support/env.ts";
import { passing } from "../../../support/faulty.ts";
import { admin, newCustomer, newLicense, newToken, rows, unique } from "../../../support/service.ts";

const OVERTAKEN = "This license was changed after you opened the page. Nothing is done yet";

const read = async (id: string): Promise<any> => (await admin(`/licenses/${id}`)).body;

const patch = (id: string, body: object) => admin(`/licenses/${id}`, { method: "PATCH", body });

/** How often an action was recorded for a license. */
async function times(action: string, id: string): Promise<number> {
  const [row] = await rows<{ n: number }>(
    "SELECT count(*) AS n FROM events WHERE entity_id = ? AND action = ?",
    id,
    action,
  );
  return row!.n;
}

interface Case {
  event: string;
  /** What happened, in words. */
  words: string;
  /** What each of two people enters. */
  entered: () => Promise<Record<string, string>>;
  /** How often it is done if the second one confirms: 1 if it cannot be done twice. */
  confirmed: 1 | 2;
  prepare?: (id: string) => Promise<unknown>;
}

const reasoned = async () => ({ reason: unique("Because") });

const CASES: Record<string, Case> = {
  renew: {
    event: "license.renewed",
    words: "Renewed",
    entered: async () => ({ ends: "P2Y" }),
    confirmed: 2,
  },
  suspend: { event: "license.suspended", words: "Suspended", entered: reasoned, confirmed: 1 },
  revoke: { event: "license.revoked", words: "Revoked", entered: reasoned, confirmed: 1 },
  reinstate: {
    event: "license.reinstated",
    words: "Reinstated",
    entered: reasoned,
    confirmed: 1,
    prepare: (id) => admin(`/licenses/${id}/suspend`, { body: { reason: "x" } }),
  },
  reissue: {
    event: "license.reissued",
    words: "Key replaced",
    entered: async () => ({ ...(await reasoned()), unproven_hours: "17" }),
    confirmed: 2,
  },
  transfer: {
    event: "license.transferred",
    words: "Transferred",
    entered: async () => ({ ...(await reasoned()), customer_id: (await newCustomer()).id }),
    confirmed: 2,
  },
};

/** A day to order something for. */
const later = () => new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);

/** Whether a form still has what was entered. */
function expectEntered(page: ShownPage, entered: Record<string, string>): void {
  const { fields } = page.forms.find(({ method, action }) => method === "post" && action.includes("/lic_"))!;
  for (const field of Object.entries(entered)) expect(fields).toContainEqual(field);
}

let one: Visitor;
let other: Visitor;
beforeEach(async () => {
  [one, other] = [
    await Visitor.signIn((await newToken({ role: "owner", name: "Nightingale" })).token),
    await Visitor.signIn(),
  ];
});

describe.each(Object.entries(CASES))("%s", (action, { event, words, entered, confirmed, prepare }) => {
  async function opened() {
    const { license } = await newLicense({ expires_at: "2099-01-31", max_instances: 3 });
    await prepare?.(license.id);
    return { id: license.id as string, path: `/admin/licenses/${license.id}/${action}` };
  }

  it("of two people is done once, and again only if the second one confirms it", async () => {
    const { id, path } = await opened();
    const [first, second] = [await one.get(path), await other.get(path)];
    expect((await one.submit(first, await entered())).status).toBe(303);
    const mine = await entered();
    const told = await other.submit(second, mine);
    expect(told.status).toBe(412);
    expect(told.text).toContain(OVERTAKEN);
    expect(told.text).toMatch(new RegExp(`is still right. ${words} .*by Nightingale What is different`));
    expectEntered(told, mine);
    expect(await times(event, id)).toBe(1);
    const again = await other.submit(told);
    expect(again.status).toBe(confirmed === 2 ? 303 : 409);
    if (confirmed === 1) expectEntered(again, mine);
    expect(await times(event, id)).toBe(confirmed);
  });

  it("of two people at once is done once", async () => {
    const { id, path } = await opened();
    const [first, second] = [await one.get(path), await other.get(path)];
    const answers = await Promise.all([
      one.submit(first, await entered()),
      other.submit(second, await entered()),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 412]);
    expect(await times(event, id)).toBe(1);
  });

  it("shows what was changed before it, with the values before and now", async () => {
    const { id, path } = await opened();
    const page = await one.get(path);
    await patch(id, { max_instances: 66, notes: "A secret word." });
    await patch(id, { max_instances: 77 });
    const mine = await entered();
    const told = await one.submit(page, mine);
    expect(told.status).toBe(412);
    expect(told.text).toContain("instances 3 77");
    expect(told.text).toContain("notes");
    expect(told.text).not.toMatch(/Issued/);
    expect(await times(event, id)).toBe(0);
    expect((await one.submit(told)).status).toBe(303);
    expect(await times(event, id)).toBe(1);
    expect(await read(id)).toMatchObject({ max_instances: 77, notes: "A secret word." });
  });

  it("is not done over what somebody changes while it is", async () => {
    const { id, path } = await opened();
    let hits = 0;
    const bindings: Env = passing(
      /^update .licenses. set/i,
      async (run, isHit) => {
        if (isHit && ++hits === 1) await patch(id, { max_instances: 77 });
        return run();
      },
      env,
    );
    const slow = await Visitor.signIn(undefined, bindings);
    const told = await slow.submit(await slow.get(path), await entered());
    expect(told.status).toBe(412);
    expect(await times(event, id)).toBe(0);
  });

  it("goes through from a page of the release before, which names no version", async () => {
    const { id, path } = await opened();
    const page = await one.get(path);
    await patch(id, { max_instances: 77 });
    expect(
      (await one.submit(page, { ...(await entered()), version: undefined, last_order: undefined })).status,
    ).toBe(303);
    expect(await times(event, id)).toBe(1);
  });

  it("is done once however often its form is sent, and answers the same", async () => {
    const { id, path } = await opened();
    const page = await one.get(path);
    const mine = await entered();
    const first = await one.submit(page, mine);
    expect(first.status).toBe(303);
    expect(await one.submit(page, mine)).toMatchObject({ status: 303, location: first.location });
    if (action !== "revoke") await patch(id, { max_instances: 77 });
    expect(await one.submit(page, mine)).toMatchObject({ status: 303, location: first.location });
    expect(await times(event, id)).toBe(1);
  });

  it("keeps the version that it showed through a refusal and a look", async () => {
    const { id, path } = await opened();
    let page = await one.get(path);
    await patch(id, { max_instances: 77 });
    page = await one.submit(page, { look: "yes" });
    expect(page.status).toBe(200);
    const refused = await one.submit(page, {
      reason: "x".repeat(501),
      ends: "date",
      ends_on: "",
      look: undefined,
    });
    expect(refused.status).toBe(422);
    expect((await one.submit(refused, { ...(await entered()), ends_on: undefined })).status).toBe(412);
    expect(await times(event, id)).toBe(0);
  });
});

describe("an order for later", () => {
  const orders = (id: string) => times("pending_change.ordered", id);

  it("of two people is made once, and again only if the second one confirms it", async () => {
    const { license } = await newLicense({ expires_at: "2099-01-31" });
    const path = `/admin/licenses/${license.id}/renew`;
    const [first, second] = [await one.get(path), await other.get(path)];
    const entered = { ends: "P2Y", effective_at: later() };
    expect((await one.submit(first, entered)).status).toBe(303);
    const told = await other.submit(second, entered);
    expect(told.status).toBe(412);
    expect(told.text).toContain(OVERTAKEN);
    expect(told.text).toMatch(/Changes to come .*Renew/);
    expectEntered(told, entered);
    expect(await orders(license.id)).toBe(1);
    expect((await other.submit(told)).status).toBe(303);
    expect(await orders(license.id)).toBe(2);
  });

  it("of two people at once is made once", async () => {
    const { license } = await newLicense({ expires_at: "2099-01-31" });
    const path = `/admin/licenses/${license.id}/renew`;
    const [first, second] = [await one.get(path), await other.get(path)];
    const entered = { ends: "P2Y", effective_at: later() };
    const answers = await Promise.all([one.submit(first, entered), other.submit(second, entered)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 412]);
    expect(await orders(license.id)).toBe(1);
  });

  it("is seen by whoever renews at once, and by nobody's form that showed it", async () => {
    const { license } = await newLicense({ expires_at: "2099-01-31" });
    const path = `/admin/licenses/${license.id}/renew`;
    const page = await other.get(path);
    await one.submit(await one.get(path), { ends: "P2Y", effective_at: later() });
    const told = await other.submit(page, { ends: "P2Y" });
    expect(told.status).toBe(412);
    expect(await times("license.renewed", license.id)).toBe(0);
    expect((await other.submit(await other.get(path), { ends: "P2Y" })).status).toBe(303);
    expect(await times("license.renewed", license.id)).toBe(1);
  });
});

it.each(["send", "settle/silent", "correct-usage"])(
  "%s names no version: it does nothing by amounts, and counts once",
  async (action) => {
    const { license } = await newLicense();
    const page = await one.get(`/admin/licenses/${license.id}/${action}`);
    expect(page.status).toBe(200);
    expect(page.html).not.toContain('name="version"');
  },
);

describe("accepting what a customer asked for", () => {
  async function asked() {
    const { id: customer_id } = await newCustomer();
    const { license } = await newLicense({ customer_id, expires_at: "2099-01-31" });
    const request = `req_${unique("r").replaceAll(/\W/g, "")}`;
    await rows(
      `INSERT INTO customer_requests (id, customer_id, license_id, contact_id, kind, text, status, created_at)
       VALUES (?, ?, ?, 'ct_1', 'renewal', '', 'open', 1)`,
      request,
      customer_id,
      license.id,
    );
    return { id: license.id as string, accept: await one.get(`/admin/requests/${request}/accept`) };
  }

  const entered = { ends: "P1Y", answer: "Gladly." };

  it.each([
    ["renewed", "Renewed", {}, 1],
    [
      "ordered to be renewed",
      "Changes to come Change Takes effect Status Renew",
      { effective_at: later() },
      0,
    ],
  ])("does not renew what somebody %s meanwhile, unless that is confirmed", async (_, said, when, before) => {
    const { id, accept } = await asked();
    await other.fill(`/admin/licenses/${id}/renew`, { ends: "P1Y", ...when });
    const told = await one.submit(accept, entered);
    expect(told.status).toBe(412);
    expect(told.text).toContain(said);
    expect(told.html).toContain("Gladly.");
    expect(await times("license.renewed", id)).toBe(before);
    expect((await one.submit(told)).status).toBe(303);
    expect(await times("license.renewed", id)).toBe(before + 1);
  });

  it("goes through from a page of the release before", async () => {
    const { id, accept } = await asked();
    await patch(id, { max_instances: 77 });
    const old = { ...entered, version: undefined, last_order: undefined };
    expect((await one.submit(accept, old)).status).toBe(303);
    expect(await times("license.renewed", id)).toBe(1);
  });
});
