// GET /v1/admin/licenses/{id}/key.
import { revealLicenseKey } from "../../../licensing/licenses/lifecycle.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import { Id, LicenseKey } from "../schemas.ts";

export const licenseKeyEndpoint = endpoint(
  {
    method: "get",
    path: "/v1/admin/licenses/{id}/key",
    tag: "Admin",
    summary: "Reveal the current license key",
    description: "Recorded as an event.",
    access: "keys",
    params: Id,
    answer: {
      status: 200,
      description: "The key.",
      schema: LicenseKey,
      example: { license_key: examples.issuedLicense.license_key },
    },
    records: true,
    refusals: ["LICENSE_NOT_FOUND"],
  },
  async ({ http, context, params }) => http.json({ license_key: await revealLicenseKey(context, params.id) }),
);
