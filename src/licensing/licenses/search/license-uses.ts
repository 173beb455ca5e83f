// What lists say of licenses besides their rows: how many seats are taken, and whose they are.
import type { Context } from "../../../context.ts";
import type { Customer, License } from "../../../storage/schema.ts";

export interface LicenseInUse {
  license: License;
  /** Seats taken; one whose lease ran out counts until the license's next activation notices it. */
  seated: number;
  customer: Pick<Customer, "name" | "company">;
}

/** Reads two rows a license, in one trip. */
export async function usesOf({ db }: Context, licenses: License[]): Promise<LicenseInUse[]> {
  if (licenses.length === 0) return [];
  const [found] = await db.batch([
    db.sql(
      `SELECT one.value ->> 0 AS id, c.name, c.company, coalesce(kept.seated, 0) AS seated
       FROM json_each(?) one CROSS JOIN customers c ON c.id = one.value ->> 1
       LEFT JOIN license_seats kept ON kept.license_id = one.value ->> 0`,
      JSON.stringify(licenses.map(({ id, customer_id }) => [id, customer_id])),
    ),
  ]);
  const rows = found!.results as { id: string; name: string; company: string | null; seated: number }[];
  const uses = new Map(rows.map((row) => [row.id, row]));
  return licenses.flatMap((license) => {
    const use = uses.get(license.id);
    if (!use) return [];
    const { name, company, seated } = use;
    return [{ license, seated, customer: { name, company } }];
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
