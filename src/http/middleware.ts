// What happens around every request: its id and context, its log line, security headers, and the one place
// where refusals and failures become answers.
import type { ErrorHandler, MiddlewareHandler, NotFoundHandler } from "hono";
import { ConfigError } from "../config.ts";
import type { Services } from "../context.ts";
import { soundServicesOf } from "../services.ts";
import { Problem } from "../problems.ts";
import { isUnavailable, logged } from "../storage/failures.ts";
import type { AppEnv, Http } from "./http.ts";

export const context: MiddlewareHandler<AppEnv> = async (http, next) => {
  const requestId = crypto.randomUUID();
  http.set("requestId", requestId);
  let services: Services;
  try {
    services = await soundServicesOf(http.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const see = "docs/configuration.md";
    console.error(JSON.stringify({ level: "error", event: "configuration", detail: error.message, see }));
    throw new Problem("SERVICE_UNAVAILABLE", "The service is not configured; its log says what is missing.");
  }
  const started = services.clock.now();
  http.set("context", {
    ...services,
    actor: { type: "anonymous", id: "-" },
    requestId,
    // Set by Cloudflare's edge, not by the client.
    ip: http.req.header("cf-connecting-ip") ?? null,
    defer(work) {
      const settled = work.catch((error: unknown) => {
        services.log("error", { ...logged(error), work: "deferred", request_id: requestId });
      });
      http.executionCtx.waitUntil(settled);
    },
  });
  await next();
  dress(http, http.res);
  if (isRoutine(http)) return;
  // The route, not the path: ids and anything that a stranger put there stay out of the log.
  services.log("info", {
    event: "request",
    request_id: requestId,
    method: http.req.method,
    route: http.get("route") ?? null,
    status: http.res.status,
    code: http.get("problemCode") ?? null,
    actor: http.get("context").actor.type,
    ms: services.clock.now() - started,
  });
};

/**
 * The routine requests of installations that succeed. The platform records each invocation, and the activation keeps
 * the id of its last request; our own line would double the logs, which cost more than the requests.
 */
const isRoutine = (http: Http): boolean => http.get("isPublic") === true && http.res.ok;

export const SECURITY_HEADERS = {
  // An API answer is not a page: nothing in it may load, run or be framed. A page sets its own policy.
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  // Licenses, keys and customers must not be cached; an answer that may be cached says so itself.
  "Cache-Control": "no-store",
};

const HEADERS = Object.entries(SECURITY_HEADERS);

const REQUEST_ID = "X-Request-Id";

/** Adds the headers of every answer that are still missing. */
export function dress(http: Http, { headers }: Response): void {
  if (headers.has(REQUEST_ID)) return;
  headers.set(REQUEST_ID, http.get("requestId"));
  for (const [name, value] of HEADERS) {
    if (!headers.has(name)) headers.set(name, value);
  }
}

const JSON_HEADERS = new Headers({ ...SECURITY_HEADERS, "Content-Type": "application/json" });

/** JSON with all headers set at once, for routine requests: set one by one they take longer than all the rest. */
export function readyJson(http: Http, value: unknown): Response {
  const response = new Response(JSON.stringify(value), { headers: JSON_HEADERS });
  response.headers.set(REQUEST_ID, http.get("requestId"));
  return response;
}

export const notFound: NotFoundHandler<AppEnv> = (http) => respond(http, new Problem("NOT_FOUND"));

export const onError: ErrorHandler<AppEnv> = (error, http) => respond(http, problemOf(error, http));

/** The error as the caller sees it. An unexpected error is logged with the request id and shown to nobody. */
export function problemOf(error: unknown, http: Http): Problem {
  if (error instanceof Problem) return error;
  const { event, ...told } = logged(error);
  console.error(
    JSON.stringify({
      level: "error",
      event,
      request_id: http.get("requestId"),
      route: http.get("route") ?? null,
      ...told,
    }),
  );
  return new Problem(isUnavailable(error) ? "SERVICE_UNAVAILABLE" : "INTERNAL");
}

/** RFC 9457. */
function respond(http: Http, problem: Problem): Response {
  const { code, type, message, extras } = problem;
  const { allow, retry_after, health, ...members } = extras;
  http.set("problemCode", code);
  // Without a context, the configuration itself is what failed.
  const issuer = (http.get("context") as AppEnv["Variables"]["context"] | undefined)?.config.issuer;
  const response = http.body(
    JSON.stringify({
      type: issuer === undefined ? "about:blank" : `${issuer}/docs#${code}`,
      title: type.title,
      status: type.status,
      detail: message,
      code,
      request_id: http.get("requestId"),
      retryable: type.retryable ?? false,
      remedy: type.remedy,
      ...members,
      ...health,
    }),
    type.status as never,
    { "Content-Type": "application/problem+json" },
  );
  if (allow) response.headers.set("Allow", allow.join(", "));
  // Where the remedy is another one, a token is not what is missing.
  if (code === "UNAUTHENTICATED" && extras.remedy === undefined)
    response.headers.set("WWW-Authenticate", 'Bearer realm="caio-licensing"');
  const wait = retry_after ?? (code === "SERVICE_UNAVAILABLE" ? 5 : null);
  if (wait !== null) response.headers.set("Retry-After", String(wait));
  dress(http, response);
  return response;
}
