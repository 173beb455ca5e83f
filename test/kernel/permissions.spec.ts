import { describe, expect, it } from "vitest";
import { allow, allows, AnyRole, type Permission } from "../../src/kernel/permissions.ts";
import type { Context, Role } from "../../src/context.ts";
import type { ProblemCode } from "../../src/problems.ts";

/** Written out again here: a change of the rules has to be meant. */
const RULES: Record<Permission, Role[]> = {
  read: ["owner", "manager", "viewer"],
  keys: ["owner", "manager"],
  customers: ["owner", "manager"],
  licenses: ["owner", "manager"],
  activations: ["owner", "manager"],
  imports: ["owner", "manager"],
  "license-types": ["owner"],
  access: ["owner"],
};

const ROLES: Role[] = ["owner", "manager", "viewer"];

const contextOf = (actor: Context["actor"]): Context => ({ actor }) as Context;

const refusalOf = (work: () => unknown): { code: ProblemCode; message: string } => {
  try {
    work();
  } catch (error) {
    return error as { code: ProblemCode; message: string };
  }
  throw new Error("allowed");
};

const cases = Object.entries(RULES).flatMap(([permission, allowed]) =>
  ROLES.map((role): [Role, Permission, boolean] => [role, permission as Permission, allowed.includes(role)]),
);

describe("a role", () => {
  it.each(cases)("%s: %s? %s", (role, permission, allowed) => {
    const context = contextOf({ type: "staff", id: "tok_1", role });
    expect(allows(context, permission)).toBe(allowed);
    if (allowed) expect(allow(context, permission)).toBe(context.actor);
    else {
      const { code, message } = refusalOf(() => allow(context, permission));
      expect([code, message]).toEqual(["FORBIDDEN", `The role ${role} does not allow this.`]);
    }
  });

  it("is one of three", () => {
    expect(ROLES.map((role) => AnyRole.safeParse(role).success)).toEqual([true, true, true]);
    for (const other of ["Owner", "admin", "", null, undefined])
      expect(AnyRole.safeParse(other).success).toBe(false);
  });
});

describe("who is no member of staff", () => {
  const others: Context["actor"][] = [
    { type: "anonymous", id: "-" },
    { type: "instance", id: "box-1" },
    { type: "system", id: "nightly" },
  ];

  it.each(others)("$type may do nothing, reading included", (actor) => {
    for (const permission of Object.keys(RULES) as Permission[]) {
      expect(allows(contextOf(actor), permission)).toBe(false);
      expect(refusalOf(() => allow(contextOf(actor), permission)).code).toBe("UNAUTHENTICATED");
    }
  });
});
