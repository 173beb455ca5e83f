import { describe, expect, it } from "vitest";
import { missingBindings, readWranglerConfig } from "../../src/dev/checks/wrangler-config.ts";

const whole = () => readWranglerConfig("wrangler.toml");

describe.each(["production", "staging"])("[env.%s] in wrangler.toml", (environment) => {
  it("repeats every binding", () => {
    expect(missingBindings(whole(), environment)).toEqual([]);
  });

  it.each([
    ["vars", "vars.ISSUER"],
    ["d1_databases", "d1_databases.DB"],
    ["ratelimits", "ratelimits.LICENSE_LIMIT"],
    ["version_metadata", "version_metadata"],
  ])("is found out when it forgets %s", (section, missing) => {
    const config = whole() as { env: Record<string, Record<string, unknown>> };
    delete config.env[environment]![section];
    expect(missingBindings(config, environment)).toContain(missing);
  });

  it("is found out when a single variable or cron is missing, or all of it", () => {
    const config = whole() as any;
    delete config.env[environment].vars.RATE_LIMITS;
    config.triggers = { crons: ["0 3 * * *"] };
    expect(missingBindings(config, environment)).toEqual(["vars.RATE_LIMITS", "triggers.crons"]);
    expect(missingBindings({}, environment)).toEqual([`[env.${environment}] is missing`]);
  });
});
