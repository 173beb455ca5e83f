// The id under which an instance is stored. New seats store it in canonical form (field/pasted.ts). Before that rule,
// ids were stored as they were sent, with blanks at the end or decomposed, and nobody may lose such a seat:
//
// | the request says | the seat is stored under | then |
// |---|---|---|
// | `a` | `a`, or there is none | `a`: needs no other read |
// | `a ` | `a `, from before | `a `, also in the certificate: the installation compares it with its own spelling |
// | `a ` | `a`, or there is none | `a` |
// | `a`, with the certificate of `a ` | `a `, from before | the seat and its usage move to `a` |
import type { Context } from "../../../context.ts";
import { instanceIdOf } from "../../../field/pasted.ts";
import { DAY, formatInstant } from "../../../kernel/dates.ts";
import { MAX_DAYS } from "../../usage/usage.ts";

/** The request with the id under which its instance is stored. If the id is not canonical, that costs a round trip. */
export async function withKeptId<R extends { instance_id: string }>(
  { db }: Context,
  licenseId: string,
  request: R,
): Promise<R> {
  const id = instanceIdOf(request.instance_id);
  if (id === request.instance_id) return request;
  const [kept] = await db.batch([
    db.sql(
      "SELECT 1 FROM activations WHERE license_id = ? AND ended_at = 0 AND instance_id = ?",
      licenseId,
      request.instance_id,
    ),
  ]);
  return kept?.results.length === 1 ? request : { ...request, instance_id: id };
}

/**
 * Moves a seat and its instance's usage to the canonical id, if nothing is stored under that. The usage moves along
 * because the figures of a day are cumulative: under two ids they would count twice.
 */
export async function respell(
  { db, clock }: Context,
  {
    licenseId,
    activationId,
    from,
    to,
  }: { licenseId: string; activationId: string; from: string; to: string },
): Promise<void> {
  const tomorrow = clock.now() + DAY;
  const days = Array.from({ length: MAX_DAYS + 2 }, (_, n) => formatInstant(tomorrow - n * DAY).slice(0, 10));
  await db.batch([
    db.sql(
      "UPDATE OR IGNORE activations SET instance_id = ? WHERE license_id = ? AND ended_at = 0 AND instance_id = ? AND id = ?",
      to,
      licenseId,
      from,
      activationId,
    ),
    // Day by day, each one a search by the primary key, because the days of one instance are not next to each other.
    db.sql(
      `UPDATE OR IGNORE usage SET instance_id = ?
       WHERE license_id = ? AND day IN (SELECT value FROM json_each(?)) AND instance_id = ? AND changes() > 0`,
      to,
      licenseId,
      JSON.stringify(days),
      from,
    ),
    db.sql(
      `UPDATE OR IGNORE usage_months SET instance_id = ?1
       WHERE license_id = ?2 AND month IN (SELECT DISTINCT substr(value, 1, 7) FROM json_each(?3)) AND instance_id = ?4
         AND EXISTS (SELECT 1 FROM activations
           WHERE license_id = ?2 AND ended_at = 0 AND instance_id = ?1 AND id = ?5)`,
      to,
      licenseId,
      JSON.stringify(days),
      from,
      activationId,
    ),
  ]);
}
