// Customers, licenses and all else that pages show, made over the API as others make them.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, call, type House, receipt } from "./house.ts";

const DAY = 86_400_000;

const random = (): string => randomUUID().slice(0, 8);

export const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

export const HOSTILE = `<img src=x onerror=alert(1)>"'&<script>alert(2)</script>`;

export interface Customer {
  id: string;
  name: string;
  email: string | null;
}

export interface Issued {
  license: { id: string; customer_id: string; expires_at: string | null; revision: number };
  license_key: string;
}

/** A customer by a name that no other test uses. */
export const newCustomer = (house: House, input: object = {}): Promise<Customer> => {
  const id = `customer-${random()}`;
  return ask(house, "/v1/admin/customers", { id, name: `Acme ${id}`, email: `it@${id}.example`, ...input });
};

/** A license for a customer of its own. */
export async function newLicense(
  house: House,
  input: { customer_id?: string; max_instances?: number } & object = {},
): Promise<Issued> {
  const customer_id = input.customer_id ?? (await newCustomer(house)).id;
  return ask(house, "/v1/admin/licenses", { license_type: "standard", ...input, customer_id });
}

export const newToken = async (house: House, role: "owner" | "manager" | "viewer") =>
  (await ask(house, "/v1/admin/api-tokens", { name: `A ${role}`, role })) as {
    token: string;
    api_token: { id: string };
  };

export const activate = (house: House, license_key: string, instance_id: string, more: object = {}) =>
  ask(house, "/v1/activate", { license_key, instance_id, ...more });

export const checkIn = (house: House, license_key: string, instance_id: string, more: object = {}) =>
  ask(house, "/v1/check-in", { license_key, instance_id, ...more });

export const act = (house: House, id: string, action: string, body: object = {}) =>
  ask(house, `/v1/admin/licenses/${id}/${action}`, body);

/** A license whose end is long past, as it comes from another system. */
export async function importEnded(house: House, customer_id: string, endedDaysAgo: number): Promise<string> {
  const id = `lic_${randomUUID().replaceAll("-", "").slice(0, 26).toUpperCase()}`;
  const row = {
    id,
    customer_id,
    license_type: "standard",
    issued_at: inDays(-400),
    expires_at: inDays(-endedDaysAgo),
    grace_days: 10,
  };
  await ask(house, "/v1/admin/imports/licenses", [row]);
  return id;
}

/** Says that the mail about a license arrived or came back, once it was sent. */
export async function mailCameBack(
  house: House,
  licenseId: string,
  what: "delivered" | "bounced",
): Promise<void> {
  for (let n = 0; n < 300; n++) {
    const { data } = await ask(house, `/v1/admin/messages?license_id=${licenseId}`);
    const message = data[0] && (await ask(house, `/v1/admin/messages/${data[0].id}`));
    if (message?.status === "sent") return receipt(house, what, message);
    await sleep(100);
  }
  throw new Error("the mail was not sent");
}

/** Licenses by what is special about them. */
export type Kinds = Record<string, string>;

/** Something of every kind. Returns the licenses by their kind. */
export async function everyKind(house: House): Promise<Kinds> {
  const plain = await newCustomer(house, { name: "Acme GmbH", metadata: { crm: "4711" } });
  const hostile = await newCustomer(house, { name: HOSTILE, company: HOSTILE, metadata: { note: HOSTILE } });
  await newCustomer(house, { name: "X".repeat(200), email: null });
  const issue = async (input: object) => newLicense(house, { customer_id: plain.id, ...input });
  const active = await newLicense(house, {
    customer_id: hostile.id,
    max_instances: 3,
    max_requests_per_day: 1_000,
    metadata: { note: HOSTILE },
    send_email: true,
  } as object);
  const certificates: string[] = [];
  for (const name of ["live", HOSTILE, "ended"]) {
    const { certificate } = await activate(house, active.license_key, name, {
      hostname: HOSTILE,
      app_version: "17.4.1",
      labels: { zone: HOSTILE },
    });
    certificates.push(certificate);
  }
  const usage = Array.from({ length: 20 }, (_, day) => ({
    date: inDays(-day).slice(0, 10),
    requests: 400 + 40 * day,
    services: 1 + (day % 5),
  }));
  await checkIn(house, active.license_key, "live", { certificate: certificates[0], usage });
  // Somebody without its certificate, from elsewhere.
  await checkIn(house, active.license_key, "live", { hostname: "another", certificate: null });
  await ask(house, "/v1/deactivate", {
    license_key: active.license_key,
    instance_id: "ended",
    certificate: certificates[2],
  });
  const expiring = await issue({ expires_days: 5, send_email: true });
  const perpetual = await issue({ license_type: "enterprise", expires_at: null, max_instances: null });
  const scheduled = await issue({ starts_at: inDays(30) });
  const suspended = await issue({});
  await activate(house, suspended.license_key, "stopped");
  await act(house, suspended.license.id, "suspend", { reason: HOSTILE });
  const revoked = await issue({ license_type: "trial" });
  await act(house, revoked.license.id, "revoke", { reason: "The contract was ended." });
  const grace = await importEnded(house, plain.id, 3);
  const expired = await importEnded(house, plain.id, 40);
  await act(house, active.license.id, "reissue", { reason: HOSTILE });
  await mailCameBack(house, active.license.id, "bounced");
  await mailCameBack(house, expiring.license.id, "delivered");
  await newToken(house, "viewer");
  await ask(house, "/v1/admin/people/ada@smarthaus.example", { role: "manager" }, "PUT");
  return {
    active: active.license.id,
    expiring: expiring.license.id,
    perpetual: perpetual.license.id,
    scheduled: scheduled.license.id,
    suspended: suspended.license.id,
    revoked: revoked.license.id,
    grace,
    expired,
  };
}

/** Ends a token. */
export const revokeToken = (house: House, id: string) =>
  call(house, `/v1/admin/api-tokens/${id}`, undefined, "DELETE");
