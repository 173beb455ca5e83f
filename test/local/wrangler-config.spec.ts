import { describe, expect, it } from "vitest";
import { missingBindings, readWranglerConfig } from "../../src/dev/wrangler-config.ts";

const whole = () => readWranglerConfig("wrangler.toml");

describe("[env.production] in wrangler.toml", () => {
  it("repeats every binding", () => {
    expect(missingBindings(whole(), "production")).toEqual([]);
  });

  it.each([
    ["vars", "vars.ISSUER"],
    ["d1_databases", "d1_databases.DB"],
    ["ratelimits", "ratelimits.LICENSE_LIMIT"],
  ])("is found out when it forgets %s", (section, missing) => {
    const config = whole() as { env: { production: Record<string, unknown> } };
    delete config.env.production[section];
    expect(missingBindings(config, "production")).toContain(missing);
  });

  it("is found out when a single variable or cron is missing, or all of it", () => {
    const config = whole() as any;
    delete config.env.production.vars.RATE_LIMITS;
    config.triggers = { crons: ["0 3 * * *"] };
    expect(missingBindings(config, "production")).toEqual(["vars.RATE_LIMITS", "triggers.crons"]);
    expect(missingBindings({}, "production")).toEqual(["[env.production] is missing"]);
  });
});
