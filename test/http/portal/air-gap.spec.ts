// The air gap, as customers cross it.
import { beforeAll, describe, expect, it } from "vitest";
import { verifyPublished } from "../../support/documents.ts";
import { type Island, newIsland } from "../../support/island.ts";
import { FakeResend } from "../../support/mail.ts";
import { type Browser, type House, hidden, newHouse, signedIn } from "../../support/portal.ts";
import { eventsOf, rows } from "../../support/service.ts";

let resend: FakeResend;
let formOf: Record<string, string>;

beforeAll(() => {
  resend = new FakeResend();
});

async function open(license: Record<string, unknown> = {}): Promise<House & { browser: Browser }> {
  const house = await newHouse(license);
  const browser = await signedIn(resend, house.contact.email);
  formOf = hidden((await browser.get("/portal/air-gap")).html);
  return { ...house, browser };
}

const ask = (browser: Browser, request: unknown) =>
  browser.post("/portal/air-gap", { ...formOf, request: JSON.stringify(request) });

const handIn = (browser: Browser, receipt: string) =>
  browser.post("/portal/air-gap/receipt", { ...formOf, once: crypto.randomUUID(), receipt });

const seats = (house: House) =>
  rows<{ id: string; actor_type: string }>(
    "SELECT id, actor_type FROM activations WHERE license_id = ? AND ended_at = 0",
    house.license.id,
  );

async function fileFor(house: House & { browser: Browser }, island: Island) {
  const answer = await ask(house.browser, await island.request());
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.html) as { certificate: string; activation_id: string };
}

describe("a request file", () => {
  it("becomes a license file; again and again it stays one seat", async () => {
    const house = await open({ max_instances: 1 });
    const island = await newIsland(house.key, "cellar");
    const file = await fileFor(house, island);
    const { payload } = await verifyPublished(file.certificate, "activation+jwt");
    expect(payload).toMatchObject({ sub: "cellar", license_id: house.license.id });
    const again = await fileFor(house, island);
    expect(again.activation_id).toBe(file.activation_id);
    // For every release it is the seat of a file.
    expect(await seats(house)).toEqual([{ id: file.activation_id, actor_type: "staff" }]);
    expect(await eventsOf(house.license.id)).toContainEqual(
      expect.objectContaining({
        action: "activation.created",
        actor_type: "customer",
        actor_id: house.contact.id,
        ip: null,
      }),
    );
  });

  it("of another installation finds no seat, if they are taken", async () => {
    const house = await open({ max_instances: 1 });
    await fileFor(house, await newIsland(house.key, "cellar"));
    const second = await ask(house.browser, await (await newIsland(house.key, "attic")).request());
    expect(second.status).toBe(403);
    expect(await seats(house)).toHaveLength(1);
  });

  it.each([{}, { replace: true }])("with another key for the same id is refused: %o", async (more) => {
    const house = await open();
    await fileFor(house, await newIsland(house.key, "cellar"));
    const twin = await (await newIsland(house.key, "cellar")).request();
    const answer = await house.browser.post("/portal/air-gap", {
      ...formOf,
      ...("replace" in more ? { replace: "yes" } : {}),
      request: JSON.stringify({ ...twin, ...more }),
    });
    expect([409, 422]).toContain(answer.status);
    expect(await seats(house)).toHaveLength(1);
  });

  it("of another customer's license is unknown", async () => {
    const house = await open();
    const theirs = await newHouse();
    const answer = await ask(house.browser, await (await newIsland(theirs.key, "cellar")).request());
    expect(answer.status).toBe(404);
    expect(await seats(theirs)).toEqual([]);
  });

  it.each(["", "{", "[]", "null", '{"license_key":"x","instance_id":"y"}'])(
    "%j is refused",
    async (request) => {
      const house = await open();
      const answer = await house.browser.post("/portal/air-gap", { ...formOf, request });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    },
  );
});

describe("a receipt", () => {
  it("frees its seat; again it changes nothing", async () => {
    const house = await open();
    const island = await newIsland(house.key, "cellar");
    const { certificate } = await fileFor(house, island);
    await rows(
      "UPDATE activations SET last_seen_at = last_seen_at - 5000 WHERE license_id = ?",
      house.license.id,
    );
    const receipt = await island.receipt(certificate);
    expect((await handIn(house.browser, receipt)).location).toBe("/portal/air-gap?done=freed");
    expect(await seats(house)).toEqual([]);
    expect((await handIn(house.browser, receipt)).status).toBe(303);
    expect(await rows("SELECT 1 FROM portal_frees WHERE license_id = ?", house.license.id)).toHaveLength(1);
  });

  it("counts as a seat that was freed: one seat does not become many files", async () => {
    const house = await open({ max_instances: 1 });
    const first = await newIsland(house.key, "one");
    expect(
      (await handIn(house.browser, await first.receipt((await fileFor(house, first)).certificate))).status,
    ).toBe(303);
    const second = await newIsland(house.key, "two");
    const refused = await handIn(
      house.browser,
      await second.receipt((await fileFor(house, second)).certificate),
    );
    expect(refused.status).toBe(409);
    expect(await seats(house)).toHaveLength(1);
  });

  it("of before a newer file frees nothing, and counts for nothing", async () => {
    const house = await open();
    const island = await newIsland(house.key, "cellar");
    const { certificate } = await fileFor(house, island);
    await fileFor(house, island);
    expect((await handIn(house.browser, await island.receipt(certificate))).status).toBe(409);
    expect(await seats(house)).toHaveLength(1);
    expect(await rows("SELECT 1 FROM portal_frees WHERE license_id = ?", house.license.id)).toEqual([]);
  });

  it("of another customer's installation is unknown", async () => {
    const theirs = await open();
    const island = await newIsland(theirs.key, "cellar");
    const { certificate } = await fileFor(theirs, island);
    const house = await open();
    expect((await handIn(house.browser, await island.receipt(certificate))).status).toBe(404);
    expect(await seats(theirs)).toHaveLength(1);
  });

  it("signed with another key is none", async () => {
    const house = await open();
    const { certificate } = await fileFor(house, await newIsland(house.key, "cellar"));
    const forged = await (await newIsland(house.key, "cellar")).receipt(certificate);
    expect((await handIn(house.browser, forged)).status).toBe(422);
    expect(await seats(house)).toHaveLength(1);
  });
});
