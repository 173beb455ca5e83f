// What an instance does with its license: activate, validate, deactivate. Each is one round trip to D1: the
// statement that changes something, its event, and a look at what is there now share a batch.
import * as z from "zod/mini";
import type { Context } from "../context.ts";
import { Problem } from "../problems.ts";
import { signCertificate } from "./certificates.ts";
import { formatInstant, formatInstantOrNull } from "./dates.ts";
import { type KeyIdentity, licenseKeyOf, readLicenseKey } from "./license-keys.ts";
import { presentLicense } from "./licenses.ts";
import {
  claimSeat,
  endActivation,
  look,
  lookAfterClaim,
  presentSeat,
  settleLapsed,
  type View,
  viewOf,
} from "./seats.ts";
import { graceUntil, refusalOf, type Standing, standingOf, type StandingRefusal } from "./standing.ts";

/** Any printable characters; chosen by the instance and kept by it, never a container's host name. */
const InstanceId = z.string().check(z.regex(/^[^\p{C}]{1,128}$/u), z.regex(/\S/));

// Any string at all is taken as a key and judged as one; the body limit bounds its length.
const LicenseKey = z.string();

const Label = (max: number) => z.string().check(z.maxLength(max));

// null is taken as absent: clients in many languages send it for "none".
export const ActivationRequest = z.object({
  license_key: LicenseKey,
  instance_id: InstanceId,
  fingerprint: z.nullish(Label(256)),
  hostname: z.nullish(Label(255)),
  app_version: z.nullish(Label(64)),
  nonce: z.nullish(Label(256)),
  labels: z.nullish(
    z
      .record(z.string().check(z.minLength(1), z.maxLength(64)), Label(256))
      .check(z.refine((labels) => Object.keys(labels).length <= 32, "At most 32 labels")),
  ),
});

export const ValidationRequest = z.object({
  license_key: LicenseKey,
  instance_id: z.nullish(InstanceId),
});

export const DeactivationRequest = z.object({ license_key: LicenseKey, instance_id: InstanceId });

export type ActivationRequest = z.output<typeof ActivationRequest>;
export type ValidationRequest = z.output<typeof ValidationRequest>;
export type DeactivationRequest = z.output<typeof DeactivationRequest>;

type KeyRefusal = StandingRefusal | "LICENSE_KEY_SUPERSEDED";

/** Why this key lets nothing run now, or null. A replaced key is told only that: it may be a thief's. */
function refusalFor(view: View, key: KeyIdentity, standing: Standing): KeyRefusal | null {
  return key.revision < view.license.revision ? "LICENSE_KEY_SUPERSEDED" : refusalOf(standing);
}

function refuse(code: KeyRefusal, { license }: View): Problem {
  switch (code) {
    case "LICENSE_EXPIRED":
      return new Problem(
        code,
        `The license expired at ${formatInstantOrNull(license.expires_at)} and its grace ended at ${formatInstantOrNull(graceUntil(license))}.`,
      );
    case "LICENSE_NOT_STARTED":
      return new Problem(code, `The license starts at ${formatInstantOrNull(license.starts_at)}.`);
    default:
      return new Problem(code);
  }
}

const unknownLicense = () =>
  new Problem("LICENSE_NOT_FOUND", "The license of this key does not exist any more.");

interface Warning {
  code: "LICENSE_EXPIRING" | "LICENSE_IN_GRACE" | "OVER_LIMIT";
  detail: string;
  limit?: string;
  allowed?: number;
  observed?: number;
}

function warningsOf({ license, seatsInUse }: View, standing: Standing): Warning[] {
  const warnings: Warning[] = [];
  if (standing === "expiring") {
    const detail = `The license expires at ${formatInstantOrNull(license.expires_at)}.`;
    warnings.push({ code: "LICENSE_EXPIRING", detail });
  }
  if (standing === "grace") {
    const detail = `The license expired at ${formatInstantOrNull(license.expires_at)}; everything stops at ${formatInstantOrNull(graceUntil(license))} unless it is renewed.`;
    warnings.push({ code: "LICENSE_IN_GRACE", detail });
  }
  if (license.max_instances !== null && seatsInUse > license.max_instances) {
    warnings.push({
      code: "OVER_LIMIT",
      detail: `${seatsInUse} instances are active where the license allows ${license.max_instances}.`,
      limit: "max_instances",
      allowed: license.max_instances,
      observed: seatsInUse,
    });
  }
  return warnings;
}

/**
 * Gives the instance a seat, or renews the lease of the one it has. Idempotent: the same instance never
 * takes a second seat.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, LICENSE_KEY_SUPERSEDED, LICENSE_EXPIRED,
 *   LICENSE_SUSPENDED, LICENSE_REVOKED, LICENSE_NOT_STARTED, ACTIVATION_LIMIT_REACHED, RATE_LIMITED
 */
export async function activate(context: Context, request: ActivationRequest) {
  const key = await presentedKey(context, request.license_key);
  const now = context.clock.now();
  const acting: Context = { ...context, actor: { type: "instance", id: request.instance_id } };
  const results = await context.db.batch([
    ...claimSeat(acting, now, { ...request, key }),
    lookAfterClaim(acting, key.licenseId, request.instance_id, now),
  ]);
  const view = viewOf(results.at(-1)?.results[0], now);
  if (!view) throw unknownLicense();
  const { license, seat } = view;
  const standing = standingOf(license, now);
  const refusal = refusalFor(view, key, standing);
  if (refusal) throw refuse(refusal, view);
  if (!seat) {
    const allowed = license.max_instances ?? 0;
    throw new Problem(
      "ACTIVATION_LIMIT_REACHED",
      `The license allows ${allowed} active ${allowed === 1 ? "instance" : "instances"}, and ${view.seatsInUse} are active.`,
      { limit: "max_instances", allowed, observed: view.seatsInUse },
    );
  }
  if (view.seatsLapsed > 0) context.defer(settleLapsed(context, now, license.id));

  const [license_key, certificate] = await Promise.all([
    licenseKeyOf(context, license),
    signCertificate(context, now, { license, seat, request }),
  ]);
  return {
    status: "activated" as const,
    license_id: license.id,
    customer_id: license.customer_id,
    license_type: license.license_type,
    standing,
    expires_at: formatInstantOrNull(license.expires_at),
    grace_until: formatInstantOrNull(graceUntil(license)),
    features: license.features,
    max_instances: license.max_instances,
    max_services: license.max_services,
    max_requests_per_day: license.max_requests_per_day,
    instances: { active: view.seatsInUse, max: license.max_instances },
    activation_id: seat.activation_id,
    lease_expires_at: formatInstant(seat.lease_expires_at),
    check_in_at: formatInstant(seat.check_in_at),
    license_key,
    certificate,
    warnings: warningsOf(view, standing),
    server_time: formatInstant(now),
  };
}

/**
 * Tells what a key is worth now, for the license alone or for one instance of it. Writes nothing.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, RATE_LIMITED
 */
export async function validate(context: Context, request: ValidationRequest) {
  const key = await presentedKey(context, request.license_key);
  const now = context.clock.now();
  const instanceId = request.instance_id ?? null;
  const [result] = await context.db.batch([look(context, key.licenseId, instanceId)]);
  const view = viewOf(result?.results[0], now);
  if (!view) throw unknownLicense();
  const standing = standingOf(view.license, now);
  const missing = instanceId !== null && !view.seat ? ("INSTANCE_NOT_ACTIVATED" as const) : null;
  const code = refusalFor(view, key, standing) ?? missing ?? ("VALID" as const);
  // The vendor's notes are not the customer's to read.
  const { metadata: _private, updated_at: _updated, ...license } = presentLicense(view.license, now);
  return {
    valid: code === "VALID",
    code,
    standing,
    license,
    instance: view.seat && presentSeat(view.seat),
    server_time: formatInstant(now),
  };
}

/**
 * Frees the instance's seat; does nothing where it has none. Works in every standing: giving back is always
 * allowed.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, LICENSE_KEY_SUPERSEDED, RATE_LIMITED
 */
export async function deactivate(context: Context, request: DeactivationRequest): Promise<void> {
  const key = await presentedKey(context, request.license_key);
  const now = context.clock.now();
  const acting: Context = { ...context, actor: { type: "instance", id: request.instance_id } };
  const results = await context.db.batch([
    ...endActivation(acting, now, key, request.instance_id),
    look(acting, key.licenseId, null),
  ]);
  const view = viewOf(results.at(-1)?.results[0], now);
  if (!view) throw unknownLicense();
  if (key.revision < view.license.revision) throw new Problem("LICENSE_KEY_SUPERSEDED");
}

/**
 * The key that a public request stands on, within the brakes: refused keys are counted by address, good ones
 * by license, so that a hundred instances behind one address do not lock each other out.
 */
async function presentedKey(context: Context, licenseKey: string): Promise<KeyIdentity> {
  const key = await readLicenseKey(context, licenseKey).catch(async (error: unknown) => {
    const within = await context.limits.refusedCredentials(`key:${context.ip ?? "-"}`);
    throw within ? error : tooMany("Too many invalid license keys came from this address.");
  });
  if (await context.limits.license(key.licenseId)) return key;
  throw tooMany("Too many requests were made for this license.");
}

const tooMany = (detail: string): Problem => new Problem("RATE_LIMITED", detail, { retry_after: 60 });
