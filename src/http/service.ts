// The service about itself: its public keys and its health.
import { Problem } from "../problems.ts";
import { isReady } from "../storage/database.ts";
import { endpoint } from "./endpoint.ts";
import * as examples from "./examples.ts";
import { Health, JwkSet } from "./schemas.ts";

const HEALTH_EXAMPLE = { status: "ok" };

export const serviceEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/.well-known/jwks.json",
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
    ({ http, context }) =>
      http.body(JSON.stringify(context.keyring.publicKeys()), 200, {
        "Content-Type": "application/jwk-set+json",
        // Short enough for a new key to be known before its first document spreads.
        "Cache-Control": "public, max-age=300",
      }),
  ),
  endpoint(
    {
      method: "get",
      path: "/healthz",
      tag: "Service",
      summary: "Whether the Worker answers",
      access: "public",
      answer: { status: 200, description: "It does.", schema: Health, example: HEALTH_EXAMPLE },
    },
    ({ http }) => http.json({ status: "ok" }),
  ),
  endpoint(
    {
      method: "get",
      path: "/readyz",
      tag: "Service",
      summary: "Whether the Worker reaches its migrated database",
      access: "public",
      answer: { status: 200, description: "It does.", schema: Health, example: HEALTH_EXAMPLE },
      refusals: ["SERVICE_UNAVAILABLE"],
    },
    async ({ http, context }) => {
      if (!(await isReady(context.db)))
        throw new Problem("SERVICE_UNAVAILABLE", "The database does not answer.");
      return http.json({ status: "ok" });
    },
  ),
];
