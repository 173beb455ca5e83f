// What is settled, the latest first, with who decided it and why. The record has both, and its index of what staff did is
// in the order of time: so the list needs neither a column nor an index of its own.
import type { Context } from "../../../context.ts";
import { formatInstant, formatInstantOrNull } from "../../../kernel/dates.ts";
import { MAX_SCAN, openList, type Page, type PageRequest } from "../../../kernel/pages.ts";
import { allow, allows } from "../../../kernel/permissions.ts";
import { named } from "../../../storage/database.ts";
import type { AttentionKind } from "../../../storage/schema.ts";
import { IN_FORCE } from "./settled.ts";

export interface Settled {
  license_id: string;
  kind: AttentionKind;
  settled_at: number;
  /** null: until something new happens. */
  until: number | null;
}

export interface Listed extends Settled {
  license_type: string;
  customer_id: string;
  customer_name: string;
  reason: string;
  /** As in the record, and the name of a token, which only owners see. */
  actor_id: string;
  actor_name: string | null;
}

// One that was replaced or taken back has another time, or none.
const LIST = named(`
  SELECT told.id, told.detail ->> 'reason' AS reason, told.actor_id,
    iif(:names, (SELECT name FROM api_tokens WHERE id = told.actor_id), NULL) AS actor_name,
    s.license_id, s.kind, s.settled_at, s.until,
    l.license_type, l.customer_id, coalesce(c.company, c.name) AS customer_name
  FROM (
    SELECT id, at, entity_id, actor_id, detail FROM events
    WHERE action = 'license.attention_settled' AND actor_type <> 'instance' AND id < :before
    ORDER BY id DESC LIMIT ${MAX_SCAN}) told
  LEFT JOIN settled_attention s ON s.license_id = told.entity_id AND s.kind = told.detail ->> 'kind'
    AND s.settled_at = told.at AND ${IN_FORCE}
  LEFT JOIN licenses l ON l.id = s.license_id LEFT JOIN customers c ON c.id = l.customer_id
  ORDER BY told.id DESC`);

/** A page of settlements that hold. A page looks at a bounded number, so it may be short and still have a next one. */
export async function listSettled(context: Context, request: PageRequest): Promise<Page<Listed>> {
  allow(context, "read");
  const list = await openList(context, "settled_attention", request);
  const [found] = await context.db.batch([
    context.db.run(LIST, {
      before: Number(list.after?.[0] ?? Number.MAX_SAFE_INTEGER),
      now: context.clock.now(),
      names: allows(context, "access") ? 1 : 0,
    }),
  ]);
  const rows = found!.results as unknown as (Listed & { id: number })[];
  return list.page(
    rows,
    MAX_SCAN,
    (row) => [row.id],
    (row) => (row as { license_id: string | null }).license_id !== null,
  );
}

const OF_LICENSE = named(`
  SELECT license_id, kind, settled_at, until FROM settled_attention
  WHERE license_id = :license AND ${IN_FORCE} ORDER BY kind`);

/** What is settled of a license. Reads no more rows than there are kinds. */
export async function settledOf(context: Context, licenseId: string): Promise<Settled[]> {
  allow(context, "read");
  const now = context.clock.now();
  const [found] = await context.db.batch([context.db.run(OF_LICENSE, { license: licenseId, now })]);
  return found!.results as unknown as Settled[];
}

export const presentSettled = ({
  license_id,
  license_type,
  customer_id,
  customer_name,
  kind,
  settled_at,
  until,
  reason,
  actor_id,
}: Listed) => ({
  license_id,
  license_type,
  customer_id,
  customer_name,
  kind,
  settled_at: formatInstant(settled_at),
  until: formatInstantOrNull(until),
  reason,
  actor: { type: "staff" as const, id: actor_id },
});
