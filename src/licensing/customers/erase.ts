// Staff forget a customer whose licenses let nothing run any more, or a contact at any time.
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { LAST_INSTANT } from "../../kernel/dates.ts";
import { Reason } from "../../kernel/inputs.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { HOLDS_VALUES } from "../../record/personal.ts";
import type { Customer } from "../../storage/schema.ts";
import { addErasure, applyErasure, type Progress } from "./erasure.ts";
import type { Erasure } from "./kept-erasures.ts";
import { wordsOf } from "./naming.ts";
import { answersOf, placesOf } from "./traces.ts";
import { unknownCustomer } from "./customers.ts";

export const ErasureRequest = z.strictObject({ reason: Reason });

export type ErasureRequest = z.output<typeof ErasureRequest>;

/** What goes, as numbers, and what cannot. */
interface Contents {
  contacts: number;
  licenses: number;
  instances: number;
  mails: number;
  /** Texts of digests to staff: all that are kept, since they name customers. */
  digests: number;
  pending_changes: number;
  /** Requests from the customer's site with a text or an answer. */
  requests: number;
  /** Licenses with refusals that say where instances ran. */
  refusals: number;
  /** Deliveries to webhook endpoints: what the receivers answered. */
  deliveries: number;
  /** Events of before the record held no values. Nobody can change them. */
  events_that_stay: number;
}

export interface ErasureOutcome extends Partial<Progress> {
  dry_run?: true;
  erasure_id?: string;
  customer_id: string;
  contact_id: string | null;
  goes: Omit<Contents, "events_that_stay">;
  events_that_stay: number;
}

const OF_CUSTOMER = "IN (SELECT id FROM licenses WHERE customer_id = ?1)";

/** SQL: whether a license of the customer lets, or will let, instances run. */
const mayRunAt = (customer: string, now: string): string => `EXISTS (
  SELECT 1 FROM licenses WHERE customer_id = ${customer} AND status = 'active'
    AND (expires_at IS NULL OR min(expires_at + grace_days * 86400000, ${LAST_INSTANT}) > ${now}))`;

const COUNT = `
  SELECT
    EXISTS (SELECT 1 FROM customers WHERE id = ?1)
      OR EXISTS (SELECT 1 FROM events WHERE entity_id = ?1 AND entity_type = 'customer') AS customer_known,
    EXISTS (SELECT 1 FROM contacts WHERE id = ?2 AND customer_id = ?1) OR ?2 = 'con_' || ?1
      OR EXISTS (SELECT 1 FROM events WHERE entity_id = ?1 AND detail ->> 'contact_id' = ?2) AS contact_known,
    ?2 IS NULL AND ${mayRunAt("?1", "?3")} AS may_run,
    (SELECT count(*) FROM contacts WHERE customer_id = ?1 AND (?2 IS NULL OR id = ?2)) AS contacts,
    iif(?2 IS NULL, (SELECT count(*) FROM licenses
      WHERE customer_id = ?1 AND (metadata <> '{}' OR tags <> '[]' OR notes IS NOT NULL)), 0) AS licenses,
    iif(?2 IS NULL, (SELECT count(*) FROM activations WHERE license_id ${OF_CUSTOMER}
      AND coalesce(hostname, ip, fingerprint, labels, app_version, unproven) IS NOT NULL), 0) AS instances,
    (SELECT count(*) FROM messages m WHERE customer_id = ?1 AND recipient <> '' AND NOT EXISTS (
      SELECT 1 FROM contacts c WHERE c.customer_id = ?1 AND c.id IS NOT ?2 AND ?2 IS NOT NULL
        AND lower(c.email) = lower(m.recipient))) AS mails,
    (SELECT count(*) FROM messages WHERE kind = 'admin_digest' AND content <> '') AS digests,
    iif(?2 IS NULL, (SELECT count(*) FROM pending_changes WHERE license_id ${OF_CUSTOMER}
      AND (input <> '{}' OR detail IS NOT NULL)), 0) AS pending_changes,
    (SELECT count(*) FROM customer_requests WHERE customer_id = ?1 AND (?2 IS NULL OR contact_id = ?2)
      AND (text <> '' OR answer IS NOT NULL)) AS requests,
    iif(?2 IS NULL, (SELECT count(*) FROM (${placesOf("?1")})), 0) AS refusals,
    (SELECT count(*) FROM (${answersOf("?1")})) AS deliveries,
    (SELECT count(*) FROM events e WHERE (entity_id = ?1 OR entity_id ${OF_CUSTOMER}) AND ${HOLDS_VALUES})
      AS events_that_stay`;

type Counted = Contents & { customer_known: number; contact_known: number; may_run: number };

/** A request takes some pages, and the night the rest: so many of the queries that D1 allows are left to it. */
const LEFT_BY_PAGES = 700;

/** What an erasure takes. @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND; CONFLICT while a license may run */
async function planOf(
  { db, clock }: Context,
  customerId: string,
  contactId: string | null,
): Promise<Contents> {
  const [found] = await db.batch([db.sql(COUNT, customerId, contactId, clock.now())]);
  const { customer_known, contact_known, may_run, ...contents } = found!.results[0] as unknown as Counted;
  if (!customer_known) throw unknownCustomer(customerId);
  if (contactId !== null && !contact_known) {
    throw new Problem("NOT_FOUND", `The customer has no contact with the id ${contactId}.`);
  }
  if (may_run) throw mayRun(customerId);
  return contents;
}

const mayRun = (id: string): Problem =>
  new Problem(
    "CONFLICT",
    `A license of the customer ${id} may still run. Revoke it, suspend it, or wait for its end; or erase single contacts.`,
  );

/** @throws Problem REQUEST_INVALID where the reason, which the record keeps for ever, names the person */
async function assertNameless(context: Context, erasure: Erasure, reason: string): Promise<void> {
  const words = await wordsOf(context, erasure);
  const ids = new Set([erasure.customer_id, erasure.contact_id]);
  const named = words.filter((word) => !ids.has(word) && word.trim().length > 1);
  if (named.some((word) => reason.toLowerCase().includes(word.toLowerCase()))) {
    throw invalid("reason", "Names whom it is about, and the record keeps it for ever");
  }
}

async function erase(
  context: Context,
  customerId: string,
  contactId: string | null,
  { reason }: ErasureRequest,
  dryRun: boolean,
): Promise<ErasureOutcome> {
  allow(context, "erasure");
  const now = context.clock.now();
  const erasure: Erasure = {
    id: `era_${context.ids.ulid(now)}`,
    customer_id: customerId,
    contact_id: contactId,
    erased_at: now,
  };
  await assertNameless(context, erasure, reason);
  const { events_that_stay, ...goes } = await planOf(context, customerId, contactId);
  const outcome = { customer_id: customerId, contact_id: contactId, goes, events_that_stay };
  if (dryRun) return { dry_run: true, ...outcome };
  const detail = { erasure_id: erasure.id, ...(contactId === null ? {} : { contact_id: contactId }), reason };
  const decide = (customer: Customer | undefined): D1PreparedStatement[] => [
    contactId === null
      ? addErasure(context, erasure, `NOT ${mayRunAt("?2", "?4")}`)
      : addErasure(
          context,
          erasure,
          customer
            ? "EXISTS (SELECT 1 FROM customers WHERE (id, version, created_at) = (?2, ?5, ?6))"
            : "true",
          ...(customer ? [customer.version, customer.created_at] : []),
        ),
    recordChange(
      context,
      now,
      contactId === null ? "customer.erased" : "contact.erased",
      ["customer", customerId],
      detail,
    ),
  ];
  const { db, hasRoom } = context.db.counted();
  const mayGoOn = () => hasRoom(LEFT_BY_PAGES);
  const progress = await applyErasure({ ...context, db }, erasure, { decide, mayGoOn });
  if (!progress.decided) throw mayRun(customerId);
  return { erasure_id: erasure.id, ...outcome, kept: progress.kept, finished: progress.finished };
}

/**
 * Forgets a customer. Ids stay, and what was sold.
 * @throws Problem CUSTOMER_NOT_FOUND; CONFLICT while a license may run; REQUEST_INVALID if the reason names the customer
 */
export const eraseCustomer = (
  context: Context,
  id: string,
  input: ErasureRequest,
  dryRun = false,
): Promise<ErasureOutcome> => erase(context, id, null, input, dryRun);

/**
 * Forgets a contact, and the customer's mails to addresses of no other contact.
 * @throws Problem CUSTOMER_NOT_FOUND, NOT_FOUND; REQUEST_INVALID if the reason names the contact
 */
export const eraseContact = (
  context: Context,
  customerId: string,
  id: string,
  input: ErasureRequest,
  dryRun = false,
): Promise<ErasureOutcome> => erase(context, customerId, id, input, dryRun);
