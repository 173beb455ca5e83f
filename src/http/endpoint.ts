// One declaration per call: what it takes, what it answers, what it may refuse. Requests are validated by
// it and the OpenAPI document is written from it, so the two cannot disagree.
import type { Context as HonoContext, Hono } from "hono";
import type * as z from "zod/mini";
import { authenticate } from "../access/credentials.ts";
import { allow, type Permission } from "../access/permissions.ts";
import type { Env } from "../config.ts";
import type { Context } from "../context.ts";
import { type FieldError, fieldErrors, Problem, type ProblemCode } from "../problems.ts";
import { limitBody, MAX_BODY } from "./body-limit.ts";

export interface AppEnv {
  Bindings: Env;
  Variables: {
    context: Context;
    requestId: string;
    /** The path as declared, once an endpoint answers. */
    route?: string;
    /** The code of the refusal, once there is one. */
    problemCode?: ProblemCode;
  };
}

export type Http = HonoContext<AppEnv>;

type Schema = z.core.$ZodType;
type Parsed<S> = S extends Schema ? z.output<S> : undefined;

/** A table of rows, as CSV or as JSON. */
interface Upload {
  /** What one row is as JSON. */
  row: Schema;
  examples: { json: unknown[]; csv: string };
  maxBytes: number;
}

interface Answer {
  status: 200 | 201 | 204;
  description: string;
  schema?: Schema;
  example?: unknown;
  contentType?: string;
  /** The same in another media type. */
  alternative?: { contentType: string; schema: Schema; example: unknown };
}

interface Declaration<P, Q, B> {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** In OpenAPI's spelling: /v1/admin/licenses/{id}. */
  path: string;
  tag: "Instances" | "Admin" | "Service";
  summary: string;
  description?: string;
  /** What a member of staff must be allowed to do; `public` calls need no credential. */
  access: "public" | Permission;
  params?: P;
  query?: Q;
  body?: { schema: B; example: unknown };
  /** A file in place of a body: the handler reads it with `readSheet`, the verb checks its rows. */
  upload?: Upload;
  answer: Answer;
  /** Codes beside those that every call of its kind shares. */
  refusals?: ProblemCode[];
}

export interface Request<P, Q, B> {
  http: Http;
  context: Context;
  params: Parsed<P>;
  query: Parsed<Q>;
  body: Parsed<B>;
}

/** An endpoint with the types of its parts erased, as `mount` and the OpenAPI writer need it. */
export interface Endpoint extends Declaration<Schema | undefined, Schema | undefined, Schema> {
  handle(request: {
    http: Http;
    context: Context;
    params: never;
    query: never;
    body: never;
  }): Response | Promise<Response>;
}

export function endpoint<
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(
  declaration: Declaration<P, Q, B>,
  handle: (request: Request<P, Q, B>) => Response | Promise<Response>,
): Endpoint {
  return { ...declaration, handle } as unknown as Endpoint;
}

/** Registers the endpoints, and on each of their paths a 405 for every other method. */
export function mount(app: Hono<AppEnv>, endpoints: Endpoint[]): void {
  const methods = new Map<string, string[]>();
  for (const declared of endpoints) {
    const path = declared.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(declared.method, path, (http) => {
      http.set("route", declared.path);
      return answer(declared, http);
    });
    const known = methods.get(path) ?? [];
    methods.set(path, [
      ...known,
      declared.method.toUpperCase(),
      ...(declared.method === "get" ? ["HEAD"] : []),
    ]);
  }
  for (const [path, known] of methods) {
    app.all(path, (http) => {
      throw new Problem("METHOD_NOT_ALLOWED", `${http.req.method} is not allowed here.`, { allow: known });
    });
  }
}

async function answer(declared: Endpoint, http: Http): Promise<Response> {
  let context = http.get("context");
  if (declared.access !== "public") {
    // Before anything of the request is read: strangers learn nothing about it.
    const actor = await authenticate(context, http.req.header("authorization") ?? null);
    if (!actor) {
      const within = await context.limits.refusedCredentials(`token:${context.ip ?? "-"}`);
      throw within
        ? new Problem("UNAUTHENTICATED")
        : new Problem("RATE_LIMITED", undefined, { retry_after: 60 });
    }
    context = { ...context, actor };
    http.set("context", context);
    allow(context, declared.access);
  }
  if (declared.body || declared.upload) await limitBody(http, declared.upload?.maxBytes ?? MAX_BODY);
  const errors: FieldError[] = [];
  const params = check(declared.params, http.req.param(), errors);
  const query = check(declared.query, http.req.query(), errors);
  const body = declared.body ? check(declared.body.schema, await readJson(http), errors) : undefined;
  if (errors.length > 0) throw requestInvalid(errors);
  return declared.handle({
    http,
    context,
    params: params as never,
    query: query as never,
    body: body as never,
  });
}

export const requestInvalid = (errors: FieldError[]): Problem =>
  new Problem(
    "REQUEST_INVALID",
    errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; "),
    { errors },
  );

function check(schema: Schema | undefined, value: unknown, errors: FieldError[]): unknown {
  if (!schema) return undefined;
  const result = (schema as z.ZodMiniType).safeParse(value);
  if (result.success) return result.data;
  errors.push(...fieldErrors(result.error.issues));
  return undefined;
}

export const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

async function readJson(http: Http): Promise<unknown> {
  if (!JSON_TYPE.test(http.req.header("content-type") ?? "")) throw new Problem("UNSUPPORTED_MEDIA_TYPE");
  const bytes = await http.req.arrayBuffer();
  try {
    // RFC 8259 section 8.1: UTF-8, and nothing that is not.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    throw requestInvalid([{ path: "", message: "The body is not JSON in UTF-8" }]);
  }
}
