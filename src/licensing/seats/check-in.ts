// POST /v1/check-in: renews the lease of an instance and takes in what it used.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { UsageReport } from "../usage/usage.ts";
import { ActivationRequest } from "./activate.ts";
import { presentGrant } from "./answers.ts";
import { grantSeat } from "./grants.ts";
import { asInstance, presentedKey } from "./presented.ts";

export const CheckInRequest = z.extend(ActivationRequest, {
  usage: z.nullish(UsageReport),
});

export type CheckInRequest = z.output<typeof CheckInRequest>;

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
