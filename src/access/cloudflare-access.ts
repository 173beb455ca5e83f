// Cloudflare Access in front of the service: it signs people in and names them in a header, an RS256 JWT that is
// verified with the keys of the team. https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { AccessConfig } from "../config.ts";
import type { Services } from "../context.ts";
import { isCompactJws } from "../crypto/compact.ts";
import { Problem } from "../problems.ts";

/** Cloudflare signs with RS256; accepting the others costs nothing and lets it change. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/**
 * For how long after reading the team's keys an unknown key is refused without reading them again. A flood of
 * invented keys then asks Cloudflare only once a second, and a new key is still known almost at once.
 */
const COOLDOWN = 1_000;

/** Errors about the token, as opposed to a key set that cannot be read. */
const ABOUT_THE_TOKEN = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys];

const known = new WeakMap<AccessConfig, JWTVerifyGetKey>();

/** The team's keys: read by the first request that needs them, and again when they are old or a key is missing. */
function keysOf(access: AccessConfig): JWTVerifyGetKey {
  const made = known.get(access);
  if (made) return made;
  const url = new URL("/cdn-cgi/access/certs", access.team);
  const keys = createRemoteJWKSet(url, { cooldownDuration: COOLDOWN });
  const get: JWTVerifyGetKey = async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (ABOUT_THE_TOKEN.some((kind) => error instanceof kind)) throw error;
      // Not the caller's fault: a refusal here would tell signed-in people that they are not.
      throw new Problem("SERVICE_UNAVAILABLE", "The keys of Cloudflare Access cannot be read right now.");
    }
  };
  known.set(access, get);
  return get;
}

/**
 * The e-mail address, in lower case, of the person whom an assertion (the header Cf-Access-Jwt-Assertion) signs in;
 * "" for a sign-in without an address (a service token). Null if this team did not sign it for this application, if it
 * has expired, or if Cloudflare Access is not configured.
 * @throws Problem SERVICE_UNAVAILABLE if the team's keys cannot be read
 */
export async function signedInBy({ config, clock }: Services, assertion: string): Promise<string | null> {
  const { access } = config;
  if (!access || !isCompactJws(assertion)) return null;
  try {
    const { payload } = await jwtVerify(assertion, keysOf(access), {
      algorithms: ALGORITHMS,
      issuer: access.team,
      audience: access.audience,
      // jose checks exp if it is there; requiring it has to be asked for.
      requiredClaims: ["exp"],
      currentDate: new Date(clock.now()),
    });
    const email = payload["email"];
    // Only A to Z: toLowerCase would also turn other letters, such as the Kelvin sign, into ASCII.
    return typeof email === "string" ? email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : "";
  } catch (error) {
    if (error instanceof Problem) throw error;
    return null;
  }
}
