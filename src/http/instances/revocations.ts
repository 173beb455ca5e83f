// GET /v1/revocations.
import * as z from "zod/mini";
import { listIssuer, revocationList, revocationVersion } from "../../licensing/licenses/revocations.ts";
import { fromEdge } from "../edge-cache.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { Token } from "./schemas.ts";

const RevocationsQuery = z.object({
  issuer: z.optional(
    z
      .string()
      .check(
        z.describe(
          "The `iss` of the list: the issuer of the service, or a former one. Default: the issuer of the address that is asked.",
        ),
      ),
  ),
});

export const revocationsEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/revocations",
    tag: "Instances",
    summary: "The signed list of revoked, suspended and replaced licenses",
    description:
      "A JWS (typ revocations+jwt) for installations that cannot check in; anybody may pass it on. Honors If-None-Match. A change is in the list within a minute.",
    access: "public",
    query: RevocationsQuery,
    answer: {
      status: 200,
      description: "The list.",
      schema: Token,
      example: examples.issuedLicense.license_key,
      contentType: "application/jwt",
      etag: true,
      unchanged: "The caller has this list already.",
    },
  },
  async ({ http, context, query }) => {
    const issuer = listIssuer(context, query.issuer, new URL(http.req.url).origin);
    // The version is read from the database each time, so a change is in the list at once. The list itself, which
    // may be long, is read and signed once per version and data center.
    const version = await revocationVersion(context);
    const kept = await fromEdge(
      `${context.config.issuer}/v1/revocations/${context.keyring.activeKeyId}/${version.issued}/${version.change}?issuer=${encodeURIComponent(issuer)}`,
      async () => {
        const { token, etag } = await revocationList(context, version, issuer);
        return new Response(token, { headers: { ETag: etag, "Content-Type": "application/jwt" } });
      },
      (work) => context.defer(work),
    );
    const etag = kept.headers.get("ETag") ?? "";
    const headers = {
      ETag: etag,
      "Cache-Control": "public, max-age=60",
      "Content-Type": "application/jwt",
    };
    const known = http.req.header("if-none-match");
    if (known?.trim() === "*" || known?.includes(etag)) {
      await kept.body?.cancel();
      return http.body(null, 304, headers);
    }
    return http.body(await kept.arrayBuffer(), 200, headers);
  },
);
