// Entitlements in an input, compared with their definitions.
import { inArray, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { requestInvalid } from "../../problems.ts";
import { type EntitlementDefinition, entitlements } from "../../storage/schema.ts";
import { type EntitlementsInput, type EntitlementsPatch, withRules } from "./values.ts";

/** The definitions of some codes. */
export async function definitionsOf(
  { db }: Context,
  codes: string[],
): Promise<Map<string, EntitlementDefinition>> {
  if (codes.length === 0) return new Map();
  const found = await db.orm
    .select()
    .from(entitlements)
    .where(
      inArray(entitlements.code, sql`(SELECT value FROM json_each(${JSON.stringify([...new Set(codes)])}))`),
    );
  return new Map(found.map((definition) => [definition.code, definition]));
}

/**
 * What an input gives and takes, with the rules of its meters.
 * @throws Problem REQUEST_INVALID for an unknown code, or a value of the wrong kind
 */
export async function entitlementsIn(
  context: Context,
  input: EntitlementsInput | undefined,
): Promise<EntitlementsPatch | undefined> {
  if (input === undefined) return undefined;
  const { patch, faults } = withRules(input, await definitionsOf(context, Object.keys(input)));
  if (faults.length > 0)
    throw requestInvalid(faults.map(({ path, message }) => ({ path: `entitlements.${path}`, message })));
  return patch;
}
