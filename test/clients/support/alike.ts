// The table of calls that the service and the testing kits must answer alike, and what of an answer is compared.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";

export interface Step {
  issue?: Record<string, unknown>;
  suspend?: true;
  reinstate?: true;
  revoke?: true;
  /** Hours without proof. */
  reissue?: number;
  /** Days. */
  renew?: number;
  /** Seconds. */
  wait?: number;
  post?: string;
  get?: string;
  body?: Record<string, unknown>;
  text?: string;
  type?: string;
  /** False: the certificate of the answer is not shown later. */
  keep?: false;
}

export interface Case {
  name: string;
  steps: Step[];
}

export const TABLE = (
  JSON.parse(readFileSync(join(import.meta.dirname, "../drill-table.json"), "utf8")) as { cases: Case[] }
).cases;

/** A license service that the table is played against. Each change is about the license issued last. */
export interface Side {
  url: string;
  /** @returns the license key */
  issue(terms: Record<string, unknown>): Promise<string>;
  /** @returns the new license key, of a reissue */
  change(step: Step): Promise<string | void>;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const TEXT_INSTANTS = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g;
const ID = /^(?:lic|act)_/;
/** What each side chooses for itself. */
const OWN = new Set(["iss", "kid", "customer_id", "request_id", "seal", "x"]);

/** Spans, not instants: to the quarter of an hour or to the day. The service varies the rhythm of check-ins. */
function spanOf(name: string, at: number, now: number): string {
  if (name === "check_in_at") return at > now ? "later" : "past";
  const hours = (at - now) / 3_600_000;
  return Math.abs(hours) > 240 ? `${Math.round(hours / 24)} days` : `${Math.round(hours * 4) / 4} h`;
}

function shapeOf(value: unknown, name: string, now: number): unknown {
  if (OWN.has(name)) return value == null ? value : typeof value;
  if (typeof value === "string") {
    const segments = value.split(".");
    if (segments.length === 3 && value.startsWith("eyJ"))
      return {
        header: shapeOf(decodeProtectedHeader(value), "header", now),
        claims: shapeOf(decodeJwt(value), "claims", now),
      };
    if (name === "sub" && !value.startsWith("i-")) return "the customer";
    if (ID.test(value)) return `${value.slice(0, 4)}… (${value.length})`;
    if (INSTANT.test(value)) return spanOf(name, Date.parse(value), now);
    if (name === "type") return value.replace(/^.*\/docs#/, "…/docs#");
    return value.replaceAll(TEXT_INSTANTS, "…");
  }
  if (typeof value === "number" && ["iat", "exp", "nbf"].includes(name))
    // A list is issued for the full hour.
    return name === "iat" ? "now" : spanOf(name, value * 1000, now);
  if (Array.isArray(value)) return value.map((one) => shapeOf(one, "item", now));
  if (typeof value === "object" && value !== null && "errors" in value) {
    // The words for the fault of a member are a schema's.
    const { errors, ...more } = value;
    return shapeOf({ ...more, detail: pathsOf(errors) }, name, now);
  }
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, member]) => [key, shapeOf(member, key, now)] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  return value;
}

const pathsOf = (errors: unknown): string =>
  (errors as { path: string }[]).map(({ path }) => path).join(", ");

const fill = (value: unknown, words: Record<string, string>): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(/\$([a-z_]+)/g, (whole, word: string) => words[word] ?? whole));

export interface Played {
  step: string;
  status: number;
  type: string;
  body: unknown;
}

/** Plays a case, and returns what came of each call. @param now the side's clock, milliseconds */
export async function play(side: Side, { steps }: Case, now: () => number): Promise<Played[]> {
  const words: Record<string, string> = { today: new Date(now()).toISOString().slice(0, 10) };
  const played: Played[] = [];
  for (const step of steps) {
    if (step.issue) {
      words["key"] = words["first_key"] = await side.issue(step.issue);
      continue;
    }
    const path = step.post ?? step.get;
    if (path === undefined) {
      words["key"] = (await side.change(step)) ?? words["key"]!;
      continue;
    }
    const response = await fetch(`${side.url}${path}`, {
      method: step.post ? "POST" : "GET",
      ...(step.post && {
        headers: { "Content-Type": step.type ?? "application/json" },
        body: step.text ?? JSON.stringify(fill(step.body, words)),
      }),
    });
    const text = await response.text();
    const type = (response.headers.get("Content-Type") ?? "").split(";")[0]!;
    const body: unknown = type.endsWith("json") ? JSON.parse(text) : text;
    const { certificate } = Object(body) as { certificate?: string };
    if (certificate !== undefined && step.keep !== false) words["certificate"] = certificate;
    played.push({
      step: `${path} ${JSON.stringify(step.body ?? step.text ?? "")}`,
      status: response.status,
      type,
      body: path.includes("revocations") ? listOf(text, words) : shapeOf(body, "body", now()),
    });
  }
  return played;
}

/** What a revocation list says of the license at hand: it names those of all tests. */
function listOf(token: string, words: Record<string, string>): unknown {
  const { jti } = decodeJwt(words["key"]!);
  const { revoked, suspended, superseded, iat, exp, ...more } = decodeJwt<{
    revoked: string[];
    suspended: string[];
    superseded: Record<string, number>;
  }>(token);
  return {
    typ: decodeProtectedHeader(token).typ,
    revoked: revoked.includes(jti!),
    suspended: suspended.includes(jti!),
    superseded: superseded[jti!] ?? null,
    lifetime: exp! - iat!,
    more: Object.keys(more),
  };
}

/** The admin API's names as the TypeScript kit spells them. */
export const camelCased = (terms: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(terms).map(([name, value]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
