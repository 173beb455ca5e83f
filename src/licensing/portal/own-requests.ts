// What a customer asks for, and the answers.
import { desc, eq } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { Text } from "../../kernel/inputs.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import { type CustomerRequest, customerRequests, REQUEST_KINDS } from "../../storage/schema.ts";
import { ownLicense } from "./own.ts";

/** The most requests of a customer that wait for an answer. */
const MAX_OPEN = 20;

const SHOWN = 50;

export const NewRequest = z
  .strictObject({
    kind: z.enum(REQUEST_KINDS),
    license_id: z.optional(z.string().check(z.maxLength(64))),
    /** For more seats: how many the license should have. */
    seats: z.optional(z.int().check(z.minimum(1), z.maximum(1_000_000))),
    text: z.optional(Text(2_000)),
  })
  .check(
    z.refine(({ kind, license_id }) => kind === "question" || license_id !== undefined, {
      message: "Choose the license",
      path: ["license_id"],
    }),
    z.refine(({ kind, seats }) => kind !== "seats" || seats !== undefined, {
      message: "Say how many seats the license should have",
      path: ["seats"],
    }),
    z.refine(({ kind, text }) => kind !== "question" || text !== undefined, {
      message: "Write your question",
      path: ["text"],
    }),
  );

export type NewRequest = z.output<typeof NewRequest>;

/**
 * Asks the vendor for something.
 * @throws Problem LICENSE_NOT_FOUND, CONFLICT if too many requests wait already
 */
export async function ask(context: Context, input: NewRequest): Promise<void> {
  const { id: contactId, customerId } = allowOnSite(context, "ask");
  if (input.license_id !== undefined) await ownLicense(context, input.license_id);
  const { db, clock, ids } = context;
  const now = clock.now();
  const id = `req_${ids.ulid(now)}`;
  const [asked] = await db.batch([
    db.sql(
      `INSERT INTO customer_requests (id, customer_id, license_id, contact_id, kind, seats, text, created_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
       WHERE (SELECT count(*) FROM customer_requests WHERE customer_id = ?2 AND status = 'open') < ${MAX_OPEN}
         AND (?3 IS NULL OR EXISTS (SELECT 1 FROM licenses WHERE id = ?3 AND customer_id = ?2))`,
      id,
      customerId,
      input.license_id ?? null,
      contactId,
      input.kind,
      input.kind === "seats" ? (input.seats ?? null) : null,
      input.text ?? "",
      now,
    ),
    recordChange(context, now, "customer_request.created", ["customer", customerId], {
      request_id: id,
      kind: input.kind,
      license_id: input.license_id ?? null,
    }),
  ]);
  if (asked?.meta.changes === 0)
    throw new Problem(
      "CONFLICT",
      `${MAX_OPEN} of your requests wait for an answer: more are taken after that.`,
    );
}

/** The latest requests of the customer, newest first. */
export async function ownRequests(context: Context): Promise<CustomerRequest[]> {
  const { customerId } = allowOnSite(context, "ask");
  return context.db.orm
    .select()
    .from(customerRequests)
    .where(eq(customerRequests.customer_id, customerId))
    .orderBy(desc(customerRequests.id))
    .limit(SHOWN);
}
