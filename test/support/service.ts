// The service as its callers see it: requests in, answers out, on the real Worker and the real D1.
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { decodeJwt } from "jose";
import type { Env } from "../../src/config.ts";
import type { NewCustomer } from "../../src/licensing/customers/customers.ts";
import worker from "../../src/worker.ts";
import type { Answer } from "./answer.ts";
import { env } from "./env.ts";
import { assertDeclared } from "./declared.ts";
import { assertPageKeepsSecrets, assertRefusalKeepsSecrets, rememberGivenOut } from "./leaks.ts";

export type { Answer } from "./answer.ts";

export const ORIGIN = "http://localhost:8787";

export interface Call {
  method?: string;
  body?: unknown;
  /** Sent as it is, instead of `body` as JSON. */
  raw?: BodyInit;
  headers?: Record<string, string>;
  token?: string;
  /** The Worker's bindings, if a test needs others than those of the run. */
  bindings?: Env;
}

/** Calls the service, and waits for its work after the answer. */
export async function call(path: string, options: Call = {}): Promise<Answer> {
  const { body, raw, token, bindings = env } = options;
  const headers = new Headers(options.headers);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const method = options.method ?? (body === undefined && raw === undefined ? "GET" : "POST");
  const payload = raw ?? (body === undefined ? null : JSON.stringify(body));
  const request = new Request(`${ORIGIN}${path}`, { method, headers, body: payload });
  const execution = createExecutionContext();
  const response = await worker.fetch(request, bindings, execution);
  // Not text(): workerd warns of it for lines of JSON.
  const text = new TextDecoder().decode(await response.arrayBuffer());
  await waitOnExecutionContext(execution);
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(response.headers.get("Content-Type") ?? "");
  const answer: Answer = {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) : null,
  };
  assertDeclared(method, path, answer);
  const form =
    payload instanceof FormData
      ? [...payload.values()].filter((value) => typeof value === "string").join(" ")
      : typeof payload === "string" || payload instanceof URLSearchParams
        ? payload.toString()
        : "";
  const sent = `${path.replaceAll("%40", "@")} ${form}`;
  if (answer.status < 400) rememberGivenOut(`${text} ${response.headers.get("Set-Cookie")}`);
  else if (path.startsWith("/admin")) assertPageKeepsSecrets(text, sent, path);
  else assertRefusalKeepsSecrets(text, () => `${sent} ${assertedBy(headers)}`, `${method} ${path}`);
  return answer;
}

/** The header in which Cloudflare Access says who sends the request. */
function assertedBy(headers: Headers): string {
  try {
    return JSON.stringify(decodeJwt(headers.get("Cf-Access-Jwt-Assertion") ?? ""));
  } catch {
    return "";
  }
}

/** Calls the admin API as the owner. */
export const admin = (path: string, options: Call = {}): Promise<Answer> =>
  call(`/v1/admin${path}`, { token: env.ADMIN_TOKEN, ...options });

let serial = 0;

/** A name that no other test of the run uses. */
export const unique = (prefix: string): string => `${prefix}-${++serial}-${crypto.randomUUID().slice(0, 8)}`;

export async function newCustomer(input: Partial<NewCustomer> = {}): Promise<Answer["body"]> {
  const answer = await admin("/customers", { body: { id: unique("customer"), name: "Acme", ...input } });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

/** Issues a license to a customer of its own and returns the answer of the call: license and license_key. */
export async function newLicense(input: Record<string, unknown> = {}): Promise<Answer["body"]> {
  const customer_id = input["customer_id"] ?? (await newCustomer()).id;
  const answer = await admin("/licenses", { body: { license_type: "standard", ...input, customer_id } });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

/** Makes an API token and returns the answer of the call: api_token and token. */
export async function newToken(input: Record<string, unknown> = {}): Promise<Answer["body"]> {
  const answer = await admin("/api-tokens", { body: { name: "Test", role: "manager", ...input } });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

/** What installations keep on their volumes: the last certificate, which proves which instance they are. */
const volumes = new Map<string, string>();

/**
 * Asks like an installation that keeps its state. A `certificate` in the body is sent instead, even an undefined one.
 */
async function ask(path: string, license_key: string, instance_id: string, more: object): Promise<Answer> {
  const volume = `${idIn(license_key)} ${instance_id}`;
  const certificate = volumes.get(volume);
  const answer = await call(path, { body: { license_key, instance_id, certificate, ...more } });
  const given: unknown = answer.status === 200 ? answer.body.certificate : undefined;
  if (typeof given === "string" && decodeJwt(given)["proven"] !== false) volumes.set(volume, given);
  return answer;
}

function idIn(licenseKey: string): string {
  try {
    return String(decodeJwt(licenseKey).jti);
  } catch {
    return licenseKey;
  }
}

export const activate = (license_key: string, instance_id: string, more: object = {}): Promise<Answer> =>
  ask("/v1/activate", license_key, instance_id, more);

export const checkIn = (license_key: string, instance_id: string, more: object = {}): Promise<Answer> =>
  ask("/v1/check-in", license_key, instance_id, more);

export const validate = (license_key: string, instance_id?: string): Promise<Answer> =>
  call("/v1/validate", { body: { license_key, instance_id } });

export const deactivate = (license_key: string, instance_id: string, more: object = {}): Promise<Answer> =>
  ask("/v1/deactivate", license_key, instance_id, more);

/** Rows from the database, for what no call shows. */
export async function rows<T = Record<string, unknown>>(sql: string, ...values: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(sql)
    .bind(...values)
    .all<T>();
  return results;
}

/** Every event about an entity, oldest first. */
export const eventsOf = (
  entityId: string,
): Promise<{ action: string; actor_type: string; detail: string }[]> =>
  rows("SELECT * FROM events WHERE entity_id = ? ORDER BY id", entityId);
