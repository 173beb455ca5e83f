// The service under load from sixteen callers, killed at random moments and started again on the same state. What
// was acknowledged is there, and what the database says of itself is true, each time.
import { setTimeout as sleep } from "node:timers/promises";
import { createEmulator, type Emulator } from "emulate";
import { freePort } from "../../src/dev/service.ts";
import { newSecrets } from "../bench/house.ts";
import { Caller } from "./caller.ts";
import { type Bindings, inspect, killWhileStarting, prepare, startHouse, tamper } from "./house.ts";
import { Ledger, type Target, TODAY } from "./ledger.ts";
import { type Chance, chanceOf } from "./random.ts";
import { count, type Counted, faultsIn } from "./recount.ts";
import type { Part } from "./report.ts";
import { sabotage } from "./sabotage.ts";

const CALLERS = 16;
const SHARED = [4, 12, 30];

export async function crash(rounds: number, seed: number): Promise<Part> {
  const chance = chanceOf(seed);
  const resend = await createEmulator({ service: "resend", port: await freePort() });
  try {
    return await torment(rounds, chance, resend);
  } finally {
    await resend.close();
  }
}

async function torment(rounds: number, chance: Chance, resend: Emulator): Promise<Part> {
  await prepare();
  const bindings: Bindings = {
    ...(await newSecrets()),
    ISSUER: "http://localhost:8787",
    PRODUCT_NAME: "CAIO",
    RATE_LIMITS: "off",
    MAIL_FROM: "CAIO Licensing <licensing@smarthaus.example>",
    RESEND_API_KEY: "re_local",
    RESEND_BASE_URL: resend.url,
    RESEND_RATE_PER_SECOND: "1000",
  };
  const ledger = new Ledger();
  const { faults } = ledger;
  let house = await startHouse(bindings);
  let target: Target = { url: house.url, token: bindings.ADMIN_TOKEN };
  const callers = await hire(ledger, chance, target);
  let startsKilled = 0;
  for (let round = 1; round <= rounds && faults.length === 0; round++) {
    const work = callers.map((caller) => caller.work(target));
    await sleep(chance.between(50, 1_500));
    await house.kill();
    await Promise.all(work);
    // Now and then it dies again before it is up.
    if (chance.next() < 0.2) {
      startsKilled++;
      await killWhileStarting(bindings, chance.between(0, 2_000));
    }
    faults.push(...inspect((database) => faultsIn(database, ledger)));
    const counted = inspect(count);
    house = await startHouse(bindings);
    target = { url: house.url, token: bindings.ADMIN_TOKEN };
    faults.push(...(await fromOutside(target, ledger, counted)));
    const unanswered = ledger.unanswered.splice(0);
    await Promise.all(unanswered.map((again) => again(target)));
  }
  await house.kill();
  faults.push(...inspect((database) => faultsIn(database, ledger)));
  const { tried, missed } = sabotage(ledger);
  faults.push(...missed.map((name) => `the recount does not notice that ${name}`));
  // What a dead run had claimed comes back after two minutes: here at once.
  tamper("UPDATE messages SET next_try_at = 0 WHERE status = 'pending'");
  house = await startHouse(bindings);
  const mails = await deliverAll({ url: house.url, token: bindings.ADMIN_TOKEN }, resend, faults);
  await house.kill();
  return {
    name: "crash",
    figures: {
      "rounds, killed with SIGKILL": rounds,
      "of them again while starting": startsKilled,
      callers: CALLERS,
      ...ledger.counts,
      "mails, each in the inbox once": mails,
      "databases broken on purpose": tried,
      "of them noticed": tried - missed.length,
      "lost or doubled": faults.length,
    },
    faults,
  };
}

async function admin(target: Target, path: string, body?: object): Promise<any> {
  const response = await fetch(`${target.url}/v1/admin${path}`, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${target.token}`, "Content-Type": "application/json" },
    body: body ? JSON.stringify(body) : null,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${text}`);
  return JSON.parse(text);
}

/** Callers with a customer each, and the licenses that they crowd. */
async function hire(ledger: Ledger, chance: Chance, target: Target): Promise<Caller[]> {
  await admin(target, "/customers", { id: "shared", name: "Shared" });
  for (const limit of SHARED) {
    const { license, license_key } = await admin(target, "/licenses", {
      customer_id: "shared",
      license_type: "standard",
      max_instances: limit,
    });
    ledger.shared.push({ id: license.id, key: license_key, limit });
  }
  const callers: Caller[] = [];
  for (let n = 0; n < CALLERS; n++) {
    const id = `caller-${n}`;
    await admin(target, "/customers", { id, name: id, email: `${id}@acme.example` });
    callers.push(new Caller(ledger, chanceOf(chance.between(0, 2 ** 31)), `w${n}`, id));
  }
  return callers;
}

/** What the service says of itself, compared with a plain count. */
async function fromOutside(target: Target, ledger: Ledger, counted: Counted): Promise<string[]> {
  const told = await admin(target, "/statistics");
  const said: Counted = {
    total: told.total,
    suspended: told.suspended,
    instances: told.instances,
    requestsToday: 0,
  };
  // The statistics have it once the ten-minute trigger has added it up.
  for (const { id } of ledger.shared) {
    const { data } = await admin(target, `/licenses/${id}/usage?from=${TODAY}&to=${TODAY}`);
    said.requestsToday += data[0]?.requests ?? 0;
  }
  const faults =
    JSON.stringify(said) === JSON.stringify(counted)
      ? []
      : [`the statistics say ${JSON.stringify(said)}, counted are ${JSON.stringify(counted)}`];
  for (const { id, status, expires_at, maybe } of ledger.own.slice(-8)) {
    const shown = await admin(target, `/licenses/${id}`);
    const isKnown = [{ status, expires_at }, maybe].some(
      (terms) => terms !== null && terms.status === shown.status && terms.expires_at === shown.expires_at,
    );
    if (!isKnown) faults.push(`license ${id} is shown as ${shown.status} until ${shown.expires_at}`);
  }
  return faults;
}

const PATIENCE = 120_000;

/** @returns how many mails there are, each of which is in the inbox once */
async function deliverAll(target: Target, resend: Emulator, faults: string[]): Promise<number> {
  const customer = await admin(target, "/customers", { name: "Last", email: "last@acme.example" });
  const last = { customer_id: customer.id, license_type: "standard", send_email: true };
  const until = Date.now() + PATIENCE;
  for (;;) {
    // Each mail that is owed sets off a delivery of all that is due.
    await admin(target, "/licenses", last);
    await sleep(1_000);
    const pending = await admin(target, "/messages?status=pending&limit=1");
    if (pending.data.length === 0) break;
    if (Date.now() > until) {
      faults.push("mail is still pending");
      break;
    }
  }
  const owed = new Map<string, number>();
  let cursor = "";
  let total = 0;
  do {
    const page = await admin(target, `/messages?limit=100${cursor}`);
    for (const { recipient, subject, status } of page.data) {
      if (status !== "sent") faults.push(`a mail to ${recipient} is ${status}`);
      owed.set(`${recipient}: ${subject}`, (owed.get(`${recipient}: ${subject}`) ?? 0) + 1);
      total++;
    }
    cursor = page.next_cursor === null ? "" : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== "");
  const answer = await fetch(`${resend.url}/emails`, { headers: { Authorization: "Bearer re_local" } });
  const { data }: { data: { to: string[]; subject: string }[] } = JSON.parse(await answer.text());
  for (const { to, subject } of data) {
    const key = `${to[0]}: ${subject}`;
    owed.set(key, (owed.get(key) ?? 0) - 1);
  }
  for (const [key, left] of owed)
    if (left !== 0)
      faults.push(`${key}: ${Math.abs(left)} ${left > 0 ? "never arrived" : "too many arrived"}`);
  return total;
}
