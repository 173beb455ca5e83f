// Mounts the surfaces on one Hono application.
import { Hono } from "hono";
import { customerEndpoints } from "./http/admin/customers.ts";
import { exportEndpoints } from "./http/admin/exports.ts";
import { importEndpoints } from "./http/admin/imports.ts";
import { licenseTypeEndpoints } from "./http/admin/license-types.ts";
import { licenseEndpoints } from "./http/admin/licenses.ts";
import { type AppEnv, type Endpoint, mount } from "./http/endpoint.ts";
import { instanceEndpoints } from "./http/instances/activations.ts";
import { context, notFound, onError, securityHeaders } from "./http/middleware.ts";
import { referenceEndpoints } from "./http/reference.tsx";
import { serviceEndpoints } from "./http/service.ts";

const endpoints: Endpoint[] = [
  ...instanceEndpoints,
  ...customerEndpoints,
  ...licenseTypeEndpoints,
  ...licenseEndpoints,
  ...exportEndpoints,
  ...importEndpoints,
  ...serviceEndpoints,
];

export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(securityHeaders, context);
  mount(app, [...endpoints, ...referenceEndpoints(endpoints)]);
  app.notFound(notFound);
  app.onError(onError);
  return app;
}
