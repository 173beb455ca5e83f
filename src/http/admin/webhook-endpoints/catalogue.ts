// Every webhook with an example, for the OpenAPI document and the reference: made of the table of events.
import { EVENT_TYPES, type EventAction } from "../../../record/catalogue.ts";
import type { EntityType } from "../../../record/entities.ts";
import { impersonal } from "../../../webhook-endpoints/personal.ts";
import { TOLD_ACTIONS } from "../../../webhook-endpoints/subscriptions.ts";
import type { Webhook } from "../../openapi-webhooks.ts";
import { customer, license, licenseType } from "../../examples.ts";
import { endpointExample } from "./schemas.ts";
import { health, message } from "../examples.ts";

const OBJECTS: Partial<Record<EntityType, Record<string, unknown> & { id?: string }>> = {
  customer,
  license,
  license_type: licenseType,
  message,
  job: health.jobs.nightly,
  webhook_endpoint: endpointExample,
};

/** The ids of what has no resource. */
const IDS: Partial<Record<EntityType, string>> = { job: "nightly", export: "licenses", record: "seals" };

const AT = "2026-11-24T09:00:00.551Z";
const ID = 1_207;

/** A delivery of this type, as an endpoint gets it that asks for nothing personal. */
function exampleOf(type: EventAction): Record<string, unknown> {
  const { entity, detail } = EVENT_TYPES[type];
  const object = OBJECTS[entity];
  const event = {
    id: ID,
    at: AT,
    action: type,
    actor: { type: "staff", id: "tok_01KB0QA2B4C6D8E0F2G4H6J8K0" },
    entity: { type: entity, id: object?.id ?? IDS[entity] ?? "-" },
    request_id: "7d3c8f5e-2f0a-4a2e-9d57-0a4f6b1f4a10",
    ip: null,
    detail,
  };
  return { id: ID, type, timestamp: AT, data: { event, object: object ? impersonal(entity, object) : null } };
}

/** In the order of their names. */
export const WEBHOOKS: Webhook[] = TOLD_ACTIONS.map((type) => ({
  type,
  words: EVENT_TYPES[type].words,
  entity: EVENT_TYPES[type].entity,
  example: exampleOf(type),
}));
