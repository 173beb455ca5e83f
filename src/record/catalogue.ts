// Every type of event, in one table: its words for people, what it is about, and an example of its detail. The types of
// TypeScript, the console, the reference, and the webhooks of the OpenAPI document come from it.
import type { EntityType } from "./entities.ts";

interface Described {
  words: string;
  entity: EntityType;
  /** An example. */
  detail: Record<string, unknown>;
  /** Which part of the service writes it, where that is never staff or an installation. */
  by?: string;
}

const about =
  (entity: EntityType) =>
  (words: string, detail: Record<string, unknown> = {}, by?: string): Described => ({
    words,
    entity,
    detail,
    ...(by === undefined ? {} : { by }),
  });

const license = about("license");
const customer = about("customer");
const licenseType = about("license_type");
const message = about("message");
const token = about("api_token");
const person = about("person");
const session = about("session");
const entitlement = about("entitlement");
const endpoint = about("webhook_endpoint");

const LICENSE = "lic_01KB0Q5T9V3M7Z1D8XQ2R4S6WY";
const SEAT = { activation_id: `act_${LICENSE.slice(4)}_K7M2Q9X4TB`, instance_id: "caio-7f3a9c52" };
const MAIL = { message_id: "msg_01KB0Q5V2E8N4P6R0S1T3W5X7Z" };
const CONTACT = { contact_id: "con_01KB3QJ2A4C6E8G0J2M4P6R8T0", members: ["email", "roles"] };
const ASKED = { request_id: "req_01KB0Q6A3F9P5R7S2T4V6X8Y0Z", kind: "seats", license_id: LICENSE };
const ERASURE = "era_01KB3QN7A9C1E3G5J7M9P1R3T5";
const ORDER = {
  pending_change_id: "chg_01KB3QM9B1D3F5H7K9N1Q3S5V7",
  action: "suspend",
  effective_at: "2027-01-31T12:00:00.000Z",
};
const END = "2026-11-24T09:00:00.000Z";
const BEFORE = "2026-11-10T09:00:00.000Z";
const LATER = "2026-12-08T09:00:00.000Z";

const moved = (from: string, to: string, reason?: string) => ({
  changes: { status: { from, to } },
  ...(reason === undefined ? {} : { reason }),
});

export const EVENT_TYPES = {
  "activation.created": license("Instance activated", { ...SEAT, replaces: null }),
  "activation.ended": license("Seat given back", { ...SEAT, ended_at: END }),
  "activation.freed": license("Seat freed, counts until its file ends", { ...SEAT, counts_until: LATER }),
  "activation.lapsed": license("Lease ran out", { ...SEAT, ended_at: END }, "lease"),
  "activation.recovered": license("Seat recovered after a restore", { ...SEAT, above_limit: false }),
  "api_token.created": token("API token created", { after: { role: "manager" } }),
  "api_token.revealed": token("API token shown again", { replayed: true }),
  "api_token.revoked": token("API token revoked", { role: "manager", prefix: "caio_3Fq7Zp" }),
  "contact.changed": customer("Contact changed", CONTACT),
  "contact.created": customer("Contact added", CONTACT),
  "contact.deleted": customer("Contact removed", { ...CONTACT, members: [] }),
  "contact.email_bounced": customer(
    "Mail to a contact bounced",
    { ...MAIL, contact_id: CONTACT.contact_id },
    "receipts",
  ),
  "contact.email_complained": customer(
    "A contact marked mail as spam",
    { ...MAIL, contact_id: CONTACT.contact_id },
    "receipts",
  ),
  "contact.erased": customer("Contact erased", { erasure_id: ERASURE, contact_id: CONTACT.contact_id }),
  "contact.signed_in": customer("Contact signed in to the customer's site", {
    contact_id: CONTACT.contact_id,
  }),
  "customer.changed": customer("Customer changed", { changes: { name: {} } }),
  "customer.created": customer("Customer created", { after: { id: "acme" }, members: ["name", "email"] }),
  "customer.data_read": customer("All data of the customer read"),
  "customer.deleted": customer("Customer deleted", { before: { id: "acme" } }),
  "customer.email_bounced": customer("Mail bounced", MAIL, "receipts"),
  "customer.email_complained": customer("Mail reported as spam", MAIL, "receipts"),
  "customer.erased": customer("Customer erased", { erasure_id: ERASURE }),
  "customer.imported": customer("Customer imported", { after: { id: "acme" }, members: ["name"] }),
  "customer.reinstated": customer("Licenses of the customer reinstated", { reason: "Paid", licenses: 3 }),
  "customer.signed_out": customer("Customer signed out of the customer's site"),
  "customer.suspended": customer("Licenses of the customer suspended", {
    reason: "Invoice 4711",
    licenses: 3,
  }),
  "customer_request.accepted": customer("Request of the customer accepted", ASKED),
  "customer_request.created": customer("Customer asked for something", ASKED),
  "customer_request.declined": customer("Request of the customer declined", ASKED),
  "customers.exported": about("export")("Customers exported", { format: "csv" }),
  "database.exported": about("export")("Database backed up", { with_access: false }),
  "entitlement.changed": entitlement("Entitlement changed", {
    changes: { over: { from: "warn", to: "refuse_new" } },
  }),
  "entitlement.created": entitlement("Entitlement defined", { after: { code: "tokens", kind: "meter" } }),
  "entitlement.deleted": entitlement("Entitlement deleted", { before: { code: "tokens" } }),
  "entitlement.ended": license("Entitlement ended", { until: END, code: "gpus" }, "time"),
  "instance.clone_cleared": license("Clone mark cleared", {
    activation_id: SEAT.activation_id,
    reason: "Restored from a backup",
  }),
  "instance.clone_suspected": license("Clone suspected", { ...SEAT, replaces: null }),
  "instance.fingerprint_changed": license("Fingerprint changed", { ...SEAT, replaces: null }),
  "instance.key_replaced": license("Installation replaced", { ...SEAT, replaces: null }),
  "instance.silent": license(
    "Instance not seen for three days",
    { ...SEAT, last_seen_at: "2026-11-21T09:00:00.000Z" },
    "silence",
  ),
  "instances.exported": about("export")("Instances exported", { format: "csv" }),
  "job.failed": about("job")("Job failed", { is: "failed", steps: ["seal"] }, "nightly"),
  "license.attention_settled": license("Attention settled", {
    kind: "silent",
    until: LATER,
    reason: "The machine is in storage",
  }),
  "license.attention_unsettled": license("Settlement taken back", {
    kind: "silent",
    reason: "It was taken out of storage",
  }),
  "license.changed": license("Terms changed", { changes: { max_instances: { from: 5, to: 8 } } }),
  "license.expired": license("Expired", { expires_at: BEFORE, grace_days: 14 }, "time"),
  "license.expiring": license("Ends soon", { expires_at: LATER, days: 14 }, "time"),
  "license.grace_started": license("Grace started", { expires_at: END, grace_days: 14 }, "time"),
  "license.imported": license("License imported", { after: { id: LICENSE }, members: [] }),
  "license.issued": license("License issued", { after: { id: LICENSE, status: "active" }, members: [] }),
  "license.key_revealed": license("Key shown", { revision: 1 }),
  "license.mailed": license("Key mailed", { ...MAIL, revision: 1 }),
  "license.overused": license(
    "Used above its limit",
    { day: "2026-11-24", limit: "max_requests_per_day", allowed: 100_000, observed: 120_000 },
    "usage",
  ),
  "license.reinstated": license("Reinstated", moved("suspended", "active")),
  "license.reissued": license("Key replaced", {
    changes: { revision: { from: 1, to: 2 } },
    reason: "Leaked",
  }),
  "license.renewed": license("Renewed", {
    changes: { expires_at: { from: 1_796_126_400_000, to: 1_827_662_400_000 } },
  }),
  "license.revoked": license("Revoked", moved("active", "revoked", "Refunded")),
  "license.suspended": license("Suspended", moved("active", "suspended", "Invoice 4711")),
  "license.transferred": license("Transferred", { changes: { customer_id: { from: "acme", to: "globex" } } }),
  "license_type.changed": licenseType("License type changed", {
    changes: { grace_days: { from: 7, to: 14 } },
  }),
  "license_type.created": licenseType("License type created", { after: { id: "professional" } }),
  "license_type.deleted": licenseType("License type deleted", { before: { id: "professional" } }),
  "licenses.exported": about("export")("Licenses exported", { format: "csv" }),
  "mail.failed": message(
    "Mail failed",
    { kind: "license_delivery", license_id: LICENSE, customer_id: "acme" },
    "deliveries",
  ),
  "message.previewed": message("Preview of mail sent", { kind: "expiry_warning" }),
  "message.replaced": message("Mail sent to another address", MAIL),
  "message.retried": message("Mail sent again", { from: "failed" }),
  "pending_change.cancelled": license("Change cancelled", ORDER),
  "pending_change.done": license("Change carried out", ORDER, "pending-changes"),
  "pending_change.failed": license("Change failed", ORDER, "pending-changes"),
  "pending_change.held": license("Change held", ORDER, "pending-changes"),
  "pending_change.ordered": license("Change ordered", ORDER),
  "pending_change.released": license("Change released", ORDER),
  "person.added": person("Person added", { role: "viewer" }),
  "person.changed": person("Role changed", { before: "viewer", after: "manager" }),
  "person.removed": person("Person removed", { role: "viewer" }),
  "record.restarted": about("record")("Seals begun anew", { reason: "Restored the database", seal: 12 }),
  "record.restored": about("record")("Database restored", {
    backup: "bck_01KB3QP4C6E8G0J2M4P6R8T0V2",
    backup_at: "2026-11-24T03:10:00.000Z",
    event: 1_207,
    with_access: false,
    given_up: [],
  }),
  "seats.exhausted": license("Seats ran out", { limit: "max_instances", allowed: 5, observed: 5 }, "seats"),
  "session.closed": session("Signed out of the console"),
  "session.opened": session("Signed in to the console"),
  "statement.closed": license(
    "Statement of usage closed",
    {
      month: "2026-10",
      revision: 1,
      hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "statements",
  ),
  "usage.corrected": license("Usage corrected", {
    date: "2026-11-24",
    instance_id: SEAT.instance_id,
    from: { requests: 9_000_000, services: 12 },
    to: { requests: 90_000, services: 12 },
    reason: "Counted twice",
  }),
  "webhook_endpoint.changed": endpoint("Webhook endpoint changed", { members: ["events"] }),
  "webhook_endpoint.created": endpoint("Webhook endpoint created", {
    events: ["license.*", "seats.exhausted"],
    active: true,
    include_personal: false,
  }),
  "webhook_endpoint.deleted": endpoint("Webhook endpoint deleted"),
  "webhook_endpoint.replayed": endpoint("Webhook events sent again", { from_event: 1_207, was_at: 2_411 }),
  "webhook_endpoint.secret_revealed": endpoint("Webhook secret shown again", { replayed: true }),
  "webhook_endpoint.secret_rotated": endpoint("Webhook secret changed"),
  "webhook_endpoint.switched_off": endpoint(
    "Webhook endpoint switched off",
    { failing_since: "2026-11-19T09:00:00.000Z", cursor: 1_206 },
    "webhooks",
  ),
  "webhook_endpoint.tested": endpoint("Webhook endpoint tested"),
} satisfies Record<string, Described>;

export type EventAction = keyof typeof EVENT_TYPES;

/** In the order of their names. */
export const EVENT_ACTIONS = Object.keys(EVENT_TYPES) as EventAction[];
