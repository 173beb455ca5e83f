// Loaded into a process that leads a group, such as wrangler: ends it, and all that it started, once its parent is
// gone. Its standard input is a pipe that only the parent holds, and the system closes that even if the parent was
// killed.
import process, { stdin } from "node:process";
import { isMainThread } from "node:worker_threads";

const OWN_GROUP = 0;

// A worker thread has its own, empty input.
if (isMainThread) {
  stdin.on("close", () => process.kill(OWN_GROUP, "SIGKILL"));
  stdin.resume();
  // A finished process ends and does not wait for this.
  stdin.unref();
}
