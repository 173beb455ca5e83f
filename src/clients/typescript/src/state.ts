// What an installation remembers, and where. The same layout as the Python client's, so that an installation
// may change its language: `instance_id`, `state.json`, `instance.key.json`.
import { isInstant, isObject, type KeySet, parseObject, readKeySet } from "./documents.ts";
import { type Figures, MAX_FIGURE, readMeters } from "./meters.ts";
import { type Days, isDay, type Usage } from "./usage.ts";
import { type Candidate, type Code, CODES, type Failure, type Refusal, REFUSALS } from "./vocabulary.ts";

/** The names of the texts with the state and with the copy of its essential part. */
export const STATE = "state.json";
export const KEPT = "kept.json";

/** A license key or an instance id that waits to replace the one in force. */
export interface CandidateState {
  license_key: string;
  /** null: the one in force. */
  instance_id: string | null;
  state: Candidate["state"];
  code: Code | null;
  detail: string;
  /** By the wall clock, for people. */
  since: string;
  /** In confirmed time, for deadlines. */
  seen_at: string;
  failures: number;
  /** null: as soon as possible. */
  next_try_at: string | null;
}

/** A seat of a license before that must still be given back. */
export interface OwedSeat {
  license_key: string;
  instance_id: string;
  certificate: string;
}

export interface State extends Days {
  license_key: string | null;
  /** SHA-256 of the installed key, which `license_key` may have renewed: installing it again does not undo that. */
  installed_key_sha256: string | null;
  /** SHA-256 of the last configured key: an unchanged one has no effect. */
  configured_key_sha256: string | null;
  configured_instance_id: string | null;
  /** The id in force, if it differs from the file `instance_id`. */
  instance_id: string | null;
  /** The certificate that counts: of two for a seat, the one that ends later. */
  certificate: string | null;
  /** The last proven certificate, if that is a different one. */
  proven_certificate: string | null;
  /** SHA-256 of `license_key`, once a trusted key verified it or the service granted it. */
  vouched_key_sha256: string | null;
  /** In confirmed time: when `license_key` was installed. */
  key_seen_at: string | null;
  /** In confirmed time: the first start of a client that bounds the indeterminate state. */
  bounded_since: string | null;
  confirmed_at: string | null;
  /** The latest wall clock at which something was written. */
  last_seen_at: string | null;
  /** How far the wall clock was ahead of the service at the last grant, and its reading then. */
  clock_ahead: { by_ms: number; at: string } | null;
  candidate: CandidateState | null;
  revocations: string | null;
  /** The published keys, as read last. */
  jwks: KeySet | null;
  /** When they were last compared with the service's, by the service's time. */
  keys_read_at: string | null;
  /** The latest time in any signed document so far. */
  high_water: string | null;
  /** Bound to the key that it is about. */
  refusal: { code: Refusal; detail: string; at: string; key_sha256: string; signed: boolean } | null;
  last_failure: Failure | null;
  warnings: string[];
  /** What the warning OVER_LIMIT is about. */
  over_limit: string[];
  next_check_in: string | null;
  last_attempt_at: string | null;
  failures: number;
  /** The license under which the service acknowledged it; stays after that license is given back. */
  usage_license_id: string | null;
  /** Instances that held a seat at the last check-in. */
  seats_active: number | null;
  /** The last request files: a license file must answer one of them, and acknowledges its usage. */
  offline_requests: { nonce: string; usage: Usage }[];
  /** SHA-256 of the certificate in the last loaded license file: loading it again changes nothing. */
  license_file_sha256: string | null;
  owed_seats: OwedSeat[];
}

export const EMPTY: State = {
  license_key: null,
  installed_key_sha256: null,
  configured_key_sha256: null,
  configured_instance_id: null,
  instance_id: null,
  certificate: null,
  proven_certificate: null,
  vouched_key_sha256: null,
  key_seen_at: null,
  bounded_since: null,
  confirmed_at: null,
  last_seen_at: null,
  clock_ahead: null,
  candidate: null,
  revocations: null,
  jwks: null,
  keys_read_at: null,
  high_water: null,
  refusal: null,
  last_failure: null,
  warnings: [],
  over_limit: [],
  next_check_in: null,
  last_attempt_at: null,
  failures: 0,
  usage: {},
  acknowledged: {},
  settled: {},
  usage_license_id: null,
  seats_active: null,
  offline_requests: [],
  license_file_sha256: null,
  owed_seats: [],
};

/** The members that are texts, and those that are instants. */
const TEXTS = [
  "license_key",
  "installed_key_sha256",
  "configured_key_sha256",
  "configured_instance_id",
  "instance_id",
  "certificate",
  "proven_certificate",
  "vouched_key_sha256",
  "revocations",
  "usage_license_id",
  "license_file_sha256",
] as const;

const INSTANTS = [
  "keys_read_at",
  "key_seen_at",
  "bounded_since",
  "confirmed_at",
  "last_seen_at",
  "high_water",
  "next_check_in",
  "last_attempt_at",
] as const;

/** The state in a text, or null if the text is cut off or not a state. Invalid members are left out. */
export function parseState(text: string): State | null {
  const value = parseObject(text);
  if (value?.["version"] !== 1) return null;
  const usage = usageOf(value["usage"]);
  const named = <Name extends string>(names: readonly Name[], read: (value: unknown) => string | null) =>
    Object.fromEntries(names.map((name) => [name, read(value[name])])) as Record<Name, string | null>;
  const state: State = {
    ...named(TEXTS, textOf),
    ...named(INSTANTS, instantOf),
    jwks: readKeySet(value["jwks"]),
    clock_ahead: aheadOf(value["clock_ahead"]),
    candidate: candidateOf(value["candidate"]),
    refusal: refusalOf(value["refusal"]),
    last_failure: failureOf(value["last_failure"]),
    warnings: textsOf(value["warnings"]),
    over_limit: textsOf(value["over_limit"]),
    failures: amountOf(value["failures"]),
    usage,
    acknowledged: usageOf(value["acknowledged"]),
    settled: usageOf(value["settled"]),
    seats_active: typeof value["seats_active"] === "number" ? value["seats_active"] : null,
    offline_requests: requestsOf(value["offline_requests"]),
    owed_seats: seatsOf(value["owed_seats"]),
  };
  // Older clients did not record when they ran; the days that they counted on show it.
  const day = Object.keys(usage).toSorted().at(-1);
  return { ...state, last_seen_at: state.last_seen_at ?? (day ? `${day}T00:00:00.000Z` : null) };
}

/** The part that is kept twice: the license, and what keeps a restart from undoing it. */
const KEPT_TWICE = [
  "license_key",
  "certificate",
  "proven_certificate",
  "installed_key_sha256",
  "configured_key_sha256",
  "configured_instance_id",
  "instance_id",
  "vouched_key_sha256",
] as const;

/** The copy written beside the state, in case the state is broken one day. */
export const formatKept = (state: State): string =>
  `${JSON.stringify({ version: 1, ...Object.fromEntries(KEPT_TWICE.map((name) => [name, state[name]])) }, null, 1)}\n`;

/** The state, as far as its copy or the rest of its text tells. */
export function salvage(broken: string, kept: string | null): State | null {
  const copy = parseState(kept ?? "");
  if (copy) return copy;
  const found = KEPT_TWICE.flatMap((name): [string, string][] => {
    const value = new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]*)"`).exec(broken)?.[1];
    return value === undefined ? [] : [[name, value]];
  });
  return found.length === 0 ? null : { ...EMPTY, ...Object.fromEntries(found) };
}

/** The later one of what is remembered and a document's `iat`. */
export const laterOf = (highWater: string | null, iat: number): string =>
  new Date(Math.max(highWater === null ? 0 : Date.parse(highWater), iat * 1000)).toISOString();

export const formatState = (state: State): string => `${JSON.stringify({ version: 1, ...state }, null, 1)}\n`;

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

const instantOf = (value: unknown): string | null => (isInstant(value) ? value : null);

/** A whole number in the service's range: the service refuses a check-in that reports anything else. */
const amountOf = (value: unknown): number =>
  typeof value === "number" && value >= 0 && Number.isFinite(value)
    ? Math.min(Math.floor(value), MAX_FIGURE)
    : 0;

function refusalOf(value: unknown): State["refusal"] {
  if (!isObject(value)) return null;
  const code = REFUSALS.find((known) => known === value["code"]);
  const [detail, at, key_sha256] = [value["detail"], value["at"], value["key_sha256"]].map(textOf);
  const signed = value["signed"] === true;
  return code && key_sha256 ? { code, detail: detail ?? code, at: at ?? "", key_sha256, signed } : null;
}

function candidateOf(value: unknown): CandidateState | null {
  if (!isObject(value)) return null;
  const [license_key, instance_id, detail] = ["license_key", "instance_id", "detail"].map((name) =>
    textOf(value[name]),
  );
  const [since, seen_at] = [value["since"], value["seen_at"]].map(instantOf);
  if (!license_key || !since || !seen_at) return null;
  return {
    license_key,
    instance_id: instance_id ?? null,
    state: value["state"] === "refused" ? "refused" : "pending",
    code: CODES.find((known) => known === value["code"]) ?? null,
    detail: detail ?? "",
    since,
    seen_at,
    failures: amountOf(value["failures"]),
    next_try_at: instantOf(value["next_try_at"]),
  };
}

function failureOf(value: unknown): Failure | null {
  if (!isObject(value) || !isInstant(value["at"])) return null;
  return { at: value["at"], reason: textOf(value["reason"]) ?? "" };
}

const aheadOf = (value: unknown): State["clock_ahead"] =>
  isObject(value) && isInstant(value["at"]) ? { by_ms: amountOf(value["by_ms"]), at: value["at"] } : null;

const requestsOf = (value: unknown): State["offline_requests"] =>
  (Array.isArray(value) ? value : [])
    .filter(isObject)
    .flatMap(({ nonce, usage }) => (typeof nonce === "string" ? [{ nonce, usage: usageOf(usage) }] : []));

const seatsOf = (value: unknown): OwedSeat[] =>
  (Array.isArray(value) ? value : []).filter(isObject).flatMap((seat) => {
    const [license_key, instance_id, certificate] = ["license_key", "instance_id", "certificate"].map(
      (name) => textOf(seat[name]),
    );
    return license_key && instance_id && certificate ? [{ license_key, instance_id, certificate }] : [];
  });

const usageOf = (value: unknown): Usage =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([day, figures]): [string, Figures][] =>
          isDay(day) && isObject(figures) ? [[day, figuresOf(figures)]] : [],
        ),
      )
    : {};

const figuresOf = (figures: Record<string, unknown>): Figures => ({
  requests: amountOf(figures["requests"]),
  services: amountOf(figures["services"]),
  ...readMeters(figures),
});
