// Mails of people who are forgotten. The row stays, with what became of it: neither to whom it went, nor what it said.
import type { Context } from "../context.ts";
import { named } from "../storage/database.ts";

/** The `reason` of a mail whose recipient is forgotten. */
const ERASED = "erased";

const PAGE = 500;

/** What waits is not sent. A notice keeps what it is about, so that no night writes it again. */
const FORGOTTEN = `
  content = '', subject = '', last_error = NULL, reason = '${ERASED}',
  status = iif(status = 'pending', 'skipped', status), updated_at = :now`;

const MAILS = named(`
  UPDATE messages SET
    recipient = '', ${FORGOTTEN}, joined = NULL,
    dedupe_key = iif(notice_end IS NULL, 'erased:' || id,
      'notice:' || license_id || ':' || notice_end || ':' || notice_days || ':' || id)
  WHERE id IN (
    SELECT m.id FROM messages m WHERE m.customer_id = :customer AND m.recipient <> '' AND NOT EXISTS (
      SELECT 1 FROM contacts c WHERE c.customer_id = m.customer_id AND lower(c.email) = lower(m.recipient))
    ORDER BY m.id LIMIT ${PAGE})`);

/** Digests name customers, and nothing in their rows says which: they lose their texts. They went to staff. */
const DIGESTS = named(`
  UPDATE messages SET ${FORGOTTEN}
  WHERE id IN (SELECT id FROM messages WHERE kind = 'admin_digest' AND content <> '' LIMIT ${PAGE})`);

/** As `LicenseMail.forgetPage` says. */
export async function forgetMails({ db }: Context, now: number, customer: string): Promise<boolean> {
  const pages = await db.batch([db.run(MAILS, { now, customer }), db.run(DIGESTS, { now })], "repeatable");
  return pages.some((page) => page.meta.changes === PAGE);
}
