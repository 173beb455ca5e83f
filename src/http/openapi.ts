// The OpenAPI 3.1 document, written from the endpoints' own declarations.
import * as z from "zod/mini";
import { type FieldError, PROBLEMS, type ProblemCode } from "../problems.ts";
import { ACCESS_HEADER } from "./http.ts";
import { type Endpoint, takesIdempotencyKey } from "./endpoint.ts";
import { IDEMPOTENCY_PARAMETER } from "./idempotency.ts";
import { ProblemDocument } from "./schemas.ts";
import { openApiWebhooks, type Webhook, WEBHOOK_SCHEMA } from "./openapi-webhooks.ts";

type Json = Record<string, unknown>;
type Schema = z.core.$ZodType;

const jsonSchema = (schema: Schema, io: "input" | "output"): Json => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io }) as Json;
  return json;
};

/** The refusals of an endpoint: those that its kind shares, and its own. */
export function refusalsOf(declared: Endpoint): ProblemCode[] {
  return [
    ...new Set<ProblemCode>([
      ...(declared.access === "public" ? [] : (["UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED"] as const)),
      ...(declared.body || declared.upload || declared.lines
        ? (["PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const)
        : []),
      ...(declared.access !== "public" || declared.body || declared.query || declared.params
        ? (["REQUEST_INVALID"] as const)
        : []),
      ...(takesIdempotencyKey(declared)
        ? ([
            "REQUEST_INVALID",
            "PAYLOAD_TOO_LARGE",
            "UNSUPPORTED_MEDIA_TYPE",
            "IDEMPOTENCY_KEY_REUSED",
            "CONFLICT",
          ] as const)
        : []),
      ...(declared.refusals ?? []),
      "INTERNAL",
      "SERVICE_UNAVAILABLE",
    ]),
  ];
}

function problemExample(code: ProblemCode, issuer: string): Json {
  const { status, title, remedy } = PROBLEMS[code];
  const errors: FieldError[] = [{ path: "instance_id", message: "Invalid input" }];
  return {
    type: `${issuer}/docs#${code}`,
    title,
    status,
    detail: `${title}.`,
    code,
    request_id: "7d3c8f5e-2f0a-4a2e-9d57-0a4f6b1f4a10",
    retryable: "retryable" in PROBLEMS[code],
    remedy,
    ...(code === "REQUEST_INVALID" ? { errors } : {}),
    ...(code === "ACTIVATION_LIMIT_REACHED" ? { limit: "max_instances", allowed: 5, observed: 5 } : {}),
  };
}

const header = (name: string, description: string, example: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
  example,
});

const ETAG_EXAMPLE = '"3-m8x2k1c0"';

const IF_MATCH = header(
  "If-Match",
  "The ETag of the resource as it was read. If the resource has changed since, the call is refused (412) and changes nothing.",
  ETAG_EXAMPLE,
);

const IF_NONE_MATCH = header(
  "If-None-Match",
  "The ETag of what the caller has. If that is still current, the answer is 304.",
  ETAG_EXAMPLE,
);

const ETAG = { ETag: { description: "The version of the resource.", schema: { type: "string" } } };

/** Values by their keys. Each is a parameter NAME.KEY=value, which is OpenAPI's way to write the members of an object. */
const keyed = (name: string, { additionalProperties }: Json): Json => ({
  description: `Each key is a parameter: ${name}.KEY=value.`,
  style: "form",
  explode: true,
  schema: { type: "object", propertyNames: { pattern: `^${name}\\..+$` }, additionalProperties },
});

function parametersOf(declared: Endpoint): Json[] {
  const parameters = (schema: Schema | undefined, place: "path" | "query"): Json[] => {
    if (!schema) return [];
    const { properties = {}, required = [] } = jsonSchema(schema, "input") as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, property]) =>
      Object.assign(
        { name, in: place, required: place === "path" || required.includes(name) },
        property["type"] === "object" ? keyed(name, property) : { schema: property },
      ),
    );
  };
  return [
    ...parameters(declared.params, "path"),
    ...parameters(declared.query, "query"),
    ...(takesIdempotencyKey(declared) ? [IDEMPOTENCY_PARAMETER] : []),
    ...(declared.refusals?.includes("PRECONDITION_FAILED") ? [IF_MATCH] : []),
    ...(declared.answer.unchanged ? [IF_NONE_MATCH] : []),
  ];
}

function responsesOf(declared: Endpoint, issuer: string): Json {
  const {
    status,
    description,
    schema,
    example,
    contentType = "application/json",
    created,
    accepted,
    alternative,
    etag,
    unchanged,
  } = declared.answer;
  const headers = etag ? { headers: ETAG } : {};
  const content = schema
    ? {
        content: {
          [contentType]: { schema: jsonSchema(schema, "output"), example },
          ...(alternative
            ? {
                [alternative.contentType]: {
                  schema: jsonSchema(alternative.schema, "output"),
                  example: alternative.example,
                },
              }
            : {}),
        },
      }
    : {};
  const responses: Record<string, Json> = {
    [status]: { description, ...headers, ...content },
    ...(created === undefined ? {} : { 201: { description: created, ...headers, ...content } }),
    ...(accepted === undefined
      ? {}
      : {
          202: {
            description: accepted.description,
            content: {
              "application/json": {
                schema: jsonSchema(accepted.schema, "output"),
                example: accepted.example,
              },
            },
          },
        }),
    ...(unchanged === undefined ? {} : { 304: { description: unchanged, ...headers } }),
  };
  const byStatus = Map.groupBy(refusalsOf(declared), (code) => PROBLEMS[code].status);
  for (const [refused, codes] of byStatus) {
    responses[refused] = {
      description: codes.join(" · "),
      content: {
        "application/problem+json": {
          schema: { $ref: "#/components/schemas/Problem" },
          examples: Object.fromEntries(codes.map((code) => [code, { value: problemExample(code, issuer) }])),
        },
      },
    };
  }
  return responses;
}

/** The media types that a call takes, or null if it takes no body. */
function contentOf({ body, upload, lines }: Endpoint): Json | null {
  if (lines) {
    const { description, example } = lines;
    return { "application/x-ndjson": { schema: { type: "string", description }, example } };
  }
  if (body)
    return { "application/json": { schema: jsonSchema(body.schema, "input"), example: body.example } };
  if (!upload) return null;
  const rows = { type: "array", items: jsonSchema(upload.row, "input") };
  const wrapped = {
    type: "object",
    properties: { data: rows },
    required: ["data"],
    additionalProperties: false,
  };
  return {
    "text/csv": { schema: { type: "string" }, example: upload.examples.csv },
    "application/json": { schema: { anyOf: [rows, wrapped] }, example: upload.examples.json },
  };
}

/** A staff call treats no body as an empty object. */
const needsBody = ({ access, body }: Endpoint): boolean =>
  access === "public" || !body || !(body.schema as z.ZodMiniType).safeParse({}).success;

const operationId = ({ method, path }: Endpoint): string =>
  method +
  path
    .replace(/^\/v1/, "")
    .replaceAll(/[{}]/g, "")
    .replaceAll(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase());

export function openApiDocument(endpoints: Endpoint[], webhooks: readonly Webhook[], issuer: string): Json {
  const paths: Record<string, Json> = {};
  for (const declared of endpoints) {
    const { method, path, tag, summary, description } = declared;
    const parameters = parametersOf(declared);
    const content = contentOf(declared);
    paths[path] = {
      ...paths[path],
      [method]: {
        operationId: operationId(declared),
        tags: [tag],
        summary,
        ...(description ? { description } : {}),
        ...(declared.access === "public"
          ? { security: [] }
          : { security: [{ token: [] }, { access: [] }], "x-permission": declared.access }),
        ...(parameters.length > 0 ? { parameters } : {}),
        ...(content ? { requestBody: { required: needsBody(declared), content } } : {}),
        responses: responsesOf(declared, issuer),
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "CAIO Licensing",
      version: "1",
      description:
        "Issue, activate, verify, and track the licenses of on-premises CAIO installations. Refusals are RFC 9457 problem documents; every answer carries X-Request-Id.",
    },
    servers: [{ url: issuer }],
    tags: [
      { name: "Instances", description: "What an installation calls. It needs only its license key." },
      {
        name: "Admin",
        description: "What SmartHaus staff call, with a bearer token or signed in through Cloudflare Access.",
      },
      { name: "Service", description: "Public keys and health." },
      { name: "Webhooks", description: "What webhook endpoints get, by Standard Webhooks." },
    ],
    paths,
    webhooks: openApiWebhooks(webhooks),
    components: {
      schemas: { Problem: jsonSchema(ProblemDocument, "output"), Webhook: WEBHOOK_SCHEMA },
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "An API token, or ADMIN_TOKEN." },
        access: {
          type: "apiKey",
          in: "header",
          name: ACCESS_HEADER,
          description:
            "Set by Cloudflare Access for a person who is signed in there. A bearer token takes precedence.",
        },
      },
    },
  };
}
