// POST /v1/check-in: renews the lease of an instance and stores its usage.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { UsageReport } from "../../usage/usage.ts";
import { ActivationRequest } from "./activate.ts";
import { presentGrant } from "../answers.ts";
import { grantSeat } from "../grants.ts";
import { withKeptId } from "../ids/kept-ids.ts";
import { keepingRefusal } from "../kept-refusals.ts";
import { asInstance, presentedKey } from "./presented.ts";

export const CheckInRequest = z.extend(ActivationRequest, {
  usage: z.nullish(UsageReport),
});

export type CheckInRequest = z.output<typeof CheckInRequest>;

/**
 * Renews the lease of an instance that was activated before, and stores its usage. An instance whose lease ran out
 * takes a seat again if one is free.
 * @throws Problem INSTANCE_NOT_ACTIVATED if it was never activated, or was deactivated; and as activate
 */
export async function checkIn(context: Context, asked: CheckInRequest) {
  const key = await presentedKey(context, asked.license_key);
  const request = await withKeptId(context, key.licenseId, asked);
  const returning = { ...request, returning: true };
  const acting = asInstance(context, request.instance_id);
  return keepingRefusal(acting, key, request, async () =>
    presentGrant("checked_in", await grantSeat(acting, key, returning)),
  );
}
