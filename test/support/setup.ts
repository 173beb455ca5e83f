// Run before each file of tests.
import { applyD1Migrations } from "cloudflare:test";
import { afterEach, vi } from "vitest";
import { env } from "./env.ts";

afterEach(() => {
  vi.useRealTimers();
});

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

// Not in clock.ts: the files share one registry of modules, so a hook there would serve the first file alone.
afterEach(() => {
  vi.useRealTimers();
});
