// The daily digest for staff: licenses that end soon or have ended, mail that bounced, licenses without a free seat.
import { and, asc, desc, eq, gt, gte, lte, sql } from "drizzle-orm";
import { lastHead } from "../audit/heads.ts";
import type { Context } from "../context.ts";
import { DAY, dayOf } from "../kernel/dates.ts";
import { customers, licenses, messages } from "../storage/schema.ts";
import { MISSED } from "./ladder.ts";
import { compose, writeMessages } from "./outbox.ts";
import { senderFault } from "./sender.ts";
import type { DigestJob, DigestNote, DigestRow, SealHead } from "./templates/index.ts";

/** Bounds the cost of the digest. The letter shows the first ones and counts them all. */
const MAX_LISTED = 1_000;

/** How many of the latest events are searched for licenses that took a seat. */
const MAX_EVENTS = 1_000;

/** What staff call a customer. */
const DISPLAY_NAME = sql<string>`coalesce(${customers.company}, ${customers.name})`.as("customer_name");

/**
 * The start of the period that the digest of today covers: the time of the last digest of an earlier day. So nothing is
 * lost if a night is missed or a run is repeated.
 */
export async function digestSince({ db }: Context, now: number): Promise<number> {
  const today = Math.floor(now / DAY) * DAY;
  const [found] = await db.batch([
    db.sql(
      "SELECT created_at FROM messages WHERE kind = 'admin_digest' AND dedupe_key GLOB 'digest:*' AND created_at < ? ORDER BY id DESC LIMIT 1",
      today,
    ),
  ]);
  return Math.max(Number(found?.results[0]?.["created_at"] ?? now - DAY), now - MISSED);
}

/**
 * Writes the digest of today, unless it is written already.
 * @param since the result of `digestSince`
 * @param jobs what is wrong with the jobs
 * @param more sections of other parts of the service
 */
export async function writeDigest(
  context: Context,
  now: number,
  since: number,
  unreachable: DigestRow[],
  jobs: DigestJob[],
  more: () => Promise<DigestNote[]>,
): Promise<void> {
  const { staff } = context.config.mail;
  const day = dayOf(now);
  const keyOf = (recipient: string): string => `digest:${day}:${recipient}`;
  if (staff.length === 0) return;
  const { orm } = context.db;
  const ending = (after: number, upTo: number) =>
    orm
      // Distinct names: a batch returns rows as objects, in which columns with the same name would become one.
      .select({ license_id: licenses.id, customer_name: DISPLAY_NAME, expires_at: licenses.expires_at })
      .from(licenses)
      .innerJoin(customers, eq(customers.id, licenses.customer_id))
      .where(
        // The plus keeps SQLite from using the index by status, along which it would read every active license.
        and(
          gt(licenses.expires_at, after),
          lte(licenses.expires_at, upTo),
          sql`+${licenses.status} = 'active'`,
        ),
      )
      .orderBy(asc(licenses.expires_at), asc(licenses.id))
      .limit(MAX_LISTED);
  const [expiring, expired, bounced, failed] = await orm.batch([
    ending(now, now + 30 * DAY),
    ending(since, now),
    undelivered(orm, "bounced", since),
    undelivered(orm, "failed", since),
  ]);
  const sender = await senderFault(context);
  const notes = await more();
  const { atLimit, seal } = await fullLicenses(context, now, since);
  const rows = await Promise.all(
    staff.map((recipient) =>
      compose(context, now, {
        dedupeKey: keyOf(recipient),
        recipient,
        licenseId: null,
        customerId: null,
        notice: {
          kind: "admin_digest",
          product: context.config.productName,
          day,
          expiring,
          expired,
          bounced,
          failed,
          sender,
          faults: context.config.faults,
          more: notes,
          at_limit: atLimit,
          unreachable: unreachable.slice(0, MAX_LISTED),
          seal,
          jobs,
        },
      }),
    ),
  );
  await context.db.batch(writeMessages(context, rows, "true"), "repeatable");
}

/** Mail that bounced or was given up since then, the latest first, along an index of its own. */
const undelivered = (orm: Context["db"]["orm"], status: "bounced" | "failed", since: number) =>
  orm
    .select({
      to: messages.recipient,
      kind: messages.kind,
      license_id: messages.license_id,
      customer_name: DISPLAY_NAME,
      why: sql<string | null>`coalesce(${messages.reason}, ${messages.last_error})`.as("why"),
    })
    .from(messages)
    .leftJoin(customers, eq(customers.id, messages.customer_id))
    .where(and(eq(messages.status, sql.raw(`'${status}'`)), gte(messages.updated_at, since)))
    .orderBy(desc(messages.updated_at))
    .limit(MAX_LISTED);

interface FullLicense {
  license_id: string;
  customer_name: string;
  active: number;
  max: number;
}

/**
 * The licenses that took a seat since then and have no free seat left, as far as the latest events show; and the head
 * of the sealed record, of which whoever keeps the mail is a witness.
 */
async function fullLicenses(
  { db }: Context,
  now: number,
  since: number,
): Promise<{ atLimit: FullLicense[]; seal: SealHead | null }> {
  const [found, sealed] = await db.batch([
    db.sql(
      `SELECT l.id AS license_id, coalesce(c.company, c.name) AS customer_name, l.max_instances AS max,
         (SELECT count(*) FROM activations
           WHERE license_id = l.id AND ended_at = 0 AND lease_expires_at > ?1) AS active
       FROM (
         SELECT DISTINCT entity_id FROM (
           SELECT entity_id, action, at FROM events ORDER BY id DESC LIMIT ${MAX_EVENTS})
         WHERE action = 'activation.created' AND at > ?2
       ) taken
       JOIN licenses l ON l.id = taken.entity_id
       JOIN customers c ON c.id = l.customer_id
       WHERE l.max_instances <= active
       ORDER BY l.id LIMIT ${MAX_LISTED}`,
      now,
      since,
    ),
    lastHead(db),
  ]);
  return {
    atLimit: (found?.results ?? []) as unknown as FullLicense[],
    seal: (sealed?.results[0] ?? null) as SealHead | null,
  };
}
