// Mounts the surfaces on one Hono application.
import { Hono } from "hono";
import { activationEndpoints } from "./http/admin/activations.ts";
import { auditEndpoints } from "./http/admin/audit.ts";
import { apiTokenEndpoints } from "./http/admin/access/api-tokens.ts";
import { contactEndpoints } from "./http/admin/contacts.ts";
import { customerEndpoints } from "./http/admin/customers.ts";
import { exportEndpoints } from "./http/admin/exports.ts";
import { healthEndpoints } from "./http/admin/health.ts";
import { importEndpoints } from "./http/admin/imports.ts";
import { licenseTypeEndpoints } from "./http/admin/license-types.ts";
import { allLicenseEndpoints } from "./http/admin/licenses/index.ts";
import { overviewEndpoints } from "./http/admin/overview.ts";
import { meEndpoints } from "./http/admin/access/me.ts";
import { messageEndpoints } from "./http/admin/messages.ts";
import { peopleEndpoints } from "./http/admin/access/people.ts";
import { doors } from "./http/console/index.ts";
import { mountConsole } from "./http/console/mount.tsx";
import { mountSignIn } from "./http/console/sign-in.tsx";
import type { AppEnv } from "./http/http.ts";
import { type Endpoint, mount } from "./http/endpoint.ts";
import { instanceEndpoints } from "./http/instances/index.ts";
import { context, notFound, onError } from "./http/middleware.ts";
import { referenceEndpoints } from "./http/reference.tsx";
import { serviceEndpoints } from "./http/service.ts";
import { webhookEndpoints } from "./http/webhooks.ts";

/** Every call of the service, except those that describe it. */
export const endpoints: Endpoint[] = [
  ...instanceEndpoints,
  ...customerEndpoints,
  ...contactEndpoints,
  ...licenseTypeEndpoints,
  ...allLicenseEndpoints,
  ...activationEndpoints,
  ...overviewEndpoints,
  ...auditEndpoints,
  ...apiTokenEndpoints,
  ...peopleEndpoints,
  ...meEndpoints,
  ...exportEndpoints,
  ...importEndpoints,
  ...messageEndpoints,
  ...healthEndpoints,
  ...serviceEndpoints,
  ...webhookEndpoints,
];

function surface(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(context);
  app.notFound(notFound);
  app.onError(onError);
  return app;
}

const CONSOLE = "/admin";

/**
 * Answers requests. The console is a separate application because it has both /licenses/new and /licenses/:id. With
 * such paths in it, Hono's router would look up every call in its slower way.
 */
export function createApp(): Hono<AppEnv>["fetch"] {
  const api = surface();
  mount(api, [...endpoints, ...referenceEndpoints(endpoints)]);
  const pages = surface();
  mountSignIn(pages);
  mountConsole(pages, doors);
  return (request, env, execution) => {
    const isPage = request.url.startsWith(CONSOLE, request.url.indexOf("/", 8));
    return (isPage ? pages : api).fetch(request, env, execution);
  };
}
