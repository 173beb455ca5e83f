// A license goes to another customer: what runs goes on, and what belongs to the time before stays where it was.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, setTime } from "../../support/clock.ts";
import { verifyPublished } from "../../support/documents.ts";
import { DELIVERIES, FakeResend, fire, mailing, messagesOf, NIGHTLY, refusal } from "../../support/mail.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  eventsOf,
  newCustomer,
  newLicense,
  rows,
  unique,
} from "../../support/service.ts";

const REASON = "The contract was taken over.";

const customer = (input: object = {}) => newCustomer({ email: `${unique("it")}@acme.example`, ...input });

const transfer = (id: string, body: object, options: object = {}) =>
  admin(`/licenses/${id}/transfer`, { body: { reason: REASON, ...body }, ...options });

let resend: FakeResend;

beforeEach(() => {
  resend = new FakeResend();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a transfer", () => {
  it("gives the license and a new key to the new customer, and changes nothing else", async () => {
    const next = await customer();
    const { license, license_key } = await newLicense({ max_instances: 7, expires_at: "2099-01-31" });
    const { status, body, headers } = await transfer(license.id, { customer_id: next.id });
    expect(status).toBe(200);
    expect(body.license).toEqual({
      ...license,
      customer_id: next.id,
      revision: 2,
      updated_at: expect.any(String),
    });
    expect(headers.get("ETag")).toBe((await admin(`/licenses/${license.id}`)).headers.get("ETag"));
    const { payload } = await verifyPublished(body.license_key, "license+jwt");
    expect(payload).toMatchObject({ sub: next.id, jti: license.id, rev: 2 });
    expect(body.license_key).not.toBe(license_key);
    expect((await eventsOf(license.id)).map(({ action, detail }) => [action, JSON.parse(detail)])).toEqual([
      ["license.issued", expect.anything()],
      [
        "license.transferred",
        {
          reason: REASON,
          changes: {
            customer_id: { from: license.customer_id, to: next.id },
            revision: { from: 1, to: 2 },
            unproven_until: { from: null, to: expect.any(Number) },
          },
        },
      ],
    ]);
  });

  it("is refused to whoever has it, to nobody, and without a reason", async () => {
    const { license } = await newLicense();
    const next = await newCustomer();
    const refused: [object, number, string][] = [
      [{ customer_id: license.customer_id }, 409, "CONFLICT"],
      [{ customer_id: "nobody-at-all" }, 404, "CUSTOMER_NOT_FOUND"],
      [{ customer_id: next.id, reason: "" }, 422, "REQUEST_INVALID"],
      [{ customer_id: next.id, reason: undefined }, 422, "REQUEST_INVALID"],
      [{ customer_id: ".." }, 422, "REQUEST_INVALID"],
      [{}, 422, "REQUEST_INVALID"],
      [{ customer_id: next.id, free: [] }, 422, "REQUEST_INVALID"],
      // It has no address.
      [{ customer_id: next.id, send_email: true }, 422, "REQUEST_INVALID"],
    ];
    for (const [body, status, code] of refused) {
      expect(await transfer(license.id, body)).toMatchObject({ status, body: { code } });
    }
    expect(await transfer("lic_none", { customer_id: next.id })).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);
    expect(await eventsOf(license.id)).toHaveLength(1);
  });

  it("honors If-Match and Idempotency-Key", async () => {
    const next = await customer();
    const { license } = await newLicense();
    const etag = (await admin(`/licenses/${license.id}`)).headers.get("ETag")!;
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: { grace_days: 1 } });
    const stale = await transfer(license.id, { customer_id: next.id }, { headers: { "If-Match": etag } });
    expect(stale).toMatchObject({ status: 412, body: { code: "PRECONDITION_FAILED" } });
    const headers = { "Idempotency-Key": unique("transfer") };
    const first = await transfer(license.id, { customer_id: next.id }, { headers });
    const second = await transfer(license.id, { customer_id: next.id }, { headers });
    expect(second.headers.get("Idempotent-Replayed")).toBe("true");
    expect(second.body).toEqual(first.body);
    expect(first.body.license.revision).toBe(2);
  });

  it("of several at the same moment gives it to one after the other, and counts each", async () => {
    const { license } = await newLicense();
    const customers = await Promise.all([customer(), customer(), customer(), customer()]);
    const answers = await Promise.all(customers.map(({ id }) => transfer(license.id, { customer_id: id })));
    const done = answers.filter(({ status }) => status === 200);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect((await admin(`/licenses/${license.id}`)).body.revision).toBe(1 + done.length);
    expect(
      (await eventsOf(license.id)).filter(({ action }) => action === "license.transferred"),
    ).toHaveLength(done.length);
  });

  it("as a dry run says what running instances notice, and does nothing", async () => {
    const next = await customer();
    const { license, license_key } = await newLicense();
    await activate(license_key, "runs");
    const { status, body } = await admin(`/licenses/${license.id}/transfer?dry_run=true`, {
      body: { customer_id: next.id, reason: REASON },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dry_run: true,
      license: { customer_id: next.id, revision: 2 },
      effects: {
        customer_id: expect.stringContaining("They go on."),
        revision: expect.stringContaining("new key"),
      },
      instances: { active: 1, listed: [{ refused_with: null }] },
    });
    expect((await admin(`/licenses/${license.id}`)).body).toEqual(license);
  });

  it("keeps a suspension", async () => {
    const next = await customer();
    const { license } = await newLicense();
    await admin(`/licenses/${license.id}/suspend`, { body: { reason: "x" } });
    const { body } = await transfer(license.id, { customer_id: next.id });
    expect(body.license).toMatchObject({ status: "suspended", customer_id: next.id });
  });
});

describe("after a transfer", () => {
  it("a running instance goes on by its certificate, and gets the new key and customer", async () => {
    const next = await customer();
    const { license, license_key } = await newLicense();
    const before = (await activate(license_key, "runs")).body;
    const { body } = await transfer(license.id, { customer_id: next.id });
    const after = await checkIn(license_key, "runs");
    expect(after).toMatchObject({
      status: 200,
      body: {
        customer_id: next.id,
        license_key: body.license_key,
        activation_id: before.activation_id,
        instances: { active: 1 },
      },
    });
    const { payload } = await verifyPublished(after.body.certificate, "activation+jwt");
    expect(payload).toMatchObject({ customer_id: next.id });
    expect(after.body.warnings.map(({ code }: { code: string }) => code)).toEqual(["LICENSE_KEY_SUPERSEDED"]);
  });

  it("a running instance without proof is renewed for a while, without the new key", async () => {
    const next = await customer();
    const { license, license_key } = await newLicense();
    await activate(license_key, "old-client");
    const { body } = await transfer(license.id, { customer_id: next.id });
    const after = await call("/v1/check-in", { body: { license_key, instance_id: "old-client" } });
    expect(after.status).toBe(200);
    expect(after.body.license_key).not.toBe(body.license_key);
  });

  it("the former key installs nothing, and the list of revocations names it", async () => {
    const next = await customer();
    const { license, license_key } = await newLicense();
    const listed = await call("/v1/revocations");
    const { body } = await transfer(license.id, { customer_id: next.id });
    expect(await activate(license_key, "new")).toMatchObject({
      status: 403,
      body: { code: "LICENSE_KEY_SUPERSEDED" },
    });
    expect((await activate(body.license_key, "new")).status).toBe(200);
    const list = await call("/v1/revocations");
    expect(list.headers.get("ETag")).not.toBe(listed.headers.get("ETag"));
    const { payload } = await verifyPublished(list.text, "revocations+jwt");
    expect(payload["superseded"]).toMatchObject({ [license.id]: 2 });
  });

  it("lists, search and counts have it with the new customer at once", async () => {
    const name = unique("Globex").replaceAll("-", "");
    const [former, next] = [await customer(), await customer({ name })];
    const { license } = await newLicense({ customer_id: former.id });
    await transfer(license.id, { customer_id: next.id });
    const idsOf = async (query: string): Promise<string[]> =>
      (await admin(`/licenses?${query}`)).body.data.map(({ id }: { id: string }) => id);
    expect(await idsOf(`customer_id=${former.id}`)).toEqual([]);
    expect(await idsOf(`customer_id=${next.id}`)).toEqual([license.id]);
    expect(await idsOf(`q=${name}`)).toEqual([license.id]);
    const [counts] = await rows(
      "SELECT (SELECT sum(n) FROM license_counts) AS counted, (SELECT count(*) FROM licenses) AS there",
    );
    expect(counts!["counted"]).toBe(counts!["there"]);
    // The former customer has no license any more and may go, the new one has one.
    expect((await admin(`/customers/${former.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await admin(`/customers/${next.id}`, { method: "DELETE" })).status).toBe(409);
  });

  it("what was not mailed yet is skipped, what was mailed stays with the former customer, and neither is sent again", async () => {
    const [former, next] = [await customer(), await customer()];
    const { license } = await newLicense({ customer_id: former.id, expires_days: 20 });
    await rows("UPDATE messages SET status = 'skipped' WHERE status = 'pending'");
    for (const kind of ["license_delivery", "license_renewed", "expiry_warning", "license_changed"]) {
      for (const status of ["pending", "sent"]) {
        await rows(
          `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status,
             created_at, updated_at, key_revision) VALUES (?1, ?1, ?2, ?3, ?4, 'x@acme.example', 's', 'c', ?5, 1, 1, ?6)`,
          unique("msg"),
          kind,
          license.id,
          former.id,
          status,
          kind.startsWith("license_d") ? 1 : null,
        );
      }
    }
    const { status } = await transfer(license.id, { customer_id: next.id, send_email: true });
    expect(status).toBe(200);
    const messages = await rows<{
      id: string;
      kind: string;
      customer_id: string;
      status: string;
      last_error: string;
    }>(
      "SELECT id, kind, customer_id, status, last_error FROM messages WHERE license_id = ? ORDER BY created_at, kind, status",
      license.id,
    );
    const ofFormer = messages.filter(({ customer_id }) => customer_id === former.id);
    expect(ofFormer.filter(({ status: is }) => is === "pending")).toEqual([]);
    const skipped = ofFormer.filter(({ status: is }) => is === "skipped");
    expect(skipped).toHaveLength(4);
    expect(new Set(skipped.map(({ last_error }) => last_error))).toEqual(
      new Set(["The license went to another customer."]),
    );
    const ofNext = messages.filter(({ customer_id }) => customer_id === next.id);
    expect(ofNext.map(({ kind }) => kind)).toEqual(["license_delivery"]);
    const retried = await admin(`/messages/${skipped[0]!.id}/retry`, { method: "POST" });
    expect(retried).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    const bindings = mailing();
    for (const { id } of skipped) {
      const again = await call(`/v1/admin/messages/${id}/retry`, {
        method: "POST",
        token: bindings.ADMIN_TOKEN ?? "",
        bindings,
      });
      expect(again).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
      expect(again.body.detail).toContain("another customer");
    }
  });

  it("notices of the end go to the new customer alone", async () => {
    const start = Date.parse("2071-03-01T09:00:00Z");
    setTime(start);
    const [former, next] = [await customer(), await customer()];
    const { license } = await newLicense({ customer_id: former.id, expires_days: 31 });
    await transfer(license.id, { customer_id: next.id });
    setTime(start + 1.5 * DAY);
    await fire(NIGHTLY, mailing(), start + 1.5 * DAY);
    const recipients = (await messagesOf(license.id)).map(({ recipient }) => recipient);
    expect(recipients).toEqual([next.email]);
    expect(resend.to(next.email)).toHaveLength(1);
    expect(resend.to(former.email)).toEqual([]);
  });

  it("a notice that waits in one mail with others is taken out of it: the mail tells the others alone", async () => {
    const start = Date.parse("2072-03-01T09:00:00Z");
    setTime(start);
    const [former, next] = [await customer(), await customer()];
    const own = (await newLicense({ customer_id: former.id, expires_days: 8 })).license.id;
    const sold = (await newLicense({ customer_id: former.id, expires_days: 8 })).license.id;
    const night = start + 18 * 3_600_000;
    setTime(night);
    resend.fault = () => refusal(503, "x");
    await fire(NIGHTLY, mailing(), night);
    expect((await messagesOf(sold))[0]).toMatchObject({ status: "pending" });
    await transfer(sold, { customer_id: next.id });
    expect((await messagesOf(sold))[0]).toMatchObject({ status: "skipped" });
    resend.fault = () => null;
    setTime(night + DAY / 4);
    await fire(DELIVERIES, mailing(), night + DAY / 4);
    const [mail, ...more] = resend.to(former.email);
    expect(more).toEqual([]);
    expect(mail!.text).toContain(own);
    expect(mail!.text).not.toContain(sold);
    setTime(night + DAY);
    await fire(NIGHTLY, mailing(), night + DAY);
    expect(resend.to(next.email).map(({ text }) => text.includes(sold))).toEqual([true]);
  });
});
