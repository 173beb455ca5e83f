// Suspending all licenses of a customer, and lifting that again: one batch, so that none is left out or done twice.
import type { Context } from "../../context.ts";
import { allow } from "../../kernel/permissions.ts";
import type { EventAction } from "../../record/catalogue.ts";
import { recordChange } from "../../record/events.ts";
import { unknownCustomer } from "../customers/customers.ts";
import type { Reasoned, Reinstatement } from "./decisions.ts";

export interface SuspensionOutcome {
  /** Nothing was written, and the numbers say what would have been. */
  dry_run?: true;
  changed: number;
  skipped: number;
  /** Of a dry run: how many instances run on the licenses that would change. */
  instances?: { active: number };
}

interface Action {
  /** The events of the customer and of each license. */
  ofCustomer: EventAction;
  ofLicense: EventAction;
  from: "active" | "suspended";
  to: "active" | "suspended";
  /** Which licenses of the customer it changes, in SQL. */
  which: string;
}

const SUSPEND: Action = {
  ofCustomer: "customer.suspended",
  ofLicense: "license.suspended",
  from: "active",
  to: "suspended",
  which: "status = 'active'",
};

/** Only what a suspension of the customer suspended: others were suspended for a reason of their own. */
const REINSTATE: Action = {
  ofCustomer: "customer.reinstated",
  ofLicense: "license.reinstated",
  from: "suspended",
  to: "active",
  which: "status = 'suspended' AND suspension IS NOT NULL",
};

interface Options {
  reason?: string | undefined;
  dryRun?: boolean;
}

/** @throws Problem CUSTOMER_NOT_FOUND */
async function carryOut(
  context: Context,
  id: string,
  action: Action,
  { reason, dryRun }: Options,
): Promise<SuspensionOutcome> {
  allow(context, "licenses");
  const { db } = context;
  const now = context.clock.now();
  const { ofCustomer, ofLicense, from, to, which } = action;
  const count = db.sql(
    `SELECT (SELECT count(*) FROM customers WHERE id = ?1) AS known, count(*) AS held,
       count(*) FILTER (WHERE ${which}) AS changed
     FROM licenses WHERE customer_id = ?1`,
    id,
  );
  // Mail goes before the change, as the change of a single license has it; events, too, since they know by its state
  // which licenses change.
  const changed = { sql: `FROM licenses WHERE customer_id = ? AND ${which}`, values: [id] };
  const why = reason === undefined ? {} : { reason };
  const writes = dryRun
    ? []
    : [
        ...context.mail.withdrawalOfMany(context, now, { customerId: id, which }),
        recordChange(
          context,
          now,
          ofLicense,
          ["license", { sql: "id", values: [] }],
          {
            sql: "json(?)",
            values: [JSON.stringify({ changes: { status: { from, to } }, ...why, customer_id: id })],
          },
          changed,
        ),
        recordChange(
          context,
          now,
          ofCustomer,
          ["customer", id],
          { sql: "json_patch(?, json_object('licenses', count(*)))", values: [JSON.stringify(why)] },
          { sql: `${changed.sql} HAVING count(*) > 0`, values: changed.values },
        ),
        db.sql(
          `UPDATE licenses SET status = ?1, suspension = iif(?1 = 'suspended', ?2, NULL), version = version + 1,
             terms_at = iif(terms_at = version, version + 1, terms_at), updated_at = ?3
           WHERE customer_id = ?4 AND ${which}`,
          to,
          context.ids.ulid(now),
          now,
          id,
        ),
      ];
  const running = dryRun
    ? [
        db.sql(
          `SELECT count(*) AS active FROM activations
           WHERE license_id IN (SELECT id FROM licenses WHERE customer_id = ?1 AND ${which})
             AND ended_at = 0 AND lease_expires_at > ?2`,
          id,
          now,
        ),
      ]
    : [];
  const [counted, seats] = await db.batch([count, ...running, ...writes]);
  const found = counted!.results[0] as { known: number; held: number; changed: number };
  if (found.known === 0) throw unknownCustomer(id);
  const outcome = { changed: found.changed, skipped: found.held - found.changed };
  if (!dryRun) return outcome;
  return { dry_run: true, ...outcome, instances: { active: Number(seats?.results[0]?.["active"]) } };
}

/**
 * Suspends every active license of a customer. Skipped are those that are suspended or revoked already.
 * @throws Problem CUSTOMER_NOT_FOUND; so does `reinstateCustomer`
 */
export const suspendCustomer = (
  context: Context,
  id: string,
  { reason }: Reasoned,
  dryRun = false,
): Promise<SuspensionOutcome> => carryOut(context, id, SUSPEND, { reason, dryRun });

/** Reinstates the licenses that suspending the customer suspended, and no others. */
export const reinstateCustomer = (
  context: Context,
  id: string,
  { reason }: Reinstatement,
  dryRun = false,
): Promise<SuspensionOutcome> => carryOut(context, id, REINSTATE, { reason, dryRun });
