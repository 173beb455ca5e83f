#!/usr/bin/env node
// Starts the command line. The rest of it is TypeScript, which Node runs directly from 22.18 on; an older Node
// hands over to the Node that the project installs.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// `npm run` changes to the project's folder; files on the command line are relative to the caller's folder.
if (process.env.npm_lifecycle_event === "cli" && process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

if (process.features.typescript) {
  // Without the cache, compiling unchanged code takes half of the start. Not in the folder for temporary
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
