// Which role may do what: the one table that every verb asks.
import type { Context, Role } from "../context.ts";
import { Problem } from "../problems.ts";

export type Permission =
  | "customers:read"
  | "customers:write"
  | "license-types:read"
  | "licenses:read"
  | "licenses:write";

const GRANTS: Record<Role, (permission: Permission) => boolean> = {
  owner: () => true,
};

/**
 * @throws Problem UNAUTHENTICATED where nobody is signed in
 * @throws Problem FORBIDDEN where the actor's role does not include the permission
 */
export function allow(context: Context, permission: Permission): void {
  const { actor } = context;
  if (actor.type !== "staff") throw new Problem("UNAUTHENTICATED");
  if (!GRANTS[actor.role](permission)) {
    throw new Problem("FORBIDDEN", `The role ${actor.role} does not include ${permission}.`);
  }
}
