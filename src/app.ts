// Mounts every call on one Hono application.
import { activationEndpoints } from "./http/admin/activations.ts";
import { auditEndpoints } from "./http/admin/audit.ts";
import { backupEndpoints } from "./http/admin/backups/backups.ts";
import { restoreEndpoints } from "./http/admin/backups/restores.ts";
import { apiTokenEndpoints } from "./http/admin/access/api-tokens.ts";
import { contactEndpoints } from "./http/admin/contacts.ts";
import { erasureEndpoints } from "./http/admin/erasures/erasure.ts";
import { customerEndpoints } from "./http/admin/customers.ts";
import { customerUsageEndpoint } from "./http/admin/customer-usage.ts";
import { customerRequestEndpoints } from "./http/admin/customer-requests.ts";
import { entitlementEndpoints } from "./http/admin/entitlements/entitlements.ts";
import { exportEndpoints } from "./http/admin/sheets/exports.ts";
import { healthEndpoints } from "./http/admin/health.ts";
import { importEndpoints } from "./http/admin/sheets/imports.ts";
import { licenseTypeEndpoints } from "./http/admin/license-types.ts";
import { allLicenseEndpoints } from "./http/admin/licenses/index.ts";
import { overviewEndpoints } from "./http/admin/overview.ts";
import { meEndpoints } from "./http/admin/access/me.ts";
import { messageEndpoints } from "./http/admin/messages.ts";
import { peopleEndpoints } from "./http/admin/access/people.ts";
import { WEBHOOKS } from "./http/admin/webhook-endpoints/catalogue.ts";
import { webhookEndpointEndpoints } from "./http/admin/webhook-endpoints/endpoints.ts";
import { type Endpoint, mount } from "./http/endpoint.ts";
import { instanceEndpoints } from "./http/instances/index.ts";
import { referenceEndpoints } from "./http/reference.tsx";
import { searchEndpoints } from "./http/admin/search.ts";
import { serviceEndpoints } from "./http/service.ts";
import { surface } from "./http/surface.ts";
import { receiptEndpoints } from "./http/webhooks.ts";

export { WEBHOOKS };

/** Every call of the service, except those that describe it. */
export const endpoints: Endpoint[] = [
  ...instanceEndpoints,
  ...customerEndpoints,
  customerUsageEndpoint,
  ...contactEndpoints,
  ...customerRequestEndpoints,
  ...erasureEndpoints,
  ...licenseTypeEndpoints,
  ...entitlementEndpoints,
  ...allLicenseEndpoints,
  ...activationEndpoints,
  ...searchEndpoints,
  ...overviewEndpoints,
  ...auditEndpoints,
  ...backupEndpoints,
  ...restoreEndpoints,
  ...apiTokenEndpoints,
  ...peopleEndpoints,
  ...meEndpoints,
  ...exportEndpoints,
  ...importEndpoints,
  ...messageEndpoints,
  ...healthEndpoints,
  ...webhookEndpointEndpoints,
  ...serviceEndpoints,
  ...receiptEndpoints,
];

const app = surface();
mount(app, [...endpoints, ...referenceEndpoints(endpoints, WEBHOOKS)]);

/** Answers what is not a page of the console. */
export const answer = app.fetch;
