// Making the changes that decisions.ts decides.
import { and, eq, type SQL } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { EventAction } from "../../record/catalogue.ts";
import { recordChange } from "../../record/events.ts";
import { recordableChanges } from "../../record/personal.ts";
import type { Context } from "../../context.ts";
import { invalid, Problem } from "../../problems.ts";
import { isForeignKeyFailure } from "../../storage/failures.ts";
import { type License, licenses } from "../../storage/schema.ts";
import { LAST_INSTANT } from "../../kernel/dates.ts";
import {
  decideChange,
  decideReinstatement,
  decideRenewal,
  decideRevoke,
  decideSuspend,
  decideTransfer,
  type Decision,
  type LicenseChanges,
  type Reasoned,
  type Reinstatement,
  type Renewal,
  type Transfer,
  type Transition,
  TRANSITIONS,
} from "./decisions.ts";
import { entitlementsIn } from "../entitlements/inputs.ts";
import { getCustomer, unknownCustomer } from "../customers/customers.ts";
import { licenseKeyOf } from "./license-keys.ts";
import { replaceLicenseTerms } from "./search/license-terms.ts";
import { graceUntil } from "./standing.ts";
import { typeNamedBy, unknownTypeIn } from "./license-types.ts";
import { endFault, getLicense } from "./licenses.ts";
import {
  assertMatch,
  type Changes,
  changesBetween,
  columnsToSet,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";

const EVENTS: Record<Transition, EventAction> = {
  change: "license.changed",
  renew: "license.renewed",
  suspend: "license.suspended",
  reinstate: "license.reinstated",
  revoke: "license.revoked",
  reissue: "license.reissued",
  transfer: "license.transferred",
};

/** What a transition would do: the license before and after it, and the differences. */
export interface Plan {
  before: License;
  after: License;
  changes: Changes;
}

/** @throws Problem INVALID_TRANSITION */
export function assertAllowed({ status }: Pick<License, "status">, transition: Transition): void {
  const allowed: readonly Transition[] = TRANSITIONS[status];
  if (allowed.includes(transition)) return;
  const instead = allowed.length > 0 ? `it allows ${allowed.join(", ")}` : "nothing can change that any more";
  throw new Problem("INVALID_TRANSITION", `The license is ${status}; ${instead}.`, {
    allowed_transitions: [...allowed],
  });
}

export async function plan(
  context: Context,
  id: string,
  transition: Transition,
  decide: Decision,
  ifMatch?: string,
): Promise<Plan> {
  const before = await getLicense(context, id);
  assertMatch(before, ifMatch);
  assertAllowed(before, transition);
  const now = context.clock.now();
  const wanted = { ...before, ...decide(before, now) };
  // An end in the past is allowed: it ends the license early.
  const fault = endFault(wanted, 0);
  if (fault !== null) throw invalid("expires_at", fault);
  const changes = changesBetween(before, wanted);
  const after = {
    ...wanted,
    signed_until: signedUntil(before, wanted),
    term_began_at: termBeganAt(before, wanted, now),
    version: before.version + 1,
    terms_at: before.version + 1,
    updated_at: now,
  };
  return { before, after, changes };
}

/** Until when documents signed for a later end hold, if the license was ever shortened; otherwise null. Pure. */
function signedUntil(before: License, after: License): number | null {
  const [was, is] = [before, after].map((license) => graceUntil(license) ?? LAST_INSTANT) as [number, number];
  return is < was ? Math.max(was, before.signed_until ?? 0) : before.signed_until;
}

/**
 * When the term up to the new end began: a later end adds a term to the present one, an earlier one only cuts it. null:
 * when the license was issued or started. Pure.
 */
function termBeganAt(before: License, after: License, now: number): number | null {
  const [was, is] = [before, after].map(({ expires_at }) => expires_at ?? LAST_INSTANT) as [number, number];
  if (is > was) return Math.max(was, now);
  return is < was && before.term_began_at !== null
    ? Math.min(before.term_began_at, now)
    : before.term_began_at;
}

/** What a change needs besides its decision, and what it causes. */
interface Circumstances {
  reason?: string | undefined;
  ifMatch?: string | undefined;
  /** What else the change causes: statements for its batch that check changes() themselves. */
  also?: ((after: License, before: License) => Promise<D1PreparedStatement[]>) | undefined;
  /** What else must be true: `unless` throws the reason if it is not, and `where` is the same condition in SQL. */
  unless?: (planned: Plan) => Promise<void>;
  where?: SQL | undefined;
  /** The order that this carries out: what its event names, and what settles it, right after that event. */
  order?: { id: string; settle: (after: License) => D1PreparedStatement[] };
  /** What else is settled by it, right after its event: the request of a customer. */
  settle?: ((version: number) => D1PreparedStatement[]) | undefined;
}

/** Plans a change to the current license and makes it. Starts again if another change comes in between. */
export async function carryOut(
  context: Context,
  id: string,
  transition: Transition,
  decide: Decision,
  { reason, ifMatch, also, unless, where, order, settle }: Circumstances = {},
): Promise<License> {
  allow(context, "licenses");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const planned = await plan(context, id, transition, decide, ifMatch);
    const { before, after, changes } = planned;
    if (Object.keys(changes).length === 0) return before;
    await unless?.(planned);
    const more = also ? await also(after, before) : [];
    const first = [
      ...context.mail.withdrawal(context, before, after, order?.id),
      ...replaceLicenseTerms(context, before, after),
    ];
    const results = await db
      .batch([
        ...first,
        db.compile(
          db.orm
            .update(licenses)
            .set(columnsToSet(before, after))
            .where(and(eq(licenses.id, id), eq(licenses.version, before.version), where)),
        ),
        recordChange(context, after.updated_at, EVENTS[transition], ["license", id], {
          changes: recordableChanges(changes),
          reason,
          ...(order ? { pending_change_id: order.id } : {}),
        }),
        ...(order ? order.settle(after) : []),
        ...(settle ? settle(after.version) : []),
        ...more,
      ])
      .catch((error: unknown) => {
        if (!isForeignKeyFailure(error)) throw error;
        // Whoever was named was deleted meanwhile.
        if (transition === "transfer") throw unknownCustomer(after.customer_id);
        throw "entitlements" in changes ? overtaken(ifMatch) : unknownTypeIn(after.license_type);
      });
    if (results[first.length]?.meta.changes !== 0) return after;
  }
  throw overtaken(ifMatch);
}

/** What a member of staff wants to be done with a license, now or later. */
export type Action =
  | { action: "change"; input: LicenseChanges }
  | { action: "renew"; input: Renewal }
  | { action: "suspend" | "revoke"; input: Reasoned }
  | { action: "reinstate"; input: Reinstatement }
  | { action: "transfer"; input: Transfer };

/** How an action is decided, and the mail that it causes. */
interface Move extends Pick<Circumstances, "reason" | "also"> {
  decide: Decision;
}

/** @throws Problem CUSTOMER_NOT_FOUND for a transfer to nobody */
export async function moveOf(context: Context, { action, input }: Action): Promise<Move> {
  const { mail } = context;
  switch (action) {
    case "change":
      return {
        decide: decideChange(
          input,
          await typeNamedBy(context, input),
          await entitlementsIn(context, input.entitlements),
        ),
        also: input.send_email ? (after, before) => mail.change(context, before, after) : undefined,
      };
    case "renew":
      return { decide: decideRenewal(input), also: (after) => mail.renewal(context, after) };
    case "suspend":
      return { decide: decideSuspend, reason: input.reason };
    case "revoke":
      return { decide: decideRevoke, reason: input.reason };
    case "reinstate":
      return { decide: decideReinstatement, reason: input.reason };
    default: {
      const customer = await getCustomer(context, input.customer_id);
      return {
        decide: decideTransfer(input),
        reason: input.reason,
        also: async (after) => (input.send_email ? mail.delivery(context, after, customer) : []),
      };
    }
  }
}

/**
 * Does something with a license now. Instances learn it at their next activation or check-in.
 * - change: the terms. - renew: the customer is told, if there is an e-mail address. - suspend, revoke: every activation
 *   and check-in is refused; seats and certificates stay as they are. - transfer: what runs goes on by its certificate.
 * @throws Problem LICENSE_NOT_FOUND, INVALID_TRANSITION, REQUEST_INVALID, PRECONDITION_FAILED, CONFLICT, CUSTOMER_NOT_FOUND
 */
export async function act(
  context: Context,
  id: string,
  action: Action,
  ifMatch?: string,
  asked: Pick<Circumstances, "unless" | "where" | "settle"> = {},
): Promise<License> {
  allow(context, "licenses");
  const { decide, ...move } = await moveOf(context, action);
  const license = await carryOut(context, id, action.action, decide, { ...move, ...asked, ifMatch });
  if (move.also) context.mail.sendSoon(context);
  return license;
}

type Verb<Input> = (context: Context, id: string, input: Input, ifMatch?: string) => Promise<License>;

export const changeLicense: Verb<LicenseChanges> = (context, id, input, ifMatch) =>
  act(context, id, { action: "change", input }, ifMatch);

export const suspendLicense: Verb<Reasoned> = (context, id, input, ifMatch) =>
  act(context, id, { action: "suspend", input }, ifMatch);

export const reinstateLicense: Verb<Reinstatement> = (context, id, input, ifMatch) =>
  act(context, id, { action: "reinstate", input }, ifMatch);

/** Ends the license for good. */
export const revokeLicense: Verb<Reasoned> = (context, id, input, ifMatch) =>
  act(context, id, { action: "revoke", input }, ifMatch);

/** A license and its key, as it is from now on. */
interface Issued {
  license: License;
  licenseKey: string;
}

const withKey = async (context: Context, license: License): Promise<Issued> => ({
  license,
  licenseKey: await licenseKeyOf(context, license),
});

export const renewLicense = async (
  context: Context,
  id: string,
  input: Renewal,
  ifMatch?: string,
): Promise<Issued> => withKey(context, await act(context, id, { action: "renew", input }, ifMatch));

export const transferLicense = async (
  context: Context,
  id: string,
  input: Transfer,
  ifMatch?: string,
): Promise<Issued> => withKey(context, await act(context, id, { action: "transfer", input }, ifMatch));

/** Shows the current key of a license, and records that it was shown. @throws Problem LICENSE_NOT_FOUND */
export async function revealLicenseKey(context: Context, id: string): Promise<string> {
  allow(context, "keys");
  const license = await getLicense(context, id);
  await context.db.batch([
    recordChange(
      context,
      context.clock.now(),
      "license.key_revealed",
      ["license", id],
      { revision: license.revision },
      { sql: "WHERE true", values: [] },
    ),
  ]);
  return licenseKeyOf(context, license);
}
