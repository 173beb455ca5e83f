// What an installation remembers, and where. The same layout as the Python client's, so that an installation
// may change its language: `instance_id`, `state.json`, `instance.key.json`.
import { isInstant, isObject, type KeySet, parseObject, readKeySet } from "./documents.ts";
import { dayOf, type Figures, MAX_FIGURE, type Usage } from "./usage.ts";
import { type Refusal, REFUSALS } from "./vocabulary.ts";

/** The name of the state among the texts. */
export const STATE = "state.json";

/** Where the state lives: a few small texts by name. */
export interface Storage {
  read(name: string): Promise<string | null>;
  /** Replaces the text as a whole: a reader sees the old one or the new one. */
  write(name: string, text: string): Promise<void>;
  /** Runs `work` while nobody else who shares the storage does; may be left out where nobody does. */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
}

/** Forgets everything when the process ends: for tests, and where a lost seat frees itself soon enough. */
export class MemoryStorage implements Storage {
  readonly #texts = new Map<string, string>();

  async read(name: string): Promise<string | null> {
    return this.#texts.get(name) ?? null;
  }

  async write(name: string, text: string): Promise<void> {
    this.#texts.set(name, text);
  }
}

export interface State {
  license_key: string | null;
  /** SHA-256 of the key that the operator configured last: the same one does not undo a renewal. */
  installed_key_sha256: string | null;
  certificate: string | null;
  revocations: string | null;
  /** The published keys, as read last. */
  jwks: KeySet | null;
  /** The latest time that a signed document ever told. */
  high_water: string | null;
  /** Bound to the key that it was said of. */
  refusal: { code: Refusal; detail: string; at: string; key_sha256: string } | null;
  warnings: string[];
  next_check_in: string | null;
  last_attempt_at: string | null;
  failures: number;
  usage: Usage;
  acknowledged: Usage;
  /** Of which license the service acknowledged it; stays when that license is given back. */
  usage_license_id: string | null;
  /** Instances that held a seat at the last check-in. */
  seats_active: number | null;
  /** The last request files: a license file has to answer one of them, and acknowledges its usage. */
  offline_requests: { nonce: string; usage: Usage }[];
}

export const EMPTY: State = {
  license_key: null,
  installed_key_sha256: null,
  certificate: null,
  revocations: null,
  jwks: null,
  high_water: null,
  refusal: null,
  warnings: [],
  next_check_in: null,
  last_attempt_at: null,
  failures: 0,
  usage: {},
  acknowledged: {},
  usage_license_id: null,
  seats_active: null,
  offline_requests: [],
};

/** The state that a text holds, or null where it is cut off or none. What it should not hold is left out. */
export function parseState(text: string): State | null {
  const value = parseObject(text);
  if (value?.["version"] !== 1) return null;
  const { refusal, warnings, failures } = value;
  return {
    license_key: textOf(value["license_key"]),
    installed_key_sha256: textOf(value["installed_key_sha256"]),
    certificate: textOf(value["certificate"]),
    revocations: textOf(value["revocations"]),
    jwks: readKeySet(value["jwks"]),
    high_water: instantOf(value["high_water"]),
    refusal: refusalOf(refusal),
    warnings: Array.isArray(warnings) ? warnings.filter((code) => typeof code === "string") : [],
    next_check_in: instantOf(value["next_check_in"]),
    last_attempt_at: instantOf(value["last_attempt_at"]),
    failures: amountOf(failures),
    usage: usageOf(value["usage"]),
    acknowledged: usageOf(value["acknowledged"]),
    usage_license_id: textOf(value["usage_license_id"]),
    seats_active: typeof value["seats_active"] === "number" ? value["seats_active"] : null,
    offline_requests: requestsOf(value["offline_requests"]),
  };
}

/** The later one of what is remembered and a document's `iat`. */
export const laterOf = (highWater: string | null, iat: number): string =>
  new Date(Math.max(highWater === null ? 0 : Date.parse(highWater), iat * 1000)).toISOString();

export const formatState = (state: State): string => `${JSON.stringify({ version: 1, ...state }, null, 1)}\n`;

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

const instantOf = (value: unknown): string | null => (isInstant(value) ? value : null);

/** Whole and in the service's range: it would answer no check-in that tells anything else. */
const amountOf = (value: unknown): number =>
  typeof value === "number" && value >= 0 && Number.isFinite(value)
    ? Math.min(Math.floor(value), MAX_FIGURE)
    : 0;

const isDay = (text: string): boolean => {
  const midnight = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight) && dayOf(midnight) === text;
};

function refusalOf(value: unknown): State["refusal"] {
  if (!isObject(value)) return null;
  const code = REFUSALS.find((known) => known === value["code"]);
  const [detail, at, key_sha256] = [value["detail"], value["at"], value["key_sha256"]].map(textOf);
  return code && key_sha256 ? { code, detail: detail ?? code, at: at ?? "", key_sha256 } : null;
}

const requestsOf = (value: unknown): State["offline_requests"] =>
  (Array.isArray(value) ? value : [])
    .filter(isObject)
    .flatMap(({ nonce, usage }) => (typeof nonce === "string" ? [{ nonce, usage: usageOf(usage) }] : []));

const usageOf = (value: unknown): Usage =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([day, figures]): [string, Figures][] =>
          isDay(day) && isObject(figures)
            ? [[day, { requests: amountOf(figures["requests"]), services: amountOf(figures["services"]) }]]
            : [],
        ),
      )
    : {};
