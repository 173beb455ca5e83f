// What an answer of the service means, and when to ask again. Pure.
import { isObject, parseObject } from "./documents.ts";
import { type Refusal, REFUSALS } from "./vocabulary.ts";

/** What came back over the network; `unreachable` says why nothing did. */
export type Answer =
  | { status: number; contentType: string; retryAfter: string | null; body: string; unreachable: null }
  | { unreachable: string };

/** `documents`: good if its documents verify; otherwise an outage (a captive portal). */
export type Meaning =
  | {
      kind: "documents";
      licenseKey: string;
      certificate: string;
      warnings: string[];
      overLimit: string[];
      seatsActive: number | null;
      usageIgnored: string[];
    }
  | { kind: "refusal"; code: Refusal; detail: string; document: string | null }
  | { kind: "not_activated" }
  | { kind: "outage"; reason: string; retryAfter: number | null };

export interface Problem {
  code: string;
  detail: string;
  /** The signed refusal, if there is one. */
  document: string | null;
}

/** The RFC 9457 document of an answer, or null for anything that only looks like one. */
export function problemOf(answer: Answer): Problem | null {
  if (answer.unreachable !== null || answer.status < 400 || answer.status > 499) return null;
  if (answer.contentType.split(";")[0]!.trim().toLowerCase() !== "application/problem+json") return null;
  const body = parseObject(answer.body);
  const code = body?.["code"];
  if (typeof code !== "string") return null;
  const [detail, document] = [body?.["detail"], body?.["refusal"]];
  return {
    code,
    detail: typeof detail === "string" ? detail : code,
    document: typeof document === "string" ? document : null,
  };
}

export function meaningOf(answer: Answer): Meaning {
  if (answer.unreachable !== null) return { kind: "outage", reason: answer.unreachable, retryAfter: null };
  const problem = problemOf(answer);
  const refusal = REFUSALS.find((code) => code === problem?.code);
  if (problem && refusal) return { ...problem, kind: "refusal", code: refusal };
  if (problem?.code === "INSTANCE_NOT_ACTIVATED") return { kind: "not_activated" };
  const body = answer.status === 200 ? parseObject(answer.body) : null;
  const { license_key, certificate, warnings, instances, usage_ignored } = body ?? {};
  if (typeof license_key === "string" && typeof certificate === "string") {
    return {
      kind: "documents",
      licenseKey: license_key,
      certificate,
      warnings: codesOf(warnings),
      overLimit: overLimitOf(warnings),
      seatsActive: activeOf(instances),
      usageIgnored: Array.isArray(usage_ignored)
        ? usage_ignored.filter((day) => typeof day === "string")
        : [],
    };
  }
  return {
    kind: "outage",
    reason: reasonOf(answer.status, problem),
    retryAfter: parseRetryAfter(answer.retryAfter),
  };
}

/** Why an answer counts for nothing. */
export function reasonOf(status: number, problem: Problem | null): string {
  if (status === 407) return "proxy answered 407";
  if (status === 200) return "the answer is none of the license service";
  return `the service answered ${status}${problem ? `: ${problem.detail}` : ""}`;
}

const activeOf = (instances: unknown): number | null =>
  isObject(instances) && typeof instances["active"] === "number" ? instances["active"] : null;

/** The codes of an answer's warnings, sorted. */
export const codesOf = (warnings: unknown): string[] => textsOf(objectsIn(warnings).map(({ code }) => code));

/** The limits that an answer's warnings of over-use are about, sorted. */
export const overLimitOf = (warnings: unknown): string[] =>
  textsOf(
    objectsIn(warnings)
      .filter(({ code }) => code === "OVER_LIMIT")
      .map(({ limit }) => limit),
  );

const objectsIn = (list: unknown): Record<string, unknown>[] =>
  Array.isArray(list) ? list.filter(isObject) : [];

const textsOf = (values: unknown[]): string[] =>
  [...new Set(values)].filter((value) => typeof value === "string").toSorted();

const DAY = 86_400_000;
const MAX_RETRY_AFTER = DAY;

/** Milliseconds to wait, at most a day. Digits only: a date would need a correct clock.  */
const parseRetryAfter = (value: string | null): number | null =>
  value !== null && /^\d+$/.test(value.trim()) ? Math.min(Number(value) * 1000, MAX_RETRY_AFTER) : null;

const FIRST_BACK_OFF = 30_000;
const MAX_BACK_OFF = 3_600_000;

/**
 * How long to wait after a number of failures in a row: exponential with full jitter, so that a thousand
 * installations that lost the service together do not come back together.
 */
export function backOff(failures: number, retryAfter: number | null, random: () => number): number {
  const ceiling = Math.min(MAX_BACK_OFF, FIRST_BACK_OFF * 2 ** (failures - 1));
  // At least a second: full jitter may say zero, and zero is a loop.
  return Math.max(1_000, Math.round(random() * ceiling), retryAfter ?? 0);
}

interface Lease {
  iat: number;
  exp: number;
  check_in_at: string | null;
}

/** The service is never asked more often than this, even if a certificate says so. */
const MIN_WAIT = 60_000;

/**
 * How long to wait after a good answer: until its check_in_at (a day where it names none), spread by up to a tenth, but not into the
 * lease's last quarter. Computed from the server's time, so that a wrong clock neither hammers nor sleeps.
 */
export function waitOf({ iat, exp, check_in_at }: Lease, random: () => number): number {
  const lastQuarter = (exp - iat) * 750;
  const interval = check_in_at === null ? DAY : Date.parse(check_in_at) - iat * 1000;
  return Math.max(MIN_WAIT, Math.round(Math.min(interval * (1 + random() / 10), lastQuarter)));
}
