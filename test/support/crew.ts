// A license with everything that belongs to it, and a person or token of each role to make requests.
import type { Permission } from "../../src/kernel/permissions.ts";
import { env } from "./env.ts";
import type { References } from "./hostile.ts";
import { activate, admin, call, newCustomer, newLicense, newToken, ORIGIN, unique } from "./service.ts";

/** The roles of people and of tokens; that of a monitor, below, only tokens have. */
export const PERSON_ROLES = ["owner", "manager", "viewer"] as const;

export const ROLES = [...PERSON_ROLES, "monitor"] as const;

export type Role = (typeof ROLES)[number];

const ALL = ["owner", "manager", "viewer"];

/** Which roles have a permission. Repeated here so that nobody changes the rules by accident. */
export const ROLES_OF: Record<Permission, string[]> = {
  health: [...ALL, "monitor"],
  read: ALL,
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

export async function newTokens(): Promise<Record<Role, string>> {
  const tokens = { owner: env.ADMIN_TOKEN } as Record<Role, string>;
  for (const role of ["manager", "viewer", "monitor"] as const)
    tokens[role] = (await newToken({ role })).token;
  return tokens;
}

export async function newReferences(): Promise<References> {
  const customer = await newCustomer({ email: `${unique("contact")}@acme.example` });
  const { license, license_key } = await newLicense({ customer_id: customer.id, send_email: true });
  const activation = await activate(license_key, "box-1");
  const messages = await admin(`/messages?license_id=${license.id}`);
  return {
    $license: license.id,
    $customer: customer.id,
    $license_key: license_key,
    $certificate: activation.body.certificate,
    $activation: activation.body.activation_id,
    $message: messages.body.data[0]?.id ?? "none",
    $token_id: (await newToken({ role: "viewer" })).api_token.id,
    $license_type: "standard",
    $instance: "box-1",
  };
}

export interface Visitor {
  /** The headers that a browser sends with each request of this session. */
  headers: Record<string, string>;
  formToken: string;
}

/** Signs in at the console as a browser would. */
export async function visitorOf(token: string): Promise<Visitor> {
  const { headers } = await call("/admin/sign-in", {
    raw: new URLSearchParams({ token }),
    headers: { Origin: ORIGIN },
  });
  const cookie = /^(__Host-caio-session=[^;]+)/.exec(headers.get("Set-Cookie") ?? "")?.[1];
  if (cookie === undefined) throw new Error("not signed in");
  const page = await call("/admin", { headers: { Cookie: cookie } });
  const formToken = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1];
  if (formToken === undefined) throw new Error("a page without a form");
  return { headers: { Cookie: cookie, Origin: ORIGIN }, formToken };
}
