// A process that counts on a state folder until it is killed: node killed.ts FOLDER OPTIONS. It tells how long the
// opening took, and what is safe.
import { FileStorage, License } from "../../../src/clients/typescript/src/node.ts";

const [folder, options] = process.argv.slice(2) as [string, string];
const begun = performance.now();
const license = await License.open({
  ...JSON.parse(options),
  storage: new FileStorage(folder),
  onError: (error) => process.stdout.write(`error ${String(error)}\n`),
});
process.stdout.write(`open ${Math.round(performance.now() - begun)}\n`);
for (let n = 1; ; n++) {
  license.countRequests();
  license.count("tokens", 10);
  license.observe("gpus", n);
  await license.flush();
  process.stdout.write(`safe ${n}\n`);
}
