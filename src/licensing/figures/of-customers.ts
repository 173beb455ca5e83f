// What the customers of a page have: licenses, seats, and the next end.
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";

/** The most licenses of a customer that are looked at: it bounds what a page costs. */
const LOOKED_AT = 25;

export interface CustomerFigures {
  /** Licenses that are not revoked. */
  licenses: number;
  /** Seats of these licenses; a lease that ran out counts until it is noticed. */
  seats: number;
  /** Whether there are more licenses than were looked at, so that both figures are the least. */
  more: boolean;
  /** When the first of the active licenses ends that did not end yet. */
  next_end: number | null;
}

const FIGURES = `
  SELECT one.value AS id,
    (SELECT json_array(
       count(*) FILTER (WHERE n <= ${LOOKED_AT} AND status <> 'revoked'),
       coalesce(sum(iif(n <= ${LOOKED_AT} AND status <> 'revoked', seated, 0)), 0),
       count(*) > ${LOOKED_AT})
     FROM (
       SELECT l.status, coalesce(kept.seated, 0) AS seated, row_number() OVER () AS n
       FROM (SELECT id, status FROM licenses WHERE customer_id = one.value ORDER BY id DESC LIMIT ${LOOKED_AT + 1}) l
       LEFT JOIN license_seats kept ON kept.license_id = l.id)) AS held,
    (SELECT min(expires_at) FROM (
       SELECT expires_at, status FROM licenses WHERE customer_id = one.value AND expires_at > ?2
       ORDER BY expires_at LIMIT ${LOOKED_AT})
     WHERE status = 'active') AS next_end
  FROM json_each(?1) one`;

export async function figuresOfCustomers(
  context: Context,
  ids: string[],
): Promise<Map<string, CustomerFigures>> {
  allow(context, "read");
  if (ids.length === 0) return new Map();
  const { db } = context;
  const [found] = await db.batch([db.sql(FIGURES, JSON.stringify(ids), context.clock.now())]);
  const rows = found!.results as { id: string; held: string; next_end: number | null }[];
  return new Map(
    rows.map(({ id, held, next_end }) => {
      const [licenses, seats, more] = JSON.parse(held) as [number, number, number];
      return [id, { licenses, seats, more: more === 1, next_end }];
    }),
  );
}
