// What an instance does with its license: activate, check in, validate, deactivate. Each is one round trip to
// D1: the statement that changes something, its event, and a look at what is there now share a batch.
import * as z from "zod/mini";
import { networkOf } from "../../access/networks.ts";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { grantSeat, presentGrant, refusalFor, unknownLicense } from "./grants.ts";
import { type KeyIdentity, readLicenseKey } from "../licenses/license-keys.ts";
import { presentTerms } from "../licenses/licenses.ts";
import { endActivation } from "./seat-ends.ts";
import { look, presentSeat, viewOf } from "./claims.ts";
import { standingOf } from "../licenses/standing.ts";
import { maxCharacters } from "../licenses/terms.ts";
import { UsageReport } from "../usage/usage.ts";

/** Any printable characters; chosen by the instance and kept by it, never a container's host name. */
const InstanceId = z.string().check(
  // One fault, one message: what fails the first is not told of the second.
  z.regex(/^[^\p{C}]{1,128}$/u, { error: "Must be 1 to 128 printable characters", abort: true }),
  z.regex(/\S/, "Must not be blank"),
);

// Any string at all is taken as a key and judged as one; the body limit bounds its length.
const LicenseKey = z.string();

const Label = (max: number) => z.string().check(...maxCharacters(max));

const MAX_LABELS = 32;

// null is taken as absent: clients in many languages send it for "none".
export const ActivationRequest = z.object({
  license_key: LicenseKey,
  instance_id: InstanceId,
  fingerprint: z.nullish(Label(256)),
  hostname: z.nullish(Label(255)),
  app_version: z.nullish(Label(64)),
  nonce: z.nullish(Label(256)),
  labels: z.nullish(
    z.record(Label(64).check(z.minLength(1)), Label(256)).check(
      z.refine((labels) => Object.keys(labels).length <= MAX_LABELS, `At most ${MAX_LABELS} labels`),
      z.meta({ maxProperties: MAX_LABELS }),
    ),
  ),
});

export const CheckInRequest = z.extend(ActivationRequest, {
  usage: z.nullish(UsageReport),
  certificate: z.nullish(z.string()),
});

export const ValidationRequest = z.object({
  license_key: LicenseKey,
  instance_id: z.nullish(InstanceId),
});

export const DeactivationRequest = z.object({ license_key: LicenseKey, instance_id: InstanceId });

export type ActivationRequest = z.output<typeof ActivationRequest>;
export type CheckInRequest = z.output<typeof CheckInRequest>;
export type ValidationRequest = z.output<typeof ValidationRequest>;
export type DeactivationRequest = z.output<typeof DeactivationRequest>;

const asInstance = (context: Context, id: string): Context => ({
  ...context,
  actor: { type: "instance", id },
});

/**
 * Gives the instance a seat, or renews the lease of the one it has. Idempotent: the same instance never
 * takes a second seat.
 * @throws Problem LICENSE_KEY_INVALID, RATE_LIMITED, and as grantSeat
 */
export async function activate(context: Context, request: ActivationRequest) {
  const key = await presentedKey(context, request.license_key);
  return presentGrant("activated", await grantSeat(asInstance(context, request.instance_id), key, request));
}

/**
 * Renews the lease of an instance that was activated before, and takes in what it used. An instance whose
 * lease ran out takes a seat again if one is free.
 * @throws Problem INSTANCE_NOT_ACTIVATED for one that was never activated, or deactivated; and as activate
 */
export async function checkIn(context: Context, request: CheckInRequest) {
  const key = await presentedKey(context, request.license_key);
  const returning = { ...request, returning: true };
  return presentGrant(
    "checked_in",
    await grantSeat(asInstance(context, request.instance_id), key, returning),
  );
}

/**
 * Tells what a key is worth now, for the license alone or for one instance of it. Writes nothing.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, RATE_LIMITED
 */
export async function validate(context: Context, request: ValidationRequest) {
  const key = await presentedKey(context, request.license_key);
  const now = context.clock.now();
  const instanceId = request.instance_id ?? null;
  const [result] = await context.db.batch([look(context, key.licenseId, instanceId, now)]);
  const view = viewOf(result?.results[0], now);
  if (!view) throw unknownLicense();
  const standing = standingOf(view.license, now);
  const missing = instanceId !== null && !view.seat ? ("INSTANCE_NOT_ACTIVATED" as const) : null;
  const code = refusalFor(view.license, key, standing) ?? missing ?? ("VALID" as const);
  return {
    valid: code === "VALID",
    code,
    standing,
    license: presentTerms(view.license, now),
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
  const acting = asInstance(context, request.instance_id);
  const statements = [
    ...endActivation(acting, now, key, request.instance_id),
    look(acting, key.licenseId, null, now),
  ];
  const results = await context.db.batch(statements, "repeatable");
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
    const within = await context.limits.refusedCredentials(`key:${networkOf(context.ip)}`);
    throw within ? error : tooMany("Too many invalid license keys came from this address.");
  });
  if (await context.limits.license(key.licenseId)) return key;
  throw tooMany("Too many requests were made for this license.");
}

const tooMany = (detail: string): Problem => new Problem("RATE_LIMITED", detail, { retry_after: 60 });
