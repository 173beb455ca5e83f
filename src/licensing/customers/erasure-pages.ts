// What there may be much of about somebody who is forgotten: mails, licenses, instances. It goes in pages, each of which
// says itself what is left.
import type { Context } from "../../context.ts";
import { named } from "../../storage/database.ts";
import type { Erasure } from "./kept-erasures.ts";
import { answersOf, ERASED_REASON, placesOf } from "./traces.ts";

const PAGE = 500;

const LICENSES_OF = `
  SELECT id FROM licenses
  WHERE customer_id = :customer AND (metadata <> '{}' OR tags <> '[]' OR notes IS NOT NULL) ORDER BY id LIMIT ${PAGE}`;

const LICENSES = [
  `DELETE FROM license_terms WHERE license_id IN (${LICENSES_OF})`,
  `UPDATE licenses SET
     metadata = '{}', tags = '[]', notes = NULL, version = version + 1, terms_at = version + 1, updated_at = :now
   WHERE id IN (${LICENSES_OF})`,
].map(named);

/** Where instances ran. A walk in the order of the key: it passes over rows that have nothing. */
const INSTANCES = named(`
  UPDATE activations SET
    hostname = NULL, ip = NULL, fingerprint = NULL, labels = NULL, app_version = NULL, unproven = NULL
  WHERE (license_id, ended_at, instance_id) IN (
    SELECT a.license_id, a.ended_at, a.instance_id
    FROM licenses l CROSS JOIN activations a ON a.license_id = l.id
      AND (a.ended_at, a.instance_id) > (iif(l.id = :license, :ended, -1), iif(l.id = :license, :instance, ''))
    WHERE l.customer_id = :customer AND l.id >= :license
    ORDER BY l.id, a.ended_at, a.instance_id LIMIT ${PAGE})
  RETURNING license_id, ended_at, instance_id`);

const REFUSALS = named(`
  UPDATE license_refusals SET refusals = (
    SELECT json_group_array(json_set(value, '$.hostname', NULL, '$.ip', NULL)) FROM json_each(license_refusals.refusals))
  WHERE license_id IN (${placesOf(":customer")} ORDER BY l.id LIMIT ${PAGE})`);

/** A receiver may repeat what it was told. */
const ANSWERS = named(`
  UPDATE webhook_deliveries SET answer = '', error = iif(status IS NULL AND error IS NOT NULL, '${ERASED_REASON}', error)
  WHERE (endpoint_id, number) IN (${answersOf(":customer")} LIMIT ${PAGE})`);

/** Forgets a page of what others said: receivers, and for a customer, installations. @returns whether there may be more */
export async function forgetTraces(
  { db }: Context,
  { customer_id: customer, contact_id }: Erasure,
): Promise<boolean> {
  const statements = contact_id === null ? [ANSWERS, REFUSALS] : [ANSWERS];
  const pages = await db.batch(
    statements.map((statement) => db.run(statement, { customer })),
    "repeatable",
  );
  return pages.some(({ meta }) => meta.changes === PAGE);
}

const FINISH = named("UPDATE erasures SET finished_at = :now WHERE id = :erasure");

/** Forgets what there may be much of. @returns whether all of it is done */
export async function forgetPages(
  context: Context,
  erasure: Erasure,
  mayGoOn: () => boolean,
): Promise<boolean> {
  const { db, clock, mail } = context;
  const { customer_id: customer } = erasure;
  const now = clock.now();
  const pages = async (page: () => Promise<boolean>): Promise<boolean> => {
    for (let more = true; more;) {
      if (!mayGoOn()) return false;
      more = await page();
    }
    return true;
  };
  if (!(await pages(() => mail.forgetPage(context, now, customer)))) return false;
  if (!(await pages(() => forgetTraces(context, erasure)))) return false;
  if (erasure.contact_id === null) {
    const licenses = async () => {
      const [, changed] = await db.batch(LICENSES.map((statement) => db.run(statement, { customer, now })));
      return changed?.meta.changes !== 0;
    };
    if (!(await pages(licenses))) return false;
    let place = { license: "", ended: -1, instance: "" };
    const instances = async () => {
      const [page] = await db.batch([db.run(INSTANCES, { customer, ...place })], "repeatable");
      const found = (page?.results ?? []) as { license_id: string; ended_at: number; instance_id: string }[];
      for (const { license_id: license, ended_at: ended, instance_id: instance } of found) {
        const isLater =
          license > place.license ||
          (license === place.license &&
            (ended > place.ended || (ended === place.ended && instance > place.instance)));
        if (isLater) place = { license, ended, instance };
      }
      return found.length === PAGE;
    };
    if (!(await pages(instances))) return false;
  }
  await db.batch([db.run(FINISH, { erasure: erasure.id, now })], "repeatable");
  return true;
}
