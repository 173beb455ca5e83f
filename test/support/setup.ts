import { applyD1Migrations } from "cloudflare:test";
import { afterEach, vi } from "vitest";
import { env } from "./env.ts";

afterEach(() => {
  vi.useRealTimers();
});

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
