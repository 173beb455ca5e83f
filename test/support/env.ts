// The bindings of the test run: the Worker's own, real D1 included, and the migrations to apply.
import { env as bindings } from "cloudflare:workers";
import type { D1Migration } from "cloudflare:test";
import type { Env } from "../../src/config.ts";

export const env = bindings as unknown as Env & {
  ADMIN_TOKEN: string;
  TEST_MIGRATIONS: D1Migration[];
  /** How many requests each fuzzer makes, and its seed. */
  FUZZ_REQUESTS: number;
  FUZZ_SEED: number;
  /** Whether D1 fails before, during and after each request, or only after it. */
  FAULTS: "all" | "some";
  /** How many rounds the races have, and their seed. */
  RACE_ROUNDS: number;
  RACE_SEED: number;
  /** A second database, for tests with an older schema. */
  before: D1Database;
  /** A third, which nobody migrates. */
  empty: D1Database;
};
