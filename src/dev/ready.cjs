// Runs before each script of package.json except the command line, which checks this itself. The scripts are
// TypeScript, which an older Node cannot read, and need what `npm ci` installs: without this check a person would
// only see a stack or "command not found". Any Node can run this file.
"use strict";
const { existsSync } = require("node:fs");
const path = require("node:path");

if (!existsSync(path.join(__dirname, "../../node_modules/wrangler"))) {
  console.error("The dependencies are not installed. Run: npm ci");
  process.exit(1);
}
if (!process.features.typescript) {
  console.error(
    `Node ${process.versions.node} is too old, and the newer one that the project brings along is not in use. ` +
      "With Node 20 or newer run: npm ci, then the command again by npm.",
  );
  process.exit(1);
}
// Compiling wrangler is a third of what loading it takes. Kept inside the project, where nobody else can put code for us
// to run.
require("node:module").enableCompileCache(path.join(__dirname, "../../node_modules/.cache/node"));
