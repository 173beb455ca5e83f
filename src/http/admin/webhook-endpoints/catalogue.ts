// Every webhook with an example, for the OpenAPI document and the reference: made of the table of events.
import { EVENT_TYPES, type EventAction } from "../../../record/catalogue.ts";
import { isByInstances } from "../../../record/events.ts";
import type { EntityType } from "../../../record/entities.ts";
import { impersonal, impersonalEvent } from "../../../webhook-endpoints/personal.ts";
import { TOLD_ACTIONS } from "../../../webhook-endpoints/subscriptions.ts";
import type { Webhook } from "../../openapi/webhooks.ts";
import { customer, INSTANCE, license, licenseType } from "../../examples.ts";
import { endpointExample } from "./schemas.ts";
import { apiToken, entitlement, health, message } from "../examples.ts";

type Shown = Record<string, unknown>;

const OBJECTS: Partial<Record<EntityType, { id: string; shown: Shown }>> = {
  customer: { id: customer.id, shown: customer },
  license: { id: license.id, shown: license },
  license_type: { id: licenseType.id, shown: licenseType },
  entitlement: { id: entitlement.code, shown: entitlement },
  message: { id: message.id, shown: message },
  job: { id: "nightly", shown: health.jobs.nightly },
  webhook_endpoint: { id: endpointExample.id, shown: endpointExample },
};

const AT = "2026-11-24T09:00:00.551Z";
const ID = 1_207;

/** What an event leaves its object in; null: it is gone. */
const AFTER: Partial<Record<EventAction, Shown | null>> = {
  "customer.deleted": null,
  "entitlement.changed": { over: "refuse_new" },
  "entitlement.deleted": null,
  "entitlement.ended": { entitlements: { gpus: { value: 8, until: "2026-11-24T09:00:00.000Z" } } },
  "job.failed": {
    outcome: "failed",
    failures: [{ step: "seal", error: "Error: The last seal is not in the record." }],
  },
  "license.changed": { max_instances: 8 },
  "license.expired": {
    standing: "expired",
    expires_at: "2026-11-10T09:00:00.000Z",
    grace_until: "2026-11-24T09:00:00.000Z",
  },
  "license.expiring": {
    standing: "expiring",
    expires_at: "2026-12-08T09:00:00.000Z",
    grace_until: "2026-12-22T09:00:00.000Z",
  },
  "license.grace_started": {
    standing: "grace",
    expires_at: "2026-11-24T09:00:00.000Z",
    grace_until: "2026-12-08T09:00:00.000Z",
  },
  "license.reissued": { revision: 2 },
  "license.revoked": { status: "revoked", standing: "revoked" },
  "license.suspended": { status: "suspended", standing: "suspended" },
  "license.transferred": { customer_id: "globex" },
  "license_type.deleted": null,
  "mail.failed": { status: "failed", attempts: 1, next_try_at: null },
  "webhook_endpoint.deleted": null,
  "webhook_endpoint.switched_off": {
    active: false,
    state: "switched_off",
    last_event: 1_206,
    failures: 15,
    failing_since: "2026-11-19T09:00:00.000Z",
    last_success_at: "2026-11-19T08:00:00.000Z",
    switched_off_at: "2026-11-24T09:00:00.551Z",
  },
};

/** The ids of what has no resource. */
const IDS: Partial<Record<EventAction, string>> = {
  "customers.exported": "customers",
  "database.exported": "bck_01KB3QP4C6E8G0J2M4P6R8T0V2",
  "instances.exported": "instances",
  "licenses.exported": "licenses",
  "record.restarted": "seals",
  "record.restored": "database",
};

/** By staff, though their names begin as those do that instances cause. */
const BY_STAFF = new Set<EventAction>(["activation.freed", "instance.clone_cleared"]);

function actorOf(type: EventAction, by: string | undefined): { type: string; id: string } {
  if (by !== undefined) return { type: "system", id: by };
  return isByInstances(type) && !BY_STAFF.has(type)
    ? { type: "instance", id: INSTANCE }
    : { type: "staff", id: apiToken.id };
}

/** A delivery of this type, as an endpoint gets it that asks for nothing personal. */
function exampleOf(type: EventAction): Record<string, unknown> {
  const { entity, detail, by } = EVENT_TYPES[type];
  const object = OBJECTS[entity];
  const after = AFTER[type];
  const event = impersonalEvent({
    id: ID,
    at: AT,
    action: type,
    actor: actorOf(type, by),
    entity: { type: entity, id: object?.id ?? IDS[type] ?? "-" },
    request_id: "7d3c8f5e-2f0a-4a2e-9d57-0a4f6b1f4a10",
    ip: null,
    detail,
  });
  return {
    id: ID,
    type,
    timestamp: AT,
    data: {
      event,
      object: object && after !== null ? impersonal(entity, { ...object.shown, ...after }) : null,
    },
  };
}

/** In the order of their names. */
export const WEBHOOKS: Webhook[] = TOLD_ACTIONS.map((type) => ({
  type,
  words: EVENT_TYPES[type].words,
  entity: EVENT_TYPES[type].entity,
  example: exampleOf(type),
}));
