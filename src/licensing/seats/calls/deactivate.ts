// POST /v1/deactivate: gives a seat back.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { Problem } from "../../../problems.ts";
import { certificateOf } from "../certificates.ts";
import { withKeptId } from "../ids/kept-ids.ts";
import { keepingRefusal } from "../kept-refusals.ts";
import { asInstance, InstanceId, LicenseKey, presentedKey } from "./presented.ts";
import { endActivation } from "../seat-ends.ts";
import { look, viewOf } from "../view.ts";

export const DeactivationRequest = z.object({
  license_key: LicenseKey,
  instance_id: InstanceId,
  /** The certificate that the instance holds: without it, anybody with the key could take its seat away. */
  certificate: z.nullish(z.string()),
});

export type DeactivationRequest = z.output<typeof DeactivationRequest>;

/**
 * Frees the instance's seat; does nothing if it has none. Works in every standing: giving a seat back is always
 * allowed.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, RATE_LIMITED
 * @throws Problem LICENSE_KEY_SUPERSEDED for a replaced key without the certificate of the seat
 * @throws Problem CERTIFICATE_REQUIRED if there is a live seat and nothing proves that the instance asks
 */
export async function deactivate(context: Context, asked: DeactivationRequest): Promise<void> {
  const key = await presentedKey(context, asked.license_key);
  const request = await withKeptId(context, key.licenseId, asked);
  const now = context.clock.now();
  const acting = asInstance(context, request.instance_id);
  const certificate = await certificateOf(context, key, request);
  const statements = [
    ...endActivation(acting, now, key, request.instance_id, certificate?.activationId ?? null),
    look(acting, key.licenseId, request.instance_id, now),
  ];
  const results = await context.db.batch(statements, "repeatable");
  await keepingRefusal(acting, key, request, async () => {
    const { license, seat } = viewOf(results.at(-1)?.results[0], now);
    // An activation that the certificate proved has ended by now, even with a replaced key.
    if (key.revision < license.revision && (seat !== null || certificate === null))
      throw new Problem("LICENSE_KEY_SUPERSEDED");
    if (seat !== null) throw new Problem("CERTIFICATE_REQUIRED");
  });
}
