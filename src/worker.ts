// The entry points of the Worker: requests, and the triggers of wrangler.toml.
import { getPath } from "hono/utils/url";
import type { Env } from "./config.ts";
import type { Context } from "./context.ts";
import { soundServicesOf } from "./services.ts";
import { mount } from "./http/endpoint.ts";
import { instanceEndpoints } from "./http/instances/index.ts";
import { publishedKeys, serviceEndpoints } from "./http/service.ts";
import { surface } from "./http/surface.ts";

// What installations call, and what they depend on. Everything else is loaded by the first request or trigger that needs
// it: to prepare the console and its like takes an isolate longer than all of this, and most isolates never show a page.
const calls = [...instanceEndpoints, ...serviceEndpoints];
const paths = new Set(calls.map(({ path }) => path));
const instances = surface();
mount(instances, calls);

function moduleOf(path: string) {
  if (path.startsWith("/admin")) return import("./http/console/index.ts");
  return /^\/portal(?:\/|$)/.test(path) ? import("./http/portal/index.ts") : import("./app.ts");
}

function answer(request: Request, env: Env, execution: ExecutionContext): Response | Promise<Response> {
  const path = getPath(request);
  if (paths.has(path)) return instances.fetch(request, env, execution);
  const module = moduleOf(path);
  return module.then((loaded) => loaded.answer(request, env, execution));
}

const jobContext = async (env: Env, execution: ExecutionContext, id: string): Promise<Context> => ({
  ...(await soundServicesOf(env)),
  actor: { type: "system", id },
  requestId: crypto.randomUUID(),
  ip: null,
  defer: (work) => execution.waitUntil(work),
});

async function scheduled(
  { cron, scheduledTime }: ScheduledController,
  env: Env,
  execution: ExecutionContext,
): Promise<void> {
  switch (cron) {
    case "0 3 * * *": {
      const { runNightly } = await import("./jobs/nightly.ts");
      return runNightly(await jobContext(env, execution, "nightly"), scheduledTime);
    }
    case "*/10 * * * *": {
      const { runDeliveries } = await import("./jobs/deliveries.ts");
      return runDeliveries(await jobContext(env, execution, "deliveries"), scheduledTime);
    }
    default:
      throw new Error(`There is no job for the trigger ${cron}.`);
  }
}

const fetch = (request: Request, env: Env, execution: ExecutionContext): Response | Promise<Response> =>
  publishedKeys(request, env) ?? answer(request, env, execution);

export default { fetch, scheduled } satisfies ExportedHandler<Env>;
