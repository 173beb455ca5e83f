// The public API of an installation. No credentials beyond the license key.
import { activateEndpoint } from "./activate.ts";
import { checkInEndpoint } from "./check-in.ts";
import { validateEndpoint } from "./validate.ts";
import { deactivateEndpoint } from "./deactivate.ts";
import { revocationsEndpoint } from "./revocations.ts";

export const instanceEndpoints = [
  activateEndpoint,
  checkInEndpoint,
  validateEndpoint,
  deactivateEndpoint,
  revocationsEndpoint,
];
