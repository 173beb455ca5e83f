// The nightly walk: finds the licenses that are due a notice now, and writes it. It reads the licenses that recently
// passed a threshold, page by page, along the index by end. What an earlier run wrote is not written again, so a run
// that dies can simply be repeated.
import { and, eq, lte, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { isSameMailbox } from "../field/mailboxes.ts";
import { DAY, dayOf } from "../kernel/dates.ts";
import {
  type Contact,
  type Customer,
  customers,
  type License,
  licenses,
  licenseTypes,
  type Message,
} from "../storage/schema.ts";
import { thresholdsInUse } from "../licensing/licenses/time/thresholds.ts";
import { HELD, joinNotices, noticeAbout } from "./joining.ts";
import { dueThreshold, windowsOf } from "./ladder.ts";
import { compose, writeMessages } from "./outbox.ts";
import { contactsOf, recipientsOf } from "./recipients.ts";
import { SUPERSEDED, takeBackOlder } from "./superseded.ts";
import type { DigestRow } from "./templates/index.ts";

/** Few large pages: D1 bounds the number of queries of a run. */
const PAGE = 500;

interface Candidate {
  license: License;
  customer: Customer;
  /** The license's own thresholds, or its type's. */
  thresholds: number[];
  /** Who is told about its end; nobody if the customer has no address. */
  recipients: Contact[];
}

async function* candidates(context: Context, now: number): AsyncGenerator<Candidate[]> {
  for (const [after, upTo] of windowsOf(await thresholdsInUse(context), now)) {
    let last: [number, string] = [after, "~"];
    for (;;) {
      const page = await readPage(context, last, upTo);
      yield page;
      const end = page.at(-1)?.license;
      if (page.length < PAGE || !end) break;
      last = [end.expires_at ?? 0, end.id];
    }
  }
}

async function readPage(context: Context, [at, id]: [number, string], upTo: number): Promise<Candidate[]> {
  const rows = await context.db.orm
    .select({ license: licenses, customer: customers, ofType: licenseTypes.notice_days })
    .from(licenses)
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .innerJoin(licenseTypes, eq(licenseTypes.id, licenses.license_type))
    .where(
      and(
        lte(licenses.expires_at, upTo),
        // Compares both columns at once; otherwise each page would begin with all licenses of the same end.
        sql`(${licenses.expires_at}, ${licenses.id}) > (${at}, ${id})`,
      ),
    )
    .orderBy(licenses.expires_at, licenses.id)
    .limit(PAGE);
  const contacts = await contactsOf(
    context,
    rows.map(({ customer }) => customer.id),
  );
  return rows.map(({ license, customer, ofType }) => ({
    license,
    customer,
    thresholds: license.notice_days ?? ofType,
    recipients: recipientsOf(contacts.get(customer.id) ?? [], "billing"),
  }));
}

const noticesOf = ({ id, expires_at }: License): string => `notice:${id}:${expires_at}`;

const keyOf = (license: License, threshold: number, recipient: string): string =>
  `${noticesOf(license)}:${threshold}:${recipient}`;

interface Told {
  license_id: string;
  days: number;
  recipient: string;
}

// By the beginning of the key, which the index finds. What was taken back was not told.
const TOLD = `
  SELECT m.license_id, m.notice_days AS days, m.recipient
  FROM json_each(?) one CROSS JOIN messages m ON m.dedupe_key > one.value || ':' AND m.dedupe_key < one.value || ';'
  WHERE m.reason IS NOT '${SUPERSEDED}'`;

/** The notices about the present ends of these licenses that were written before, to whomever. */
async function toldBefore({ db }: Context, page: Candidate[]): Promise<Map<string, Told[]>> {
  if (page.length === 0) return new Map();
  const [found] = await db.batch([
    db.sql(TOLD, JSON.stringify(page.map(({ license }) => noticesOf(license)))),
  ]);
  return Map.groupBy((found?.results ?? []) as unknown as Told[], ({ license_id }) => license_id);
}

// The license may have been renewed, suspended or transferred since it was read: then nothing is due.
const STILL_DUE = `EXISTS (
  SELECT 1 FROM licenses WHERE id = value ->> '$.license_id' AND status = 'active'
    AND expires_at = value ->> '$.expires_at' AND customer_id = value ->> '$.customer_id')`;

/** Says that the night's notices are complete: they may be joined and sent. */
const RELEASE = `UPDATE messages SET next_try_at = 0 WHERE status = 'pending' AND batch_id IS NULL AND next_try_at > 0
  AND notice_end IS NOT NULL AND joined IS NULL`;

type Owed = Message & { expires_at: number | null };

export interface WrittenNotices {
  /** How many were due; those that another run wrote meanwhile included. */
  written: number;
  /** The licenses that became due since then and whose customer has no e-mail address. */
  unreachable: DigestRow[];
  /** Whether the walk came to its end. */
  complete: boolean;
}

/**
 * Writes the notices that are due, and joins those that one recipient gets.
 * @param mayGoOn asked before each page; where it says no, another run for the same time goes on
 */
export async function writeNotices(
  context: Context,
  now: number,
  since: number,
  mayGoOn: () => boolean,
): Promise<WrittenNotices> {
  const unreachable: DigestRow[] = [];
  let written = 0;
  for await (const page of candidates(context, now)) {
    if (!mayGoOn()) return { written, unreachable, complete: false };
    const told = await toldBefore(context, page);
    const owed: Owed[] = [];
    for (const candidate of page) {
      const { license, customer, thresholds, recipients } = candidate;
      if (recipients.length === 0) {
        const threshold = dueThreshold(license, thresholds, now, new Set());
        if (threshold !== null && becameDueSince(since, license, threshold))
          unreachable.push(digestRow(license, customer));
      }
      for (const contact of recipients) {
        // Whoever writes an address anew in other letters is not told again.
        const sent = (told.get(license.id) ?? []).filter(({ recipient }) =>
          isSameMailbox(recipient, contact.email),
        );
        const threshold = dueThreshold(license, thresholds, now, new Set(sent.map(({ days }) => days)));
        if (threshold !== null) owed.push(await noticeFor(context, now, candidate, contact, threshold));
      }
    }
    if (owed.length > 0) {
      const about = [...new Set(owed.map(({ license_id }) => String(license_id)))];
      await context.db.batch(
        [...writeMessages(context, owed, STILL_DUE), ...takeBackOlder(context, now, about)],
        "repeatable",
      );
    }
    written += owed.length;
  }
  await context.db.batch([context.db.sql(RELEASE)], "repeatable");
  await joinNotices(context, now, "skipped", mayGoOn);
  return { written, unreachable, complete: true };
}

/** Whether it became due in a night that the last digest did not cover. */
const becameDueSince = (since: number, { expires_at }: License, threshold: number): boolean =>
  (expires_at ?? 0) - (threshold === 0 ? 0 : (threshold + 1) * DAY) > since;

const digestRow = (
  { id, expires_at }: Pick<License, "id" | "expires_at">,
  { name }: Pick<Customer, "name">,
): DigestRow => ({ license_id: id, customer_name: name, expires_at });

async function noticeFor(
  context: Context,
  now: number,
  { license, customer }: Candidate,
  contact: Contact,
  threshold: number,
): Promise<Owed> {
  const message = await compose(context, now, {
    dedupeKey: keyOf(license, threshold, contact.email),
    recipient: contact.email,
    licenseId: license.id,
    customerId: customer.id,
    language: contact.language,
    notice: noticeAbout(context, now, threshold === 0 ? "license_expired" : "expiry_warning", [
      { license, customer, contact },
    ]),
  });
  return { ...message, told_on: dayOf(now), next_try_at: now + HELD, expires_at: license.expires_at };
}
