// Loaded into wrangler before anything else of it. Whoever started it holds the other end of a pipe, and the system
// closes that end however they die, by a SIGKILL too: then nothing that wrangler started may keep the port.
"use strict";
const { Socket } = require("node:net");

// Wrangler hands these on to a process of its own, where the pipe is another one.
process.execArgv.length = 0;

new Socket({ fd: 3 })
  .on("close", () => process.kill(-process.pid, "SIGKILL"))
  .resume()
  .unref();
