import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { generateKeys } from "../src/dev/keys.ts";
import { isChromiumHere } from "./browser/support/chromium.ts";

const root = join(import.meta.dirname, "..");

const browser = {
  root,
  test: {
    name: "browser",
    include: ["test/browser/**/*.spec.ts"],
    environment: "node",
    globalSetup: ["test/browser/support/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
};

export default defineConfig({
  root,
  test: {
    // The service logs a line per request; show them only beside a failure.
    silent: "passed-only",
    projects: [
      {
        root,
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: join(root, "wrangler.toml") },
            miniflare: {
              bindings: {
                // Made for this run; no key or token is kept in the repository.
                SIGNING_KEYS: await generateKeys(),
                SESSION_SECRET: randomBytes(32).toString("base64url"),
                ADMIN_TOKEN: `caio_${randomBytes(24).toString("base64url")}`,
                RATE_LIMITS: "off",
                // `npm run torture` asks for more.
                FUZZ_REQUESTS: Number(process.env["FUZZ_REQUESTS"] ?? 1_500),
                FUZZ_SEED: Number(process.env["FUZZ_SEED"] ?? 1),
                TEST_MIGRATIONS: await readD1Migrations(join(root, "migrations")),
              },
            },
          })),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.spec.{ts,tsx}"],
          exclude: ["test/local/**", "test/clients/**", "test/browser/**"],
          setupFiles: ["test/support/setup.ts"],
          // Every test makes its own customer and license, so the files can share one workerd and one D1.
          isolate: false,
          maxWorkers: 1,
          // Some tests make hundreds of requests; a machine that does other things meanwhile is no fault.
          testTimeout: 30_000,
        },
      },
      {
        root,
        test: {
          name: "local",
          include: ["test/local/**/*.spec.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        root,
        test: {
          name: "clients",
          include: ["test/clients/**/*.spec.ts"],
          environment: "node",
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      ...(isChromiumHere() ? [browser] : []),
    ],
  },
});
