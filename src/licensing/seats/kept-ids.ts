// The id under which an instance is kept. New seats get it in its one spelling (field/pasted.ts). Before that rule, ids
// were kept as they came, with blanks at the end or decomposed, and nobody may lose such a seat:
//
// | the request says | the seat stands under | then |
// |---|---|---|
// | `a` | `a`, or none | `a`: no other look at the database |
// | `a ` | `a `, since before | `a `, and so says the certificate, which the installation compares with its own spelling |
// | `a ` | `a`, or none | `a` |
// | `a`, with the certificate of `a ` | `a `, since before | the seat and its usage go over to `a` |
import type { Context } from "../../context.ts";
import { instanceIdOf } from "../../field/pasted.ts";
import { DAY, formatInstant } from "../../kernel/dates.ts";
import { MAX_DAYS } from "../usage/usage.ts";

/** The request with the id that its instance is kept by. A round trip more for an id that is not in its one spelling. */
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
 * Moves a seat, and what its instance used, to the id in its one spelling, where nothing stands under that. The usage
 * goes along because the figures of a day are cumulative: under two ids they would count twice.
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
    // Day by day, each a step down the key: an instance's days lie apart.
    db.sql(
      `UPDATE OR IGNORE usage SET instance_id = ?
       WHERE license_id = ? AND day IN (SELECT value FROM json_each(?)) AND instance_id = ? AND changes() > 0`,
      to,
      licenseId,
      JSON.stringify(days),
      from,
    ),
  ]);
}
