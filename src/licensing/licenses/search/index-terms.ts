// Writes search terms that are missing or of a former spelling: of rows that the release before this one wrote, and of
// imports too large to write theirs at once. A page of rows after another, some thousands every ten minutes.
import { sql } from "drizzle-orm";
import type { Context } from "../../../context.ts";
import { contacts, customers, licenses } from "../../../storage/schema.ts";
import { chunksOf } from "../../../storage/bulk.ts";
import { CONTACT_TERMS } from "../../customers/customers.ts";
import { termsOf, termsOfLicense } from "../../customers/search-terms.ts";

const PAGE = 200;
const MAX_PAGES = 25;

interface Indexed {
  id: string;
  version: number;
  /** When it was made: another row may have taken the id. */
  made: number;
  terms: string[];
}

/** @param hasRoom whether another page may begin; what is left waits for the next run */
export async function indexTerms(context: Context, hasRoom: () => boolean): Promise<void> {
  for (let page = 0; page < MAX_PAGES && hasRoom(); page++) {
    const [ofCustomers, ofLicenses] = await missing(context);
    const statements = [
      ...statementsFor(context, "customers", "customer_terms", "customer_id", "created_at", ofCustomers),
      ...ofContacts(context, ofCustomers),
      ...statementsFor(context, "licenses", "license_terms", "license_id", "issued_at", ofLicenses),
    ];
    if (statements.length === 0) break;
    await context.db.batch(statements, "repeatable");
  }
}

/** The conditions of the two indexes of such rows. */
async function missing({ db }: Context): Promise<[Indexed[], Indexed[]]> {
  const [foundCustomers, foundLicenses] = await db.orm.batch([
    db.orm
      .select()
      .from(customers)
      .where(sql`terms_at IS NOT version`)
      .limit(PAGE),
    db.orm
      .select()
      .from(licenses)
      .where(sql`terms_at IS NOT version AND metadata <> '{}'`)
      .limit(PAGE),
  ]);
  const ids = JSON.stringify(foundCustomers.map(({ id }) => id));
  const foundContacts =
    foundCustomers.length === 0
      ? []
      : await db.orm
          .select()
          .from(contacts)
          .where(sql`${contacts.customer_id} IN (SELECT value FROM json_each(${ids}))`);
  const contactsOf = Map.groupBy(foundContacts, ({ customer_id }) => customer_id);
  return [
    foundCustomers.map((row) => ({
      id: row.id,
      version: row.version,
      made: row.created_at,
      terms: termsOf(row, contactsOf.get(row.id)),
    })),
    foundLicenses.map((row) => ({
      id: row.id,
      version: row.version,
      made: row.issued_at,
      terms: termsOfLicense(row),
    })),
  ];
}

/** What others add to the contacts at the same time is not lost. */
const ofContacts = ({ db }: Context, rows: Indexed[]): D1PreparedStatement[] =>
  chunksOf(rows).map((chunk) =>
    db.sql(
      `INSERT INTO customer_terms (term, customer_id)
       SELECT term, customer_id FROM json_each(?) one CROSS JOIN ${CONTACT_TERMS} ON customer_id = one.value ->> 'id'
       WHERE true ON CONFLICT DO NOTHING`,
      chunk,
    ),
  );

/** Each row is written only while it is the version that was read; whoever changed it meanwhile wrote its terms. */
function statementsFor(
  { db }: Context,
  table: string,
  terms: string,
  owner: string,
  made: string,
  rows: Indexed[],
): D1PreparedStatement[] {
  const still = `FROM json_each(?) one CROSS JOIN ${table} row
    ON row.id = one.value ->> 'id' AND row.version = one.value ->> 'version' AND row.${made} = one.value ->> 'made'`;
  return chunksOf(rows).flatMap((chunk) => [
    db.sql(`DELETE FROM ${terms} WHERE ${owner} IN (SELECT row.id ${still})`, chunk),
    db.sql(
      `INSERT INTO ${terms} (term, ${owner})
       SELECT term.value, row.id ${still} CROSS JOIN json_each(one.value, '$.terms') term`,
      chunk,
    ),
    db.sql(`UPDATE ${table} SET terms_at = version WHERE id IN (SELECT row.id ${still})`, chunk),
  ]);
}
