// A year of nights over five hundred licenses, and some weeks of the whole service, against the second statement of the
// rules: which mail, on which day, in which words, to whom, each once.
import { afterEach, expect, it, vi } from "vitest";
import { dueThreshold, whenOf } from "../../src/notices/ladder.ts";
import { recipientsOf } from "../../src/notices/recipients.ts";
import type { Contact, ContactRole } from "../../src/storage/schema.ts";
import { setTime } from "../support/clock.ts";
import { DELIVERIES, emptyOutbox, FakeResend, fire, mailing, NIGHTLY, refusal } from "../support/mail.ts";
import { admin, newCustomer, newLicense, unique } from "../support/service.ts";
import {
  DAY,
  HOUR,
  payers,
  type Person,
  seeded,
  type Sold,
  stillTrue,
  type Told,
  words,
  writtenIn,
} from "./second-statement.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const ROLES: ContactRole[] = ["license", "billing", "technical"];

const LADDERS = [[30, 14, 7, 1, 0], [7, 1, 0], [0], [60, 5], [3, 2, 1], []];

const contactOf = ({ email, roles, own }: Person, at: number): Contact => ({
  id: `con_${String(at).padStart(4, "0")}`,
  customer_id: "c",
  email,
  name: null,
  roles: roles as ContactRole[],
  language: null,
  portal: 0,
  own: own ? 1 : 0,
  email_status: null,
  version: 1,
  created_at: at,
  updated_at: at,
});

it("says in a year of five hundred licenses what the second statement says, in each night", () => {
  const random = seeded(22);
  const upTo = (n: number): number => Math.floor(random() * n);
  const some = (): string[] => {
    const roles = ROLES.filter(() => random() < 0.5);
    return roles.length > 0 ? roles : ["technical"];
  };
  const start = Date.parse("2027-01-01T03:00:00Z");
  const sold: Sold[] = [];
  const people: Person[][] = [];
  for (let n = 0; n < 500; n++) {
    const began = start - upTo(200) * DAY + upTo(DAY);
    // Ends are dates, instants at any hour, and exact days after the beginning.
    const end = [
      Math.floor((began + upTo(400) * DAY) / DAY) * DAY + DAY + 12 * HOUR,
      began + (1 + upTo(400)) * DAY + upTo(DAY),
      began + [1, 7, 30, 365][upTo(4)]! * DAY,
    ][upTo(3)]!;
    const perpetual = random() < 0.03;
    sold.push({
      id: `lic_${n}`,
      status: "active",
      end: perpetual ? null : Math.ceil(end / 1_000) * 1_000,
      began: Math.floor(began / 1_000) * 1_000,
      thresholds: LADDERS[upTo(LADDERS.length)]!,
    });
    people.push(
      random() < 0.05
        ? []
        : Array.from({ length: 1 + upTo(3) }, (_, m) => ({
            email: `p${n}-${m}@acme.example`,
            roles: some(),
            own: m === 0 && random() < 0.7,
          })),
    );
  }
  const expected: Told[] = [];
  const sent = new Map<string, Set<number>>();
  let count = 0;
  for (let n = 0, outage = 0; n < 366; n++, outage--) {
    const night = start + n * DAY;
    if (outage <= 0 && random() < 0.03) outage = 1 + upTo(12);
    if (outage > 0) continue;
    for (const [at, license] of sold.entries()) {
      // What staff do meanwhile.
      const now = night - upTo(20) * HOUR;
      const luck = random();
      if (luck < 0.004 && license.end !== null) {
        const from = Math.max(license.end, Math.ceil(now / 1_000) * 1_000);
        license.began = Math.max(license.end, now);
        license.end = from + [30, 90, 365][upTo(3)]! * DAY;
      } else if (luck < 0.008) {
        license.status = license.status === "active" ? "suspended" : "active";
      } else if (luck < 0.01) {
        people[at]!.push({ email: `x${n}-${at}@acme.example`, roles: some(), own: false });
      } else if (luck < 0.012) {
        people[at]!.pop();
      }
      const tellings = writtenIn(night, license, people[at]!, expected);
      const contacts = people[at]!.map((person, m) => contactOf(person, m));
      const recipients = recipientsOf(contacts, "billing").map(({ email }) => email);
      if (recipients.toSorted().join() !== payers(people[at]!).toSorted().join()) {
        expect(recipients).toEqual(payers(people[at]!));
      }
      const term = {
        status: license.status as "active",
        expires_at: license.end,
        issued_at: 0,
        starts_at: null,
        term_began_at: license.began,
      };
      const written = recipients.flatMap((to): Told[] => {
        const key = `${license.id} ${license.end} ${to}`;
        const days = dueThreshold(term, license.thresholds, night, sent.get(key) ?? new Set());
        if (days === null) return [];
        sent.set(key, new Set([...(sent.get(key) ?? []), days]));
        return [{ license: license.id, end: license.end!, days, to }];
      });
      if (written.length === 0 && tellings.length === 0) continue;
      expect(written, `${license.id} in the night of ${new Date(night).toISOString()}`).toEqual(tellings);
      for (const { end, days } of written) {
        if (days === 0) continue;
        const when = whenOf(night, end);
        expect(typeof when === "string" ? when : `in ${when.in} days`).toBe(words(night, end));
      }
      expected.push(...tellings);
      count += written.length;
    }
    // What is written about one end is remembered only as long as it can matter.
    if (n % 30 === 0)
      expected.splice(0, expected.length, ...expected.filter(({ end }) => end > night - 20 * DAY));
  }
  expect(count).toBeGreaterThan(600);
});

interface Customer {
  id: string;
  people: (Person & { id: string })[];
  licenses: Sold[];
}

it("mails in seven weeks of the whole service what the second statement says, each once", async () => {
  await emptyOutbox();
  const resend = new FakeResend();
  const random = seeded(7);
  const upTo = (n: number): number => Math.floor(random() * n);
  const start = Date.parse("2150-03-01T03:00:00Z");
  setTime(start - 20 * HOUR);
  const customers: Customer[] = [];
  for (let n = 0; n < 9; n++) {
    const email = `${unique("own")}@acme.example`;
    const { id } = await newCustomer({ email });
    const customer: Customer = {
      id,
      people: [{ id: `con_${id}`, email, roles: ROLES, own: true }],
      licenses: [],
    };
    for (let m = 0; m < 1 + (n % 4); m++) {
      const began = Math.floor((start - 20 * HOUR) / 1_000) * 1_000;
      const thresholds = [
        [10, 3, 1, 0],
        [7, 1, 0],
        [21, 14, 0],
      ][upTo(3)]!;
      // Several licenses of a customer end on the same day.
      const end = Math.floor(start / DAY) * DAY + (3 + ((n * 5 + upTo(3) * 9) % 38)) * DAY + 12 * HOUR;
      const { license } = await newLicense({
        customer_id: id,
        expires_at: new Date(end).toISOString(),
        notice_days: thresholds,
      });
      customer.licenses.push({ id: license.id, status: "active", end, began, thresholds });
    }
    customers.push(customer);
  }
  const licensesById = new Map(customers.flatMap(({ licenses }) => licenses.map((one) => [one.id, one])));
  const written: Told[] = [];
  let waiting: (Told & { night: number; customer: string })[] = [];
  const expected: string[] = [];
  const mailAbout = (to: string, licenses: string[], said: string): string =>
    `${to} ${licenses.toSorted().join("+")} ${said}`;

  /** What goes out at this time, if Resend takes it. */
  function goOut(now: number): void {
    const true_ = waiting.filter((told) => stillTrue(told, now, licensesById.get(told.license)!, written));
    const mails = Map.groupBy(true_, ({ night, customer, to, days }) =>
      [night, customer, to, days === 0].join(),
    );
    for (const told of mails.values()) {
      const [first] = told.toSorted((one, other) => one.end - other.end);
      const said = first!.days === 0 ? "expired" : words(now, first!.end);
      expected.push(
        mailAbout(
          first!.to,
          told.map(({ license }) => license),
          said,
        ),
      );
    }
    waiting = [];
  }

  for (let n = 0, missed = 0, down = 0; n < 49; n++, missed--, down--) {
    const night = start + n * DAY;
    setTime(night - 5 * HOUR);
    const customer = customers[upTo(customers.length)]!;
    const license = customer.licenses[upTo(customer.licenses.length)]!;
    const path = `/licenses/${license.id}`;
    // Renewals and their mail are sent, or wait, with the rest; here only notices are looked at.
    switch (upTo(8)) {
      case 0:
        license.began = Math.max(license.end!, night - 5 * HOUR);
        license.end = Math.max(license.end!, night - 5 * HOUR) + 12 * DAY;
        await admin(`${path}/renew`, { body: { expires_days: 12 } });
        break;
      case 1:
        license.status = license.status === "active" ? "suspended" : "active";
        await admin(`${path}/${license.status === "active" ? "reinstate" : "suspend"}`, {
          body: license.status === "active" ? {} : { reason: "x" },
        });
        break;
      case 2: {
        const email = `${unique("more")}@acme.example`;
        const roles = upTo(2) === 0 ? ["billing"] : ["technical"];
        const { body } = await admin(`/customers/${customer.id}/contacts`, { body: { email, roles } });
        customer.people.push({ id: body.id, email, roles, own: false });
        break;
      }
      case 3: {
        const person = customer.people[upTo(customer.people.length)]!;
        person.roles = upTo(2) === 0 ? ["license"] : ["billing", "license"];
        const body = { roles: person.roles };
        await admin(`/customers/${customer.id}/contacts/${person.id}`, { method: "PATCH", body });
        break;
      }
      default:
    }
    if (missed <= 0 && random() < 0.08) missed = 1 + upTo(3);
    if (down <= 0 && random() < 0.15) down = 1 + upTo(3);
    resend.fault = down > 0 ? () => refusal(503, "application_error") : () => null;
    if (missed <= 0) {
      for (const { id, licenses, people } of customers) {
        for (const one of licenses) {
          const told = writtenIn(night, one, people, written);
          written.push(...told);
          for (const notice of told) waiting.push({ ...notice, night, customer: id });
        }
      }
      setTime(night);
      await fire(NIGHTLY, mailing(), night);
      if (down <= 0) goOut(night);
    }
    // Past every pause between two attempts.
    const evening = night + 6 * HOUR;
    setTime(evening);
    await fire(DELIVERIES, mailing(), evening);
    if (down <= 0) goOut(evening);
  }
  const ours = [...licensesById.keys()];
  const seen = resend.inbox
    .filter(({ subject }) => /expire/.test(subject))
    .map(({ to, subject, text }) =>
      mailAbout(
        to,
        ours.filter((id) => text.includes(id)),
        /expired/.test(subject) ? "expired" : (/today|tomorrow|in \d+ days/.exec(subject)?.[0] ?? "?"),
      ),
    )
    .filter((mail) => mail.includes("lic_"));
  expect(seen.toSorted()).toEqual(expected.toSorted());
  expect(seen.length).toBeGreaterThan(30);
});
