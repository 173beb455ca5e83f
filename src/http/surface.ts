// One Hono application with what happens around every request. There are several: each set of paths that is loaded
// together has its own.
import { type ErrorHandler, Hono } from "hono";
import type { AppEnv } from "./http.ts";
import { context, notFound, onError } from "./middleware.ts";

/** `refused` answers what no handler could: a site for people answers with a page. */
export function surface(refused: ErrorHandler<AppEnv> = onError): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(context);
  app.notFound(notFound);
  app.onError(refused);
  return app;
}
