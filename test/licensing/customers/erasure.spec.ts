// People are forgotten: what says something about them leaves every table. The tables are walked, not listed, so a new
// one that keeps a name is found.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { freshRecord } from "../../support/record.ts";
import { keptOf } from "../../support/kept.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { FakeResend, fire, mailing, NIGHTLY } from "../../support/mail.ts";
import { activate, admin, call, unique } from "../../support/service.ts";

/** Where their machines are. */
const HOME = "203.0.113.78";

let start = Date.parse("2032-01-05T08:00:00.000Z");

beforeAll(freshRecord);

beforeEach(() => {
  start += 400 * DAY;
  setTime(start);
  // Its requests are of no interest here.
  void new FakeResend();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const staff = (path: string, body?: unknown, more: object = {}) =>
  admin(path, { body, bindings: mailing({ ADMIN_EMAILS: "staff@caio.example" }), ...more });

/** Someone who left traces wherever the service keeps anything: each of them holds the mark. */
async function someone() {
  const mark = `zq${unique("m").replaceAll("-", "")}`;
  const { id } = (
    await staff(
      "/customers",
      {
        id: unique("customer"),
        name: `Ada ${mark} Müller`,
        email: `${mark}@acme.example`,
        company: `${mark} GmbH`,
        metadata: { [`${mark}-key`]: `${mark}-value` },
        notes: `Call ${mark}`,
        tags: [mark],
      },
      { headers: { "Idempotency-Key": `make-${mark}` } },
    )
  ).body;
  const contact = (
    await staff(
      `/customers/${id}/contacts`,
      { email: `grace-${mark}@acme.example`, name: `Grace ${mark}`, language: "de" },
      { headers: { "Idempotency-Key": unique("add") } },
    )
  ).body;
  const { license, license_key } = (
    await staff(
      "/licenses",
      {
        customer_id: id,
        license_type: "standard",
        metadata: { order: mark },
        notes: `For ${mark}`,
        tags: [mark],
        expires_at: "2099-01-01",
        send_email: true,
      },
      { headers: { "Idempotency-Key": unique("issue") } },
    )
  ).body;
  const box = {
    hostname: `${mark}-host`,
    fingerprint: `${mark}-print`,
    labels: { owner: mark },
    app_version: mark,
  };
  const from = { headers: { "CF-Connecting-IP": HOME } };
  await call("/v1/activate", { body: { license_key, instance_id: "a", ...box }, ...from });
  await call("/v1/activate", { body: { license_key, instance_id: "b", ...box }, ...from });
  await call("/v1/check-in", {
    body: { license_key, instance_id: "a", ...box, hostname: `${mark}-2` },
    ...from,
  });
  await activate(license_key, "b", box);
  await staff(
    `/licenses/${license.id}`,
    {
      notes: `Later ${mark}`,
      effective_at: new Date(start + 30 * DAY).toISOString(),
    },
    { method: "PATCH" },
  );
  await staff(`/licenses/${license.id}/send-email`, { to: `other-${mark}@acme.example` });
  return { mark, id, contact, license, license_key };
}

const erase = (id: string, more: object = {}, query = "") =>
  staff(`/customers/${id}/erase${query}`, { reason: "Asked for by letter." }, more);

describe("erasing a customer", () => {
  it("leaves nothing of them in any table, any mail, or the bucket", async () => {
    const { mark, id, license } = await someone();
    await fire(NIGHTLY, mailing({ ADMIN_EMAILS: "staff@caio.example" }), start);
    await staff(`/licenses/${license.id}/suspend`, { reason: "The end" });
    expect((await keptOf([mark])).length).toBeGreaterThan(10);
    const erased = await erase(id);
    expect(erased).toMatchObject({
      status: 200,
      body: { customer_id: id, contact_id: null, kept: true, finished: true, events_that_stay: 0 },
    });
    expect(await keptOf([mark, HOME])).toEqual([]);
  });

  it("is refused while a license may run, and changes nothing then", async () => {
    const { mark, id } = await someone();
    const before = await keptOf([mark]);
    expect(await erase(id)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await keptOf([mark])).toEqual(before);
  });
});
