import { describe, expect, it } from "vitest";
import { getPerson } from "../../src/access/people.ts";
import { allow, allows, AnyRole, type Permission, PersonRole } from "../../src/kernel/permissions.ts";
import { getApiToken } from "../../src/access/tokens.ts";
import type { Context, Role } from "../../src/context.ts";
import { customerNames } from "../../src/licensing/customers/customers.ts";
import { countSeats } from "../../src/licensing/instances/instances.ts";
import { createLicenseType } from "../../src/licensing/licenses/license-types.ts";
import { getLicenseAndCustomer } from "../../src/licensing/licenses/licenses.ts";
import { previewOffline } from "../../src/licensing/seats/air-gap/air-gap.ts";
import { previewChange, previewIssue } from "../../src/licensing/licenses/preview.ts";
import { previewDelivery } from "../../src/notices/keys/sending.ts";
import { findMessage } from "../../src/notices/messages.ts";
import type { ProblemCode } from "../../src/problems.ts";

/** Written out again here: a change of the rules has to be meant. */
const RULES: Record<Permission, Role[]> = {
  health: ["owner", "manager", "viewer", "monitor"],
  read: ["owner", "manager", "viewer"],
  keys: ["owner", "manager"],
  customers: ["owner", "manager"],
  licenses: ["owner", "manager"],
  activations: ["owner", "manager"],
  imports: ["owner", "manager"],
  "license-types": ["owner"],
  access: ["owner"],
  erasure: ["owner"],
  "webhook-endpoints": ["owner"],
  seals: ["owner"],
  backups: ["owner"],
};

const ROLES: Role[] = ["owner", "manager", "viewer", "monitor"];

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

  it("is one of four, and of a person one of three", () => {
    expect(ROLES.map((role) => AnyRole.safeParse(role).success)).toEqual([true, true, true, true]);
    expect(ROLES.map((role) => PersonRole.safeParse(role).success)).toEqual([true, true, true, false]);
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

type Verb = (context: Context, ...input: never[]) => Promise<unknown>;

/** What no call of the API asks for by itself, and so roles.spec.ts does not reach: the lowest role of each. */
const VERBS_OF_PAGES: [string, Verb, Role][] = [
  ["getPerson", getPerson, "owner"],
  ["getApiToken", getApiToken, "owner"],
  ["createLicenseType", createLicenseType, "owner"],
  ["previewIssue", previewIssue, "manager"],
  ["previewChange", previewChange, "manager"],
  ["previewDelivery", previewDelivery, "manager"],
  ["previewOffline", previewOffline, "manager"],
  ["getLicenseAndCustomer", getLicenseAndCustomer, "viewer"],
  ["customerNames", customerNames, "viewer"],
  ["countSeats", countSeats, "viewer"],
  ["findMessage", findMessage, "viewer"],
];

describe.each(VERBS_OF_PAGES)("%s", (_, verb, lowest) => {
  it(`is for a ${lowest} and up`, async () => {
    // There is nothing else in the context: who is refused gets no further.
    const ask = (actor: Context["actor"]) => verb(contextOf(actor));
    await expect(ask({ type: "anonymous", id: "-" })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    for (const role of ROLES.slice(ROLES.indexOf(lowest) + 1))
      await expect(ask({ type: "staff", id: "tok_1", role })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(ask({ type: "staff", id: "tok_1", role: lowest })).rejects.toThrow(TypeError);
  });
});
