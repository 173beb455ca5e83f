// The entry points of the Worker: requests, and the triggers of wrangler.toml.
import { createApp } from "./app.ts";
import type { Env } from "./config.ts";
import type { Context } from "./context.ts";
import { soundServicesOf } from "./services.ts";
import { publishedKeys } from "./http/service.ts";
import { runDeliveries } from "./jobs/deliveries.ts";
import { runNightly } from "./jobs/nightly.ts";

const answer = createApp();

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
    case "0 3 * * *":
      return runNightly(await jobContext(env, execution, "nightly"), scheduledTime);
    case "*/10 * * * *":
      return runDeliveries(await jobContext(env, execution, "deliveries"), scheduledTime);
    default:
      throw new Error(`There is no job for the trigger ${cron}.`);
  }
}

const fetch = (request: Request, env: Env, execution: ExecutionContext): Response | Promise<Response> =>
  publishedKeys(request, env) ?? answer(request, env, execution);

export default { fetch, scheduled } satisfies ExportedHandler<Env>;
