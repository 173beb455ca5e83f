// People who sign in through Cloudflare Access, by e-mail address, and their roles.
import { eq, gt } from "drizzle-orm";
import * as z from "zod/mini";
import { recordChange } from "../record/events.ts";
import type { Context, Role } from "../context.ts";
import { formatInstant } from "../kernel/dates.ts";
import { openList, type Page, type PageRequest } from "../kernel/pages.ts";
import { Problem } from "../problems.ts";
import { people, type Person } from "../storage/schema.ts";
import { allow, PersonRole } from "../kernel/permissions.ts";
import { viewColumn } from "./views.ts";
import { anotherWayIn, lastWayIn } from "./way-in.ts";

/** In lower case: an identity provider may spell the same address differently from day to day. */
export const Email = z.email().check(z.maxLength(254), z.toLowerCase());

export const PersonInput = z.strictObject({ role: PersonRole });

export type PersonInput = z.output<typeof PersonInput>;

/**
 * Gives a person a role, from the next request on; `added` is true if they had none.
 * @throws Problem CONFLICT if no owner would be left
 */
export async function setPerson(
  context: Context,
  email: string,
  { role }: PersonInput,
): Promise<{ person: Person; added: boolean }> {
  allow(context, "access");
  const { db } = context;
  const now = context.clock.now();
  const left = anotherWayIn(context, { email });
  const changing = `email = ? AND role <> ? AND (role <> 'owner' OR ${left.sql})`;
  const results = await db.batch([
    // Before the change, because it records the role that the change overwrites.
    recordChange(
      context,
      now,
      "person.changed",
      ["person", email],
      { sql: "json_object('before', role, 'after', ?)", values: [role] },
      { sql: `FROM people WHERE ${changing}`, values: [email, role, ...left.values] },
    ),
    db.sql(
      `UPDATE people SET role = ?, updated_at = ? WHERE ${changing}`,
      role,
      now,
      email,
      role,
      ...left.values,
    ),
    db.sql(
      "INSERT INTO people (email, role, created_at, updated_at) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
      email,
      role,
      now,
    ),
    recordChange(context, now, "person.added", ["person", email], { role }),
    db.sql("SELECT * FROM people WHERE email = ?", email),
  ]);
  const person = results.at(-1)!.results[0] as unknown as Person;
  if (person.role !== role) throw lastWayIn();
  return { person, added: results[2]!.meta.changes > 0 };
}

const unknownPerson = (email: string): Problem =>
  new Problem("NOT_FOUND", `There is no person with the e-mail address ${email}.`);

/** @throws Problem NOT_FOUND */
export async function getPerson(context: Context, email: string): Promise<Person> {
  allow(context, "access");
  const [person] = await context.db.orm.select().from(people).where(eq(people.email, email));
  if (!person) throw unknownPerson(email);
  return person;
}

/** People by e-mail address. */
export async function listPeople(context: Context, request: PageRequest): Promise<Page<Person>> {
  allow(context, "access");
  const list = await openList(context, "people", request);
  const rows = await context.db.orm
    .select()
    .from(people)
    .where(gt(people.email, String(list.after?.[0] ?? "")))
    .orderBy(people.email)
    .limit(request.limit + 1);
  return list.page(rows, request.limit + 1, (row) => [row.email]);
}

/**
 * Takes a person's role away, from the next request on.
 * @throws Problem NOT_FOUND, CONFLICT for the last owner
 */
export async function removePerson(context: Context, email: string): Promise<void> {
  allow(context, "access");
  const { db } = context;
  const left = anotherWayIn(context, { email });
  const removing = `FROM people WHERE email = ? AND (role <> 'owner' OR ${left.sql})`;
  const [, removed, known] = await db.batch([
    recordChange(
      context,
      context.clock.now(),
      "person.removed",
      ["person", email],
      { sql: "json_object('role', role)", values: [] },
      { sql: removing, values: [email, ...left.values] },
    ),
    db.sql(`DELETE ${removing}`, email, ...left.values),
    db.sql("SELECT 1 FROM people WHERE email = ?", email),
  ]);
  if (removed?.meta.changes !== 0) return;
  throw known?.results.length === 0 ? unknownPerson(email) : lastWayIn();
}

/** The role of the person with this address, in lower case, and how they see the console; null without a role. */
export async function findPerson(
  { db }: Context,
  email: string,
): Promise<{ role: Role; view: string | null } | null> {
  const [found] = await db.batch([
    db.sql(`SELECT role, ${viewColumn("email")} FROM people WHERE email = ?`, email),
  ]);
  return (found?.results[0] as { role: Role; view: string | null } | undefined) ?? null;
}

export const presentPerson = (person: Person) => ({
  ...person,
  created_at: formatInstant(person.created_at),
  updated_at: formatInstant(person.updated_at),
});
