// The types of events, as a filter names them.
import * as z from "zod/mini";
import { SearchText } from "../kernel/inputs.ts";
import { nearest } from "../kernel/near.ts";
import { EVENT_ACTIONS } from "../record/catalogue.ts";

const FAMILIES = [...new Set(EVENT_ACTIONS.map((type) => `${type.split(".")[0]}.*`))];

const NAMED: readonly string[] = [...EVENT_ACTIONS, ...FAMILIES];

const KNOWN = new Set(NAMED);

/** What is wrong with the name of a type: a slip of the pen would find nothing, as if nothing had happened. */
function unknownType(type: string): string {
  const near = nearest(type, NAMED, 4);
  return `There is no such type of event. ${
    near.length > 0 ? `Near: ${near.join(", ")}` : `The families are ${FAMILIES.join(", ")}`
  }`;
}

/** A type, or all types with the same beginning: license.* */
export const EventTypes = z.pipe(
  SearchText,
  z.transform((type, context) => {
    if (KNOWN.has(type)) return type;
    context.issues.push({ code: "custom", message: unknownType(type), input: type });
    return z.NEVER;
  }),
);
