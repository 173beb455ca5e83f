// A process that counts on a state folder that it shares: node counter.ts FOLDER OPTIONS TIMES
import { FileStorage, License } from "../../../src/clients/typescript/src/node.ts";

const [folder, options, times] = process.argv.slice(2) as [string, string, string];
const license = await License.open({
  ...JSON.parse(options),
  storage: new FileStorage(folder),
  onError: () => {
    process.exitCode = 1;
  },
});
for (let n = 0; n < Number(times); n++) {
  license.countRequests();
  license.count("tokens", 2);
  license.observe("gpus", n);
  await license.flush();
}
