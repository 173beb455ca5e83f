// POST /v1/validate: what a license key is worth now. Writes nothing.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { formatInstant } from "../../../kernel/dates.ts";
import { presentTerms } from "../../licenses/licenses.ts";
import { standingOf } from "../../licenses/standing.ts";
import { refusalFor } from "../grants.ts";
import { withKeptId } from "../ids/kept-ids.ts";
import { InstanceId, LicenseKey, presentedKey } from "./presented.ts";
import { look, presentSeat, viewOf } from "../view.ts";

export const ValidationRequest = z.object({
  license_key: LicenseKey,
  instance_id: z.nullish(InstanceId),
});

export type ValidationRequest = z.output<typeof ValidationRequest>;

/**
 * What a key is worth now, for the license alone or for one instance of it.
 * @throws Problem LICENSE_KEY_INVALID, LICENSE_NOT_FOUND, RATE_LIMITED
 */
export async function validate(context: Context, request: ValidationRequest) {
  const key = await presentedKey(context, request.license_key);
  const now = context.clock.now();
  const instanceId =
    request.instance_id == null
      ? null
      : (await withKeptId(context, key.licenseId, { instance_id: request.instance_id })).instance_id;
  const [result] = await context.db.batch([look(context, key.licenseId, instanceId, now)]);
  const view = viewOf(result?.results[0], now);
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
