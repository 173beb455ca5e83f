// What entitlements, meters, endpoints, and events of time keep comes back, too, and goes on from there.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { foldUsage } from "../../src/licensing/usage/folding.ts";
import {
  beginRestore,
  elsewhere,
  emptyElsewhere,
  finish,
  finishAll,
  loadAll,
  restore,
  rowsElsewhere,
  takeBackup,
} from "../support/backup.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { freshRecord } from "../support/record.ts";
import { forgetReceivers, listen, newReceiver } from "../support/receivers.ts";
import { asSystem } from "../support/spent.ts";
import { activate, admin, call, newCustomer, newLicense, rows, unique } from "../support/service.ts";

const NOW = Date.parse("2026-11-20T08:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  await emptyElsewhere();
  setTime(NOW);
});

async function define(members: object): Promise<string> {
  const code = unique("k.x");
  const answer = await admin("/entitlements", { body: { code, name: "K", ...members } });
  expect(answer.status, answer.text).toBe(201);
  return code;
}

/** A value as it is kept, whatever the order of the members of JSON. */
function plain(value: unknown): unknown {
  if (typeof value !== "string" || !/^[{[]/.test(value)) return value;
  const sorted = (one: unknown): unknown =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(
          Object.entries(one)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, member]) => [name, sorted(member)]),
        )
      : one;
  return sorted(JSON.parse(value));
}

async function tableOf(ask: typeof rows, name: string): Promise<unknown[]> {
  const found = await ask(`SELECT * FROM ${name} ORDER BY 1, 2, 3`);
  return found.map((row) =>
    Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plain(value)])),
  );
}

async function expectSame(...names: string[]): Promise<void> {
  for (const name of names)
    expect([name, await tableOf(rowsElsewhere, name)]).toEqual([name, await tableOf(rows, name)]);
}

type Day = [date: string, requests: number, meters?: object | undefined];

describe("meters", () => {
  const FIGURES = ["usage", "usage_months", "license_usage", "license_usage_months"];

  /** A license with two boxes, a sum and a peak: July is folded, August is in part, November is open. */
  async function metering() {
    const sum = await define({ kind: "meter", aggregate: "sum" });
    const peak = await define({ kind: "meter", aggregate: "peak", period: "day" });
    setTime(NOW - 400 * DAY);
    const { license, license_key: key } = await newLicense({
      expires_in: "P9Y",
      max_instances: 9,
      entitlements: { [sum]: { value: 50 }, [peak]: { value: 9, until: "2027-01-01T00:00:00Z" } },
    });
    setTime(NOW);
    const certificates: Record<string, string> = {};
    for (const box of ["a", "b"]) certificates[box] = (await activate(key, box)).body.certificate;
    const tell = async (box: string, days: Day[], bindings: Env = env) => {
      const usage = days.map(([date, requests, meters]) => ({ date, requests, services: 1, meters }));
      const body = { license_key: key, instance_id: box, certificate: certificates[box], usage };
      const answer = await call("/v1/check-in", { body, bindings });
      expect(answer.status, answer.text).toBe(200);
      expect(answer.body.usage_ignored ?? []).toEqual([]);
      return answer.body.warnings as { limit?: string; observed?: number }[];
    };
    const days: Day[] = [
      ["2026-07-05", 1, { [sum]: 5, [peak]: 2 }],
      ["2026-07-09", 1],
      ["2026-08-10", 1, { [sum]: 7, [peak]: 3 }],
      ["2026-08-15", 1, { [peak]: 8 }],
      ["2026-08-25", 1, { [sum]: 4 }],
      ["2026-08-28", 1, { [sum]: 6, [peak]: 1 }],
      ["2026-11-10", 1, { [sum]: 20, [peak]: 5 }],
      ["2026-11-19", 1],
      ["2026-11-20", 1, { [sum]: 2 }],
    ];
    await tell("a", days);
    await tell(
      "b",
      days.map(([day, requests, meters], n) => [day, requests + n, n % 2 === 0 ? meters : undefined]),
    );
    while (await foldUsage(asSystem()));
    return { license, sum, peak, tell };
  }

  it("come back with their sums, whatever is folded, and count on", async () => {
    const { license, sum, tell } = await metering();
    // Out of its month again, while the other instance stays in it.
    const body = { requests: 3, services: 1, meters: { [sum]: 1 }, reason: "Counted twice" };
    const corrected = await admin(`/licenses/${license.id}/usage/2026-08-10/a`, { method: "PUT", body });
    expect(corrected.status, corrected.text).toBe(200);
    expect(await rows("SELECT 1 FROM usage_months WHERE days LIKE '%null,{%'")).not.toEqual([]);
    expect(await rows("SELECT 1 FROM usage WHERE day = '2026-08-10'")).toHaveLength(1);
    expect((await rows("SELECT 1 FROM license_usage WHERE before IS NOT NULL")).length).toBeGreaterThan(2);
    const statement = `/licenses/${license.id}/statements/2026-07`;
    const stated = await admin(statement);
    expect(stated.body.statement).toMatch(/^eyJ/);
    expect(await restore(await takeBackup())).toMatchObject({ findings: [] });
    await expectSame(
      ...FIGURES,
      "license_months",
      "meter_overuse",
      "statements",
      "entitlements",
      "entitlement_uses",
    );
    expect((await admin(statement, { bindings: elsewhere })).body).toEqual(stated.body);

    const both = async (box: string, days: Day[]) => {
      const warnings = await tell(box, days);
      expect(await tell(box, days, elsewhere)).toEqual(warnings);
      await expectSame(...FIGURES);
      return warnings;
    };
    // 40 on the tenth, and 12 today: above 50.
    expect(await both("a", [["2026-11-20", 1, { [sum]: 10 }]])).toContainEqual(
      expect.objectContaining({ limit: sum, observed: 52 }),
    );
    await both("b", [["2026-08-26", 1, { [sum]: 9 }]]);
    await both("b", [["2026-07-09", 9, { [sum]: 9 }]]);
  });

  it("of a day that left its month meanwhile count once, by its later figures", async () => {
    const { license } = await newLicense();
    const months: [string, string][] = [
      ["box-1", '{"03":[1,1,null,{"m":2}],"04":[5,2,null,{"m":3}],"05":[1,1,7]}'],
      ["box-2", '{"04":[10,1,null,{"m":4,"n":1}]}'],
    ];
    for (const [box, days] of months)
      await rows("INSERT INTO usage_months VALUES ('2026-03', ?, ?, ?)", license.id, box, days);
    await rows(
      `INSERT INTO license_usage_months VALUES ('2026-03', ?, '{"03":[1,1,{"m":2}],"04":[15,3,{"m":7,"n":1}],"05":[1,1]}')`,
      license.id,
    );
    const backup = await takeBackup();
    const insert =
      "INSERT INTO usage (license_id, day, instance_id, requests, services, meters, told) VALUES (?1, '2026-03-04', 'box-1', 9, 3, '{\"m\":9}', '[\"m\"]')";
    const started = (await beginRestore(backup.token)).body;
    await loadAll(started, backup);
    await finish(started.id);
    await env.before.prepare(insert).bind(license.id).run();
    await finishAll(started.id);
    await rows(insert, license.id);
    await expectSame(...FIGURES);
    expect(await rowsElsewhere("SELECT day, meters, before FROM license_usage")).toEqual([
      { day: "2026-03-04", meters: '{"m":13,"n":1}', before: '{"m":[2,2]}' },
    ]);
  });
});

describe("entitlements", () => {
  it("come back with who has them, also where the definition was deleted while the backup was read", async () => {
    const kinds = {
      flag: await define({ kind: "flag" }),
      limit: await define({ kind: "limit" }),
      text: await define({ kind: "text" }),
      meter: await define({ kind: "meter", aggregate: "peak", period: "day", over: "refuse_new" }),
    };
    const values = {
      [kinds.flag]: { value: true },
      [kinds.limit]: { value: null },
      [kinds.text]: { value: "gold" },
      [kinds.meter]: { value: 5 },
    };
    const { license } = await newLicense({ entitlements: values });
    const before = await rows("SELECT code, kind, aggregate, period, over FROM entitlements ORDER BY 1");
    const uses = await rows("SELECT * FROM entitlement_uses ORDER BY 1, 2, 3");
    expect(uses).toHaveLength(4);
    let gone = false;
    const backup = await takeBackup({}, async (tables) => {
      if (gone || !tables.has("licenses")) return;
      gone = true;
      const none = Object.fromEntries(Object.keys(values).map((code) => [code, null]));
      const patched = await admin(`/licenses/${license.id}`, {
        method: "PATCH",
        body: { entitlements: none },
      });
      expect(patched.status, patched.text).toBe(200);
      for (const code of Object.keys(values))
        expect((await admin(`/entitlements/${code}`, { method: "DELETE" })).status).toBe(204);
    });
    expect(gone).toBe(true);
    const report = await restore(backup);
    expect(report.made).toEqual({ entitlements: 4 });
    expect(
      await rowsElsewhere("SELECT code, kind, aggregate, period, over FROM entitlements ORDER BY 1"),
    ).toEqual(before);
    expect(await rowsElsewhere("SELECT * FROM entitlement_uses ORDER BY 1, 2, 3")).toEqual(uses);
  });

  it("of license types are known, so that no definition goes while one is used", async () => {
    const code = await define({ kind: "flag" });
    const type = unique("kept");
    const { status, text } = await admin(`/license-types/${type}`, {
      method: "PUT",
      body: {
        name: "Kept",
        duration_days: 30,
        grace_days: 1,
        lease_days: 10,
        check_in_hours: 24,
        features: [],
        max_instances: 1,
        max_services: null,
        max_requests_per_day: null,
        entitlements: { [code]: { value: true } },
      },
    });
    expect(status, text).toBe(201);
    await restore(await takeBackup());
    expect(await rowsElsewhere("SELECT code, holder, id FROM entitlement_uses WHERE id = ?", type)).toEqual([
      { code, holder: "license_type", id: type },
    ]);
    expect((await admin(`/entitlements/${code}`, { method: "DELETE", bindings: elsewhere })).status).toBe(
      409,
    );
  });
});

describe("webhook endpoints", () => {
  beforeEach(listen);
  afterEach(async () => {
    vi.restoreAllMocks();
    await forgetReceivers();
  });

  it("come back only with_access, without their secrets, and lack no event whose id is used again", async () => {
    const receiver = await newReceiver({ events: ["*"] });
    await newCustomer();
    let ahead = false;
    // What is delivered while the backup is read is above the end of its record.
    const backup = await takeBackup({ with_access: true }, async (tables) => {
      if (ahead || tables.size > 0) return;
      ahead = true;
      for (let n = 0; n < 3; n++) await newCustomer();
    });
    const [there] = await rows<{ cursor: number }>("SELECT cursor FROM webhook_endpoints");
    expect(there!.cursor).toBe(backup.event + 3);
    const whole = backup.pages.map(({ text }) => text).join("");
    const [secret] = await rows<{ secret: string }>("SELECT secret FROM webhook_secrets");
    for (const one of [secret!.secret, receiver.secret]) expect(whole).not.toContain(one);

    const without = await restore(backup);
    expect(without.repeat.join()).toContain("webhook endpoints did not come back");
    expect(await rowsElsewhere("SELECT 1 FROM webhook_endpoints")).toEqual([]);
    await emptyElsewhere();

    const report = await restore(backup, { with_access: true });
    expect(report.repeat.join()).toContain(`Event ids above ${backup.event} are used again`);
    expect(await rowsElsewhere("SELECT id, active, cursor, failures, lease FROM webhook_endpoints")).toEqual([
      { id: receiver.id, active: 1, cursor: backup.event, failures: 0, lease: null },
    ]);
    expect(await rowsElsewhere("SELECT 1 FROM webhook_secrets")).toEqual([]);
    expect(await rowsElsewhere("SELECT max(event_id) AS id FROM webhook_deliveries")).toEqual(
      await rows("SELECT max(event_id) AS id FROM webhook_deliveries WHERE event_id <= ?", backup.event),
    );

    // Without a secret nothing is sent, and it says what to do.
    receiver.got.length = 0;
    await fire(DELIVERIES, elsewhere);
    expect(receiver.got).toEqual([]);
    const path = `/webhook-endpoints/${receiver.id}`;
    const tried = (await admin(`${path}/deliveries`, { bindings: elsewhere })).body.data[0];
    expect(tried).toMatchObject({ delivered: false, status: null });
    expect(tried.error).toContain("Rotate the secret");
    expect((await admin(path, { bindings: elsewhere })).body).toMatchObject({
      state: "failing",
      failures: 1,
    });

    const rotated = await admin(`${path}/rotate-secret`, { method: "POST", bindings: elsewhere });
    expect(rotated.status, rotated.text).toBe(200);
    await fire(DELIVERIES, elsewhere);
    const { Webhook } = await import("standardwebhooks");
    for (const { body, headers } of receiver.got) new Webhook(rotated.body.secret).verify(body, headers);
    expect(receiver.ids()).toEqual(
      (await rowsElsewhere("SELECT id FROM events WHERE id > ? ORDER BY id", backup.event)).map(
        ({ id }) => id,
      ),
    );
    expect(receiver.got[0]!.type).toBe("record.restored");
  });

  it("that are behind stay behind", async () => {
    const { id } = await newReceiver({ events: ["*"], active: false });
    await rows("UPDATE webhook_endpoints SET cursor = 1, failures = 7, failing_since = 1, next_try_at = 9");
    await newCustomer();
    await restore(await takeBackup({ with_access: true }), { with_access: true });
    const columns = "cursor, active, failures, failing_since, next_try_at";
    expect(await rowsElsewhere(`SELECT ${columns} FROM webhook_endpoints WHERE id = ?`, id)).toEqual([
      { cursor: 1, active: 0, failures: 0, failing_since: null, next_try_at: 0 },
    ]);
  });
});

describe("what only time makes", () => {
  const TOLD = `INSERT INTO license_told VALUES (?1, 1, 'expired', 0, '', ?2, ?2, ?3, '{}')`;
  const SILENT = "INSERT INTO silent_instances VALUES (?1, 'box', 'act_1', 1, ?2, ?3)";

  it("is told once, and again if its event is not in the record that came back", async () => {
    const { license: old } = await newLicense();
    const { license: late } = await newLicense();
    for (const sql of [TOLD, SILENT]) await rows(sql, old.id, NOW, "before");
    await rows("UPDATE time_walk SET up_to = ?", NOW);
    let ahead = false;
    const backup = await takeBackup({}, async (tables) => {
      if (ahead || tables.size > 0) return;
      ahead = true;
      for (const sql of [TOLD, SILENT]) await rows(sql, late.id, NOW + 500, "after");
      await rows("UPDATE time_walk SET up_to = ?", NOW + 60_000);
    });
    expect(await rows("SELECT 1 FROM license_told")).toHaveLength(2);
    await restore(backup);
    for (const table of ["license_told", "silent_instances"])
      expect(await rowsElsewhere(`SELECT license_id, told_at FROM ${table}`)).toEqual([
        { license_id: old.id, told_at: NOW },
      ]);
    expect(await rowsElsewhere("SELECT * FROM time_walk")).toEqual([
      { only: 1, up_to: backup.manifest.begun_at },
    ]);
    // Loading them told nothing.
    expect(
      await rowsElsewhere(
        "SELECT count(*) AS n FROM events WHERE action IN ('license.expired', 'instance.silent')",
      ),
    ).toEqual([{ n: 2 }]);
  });

  it("was never told where it never was, and refusals come back", async () => {
    await rows("UPDATE time_walk SET up_to = NULL");
    const { license, license_key: key } = await newLicense({ max_instances: 1 });
    await activate(key, "a");
    expect((await activate(key, "b")).status).toBe(403);
    await restore(await takeBackup());
    expect(await rowsElsewhere("SELECT up_to FROM time_walk")).toEqual([{ up_to: null }]);
    const path = `/licenses/${license.id}/refusals`;
    const { body } = await admin(path, { bindings: elsewhere });
    expect(body.data).toMatchObject([{ code: "ACTIVATION_LIMIT_REACHED", instance_id: "b" }]);
    expect(body).toEqual((await admin(path)).body);
  });
});

describe("a database that is not empty", () => {
  it.each([
    [
      "entitlements",
      "INSERT INTO entitlements (code, name, kind, created_at, updated_at) VALUES ('x', 'x', 'flag', 0, 0)",
    ],
    [
      "webhook endpoints",
      "INSERT INTO webhook_endpoints (id, url, events, active, include_personal, cursor, created_at, updated_at) VALUES ('whe_1', 'https://a.example', '[]', 1, 0, 0, 0, 0)",
    ],
  ])("has %s", async (_, sql) => {
    const { token } = await takeBackup();
    await env.before.prepare(sql).run();
    expect(await beginRestore(token)).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
  });
});
