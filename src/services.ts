// The services of an isolate, built from its environment by the first request.
import { ulid } from "ulid";
import { ConfigError, type Env, parseConfig } from "./config.ts";
import { type Limiter, type Services, systemClock } from "./context.ts";
import { createKeyring } from "./crypto/keyring.ts";
import { licenseMail } from "./notices/keys/license-mail.ts";
import { openDatabase } from "./storage/database.ts";
import { pause } from "./storage/retry.ts";
import { areEndpoints } from "./webhook-endpoints/known.ts";

const RANDOM_SCALE = 2 ** 32;

/** Drawn in bulk: a ULID takes sixteen numbers, and drawing one costs as much as drawing many. */
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

const tellSoon: Services["tellSoon"] = (context, by) => {
  const any = areEndpoints(context);
  if (any === false || (any === undefined && by === "instance")) return;
  context.defer(import("./webhook-endpoints/soon.ts").then(({ deliverSoon }) => deliverSoon(context)));
};

const built = new WeakMap<Env, Services>();

/**
 * The services of this isolate. The first request builds them; all later ones share them.
 * @throws ConfigError if a variable is missing or malformed
 */
export function servicesOf(env: Env): Services {
  const known = built.get(env);
  if (known) return known;
  const config = parseConfig(env);
  if (config.faults.length > 0) log("error", { event: "configuration", faults: config.faults });
  const limiter =
    (binding: RateLimit): Limiter =>
    async (key) =>
      !config.rateLimits || (await binding.limit({ key })).success;
  const services: Services = {
    config,
    db: openDatabase(env.DB, { now: () => systemClock.now(), pause, random }),
    backups: env.BACKUPS ?? null,
    clock: systemClock,
    ids: { ulid: (now) => ulid(now, random), random },
    keyring: createKeyring(config.signingKeys, config.retiredKeys),
    mail: licenseMail,
    tellSoon,
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
 * The same, after a check that what they sign can be verified.
 * @throws ConfigError
 */
export async function soundServicesOf(env: Env): Promise<Services> {
  const services = servicesOf(env);
  if (await services.keyring.isSound()) return services;
  throw new ConfigError("SIGNING_KEYS is malformed");
}
