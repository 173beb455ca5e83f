// What the actions on a license share: what each may refuse, and that it can be ordered for later.
import * as z from "zod/mini";
import type { Context } from "../../../context.ts";
import { StartInstant } from "../../../kernel/inputs.ts";
import type { Action } from "../../../licensing/licenses/lifecycle.ts";
import { assertAhead, orderChange } from "../../../licensing/licenses/pending-changes.ts";
import { presentPendingChange } from "../../../licensing/licenses/pending-rows.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import type { ProblemCode } from "../../../problems.ts";
import { ifMatch } from "../../endpoint.ts";
import * as examples from "../../examples.ts";
import type { Http } from "../../http.ts";
import { OrderedChange } from "../change-schemas.ts";

export const TRANSITION_REFUSALS: ProblemCode[] = [
  "LICENSE_NOT_FOUND",
  "INVALID_TRANSITION",
  "CONFLICT",
  "PRECONDITION_FAILED",
];

/** When an action takes effect: an instant, or the first moment of a date; nothing is now. */
export const effectiveAt = { effective_at: z.optional(StartInstant) };

export const LATER =
  " With effective_at (an instant, or a date, which begins when it begins first anywhere on Earth; within two years) it is ordered for then and answered with 202: it is decided then, with the permission that whoever ordered it has then.";

export const accepted = {
  description: "Ordered for effective_at.",
  schema: OrderedChange,
  example: { pending_change: examples.pendingChange },
};

/** Answers what the action would do if it were taken now. What could not be ordered for `at` is refused. */
export async function previewed(
  http: Http,
  context: Context,
  id: string,
  action: Action,
  at: number | undefined,
): Promise<Response> {
  if (at !== undefined) assertAhead(at, context.clock.now());
  return http.json(await previewChange(context, id, action, ifMatch(http)));
}

/** Orders the action for later and answers so; null if it is meant for now. */
export async function ordered(
  http: Http,
  context: Context,
  id: string,
  action: Action,
  at: number | undefined,
): Promise<Response | null> {
  if (at === undefined) return null;
  const change = await orderChange(context, id, action, at, ifMatch(http));
  return http.json({ pending_change: presentPendingChange(change) }, 202);
}
