// Finding instances by what they are called, among all of them.
import { sql } from "drizzle-orm";
import { allow } from "../../kernel/permissions.ts";
import type { Context } from "../../context.ts";
import { type Activation, activations, customers, licenses } from "../../storage/schema.ts";

/**
 * How many activations are looked at. An index on ids, hosts and addresses would cost each new seat three writes, for a
 * search that only staff make.
 */
const MAX_LOOKED_AT = 5_000;

/** An instance, and who has its license. */
export interface FoundInstance {
  activation: Activation;
  name: string;
  company: string | null;
}

/**
 * The instances whose id, host name, address or activation id begins with a text; those that hold a seat come first.
 * @param q its case does not matter (in ASCII)
 */
export async function findInstances(context: Context, q: string, limit: number): Promise<FoundInstance[]> {
  allow(context, "read");
  const wanted = q.toLowerCase();
  // D1 limits LIKE to 50 bytes.
  const begins = (column: string) => sql`substr(lower(${sql.raw(column)}), 1, length(${wanted})) = ${wanted}`;
  const keys = sql`(
    SELECT license_id, ended_at, instance_id FROM (
      SELECT license_id, ended_at, instance_id, id, hostname, ip FROM activations LIMIT ${MAX_LOOKED_AT})
    WHERE ${begins("instance_id")} OR ${begins("hostname")} OR ${begins("ip")} OR id = ${q}
    ORDER BY ended_at > 0, ended_at DESC LIMIT ${limit}) found`;
  const query = context.db.orm
    // No two columns of one name, so it can go in a batch with other reads.
    .select({ activation: activations, name: customers.name, company: customers.company })
    .from(keys)
    .innerJoin(
      activations,
      sql`(${activations.license_id}, ${activations.ended_at}, ${activations.instance_id})
        = (found.license_id, found.ended_at, found.instance_id)`,
    )
    .innerJoin(licenses, sql`${licenses.id} = ${activations.license_id}`)
    .innerJoin(customers, sql`${customers.id} = ${licenses.customer_id}`);
  const [found] = await context.db.orm.batch([query]);
  return found;
}
