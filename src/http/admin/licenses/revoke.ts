// POST /v1/admin/licenses/{id}/revoke.
import { revokeLicense } from "../../../licensing/licenses/lifecycle.ts";
import { stopping } from "./stopping.ts";

export const revokeEndpoint = stopping(
  "revoke",
  "Revoke a license for good",
  "Final.",
  "revoked",
  revokeLicense,
);
