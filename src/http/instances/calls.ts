// The public API of an installation: activate, validate, deactivate. No credentials beyond the license key.
import {
  activate,
  ActivationRequest,
  checkIn,
  CheckInRequest,
  deactivate,
  DeactivationRequest,
  validate,
  ValidationRequest,
} from "../../licensing/seats/instance-calls.ts";
import { GRANT_REFUSALS } from "../../licensing/seats/grants.ts";
import { revocationList, revocationVersion } from "../../licensing/licenses/revocations.ts";
import { fromEdge } from "../edge-cache.ts";
import { endpoint } from "../endpoint.ts";
import * as examples from "../examples.ts";
import { readyJson } from "../middleware.ts";
import { Activation, CheckIn, Token, Validation } from "./schemas.ts";

export const instanceEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/activate",
      tag: "Instances",
      summary: "Activate an installation",
      description:
        "Takes a seat of the license for this instance, or renews the lease of the one it has. Idempotent: the same instance never takes a second seat.",
      access: "public",
      body: { schema: ActivationRequest, example: examples.activationRequest },
      answer: {
        status: 200,
        description: "The instance holds a seat until lease_expires_at.",
        schema: Activation,
        example: examples.activation,
      },
      refusals: [...GRANT_REFUSALS, "RATE_LIMITED"],
    },
    async ({ http, context, body }) => readyJson(http, await activate(context, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/check-in",
      tag: "Instances",
      summary: "Check in: renew the lease and report usage",
      description:
        "usage is cumulative per UTC day: sending it again counts nothing twice, and a day's figure never goes down. Send the certificate held last: it lets a running instance go over to a replaced key, and tells a clone from a restart. Using more than the license allows is a warning, never a refusal.",
      access: "public",
      body: { schema: CheckInRequest, example: examples.checkInRequest },
      answer: {
        status: 200,
        description: "The lease is renewed.",
        schema: CheckIn,
        example: examples.checkIn,
      },
      refusals: [...GRANT_REFUSALS, "INSTANCE_NOT_ACTIVATED", "RATE_LIMITED"],
    },
    async ({ http, context, body }) => readyJson(http, await checkIn(context, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/validate",
      tag: "Instances",
      summary: "Check what a license key is worth now",
      description:
        "Writes nothing. With an instance_id, the answer is valid only while that instance holds a seat.",
      access: "public",
      body: { schema: ValidationRequest, example: examples.validationRequest },
      answer: {
        status: 200,
        description: "Whether the key lets an installation run, and if not, why.",
        schema: Validation,
        example: examples.validation,
      },
      refusals: ["LICENSE_KEY_INVALID", "LICENSE_NOT_FOUND", "RATE_LIMITED"],
    },
    async ({ http, context, body }) => readyJson(http, await validate(context, body)),
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/deactivate",
      tag: "Instances",
      summary: "Give a seat back",
      access: "public",
      body: { schema: DeactivationRequest, example: examples.validationRequest },
      answer: { status: 204, description: "The instance holds no seat (any more)." },
      refusals: ["LICENSE_KEY_INVALID", "LICENSE_KEY_SUPERSEDED", "LICENSE_NOT_FOUND", "RATE_LIMITED"],
    },
    async ({ http, context, body }) => {
      await deactivate(context, body);
      return http.body(null, 204);
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/revocations",
      tag: "Instances",
      summary: "The signed list of revoked, suspended and replaced licenses",
      description:
        "A JWS (typ revocations+jwt) for installations that cannot check in; anybody may pass it on. Honors If-None-Match. A change is in the list within a minute.",
      access: "public",
      answer: {
        status: 200,
        description: "The list.",
        schema: Token,
        example: examples.issuedLicense.license_key,
        contentType: "application/jwt",
        etag: true,
        unchanged: "The list is the one that the caller has.",
      },
    },
    async ({ http, context }) => {
      // The version is asked of the database each time, so a change is in the list at once; the list itself, which
      // grows with what is revoked, is read and signed once per version and data center.
      const version = await revocationVersion(context);
      const kept = await fromEdge(
        `${context.config.issuer}/v1/revocations/${context.keyring.activeKeyId}/${version.issued}/${version.change}`,
        async () => {
          const { token, etag } = await revocationList(context, version);
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
  ),
];
