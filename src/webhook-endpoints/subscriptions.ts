// Which events an endpoint gets: types, families of types, or all.
import * as z from "zod/mini";
import { unique } from "../kernel/inputs.ts";
import { EVENT_ACTIONS, type EventAction } from "../record/catalogue.ts";
import { isOfAccess } from "../record/entities.ts";

const familyOf = (action: string): string => action.slice(0, action.indexOf(".") + 1);

/** Every type that an endpoint can get: all but those of access, which only owners see. */
export const TOLD_ACTIONS: EventAction[] = EVENT_ACTIONS.filter((action) => !isOfAccess(action));

const PATTERNS = new Set<string>([
  "*",
  ...TOLD_ACTIONS,
  ...TOLD_ACTIONS.map((action) => `${familyOf(action)}*`),
]);

const MAX_PATTERNS = 50;

/** Also patterns of GLOB, by which the database finds the events. */
export const Subscriptions = z
  .array(
    z.string().check(
      z.refine((pattern) => PATTERNS.has(pattern), {
        error: "Must be a type of event (license.issued), a family of them (license.*), or *",
      }),
      z.meta({ enum: [...PATTERNS] }),
    ),
  )
  .check(
    z.minLength(1, "Must name at least one type of event"),
    z.maxLength(MAX_PATTERNS),
    ...unique("Names a type twice"),
  );
