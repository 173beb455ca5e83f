// A product with the five classic mistakes. node bad.ts PORT
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { NodeLicense } from "../../../src/clients/typescript/src/node.ts";

const blocked = join(dirname(process.env["CAIO_LICENSE_DIR"]!), "blocked");
const license = await NodeLicense.open({ background: false });
const { state, code, detail, lastFailure } = await license.checkIn();

function refuse(why: string): void {
  process.stderr.write(`${why}\n`);
  process.exit(1); // restarts on refusal
}

if (existsSync(blocked)) refuse("This customer was suspended once."); // caches for ever
if (lastFailure?.reason.includes("503")) refuse("The license service refuses."); // treats a 5xx as refusal
if (state === "grace") refuse("The license has expired."); // ignores grace
if (state === "refused") {
  if (code === "LICENSE_SUSPENDED") writeFileSync(blocked, "");
  refuse(detail);
}

// Checks at start only.
createServer((_, response) => response.writeHead(200).end()).listen(Number(process.argv[2]), "127.0.0.1");
