// What events are about.
export type EntityType =
  | "customer"
  | "license"
  | "license_type"
  | "entitlement"
  | "api_token"
  | "person"
  | "export"
  | "session"
  | "message"
  | "record"
  | "job"
  | "webhook_endpoint";

/** The entities of access: who may sign in, and who did. Only owners see their events, as with people and tokens. */
export const ACCESS_ENTITIES = ["api_token", "person", "session"] as const satisfies EntityType[];

export const isAccessEntity = (type: string): boolean => ACCESS_ENTITIES.some((entity) => entity === type);

export const isOfAccess = (action: string): boolean =>
  ACCESS_ENTITIES.some((entity) => action.startsWith(`${entity}.`));
