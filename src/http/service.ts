// The service about itself: its public keys and its health.
import type { Env } from "../config.ts";
import type { Services } from "../context.ts";
import { servicesOf } from "../services.ts";
import { Problem } from "../problems.ts";
import { readiness } from "../health/health.ts";
import { endpoint } from "./endpoint.ts";
import * as examples from "./examples.ts";
import { logged } from "../storage/failures.ts";
import { SECURITY_HEADERS } from "./middleware.ts";
import { Health, JwkSet, Readiness } from "./schemas.ts";

const HEALTH_EXAMPLE = { status: "ok" };

const JWKS = "/.well-known/jwks.json";

const JWKS_HEADERS = {
  "Content-Type": "application/jwk-set+json",
  // Short enough for a new key to be known before its first document spreads.
  "Cache-Control": "public, max-age=300",
};

const jwksOf = ({ keyring }: Pick<Services, "keyring">): string => JSON.stringify(keyring.publicKeys());

const HEADERS_OF_ALL = new Headers({ ...SECURITY_HEADERS, ...JWKS_HEADERS });

const jwks = new WeakMap<Env, string>();

/**
 * The published keys, before any routing, or null for any other request. Every verifier in the world loads
 * them, and they stay the same as long as an isolate lives: nothing is checked, nothing is logged.
 */
export function publishedKeys(request: Request, env: Env): Response | null {
  if (request.method !== "GET") return null;
  const { url } = request;
  if (!url.endsWith(JWKS) || url.indexOf("/", 8) !== url.length - JWKS.length) return null;
  let body = jwks.get(env);
  if (body === undefined) {
    try {
      body = jwksOf(servicesOf(env));
    } catch {
      // The answer to any other request reports a faulty configuration.
      return null;
    }
    jwks.set(env, body);
  }
  const response = new Response(body, { headers: HEADERS_OF_ALL });
  response.headers.set("X-Request-Id", crypto.randomUUID());
  return response;
}

export const serviceEndpoints = [
  endpoint(
    {
      method: "get",
      path: JWKS,
      tag: "Service",
      summary: "The public keys that verify every signed document",
      access: "public",
      answer: {
        status: 200,
        description: "A JWK Set (RFC 7517), the active key first.",
        schema: JwkSet,
        example: examples.jwks,
        contentType: "application/jwk-set+json",
      },
    },
    // Requests that `publishedKeys` does not answer, such as HEAD, come here.
    ({ http, context }) => http.body(jwksOf(context), 200, JWKS_HEADERS),
  ),
  endpoint(
    {
      method: "get",
      path: "/healthz",
      tag: "Service",
      summary: "Whether the Worker answers",
      description: "The header X-Worker-Version names the deployed version.",
      access: "public",
      answer: { status: 200, description: "It does.", schema: Health, example: HEALTH_EXAMPLE },
    },
    ({ http, context }) => {
      // A deployment takes some seconds to spread: this tells whether it arrived.
      if (context.config.version !== null) http.header("X-Worker-Version", context.config.version);
      return http.json({ status: "ok" });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/readyz",
      tag: "Service",
      summary: "Whether the Worker reaches its migrated database and can write",
      description:
        "degraded: a job of the service failed or is late. Installations do not notice that; GET /v1/admin/health says more.",
      access: "public",
      answer: { status: 200, description: "It does.", schema: Readiness, example: HEALTH_EXAMPLE },
      refusals: ["SERVICE_UNAVAILABLE"],
    },
    async ({ http, context }) => {
      const status = await readiness(context).catch((error: unknown) => {
        context.log("error", { ...logged(error), request_id: context.requestId });
        throw new Problem("SERVICE_UNAVAILABLE", "The database does not answer.");
      });
      if (status === "takes no writes")
        throw new Problem("SERVICE_UNAVAILABLE", "The database takes no writes.");
      return http.json({ status });
    },
  ),
];
