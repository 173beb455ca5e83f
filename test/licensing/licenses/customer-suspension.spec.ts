// POST /v1/admin/customers/{id}/suspend and …/reinstate.
import { describe, expect, it } from "vitest";
import { env } from "../../support/env.ts";
import { metered } from "../../support/meter.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  eventsOf,
  newCustomer,
  newLicense,
  newToken,
  rows,
} from "../../support/service.ts";

const suspend = (id: string, query = "", reason: unknown = "Unpaid.") =>
  admin(`/customers/${id}/suspend${query}`, { body: { reason } });
const reinstate = (id: string, query = "") =>
  admin(`/customers/${id}/reinstate${query}`, { body: { reason: "Paid." } });
const statusOf = async (id: string): Promise<string> => (await admin(`/licenses/${id}`)).body.status;
const act = (id: string, action: string) => admin(`/licenses/${id}/${action}`, { body: { reason: "x" } });

/** A customer with two active licenses, one that is suspended by itself, and one that is revoked. */
async function household() {
  const customer = (await newCustomer()).id as string;
  const make = async () => await newLicense({ customer_id: customer });
  const [a, b, suspended, revoked] = [await make(), await make(), await make(), await make()];
  await act(suspended.license.id, "suspend");
  await act(revoked.license.id, "revoke");
  const ids = [a, b, suspended, revoked].map(({ license }) => license.id as string);
  return { customer, ids, key: a.license_key as string, states: () => Promise.all(ids.map(statusOf)) };
}

describe("suspending a customer", () => {
  it("suspends every active license, skips the others, and records each", async () => {
    const { customer, ids, key, states } = await household();
    await activate(key, "box");
    const answer = await suspend(customer);
    expect(answer).toMatchObject({ status: 200, body: { changed: 2, skipped: 2 } });
    expect(Object.keys(answer.body)).toEqual(["changed", "skipped"]);
    expect(await states()).toEqual(["suspended", "suspended", "suspended", "revoked"]);
    expect(await checkIn(key, "box")).toMatchObject({ status: 403, body: { code: "LICENSE_SUSPENDED" } });
    for (const id of ids.slice(0, 2)) {
      const event = (await eventsOf(id)).at(-1)!;
      expect(event.action).toBe("license.suspended");
      expect(JSON.parse(event.detail)).toEqual({
        changes: { status: { from: "active", to: "suspended" } },
        reason: "Unpaid.",
        customer_id: customer,
      });
    }
    const last = (await eventsOf(customer)).at(-1)!;
    expect([last.action, JSON.parse(last.detail)]).toEqual([
      "customer.suspended",
      { reason: "Unpaid.", licenses: 2 },
    ]);
    // Again: there is nothing left to do, and nothing to record.
    expect((await suspend(customer)).body).toEqual({ changed: 0, skipped: 4 });
    expect((await eventsOf(customer)).at(-1)).toEqual(last);
  });

  it("is lifted for what it suspended, and for nothing else", async () => {
    const { customer, ids, key, states } = await household();
    await suspend(customer);
    expect((await reinstate(customer)).body).toEqual({ changed: 2, skipped: 2 });
    expect(await states()).toEqual(["active", "active", "suspended", "revoked"]);
    expect(await activate(key, "box")).toMatchObject({ status: 200 });
    const event = (await eventsOf(ids[0]!)).findLast(({ action }) => action.startsWith("license."))!;
    expect([event.action, JSON.parse(event.detail).reason]).toEqual(["license.reinstated", "Paid."]);
    expect((await eventsOf(customer)).at(-1)!.action).toBe("customer.reinstated");
    expect((await reinstate(customer)).body).toEqual({ changed: 0, skipped: 4 });
  });

  it("does not hold for a license that was reinstated, suspended, or revoked by itself since", async () => {
    const { customer, ids, states } = await household();
    await suspend(customer);
    await act(ids[0]!, "reinstate");
    await act(ids[0]!, "suspend");
    await act(ids[1]!, "revoke");
    expect((await reinstate(customer)).body).toEqual({ changed: 0, skipped: 4 });
    expect(await states()).toEqual(["suspended", "revoked", "suspended", "revoked"]);
  });

  it("outlasts other changes of a license, and counts for one issued later", async () => {
    const { customer, ids, states } = await household();
    await suspend(customer);
    await admin(`/licenses/${ids[0]}`, { method: "PATCH", body: { max_instances: 7 } });
    const { license } = await newLicense({ customer_id: customer });
    expect(await statusOf(license.id)).toBe("active");
    expect((await suspend(customer)).body).toEqual({ changed: 1, skipped: 4 });
    expect((await reinstate(customer)).body).toEqual({ changed: 3, skipped: 2 });
    expect(await states()).toEqual(["active", "active", "suspended", "revoked"]);
  });

  it("does not follow a license to another customer", async () => {
    const { customer, ids } = await household();
    await suspend(customer);
    const other = (await newCustomer()).id;
    await rows("UPDATE licenses SET customer_id = ? WHERE id = ?", other, ids[0]);
    expect((await reinstate(other)).body).toEqual({ changed: 0, skipped: 1 });
  });

  it("raises the version of what it changes, so that whoever read it before is told", async () => {
    const { customer, ids } = await household();
    const path = `/licenses/${ids[0]}`;
    const etag = (await admin(path)).headers.get("ETag")!;
    await suspend(customer);
    const stale = { method: "PATCH", body: { grace_days: 1 }, headers: { "If-Match": etag } };
    expect(await admin(path, stale)).toMatchObject({ status: 412 });
  });

  it("writes nothing in a dry run, and says what it would do", async () => {
    const { customer, key, states } = await household();
    await activate(key, "box");
    const before = await eventsOf(customer);
    expect((await suspend(customer, "?dry_run=true")).body).toEqual({
      dry_run: true,
      changed: 2,
      skipped: 2,
      instances: { active: 1 },
    });
    expect((await reinstate(customer, "?dry_run=true")).body).toMatchObject({ dry_run: true, changed: 0 });
    expect(await states()).toEqual(["active", "active", "suspended", "revoked"]);
    expect(await eventsOf(customer)).toEqual(before);
  });

  it("of many at once suspends each license once", async () => {
    const { customer, ids } = await household();
    const answers = await Promise.all(Array.from({ length: 6 }, () => suspend(customer)));
    expect(answers.map(({ body }) => body.changed).toSorted()).toEqual([0, 0, 0, 0, 0, 2]);
    const events = (await eventsOf(ids[0]!)).filter(({ action }) => action === "license.suspended");
    expect(events).toHaveLength(1);
  });

  it("withdraws notices that wait, as suspending one license does", async () => {
    const { customer, ids } = await household();
    const insert = (id: string, license: string) =>
      rows(
        `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status, next_try_at, created_at, updated_at)
         VALUES (?1, 'notice:' || ?2 || ':4102444800000:30:' || ?1, 'expiry_warning', ?2, ?3, 'a@acme.example', 's', 'c', 'pending', 9e15, 0, 0)`,
        `msg_${id}${license}`,
        license,
        customer,
      );
    for (const id of ids) await insert("n", id);
    await suspend(customer);
    const found = await rows<{ license_id: string; status: string }>(
      "SELECT license_id, status FROM messages WHERE customer_id = ?",
      customer,
    );
    expect(Object.fromEntries(found.map((row) => [row.license_id, row.status]))).toEqual({
      [ids[0]!]: "skipped",
      [ids[1]!]: "skipped",
      [ids[2]!]: "pending",
      [ids[3]!]: "pending",
    });
    await rows("DELETE FROM messages WHERE customer_id = ?", customer);
  });

  it("is one trip to the database, whatever it changes", async () => {
    const { customer } = await household();
    const { bindings, cost } = metered();
    await call(`/v1/admin/customers/${customer}/suspend`, {
      token: env.ADMIN_TOKEN,
      bindings,
      body: { reason: "x" },
    });
    // And one after the answer, which looks for webhook endpoints: once a minute in each isolate.
    expect(cost.trips).toBe(2);
  });

  it("needs a reason, a customer that exists, and a manager", async () => {
    const { id } = await newCustomer();
    for (const reason of [null, "", 7, "x".repeat(501)])
      expect(await suspend(id, "", reason)).toMatchObject({ status: 422 });
    expect((await suspend(id)).body).toEqual({ changed: 0, skipped: 0 });
    expect(await eventsOf(id)).toHaveLength(1);
    expect(await admin(`/customers/${id}/reinstate`, { method: "POST" })).toMatchObject({ status: 200 });
    expect(await suspend("nobody")).toMatchObject({ status: 404, body: { code: "CUSTOMER_NOT_FOUND" } });
    expect(await suspend(id, "?force=true")).toMatchObject({ status: 422 });
    const { token } = await newToken({ role: "viewer" });
    expect(await call(`/v1/admin/customers/${id}/suspend`, { token, body: { reason: "x" } })).toMatchObject({
      status: 403,
    });
  });

  it("is done once, however often it is asked with one Idempotency-Key", async () => {
    const { customer } = await household();
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const ask = () => admin(`/customers/${customer}/suspend`, { body: { reason: "x" }, headers });
    expect((await ask()).body).toEqual({ changed: 2, skipped: 2 });
    expect((await ask()).body).toEqual({ changed: 2, skipped: 2 });
  });
});
