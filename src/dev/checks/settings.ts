// Whether a service on this machine would be configured. In production a fault in a variable that instances can do
// without stops nothing; here it is a mistake that somebody is just making.
import { ConfigError, parseConfig } from "../../config.ts";
import { CommandError } from "../command.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

function faultsOf(env: object): string[] {
  try {
    return parseConfig(env).faults;
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("; ");
    throw error;
  }
}

/**
 * @param config the wrangler.toml
 * @param secrets what .dev.vars holds
 * @param vars NAME:VALUE, which win over both
 * @throws CommandError that names what is missing or malformed, in one line, and never shows a value. Its exit code is
 * 2 if the call is at fault, and 1 if a file is.
 */
export function assertConfigured(config: string, secrets: Record<string, string>, vars: string[]): void {
  const files = { ...(readWranglerConfig(config)["vars"] as object | undefined), ...secrets };
  const given = Object.fromEntries(
    vars.map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)]),
  );
  const faults = faultsOf({ ...files, ...given });
  if (faults.length === 0) return;
  const known = new Set(faultsOf(files));
  const called = faults.some((fault) => !known.has(fault));
  const places = "--var, .dev.vars (a secret whose line is removed there is made anew) or wrangler.toml";
  throw new CommandError(
    `Not configured: ${faults.join("; ")}. Mend it where it is set: ${places}.`,
    called ? 2 : 1,
  );
}
