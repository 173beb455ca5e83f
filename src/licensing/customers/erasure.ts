// Forgetting a customer, or one of its contacts: what says something about a person goes from every table, ids stay.
//
// The first batch decides, records, and empties the rows that are few. The rest goes in pages, each of which says itself
// what is left, so that a run that is killed is carried on by the night. The same verb applies an erasure again to a
// database that was restored from an older backup.
import { and, eq } from "drizzle-orm";
import { forgetAnswers } from "../../access/kept-answers.ts";
import type { Context } from "../../context.ts";
import { DAY } from "../../kernel/dates.ts";
import { MAX_ATTEMPTS, overtaken } from "../../kernel/resources.ts";
import { named } from "../../storage/database.ts";
import { ERASED } from "../../record/personal.ts";
import { contacts, type Customer, customers, type ErasureRow } from "../../storage/schema.ts";
import { replaceTerms } from "./customers.ts";
import { forgetPages, forgetTraces } from "./erasure-pages.ts";
import { type Erasure, keepErasure, keptErasures } from "./kept-erasures.ts";
import { namesIn, wordsOf } from "./naming.ts";
import { termsOf } from "./search-terms.ts";

/** What is left of a customer's row. */
const emptied = (customer: Customer): Customer => ({
  ...customer,
  name: ERASED,
  email: null,
  company: null,
  metadata: {},
  email_status: null,
  notes: null,
  tags: [],
});

/** Whether the erasure was decided: its row is there. */
const DECIDED = "EXISTS (SELECT 1 FROM erasures WHERE id = :erasure)";

const CUSTOMER = [
  `DELETE FROM contacts WHERE customer_id = :customer AND ${DECIDED}`,
  `DELETE FROM customer_terms WHERE customer_id = :customer AND ${DECIDED}`,
  `INSERT INTO customer_terms (term, customer_id) SELECT value, :customer FROM json_each(:terms)
   WHERE ${DECIDED} AND EXISTS (SELECT 1 FROM customers WHERE id = :customer) ON CONFLICT DO NOTHING`,
  `UPDATE customers SET
     name = '${ERASED}', email = NULL, company = NULL, metadata = '{}', email_status = NULL, notes = NULL, tags = '[]',
     version = version + 1, terms_at = version + 1, updated_at = :now
   WHERE id = :customer AND ${DECIDED}`,
  `UPDATE pending_changes SET
     status = iif(status IN ('pending', 'held'), 'cancelled', status), input = '{}', detail = NULL, updated_at = :now
   WHERE license_id IN (SELECT id FROM licenses WHERE customer_id = :customer) AND ${DECIDED}`,
  `UPDATE customer_requests SET
     status = iif(status = 'open', 'declined', status), answered_at = coalesce(answered_at, :now), text = '', answer = NULL
   WHERE customer_id = :customer AND ${DECIDED}`,
  `DELETE FROM portal_sessions WHERE customer_id = :customer AND ${DECIDED}`,
  `DELETE FROM portal_invitations WHERE customer_id = :customer AND ${DECIDED}`,
].map(named);

/** The statements that empty the row of a customer and all that there is little of. Change nothing if it is not decided. */
const emptyCustomer = ({ db }: Context, { id, customer_id }: Erasure, now: number) =>
  CUSTOMER.map((statement) =>
    db.run(statement, {
      erasure: id,
      customer: customer_id,
      now,
      terms: JSON.stringify(termsOf({ ...emptied({} as Customer), id: customer_id })),
    }),
  );

const ADD = `INSERT INTO erasures (id, customer_id, contact_id, erased_at) SELECT ?1, ?2, ?3, ?4`;

/** A statement that writes the row of an erasure, where `condition` holds; its parameters begin with ?5. */
export const addErasure = (
  { db }: Context,
  { id, customer_id, contact_id, erased_at }: Erasure,
  condition: string,
  ...values: (string | number)[]
): D1PreparedStatement =>
  db.sql(
    `${ADD} WHERE ${condition} ON CONFLICT DO NOTHING`,
    id,
    customer_id,
    contact_id,
    erased_at,
    ...values,
  );

/**
 * Empties the rows of a contact, after the statements that decide it.
 * @param decide the statements that write the erasure and record it, for the customer that was read
 * @throws Problem CONFLICT if the customer is changed all the time
 */
async function emptyContact(
  context: Context,
  { id, customer_id, contact_id }: Erasure,
  decide: (customer: Customer | undefined) => D1PreparedStatement[],
): Promise<void> {
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const [[customer], all] = await db.orm.batch([
      db.orm.select().from(customers).where(eq(customers.id, customer_id)),
      db.orm.select().from(contacts).where(eq(contacts.customer_id, customer_id)),
    ]);
    if (!customer) return void (await db.batch(decide(undefined)));
    const isOwn = contact_id === `con_${customer_id}`;
    const now = context.clock.now();
    const version = customer.version + 1;
    const after: Customer = { ...customer, ...(isOwn ? { email: null, email_status: null } : {}) };
    const left = all.filter((contact) => contact.id !== contact_id);
    const results = await db.batch([
      ...decide(customer),
      db.sql(
        "DELETE FROM contacts WHERE id = ?1 AND customer_id = ?2 AND EXISTS (SELECT 1 FROM erasures WHERE id = ?3)",
        contact_id,
        customer_id,
        id,
      ),
      // What they asked for stays, without their words and those of the answer.
      db.sql(
        `UPDATE customer_requests SET text = '', answer = NULL
         WHERE customer_id = ?2 AND contact_id = ?1 AND EXISTS (SELECT 1 FROM erasures WHERE id = ?3)`,
        contact_id,
        customer_id,
        id,
      ),
      // Also those that nobody confirmed, at the same address.
      db.sql(
        `DELETE FROM portal_invitations WHERE customer_id = ?2 AND EXISTS (SELECT 1 FROM erasures WHERE id = ?3)
           AND (id = ?1 OR lower(email) = lower(?4))`,
        contact_id,
        customer_id,
        id,
        all.find((contact) => contact.id === contact_id)?.email ?? null,
      ),
      ...replaceTerms(context, customer, after, left),
      db.compile(
        db.orm
          .update(customers)
          .set({
            version,
            terms_at: version,
            updated_at: now,
            ...(isOwn ? { email: null, email_status: null } : {}),
          })
          .where(
            and(
              eq(customers.id, customer_id),
              eq(customers.version, customer.version),
              eq(customers.created_at, customer.created_at),
            ),
          ),
      ),
    ]);
    if (results.at(-1)?.meta.changes !== 0) return;
  }
  throw overtaken(undefined);
}

/** What became of an erasure so far. */
export interface Progress {
  /** Whether its own rule allowed it. If not, nothing is changed. */
  decided: boolean;
  /** Whether everything is gone; if not, the night goes on. */
  finished: boolean;
  /** Whether it is written to the bucket BACKUPS; if not, the night tries again. */
  kept: boolean;
}

/**
 * Carries out an erasure: from the decision on, or again. Doing it twice does no more than doing it once. A restore calls
 * it, after all rows are there, for every erasure since the backup began, in the order of `erased_at`.
 * @param decide the statements that decide and record it; without them, it is decided
 */
export async function applyErasure(
  context: Context,
  erasure: Erasure,
  { decide, mayGoOn = () => true }: Options = {},
): Promise<Progress> {
  const decision = decide ?? (() => [addErasure(context, erasure, "true")]);
  // Afterwards nothing tells the words any more.
  const words = await wordsOf(context, erasure);
  if (erasure.contact_id !== null) await emptyContact(context, erasure, decision);
  else {
    const [added] = await context.db.batch([
      ...decision(undefined),
      ...emptyCustomer(context, erasure, context.clock.now()),
    ]);
    if (decide && added?.meta.changes === 0) return { decided: false, kept: false, finished: false };
  }
  return { decided: true, ...(await carryOn(context, erasure, mayGoOn, words)) };
}

interface Options {
  decide?: (customer: Customer | undefined) => D1PreparedStatement[];
  /** Asked before each page. */
  mayGoOn?: () => boolean;
}

/** Carries on what is decided: what is left of the pages, and the bucket. */
async function carryOn(
  context: Context,
  erasure: Erasure,
  mayGoOn: () => boolean,
  words: string[],
): Promise<Omit<Progress, "decided">> {
  const kept = await keepErasure(context, erasure);
  await forgetAnswers(context, namesIn(context, erasure, words));
  return { kept, finished: await forgetPages(context, erasure, mayGoOn) };
}

/** What was written at the same time as an erasure is looked for so long. */
const AFTERWARDS = 2 * DAY;

/**
 * Goes on with erasures that are not finished or not kept, looks again after those of the last two days, and applies
 * those that the bucket knows and the database does not, because it is one of before: however it was restored.
 * @returns whether all is done
 */
export async function carryOnErasures(context: Context, mayGoOn: () => boolean): Promise<boolean> {
  const { db, clock, backups } = context;
  const since = clock.now() - AFTERWARDS;
  const [found] = await db.batch([
    db.sql(
      `SELECT * FROM erasures WHERE id IN (
         SELECT id FROM erasures WHERE finished_at IS NULL OR kept_at IS NULL UNION SELECT id FROM erasures WHERE id > ?)
       ORDER BY id`,
      `era_${context.ids.ulid(since).slice(0, 10)}`,
    ),
  ]);
  for (const erasure of (found?.results ?? []) as unknown as ErasureRow[]) {
    if (!mayGoOn()) return false;
    if (erasure.finished_at === null) {
      const { finished } = await carryOn(context, erasure, mayGoOn, []);
      if (!finished) return false;
      continue;
    }
    if (erasure.kept_at === null && backups !== null) await keepErasure(context, erasure);
    // What staff noted about the customer since then stays.
    if (erasure.erased_at > since) {
      await context.mail.forgetPage(context, clock.now(), erasure.customer_id);
      await forgetTraces(context, erasure);
    }
  }
  for await (const unknown of keptErasures(context)) {
    if (!mayGoOn()) return false;
    const { finished } = await applyErasure(context, unknown, { mayGoOn });
    if (!finished) return false;
  }
  return true;
}
