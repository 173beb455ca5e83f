// One Hono application with what happens around every request. There are several: each set of paths that is loaded
// together has its own.
import { Hono } from "hono";
import type { AppEnv } from "./http.ts";
import { context, notFound, onError } from "./middleware.ts";

export function surface(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(context);
  app.notFound(notFound);
  app.onError(onError);
  return app;
}
