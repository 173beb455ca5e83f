// An application as it runs in a container: everything from the environment, and no listener of its own for SIGTERM.
import { NodeLicense } from "../../../src/clients/typescript/src/node.ts";

const license = await NodeLicense.open();
process.stdout.write(`instance ${license.instanceId}\n`);
license.countRequests();
let told = "";
setInterval(() => {
  const { state, code, warnings } = license.status();
  const now = `${state} ${code} ${warnings.join(",")}`;
  if (now !== told) process.stdout.write(`${now}\n`);
  told = now;
}, 20);
