// Run before each file of tests.
import { afterAll, afterEach, vi } from "vitest";
import { assertDatabaseKeepsSecrets, assertLogKeepsSecrets, showLog, watchLog } from "./leaks.ts";
import { freshRecord } from "./migrated.ts";

// So no file depends on what another one did, or left for years to come.
await freshRecord();

// No test needs to leave this machine. A test that wants an answer puts a stand-in here.
const unplanned: string[] = [];
globalThis.fetch = async (input) => {
  unplanned.push(input instanceof Request ? input.url : String(input));
  throw new TypeError("unplanned request");
};

afterEach(() => {
  const urls = unplanned.splice(0);
  if (urls.length > 0) throw new Error(`unplanned requests: ${urls.join(", ")}`);
});

// Not in clock.ts: the files share one module registry, so a hook there would work for the first file only.
afterEach(() => {
  vi.useRealTimers();
});

watchLog();

afterEach(({ task }) => {
  if (task.result?.state === "fail") showLog();
  assertLogKeepsSecrets();
});

afterAll(assertDatabaseKeepsSecrets);
