// A request as every adapter sees it, and what they share about HTTP.
import type { Context as HonoContext } from "hono";
import type { Env } from "../config.ts";
import type { Context } from "../context.ts";
import type { ProblemCode } from "../problems.ts";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    context: Context;
    requestId: string;
    /** The path as declared, once an endpoint answers. */
    route?: string;
    /** Whether that endpoint is one of the instance API. */
    isPublic?: boolean;
    /** The code of the refusal, once there is one. */
    problemCode?: ProblemCode;
  };
}

/** Set by Cloudflare Access on every request that it lets through. */
export const ACCESS_HEADER = "Cf-Access-Jwt-Assertion";

export type Http = HonoContext<AppEnv>;

export const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
