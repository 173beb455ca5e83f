// What lists say of licenses besides their rows: how many seats are taken, and whose they are.
import type { Context } from "../../../context.ts";
import type { Customer, License, Message } from "../../../storage/schema.ts";

export interface LicenseInUse {
  license: License;
  /** Seats taken; one whose lease ran out counts until the license's next activation notices it. */
  seated: number;
  customer: Pick<Customer, "name" | "company">;
  /** What was mailed about it, if that was asked for. */
  mail?: LicenseMailed;
}

interface LicenseMailed {
  last: Pick<Message, "id" | "kind" | "status" | "created_at"> | null;
  /** Whether a mail about its present end reached the customer or is on its way. */
  told: boolean;
}

const MAILED = `,
  (SELECT json_object('id', m.id, 'kind', m.kind, 'status', m.status, 'created_at', m.created_at)
   FROM messages m WHERE m.license_id = one.value ->> 0 ORDER BY m.id DESC LIMIT 1) AS last,
  EXISTS (
    SELECT 1 FROM messages m
    WHERE m.license_id = one.value ->> 0 AND m.notice_end = one.value ->> 2 AND m.kind <> 'entitlement_expiring'
      AND m.customer_id = one.value ->> 1 AND m.status IN ('pending', 'sent', 'delivered')) AS told`;

/** Reads two rows a license, in one trip; with its mail some more. */
export async function usesOf(
  { db }: Context,
  licenses: License[],
  mail?: "with mail",
): Promise<LicenseInUse[]> {
  if (licenses.length === 0) return [];
  const [found] = await db.batch([
    db.sql(
      `SELECT one.value ->> 0 AS id, c.name, c.company, coalesce(kept.seated, 0) AS seated ${mail ? MAILED : ""}
       FROM json_each(?) one CROSS JOIN customers c ON c.id = one.value ->> 1
       LEFT JOIN license_seats kept ON kept.license_id = one.value ->> 0`,
      JSON.stringify(licenses.map(({ id, customer_id, expires_at }) => [id, customer_id, expires_at])),
    ),
  ]);
  const rows = found!.results as unknown as (LicenseInUse["customer"] & {
    id: string;
    seated: number;
    last: string | null;
    told: number;
  })[];
  const uses = new Map(rows.map((row) => [row.id, row]));
  return licenses.flatMap((license) => {
    const use = uses.get(license.id);
    if (!use) return [];
    const { name, company, seated, last, told } = use;
    if (!mail) return [{ license, seated, customer: { name, company } }];
    const mailed = {
      last: last === null ? null : (JSON.parse(last) as LicenseMailed["last"]),
      told: told === 1,
    };
    return [{ license, seated, customer: { name, company }, mail: mailed }];
  });
}

/** Whose licenses these are, by the ids of the licenses: for a list that has only them. */
export async function holdersOf(
  { db }: Context,
  licenseIds: string[],
): Promise<Map<string, Pick<Customer, "id" | "name" | "company">>> {
  if (licenseIds.length === 0) return new Map();
  const [found] = await db.batch([
    db.sql(
      `SELECT l.id AS license_id, c.id, c.name, c.company
       FROM json_each(?) one CROSS JOIN licenses l ON l.id = one.value CROSS JOIN customers c ON c.id = l.customer_id`,
      JSON.stringify([...new Set(licenseIds)]),
    ),
  ]);
  const rows = found!.results as { license_id: string; id: string; name: string; company: string | null }[];
  return new Map(rows.map(({ license_id, ...customer }) => [license_id, customer]));
}

export const isFull = ({ license: { max_instances: max }, seated }: LicenseInUse): boolean =>
  max !== null && seated >= max;
