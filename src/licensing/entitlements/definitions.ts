// Definitions of entitlements: what can be sold, of which kind, and how it is counted.
import { and, eq, gt, or, sql, type SQL } from "drizzle-orm";
import * as z from "zod/mini";
import type { Context } from "../../context.ts";
import { formatInstant } from "../../kernel/dates.ts";
import { Text } from "../../kernel/inputs.ts";
import { openList, type Page, type PageRequest } from "../../kernel/pages.ts";
import { allow } from "../../kernel/permissions.ts";
import {
  assertMatch,
  changesBetween,
  columnsToSet,
  given,
  MAX_ATTEMPTS,
  overtaken,
} from "../../kernel/resources.ts";
import { Problem, requestInvalid } from "../../problems.ts";
import { recordChange } from "../../record/events.ts";
import {
  AGGREGATES,
  type EntitlementDefinition,
  entitlements,
  ENTITLEMENT_KINDS,
  OVER,
  PERIODS,
} from "../../storage/schema.ts";
import { Code, Value, valueFault } from "./values.ts";

const members = {
  name: Text(200),
  kind: z.enum(ENTITLEMENT_KINDS),
  unit: z.optional(z.nullable(Text(40))),
  /** For meters; without them: the sum of a month, and a warning above the value. */
  aggregate: z.optional(z.nullable(z.enum(AGGREGATES))),
  period: z.optional(z.nullable(z.enum(PERIODS))),
  over: z.optional(z.nullable(z.enum(OVER))),
  /** What forms begin with; changes nothing that was sold. */
  default: z.optional(Value),
};

/** A whole definition: what is left out gets the default, even when it replaces another one. */
export const EntitlementTerms = z.strictObject(members);
export const NewEntitlement = z.strictObject({ code: Code, ...members });
export const EntitlementChanges = z.partial(z.strictObject(members));

export type EntitlementTerms = z.output<typeof EntitlementTerms>;

type Terms = Omit<EntitlementDefinition, "code" | "version" | "created_at" | "updated_at">;

/** @throws Problem REQUEST_INVALID if its members do not go together */
function termsOf({ default: preset = null, unit = null, ...input }: EntitlementTerms): Terms {
  const faults: { path: string; message: string }[] = [];
  const { name, kind, aggregate, period, over } = input;
  if (kind !== "meter") {
    for (const member of ["aggregate", "period", "over"] as const)
      if (input[member] != null) faults.push({ path: member, message: "Only a meter has this" });
  }
  const fault = preset === null ? null : valueFault(kind, preset);
  if (fault !== null) faults.push({ path: "default", message: fault });
  if (faults.length > 0) throw requestInvalid(faults);
  const isMeter = kind === "meter";
  return {
    name,
    kind,
    unit,
    aggregate: isMeter ? (aggregate ?? "sum") : null,
    period: isMeter ? (period ?? "month") : null,
    over: isMeter ? (over ?? "warn") : null,
    preset,
  };
}

const unknownEntitlement = (code: string): Problem =>
  new Problem("NOT_FOUND", `There is no entitlement ${code}.`);

const find = async ({ db }: Context, code: string): Promise<EntitlementDefinition | undefined> =>
  (await db.orm.select().from(entitlements).where(eq(entitlements.code, code)))[0];

/** @throws Problem NOT_FOUND */
export async function getEntitlement(context: Context, code: string): Promise<EntitlementDefinition> {
  allow(context, "read");
  const definition = await find(context, code);
  if (!definition) throw unknownEntitlement(code);
  return definition;
}

/** By code. */
export async function listEntitlements(
  context: Context,
  request: PageRequest,
): Promise<Page<EntitlementDefinition>> {
  allow(context, "read");
  const list = await openList(context, "entitlements", request);
  const rows = await context.db.orm
    .select()
    .from(entitlements)
    .where(gt(entitlements.code, String(list.after?.[0] ?? "")))
    .orderBy(entitlements.code)
    .limit(request.limit + 1);
  return list.page(rows, request.limit + 1, (row) => [row.code]);
}

/** How many definitions a form shows, besides those of what it is about. */
const SHOWN = 200;

/**
 * Those that forms show, by code.
 * @param holders the ids of licenses and types: what they have is always among them, so that no form loses it
 */
export async function shownEntitlements(
  context: Context,
  holders: string[] = [],
): Promise<EntitlementDefinition[]> {
  allow(context, "read");
  const isShown = sql`${entitlements.code} IN (SELECT code FROM entitlements ORDER BY code LIMIT ${SHOWN})`;
  const isHeld = sql`EXISTS (SELECT 1 FROM entitlement_uses used WHERE used.code = ${entitlements.code}
    AND used.holder IN ('license', 'license_type') AND used.id IN (SELECT value FROM json_each(${JSON.stringify(holders)})))`;
  return context.db.orm.select().from(entitlements).where(or(isShown, isHeld)).orderBy(entitlements.code);
}

/** null if the code is taken. */
async function insert(
  context: Context,
  code: string,
  terms: Terms,
  now: number,
): Promise<EntitlementDefinition | null> {
  const { db } = context;
  const definition = { code, ...terms, version: 1, created_at: now, updated_at: now };
  const [inserted] = await db.batch([
    db.compile(db.orm.insert(entitlements).values(definition).onConflictDoNothing()),
    recordChange(context, now, "entitlement.created", ["entitlement", code], { after: definition }),
  ]);
  return inserted?.meta.changes === 0 ? null : definition;
}

/**
 * Defines an entitlement; never replaces one.
 * @throws Problem CONFLICT if the code is taken, REQUEST_INVALID
 */
export async function createEntitlement(
  context: Context,
  { code, ...terms }: z.output<typeof NewEntitlement>,
): Promise<EntitlementDefinition> {
  allow(context, "license-types");
  const definition = await insert(context, code, termsOf(terms), context.clock.now());
  if (!definition) throw new Problem("CONFLICT", `An entitlement with the code ${code} exists already.`);
  return definition;
}

/** Exactly the definition that was read. */
const isStill = ({ code, version, created_at }: EntitlementDefinition): SQL | undefined =>
  and(
    eq(entitlements.code, code),
    eq(entitlements.version, version),
    eq(entitlements.created_at, created_at),
  );

const unused = (code: string): SQL =>
  sql`NOT EXISTS (SELECT 1 FROM entitlement_uses WHERE entitlement_uses.code = ${code})`;

/** What stays as it is while a license or a type has the entitlement: figures of before would mean something else. */
const FIXED = ["kind", "aggregate", "period"] as const satisfies (keyof EntitlementDefinition)[];

const inUse = (code: string, what: string): Problem =>
  new Problem("CONFLICT", `Licenses or license types have the entitlement ${code}: ${what}.`);

async function change(
  context: Context,
  code: string,
  decide: (before: EntitlementDefinition) => Terms,
  ifMatch: string | undefined,
): Promise<EntitlementDefinition | null> {
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await find(context, code);
    if (!before) return null;
    assertMatch(before, ifMatch);
    const wanted = { ...before, ...decide(before) };
    const changes = changesBetween(before, wanted);
    if (Object.keys(changes).length === 0) return before;
    const isFixed = FIXED.some((member) => member in changes);
    const now = context.clock.now();
    const after = { ...wanted, version: before.version + 1, updated_at: now };
    const [updated, , used] = await db.batch([
      db.compile(
        db.orm
          .update(entitlements)
          .set(columnsToSet(before, after))
          .where(and(isStill(before), isFixed ? unused(code) : undefined)),
      ),
      recordChange(context, now, "entitlement.changed", ["entitlement", code], { changes }),
      db.sql("SELECT 1 FROM entitlement_uses WHERE code = ? LIMIT 1", code),
    ]);
    if (updated?.meta.changes !== 0) return after;
    if (isFixed && used?.results.length !== 0)
      throw inUse(code, "its kind, and how it is counted, stay as they are");
  }
  throw overtaken(ifMatch);
}

/**
 * Defines an entitlement, or replaces its definition. What was sold keeps its value, and the rules of its meter.
 * @throws Problem REQUEST_INVALID, PRECONDITION_FAILED, CONFLICT for another kind or count of one that is used
 */
export async function putEntitlement(
  context: Context,
  code: string,
  terms: EntitlementTerms,
  ifMatch?: string,
): Promise<{ definition: EntitlementDefinition; created: boolean }> {
  allow(context, "license-types");
  const wanted = termsOf(terms);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const changed = await change(context, code, () => wanted, ifMatch);
    if (changed) return { definition: changed, created: false };
    if (ifMatch !== undefined) throw new Problem("PRECONDITION_FAILED");
    const definition = await insert(context, code, wanted, context.clock.now());
    if (definition) return { definition, created: true };
  }
  throw overtaken(ifMatch);
}

/** Changes single members of a definition. @throws Problem NOT_FOUND, and as putEntitlement */
export async function changeEntitlement(
  context: Context,
  code: string,
  input: z.output<typeof EntitlementChanges>,
  ifMatch?: string,
): Promise<EntitlementDefinition> {
  allow(context, "license-types");
  const changed = await change(
    context,
    code,
    ({ preset, ...before }) => {
      const { name, kind, unit, aggregate, period, over } = before;
      // Another kind is counted otherwise, or not at all.
      const rules = (input.kind ?? kind) === kind ? { aggregate, period, over } : {};
      return termsOf({ name, kind, unit, ...rules, default: preset, ...given(input) });
    },
    ifMatch,
  );
  if (!changed) throw unknownEntitlement(code);
  return changed;
}

/**
 * Deletes a definition that no license and no type has.
 * @throws Problem NOT_FOUND, PRECONDITION_FAILED, CONFLICT while it is used
 */
export async function deleteEntitlement(context: Context, code: string, ifMatch?: string): Promise<void> {
  allow(context, "license-types");
  const { db } = context;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await getEntitlement(context, code);
    assertMatch(before, ifMatch);
    const [deleted, , used] = await db.batch([
      db.compile(db.orm.delete(entitlements).where(and(isStill(before), unused(code)))),
      recordChange(context, context.clock.now(), "entitlement.deleted", ["entitlement", code], { before }),
      db.sql("SELECT 1 FROM entitlement_uses WHERE code = ? LIMIT 1", code),
    ]);
    if (deleted?.meta.changes !== 0) return;
    if (used?.results.length !== 0) throw inUse(code, "take it away from them first");
  }
  throw overtaken(ifMatch);
}

/** A definition as the API shows it. */
export const presentDefinition = ({
  version: _etag,
  preset,
  created_at,
  updated_at,
  ...rest
}: EntitlementDefinition) => ({
  ...rest,
  default: preset,
  created_at: formatInstant(created_at),
  updated_at: formatInstant(updated_at),
});
