// What the database itself refuses, whoever writes: each CHECK and each trigger of the migrations is met here.
import { describe, expect, it } from "vitest";
import { env } from "../support/env.ts";
import { newLicense, rows } from "../support/service.ts";

type Row = Record<string, string | number | null>;

const INSTANT = 1_767_225_600_000;

const TERMS: Row = {
  grace_days: 0,
  lease_days: 1,
  check_in_hours: 1,
  features: "[]",
  max_instances: 1,
  max_services: 1,
  max_requests_per_day: 1,
  notice_days: "[]",
};

const FAULTS_OF_TERMS: Row[] = [
  { grace_days: -1 },
  { lease_days: 0 },
  { check_in_hours: 0 },
  { features: "{}" },
  { max_instances: 0 },
  { max_services: 0 },
  { max_requests_per_day: 0 },
  { notice_days: "{}" },
  { unproven_lease_hours: 0 },
  { clone_policy: "stop" },
  { entitlements: "[]" },
];

const ROLE = { role: "admin" };

/** Of each table a row that is just right, and what makes it wrong. */
const TABLES: Record<string, { right: Row; wrong: Row[] }> = {
  customers: {
    right: { id: "a", name: "A", metadata: "{}", created_at: 0, updated_at: 0 },
    wrong: [
      { id: "" },
      { id: "a".repeat(65) },
      { name: "" },
      { name: "a".repeat(201) },
      { metadata: "[]" },
      { tags: "{}" },
      { portal: 2 },
    ],
  },
  license_types: {
    right: { id: "a", name: "A", duration_days: 1, duration: "P1D", ...TERMS, created_at: 0, updated_at: 0 },
    wrong: [
      { id: "" },
      { id: "a".repeat(65) },
      { duration_days: 0 },
      { duration: "P0D" },
      ...FAULTS_OF_TERMS,
    ],
  },
  licenses: {
    right: {
      id: "lic_a",
      customer_id: "nobody",
      license_type: "standard",
      status: "active",
      revision: 1,
      issued_at: INSTANT,
      starts_at: INSTANT,
      expires_at: INSTANT + 1_000,
      ...TERMS,
      metadata: "{}",
      updated_at: 0,
    },
    wrong: [
      // What time decides is never stored.
      { status: "expired" },
      { revision: 0 },
      { issued_at: INSTANT + 1 },
      { starts_at: INSTANT + 1 },
      { expires_at: INSTANT + 1_001 },
      { expires_at: INSTANT },
      { starts_at: null, expires_at: 0 },
      { metadata: "[]" },
      { unproven_until: 1 },
      { updates_until: 1 },
      { tags: "{}" },
      ...FAULTS_OF_TERMS,
    ],
  },
  pending_changes: {
    right: {
      id: "chg_a",
      license_id: "lic_a",
      action: "renew",
      effective_at: 0,
      input: "{}",
      status: "pending",
      ordered_by: "a",
      ordered_at: 0,
      held_by: "a",
      updated_at: 0,
    },
    wrong: [{ action: "reissue" }, { input: "[]" }, { status: "scheduled" }],
  },
  activations: {
    right: {
      license_id: "lic_a",
      ended_at: 10,
      instance_id: "a",
      id: "act_a",
      activated_at: 10,
      last_seen_at: 10,
      lease_expires_at: 1_000,
      check_in_at: 10,
      seats_in_use: 1,
      seats_lapsed: 0,
      ended_by: "lease",
      labels: "{}",
    },
    wrong: [
      { ended_at: 9 },
      { instance_id: "" },
      { instance_id: "a".repeat(129) },
      { lease_expires_at: 1_001 },
      { ended_by: "system" },
      { labels: "[]" },
      { unproven: "[]" },
      { meters: "{}" },
    ],
  },
  events: {
    right: {
      id: 1,
      at: 0,
      action: "a",
      entity_type: "a",
      entity_id: "a",
      actor_type: "system",
      actor_id: "a",
      request_id: "a",
      detail: "{}",
    },
    wrong: [{ detail: "[]" }],
  },
  license_turns: {
    right: { turn: "ends", size: 7, prefix: "2026-01", n: 0 },
    wrong: [{ turn: "revoked" }],
  },
  activation_totals: { right: { only: 1, up_to: 0, activations: 0, seated: 0 }, wrong: [{ only: 2 }] },
  webhook_endpoints: {
    right: {
      id: "whe_a",
      url: "https://acme.example",
      events: "[]",
      active: 0,
      include_personal: 0,
      cursor: 0,
      created_at: 0,
      updated_at: 0,
    },
    wrong: [
      { url: "" },
      { url: "a".repeat(2_049) },
      { events: "{}" },
      { active: 2 },
      { include_personal: 2 },
      { cursor: -1 },
    ],
  },
  license_told: {
    right: {
      license_id: "lic_a",
      ends_at: 1,
      stage: "expired",
      days: 0,
      code: "",
      due_at: 1,
      told_at: INSTANT,
      request_id: "r",
      detail: "{}",
    },
    wrong: [{ stage: "ended" }, { detail: "[]" }],
  },
  time_walk: { right: { only: 1, up_to: null }, wrong: [{ only: 2 }] },
  license_refusals: {
    right: { license_id: "lic_a", refusals: "[]", refused_at: 0 },
    wrong: [{ refusals: "{}" }],
  },
  settled_attention: {
    right: { license_id: "lic_a", kind: "silent", settled_at: 2, until: 3 },
    wrong: [{ kind: "loud" }, { until: 2 }],
  },
  api_tokens: {
    right: {
      id: "tok_a",
      name: "A",
      role: "viewer",
      prefix: "caio_",
      hash: "0".repeat(64),
      created_by: "a",
      created_at: 0,
    },
    wrong: [{ name: "" }, { name: "a".repeat(201) }, ROLE, { hash: "0".repeat(63) }, { is_monitor: 2 }],
  },
  jobs: {
    right: { name: "a", known_since: 0 },
    wrong: [{ outcome: "late" }, { counts: "[]" }, { failures: "{}" }],
  },
  write_probe: { right: { only: 1, filling: "x" }, wrong: [{ only: 2 }] },
  people: {
    right: { email: "a@acme.example", role: "viewer", created_at: 0, updated_at: 0 },
    wrong: [{ email: "A@acme.example" }, ROLE],
  },
  staff_views: { right: { actor_id: "a", view: "{}", updated_at: 0 }, wrong: [{ view: "[]" }] },
  idempotency_keys: {
    right: { actor_id: "a", key: "a", request_hash: "a", request_id: "a", created_at: 0 },
    wrong: [{ key: "" }, { key: "a".repeat(256) }],
  },
  usage: {
    right: { license_id: "lic_a", day: "2026-01-01", instance_id: "a", requests: 0, services: 0 },
    wrong: [
      { day: "2026-1-1" },
      { day: "2026-01-01T00" },
      { requests: -1 },
      { services: -1 },
      { meters: "[]" },
      { told: "{}" },
    ],
  },
  license_usage: {
    right: { day: "2026-01-01", license_id: "lic_a", requests: 0, services: 0 },
    wrong: [{ meters: "[]" }, { before: "[]" }],
  },
  entitlements: {
    right: { code: "a", name: "A", kind: "flag", created_at: 0, updated_at: 0 },
    wrong: [
      { kind: "number" },
      { kind: "meter" },
      { aggregate: "sum" },
      { preset: "{" },
      { kind: "meter", aggregate: "mean", period: "day", over: "warn" },
      { kind: "meter", aggregate: "sum", period: "year", over: "warn" },
      { kind: "meter", aggregate: "sum", period: "day", over: "stop" },
    ],
  },
  entitlement_uses: {
    right: { code: "nothing", holder: "license", id: "lic_a" },
    wrong: [{ holder: "customer" }],
  },
  statements: {
    right: {
      license_id: "lic_a",
      month: "2026-01",
      revision: 1,
      closed_at: 0,
      token: "a",
      hash: "a",
      figures: "{}",
    },
    wrong: [{ month: "2026-1" }, { revision: 0 }, { figures: "[]" }],
  },
  overuse: {
    right: { license_id: "lic_a", day: "2026-01-01", limit_name: "max_services" },
    wrong: [{ limit_name: "max_instances" }],
  },
  messages: {
    right: {
      id: "msg_a",
      dedupe_key: "a",
      kind: "a",
      recipient: "a",
      subject: "a",
      content: "a",
      status: "pending",
      created_at: 0,
      updated_at: 0,
    },
    wrong: [{ status: "complained" }],
  },
  contacts: {
    right: { id: "con_a", customer_id: "nobody", email: "a", portal: 1, created_at: 0, updated_at: 0 },
    wrong: [{ roles: "{}" }, { portal: 2 }, { own: 2 }],
  },
  portal_links: {
    right: {
      hash: "a",
      browser_hash: "a",
      address_hash: "a",
      network_hash: "a",
      contacts: "[]",
      created_at: 0,
    },
    wrong: [{ contacts: "{}" }],
  },
  portal_sessions: {
    right: { hash: "a", customer_id: "nobody", contact_id: "a", created_at: 0, expires_at: 0 },
    wrong: [{ contact_id: null }, { license_id: "a" }],
  },
  customer_requests: {
    right: {
      id: "a",
      customer_id: "nobody",
      contact_id: "a",
      kind: "seats",
      seats: 1,
      text: "",
      created_at: 0,
    },
    wrong: [{ kind: "wish" }, { kind: "question" }, { seats: 0 }, { status: "lost" }, { answered_at: 1 }],
  },
  portal_invitations: {
    right: {
      id: "a",
      customer_id: "nobody",
      invited_by: "b",
      email: "a@b.example",
      roles: "[]",
      created_at: 0,
    },
    wrong: [{ roles: "{}" }, { email: null }, { confirmed_at: 1 }],
  },
  mail_pace: { right: { only: 1, next_at: 0 }, wrong: [{ only: 2 }] },
  audit_seals: {
    right: { id: 1, from_id: 5, up_to: 5, sealed_at: 0, head: "a", marks: "a", token: "a" },
    wrong: [{ up_to: 4 }],
  },
  audit_marks: {
    right: { seal: 1, from_id: 5, marks: "a".repeat(64) },
    wrong: [{ marks: "" }, { marks: "a".repeat(65) }, { marks: "a".repeat(64_064) }],
  },
  usage_months: {
    right: { month: "2026-01", license_id: "a", instance_id: "a", days: "{}" },
    wrong: [{ month: "2026-1" }, { days: "[]" }],
  },
  license_usage_months: {
    right: { month: "2026-01", license_id: "a", days: "{}" },
    wrong: [{ month: "2026-01-01" }, { days: "[]" }],
  },
  license_months: {
    right: { license_id: "a", month: "2026-01", requests: 0, services: 0, days: 0 },
    wrong: [{ month: "2026" }, { meters: "[]" }],
  },
  statement_walk: {
    right: { only: 1, month: "", license_id: "" },
    wrong: [{ only: 2 }, { month: "2026-1" }],
  },
  message_walk: { right: { only: 1, id: "" }, wrong: [{ only: 2 }] },
  usage_walk: { right: { only: 1, day: "" }, wrong: [{ only: 2 }] },
  silence_walk: {
    right: { only: 1, license_id: "", ended_at: -1, instance_id: "", found: "[]" },
    wrong: [{ only: 2 }, { found: "{}" }, { counted: "[]" }],
  },
  version_days: {
    right: { day: "2026-01-01", versions: "[]", others: 0 },
    wrong: [{ day: "2026-01" }, { versions: "{}" }, { others: -1 }],
  },
};

function insert(table: string, row: Row): D1PreparedStatement {
  const names = Object.keys(row);
  const sql = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
  return env.DB.prepare(sql).bind(...Object.values(row));
}

/** What refuses these statements, all of which are taken back. */
const refusalOf = (...statements: D1PreparedStatement[]): Promise<string> =>
  env.DB.batch(statements).then(
    () => "nothing",
    (error: Error) => error.message,
  );

/** The expression in the parentheses that open at `from`. */
function within(sql: string, from: number): string {
  let depth = 0;
  for (let at = from; at < sql.length; at++) {
    if (sql[at] === "(") depth++;
    if (sql[at] === ")" && --depth === 0) return sql.slice(from + 1, at);
  }
  throw new Error(`unbalanced: ${sql}`);
}

/** The expression of each CHECK in the migrated database, with its table. */
async function checks(): Promise<string[]> {
  const tables = await rows<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL AND name NOT GLOB '_cf_*' AND name <> 'd1_migrations'",
  );
  return tables.flatMap(({ name, sql }) => {
    const code = sql.replaceAll(/--[^\n]*/g, "");
    return [...code.matchAll(/\bCHECK\s*(?=\()/g)].map(
      ({ 0: word, index }) => `${name}: ${within(code, index + word.length)}`,
    );
  });
}

const met = new Set<string>();

describe.each(Object.entries(TABLES))("%s", (table, { right, wrong }) => {
  it("takes a row that is just right", async () => {
    // A second time it would be there already, so both are taken back; a license also lacks its customer.
    expect(await refusalOf(insert(table, right), insert(table, right))).toMatch(/UNIQUE|FOREIGN KEY/);
  });

  it.each(wrong.map((change) => [JSON.stringify(change).slice(0, 60), change] as const))(
    "refuses %s",
    async (_, change) => {
      const refusal = await refusalOf(insert(table, { ...right, ...change }));
      const [, check] = /CHECK constraint failed: (.*?)(?:: SQLITE_CONSTRAINT.*)?$/.exec(refusal) ?? [];
      expect(check, refusal).toBeDefined();
      met.add(`${table}: ${check}`);
    },
  );
});

it("there is no CHECK that nothing here meets", async () => {
  expect([...met].toSorted()).toEqual([...new Set(await checks())].toSorted());
});

describe("the triggers", () => {
  it("are these, and each is met by a test", async () => {
    const triggers = await rows<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
    );
    expect(triggers.map(({ name }) => name)).toEqual([
      // The tests of test/licensing/seats read the events that they write.
      "activations_record_insert",
      "activations_record_unproven",
      "activations_record_update",
      // test/audit/seals.spec.ts
      "audit_marks_refuse_delete",
      "audit_marks_refuse_update",
      "audit_seals_refuse_delete",
      "audit_seals_refuse_update",
      // test/http/portal/requests.spec.ts
      "customer_requests_gone",
      // test/licensing/customers/contacts.spec.ts
      "customers_contact_changed",
      "customers_contact_made",
      "customers_contacts_gone",
      // test/storage/schema.spec.ts
      "events_refuse_delete",
      "events_refuse_update",
      // test/licensing/usage/meters.spec.ts
      "license_months_meters",
      // test/licensing/seats/budget.spec.ts and kept-sums.spec.ts, and below for what only hands delete.
      "license_seats_delete",
      "license_seats_insert",
      "license_seats_update",
      // test/licensing/licenses/turns.spec.ts
      "license_told_record",
      // test/licensing/entitlements/entitlements.spec.ts
      "license_types_entitlements_delete",
      "license_types_entitlements_insert",
      "license_types_entitlements_update",
      // test/licensing/usage/meters.spec.ts
      "license_usage_begins",
      "license_usage_changed_late",
      "license_usage_gains",
      // Below.
      "license_usage_insert",
      // test/licensing/usage/meters.spec.ts
      "license_usage_meters_folded",
      // Below.
      "license_usage_told_late",
      "license_usage_update",
      // test/licensing/figures/statistics.spec.ts, and below for what only hands delete.
      "licenses_count_insert",
      "licenses_count_update",
      // test/licensing/licenses/customer-suspension.spec.ts
      "licenses_end_suspension",
      // test/licensing/entitlements/entitlements.spec.ts
      "licenses_entitlements_insert",
      "licenses_entitlements_update",
      // As licenses_count_insert.
      "licenses_uncount_delete",
      "licenses_uncount_update",
      // test/notices/mail-failed.spec.ts
      "messages_record_failed",
      // test/licensing/licenses/pending-changes.spec.ts
      "pending_changes_overtaken",
      // test/http/portal/contacts.spec.ts
      "portal_invitations_contact_gone",
      "portal_invitations_gone",
      // test/http/portal/sign-in.spec.ts
      "portal_sessions_contact_changed",
      "portal_sessions_contact_gone",
      "portal_sessions_customer_gone",
      "portal_sessions_customer_off",
      "portal_sessions_license_changed",
      // test/licensing/instances/silence.spec.ts
      "silent_instances_record_insert",
      "silent_instances_record_update",
      // test/http/console/view.spec.ts
      "staff_views_person_gone",
      "staff_views_token_revoked",
      // test/licensing/usage/meters.spec.ts
      "usage_meters_folded",
      // test/licensing/usage/folding.spec.ts
      "usage_unfold",
    ]);
  });

  it("count a license no more that is deleted by hand, which no call does", async () => {
    const counted = async () => ({
      licenses: await rows("SELECT * FROM license_counts WHERE n <> 0 ORDER BY 1, 2"),
      turns: await rows("SELECT * FROM license_turns WHERE n <> 0 ORDER BY 1, 2, 3"),
    });
    const before = await counted();
    const { license } = await newLicense({ starts_at: "2031-01-01", expires_at: "2032-01-01" });
    expect(await counted()).not.toEqual(before);
    await rows("DELETE FROM licenses WHERE id = ?", license.id);
    expect(await counted()).toEqual(before);
  });

  it("add up the usage of a license on each day, and what a later figure adds to it", async () => {
    const day = "1999-12-31";
    const tell = (instance: string, requests: number, services: number) =>
      rows(
        `INSERT INTO usage (license_id, day, instance_id, requests, services) VALUES ('lic_a', ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET requests = excluded.requests, services = excluded.services`,
        day,
        instance,
        requests,
        services,
      );
    const total = () => rows("SELECT requests, services FROM license_usage WHERE day = ?", day);
    await tell("a", 3, 1);
    expect(await total()).toEqual([{ requests: 3, services: 1 }]);
    await tell("b", 4, 2);
    expect(await total()).toEqual([{ requests: 7, services: 3 }]);
    await tell("a", 5, 1);
    await tell("a", 5, 2);
    expect(await total()).toEqual([{ requests: 9, services: 4 }]);
    await rows("DELETE FROM usage WHERE day = ?", day);
    await rows("DELETE FROM license_usage WHERE day = ?", day);
  });
});
