// /v1/admin/health and /v1/admin/metrics: how the service does, for whoever watches it.
import { readFigures, readHealth } from "../../health/health.ts";
import { metricsOf, OPEN_METRICS } from "../../health/metrics.ts";
import { Problem } from "../../problems.ts";
import { endpoint } from "../endpoint.ts";
import * as z from "zod/mini";
import { ServiceHealth } from "../schemas.ts";
import * as examples from "./examples.ts";

export const healthEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/health",
      tag: "Admin",
      summary: "Whether the jobs run, mail goes out, and the database takes writes",
      description:
        "503 where the nightly job had no good run for 26 hours or the database takes no writes: a problem document with the same members. Tries a write, and takes it back. No customer is named, and the role monitor may call this and the metrics alone.",
      access: "health",
      answer: {
        status: 200,
        description: "Installations are served. degraded: something in `problems` waits for somebody.",
        schema: ServiceHealth,
        example: examples.health,
      },
      refusals: ["SERVICE_UNAVAILABLE"],
    },
    async ({ http, context }) => {
      const { failing, document } = await readHealth(context);
      if (failing)
        throw new Problem("SERVICE_UNAVAILABLE", document.problems.join(" "), { health: document });
      return http.json({ status: document.problems.length > 0 ? "degraded" : "ok", ...document });
    },
  ),
  endpoint(
    {
      method: "get",
      path: "/v1/admin/metrics",
      tag: "Admin",
      summary: "The same figures as OpenMetrics text",
      access: "health",
      answer: {
        status: 200,
        description: "OpenMetrics 1.0. No label names a customer.",
        schema: z.string(),
        example: examples.metrics,
        contentType: "application/openmetrics-text",
      },
    },
    async ({ http, context }) =>
      http.body(metricsOf(await readFigures(context), context.clock.now()), 200, {
        "Content-Type": OPEN_METRICS,
      }),
  ),
];
