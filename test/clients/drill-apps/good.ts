// A product that behaves: it asks its license at each request, stays up when refused, and says why. node good.ts PORT
import { createServer } from "node:http";
import { NodeLicense } from "../../../src/clients/typescript/src/node.ts";

const license = await NodeLicense.open();

createServer((_, response) => {
  const { mayRun, detail } = license.status();
  response.writeHead(mayRun ? 200 : 403).end(detail);
}).listen(Number(process.argv[2]), "127.0.0.1");
