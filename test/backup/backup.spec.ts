// A backup comes back as it was, into an empty database, whatever goes on while it is taken.
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { COUNTED, KEPT, nameOf } from "../../src/backup/tables.ts";
import {
  beginRestore,
  elsewhere,
  emptyElsewhere,
  finish,
  finishAll,
  loadAll,
  loadPage,
  open,
  pageOf,
  restore,
  rowsElsewhere,
  takeBackup,
} from "../support/backup.ts";
import { DAY, setTime } from "../support/clock.ts";
import { env } from "../support/env.ts";
import { brokenIn } from "../support/invariants.ts";
import { DELIVERIES, fire } from "../support/mail.ts";
import { bucket, freshRecord, night } from "../support/record.ts";
import {
  activate,
  admin,
  call,
  checkIn,
  deactivate,
  newCustomer,
  newLicense,
  newToken,
  rows,
} from "../support/service.ts";

const NOW = Date.parse("2026-11-20T08:00:00.000Z");

beforeEach(async () => {
  await freshRecord();
  await emptyElsewhere();
  setTime(NOW);
});

const certificateOf = async (key: string, instance: string, more: object = {}): Promise<string> =>
  (await activate(key, instance, more)).body.certificate;

const TYPE = {
  name: "Passing",
  duration_days: 30,
  grace_days: 1,
  lease_days: 10,
  check_in_hours: 24,
  features: ["orchestration"],
  max_instances: 1,
  max_services: null,
  max_requests_per_day: null,
};

/** A small business with a bit of everything. */
async function business() {
  const { license, license_key: key } = await newLicense({
    max_instances: 2,
    expires_days: 400,
    metadata: { order: "1" },
  });
  const certificate = await certificateOf(key, "box-1", { hostname: "a\nb" });
  await checkIn(key, "box-1", { usage: [{ date: "2026-11-20", requests: 7, services: 2 }] });
  await activate(key, "box-2");
  await deactivate(key, "box-2");
  await newLicense({ license_type: "trial" });
  const { id } = await newCustomer({ name: 'Žofie "Ž" \u2028', email: "zofie@acme.example" });
  await admin(`/customers/${id}`, { method: "PATCH", body: { notes: "line\nline", tags: ["big"] } });
  await night();
  return { license, key, certificate };
}

/** The tables in which the two databases differ. */
async function differing(except: string[] = []): Promise<string[]> {
  const names = [...KEPT.map(({ table }) => table), ...COUNTED].map(nameOf);
  const differ: string[] = [];
  for (const name of names.filter((one) => !except.includes(one))) {
    const columns = (await rows<{ name: string }>("SELECT name FROM pragma_table_info(?)", name)).length;
    const sorted = (ask: typeof rows) =>
      ask(`SELECT * FROM ${name} ORDER BY ${Array.from({ length: columns }, (_, n) => n + 1).join(", ")}`);
    if (JSON.stringify(await sorted(rows)) !== JSON.stringify(await sorted(rowsElsewhere))) differ.push(name);
  }
  return differ;
}

const schemaOf = async (ask: typeof rows): Promise<string[]> =>
  (
    await ask<{ sql: string }>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB '_cf_*' AND name <> 'd1_migrations' ORDER BY type, name",
    )
  ).map(({ sql }) => sql.replace('CREATE TABLE "license_seats"', "CREATE TABLE license_seats"));

describe("a backup of a quiet service", () => {
  it("comes back table by table, with its triggers and indexes, and its seals", async () => {
    await business();
    await fire(DELIVERIES, env);
    setTime(NOW + 1_000);
    const last = (await rows("SELECT max(id) AS id FROM events"))[0]!["id"] as number;
    const backup = await takeBackup();
    expect(backup.event).toBe(last + 1);
    const report = await restore(backup);
    expect(report).toMatchObject({
      findings: [],
      seals: 1,
      given_up: [],
      restarted: null,
      made: {},
      skipped: {},
    });
    // Tokens do not come back unless asked; seats are held; the last event tells of the restore.
    expect(await differing(["activations", "events", "activation_totals", "activation_days"])).toEqual([]);
    const [told, ...more] = await rowsElsewhere("SELECT * FROM events WHERE id > ?", backup.event);
    expect(more).toEqual([]);
    expect(told).toMatchObject({ action: "record.restored", entity_type: "record" });
    expect(await rowsElsewhere("SELECT * FROM events WHERE id <= ?", backup.event)).toEqual(
      await rows("SELECT * FROM events WHERE id <= ?", backup.event),
    );
    expect(await schemaOf(rowsElsewhere)).toEqual(await schemaOf(rows));
    expect(await brokenIn(rowsElsewhere)).toEqual({});
    expect((await admin("/statistics", { bindings: elsewhere })).body.instances).toEqual(
      (await admin("/statistics")).body.instances,
    );
  });

  it("holds each seat until the backup's time and its lease, and changes nothing else of it", async () => {
    const { license, key } = await business();
    setTime(NOW + 3 * DAY);
    const backup = await takeBackup();
    expect((await restore(backup)).seats_held).toBe(1);
    const columns = "id, instance_id, ended_at, last_seen_at, lease_expires_at, proven_until";
    const [before] = await rows(
      `SELECT ${columns} FROM activations WHERE license_id = ? AND ended_at = 0`,
      license.id,
    );
    const [after] = await rowsElsewhere(
      `SELECT ${columns} FROM activations WHERE license_id = ? AND ended_at = 0`,
      license.id,
    );
    const lease = (before!["lease_expires_at"] as number) - (before!["last_seen_at"] as number);
    expect(after).toEqual({ ...before, lease_expires_at: NOW + 3 * DAY + lease });
    expect(await checkIn(key, "box-1", {})).toMatchObject({ status: 200 });
  });

  it("holds neither a seat whose lease had run out, nor one that was freed while its file runs", async () => {
    const { license, license_key: key } = await newLicense({ license_type: "enterprise" });
    for (const box of ["lapsed", "freed", "held"]) await activate(key, box);
    await rows("UPDATE activations SET lease_expires_at = ? WHERE instance_id = 'lapsed'", NOW + DAY);
    await rows("UPDATE activations SET freed_at = ? WHERE instance_id = 'freed'", NOW);
    setTime(NOW + DAY);
    expect((await restore(await takeBackup())).seats_held).toBe(1);
    const sql =
      "SELECT instance_id, lease_expires_at, proven_until FROM activations WHERE license_id = ? AND instance_id <> 'held' ORDER BY 1";
    expect(await rowsElsewhere(sql, license.id)).toEqual(await rows(sql, license.id));
  });

  it("is recorded as an export, and has no token, session, or secret", async () => {
    const { token } = await newToken();
    await admin("/people/ada@acme.example", { method: "PUT", body: { role: "owner" } });
    const { id, event, pages, manifest } = await takeBackup();
    expect(await rows("SELECT action, entity_type, entity_id FROM events WHERE id = ?", event)).toEqual([
      { action: "database.exported", entity_type: "export", entity_id: id },
    ]);
    expect(manifest).toMatchObject({ iss: env.ISSUER, jti: id, event, with_access: false, format: 1 });
    const whole = pages.map(({ text }) => text).join("");
    const [stored] = await rows<{ hash: string }>("SELECT hash FROM api_tokens");
    for (const secret of [token, stored!.hash, env.SESSION_SECRET, env.SIGNING_KEYS])
      expect(whole).not.toContain(secret);
    expect(pages.map(({ table }) => table)).not.toContain("people");
  });

  it("has tokens and people with_access, which come back only with_access", async () => {
    const { token } = await newToken({ role: "viewer" });
    await admin("/people/ada@acme.example", { method: "PUT", body: { role: "owner" } });
    const backup = await takeBackup({ with_access: true });
    expect((await restore(backup)).repeat.join()).toContain("API tokens");
    expect(await rowsElsewhere("SELECT * FROM api_tokens")).toEqual([]);
    expect((await call("/v1/admin/licenses", { token, bindings: elsewhere })).status).toBe(401);
    await emptyElsewhere();
    await restore(backup, { with_access: true });
    expect((await call("/v1/admin/licenses", { token, bindings: elsewhere })).status).toBe(200);
    expect(await rowsElsewhere("SELECT email FROM people")).toEqual([{ email: "ada@acme.example" }]);
  });
});

describe("what goes on while a backup is taken", () => {
  it("is in it at least as new as its event, which ends its record", async () => {
    const { license_key: key } = await newLicense({ license_type: "enterprise" });
    await activate(key, "stays");
    await activate(key, "leaves");
    let n = 0;
    const backup = await takeBackup({}, async (tables) => {
      setTime(NOW + ++n * 1_000);
      await activate(key, `new-${n}`);
      // Between the page of the activations and what comes after it.
      if (tables.has("activations") && !tables.has("licenses")) await newLicense();
      if (n === 3) await deactivate(key, "leaves");
    });
    const seen = (await rows("SELECT max(id) AS id FROM events"))[0]!["id"] as number;
    expect(seen).toBeGreaterThan(backup.event + 5);
    const report = await restore(backup);
    expect(report).toMatchObject({ findings: [], skipped: {}, made: {} });
    expect(await rowsElsewhere("SELECT max(id) AS id FROM events WHERE action <> 'record.restored'")).toEqual(
      [{ id: backup.event }],
    );
    // Whoever was seated when it began is there, and each license has the counters that its rows say.
    const before = await rows(
      "SELECT detail ->> 'activation_id' AS id FROM events WHERE action = 'activation.created' AND id <= ?",
      backup.event,
    );
    const kept = new Set((await rowsElsewhere("SELECT id FROM activations")).map(({ id }) => id));
    expect(before.length).toBe(2);
    for (const { id } of before) expect(kept).toContain(id);
    const {
      ["seats are counted by license"]: seats,
      ["licenses are counted by type and status"]: counted,
      ...others
    } = await brokenIn(rowsElsewhere);
    expect([seats, counted]).toEqual([undefined, undefined]);
    // The rows are newer than the record: what it does not tell of yet.
    for (const rule of Object.keys(others)) expect(rule).toMatch(/event|beginning|record/);
  });

  it("a seat that ended meanwhile is in it twice, and has ended", async () => {
    const { license, license_key: key } = await newLicense();
    await activate(key, "box-1");
    const backup = await takeBackup();
    const at = NOW + 5_000;
    const page = backup.pages.find(({ table }) => table === "activations")!;
    const head = JSON.parse(page.text.split("\n")[0]!);
    const row = JSON.parse(page.text.split("\n")[1]!);
    row[head.columns.indexOf("ended_at")] = at;
    row[head.columns.indexOf("ended_by")] = "instance";
    const { database } = await preparing(backup, [
      `INSERT INTO activations (${head.columns.join(", ")}) VALUES (${row.map(() => "?").join(", ")})`,
      row,
    ]);
    expect(database.seats_held).toBe(0);
    expect(await rowsElsewhere("SELECT ended_at FROM activations WHERE license_id = ?", license.id)).toEqual([
      { ended_at: at },
    ]);
    expect(await rowsElsewhere("SELECT seated FROM license_seats WHERE license_id = ?", license.id)).toEqual([
      { seated: 0 },
    ]);
  });

  it("a day that left its month meanwhile counts once, by its later figures", async () => {
    const { license, license_key: key } = await newLicense();
    await activate(key, "box-1");
    await activate(key, "box-2");
    await rows(
      `INSERT INTO usage_months VALUES ('2026-03', ?, 'box-1', '{"04":[5,2],"05":[1,1]}')`,
      license.id,
    );
    await rows(`INSERT INTO usage_months VALUES ('2026-03', ?, 'box-2', '{"04":[10,1]}')`, license.id);
    await rows(
      `INSERT INTO license_usage_months VALUES ('2026-03', ?, '{"04":[15,3],"05":[1,1]}')`,
      license.id,
    );
    const backup = await takeBackup();
    await preparing(backup, [
      `INSERT INTO usage (license_id, day, instance_id, requests, services, told) VALUES (?1, '2026-03-04', 'box-1', 9, 3, '[]')`,
      [license.id],
    ]);
    // As the service itself has it once the day was reported again.
    await rows(
      "INSERT INTO usage (license_id, day, instance_id, requests, services) VALUES (?1, '2026-03-04', 'box-1', 9, 3)",
      license.id,
    );
    for (const table of ["usage", "usage_months", "license_usage", "license_usage_months"]) {
      const sql = `SELECT * FROM ${table} ORDER BY 1, 2, 3`;
      expect(await rowsElsewhere(sql)).toEqual(await rows(sql));
    }
  });

  it("a change to come that may have been carried out waits for staff, and a contact follows its customer", async () => {
    const { id } = await newCustomer({ email: "old@acme.example" });
    const { license } = await newLicense({ customer_id: id });
    const body = { effective_at: "2026-11-21T08:00:00Z", expires_in: "P1Y" };
    expect((await admin(`/licenses/${license.id}/renew`, { body })).status).toBe(202);
    let changed = 0;
    const backup = await takeBackup({}, async (tables) => {
      setTime(NOW + 1_000 + changed);
      if (changed === 0 && tables.has("pending_changes") && !tables.has("licenses")) {
        changed = 1;
        await admin(`/licenses/${license.id}`, { method: "PATCH", body: { max_services: 99 } });
      }
      if (changed === 1 && tables.has("contacts") && !tables.has("customers")) {
        changed = 2;
        await admin(`/customers/${id}`, { method: "PATCH", body: { email: "new@acme.example" } });
      }
    });
    expect(changed).toBe(2);
    await restore(backup);
    expect(await rowsElsewhere("SELECT status FROM pending_changes")).toEqual([{ status: "held" }]);
    expect(await rowsElsewhere("SELECT email FROM contacts")).toEqual([{ email: "new@acme.example" }]);
    expect(await rowsElsewhere("SELECT terms_at FROM customers")).toEqual([{ terms_at: null }]);
  });

  it("no usage is folded, until the backup ends or is given up", async () => {
    const { license, license_key: key } = await newLicense();
    await activate(key, "box-1");
    const told = (day: string) =>
      rows(
        "INSERT INTO usage (license_id, day, instance_id, requests, services) VALUES (?, ?, 'box-1', 9, 3)",
        license.id,
        day,
      );
    await told("2026-03-04");
    const folded = async () => (await rows("SELECT 1 FROM usage_months")).length;
    const { id, cursor } = await open();
    await fire(DELIVERIES, env);
    expect(await folded()).toBe(0);
    let page = await pageOf(id, cursor);
    while (page.next) page = await pageOf(id, page.next);
    await fire(DELIVERIES, env);
    expect(await folded()).toBe(1);

    await told("2026-03-05");
    const left = await open();
    await fire(DELIVERIES, env);
    expect(await rows("SELECT 1 FROM usage")).toHaveLength(1);
    setTime(NOW + DAY + 1);
    await fire(DELIVERIES, env);
    expect(await rows("SELECT 1 FROM usage")).toEqual([]);
    expect(await admin(`/backups/${left.id}/pages?cursor=${left.cursor}`)).toMatchObject({ status: 409 });
  });

  it("a license whose customer and type were deleted meanwhile comes back, with both", async () => {
    await admin("/license-types/passing", { method: "PUT", body: TYPE });
    const { license } = await newLicense({ license_type: "passing" });
    const { id: other } = await newCustomer();
    let gone = false;
    const backup = await takeBackup({}, async (tables) => {
      if (gone || !tables.has("licenses")) return;
      gone = true;
      await admin(`/licenses/${license.id}/transfer`, { body: { customer_id: other, reason: "Sold" } });
      expect((await admin(`/customers/${license.customer_id}`, { method: "DELETE" })).status).toBe(204);
      const patch = { license_type: "standard", terms: "keep" };
      await admin(`/licenses/${license.id}`, { method: "PATCH", body: patch });
      await admin("/license-types/passing", { method: "DELETE" });
    });
    expect(gone).toBe(true);
    const report = await restore(backup);
    expect(report).toMatchObject({ made: { customers: 1 } });
    expect(report.repeat.join()).toContain("their id as their name");
    expect(
      await rowsElsewhere("SELECT customer_id, license_type FROM licenses WHERE id = ?", license.id),
    ).toEqual([{ customer_id: license.customer_id, license_type: "passing" }]);
    expect(await rowsElsewhere("SELECT name FROM customers WHERE id = ?", license.customer_id)).toEqual([
      { name: license.customer_id },
    ]);
  });
});

/** Restores with something between the pages and what follows them. */
async function preparing(
  backup: Awaited<ReturnType<typeof takeBackup>>,
  statement: [string, unknown[]] | null,
  change: (table: string, text: string) => string | null = (_, text) => text,
): Promise<{ database: any }> {
  const started = (await beginRestore(backup.token)).body;
  const pages = backup.pages.filter(({ table, text }) => change(table, text) !== null);
  await loadAll(started, { ...backup, pages });
  const counted = await finish(started.id);
  if (counted.status !== 200) return { database: { refused: counted.status } };
  if (statement)
    await env.before
      .prepare(statement[0])
      .bind(...statement[1])
      .run();
  return { database: await finishAll(started.id) };
}

describe("an installation that went on between the backup and the restore", () => {
  /** A license with one seat, held by box-1 when the backup was made. */
  const oneSeat = async () => {
    const { license, license_key: key } = await newLicense({ max_instances: 1 });
    const certificate = await certificateOf(key, "box-1");
    return { license, key, certificate };
  };
  const ask = (path: string, license_key: string, instance_id: string, certificate: string) =>
    call(`/v1/${path}`, { body: { license_key, instance_id, certificate }, bindings: elsewhere });

  it("has its seat, if it was renewed, also long after the lease in the backup", async () => {
    const { key } = await oneSeat();
    const backup = await takeBackup();
    setTime(NOW + 20 * DAY);
    const later = (await checkIn(key, "box-1")).body.certificate;
    await restore(backup);
    // The restored seat is held for 30 days; then another one takes it, and the holder's certificate still runs.
    const other = () =>
      call("/v1/activate", { body: { license_key: key, instance_id: "box-9" }, bindings: elsewhere });
    setTime(NOW + 29 * DAY);
    expect((await other()).status).toBe(403);
    setTime(NOW + 40 * DAY);
    expect((await other()).status).toBe(200);
    const answer = await ask("check-in", key, "box-1", later);
    expect(answer).toMatchObject({ status: 200 });
    expect(decodeJwt(answer.body.certificate)).not.toHaveProperty("proven");
  });

  it.each(["check-in", "activate"])(
    "gets its seat back by %s also above the limit, with an event, if it was activated since",
    async (path) => {
      const { license, key } = await oneSeat();
      const backup = await takeBackup();
      setTime(NOW + DAY);
      await deactivate(key, "box-1");
      const later = await certificateOf(key, "box-2");
      await restore(backup);
      setTime(NOW + 2 * DAY);
      const answer = await ask(path, key, "box-2", later);
      expect(answer.status).toBe(200);
      expect(decodeJwt(answer.body.certificate)).not.toHaveProperty("proven");
      // Again, as an answer that got lost: the same seat, and no second event.
      const again = await ask(path, key, "box-2", later);
      expect(decodeJwt(again.body.certificate)).not.toHaveProperty("proven");
      const told = await rowsElsewhere<{ detail: string }>(
        "SELECT action, detail FROM events WHERE entity_id = ? AND action = 'activation.recovered'",
        license.id,
      );
      expect(told.map(({ detail }) => JSON.parse(detail))).toEqual([
        { activation_id: decodeJwt(answer.body.certificate).jti, instance_id: "box-2", above_limit: true },
      ]);
      expect(
        await rowsElsewhere(
          "SELECT instance_id FROM activations WHERE license_id = ? AND ended_at = 0",
          license.id,
        ),
      ).toEqual([{ instance_id: "box-1" }, { instance_id: "box-2" }]);
      expect((await admin("/statistics", { bindings: elsewhere })).body.instances.active).toBe(2);
      // Nobody else does.
      expect(
        (
          await call("/v1/activate", {
            body: { license_key: key, instance_id: "box-3" },
            bindings: elsewhere,
          })
        ).status,
      ).toBe(403);
    },
  );

  it("keeps its proof if it was activated anew since", async () => {
    const { key, license } = await oneSeat();
    const backup = await takeBackup();
    setTime(NOW + DAY);
    await deactivate(key, "box-1");
    const later = await certificateOf(key, "box-1");
    await restore(backup);
    setTime(NOW + 2 * DAY);
    const answer = await ask("check-in", key, "box-1", later);
    expect(decodeJwt(answer.body.certificate)).not.toHaveProperty("proven");
    expect(
      await rowsElsewhere("SELECT id FROM activations WHERE license_id = ? AND ended_at = 0", license.id),
    ).toEqual([{ id: decodeJwt(answer.body.certificate).jti }]);
  });

  it("gets nothing by a certificate from before the backup, after the restore, or that has ended", async () => {
    const { key } = await oneSeat();
    await deactivate(key, "box-1");
    const old = await certificateOf(key, "box-2");
    await deactivate(key, "box-2");
    await activate(key, "box-1");
    setTime(NOW + 60_000);
    const backup = await takeBackup();
    setTime(NOW + DAY);
    await deactivate(key, "box-1");
    const short = await certificateOf(key, "box-3", { lease_hours: 1 });
    await restore(backup);
    setTime(NOW + 2 * DAY);
    expect((await ask("activate", key, "box-2", old)).status).toBe(403);
    expect((await ask("activate", key, "box-3", short)).status).toBe(403);
    expect((await ask("check-in", key, "box-3", short)).body.code).toBe("INSTANCE_NOT_ACTIVATED");
    // The former service goes on somewhere after the restore: that is not of the time in between.
    setTime(NOW + 2 * DAY + 5_000);
    const after = await certificateOf(key, "box-3");
    expect((await ask("activate", key, "box-3", after)).status).toBe(403);
  });
});

describe("the heads of seals after the backup", () => {
  it("are given up by name, and the seals go on above them", async () => {
    await business();
    const backup = await takeBackup();
    for (let n = 1; n <= 2; n++) {
      setTime(NOW + n * DAY);
      await newCustomer();
      await night();
    }
    const seals = await rows<{ id: number; head: string }>(
      "SELECT id, head FROM audit_seals WHERE id > 1 ORDER BY id",
    );
    const report = await restore(backup);
    const given_up = seals.map(({ id, head }) => ({ seal: id, head }));
    expect(report).toMatchObject({ given_up, restarted: 4, findings: [], seals: 1 });
    const [event] = await rowsElsewhere<{ detail: string }>(
      "SELECT detail FROM events WHERE action = 'record.restored'",
    );
    expect(JSON.parse(event!.detail)).toMatchObject({ backup: backup.id, event: backup.event, given_up });
    expect((await rowsElsewhere("SELECT id FROM audit_seals ORDER BY id")).map(({ id }) => id)).toEqual([
      1, 4,
    ]);
    const status = (await admin("/audit-seals/status", { bindings: elsewhere })).body;
    expect(status.fault).toBeNull();
  });

  it("also if only somebody outside knows of them; a new bucket gets the heads that came back", async () => {
    await business();
    const backup = await takeBackup();
    await bucket.delete("seals/1");
    const report = await restore(backup, { known_seal: 9 });
    expect(report).toMatchObject({ restarted: 10 });
    expect(report.given_up[0]).toEqual({ seal: 2, head: null });
    expect(await (await bucket.get("seals/1"))!.text()).toMatch(/^eyJ/);
  });

  it("a record that was changed by hand comes back as it was, and the report says so", async () => {
    await business();
    const backup = await takeBackup();
    const started = (await beginRestore(backup.token)).body;
    await loadAll(started, backup);
    await finish(started.id);
    await env.before.prepare("UPDATE events SET actor_id = 'nobody' WHERE id = 2").run();
    const report = await finishAll(started.id);
    expect(report.findings).toEqual(["Event 2 is not what was sealed."]);
    expect(report.repeat.join()).toContain("Event 2");
  });
});

describe("who was erased", () => {
  const person = { name: "Zenobia Quandary", email: "zenobia@quandary.example" };

  /** Every value of every table of the restored database, as text. */
  const everything = async (): Promise<string> => {
    const names = [...KEPT.map(({ table }) => table), ...COUNTED].map(nameOf);
    return JSON.stringify(await Promise.all(names.map((name) => rowsElsewhere(`SELECT * FROM ${name}`))));
  };

  it("after the backup is forgotten again by the restore, before anybody can ask", async () => {
    const { id } = await newCustomer(person);
    const other = await newCustomer({ name: "Stays" });
    const contact = (
      await admin(`/customers/${other.id}/contacts`, { body: { email: "zenobia@elsewhere.example" } })
    ).body;
    const backup = await takeBackup();
    setTime(NOW + DAY);
    const reason = { body: { reason: "Asked for it" } };
    expect((await admin(`/customers/${id}/erase`, reason)).status).toBe(200);
    expect((await admin(`/customers/${other.id}/contacts/${contact.id}/erase`, reason)).status).toBe(200);
    expect(await restore(backup)).toMatchObject({ erasures: 2, findings: [] });
    expect(await everything()).not.toMatch(/zenobia|quandary/i);
    expect(await rowsElsewhere("SELECT name FROM customers ORDER BY name")).toEqual([
      { name: "Erased" },
      { name: "Stays" },
    ]);
  });

  it("while the backup is read, also without a bucket; and before it, is not in it", async () => {
    const { id } = await newCustomer(person);
    const early = await newCustomer({ name: "Earlier Quandary" });
    const reason = { body: { reason: "Asked for it" } };
    await admin(`/customers/${early.id}/erase`, reason);
    setTime(NOW + 1_000);
    let erased = false;
    const backup = await takeBackup({}, async (tables) => {
      if (erased || !tables.has("customers")) return;
      erased = true;
      await admin(`/customers/${id}/erase`, reason);
    });
    expect(erased).toBe(true);
    const { BACKUPS: _none, ...without } = elsewhere;
    expect(await restore(backup, {}, without)).toMatchObject({ erasures: 1 });
    expect(await everything()).not.toMatch(/zenobia|quandary/i);
  });
});

describe("a restore", () => {
  it("refuses a database that is not empty, and changes nothing there", async () => {
    await newLicense();
    const { token } = await takeBackup();
    const before = await schemaOf(rows);
    const answer = await beginRestore(token, {}, env);
    expect(answer).toMatchObject({ status: 409, body: { code: "CONFLICT" } });
    expect(await schemaOf(rows)).toEqual(before);
    expect(await rows("SELECT * FROM restores")).toEqual([]);
  });

  it("refuses what another service signed, what is edited, and what a newer release made", async () => {
    const { token, manifest } = await takeBackup();
    const { createKeyring } = await import("../../src/crypto/keyring.ts");
    const { keys } = JSON.parse(env.SIGNING_KEYS);
    const ring = createKeyring(keys);
    const said = async (claims: object) =>
      (await beginRestore(await ring.sign("backup+jwt", claims as never))).body.detail as string;
    const { tables } = manifest;
    expect(await said({ ...manifest, iss: "https://other.example" })).toContain("another one");
    expect(await said({ ...manifest, format: 2 })).toContain("newer release made the backup (format 2)");
    expect(await said({ ...manifest, tables: { ...tables, gadgets: tables["usage"] } })).toContain(
      "table gadgets",
    );
    const licenses = { ...tables["licenses"], columns: [...tables["licenses"]!.columns, "color"] };
    expect(await said({ ...manifest, tables: { ...tables, licenses } })).toContain("column licenses.color");
    const [head, , signature] = token.split(".");
    const forged = `${head}.${btoa(JSON.stringify({ ...manifest, event: 99 })).replace(/=+$/, "")}.${signature}`;
    expect(await beginRestore(forged)).toMatchObject({ status: 422 });
    expect(await beginRestore(token, { with_access: true })).toMatchObject({ status: 422 });
    expect(await rowsElsewhere("SELECT * FROM restores")).toEqual([]);
  });

  it("leaves the indexes of a table that is too large to make them in one statement", async () => {
    const { manifest } = await takeBackup();
    const { createKeyring } = await import("../../src/crypto/keyring.ts");
    const tables = { ...manifest.tables, events: { ...manifest.tables["events"]!, rows: 3_000_001 } };
    const ring = createKeyring(JSON.parse(env.SIGNING_KEYS).keys);
    await beginRestore(await ring.sign("backup+jwt", { ...manifest, tables }));
    const left = await rowsElsewhere<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('events', 'licenses')",
    );
    expect(left.map(({ name }) => name).toSorted()).toEqual([
      "events_by_action",
      "events_by_actor",
      "events_by_entity",
    ]);
  });

  it("refuses a page that is none, out of turn, or of another table, and at the end pages that were not signed", async () => {
    await newLicense();
    const backup = await takeBackup();
    const started = (await beginRestore(backup.token)).body;
    const customers = backup.pages.find(({ table }) => table === "customers")!.text;
    expect((await loadPage(started.id, "customers", 2, customers)).status).toBe(409);
    expect((await loadPage(started.id, "licenses", 1, customers)).status).toBe(422);
    expect((await loadPage(started.id, "gadgets", 1, customers)).status).toBe(422);
    expect((await loadPage(started.id, "people", 1, customers)).status).toBe(422);
    expect((await loadPage(started.id, "customers", 1, "")).status).toBe(422);
    const cut = customers.split("\n");
    expect((await loadPage(started.id, "customers", 1, `${cut[0]}\n[1`)).status).toBe(422);
    expect((await loadPage("rst_01KB1Q5V2E8N4P6R0S1T3W5X7Z", "customers", 1, customers)).status).toBe(404);
    expect((await finish(started.id)).status).toBe(409);
    // An edit within what fits.
    const edited = backup.pages.map(({ table, text }) => ({
      table,
      text: table === "customers" ? text.replace("Acme", "Adme") : text,
    }));
    await loadAll(started, { ...backup, pages: edited });
    expect(await finish(started.id)).toMatchObject({ status: 409 });
    expect((await finish(started.id)).body.detail).toContain("customers");
  });

  it("that was killed goes on, loads no page twice, and can be begun anew with another backup", async () => {
    await newLicense();
    const first = await takeBackup();
    setTime(NOW + 1_000);
    const { license } = await newLicense();
    const second = await takeBackup();
    const started = (await beginRestore(first.token)).body;
    const { text } = first.pages.find(({ table }) => table === "customers")!;
    await loadPage(started.id, "customers", 1, text);
    expect(await loadPage(started.id, "customers", 1, text)).toMatchObject({ status: 200 });
    const again = (await beginRestore(first.token)).body;
    expect(again.id).toBe(started.id);
    expect(again.tables.find(({ table }: { table: string }) => table === "customers").pages_loaded).toBe(1);
    const other = (await beginRestore(second.token)).body;
    expect(other.id).not.toBe(started.id);
    await loadAll(other, second);
    await finishAll(other.id);
    expect(await rowsElsewhere("SELECT id FROM licenses WHERE id = ?", license.id)).toHaveLength(1);
    expect(await schemaOf(rowsElsewhere)).toEqual(await schemaOf(rows));
    // Asked again once it is done, it says the same.
    expect((await finish(other.id)).body.done).toBe(true);
    expect(await beginRestore(second.token)).toMatchObject({ status: 409 });
  });

  it("keeps everybody out until it ends: 503 for instances and for changes, and no job runs", async () => {
    const { license_key: key } = await newLicense();
    const certificate = await certificateOf(key, "box-1");
    const backup = await takeBackup();
    const started = (await beginRestore(backup.token)).body;
    await loadAll(started, backup);
    const body = { license_key: key, instance_id: "box-1", certificate };
    for (const path of ["activate", "check-in", "validate", "deactivate"]) {
      const answer = await call(`/v1/${path}`, { body, bindings: elsewhere });
      expect([path, answer.status]).toEqual([path, 503]);
    }
    const made = await admin("/customers", { body: { id: "new", name: "New" }, bindings: elsewhere });
    expect(made.status).toBe(503);
    await fire(DELIVERIES, elsewhere);
    await night(elsewhere);
    expect(await rowsElsewhere("SELECT * FROM jobs WHERE started_at IS NOT NULL")).toEqual([]);
    await finishAll(started.id);
    expect((await call("/v1/check-in", { body, bindings: elsewhere })).status).toBe(200);
    expect(
      (await admin("/customers", { body: { id: "new", name: "New" }, bindings: elsewhere })).status,
    ).toBe(201);
  });
});
