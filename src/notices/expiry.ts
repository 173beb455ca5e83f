// The nightly walk: finds what is due a notice now, and writes it. What an earlier run wrote is not written again, so a
// run that dies can simply be repeated.
import type { Context } from "../context.ts";
import { isSameMailbox } from "../field/mailboxes.ts";
import { DAY, dayOf } from "../kernel/dates.ts";
import type { Contact, Message } from "../storage/schema.ts";
import { type Candidate, candidates } from "./ends/candidates.ts";
import { HELD, joinNotices, type Names, namesFor, noticeAbout, type NoticeKind } from "./joining.ts";
import { dueThreshold, termOfEntitlements } from "./ladder.ts";
import { compose, writeMessages } from "./outbox.ts";
import { ENDS_THEN, SUPERSEDED, takeBackOlder } from "./superseded.ts";
import type { DigestRow } from "./templates/index.ts";

type Ending = Pick<Candidate, "license" | "what" | "end">;

const noticesOf = ({ license, end }: Ending): string => `notice:${license.id}:${end}`;

const keyOf = (ending: Ending, threshold: number, recipient: string): string =>
  `${noticesOf(ending)}:${threshold}:${ending.what === "license" ? "" : "entitlements:"}${recipient}`;

interface Told {
  about: string;
  days: number;
  recipient: string;
}

const aboutOf = ({ license, what, end }: Ending): string => `${what}:${license.id}:${end}`;

// By the beginning of the key, which the index finds. What was taken back was not told.
const TOLD = `
  SELECT iif(m.kind = 'entitlement_expiring', 'entitlements:', 'license:') || m.license_id || ':' || m.notice_end AS about,
    m.notice_days AS days, m.recipient
  FROM json_each(?) one CROSS JOIN messages m ON m.dedupe_key > one.value || ':' AND m.dedupe_key < one.value || ';'
  WHERE m.reason IS NOT '${SUPERSEDED}'`;

/** The notices about these ends that were written before, to whomever. */
async function toldBefore({ db }: Context, page: Candidate[]): Promise<Map<string, Told[]>> {
  if (page.length === 0) return new Map();
  const [found] = await db.batch([db.sql(TOLD, JSON.stringify(page.map(noticesOf)))]);
  return Map.groupBy((found?.results ?? []) as unknown as Told[], ({ about }) => about);
}

// The license may have been renewed, suspended or transferred since it was read: then nothing is due. What it entitles
// to may have another value.
const STILL_DUE = `EXISTS (
  SELECT 1 FROM licenses l WHERE l.id = value ->> '$.license_id' AND l.customer_id = value ->> '$.customer_id'
    AND ${ENDS_THEN("value ->> '$.kind'", "value ->> '$.ends_at'")}
    AND (l.version = value ->> '$.version' OR value ->> '$.kind' <> 'entitlement_expiring'))`;

/** Says that the night's notices are complete: they may be joined and sent. */
const RELEASE = `UPDATE messages SET next_try_at = 0 WHERE status = 'pending' AND batch_id IS NULL AND next_try_at > 0
  AND notice_end IS NOT NULL AND joined IS NULL`;

type Owed = Message & { ends_at: number; version: number };

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
    const names = await namesFor(
      context,
      page.flatMap(({ what, license }) => (what === "entitlements" ? [license] : [])),
    );
    for (const candidate of page) {
      const { license, customer, what, end, recipients } = candidate;
      const term = what === "license" ? license : termOfEntitlements(license, end);
      const thresholds = candidate.thresholds.filter((days) => days > 0 || what === "license");
      if (recipients.length === 0) {
        const threshold = dueThreshold(term, thresholds, now, new Set());
        if (threshold !== null && becameDueSince(since, end, threshold))
          unreachable.push({
            license_id: license.id,
            customer_name: customer.company ?? customer.name,
            expires_at: end,
          });
      }
      for (const contact of recipients) {
        // Whoever writes an address anew in other letters is not told again.
        const sent = (told.get(aboutOf(candidate)) ?? []).filter(({ recipient }) =>
          isSameMailbox(recipient, contact.email),
        );
        const threshold = dueThreshold(term, thresholds, now, new Set(sent.map(({ days }) => days)));
        if (threshold !== null)
          owed.push(await noticeFor(context, now, candidate, contact, threshold, names));
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
const becameDueSince = (since: number, end: number, threshold: number): boolean =>
  end - (threshold === 0 ? 0 : (threshold + 1) * DAY) > since;

const kindOf = ({ what }: Candidate, threshold: number): NoticeKind =>
  what === "entitlements" ? "entitlement_expiring" : threshold === 0 ? "license_expired" : "expiry_warning";

async function noticeFor(
  context: Context,
  now: number,
  candidate: Candidate,
  contact: Contact,
  threshold: number,
  names: Names,
): Promise<Owed> {
  const { license, customer, end } = candidate;
  const subject = { license, customer, contact, end };
  const message = await compose(context, now, {
    dedupeKey: keyOf(candidate, threshold, contact.email),
    recipient: contact.email,
    licenseId: license.id,
    customerId: customer.id,
    language: contact.language,
    notice: noticeAbout(context, now, kindOf(candidate, threshold), [subject], names),
  });
  return { ...message, told_on: dayOf(now), next_try_at: now + HELD, ends_at: end, version: license.version };
}
