import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Visitor } from "../../../support/console.ts";
import { forgetReceivers, lastEvent, listen, newReceiver } from "../../../support/receivers.ts";
import { activate, newCustomer, newLicense, newToken, rows } from "../../../support/service.ts";

const LIST = "/admin/settings/webhook-endpoints";

let owner: Visitor;

beforeEach(async () => {
  listen();
  owner = await Visitor.signIn();
});
afterEach(forgetReceivers);

const FILLED = {
  url: "https://hooks.acme.example/",
  events: "license.*, seats.exhausted",
  description: "CRM",
};

const endpoints = () => rows("SELECT * FROM webhook_endpoints");

describe("webhook endpoints", () => {
  it("are added, with the secret shown once", async () => {
    const form = await owner.get(`${LIST}/new`);
    const page = await owner.submit(form, FILLED);
    expect(page.html).toMatch(/whsec_[A-Za-z0-9+/]{43}=/);
    expect(await endpoints()).toMatchObject([
      { url: FILLED.url, events: '["license.*","seats.exhausted"]', include_personal: 0, description: "CRM" },
    ]);
    const list = (await owner.get(LIST)).html;
    expect(list).toContain("CRM");
    expect(list).not.toContain("whsec_");
  });

  it("are refused with an address that may not be called, beside the field", async () => {
    const page = await owner.submit(await owner.get(`${LIST}/new`), { ...FILLED, url: "https://10.0.0.1/" });
    expect(page.html).toContain("Must name a host, not an IP address");
    expect(await endpoints()).toEqual([]);
  });

  it("are changed, tested, replayed, given a new secret, and deleted, each with its page", async () => {
    const receiver = await newReceiver({ events: ["customer.created"], description: "CRM" });
    const path = `${LIST}/${receiver.id}`;
    const edit = await owner.get(`${path}/edit`);
    await owner.submit(edit, { ...FILLED, url: receiver.url, events: "customer.created", active: "yes" });
    expect(await endpoints()).toMatchObject([{ active: 1, events: '["customer.created"]' }]);
    await owner.submit(await owner.get(`${path}/test`), {});
    expect(receiver.got.map(({ type }) => type)).toEqual(["webhook_endpoint.tested"]);
    expect((await owner.get(path)).html).toMatch(/webhook_endpoint\.tested[\s\S]*204/);
    const from = (await lastEvent()) + 1;
    await newCustomer();
    await owner.submit(await owner.get(`${path}/replay`), { from_event: String(from) });
    expect(receiver.ids().slice(1)).toEqual([from, from]);
    expect((await owner.submit(await owner.get(`${path}/rotate-secret`), {})).html).toMatch(/whsec_/);
    await owner.submit(await owner.get(`${path}/delete`), {});
    expect(await endpoints()).toEqual([]);
  });

  it("stay switched off where the form was opened before", async () => {
    const { id, url } = await newReceiver();
    const edit = await owner.get(`${LIST}/${id}/edit`);
    await rows("UPDATE webhook_endpoints SET active = 0, switched_off_at = 1, version = version + 1");
    const refused = await owner.submit(edit, { ...FILLED, url, active: "yes" });
    expect(refused.text).toContain("Somebody else changed this");
    expect(await endpoints()).toMatchObject([{ active: 0, events: '["*"]' }]);
    await owner.submit(refused, { ...FILLED, url, active: "yes" });
    expect(await endpoints()).toMatchObject([{ active: 1, switched_off_at: null, description: "CRM" }]);
  });

  it("say on their page and under Settings that they fail, or were switched off", async () => {
    const receiver = await newReceiver(
      { events: ["customer.created"] },
      () => new Response(null, { status: 500 }),
    );
    await newCustomer();
    const { text } = await owner.get(`${LIST}/${receiver.id}`);
    expect(text).toMatch(/It has failed since .*UTC.*: It answered 500\. It is tried again/);
    const { location } = await owner.submit(await owner.get(`${LIST}/${receiver.id}/test`), {});
    const failed = await owner.get(location);
    expect(failed.text).toContain("The test failed. It answered 500.");
    expect((await owner.get("/admin/settings")).html).toContain("failing");
    await rows("UPDATE webhook_endpoints SET next_try_at = 0");
    expect((await owner.get(`${LIST}/${receiver.id}`)).text).toContain("It is tried again by the next run");
    expect(await receiver.read()).toMatchObject({ state: "failing", next_try_at: null });
    await rows("UPDATE webhook_endpoints SET active = 0");
    expect((await owner.get(`${LIST}/${receiver.id}`)).text).not.toContain("It is tried again");
    await rows("UPDATE webhook_endpoints SET active = 0, switched_off_at = 1");
    expect((await owner.get(`${LIST}/${receiver.id}`)).html).toContain("nothing succeeded for five days");
    expect((await owner.get("/admin/settings")).html).toContain("switched off");
  });

  it("are not named to managers", async () => {
    const manager = await Visitor.signIn((await newToken({ role: "manager" })).token);
    expect((await manager.get("/admin/settings")).html).not.toContain("Webhook endpoints");
  });
});

describe("the page of a license", () => {
  it("shows whom the service refused lately", async () => {
    const { license, license_key } = await newLicense({ max_instances: 1 });
    await activate(license_key, "box-1");
    expect((await owner.get(`/admin/licenses/${license.id}`)).html).not.toContain("Lately refused");
    await activate(license_key, "box-2", { hostname: "caio-<b>" });
    const { html } = await owner.get(`/admin/licenses/${license.id}`);
    expect(html).toMatch(/Lately refused[\s\S]*box-2[\s\S]*caio-&lt;b&gt;[\s\S]*ACTIVATION_LIMIT_REACHED/);
  });
});
