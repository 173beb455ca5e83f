// A house full of customers, as it looks after a year in business. The same with each run, but for ids and time.
import { setTimeout as sleep } from "node:timers/promises";
import {
  act,
  activate,
  checkIn,
  importEnded,
  inDays,
  type Issued,
  type Kinds,
  mailCameBack,
  newCustomer,
  newLicense,
  newToken,
} from "./data.ts";
import { ask, type House } from "./house.ts";

const CUSTOMERS: [id: string, name: string, email: string | null][] = [
  ["acme", "Acme GmbH", "it@acme.example"],
  ["globex", "Globex Corporation", "ops@globex.example"],
  ["initech", "Initech", "licenses@initech.example"],
  ["umbrella", "Umbrella Research", "admin@umbrella.example"],
  ["stark", "Stark Industries", "caio@stark.example"],
  ["wayne", "Wayne Enterprises", null],
  ["hooli", "Hooli", "platform@hooli.example"],
  ["soylent", "Soylent Foods", "it@soylent.example"],
];

const TYPES = ["professional", "standard", "enterprise", "trial"];

/** How long each license holds, in days, the next one first. */
const DAYS = [365, 300, 200, 730, 20, 90, 365, 45, 150, 270, 12];

/** The figure of a day that looks like one of work: fewer on weekends, growing slowly. */
const requestsOn = (day: number, seed: number): number => {
  const weekday = new Date(Date.now() - day * 86_400_000).getUTCDay();
  const share = weekday === 0 || weekday === 6 ? 0.25 : 1;
  return Math.round(share * (520 - 6 * day + 90 * Math.sin(day * 1.7 + seed)));
};

async function run(house: House, { license_key }: Issued, instance_id: string, seed: number): Promise<void> {
  const { certificate } = await activate(house, license_key, instance_id, {
    hostname: `caio-${seed}.internal.example`,
    app_version: `17.4.${seed % 4}`,
    labels: { zone: seed % 2 === 0 ? "eu-central" : "us-east" },
  });
  const usage = Array.from({ length: 29 }, (_, day) => ({
    date: inDays(-day).slice(0, 10),
    requests: Math.max(requestsOn(day, seed), 0),
    services: 3 + ((day + seed) % 6),
  }));
  await checkIn(house, license_key, instance_id, { certificate, usage });
}

/** Two machines that run with a copy of one installation's state, each coming back with its own certificate. */
async function cloneOf(house: House, { license_key }: Issued, instance_id: string): Promise<void> {
  const { certificate } = await activate(house, license_key, instance_id, { hostname: "caio-backup" });
  const held = [certificate, certificate];
  for (let n = 0; n < 8; n++) {
    // Certificates are told apart by their second.
    await sleep(1_050);
    const answer = await checkIn(house, license_key, instance_id, { certificate: held[n % 2] });
    held[n % 2] = answer.certificate;
  }
}

/** Returns a few licenses worth a look, by what they show. */
export async function demoData(house: House): Promise<Kinds> {
  for (const [id, name, email] of CUSTOMERS)
    await newCustomer(house, { id, name, email, company: name, metadata: { crm: `C-${4_700 + id.length}` } });
  const issued: Issued[] = [];
  for (let n = 0; n < 23; n++) {
    const [id, , email] = CUSTOMERS[n % CUSTOMERS.length]!;
    const license = await newLicense(house, {
      customer_id: id,
      license_type: TYPES[n % TYPES.length],
      expires_days: DAYS[n % DAYS.length],
      max_instances: 2 + (n % 4),
      max_requests_per_day: 1_000,
      send_email: email !== null && n % 3 === 0,
    } as object);
    issued.push(license);
    for (let instance = 0; instance < n % 3; instance++)
      await run(house, license, `caio-${id}-${instance + 1}`, n + instance);
  }
  const [busy, mailed, suspended, revoked, copied] = [
    issued[8],
    issued[3],
    issued[5],
    issued[7],
    issued[1],
  ].map((found) => found!) as [Issued, Issued, Issued, Issued, Issued];
  await cloneOf(house, copied, "caio-globex-9");
  await act(house, suspended.license.id, "suspend", { reason: "Invoice 4711 is not paid." });
  await act(house, revoked.license.id, "revoke", { reason: "The contract was ended." });
  await mailCameBack(house, mailed.license.id, "bounced");
  await mailCameBack(house, issued[0]!.license.id, "delivered");
  for (const role of ["viewer", "manager"] as const) await newToken(house, role);
  await ask(house, "/v1/admin/people/grace@smarthaus.example", { role: "owner" }, "PUT");
  await ask(house, "/v1/admin/people/ada@smarthaus.example", { role: "manager" }, "PUT");
  return {
    busy: busy.license.id,
    clone: copied.license.id,
    suspended: suspended.license.id,
    revoked: revoked.license.id,
    grace: await importEnded(house, "hooli", 4),
    expired: await importEnded(house, "initech", 60),
  };
}
