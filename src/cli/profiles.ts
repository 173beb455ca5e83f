// Where a person is signed in: profiles in a file that only they can read, or the environment.
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { JSONWebKeySet } from "jose";
import { canonicalAddress, isSameAddress } from "../field/addresses.ts";
import { trimmed } from "../field/pasted.ts";
import { EXIT, Failure, keepSecret, usage } from "./failures.ts";
import { readTextFile } from "./inputs.ts";

export interface Profile {
  url: string;
  token: string;
  /** What `verify` trusts without asking: the published keys and the issuer at the time of login. */
  issuer: string;
  jwks: JSONWebKeySet;
}

export interface Connection {
  url: string;
  token: string;
}

type Profiles = Record<string, Profile>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const env = (name: string): string | undefined => process.env[name] || undefined;

// Relative paths must be ignored (XDG Base Directory Specification).
function folder(): string {
  const configHome = env("XDG_CONFIG_HOME");
  const base = configHome !== undefined && isAbsolute(configHome) ? configHome : join(homedir(), ".config");
  return join(base, "caio-license");
}

export const configFile = (): string => join(folder(), "config.json");

export function readProfiles(): Profiles {
  if (!existsSync(configFile())) return {};
  const text = readTextFile(configFile());
  try {
    const { profiles } = JSON.parse(text) as { profiles: unknown };
    if (typeof profiles !== "object" || profiles === null) throw new TypeError("no profiles");
    return profiles as Profiles;
  } catch {
    throw usage(`${configFile()} is damaged.`, "remedy: delete it and sign in again.");
  }
}

/** Never readable by others, not even for a moment, and never half written. */
export function writeProfiles(profiles: Profiles): void {
  const target = configFile();
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  chmodSync(folder(), 0o700);
  const temporary = `${target}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ profiles }, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, target);
}

/** --profile, else CAIO_LICENSE_PROFILE, else `default`. */
export function profileName(chosen: string | undefined): string {
  const name = chosen ?? env("CAIO_LICENSE_PROFILE") ?? "default";
  if (!NAME.test(name))
    throw usage("A profile's name consists of letters, digits, dots, dashes, and underscores.");
  return name;
}

export const profileOf = (name: string): Profile | undefined => {
  const profiles = readProfiles();
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined;
};

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);

/**
 * The address of a service in one spelling.
 * @throws Failure for an address that must not get a token: over plain HTTP anyone on the way can read it
 */
export function serviceUrl(text: string): string {
  const url = URL.parse(canonicalAddress(text));
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usage("This is not a URL such as https://licensing.example");
  if (url.username || url.password) throw usage("The URL must not contain credentials.");
  if (url.pathname !== "/" || url.search || url.hash)
    throw usage("The URL must be the service's own, without a path: https://licensing.example");
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw usage("A token must not be sent over plain HTTP.", `remedy: use https://${url.host}`);
  }
  return url.origin;
}

/** A token for a header. The error message never contains it. @throws Failure */
export function usableToken(text: string): string {
  const token = trimmed(text);
  if (!/^[\x21-\x7e]{1,1024}$/.test(token))
    throw usage("The token is empty or contains characters that no token has.");
  keepSecret(token);
  return token;
}

export const tokenFromEnvironment = (): string | undefined => {
  const token = env("CAIO_LICENSE_TOKEN");
  return token === undefined ? undefined : usableToken(token);
};

export const urlFromEnvironment = (): string | undefined => {
  const url = env("CAIO_LICENSE_URL");
  return url === undefined ? undefined : serviceUrl(url);
};

/**
 * The address and the token to use: the environment wins over the profile.
 * @throws Failure if nobody is signed in, or a profile's token would go to another service than its own
 */
export function connection(chosen: string | undefined): Connection {
  const name = profileName(chosen);
  const url = urlFromEnvironment();
  const token = tokenFromEnvironment();
  if (url !== undefined && token !== undefined) return { url, token };
  const profile = profileOf(name);
  const signIn = `remedy: caio-license login${name === "default" ? "" : ` --profile ${name}`}, or set CAIO_LICENSE_URL and CAIO_LICENSE_TOKEN.`;
  if (!profile) throw new Failure(EXIT.forbidden, `Not signed in (profile ${name}).`, [signIn]);
  if (url !== undefined && !isSameAddress(url, profile.url)) {
    throw new Failure(
      EXIT.forbidden,
      `CAIO_LICENSE_URL is not the service that the profile ${name} is signed in to.`,
      ["remedy: set CAIO_LICENSE_TOKEN, too, or choose another profile."],
    );
  }
  return { url: serviceUrl(profile.url), token: token ?? usableToken(profile.token) };
}
