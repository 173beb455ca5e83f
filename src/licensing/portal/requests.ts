// What customers asked for, as staff read and answer it. Accepting a request changes the license and settles the request
// in one batch: a request is answered once.
import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import { SearchText, Text } from "../../kernel/inputs.ts";
import { MAX_SCAN, openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { allow } from "../../kernel/permissions.ts";
import { invalid, Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import {
  type CustomerRequest,
  customerRequests,
  REQUEST_KINDS,
  REQUEST_STATUSES,
} from "../../storage/schema.ts";
import { fullNameOf } from "../customers/display-name.ts";
import type { Row } from "../../storage/database.ts";
import { rowsOf } from "../../storage/reads.ts";
import { LicenseChanges, Renewal } from "../licenses/decisions.ts";
import { act } from "../licenses/lifecycle.ts";
import { assertNothingOrdered } from "../licenses/pending-changes.ts";

export const RequestFilter = z.object({
  status: z.optional(z.enum(REQUEST_STATUSES)),
  kind: z.optional(z.enum(REQUEST_KINDS)),
  customer_id: z.optional(SearchText),
});

/** What staff tell the customer. */
const Answer = Text(2_000);

export const Decline = z.strictObject({ reason: Answer });

/** With a renewal its end, with seats the changes of the license, and words for the customer. */
export const Acceptance = z.strictObject({
  ...LicenseChanges.shape,
  ...Renewal.shape,
  answer: z.optional(Answer),
});

export type Acceptance = z.output<typeof Acceptance>;

// Sorts after every id, so that the first page is an index search, too.
const LAST_ID = "~";

/** A page of requests, the newest first. */
export async function listRequests(
  context: Context,
  request: PageRequest,
  filter: z.output<typeof RequestFilter>,
): Promise<Page<CustomerRequest>> {
  allow(context, "read");
  const list = await openList(context, "customer_requests", request, filter);
  const { status, kind, customer_id } = filter;
  const driver =
    customer_id !== undefined
      ? eq(customerRequests.customer_id, customer_id)
      : status !== undefined
        ? eq(customerRequests.status, status)
        : undefined;
  const rows = await context.db.orm
    .select()
    .from(customerRequests)
    .where(and(driver, lt(customerRequests.id, String(list.after?.[0] ?? LAST_ID))))
    .orderBy(sql`${customerRequests.id} DESC`)
    .limit(MAX_SCAN);
  return list.page(
    rows,
    MAX_SCAN,
    (row) => [row.id],
    (row) => (status === undefined || row.status === status) && (kind === undefined || row.kind === kind),
  );
}

/** @throws Problem NOT_FOUND */
export async function getRequest(context: Context, id: string): Promise<CustomerRequest> {
  allow(context, "read");
  const [found] = await context.db.orm.select().from(customerRequests).where(eq(customerRequests.id, id));
  if (!found) throw new Problem("NOT_FOUND", `There is no request ${id}.`);
  return found;
}

async function openRequest(context: Context, id: string): Promise<CustomerRequest> {
  const found = await getRequest(context, id);
  if (found.status !== "open") throw answered(found);
  return found;
}

const answered = ({ status, answered_at }: CustomerRequest): Problem =>
  new Problem("CONFLICT", `The request was ${status} at ${formatInstantOrNull(answered_at)}.`);

/** The request as it is once it is answered. */
const answeredAs = (
  { clock }: Context,
  asked: CustomerRequest,
  status: "accepted" | "declined",
  answer: string | null,
) => ({ ...asked, status, answer, answered_at: clock.now() });

/** Settles an open request, records it, and tells the customer. @param when another condition for it */
function settle(
  context: Context,
  { id, customer_id, kind, license_id, status, answer, answered_at }: ReturnType<typeof answeredAs>,
  mails: D1PreparedStatement[],
  when: { sql: string; values: (string | number)[] } = { sql: "TRUE", values: [] },
): D1PreparedStatement[] {
  return [
    context.db.sql(
      `UPDATE customer_requests SET status = ?, answer = ?, answered_at = ?
       WHERE id = ? AND status = 'open' AND ${when.sql}`,
      status,
      answer,
      answered_at,
      id,
      ...when.values,
    ),
    recordChange(context, answered_at, `customer_request.${status}`, ["customer", customer_id], {
      request_id: id,
      kind,
      license_id,
    }),
    ...mails,
  ];
}

/**
 * Does what a customer asked for, as far as the input says, and answers the request.
 * @param seen the license, and the last order for it, that the caller saw
 * @throws Problem NOT_FOUND, CONFLICT if it was answered, REQUEST_INVALID, and as the change of the license
 */
export async function acceptRequest(
  context: Context,
  id: string,
  { answer, ...changes }: Acceptance,
  seen: { ifMatch?: string | undefined; lastOrder?: string | undefined } = {},
): Promise<CustomerRequest> {
  allow(context, "licenses");
  const asked = await openRequest(context, id);
  const names = Object.keys(changes);
  const accepted = answeredAs(context, asked, "accepted", answer ?? null);
  const mails = await context.mail.answer(context, accepted);
  if (asked.license_id === null || asked.kind === "question") {
    if (names.length > 0) throw invalid(names[0]!, "A question changes no license");
    if (answer === undefined) throw invalid("answer", "Answer the question");
  } else {
    const licenseId = asked.license_id;
    const order = {
      unless: () => assertNothingOrdered(context, licenseId, seen.lastOrder),
      where: sql`EXISTS (SELECT 1 FROM customer_requests WHERE id = ${id} AND status = 'open')`,
      settle: (version: number) =>
        settle(context, accepted, mails, {
          sql: "EXISTS (SELECT 1 FROM licenses WHERE id = ? AND version = ?)",
          values: [licenseId, version],
        }),
    };
    await act(context, licenseId, actionFor(asked, changes), seen.ifMatch, order);
  }
  // Where nothing of the license changed, or nothing had to, the request is still open.
  await context.db.batch(settle(context, accepted, mails));
  const after = await getRequest(context, id);
  if (after.status !== "accepted") throw answered(after);
  context.mail.sendSoon(context);
  return after;
}

/** @throws Problem REQUEST_INVALID for changes that do not answer such a request */
function actionFor({ kind }: CustomerRequest, changes: Omit<Acceptance, "answer">) {
  const { expires_in, expires_days, expires_at, ...others } = changes;
  const isAnother = Object.keys(others).length > 0;
  if (kind === "renewal") {
    const input = { expires_in, expires_days, expires_at };
    if (isAnother || Object.values(input).filter((end) => end !== undefined).length !== 1)
      throw invalid(
        "expires_in",
        "Give exactly one of expires_in, expires_days and expires_at, and nothing else",
      );
    return { action: "renew" as const, input };
  }
  if (expires_in !== undefined || expires_days !== undefined || others.max_instances === undefined)
    throw invalid("max_instances", "Say how many seats the license has from now on; null: unlimited");
  const terms = expires_at === undefined ? others : { ...others, expires_at };
  return { action: "change" as const, input: terms };
}

/** Answers that it is not done, and why. @throws Problem NOT_FOUND, CONFLICT if it was answered */
export async function declineRequest(
  context: Context,
  id: string,
  { reason }: z.output<typeof Decline>,
): Promise<CustomerRequest> {
  allow(context, "licenses");
  const asked = await openRequest(context, id);
  const declined = answeredAs(context, asked, "declined", reason);
  const mails = await context.mail.answer(context, declined);
  const [settled] = await context.db.batch(settle(context, declined, mails));
  const after = await getRequest(context, id);
  if (settled?.meta.changes === 0) throw answered(after);
  context.mail.sendSoon(context);
  return after;
}

const { columns: COLUMNS, rowOf } = rowsOf(customerRequests);

// A single statement by hand: what Drizzle joins costs a page a round trip of its own.
const OPEN = `SELECT ${COLUMNS}, customers.name AS customer_name, customers.company AS customer_company
  FROM customer_requests CROSS JOIN customers ON customers.id = customer_requests.customer_id
  WHERE customer_requests.status = 'open' ORDER BY customer_requests.id LIMIT ?`;

/** Requests that wait for an answer, the oldest first, each with its customer's company and person. */
export async function openRequests(
  { db }: Context,
  limit: number,
): Promise<(CustomerRequest & { customer_name: string })[]> {
  const [found] = await db.batch([db.sql(OPEN, limit)]);
  const rows = found!.results as unknown as (Row & {
    customer_name: string;
    customer_company: string | null;
  })[];
  return rows.map((row) =>
    Object.assign(rowOf(row), {
      customer_name: fullNameOf({ name: row.customer_name, company: row.customer_company }),
    }),
  );
}

export const presentRequest = (request: CustomerRequest) => ({
  ...request,
  answered_at: formatInstantOrNull(request.answered_at),
  created_at: formatInstant(request.created_at),
});
