// Loaded into a process that leads a group, such as wrangler: ends it, and all that it started, once whoever started
// it is gone. Its standard input is a pipe that only the parent holds, and the system closes that also where the
// parent had no time to say anything.
import process, { stdin } from "node:process";
import { isMainThread } from "node:worker_threads";

const OWN_GROUP = 0;

// A worker thread has an empty input of its own.
if (isMainThread) {
  stdin.on("close", () => process.kill(OWN_GROUP, "SIGKILL"));
  stdin.resume();
  // A process that is done ends, and does not wait for this.
  stdin.unref();
}
