// One declaration per call: its input, its answer, its refusals. Requests are validated by
// it and the OpenAPI document is written from it, so the two cannot disagree.
import type { Hono } from "hono";
import * as z from "zod/mini";
import { authenticate } from "../access/credentials.ts";
import { brakeOf } from "../access/guesses.ts";
import { allow, type Permission } from "../kernel/permissions.ts";
import type { Context } from "../context.ts";
import { byName } from "../kernel/inputs.ts";
import {
  type FieldError,
  fieldErrors,
  pathOf,
  Problem,
  type ProblemCode,
  requestInvalid,
} from "../problems.ts";
import { limitBody, MAX_BODY } from "./body-limit.ts";
import { ACCESS_HEADER, type AppEnv, type Http, JSON_TYPE } from "./http.ts";
import { answerOnce, idempotencyKeyOf } from "./idempotency.ts";

type Schema = z.core.$ZodType;
type Parsed<S> = S extends Schema ? z.output<S> : undefined;

/** A table of rows, as CSV or as JSON. */
interface Upload {
  /** The shape of one row as JSON. */
  row: Schema;
  examples: { json: unknown[]; csv: string };
  maxBytes: number;
}

/** Lines of JSON (NDJSON) as the body; the handler reads its text. */
interface Lines {
  description: string;
  example: string;
  maxBytes: number;
}

interface Answer {
  status: 200 | 201 | 204;
  description: string;
  schema?: Schema;
  example?: unknown;
  contentType?: string;
  /** Describes the same answer as a 201, if the call can also create the thing. */
  created?: string;
  /** The 202, if the call can also order the same for later. */
  accepted?: { description: string; schema: Schema; example: unknown };
  /** The answer has an ETag. */
  etag?: true;
  /** Describes the 304 to a GET with If-None-Match. */
  unchanged?: string;
  /** The same answer in another media type. */
  alternative?: { contentType: string; schema: Schema; example: unknown };
}

interface Declaration<P, Q, B> {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** In OpenAPI's spelling: /v1/admin/licenses/{id}. */
  path: string;
  tag: "Instances" | "Admin" | "Service";
  summary: string;
  description?: string;
  /** The permission that staff need; `public` calls need no credential. */
  access: "public" | Permission;
  params?: P;
  query?: Q;
  body?: { schema: B; example: unknown };
  /** A file instead of a body: the handler reads it with `readSheet`, the verb checks its rows. */
  upload?: Upload;
  /** Lines instead of a body. */
  lines?: Lines;
  answer: Answer;
  /** A GET that records that something was shown. HEAD shows nothing, so it is not allowed. */
  records?: true;
  /** Codes in addition to those that every call of its kind shares. */
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

/** The If-Match header of a request, if it has one. An empty header counts too: it matches nothing. */
export const ifMatch = (http: Http): string | undefined => http.req.header("if-match");

/** Registers the endpoints, and on each of their paths a 405 for every other method. */
export function mount(app: Hono<AppEnv>, endpoints: Endpoint[]): void {
  const methods = new Map<string, string[]>();
  const refuse = (http: Http, path: string): never => {
    throw new Problem("METHOD_NOT_ALLOWED", `${http.req.method} is not allowed here.`, {
      allow: methods.get(path) ?? [],
    });
  };
  for (const declared of endpoints) {
    const path = declared.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(declared.method, path, (http) => {
      if (declared.records && http.req.method === "HEAD") refuse(http, path);
      http.set("route", declared.path);
      http.set("isPublic", declared.tag === "Instances");
      return answer(declared, http);
    });
    const known = methods.get(path) ?? [];
    methods.set(path, [
      ...known,
      declared.method.toUpperCase(),
      ...(declared.method === "get" && !declared.records ? ["HEAD"] : []),
    ]);
  }
  for (const path of methods.keys()) app.all(path, (http) => refuse(http, path));
}

async function answer(declared: Endpoint, http: Http): Promise<Response> {
  const context =
    declared.access === "public" ? http.get("context") : await admit(http, declared, declared.access);
  const key = takesIdempotencyKey(declared) ? idempotencyKeyOf(http) : null;
  const schema = bodySchemaOf(declared);
  const file = declared.upload ?? declared.lines;
  if (schema || file || key !== null) await limitBody(http, file?.maxBytes ?? MAX_BODY);
  // Read once, as bytes: the same bytes are parsed and compared with an earlier request.
  const bytes = schema || key !== null ? await http.req.arrayBuffer() : new ArrayBuffer();
  const handle = async (acting: Context): Promise<Response> =>
    declared.handle({ http, context: acting, ...parse(declared, http, bytes) });
  const response = await (key === null ? handle(context) : answerOnce(http, context, key, bytes, handle));
  if (declared.access !== "public" && declared.method !== "get") context.tellSoon(context, "staff");
  return response;
}

/** Whether the call honors the header Idempotency-Key: every POST of the admin API does. */
export const takesIdempotencyKey = ({ method, access }: Endpoint): boolean =>
  method === "post" && access !== "public";

/**
 * The schema of the body. A staff POST without a body takes an empty object at most: a caller who sends a reason
 * that nobody keeps must be told so.
 */
const bodySchemaOf = (declared: Endpoint): Schema | undefined =>
  declared.body?.schema ?? (takesIdempotencyKey(declared) && !declared.upload ? NOTHING : undefined);

/** The context of staff who may do this. Checked before the request is read, so that strangers learn nothing. */
async function admit(http: Http, declared: Endpoint, permission: Permission): Promise<Context> {
  const stranger = http.get("context");
  const credentials = {
    authorization: http.req.header("authorization") ?? null,
    assertion: http.req.header(ACCESS_HEADER) ?? null,
  };
  const within = brakeOf(stranger);
  const actor = await authenticate(stranger, credentials, within);
  if (!actor) {
    throw (await within())
      ? new Problem("UNAUTHENTICATED")
      : new Problem("RATE_LIMITED", undefined, { retry_after: 60 });
  }
  if (isForged(http, declared))
    throw new Problem("FORBIDDEN", "Another site must not act for somebody signed in here.");
  const context: Context = { ...stranger, actor };
  http.set("context", context);
  allow(context, permission);
  return context;
}

const HARMLESS = new Set(["GET", "HEAD"]);

/**
 * Whether another site makes a browser act for the person who is signed in through Cloudflare Access (CSRF): browsers
 * send that cookie by themselves, but not bearer tokens. They name the asking site in Sec-Fetch-Site or, if older, in
 * Origin; programs send neither. Calls that write to the record must not come from another site either.
 */
function isForged(http: Http, { records }: Endpoint): boolean {
  if (http.req.header("authorization") !== undefined) return false;
  if (HARMLESS.has(http.req.method) && !records) return false;
  const site = http.req.header("sec-fetch-site") ?? "none";
  const own = new URL(http.req.url).origin;
  return (site !== "none" && site !== "same-origin") || (http.req.header("origin") ?? own) !== own;
}

/** @throws Problem REQUEST_INVALID naming every fault of parameters, query and body */
function parse(declared: Endpoint, http: Http, bytes: ArrayBuffer) {
  const errors: FieldError[] = [];
  const params = declared.params && check(declared.params, http.req.param(), errors);
  const query =
    declared.access === "public"
      ? declared.query && check(declared.query, http.req.query(), errors)
      : check(declared.query ?? NOTHING, byName(onceEach(http, errors)), errors);
  const schema = bodySchemaOf(declared);
  const body = schema && check(schema, bodyOf(declared, http, bytes), errors);
  if (errors.length > 0) throw requestInvalid(errors);
  return { params: params as never, query: query as never, body: body as never };
}

/** A call with ?dry_run=true that has no dry run must be refused, not carried out. */
const NOTHING = z.strictObject({});

/** The parameters of a staff request. A name given twice is refused: either value might be meant. */
function onceEach(http: Http, errors: FieldError[]): Record<string, string> {
  for (const [name, values] of Object.entries(http.req.queries())) {
    if (values.length > 1) errors.push({ path: pathOf([name]), message: "Is given more than once" });
  }
  return http.req.query();
}

/** To a staff call, no body means the same as an empty object, for example if all members are optional. */
const bodyOf = ({ access }: Endpoint, http: Http, bytes: ArrayBuffer): unknown =>
  access !== "public" && bytes.byteLength === 0 ? {} : parseJson(http, bytes);

function check(schema: Schema, value: unknown, errors: FieldError[]): unknown {
  const result = (schema as z.ZodMiniType).safeParse(value);
  if (result.success) return result.data;
  errors.push(...fieldErrors(result.error.issues));
  return undefined;
}

// RFC 8259 section 8.1: UTF-8 only.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function parseJson(http: Http, bytes: ArrayBuffer): unknown {
  if (!JSON_TYPE.test(http.req.header("content-type") ?? "")) throw new Problem("UNSUPPORTED_MEDIA_TYPE");
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw requestInvalid([{ path: "", message: "The body is not JSON in UTF-8" }]);
  }
}
