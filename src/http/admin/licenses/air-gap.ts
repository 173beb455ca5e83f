// /v1/admin/licenses/{id}/offline-…: the files that a courier carries.
import { GRANT_REFUSALS } from "../../../licensing/seats/grants.ts";
import {
  activateOffline,
  deactivateOffline,
  licenseFileName,
  OfflineActivation,
  OfflineDeactivation,
} from "../../../licensing/seats/air-gap/air-gap.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, LicenseFile } from "../schemas.ts";

export const airGapEndpoints = [
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/offline-activations",
      tag: "Admin",
      summary: "Make a license file for an installation without a network",
      description:
        "Takes the request file that the installation wrote; it may carry usage and the last certificate, like a check-in. The seat is taken like any other, up to the license's end or for lease_days.",
      access: "activations",
      params: Id,
      body: { schema: OfflineActivation, example: { request: examples.checkInRequest } },
      answer: {
        status: 200,
        description: "The content of the .caio-license file.",
        schema: LicenseFile,
        example: examples.licenseFile,
      },
      refusals: [...GRANT_REFUSALS],
    },
    async ({ http, context, params, body }) => {
      const file = await activateOffline(context, params.id, body);
      http.header("Content-Disposition", `attachment; filename="${licenseFileName(file.instance_id)}"`);
      return http.json(file);
    },
  ),
  endpoint(
    {
      method: "post",
      path: "/v1/admin/licenses/{id}/offline-deactivations",
      tag: "Admin",
      summary: "Free a seat with the receipt that its installation signed",
      description:
        "The receipt is a JWS (typ deactivation+jwt, EdDSA), signed with the key whose public half was in the installation's request file; its payload contains the certificate.",
      access: "activations",
      params: Id,
      body: { schema: OfflineDeactivation, example: { receipt: examples.issuedLicense.license_key } },
      answer: { status: 204, description: "The installation holds no seat now." },
      refusals: ["LICENSE_NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params, body }) => {
      await deactivateOffline(context, params.id, body);
      return http.body(null, 204);
    },
  ),
];
