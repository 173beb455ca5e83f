// What the pages with the most on them weigh, with the style sheet and the script that they load.
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import styles from "../../../src/http/ui/assets/admin/assets/console.css?raw";
import script from "../../../src/http/ui/assets/admin/assets/console.js?raw";
import { DAY, setTime } from "../../support/clock.ts";
import { Visitor } from "../../support/console.ts";
import { FakeResend } from "../../support/mail.ts";
import { newContact, signedIn } from "../../support/portal.ts";
import { activate, admin, newCustomer, newLicense, rows, unique } from "../../support/service.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-29T08:00:00.000Z");
const MOST = 100 * 1_024 - styles.length - script.length;

/** The days of a year, by how long ago they are. */
const AGO = JSON.stringify(Array.from({ length: 365 }, (_, ago) => ago));

const QUARTERS = ["2026-Q4", "2026-Q3", "2026-Q2", "2026-Q1"];
const PERIODS = ["7d", "30d", "90d", "12m"];

const INSTANCES = 25;

beforeEach(() => setTime(NOW));

/** A license that has the most of everything, and was used on each day of a year. */
async function busyLicense(customer_id: string, meters: number): Promise<string> {
  const codes = Array.from({ length: meters }, (_, n) => unique(`tokens-of-model-${n}`));
  for (const [n, code] of codes.entries()) {
    const body = {
      code,
      name: code,
      kind: "meter",
      ...(n % 2 === 0 ? {} : { aggregate: "peak", period: "day" }),
    };
    expect((await admin("/entitlements", { body })).status).toBe(201);
  }
  const entitlements = Object.fromEntries(codes.map((code) => [code, { value: 1_000 }]));
  const { license, license_key } = await newLicense({ customer_id, max_instances: INSTANCES, entitlements });
  for (let n = 0; n < INSTANCES + 10; n++) {
    // The last ones are refused, and one refusal a minute is kept.
    setTime(NOW + Math.max(0, n - INSTANCES) * MINUTE);
    const { status } = await activate(license_key, `caio-${crypto.randomUUID()}`, {
      hostname: `caio-${n}.internal.example`,
    });
    expect(status).toBe(n < INSTANCES ? 200 : 403);
  }
  for (let n = 0; n < 8; n++)
    expect((await admin(`/licenses/${license.id}/send-email`, { method: "POST" })).status).toBeLessThan(300);
  await rows(
    `INSERT INTO usage (license_id, day, instance_id, requests, services, meters)
     SELECT ?1, date(?2 / 1000 - value * 86400, 'unixepoch'), 'caio', 12345 + value, 9, ?3 FROM json_each(?4)`,
    license.id,
    NOW,
    JSON.stringify(Object.fromEntries(codes.map((code) => [code, 12_345]))),
    AGO,
  );
  return license.id;
}

/** What the whole service did on each day of a year. */
async function busyYear(license: string): Promise<void> {
  await rows(
    `INSERT INTO events (at, action, entity_type, entity_id, actor_type, actor_id, request_id, detail)
     SELECT ?1 - value * ?2, 'activation.created', 'license', ?3, 'instance', 'caio', '-', '{"instance_id":"caio-1"}'
     FROM json_each(?4) WHERE value > 0 ORDER BY value DESC`,
    NOW,
    DAY,
    license,
    AGO,
  );
  await rows(
    `INSERT INTO usage_days (day, requests, services)
     SELECT date(?1 / 1000 - value * 86400, 'unixepoch'), 1234567, 99 FROM json_each(?2) WHERE true
     ON CONFLICT DO UPDATE SET requests = excluded.requests`,
    NOW,
    AGO,
  );
  await rows(
    `INSERT INTO version_days (day, versions, others)
     SELECT date(?1 / 1000 - value * 86400, 'unixepoch'), ?2, 7 FROM json_each(?3)`,
    NOW,
    JSON.stringify(Array.from({ length: 12 }, (_, n) => [`17.4.${n}`, 1_000 + n])),
    AGO,
  );
}

describe("with its style sheet and script", () => {
  const ids = { customer: "", simple: "", metered: "", many: "", code: "" };
  let visitor: Visitor;

  beforeAll(async () => {
    setTime(NOW);
    ids.customer = (await newCustomer({ email: "it@acme.example", company: "Cobalt Mining and Metals" })).id;
    ids.simple = await busyLicense(ids.customer, 0);
    ids.metered = await busyLicense(ids.customer, 1);
    ids.many = await busyLicense(ids.customer, 32);
    [ids.code] = Object.keys((await admin(`/licenses/${ids.many}`)).body.entitlements) as [string];
    await busyYear(ids.simple);
    visitor = await Visitor.signIn();
  });

  const usage = (id: string) =>
    [...PERIODS, ...QUARTERS].map((name) => `/admin/licenses/${id}/usage?period=${name}`);

  it.each<[page: string, paths: () => string[]]>([
    ["the overview", () => [...PERIODS.map((name) => `/admin?activations=${name}`), "/admin?ends=36m"]],
    ["figures", () => [...PERIODS, ...QUARTERS].map((name) => `/admin/figures?period=${name}`)],
    ["a license", () => [`/admin/licenses/${ids.simple}`]],
    ["a license with a meter", () => [`/admin/licenses/${ids.metered}`]],
    ["a license with many meters", () => [`/admin/licenses/${ids.many}`]],
    ["a license's usage", () => usage(ids.simple)],
    ["a license's usage with a meter", () => usage(ids.metered)],
    ["a license's usage with many meters", () => usage(ids.many)],
    ["one of many meters", () => usage(ids.many).map((path) => `${path}&meter=${ids.code}`)],
    ["a customer", () => [`/admin/customers/${ids.customer}`]],
    [
      "a customer's usage",
      () => ["12m", ...QUARTERS].map((name) => `/admin/customers/${ids.customer}/usage?period=${name}`),
    ],
    ["a statement", () => [`/admin/licenses/${ids.many}/statements/2026-11`]],
    ["the terms of a license", () => [`/admin/licenses/${ids.many}/edit`]],
  ])("%s weighs at most 100 KB, whatever was used", async (_, paths) => {
    for (const path of paths()) {
      const { html, status } = await visitor.get(path);
      expect(status, path).toBe(200);
      expect.soft(html.length, path).toBeLessThanOrEqual(MOST);
    }
  });

  it("the customer's site weighs no more", async () => {
    const resend = new FakeResend();
    const { email } = await newContact(ids.customer);
    const browser = await signedIn(resend, email);
    const paths = ["/portal", "/portal/contacts", "/portal/requests", "/portal/events"];
    for (const id of [ids.simple, ids.metered, ids.many])
      for (const page of ["", "/events", "/statements/2026-11"]) paths.push(`/portal/licenses/${id}${page}`);
    for (const path of paths) {
      const { html, status } = await browser.get(path);
      expect(status, path).toBe(200);
      expect.soft(html.length, path).toBeLessThanOrEqual(MOST);
    }
  });
});
