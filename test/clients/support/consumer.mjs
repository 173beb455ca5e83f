// An installation in plain JavaScript: judges the offline cases of CONFORMANCE_FILE with the installed package.
import { readFileSync } from "node:fs";
import { License, MemoryStorage } from "@smarthaus/caio-licensing";
import { NodeLicense } from "@smarthaus/caio-licensing/node";

const { issuer: published, cases } = JSON.parse(readFileSync(process.env.CONFORMANCE_FILE, "utf8"));
const offline = cases.filter(
  ({ steps, no_place }) => !no_place && steps.every((step) => step.expect !== undefined),
);
const wrong = [];

for (const { name, jwks, held, certificate, revocations, high_water, ...one } of offline) {
  const storage = new MemoryStorage();
  const seed = { version: 1, license_key: held, certificate, revocations, high_water };
  await storage.write("state.json", JSON.stringify(seed));
  await storage.write("instance_id", one.instance_id);
  let now = Date.parse(one.steps[0].at);
  const license = await License.open({
    // Nothing listens there, but keys could be read: what is not known is not refused for that.
    url: "http://127.0.0.1:9",
    issuer: one.issuer,
    storage,
    trustedKeys: jwks,
    fetchKeys: one.fetch_keys,
    licenseKey: one.license_key ?? undefined,
    onIndeterminate: one.on_indeterminate,
    indeterminateDays: one.indeterminate_days,
    clock: () => now,
    monotonic: () => 0,
  });
  for (const { at, expect } of one.steps) {
    now = Date.parse(at);
    const { state, code } = license.status();
    if ((expect.state ?? state) !== state || (expect.code ?? code) !== code) wrong.push(name);
  }
}

const license = await NodeLicense.open({ issuer: published, folder: process.argv[2] });
license.countRequests(3);
// No close(): what was counted is written when the program comes to its end.
process.stdout.write(JSON.stringify({ judged: offline.length, wrong }));
