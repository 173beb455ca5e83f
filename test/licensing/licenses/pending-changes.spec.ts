// Changes ordered for a later time: every action × what happens to the license meanwhile × who ordered it.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Context } from "../../../src/context.ts";
import { licenseMail } from "../../../src/notices/keys/license-mail.ts";
import { openDatabase } from "../../../src/storage/database.ts";
import type { License } from "../../../src/storage/schema.ts";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { env } from "../../support/env.ts";
import { DELIVERIES, FakeResend, fire, mailing, messagesOf, NIGHTLY } from "../../support/mail.ts";
import {
  activate,
  admin,
  call,
  eventsOf,
  newCustomer,
  newLicense,
  newToken,
  rows,
  unique,
} from "../../support/service.ts";

const HOUR = 3_600_000;

let resend: FakeResend;

/** Each test has a week of its own, so that none carries out what another one ordered. */
let start = Date.parse("2031-01-06T08:00:00.000Z");

beforeEach(async () => {
  start += 7 * DAY;
  setTime(start);
  resend = new FakeResend();
  await rows("UPDATE pending_changes SET status = 'cancelled' WHERE status IN ('pending', 'held', 'failed')");
});

afterEach(() => {
  vi.unstubAllGlobals();
});

let globex = "";
let initech = "";

beforeAll(async () => {
  globex = (await newCustomer({ email: "it@globex.example" })).id;
  initech = (await newCustomer()).id;
});

const iso = (at: number): string => new Date(at).toISOString();

const run = async (at: number): Promise<void> => {
  setTime(at);
  await fire(DELIVERIES, mailing(), at);
};

type Name = "change" | "raise" | "renew" | "suspend" | "reinstate" | "revoke" | "transfer";

/** What can be ordered: one that lowers and one that raises, and all other actions. */
const bodyOf = (name: Name): Record<string, unknown> => ({
  ...{
    change: { max_instances: 1 },
    raise: { max_services: 999 },
    renew: { expires_in: "P1Y" },
    suspend: { reason: "unpaid" },
    reinstate: { reason: "paid" },
    revoke: { reason: "over" },
    transfer: { customer_id: globex, reason: "sold" },
  }[name],
});

const ask = (id: string, name: Name, body: object, options: object = {}) =>
  name === "change" || name === "raise"
    ? admin(`/licenses/${id}`, { method: "PATCH", body, ...options })
    : admin(`/licenses/${id}/${name}`, { body, ...options });

const order = (id: string, name: Name, at: number | string, options: object = {}, more: object = {}) =>
  ask(id, name, { ...bodyOf(name), ...more, effective_at: typeof at === "number" ? iso(at) : at }, options);

const now = (id: string, name: Name) => ask(id, name, bodyOf(name));

const read = async (id: string) => (await admin(`/licenses/${id}`)).body;

const changesOf = async (id: string) => (await admin(`/licenses/${id}/pending-changes`)).body.data;

/** What became of the only change of a license. */
const outcomeOf = async (id: string): Promise<{ id: string; status: string; detail: string | null }> => {
  const [change] = await changesOf(id);
  return change;
};

const actionsOf = async (id: string): Promise<string[]> => (await eventsOf(id)).map(({ action }) => action);

const fresh = async (): Promise<string> =>
  (await newLicense({ max_instances: 5, max_services: 10, expires_at: iso(start + 400 * DAY) })).license.id;

describe("ordering", () => {
  it.each(["change", "renew", "suspend", "revoke", "transfer"] as const)(
    "%s for later answers 202 with the order and changes nothing",
    async (name) => {
      const id = await fresh();
      const before = await read(id);
      const answer = await order(id, name, start + HOUR);
      expect(answer.status).toBe(202);
      expect(answer.body).toEqual({
        pending_change: {
          id: expect.stringMatching(/^chg_[0-9A-Z]{26}$/),
          license_id: id,
          action: name,
          effective_at: iso(start + HOUR),
          input: bodyOf(name),
          status: "pending",
          detail: null,
          ordered_by: "ADMIN_TOKEN",
          ordered_at: iso(start),
          released_by: null,
          updated_at: iso(start),
        },
      });
      expect(await read(id)).toEqual(before);
      expect(await changesOf(id)).toEqual([answer.body.pending_change]);
      expect(await actionsOf(id)).toEqual(["license.issued", "pending_change.ordered"]);
      // Nothing is done before its time, and not by anything but the trigger.
      await run(start + HOUR - 1);
      expect(await read(id)).toEqual(before);
    },
  );

  it("takes a date as its first moment anywhere on Earth", async () => {
    const id = await fresh();
    const { body } = await order(id, "suspend", iso(start + 3 * DAY).slice(0, 10));
    expect(body.pending_change.effective_at).toBe(
      iso(Date.parse(iso(start + 3 * DAY).slice(0, 10)) - 14 * HOUR),
    );
  });

  it("is for the future, at most two years ahead", async () => {
    const id = await fresh();
    const farthest = Date.parse(iso(start).replace(/^\d{4}/, (year) => String(Number(year) + 2)));
    for (const [at, status] of [
      [start - 1000, 422],
      [start, 422],
      [start + 1000, 202],
      [farthest, 202],
      [farthest + 1000, 422],
    ] as const) {
      const answer = await order(id, "raise", at);
      expect([iso(at), answer.status]).toEqual([iso(at), status]);
      if (status === 422) expect(answer.body.errors).toMatchObject([{ path: "effective_at" }]);
    }
    for (const at of ["2031-02-30", "soon", ""]) expect((await order(id, "suspend", at)).status).toBe(422);
    const today = await order(id, "suspend", iso(start).slice(0, 10));
    expect(today.status).toBe(422);
    expect(await changesOf(id)).toHaveLength(2);
  });

  it.each<[Name, object, number, string]>([
    ["change", { license_type: "enterprise" }, 422, "terms"],
    ["change", { license_type: "none-such", terms: "keep" }, 422, "license_type"],
    ["change", { max_instances: 0 }, 422, "max_instances"],
    ["change", { starts_at: "2099-01-01", expires_at: "2098-01-01" }, 422, "expires_at"],
    ["renew", { expires_days: 3 }, 422, "expires_days"],
    ["renew", { expires_in: undefined, expires_at: "2031-01-01" }, 422, "expires_at"],
    ["suspend", { reason: "" }, 422, "reason"],
    ["transfer", { customer_id: "nobody-at-all" }, 404, ""],
    ["reinstate", {}, 409, ""],
  ])("refuses %s with %j now, as it would be refused then", async (name, more, status, path) => {
    const id = await fresh();
    const answer = await order(id, name, start + HOUR, {}, more);
    expect(answer.status).toBe(status);
    if (path !== "") expect(answer.body.errors).toMatchObject([{ path }]);
    expect(await changesOf(id)).toEqual([]);
    expect(await actionsOf(id)).toEqual(["license.issued"]);
  });

  it("refuses everything on a revoked license, and on one that there is not", async () => {
    const id = await fresh();
    await now(id, "revoke");
    for (const name of ["change", "renew", "suspend", "reinstate", "revoke", "transfer"] as const) {
      expect((await order(id, name, start + HOUR)).body).toMatchObject({ code: "INVALID_TRANSITION" });
      expect((await order("lic_none", name, start + HOUR)).body).toMatchObject({ code: "LICENSE_NOT_FOUND" });
    }
  });

  it("looks ahead: what waits before it counts", async () => {
    const id = await fresh();
    expect((await order(id, "suspend", start + HOUR)).status).toBe(202);
    expect((await order(id, "suspend", start + 2 * HOUR)).status).toBe(409);
    expect((await order(id, "reinstate", start + HOUR / 2)).status).toBe(409);
    // The one of the same instant was ordered before.
    expect((await order(id, "suspend", start + HOUR)).status).toBe(409);
    expect((await order(id, "reinstate", start + 2 * HOUR)).status).toBe(202);
    expect((await order(id, "transfer", start + 3 * HOUR)).status).toBe(202);
    expect((await order(id, "transfer", start + 4 * HOUR)).status).toBe(409);
    expect((await order(id, "transfer", start + 4 * HOUR, {}, { customer_id: initech })).status).toBe(202);
    expect((await order(id, "revoke", start + 5 * HOUR)).status).toBe(202);
    expect((await order(id, "renew", start + 6 * HOUR)).status).toBe(409);
    await run(start + 4 * HOUR);
    expect(await read(id)).toMatchObject({ status: "active", customer_id: initech, revision: 3 });
    await run(start + 5 * HOUR);
    expect((await changesOf(id)).map(({ status }: { status: string }) => status)).toEqual(
      Array.from({ length: 5 }, () => "done"),
    );
    expect((await read(id)).status).toBe("revoked");
  });

  it("honors If-Match when it is ordered, and not any more then", async () => {
    const id = await fresh();
    const etag = (await admin(`/licenses/${id}`)).headers.get("ETag")!;
    const headers = { "If-Match": etag };
    for (const name of ["raise", "renew", "suspend", "transfer"] as const) {
      expect((await order(id, name, start + HOUR, { headers: { "If-Match": '"0-0"' } })).status).toBe(412);
    }
    expect((await order(id, "raise", start + HOUR, { headers })).status).toBe(202);
    await admin(`/licenses/${id}`, { method: "PATCH", body: { metadata: { po: 1 } } });
    expect((await order(id, "raise", start + HOUR, { headers })).status).toBe(412);
    await run(start + HOUR);
    expect((await outcomeOf(id)).status).toBe("done");
    expect((await read(id)).max_services).toBe(999);
  });

  it.each(["change", "transfer"] as const)(
    "a %s that tells nobody is refused at once, as a dry run and now are",
    async (name) => {
      const nobody = (await newCustomer({ email: null })).id;
      const id = (await newLicense({ customer_id: nobody, max_instances: 5 })).license.id;
      const other = await fresh();
      const [of, more] =
        name === "change" ? [id, {}] : [other, { customer_id: (await newCustomer({ email: null })).id }];
      const body = { ...bodyOf(name), ...more, send_email: true };
      const path = name === "change" ? `/licenses/${of}` : `/licenses/${of}/transfer`;
      const method = name === "change" ? "PATCH" : "POST";
      for (const [asked, input] of [
        [path, body],
        [`${path}?dry_run=true`, body],
        [path, { ...body, effective_at: iso(start + HOUR) }],
      ] as const) {
        expect(await admin(asked, { method, body: input }), asked).toMatchObject({
          status: 422,
          body: { errors: [{ path: "send_email" }] },
        });
      }
      expect(await changesOf(of)).toEqual([]);
      expect((await order(of, name, start + HOUR, {}, more)).status).toBe(202);
    },
  );

  it("with an Idempotency-Key is done once", async () => {
    const id = await fresh();
    const headers = { "Idempotency-Key": unique("order") };
    const first = await order(id, "renew", start + HOUR, { headers });
    const second = await order(id, "renew", start + HOUR, { headers });
    expect(second.body).toEqual(first.body);
    expect(await changesOf(id)).toHaveLength(1);
  });

  it("is bounded for one license", async () => {
    const id = await fresh();
    await rows(
      `INSERT INTO pending_changes (id, license_id, action, effective_at, input, status, ordered_by, ordered_at,
         held_by, updated_at)
       SELECT 'chg_' || ?1 || value, ?1, 'renew', ?2, '{"expires_days":1}', 'pending', 'x', 0, 'x', 0
       FROM json_each(?3)`,
      id,
      start + DAY,
      JSON.stringify(Array.from({ length: 99 }, (_, n) => n)),
    );
    const answers = await Promise.all([1, 2, 3].map((n) => order(id, "raise", start + n * HOUR)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409, 409]);
  });

  it("with a dry run is a preview", async () => {
    const id = await fresh();
    const path = `/licenses/${id}/suspend?dry_run=true`;
    const ahead = await admin(path, { body: { reason: "x", effective_at: iso(start + HOUR) } });
    expect(ahead).toMatchObject({ status: 200, body: { dry_run: true } });
    const past = await admin(path, { body: { reason: "x", effective_at: iso(start - HOUR) } });
    expect(past.status).toBe(422);
    expect(await changesOf(id)).toEqual([]);
  });
});

describe("carrying out", () => {
  it.each<[Name, object, string]>([
    ["change", { max_instances: 1 }, "license.changed"],
    ["raise", { max_services: 999 }, "license.changed"],
    ["suspend", { status: "suspended" }, "license.suspended"],
    ["revoke", { status: "revoked" }, "license.revoked"],
    ["transfer", { revision: 2 }, "license.transferred"],
  ])("%s at its time, as the system, once", async (name, after, event) => {
    const id = await fresh();
    const { body } = await order(id, name, start + HOUR);
    await run(start + HOUR);
    expect(await read(id)).toMatchObject(after);
    const license = await read(id);
    for (const later of [1, 2]) await run(start + HOUR + later);
    expect(await read(id)).toEqual(license);
    expect(await outcomeOf(id)).toMatchObject({
      status: "done",
      detail: null,
      updated_at: iso(start + HOUR),
    });
    const events = await eventsOf(id);
    expect(events.map(({ action }) => action)).toEqual([
      "license.issued",
      "pending_change.ordered",
      event,
      "pending_change.done",
    ]);
    expect(events[2]).toMatchObject({ actor_type: "system", actor_id: "pending-changes" });
    expect(JSON.parse(events[2]!.detail)).toMatchObject({
      pending_change_id: body.pending_change.id,
    });
  });

  it("a renewal counts from the end that the license has then, and the customer is told then", async () => {
    const customer_id = (await newCustomer({ email: `${unique("it")}@acme.example` })).id;
    const { license } = await newLicense({ customer_id, expires_at: "2033-01-31" });
    await order(license.id, "renew", start + HOUR, {}, { expires_in: "P1M" });
    await admin(`/licenses/${license.id}`, { method: "PATCH", body: { expires_at: "2034-01-31" } });
    expect(await messagesOf(license.id)).toEqual([]);
    await run(start + HOUR);
    expect((await read(license.id)).expires_at).toBe("2034-03-01T12:00:00.000Z");
    expect((await messagesOf(license.id)).map(({ kind }) => kind)).toEqual(["license_renewed"]);
    expect(resend.inbox).toHaveLength(1);
    await run(start + HOUR + 1);
    expect(await messagesOf(license.id)).toHaveLength(1);
  });

  it("a transfer mails the key then, where that was asked for", async () => {
    const id = await fresh();
    await order(id, "transfer", start + HOUR, {}, { send_email: true });
    await run(start + HOUR);
    const sent = await messagesOf(id);
    expect(sent.map(({ kind, customer_id }) => [kind, customer_id])).toEqual([["license_delivery", globex]]);
    expect(await read(id)).toMatchObject({ customer_id: globex });
  });

  it("takes the terms that a type has then", async () => {
    const type = unique("type");
    const put = (max_services: number) =>
      admin(`/license-types/${type}`, { method: "PUT", body: { name: "T", max_services } });
    await put(20);
    const id = await fresh();
    await order(
      id,
      "raise",
      start + HOUR,
      {},
      { max_services: undefined, license_type: type, terms: "type" },
    );
    await put(30);
    await run(start + HOUR);
    expect(await read(id)).toMatchObject({ license_type: type, max_services: 30 });
  });

  it("makes up for missed triggers, in order of time and then of ordering", async () => {
    const id = await fresh();
    const at = [3, 1, 2, 2].map((hours) => start + hours * HOUR);
    for (const [n, time] of at.entries()) {
      await order(id, "raise", time, {}, { max_services: [400, 100, 200, 300][n] });
    }
    await run(start + 5 * HOUR);
    const seen = (await eventsOf(id))
      .filter(({ action }) => action === "license.changed")
      .map(({ detail }) => JSON.parse(detail).changes.max_services.to);
    expect(seen).toEqual([100, 200, 300, 400]);
  });

  it("twice at the same moment does everything once", async () => {
    const licenses = await Promise.all(Array.from({ length: 4 }, fresh));
    for (const id of licenses) {
      await order(id, "renew", start + HOUR, {}, { expires_in: undefined, expires_days: 1 });
      await order(id, "transfer", start + HOUR);
    }
    setTime(start + HOUR);
    await Promise.all([1, 2, 3].map(() => fire(DELIVERIES, mailing(), start + HOUR)));
    for (const id of licenses) {
      const { revision, expires_at } = await read(id);
      expect([revision, expires_at]).toEqual([2, iso(start + 401 * DAY)]);
      const actions = await actionsOf(id);
      for (const action of ["license.renewed", "license.transferred"]) {
        expect(actions.filter((one) => one === action)).toHaveLength(1);
      }
      expect(actions.filter((one) => one === "pending_change.done")).toHaveLength(2);
    }
  });

  it("against somebody who cancels it at the same moment: one of the two", async () => {
    const licenses = await Promise.all(Array.from({ length: 6 }, fresh));
    const orders = await Promise.all(licenses.map((id) => order(id, "suspend", start + HOUR)));
    setTime(start + HOUR);
    const [, ...cancelled] = await Promise.all([
      fire(DELIVERIES, mailing(), start + HOUR),
      ...orders.map(({ body: { pending_change: change } }) =>
        admin(`/licenses/${change.license_id}/pending-changes/${change.id}`, { method: "DELETE" }),
      ),
    ]);
    for (const [n, id] of licenses.entries()) {
      const wasCancelled = cancelled[n]?.status === 204;
      expect([(await outcomeOf(id)).status, (await read(id)).status]).toEqual(
        wasCancelled ? ["cancelled", "active"] : ["done", "suspended"],
      );
    }
  });

  it("against edits at the same moment loses nothing", async () => {
    const id = await fresh();
    await order(id, "raise", start + HOUR);
    setTime(start + HOUR);
    await Promise.all([
      fire(DELIVERIES, mailing(), start + HOUR),
      ...[1, 2, 3].map((n) => admin(`/licenses/${id}`, { method: "PATCH", body: { grace_days: n } })),
    ]);
    await run(start + HOUR + 1);
    expect((await read(id)).max_services).toBe(999);
    expect((await actionsOf(id)).filter((one) => one === "pending_change.done")).toHaveLength(1);
  });

  it("does what would change nothing by saying so", async () => {
    const id = await fresh();
    await order(id, "raise", start + HOUR);
    await now(id, "raise");
    const before = await read(id);
    await run(start + HOUR);
    expect(await read(id)).toEqual(before);
    expect((await outcomeOf(id)).status).toBe("done");
    expect((await actionsOf(id)).at(-1)).toBe("pending_change.done");
  });

  it("fails where it is refused then, with the reason", async () => {
    const [gone, perpetual] = [await fresh(), await fresh()];
    const customer = (await newCustomer()).id;
    await order(gone, "transfer", start + HOUR, {}, { customer_id: customer });
    await admin(`/customers/${customer}`, { method: "DELETE" });
    await order(perpetual, "renew", start + HOUR);
    await admin(`/licenses/${perpetual}`, { method: "PATCH", body: { expires_at: null } });
    await run(start + HOUR);
    expect(await outcomeOf(gone)).toMatchObject({
      status: "failed",
      detail: expect.stringContaining(customer),
    });
    expect(await outcomeOf(perpetual)).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("perpetual"),
    });
    expect((await actionsOf(gone)).at(-1)).toBe("pending_change.failed");
  });

  it("waits for the next run where the database fails, together with the later ones of its license", async () => {
    const [broken, sound] = [await fresh(), await fresh()];
    await order(broken, "raise", start + HOUR, {}, { max_services: 111 });
    await order(broken, "raise", start + HOUR + 1000, {}, { max_services: 222 });
    await order(sound, "raise", start + 2 * HOUR);
    await rows(
      `CREATE TRIGGER break_it BEFORE UPDATE OF max_services ON licenses WHEN NEW.id = '${broken}' AND NEW.max_services = 111
       BEGIN SELECT raise(ABORT, 'broken'); END`,
    );
    await expect(run(start + 2 * HOUR)).rejects.toThrow("broken");
    expect((await read(broken)).max_services).toBe(10);
    expect((await read(sound)).max_services).toBe(999);
    expect((await changesOf(broken)).map(({ status }: { status: string }) => status)).toEqual([
      "pending",
      "pending",
    ]);
    await rows("DROP TRIGGER break_it");
    await run(start + 3 * HOUR);
    expect((await read(broken)).max_services).toBe(222);
  });
});

describe("what happens to the license meanwhile", () => {
  const ORDERED = ["change", "raise", "renew", "suspend", "reinstate", "revoke", "transfer"] as const;

  const MEANWHILE = [
    "nothing",
    "raise",
    "renew",
    "suspend",
    "suspend and reinstate",
    "reissue",
    "transfer",
    "revoke",
    "change by a change ordered before",
    "change by a change ordered after",
  ] as const;

  /** Written out from the rules: what stops or lowers is held where the license was renewed, reinstated, transferred
   * or edited by anything that was not ordered before it; nothing happens to a revoked license. */
  function expected(name: (typeof ORDERED)[number], meanwhile: (typeof MEANWHILE)[number]): string {
    if (meanwhile === "revoke") return "failed";
    if (name === "suspend" && meanwhile === "suspend") return "failed";
    // These begin with a suspended license: who reinstates it leaves nothing to reinstate.
    if (name === "reinstate" && meanwhile === "suspend and reinstate") return "failed";
    const touched = [
      "raise",
      "renew",
      "suspend and reinstate",
      "transfer",
      "change by a change ordered after",
    ].includes(meanwhile);
    if (touched && ["change", "suspend", "revoke"].includes(name)) return "held";
    if (name === "transfer" && meanwhile === "transfer") return "held";
    return "done";
  }

  const cases = ORDERED.flatMap((name) =>
    MEANWHILE.map((meanwhile) => [name, meanwhile, expected(name, meanwhile)] as const),
  );

  it.each(cases)("%s, and meanwhile %s: %s", async (name, meanwhile, outcome) => {
    const id = await fresh();
    if (name === "reinstate") await now(id, "suspend");
    if (meanwhile === "change by a change ordered before") {
      await order(id, "raise", start + HOUR, {}, { max_requests_per_day: 70_000, max_services: undefined });
      setTime(start + 10);
    }
    const { status, body } = await order(id, name, start + 2 * HOUR);
    expect(status).toBe(202);
    setTime(start + 20);
    if (meanwhile === "change by a change ordered after") {
      await order(id, "raise", start + HOUR, {}, { max_requests_per_day: 70_000, max_services: undefined });
    }
    setTime(start + 30);
    if (meanwhile === "raise") {
      await admin(`/licenses/${id}`, { method: "PATCH", body: { metadata: { note: "edited" } } });
    } else if (meanwhile === "suspend and reinstate") {
      if (name !== "reinstate") await now(id, "suspend");
      await now(id, "reinstate");
    } else if (meanwhile === "suspend") {
      if (name !== "reinstate") await now(id, "suspend");
    } else if (meanwhile === "reissue") {
      await admin(`/licenses/${id}/reissue`, { body: { reason: "leaked" } });
    } else if (meanwhile === "transfer") {
      await admin(`/licenses/${id}/transfer`, { body: { customer_id: initech, reason: "sold" } });
    } else if (meanwhile === "renew" || meanwhile === "revoke") await now(id, meanwhile);
    await run(start + HOUR);
    const before = await read(id);
    await run(start + 2 * HOUR);
    const changes = await changesOf(id);
    const change = changes.find((one: { id: string }) => one.id === body.pending_change.id);
    expect(change).toMatchObject({ status: outcome });
    expect(change.detail === null).toBe(outcome === "done");
    expect((await actionsOf(id)).at(-1)).toBe(`pending_change.${outcome}`);
    if (outcome !== "done") expect(await read(id)).toEqual(before);
    else expect(await read(id)).not.toEqual(before);

    // What is held is done once somebody releases it.
    if (outcome !== "held") return;
    const path = `/licenses/${id}/pending-changes/${change.id}/release`;
    expect((await admin(path, { method: "POST" })).body.pending_change).toMatchObject({
      status: "pending",
      detail: null,
      released_by: "ADMIN_TOKEN",
    });
    await run(start + 2 * HOUR + 10);
    const after = (await changesOf(id)).find((one: { id: string }) => one.id === change.id);
    expect(after.status).toBe("done");
    expect(await read(id)).not.toEqual(before);
  });

  it("once released, it is held again where the license is edited again", async () => {
    const id = await fresh();
    const { pending_change } = (await order(id, "revoke", start + HOUR)).body;
    await now(id, "raise");
    await run(start + HOUR);
    await admin(`/licenses/${id}/pending-changes/${pending_change.id}/release`, { method: "POST" });
    await now(id, "renew");
    await run(start + 2 * HOUR);
    expect((await outcomeOf(id)).status).toBe("held");
    expect((await read(id)).status).toBe("active");
  });

  it("counts what a release from before it edits, too", async () => {
    const id = await fresh();
    await order(id, "revoke", start + HOUR);
    await rows("UPDATE licenses SET grace_days = 9, version = version + 1 WHERE id = ?", id);
    await run(start + HOUR);
    expect((await outcomeOf(id)).status).toBe("held");
  });

  it("changes nothing where the order was cancelled right before its batch", async () => {
    const id = await fresh();
    const { pending_change } = (await order(id, "suspend", start + HOUR)).body;
    let cancelled = 0;
    let isNext = false;
    const DB: D1Database = {
      prepare(sql: string) {
        isNext ||= /update\W+licenses\W+set/i.test(sql);
        return env.DB.prepare(sql);
      },
      async batch(statements: D1PreparedStatement[]) {
        if (isNext && cancelled++ === 0) {
          await admin(`/licenses/${id}/pending-changes/${pending_change.id}`, { method: "DELETE" });
        }
        return env.DB.batch(statements);
      },
      withSession: () => DB,
    } as unknown as D1Database;
    const before = await read(id);
    setTime(start + HOUR);
    await fire(DELIVERIES, mailing({ DB }), start + HOUR);
    expect(cancelled).toBeGreaterThan(0);
    expect(await read(id)).toEqual(before);
    expect((await outcomeOf(id)).status).toBe("cancelled");
    expect(await actionsOf(id)).not.toContain("license.suspended");
  });

  it("leaves mail that waits alone where the order was cancelled before its batch", async () => {
    const customer_id = (await newCustomer({ email: `${unique("it")}@acme.example` })).id;
    const { license } = await newLicense({ customer_id });
    const message = unique("msg");
    await rows(
      `INSERT INTO messages (id, dedupe_key, kind, license_id, customer_id, recipient, subject, content, status,
         next_try_at, created_at, updated_at)
       VALUES (?1, 'notice:' || ?2 || ':4102444800000:30:' || ?1, 'expiry_warning', ?2, ?3, 'x@acme.example', 's', 'c', 'pending', 4102444800000, 1, 1)`,
      message,
      license.id,
      customer_id,
    );
    const { pending_change } = (await order(license.id, "revoke", start + HOUR)).body;
    const [row] = await rows<License>("SELECT * FROM licenses WHERE id = ?", license.id);
    const withdraw = async (): Promise<string> => {
      const db = openDatabase(env.DB, { now: () => 0, pause: () => Promise.resolve(), random: () => 0 });
      const after = { ...row!, status: "revoked" as const, version: row!.version + 1 };
      await db.batch(licenseMail.withdrawal({ db } as Context, row!, after, pending_change.id));
      return (await rows<{ status: string }>("SELECT status FROM messages WHERE id = ?", message))[0]!.status;
    };
    await rows("UPDATE pending_changes SET status = 'cancelled' WHERE id = ?", pending_change.id);
    expect(await withdraw()).toBe("pending");
    await rows("UPDATE pending_changes SET status = 'pending' WHERE id = ?", pending_change.id);
    expect(await withdraw()).toBe("skipped");
  });
});

describe("who ordered it", () => {
  const ROLES = ["owner", "manager", "viewer", null] as const;

  /** The role when it is ordered, the role then, and what becomes of it. */
  const cases = (["owner", "manager"] as const).flatMap((first) =>
    ROLES.map((then) => [first, then, then === "owner" || then === "manager" ? "done" : "held"] as const),
  );

  it.each(cases)("by a token of a %s, who is %s then: %s", async (first, then, outcome) => {
    const { token, api_token } = await newToken({ role: first });
    const id = await fresh();
    expect((await order(id, "raise", start + HOUR, { token })).body.pending_change.ordered_by).toBe(
      api_token.id,
    );
    if (then === null) await admin(`/api-tokens/${api_token.id}`, { method: "DELETE" });
    else await rows("UPDATE api_tokens SET role = ? WHERE id = ?", then, api_token.id);
    await run(start + HOUR);
    expect(await outcomeOf(id)).toMatchObject({ status: outcome });
    expect((await read(id)).max_services).toBe(outcome === "done" ? 999 : 10);
  });

  it("by a token that has expired by then: held, until somebody releases it who may", async () => {
    const { token } = await newToken({ expires_at: iso(start + HOUR) });
    const id = await fresh();
    const { pending_change } = (await order(id, "suspend", start + 2 * HOUR, { token })).body;
    await run(start + 2 * HOUR);
    expect(await outcomeOf(id)).toMatchObject({
      status: "held",
      detail: expect.stringContaining("no access"),
    });
    const manager = await newToken({ role: "manager" });
    const path = `/licenses/${id}/pending-changes/${pending_change.id}/release`;
    const released = await admin(path, { method: "POST", token: manager.token });
    expect(released.body.pending_change).toMatchObject({ released_by: manager.api_token.id });
    await run(start + 2 * HOUR + 1);
    expect((await read(id)).status).toBe("suspended");
  });

  it.each([
    ["manager", "done"],
    ["viewer", "held"],
    [null, "held"],
  ])("by a person who is %s then: %s", async (role, outcome) => {
    const email = `${unique("grace")}@smarthaus.example`;
    const id = await fresh();
    await order(id, "raise", start + HOUR);
    await rows("UPDATE pending_changes SET ordered_by = ? WHERE license_id = ?", email, id);
    if (role !== null) await admin(`/people/${email}`, { method: "PUT", body: { role } });
    await run(start + HOUR);
    expect((await outcomeOf(id)).status).toBe(outcome);
  });

  it("by ADMIN_TOKEN, which is not there any more: held", async () => {
    const id = await fresh();
    await order(id, "raise", start + HOUR);
    setTime(start + HOUR);
    const { ADMIN_TOKEN: _gone, ...bindings } = mailing();
    await fire(DELIVERIES, bindings, start + HOUR);
    expect((await outcomeOf(id)).status).toBe("held");
  });
});

describe("the orders of a license", () => {
  const path = (id: string, change: string, action = "") =>
    `/licenses/${id}/pending-changes/${change}${action}`;

  it("are listed by page, the last ordered first", async () => {
    const id = await fresh();
    for (let n = 1; n <= 3; n++) {
      setTime(start + n);
      await order(id, "raise", start + n * HOUR, {}, { max_services: n });
    }
    const list = (query: string) => admin(`/licenses/${id}/pending-changes?limit=2${query}`);
    const first = await list("");
    const second = await list(`&cursor=${first.body.next_cursor}`);
    const seen = [...first.body.data, ...second.body.data].map(({ input }) => input.max_services);
    expect(seen).toEqual([3, 2, 1]);
    expect(second.body.next_cursor).toBeNull();
    expect(await admin("/licenses/lic_none/pending-changes")).toMatchObject({
      status: 404,
      body: { code: "LICENSE_NOT_FOUND" },
    });
    // A cursor is good for its own license alone.
    expect(
      (await admin(`/licenses/${await fresh()}/pending-changes?cursor=${first.body.next_cursor}`)).status,
    ).toBe(422);
  });

  it("are cancelled while they wait, twice if need be, and not after", async () => {
    const id = await fresh();
    const { pending_change: change } = (await order(id, "suspend", start + HOUR)).body;
    for (const _ of [1, 2]) {
      expect((await admin(path(id, change.id), { method: "DELETE" })).status).toBe(204);
    }
    await run(start + HOUR);
    expect((await read(id)).status).toBe("active");
    expect((await outcomeOf(id)).status).toBe("cancelled");
    expect((await actionsOf(id)).filter((one) => one === "pending_change.cancelled")).toHaveLength(1);

    const { pending_change: done } = (await order(id, "raise", start + 2 * HOUR)).body;
    await run(start + 2 * HOUR);
    expect(await admin(path(id, done.id), { method: "DELETE" })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT" },
    });
  });

  it("are cancelled where they are held", async () => {
    const id = await fresh();
    await order(id, "suspend", start + HOUR);
    await now(id, "raise");
    await run(start + HOUR);
    const held = await outcomeOf(id);
    expect(held.status).toBe("held");
    expect((await admin(path(id, held.id), { method: "DELETE" })).status).toBe(204);
    expect((await outcomeOf(id)).status).toBe("cancelled");
  });

  it("are released only where they are held", async () => {
    const id = await fresh();
    const { pending_change: change } = (await order(id, "suspend", start + HOUR)).body;
    const release = () => admin(path(id, change.id, "/release"), { method: "POST" });
    expect((await release()).status).toBe(409);
    await now(id, "raise");
    await run(start + HOUR);
    const answers = await Promise.all([release(), release(), release()]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    await run(start + 2 * HOUR);
    expect((await release()).status).toBe(409);
  });

  it("belong to their license", async () => {
    const [id, other] = [await fresh(), await fresh()];
    const { pending_change: change } = (await order(id, "suspend", start + HOUR)).body;
    for (const [license, one] of [
      [other, change.id],
      [id, "chg_none"],
    ] as const) {
      expect((await admin(path(license, one), { method: "DELETE" })).body.code).toBe("NOT_FOUND");
      expect((await admin(path(license, one, "/release"), { method: "POST" })).body.code).toBe("NOT_FOUND");
    }
    expect((await outcomeOf(id)).status).toBe("pending");
  });

  it("stop nobody before their time: an instance runs on", async () => {
    const { license, license_key } = await newLicense();
    await order(license.id, "revoke", start + HOUR);
    expect((await activate(license_key, "runs")).status).toBe(200);
    await run(start + HOUR);
    const refused = await call("/v1/activate", { body: { license_key, instance_id: "another" } });
    expect(refused.body.code).toBe("LICENSE_REVOKED");
  });
});

describe("what needs the attention of staff", () => {
  it("is what is held, and what failed in the last week, on the overview of the console", async () => {
    const [held, failed, fine] = [await fresh(), await fresh(), await fresh()];
    for (const id of [held, failed, fine]) await order(id, "suspend", start + HOUR);
    await now(held, "raise");
    await now(failed, "revoke");
    await run(start + HOUR);
    const owner = await Visitor.signIn();
    const stuck = ({ html }: { html: string }) =>
      [...html.matchAll(/>change (\w+)<.{0,50}<a href="\/admin\/licenses\/([^"]+)"/g)].map(
        ([, status, id]) => `${id} ${status}`,
      );
    const told = stuck(await owner.get("/admin"));
    expect(told).toContain(`${held} held`);
    expect(told).toContain(`${failed} failed`);
    expect(told.join()).not.toContain(fine);
    setTime(start + 9 * DAY);
    const later = stuck(await (await Visitor.signIn()).get("/admin"));
    expect(later).toContain(`${held} held`);
    expect(later.join()).not.toContain(failed);
    await rows("UPDATE pending_changes SET status = 'cancelled' WHERE license_id = ?", held);
  });

  it("is in the digest: what failed, what is held, and what is carried out within a day", async () => {
    const [held, coming, later] = [await fresh(), await fresh(), await fresh()];
    const [failed, before] = [await fresh(), await fresh()];
    for (const id of [failed, before]) {
      await order(id, "renew", start + HOUR);
      await now(id, "revoke");
    }
    const night = start + 19 * HOUR;
    await order(held, "suspend", start + HOUR);
    await now(held, "raise");
    await run(start + HOUR);
    // An earlier digest told this one.
    await rows("UPDATE pending_changes SET updated_at = ? WHERE license_id = ?", night - 2 * DAY, before);
    await order(coming, "revoke", night + DAY);
    await order(later, "revoke", night + DAY + 1_000);
    setTime(night);
    const staff = `${unique("ops")}@smarthaus.example`;
    await fire(NIGHTLY, mailing({ ADMIN_EMAILS: staff }), night);
    const [{ subject, text } = { subject: "", text: "" }] = resend.to(staff);
    const told = text.replaceAll(/\s+/g, " ");
    expect(subject).toContain("changes that failed, changes that are held, changes to come");
    expect(told).toContain(`${failed}: renew, `);
    expect(told).toContain("The license is revoked; nothing can change that any more.");
    expect(told).not.toContain(before);
    expect(told).toContain(`${held}: suspend, `);
    expect(told).toContain("edited after this was ordered.");
    expect(told).toContain(`${coming}: revoke, `);
    expect(told).not.toContain(later);
  });
});

describe("the cost", () => {
  it("of a run with nothing to do is one row at most, however many changes there were", async () => {
    const id = await fresh();
    await rows(
      `INSERT INTO pending_changes (id, license_id, action, effective_at, input, status, ordered_by, ordered_at,
         held_by, updated_at)
       SELECT 'chg_' || ?1 || value, ?1, 'renew', ?2, '{}', 'done', 'x', 0, 'x', 0 FROM json_each(?3)`,
      id,
      start,
      JSON.stringify(Array.from({ length: 500 }, (_, n) => n)),
    );
    const { meta } = await env.DB.prepare(
      "SELECT * FROM pending_changes WHERE status = ? AND effective_at <= ? ORDER BY effective_at, id LIMIT 100",
    )
      .bind("pending", start)
      .all();
    expect(meta.rows_read).toBeLessThanOrEqual(1);
  });
});
