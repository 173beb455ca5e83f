// What every request and job carries: the services made once per isolate, and who is acting now.
import { ulid } from "ulid";
import { type Config, ConfigError, type Env, parseConfig } from "./config.ts";
import { createKeyring, type Keyring } from "./crypto/keyring.ts";
import { type Database, openDatabase } from "./storage/database.ts";
import type { Role } from "./storage/schema.ts";

interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

interface Ids {
  /** A 26-character ULID: sorts by `now`, unguessable beyond it. */
  ulid(now: number): string;
  /** A number in [0, 1). */
  random(): number;
}

/** A brake: true while the caller named by `key` is within the limit. */
type Limiter = (key: string) => Promise<boolean>;

type LogRecord = Record<string, unknown>;

export interface Services {
  config: Config;
  db: Database;
  clock: Clock;
  ids: Ids;
  keyring: Keyring;
  limits: { refusedCredentials: Limiter; license: Limiter; signIn: Limiter };
  log(level: "info" | "error", record: LogRecord): void;
}

export interface Staff {
  type: "staff";
  /** The id of an API token, an e-mail address, or ADMIN_TOKEN. */
  id: string;
  role: Role;
}

/** Who does it. An instance proves itself by its license key alone, staff by a credential
 * with a role; the system acts by rule. */
type Actor =
  | { type: "anonymous"; id: "-" }
  | { type: "instance"; id: string }
  | { type: "system"; id: string }
  | Staff;

export type { Role };

export interface Context extends Services {
  actor: Actor;
  requestId: string;
  ip: string | null;
  /** Lets work go on after the answer is sent. Its failure is logged, never seen by the caller. */
  defer(work: Promise<unknown>): void;
}

const RANDOM_SCALE = 2 ** 32;

/** Drawn in bulk: a ULID takes sixteen numbers, and asking for one costs as much as asking for many. */
const drawn = new Uint32Array(256);
let left = 0;

const random = (): number => {
  if (left === 0) {
    crypto.getRandomValues(drawn);
    left = drawn.length;
  }
  return drawn[--left]! / RANDOM_SCALE;
};

const log: Services["log"] = (level, record) => {
  console[level === "error" ? "error" : "log"](JSON.stringify({ level, ...record }));
};

const built = new WeakMap<Env, Services>();

/**
 * The services of this isolate; built by the first request, the same for all after it.
 * @throws ConfigError where a variable is missing or malformed
 */
export function servicesOf(env: Env): Services {
  const known = built.get(env);
  if (known) return known;
  const config = parseConfig(env);
  const limiter =
    (binding: RateLimit): Limiter =>
    async (key) =>
      !config.rateLimits || (await binding.limit({ key })).success;
  const services: Services = {
    config,
    db: openDatabase(env.DB),
    clock: { now: () => Date.now() },
    ids: { ulid: (now) => ulid(now, random), random },
    keyring: createKeyring(config.signingKeys),
    limits: {
      refusedCredentials: limiter(env.REFUSED_CREDENTIALS_LIMIT),
      license: limiter(env.LICENSE_LIMIT),
      signIn: limiter(env.SIGN_IN_LIMIT),
    },
    log,
  };
  built.set(env, services);
  return services;
}

/**
 * The same, once it is certain that what they sign can be verified.
 * @throws ConfigError
 */
export async function soundServicesOf(env: Env): Promise<Services> {
  const services = servicesOf(env);
  if (await services.keyring.isSound()) return services;
  throw new ConfigError("SIGNING_KEYS is malformed");
}
