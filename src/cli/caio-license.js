#!/usr/bin/env node
// Starts the command line. The rest of it is TypeScript, which Node runs as it is from 22.18 on; an older one
// hands over to the Node that the project brings along.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// `npm run` goes to the project's folder; files named on the command line are where its caller is.
if (process.env.npm_lifecycle_event === "cli" && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

if (process.features.typescript) {
  // Half of the time to start would go into compiling what has not changed. Not in the folder for temporary
  // files, Node's default, where others might put something for us to run.
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  module.enableCompileCache(join(caches, "caio-license"));
  await import("./main.ts");
} else {
  const node = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
  if (existsSync(node)) {
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
    });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("exit", (code, signal) => {
      if (signal) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      } else process.exitCode = code ?? 1;
    });
  } else {
    console.error(
      `error: Node ${process.versions.node} is too old, and the project's own is not installed: npm ci`,
    );
    process.exitCode = 1;
  }
}
