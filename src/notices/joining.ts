// Makes one mail of the notices that are due to one recipient in one night and are of one kind. Which notices a mail
// tells, and its bytes, are fixed in the database before it is sent. The first notice carries the mail; the others
// follow its outcome. If one is taken back, or the day changes before the mail is out, it is written anew: the words
// are those of the day on which it goes out. The idempotency key stays the one of the request that may be through.
import { eq, inArray, sql } from "drizzle-orm";
import type { Context, Services } from "../context.ts";
import { DAY, dayOf, LAST_INSTANT, SECOND } from "../kernel/dates.ts";
import { messageIdsFrom } from "../kernel/ids.ts";
import { definitionsOf } from "../licensing/entitlements/inputs.ts";
import { graceUntil } from "../licensing/licenses/standing.ts";
import { chunksOf } from "../storage/bulk.ts";
import { named } from "../storage/database.ts";
import {
  type Contact,
  type Customer,
  customers,
  type EntitlementDefinition,
  type License,
  licenses,
  type Message,
} from "../storage/schema.ts";
import { contactIn } from "./contact.ts";
import { whenOf } from "./ladder.ts";
import { emailOf, sealed } from "./outbox.ts";
import { contactAt, contactsOf } from "./recipients.ts";
import type { EndingPart, KeptNotice, LicenseFacts, Several } from "./templates/index.ts";

/** While a night's notices are written they wait for each other; if the night dies, this long. */
export const HELD = 15 * 60 * SECOND;

/** A notice that only follows has no time of its own. */
export const FOLLOWS = LAST_INSTANT;

interface Subject {
  license: License;
  customer: Customer;
  contact: Contact | undefined;
  /** The end that the notice is about. */
  end: number;
}

/** What a notice says about a license. */
export const factsOf = (
  { config }: Services,
  license: License,
  customer: Pick<Customer, "name" | "company">,
  contact?: Pick<Contact, "name">,
): LicenseFacts => ({
  product: config.productName,
  customer_name: contact?.name ?? customer.name,
  company: customer.company,
  license_id: license.id,
  license_type: license.license_type,
  expires_at: license.expires_at,
  grace_until: graceUntil(license),
  features: license.features,
  max_instances: license.max_instances,
  max_services: license.max_services,
  max_requests_per_day: license.max_requests_per_day,
  contact: contactIn(config),
});

export type NoticeKind = "expiry_warning" | "license_expired" | "entitlement_expiring";

/** How people call entitlements, by code. */
export type Names = ReadonlyMap<string, Pick<EntitlementDefinition, "name" | "unit">>;

export const namesFor = (context: Context, all: readonly License[]): Promise<Names> =>
  definitionsOf(context, [...new Set(all.flatMap((license) => Object.keys(license.entitlements)))]);

/** What of the license ends at one of these ends. */
const partsOf = (now: number, license: License, ends: ReadonlySet<number>, names: Names): EndingPart[] =>
  Object.entries(license.entitlements).flatMap(([code, { value, until }]) => {
    if (until === undefined || !ends.has(until)) return [];
    const { name, unit } = names.get(code) ?? { name: code, unit: null };
    return [{ name, unit, value, until, when: whenOf(now, until) }];
  });

/** One notice about licenses of one customer, in any order: the letter has its own. */
export function noticeAbout(
  context: Context,
  now: number,
  kind: NoticeKind,
  subjects: Subject[],
  names: Names,
): KeptNotice {
  if (kind === "entitlement_expiring") {
    const all = [...Map.groupBy(subjects, ({ license }) => license.id).values()].map((about) => {
      const { license, customer, contact } = about[0]!;
      const ends = new Set(about.map(({ end }) => end));
      return {
        facts: factsOf(context, license, customer, contact),
        parts: partsOf(now, license, ends, names),
      };
    });
    return { kind, licenses: all as Extract<KeptNotice, { kind: typeof kind }>["licenses"] };
  }
  const told = subjects.map(({ license, customer, contact }) => ({
    facts: factsOf(context, license, customer, contact),
    when: whenOf(now, license.expires_at ?? 0),
  })) as Several<{ facts: LicenseFacts; when: ReturnType<typeof whenOf> }>;
  return kind === "expiry_warning"
    ? { kind, licenses: told }
    : { kind, licenses: told.map(({ facts }) => ({ facts })) as Several<{ facts: LicenseFacts }> };
}

type Sending = Pick<
  Message,
  "id" | "joined" | "subject" | "batch_id" | "attempts" | "uncertain_since" | "next_try_at"
>;

interface Waiting extends Sending, Pick<Message, "recipient" | "told_on"> {
  kind: NoticeKind;
  license_id: string;
  customer_id: string;
  notice_end: number;
}

/** A mail as it is fixed. Its id is that of the first notice. */
interface Mail extends Sending {
  /** Null if it stays as it is written. */
  content: string | null;
  /** The ids of the notices that it tells, its own included. */
  tells: string[];
}

const PAGE = 500;

/** Leaves something of a run for sending; what is left is joined by the next one. */
const MAX_PAGES = 20;

// A joined mail that a run has claimed is left alone: its time is moved on.
const WAITING = named(`
  SELECT m.id, m.kind, m.license_id, m.customer_id, m.recipient, m.joined, m.told_on, m.subject, m.notice_end,
    leader.batch_id, coalesce(leader.attempts, 0) AS attempts, leader.uncertain_since,
    coalesce(leader.next_try_at, 0) AS next_try_at
  FROM messages m LEFT JOIN messages leader ON leader.id = m.joined
  WHERE m.notice_end IS NOT NULL AND m.status = :status AND m.id >= :from
    -- What the release before claimed goes out as it is, under its key.
    AND iif(m.joined IS NULL, m.next_try_at <= :due AND m.batch_id IS NULL, m.told_on IS NOT :today AND leader.next_try_at <= :due)
    AND (m.status = 'pending' OR m.reason = 'not_configured' AND m.joined IS NULL)
  ORDER BY m.customer_id, lower(m.recipient), m.kind, m.joined, m.id LIMIT ${PAGE}`);

// Many mails in one statement, because D1 bounds their number. `mails` has a `Mail` each, as JSON.
const JOIN = named(`
  UPDATE messages SET
    joined = mail ->> '$.id', told_on = :today, subject = mail ->> '$.subject', attempts = mail ->> '$.attempts',
    uncertain_since = mail ->> '$.uncertain_since',
    content = iif(messages.id = mail ->> '$.id', coalesce(mail ->> '$.content', content), content),
    batch_id = iif(messages.id = mail ->> '$.id', mail ->> '$.batch_id', NULL),
    next_try_at = iif(messages.id = mail ->> '$.id', mail ->> '$.next_try_at', ${FOLLOWS}), updated_at = :now
  FROM (
    SELECT mails.value AS mail FROM json_each(:mails) mails
    WHERE json_array_length(mails.value, '$.tells') = (
        SELECT count(*) FROM json_each(mails.value, '$.tells') one CROSS JOIN messages m ON m.id = one.value
        WHERE m.status = :status AND m.joined IS (mails.value ->> '$.joined'))
      -- Nobody has claimed it meanwhile.
      AND (mails.value ->> '$.joined' IS NULL OR mails.value ->> '$.next_try_at' = (
        SELECT next_try_at FROM messages WHERE id = mails.value ->> '$.joined'))
  ), json_each(mail, '$.tells') AS told
  WHERE messages.id = told.value`);

/**
 * Joins what waits and is due.
 * @param due what is due by then is joined, in the words of that day
 * @param status `skipped`: what is not sent because sending is not configured, written at `due`, so that it is shown as
 *   it would be sent
 * @param mayGoOn asked before each page; where it says no, the next run joins what is left
 */
export async function joinNotices(
  context: Context,
  due: number,
  status: "pending" | "skipped",
  mayGoOn: () => boolean,
): Promise<void> {
  const { db } = context;
  // Skipped notices of former nights are not read.
  const from = status === "pending" ? "" : messageIdsFrom(context, due);
  for (let n = 0; n < MAX_PAGES && mayGoOn(); n++) {
    const [found] = await db.batch([
      // What a night wrote is due after a pause.
      db.run(WAITING, { status, from, due: status === "pending" ? due : due + DAY, today: dayOf(due) }),
    ]);
    const rows = (found?.results ?? []) as unknown as Waiting[];
    if (rows.length === 0) return;
    const groups = [...Map.groupBy(rows, groupOf).values()];
    // The last group may go on beyond the page.
    if (rows.length === PAGE && groups.length > 1) groups.pop();
    const mails = chunksOf(await mailsOf(context, due, groups)).map((chunk) =>
      db.run(JOIN, { mails: chunk, status, today: dayOf(due), now: due }),
    );
    await db.batch(mails, "repeatable");
    if (rows.length < PAGE) return;
  }
}

const groupOf = ({ customer_id, recipient, kind, joined: mail }: Waiting): string =>
  JSON.stringify([customer_id, recipient.toLowerCase(), kind, mail]);

async function mailsOf(context: Context, now: number, groups: Waiting[][]): Promise<Mail[]> {
  const { db } = context;
  const waiting = groups.flat();
  const licenseIds = JSON.stringify([...new Set(waiting.map(({ license_id }) => license_id))]);
  const found = await db.orm
    .select({ license: licenses, customer: customers })
    .from(licenses)
    .innerJoin(customers, eq(customers.id, licenses.customer_id))
    .where(inArray(licenses.id, sql`(SELECT value FROM json_each(${licenseIds}))`));
  const about = new Map(found.map((one) => [one.license.id, one]));
  const isOfParts = waiting.some(({ kind }) => kind === "entitlement_expiring");
  const names = await namesFor(context, isOfParts ? found.map(({ license }) => license) : []);
  const contacts = await contactsOf(
    context,
    waiting.map(({ customer_id }) => customer_id),
  );
  return Promise.all(
    groups.map(async (group) => {
      const [first] = group as [Waiting, ...Waiting[]];
      const contact = contactAt(contacts.get(first.customer_id) ?? [], first.recipient);
      const subjects = group.flatMap(({ license_id, kind, notice_end: end }) => {
        const one = about.get(license_id);
        // The license may have changed since what waits was found.
        const isThere =
          one &&
          (kind !== "entitlement_expiring" || partsOf(now, one.license, new Set([end]), names).length > 0);
        return isThere ? [{ ...one, contact, end }] : [];
      });
      const stays = (group.length === 1 && first.told_on === dayOf(now)) || subjects.length === 0;
      const { id, joined, batch_id, attempts, uncertain_since, next_try_at } = first;
      const { subject, content } = stays
        ? { subject: first.subject, content: null }
        : await written(context, now, first, contact, subjects, names);
      const tells = group.map((one) => one.id);
      return { id, joined, batch_id, attempts, uncertain_since, next_try_at, subject, content, tells };
    }),
  );
}

async function written(
  context: Context,
  now: number,
  { id, recipient, kind }: Waiting,
  contact: Contact | undefined,
  subjects: Subject[],
  names: Names,
): Promise<{ subject: string; content: string }> {
  const notice = noticeAbout(context, now, kind, subjects, names);
  const email = await emailOf(context, id, { recipient, notice, language: contact?.language ?? null });
  return { subject: email.subject, content: await sealed(context, id, email) };
}
