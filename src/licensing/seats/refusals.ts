// Signed refusals. A client with a valid certificate stops only for a signed refusal, because anybody on the way, or a
// wrong deployment, could send an unsigned one.
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

/** A compact JWS, typ refusal+jwt, with the issuer of the refused key. */
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

/** The refusal; signed if an instance asked. At the air gap, staff read it. A license that has not started yet is not signed: that ends by itself. */
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
