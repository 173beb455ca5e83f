// An installation in plain JavaScript: judges the offline cases of CONFORMANCE_FILE with the installed package.
import { readFileSync } from "node:fs";
import { License, MemoryStorage } from "@smarthaus/caio-licensing";
import { NodeLicense } from "@smarthaus/caio-licensing/node";

const { issuer, cases } = JSON.parse(readFileSync(process.env.CONFORMANCE_FILE, "utf8"));
const offline = cases.filter(({ steps }) => steps.every((step) => step.expect !== undefined));
const wrong = [];

for (const { name, jwks, license_key, certificate, revocations, high_water, ...one } of offline) {
  const storage = new MemoryStorage();
  await storage.write("state.json", JSON.stringify({ version: 1, certificate, revocations, high_water }));
  let now = 0;
  const license = await License.open({
    issuer,
    storage,
    trustedKeys: jwks,
    licenseKey: license_key ?? undefined,
    instanceId: one.instance_id,
    onIndeterminate: one.on_indeterminate,
    clock: () => now,
  });
  for (const { at, expect } of one.steps) {
    now = Date.parse(at);
    const { state, code } = license.status();
    if (state !== expect.state || code !== expect.code) wrong.push(name);
  }
}

const license = await NodeLicense.open({ issuer, folder: process.argv[2] });
license.countRequests(3);
// No close(): what was counted is written when the program comes to its end.
process.stdout.write(JSON.stringify({ judged: offline.length, wrong }));
