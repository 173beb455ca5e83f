// Which role may do what: the one table that every verb asks.
import * as z from "zod/mini";
import type { Context, Role, SiteRole, SiteVisitor, Staff } from "../context.ts";
import { Problem } from "../problems.ts";
import { PERSON_ROLES, ROLES } from "../storage/schema.ts";

export const AnyRole = z.enum(ROLES);

/** A person may have any role but that of a monitor, which is for programs. */
export const PersonRole = z.enum(PERSON_ROLES);

const ALLOWED = {
  /** How the service does: its jobs, its mail, its database. No customer is in it. */
  health: ["owner", "manager", "viewer", "monitor"],
  read: ["owner", "manager", "viewer"],
  /** Seeing license keys, one by one or in an export. */
  keys: ["owner", "manager"],
  customers: ["owner", "manager"],
  licenses: ["owner", "manager"],
  activations: ["owner", "manager"],
  imports: ["owner", "manager"],
  "license-types": ["owner"],
  /** API tokens and the roles of people, reading them included. */
  access: ["owner"],
  /** Forgetting a customer or a contact, and reading all that is kept about one. */
  erasure: ["owner"],
  /** Telling other systems: what leaves the house, and the first bytes of what they answer. */
  "webhook-endpoints": ["owner"],
  /** Beginning the seals anew. */
  seals: ["owner"],
  /** Reading the whole database, and restoring one. */
  backups: ["owner"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof ALLOWED;

const CONTACTS = ["license", "billing", "technical"] as const;

/** What customers may do on their own site, by the roles of a contact. A key shows the standing of its license. */
const ALLOWED_ON_SITE = {
  licenses: [...CONTACTS, "key"],
  /** Who holds a seat, and where. */
  seats: ["license", "technical"],
  free: ["technical"],
  /** Request files in, license files out, and receipts. */
  files: ["technical"],
  /** A renewal, more seats, a question; and the answers. */
  ask: CONTACTS,
  keys: ["license"],
  /** Who else of the customer is written to and may sign in, and what happened there. */
  contacts: ["license"],
} as const satisfies Record<string, readonly SiteRole[]>;

export type SitePermission = keyof typeof ALLOWED_ON_SITE;

export const mayOnSite = ({ roles }: Pick<SiteVisitor, "roles">, permission: SitePermission): boolean =>
  roles.some((role) => (ALLOWED_ON_SITE[permission] as readonly SiteRole[]).includes(role));

const grants = (role: Role, permission: Permission): boolean =>
  (ALLOWED[permission] as readonly Role[]).includes(role);

/** The member of staff who acts, or who ordered what the system does now. */
const staffIn = ({ actor }: Context): Staff | undefined =>
  actor.type === "staff" ? actor : actor.type === "system" ? actor.orderedBy : undefined;

/** Whether the actor may do this, for calls that show some actors more than others. */
export function allows(context: Context, permission: Permission): boolean {
  const staff = staffIn(context);
  return staff !== undefined && grants(staff.role, permission);
}

/**
 * The member of staff who acts, after a check that they may.
 * @throws Problem UNAUTHENTICATED if nobody is signed in
 * @throws Problem FORBIDDEN if the actor's role does not include the permission
 */
export function allow(context: Context, permission: Permission): Staff {
  const staff = staffIn(context);
  if (!staff) throw new Problem("UNAUTHENTICATED");
  if (!grants(staff.role, permission)) {
    throw new Problem("FORBIDDEN", `The role ${staff.role} does not allow this.`);
  }
  return staff;
}

/**
 * The customer who acts. Every statement of theirs names this customer.
 * @throws Problem UNAUTHENTICATED if nobody is signed in, FORBIDDEN if none of their roles allows it
 */
export function allowOnSite({ actor }: Context, permission: SitePermission): SiteVisitor {
  if (actor.type !== "customer") throw new Problem("UNAUTHENTICATED");
  if (!mayOnSite(actor, permission)) throw new Problem("FORBIDDEN", "Your role does not allow this.");
  return actor;
}
