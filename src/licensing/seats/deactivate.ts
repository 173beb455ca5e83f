// POST /v1/deactivate: gives a seat back.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { Problem } from "../../problems.ts";
import { withKeptId } from "./kept-ids.ts";
import { asInstance, InstanceId, LicenseKey, presentedKey } from "./presented.ts";
import { endActivation } from "./seat-ends.ts";
import { look, viewOf } from "./view.ts";

export const DeactivationRequest = z.object({ license_key: LicenseKey, instance_id: InstanceId });

export type DeactivationRequest = z.output<typeof DeactivationRequest>;

/**
 * Frees the instance's seat; does nothing where it has none. Works in every standing: giving back is always
 * allowed.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, LICENSE_KEY_SUPERSEDED, RATE_LIMITED
 */
export async function deactivate(context: Context, asked: DeactivationRequest): Promise<void> {
  const key = await presentedKey(context, asked.license_key);
  const request = await withKeptId(context, key.licenseId, asked);
  const now = context.clock.now();
  const acting = asInstance(context, request.instance_id);
  const statements = [
    ...endActivation(acting, now, key, request.instance_id),
    look(acting, key.licenseId, null, now),
  ];
  const results = await context.db.batch(statements, "repeatable");
  const view = viewOf(results.at(-1)?.results[0], now);
  if (key.revision < view.license.revision) throw new Problem("LICENSE_KEY_SUPERSEDED");
}
