import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { generateKeys } from "../src/dev/keys.ts";
import { isChromiumHere } from "./browser/support/chromium.ts";
import { EVERYTHING } from "./local/support/everything.ts";
import { LongestFirst } from "./support/order.ts";
import { Slowest } from "./support/slowest.ts";

const root = join(import.meta.dirname, "..");

// Compiling wrangler, Miniflare and vite is a third of what it takes to start a program that uses them, and the tests start
// hundreds. Kept inside the project, where nobody else can put code for us to run.
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules/.cache/node");

const NOT_ON_WORKERD = ["test/local/**", "test/clients/**", "test/browser/**"];

// Each starts a dozen services, and all of them together take longer than a developer waits: CI asks for them.
const REHEARSALS = "test/local/{recovery,deploy,dump}.spec.ts";

// Tests in Node wait for processes, mail and clocks, so there are two more than the cores of a small machine. Those
// inside workerd seldom wait: a fourth takes more from the other three than it adds. They come last, since vitest
// wants the projects that go side by side to agree on this.
const WORKERS = 4;
const WORKERS_IN_WORKERD = 3;

/** Tests inside workerd: the files share one or the other, since to start it takes longer than most of them. */
const inWorker = {
  root,
  plugins: [
    cloudflareTest(async () => ({
      // The sources themselves, not what is built of them.
      main: join(root, "src/worker.ts"),
      wrangler: { configPath: join(root, "wrangler.toml") },
      miniflare: {
        d1Databases: ["before", "empty"],
        bindings: {
          // Made for this run; no key or token is kept in the repository.
          SIGNING_KEYS: await generateKeys(),
          SESSION_SECRET: randomBytes(32).toString("base64url"),
          ADMIN_TOKEN: `caio_${randomBytes(24).toString("base64url")}`,
          RATE_LIMITS: "off",
          // `npm run torture` asks for more.
          FUZZ_REQUESTS: Number(process.env["FUZZ_REQUESTS"] ?? 1_500),
          FUZZ_SEED: Number(process.env["FUZZ_SEED"] ?? 1),
          FAULTS: process.env["FAULTS"] ?? "some",
          RACE_ROUNDS: Number(process.env["RACE_ROUNDS"] ?? 3),
          RACE_SEED: Number(process.env["RACE_SEED"] ?? 1),
          TEST_MIGRATIONS: await readD1Migrations(join(root, "migrations")),
        },
      },
    })),
  ],
  test: {
    name: "worker",
    include: ["test/**/*.spec.{ts,tsx}"],
    exclude: NOT_ON_WORKERD,
    setupFiles: ["test/support/setup.ts"],
    isolate: false,
    maxWorkers: WORKERS_IN_WORKERD,
    sequence: { groupOrder: 1 },
    // Some tests make hundreds of requests; a machine that does other things meanwhile is no fault.
    testTimeout: 30_000,
  },
};

/** Tests in Node that start the service as people do, and talk to it over HTTP. */
const inNode = (name: string, timeout: number, more: object = {}) => ({
  root,
  test: {
    name,
    include: [`test/${name}/**/*.spec.ts`],
    environment: "node" as const,
    testTimeout: timeout,
    hookTimeout: timeout,
    // One second is the default, and a browser among five other processes on two cores may need more.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: WORKERS,
    // To start a process and to load the service into it takes longer than most files.
    isolate: false,
    ...more,
  },
});

export default defineConfig({
  root,
  test: {
    // The service logs a line per request; show them only beside a failure.
    silent: "passed-only",
    reporters: ["default", new Slowest()],
    sequence: { sequencer: LongestFirst },
    projects: [
      inWorker,
      inNode("local", 120_000, EVERYTHING ? {} : { exclude: [REHEARSALS] }),
      inNode("clients", 180_000),
      ...(isChromiumHere()
        ? [inNode("browser", 120_000, { globalSetup: ["test/browser/support/setup.ts"] })]
        : []),
    ],
  },
});
