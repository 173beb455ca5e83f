// The texts of mails are the largest part of the database, and after a while nobody needs them: the row says to whom it
// went, what about, and what became of it.
import type { Context } from "../context.ts";
import { DAY } from "../kernel/dates.ts";
import { named } from "../storage/database.ts";

const PAGE = 500;

/** The next messages in the order of their ids, up to the first that is still to be sent, or goes out with one. */
const OLD = `
  SELECT id FROM messages
  WHERE id > (SELECT id FROM message_walk WHERE only = 1) AND id < coalesce((
    SELECT min(min(waiting.id, coalesce(other.id, waiting.id)))
    FROM messages waiting LEFT JOIN messages other ON other.batch_id = waiting.batch_id
    WHERE waiting.status = 'pending' AND waiting.id < :end), :end)
  ORDER BY id LIMIT ${PAGE}`;

const FORGET = named(`UPDATE messages SET content = '' WHERE id IN (${OLD})`);

const GO_ON = named(
  `UPDATE message_walk SET id = (SELECT max(id) FROM (${OLD})) WHERE only = 1 AND EXISTS (${OLD})`,
);

/** Removes the texts of mails that are older than RETAIN_MAIL_DAYS. @returns whether there may be more */
export async function forgetTexts({ db, clock, ids, config }: Context): Promise<boolean> {
  // Ids begin with their time.
  const before = Math.max(0, clock.now() - config.retention.mailDays * DAY);
  const end = `msg_${ids.ulid(before).slice(0, 10)}`;
  const [forgotten] = await db.batch([db.run(FORGET, { end }), db.run(GO_ON, { end })]);
  return forgotten?.meta.changes === PAGE;
}
