// POST /v1/admin/licenses/{id}/suspend.
import { suspendLicense } from "../../../licensing/licenses/lifecycle.ts";
import { stopping } from "./stopping.ts";

export const suspendEndpoint = stopping(
  "suspend",
  "Suspend a license",
  "Refuses its activations and check-ins until it is reinstated; certificates hold until their lease ends.",
  "suspended",
  suspendLicense,
);
