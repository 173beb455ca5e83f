// What staff should look at today, by license and kind: a few of each kind, at a cost that does not grow with the data.
import { formatInstant } from "../../../kernel/dates.ts";
import { allow } from "../../../kernel/permissions.ts";
import type { Context } from "../../../context.ts";
import type { AttentionKind, Message } from "../../../storage/schema.ts";
import { MORE_ENDS, OTHER_MAIL, QUERIES } from "./sources.ts";

/** The trouble of one kind that a license has. */
export interface Trouble {
  kind: AttentionKind;
  license_id: string;
  license_type: string;
  customer_id: string;
  customer_name: string;
  /** How many: days over a limit, seats, mails, changes. Of what was read, so there may be more. */
  count: number;
  /** When the latest of them came. */
  at: number;
  /** What is worst among them, such as the day that was furthest above its limit. Its instants are numbers. */
  worst: Record<string, unknown>;
}

type OtherMail = Pick<Message, "id" | "status" | "recipient" | "updated_at">;

/**
 * What nobody settled. Mail that is about no license is apart. `moreEnds`: more licenses end, or are in grace, than were
 * looked at.
 */
export async function readAttention(
  context: Context,
): Promise<{ troubles: Trouble[]; otherMail: OtherMail[]; moreEnds: { grace: boolean; expiring: boolean } }> {
  allow(context, "read");
  const { db } = context;
  const now = context.clock.now();
  const [mail, more, ...found] = await db.batch([
    db.sql(OTHER_MAIL, now),
    db.sql(MORE_ENDS, now),
    ...QUERIES.map(([, query]) => db.sql(query, now)),
  ]);
  const { grace, expiring } = more!.results[0]!;
  return {
    moreEnds: { grace: grace === 1, expiring: expiring === 1 },
    otherMail: mail!.results as unknown as OtherMail[],
    troubles: QUERIES.flatMap(([kind], n) =>
      (found[n]!.results as unknown as (Omit<Trouble, "kind" | "worst"> & { what: string })[]).map(
        ({ license_id, license_type, customer_id, customer_name, count, at, what }) => ({
          kind,
          license_id,
          license_type,
          customer_id,
          customer_name,
          count,
          at,
          worst: JSON.parse(what) as Record<string, unknown>,
        }),
      ),
    ),
  };
}

export const presentTrouble = ({ at, worst, ...trouble }: Trouble) => ({
  ...trouble,
  at: formatInstant(at),
  worst: Object.fromEntries(
    Object.entries(worst).map(([name, value]) => [
      name,
      name.endsWith("_at") && typeof value === "number" ? formatInstant(value) : value,
    ]),
  ),
});
