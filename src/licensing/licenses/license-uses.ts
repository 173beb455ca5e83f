// What lists say of licenses besides their rows: how many seats are taken, and whose they are.
import type { Context } from "../../context.ts";
import type { Customer, License } from "../../storage/schema.ts";

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

export const isFull = ({ license: { max_instances: max }, seated }: LicenseInUse): boolean =>
  max !== null && seated >= max;
