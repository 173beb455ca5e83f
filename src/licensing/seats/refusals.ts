// Why an instance is refused, signed: a client whose certificate still holds stops for nothing that anybody on the way, or
// a wrong deployment of ours, could have said.
import type { Context } from "../../context.ts";
import { formatInstantOrNull, numericDate } from "../../kernel/dates.ts";
import { Problem } from "../../problems.ts";
import type { KeyIdentity } from "../licenses/license-keys.ts";
import type { Terms } from "../licenses/licenses.ts";
import { graceUntil, type StandingRefusal } from "../licenses/standing.ts";

export type KeyRefusal = StandingRefusal | "LICENSE_KEY_SUPERSEDED";

interface Asking {
  instance_id: string;
  nonce?: string | null | undefined;
}

/** A compact JWS, typ refusal+jwt, by the issuer of the key that was refused. */
const signedRefusal = (
  { keyring }: Context,
  now: number,
  code: KeyRefusal,
  key: KeyIdentity,
  { instance_id, nonce }: Asking,
): Promise<string> =>
  keyring.sign("refusal+jwt", {
    iss: key.issuer,
    sub: instance_id,
    license_id: key.licenseId,
    code,
    iat: numericDate(now),
    ...(nonce == null ? {} : { nonce }),
  });

function detailOf(code: KeyRefusal, license: Terms): string | undefined {
  if (code === "LICENSE_EXPIRED")
    return `The license expired at ${formatInstantOrNull(license.expires_at)} and its grace ended at ${formatInstantOrNull(graceUntil(license))}.`;
  return code === "LICENSE_NOT_STARTED"
    ? `The license starts at ${formatInstantOrNull(license.starts_at)}.`
    : undefined;
}

/** The refusal, signed where an instance asked: at the air gap staff read it. What passes by itself, a start to come, is not. */
export async function refuse(
  context: Context,
  now: number,
  code: KeyRefusal,
  license: Terms,
  key: KeyIdentity,
  request: Asking,
): Promise<Problem> {
  const signed = context.actor.type === "instance" && code !== "LICENSE_NOT_STARTED";
  const extras = signed ? { refusal: await signedRefusal(context, now, code, key, request) } : {};
  return new Problem(code, detailOf(code, license), extras);
}
