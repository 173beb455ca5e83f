// What a license entitles to and what of it was used, as its customer sees it.
import type { Context } from "../../context.ts";
import { dayOf } from "../../kernel/dates.ts";
import { allowOnSite } from "../../kernel/permissions.ts";
import { Problem } from "../../problems.ts";
import type { EntitlementDefinition, MeterRule } from "../../storage/schema.ts";
import { definitionsOf } from "../entitlements/inputs.ts";
import { Month, type Statement, statementOf } from "../usage/statements.ts";
import { type OwnLicense, ownLicense, type UsedDay } from "./own.ts";

/** A line of what is sold besides features and limits. */
export interface OwnEntitlement {
  code: string;
  name: string;
  unit: string | null;
  value: boolean | number | string | null;
  until: number | null;
  /** Of a meter: what its period comes to so far, and which that is. */
  used: { figure: number; period: "day" | "month" } | null;
}

/** Pure. @param days the last ones, of this month all */
export const entitledTo = (
  { entitlements }: OwnLicense,
  definitions: ReadonlyMap<string, Pick<EntitlementDefinition, "name" | "unit">>,
  days: UsedDay[],
  now: number,
): OwnEntitlement[] =>
  Object.entries(entitlements).map(([code, { value, until, meter }]) => {
    const { name, unit } = definitions.get(code) ?? { name: code, unit: null };
    return {
      code,
      name,
      unit,
      value,
      until: until ?? null,
      used: meter === undefined ? null : { figure: figureOf(code, meter, days, now), period: meter[1] },
    };
  });

/** What a meter comes to so far: today, or this month. */
function figureOf(code: string, [aggregate, period]: MeterRule, days: UsedDay[], now: number): number {
  const today = dayOf(now);
  const figures = days
    .filter(({ day }) => (period === "day" ? day === today : day.startsWith(today.slice(0, 7))))
    .map(({ meters }) => meters[code] ?? 0);
  return aggregate === "sum" ? figures.reduce((sum, one) => sum + one, 0) : Math.max(0, ...figures);
}

/** How entitlements of a license are called. */
export const ownDefinitions = (context: Context, license: OwnLicense) =>
  definitionsOf(context, Object.keys(license.entitlements));

/**
 * The statement of a month of a license of the customer.
 * @throws Problem LICENSE_NOT_FOUND, NOT_FOUND for what is no month, REQUEST_INVALID for one without a statement
 */
export async function ownStatement(
  context: Context,
  id: string,
  month: string,
): Promise<{ license: OwnLicense; statement: Statement }> {
  allowOnSite(context, "seats");
  const named = Month.safeParse(month);
  const license = await ownLicense(context, id);
  if (!named.success) throw new Problem("NOT_FOUND", "There is no such month.");
  return { license, statement: await statementOf(context, license, named.data) };
}
