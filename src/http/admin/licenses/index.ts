// /v1/admin/licenses and what belongs to one license.
import { airGapEndpoints } from "./air-gap.ts";
import { licenseEndpoints } from "./licenses.ts";
import { licenseActivationsEndpoint } from "./activations.ts";
import { licenseEventsEndpoint, licenseRefusalsEndpoint } from "./events.ts";
import { licenseKeyEndpoint } from "./key.ts";
import { pendingChangeEndpoints } from "./pending-changes.ts";
import { reinstateEndpoint } from "./reinstate.ts";
import { reissueEndpoint } from "./reissue.ts";
import { renewEndpoint } from "./renew.ts";
import { sendEmailEndpoint } from "./send-email.ts";
import { statementEndpoint } from "./statements.ts";
import { revokeEndpoint, suspendEndpoint } from "./stopping.ts";
import { transferEndpoint } from "./transfer.ts";
import { licenseUsageEndpoints } from "./usage.ts";

export const allLicenseEndpoints = [
  ...licenseEndpoints,
  ...licenseUsageEndpoints,
  statementEndpoint,
  licenseKeyEndpoint,
  renewEndpoint,
  suspendEndpoint,
  revokeEndpoint,
  reinstateEndpoint,
  reissueEndpoint,
  transferEndpoint,
  ...pendingChangeEndpoints,
  licenseActivationsEndpoint,
  licenseEventsEndpoint,
  licenseRefusalsEndpoint,
  sendEmailEndpoint,
  ...airGapEndpoints,
];
