// POST /v1/activate: gives an instance a seat. One round trip to D1: the claim, its event and the read of the result
// share a batch.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { Described, Echoed } from "../../../kernel/inputs.ts";
import { presentGrant } from "../answers.ts";
import { grantSeat } from "../grants.ts";
import { withKeptId } from "../ids/kept-ids.ts";
import { keepingRefusal } from "../kept-refusals.ts";
import { asInstance, InstanceId, LicenseKey, presentedKey } from "./presented.ts";

const MAX_LABELS = 32;

const withoutNameless = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== ""));

// null counts as absent: clients in many languages send it for "none".
export const ActivationRequest = z.object({
  license_key: LicenseKey,
  instance_id: InstanceId,
  fingerprint: z.nullish(Described(256)),
  hostname: z.nullish(Described(255)),
  app_version: z.nullish(Described(64)),
  nonce: z.nullish(Echoed(256)),
  /** The certificate that the instance holds: it proves that the seat is its own. */
  certificate: z.nullish(z.string()),
  /** The longest lease that the instance wants: short leases are for installations that keep no state. */
  lease_hours: z.nullish(z.int().check(z.minimum(1), z.maximum(8_760))),
  labels: z.nullish(
    z.record(Described(64), Described(256)).check(
      z.overwrite(withoutNameless),
      z.refine((labels) => Object.keys(labels).length <= MAX_LABELS, `At most ${MAX_LABELS} labels`),
      z.meta({ maxProperties: MAX_LABELS }),
    ),
  ),
});

export type ActivationRequest = z.output<typeof ActivationRequest>;

/**
 * Gives the instance a seat, or renews the lease of the one it has. Idempotent: the same instance never
 * takes a second seat.
 * @throws Problem LICENSE_KEY_INVALID, RATE_LIMITED, and as grantSeat
 */
export async function activate(context: Context, asked: ActivationRequest) {
  const key = await presentedKey(context, asked.license_key);
  const request = await withKeptId(context, key.licenseId, asked);
  const acting = asInstance(context, request.instance_id);
  return keepingRefusal(acting, key, request, async () =>
    presentGrant("activated", await grantSeat(acting, key, request)),
  );
}
