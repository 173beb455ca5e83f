// Cloudflare Access in front of the service: it signs people in and tells of them in a header, an RS256 JWT
// that is verified with the keys of the team. https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { AccessConfig } from "../config.ts";
import type { Services } from "../context.ts";
import { isCompactJws } from "../crypto/compact.ts";
import { Problem } from "../problems.ts";

/** Cloudflare signs with RS256; the others cost nothing and let it move on. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];

/**
 * How long after reading the team's keys an unknown one is refused without reading them again: a flood of
 * invented keys asks Cloudflare once a second, and a new key is known at once for all practical purposes.
 */
const COOLDOWN = 1_000;

/** What a key set says of a token, as opposed to a key set that cannot be had. */
const ABOUT_THE_TOKEN = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys];

const known = new WeakMap<AccessConfig, JWTVerifyGetKey>();

/** The team's keys: read by the first request that needs them, and again when they are old or lack one. */
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
 * The e-mail address, in lower case, of the person whom an assertion (the header Cf-Access-Jwt-Assertion)
 * signs in; "" for a sign-in without one (a service token); null for anything that this team did not sign for
 * this application, or that is over, and where Cloudflare Access is not configured.
 * @throws Problem SERVICE_UNAVAILABLE where the team's keys cannot be read
 */
export async function signedInBy({ config, clock }: Services, assertion: string): Promise<string | null> {
  const { access } = config;
  if (!access || !isCompactJws(assertion)) return null;
  try {
    const { payload } = await jwtVerify(assertion, keysOf(access), {
      algorithms: ALGORITHMS,
      issuer: access.team,
      audience: access.audience,
      // Checked where it is there; that it is there has to be asked for.
      requiredClaims: ["exp"],
      currentDate: new Date(clock.now()),
    });
    const email = payload["email"];
    // Only the letters that an address here can have: toLowerCase makes others, such as the Kelvin sign, one of them.
    return typeof email === "string" ? email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : "";
  } catch (error) {
    if (error instanceof Problem) throw error;
    return null;
  }
}
