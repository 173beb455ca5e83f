// Carrying out what was ordered for a later time, once that has come.
import type { Context, Role } from "../../context.ts";
import { Problem } from "../../problems.ts";
import type { PendingChange } from "../../storage/schema.ts";
import { isLessThan, LicenseChanges, Reasoned, Reinstatement, Renewal, Transfer } from "./decisions.ts";
import { type Action, carryOut, moveOf, type Plan } from "./lifecycle.ts";
import { getPendingChange } from "./pending-changes.ts";
import { isPending, openChanges, settle, settleDone } from "./pending-rows.ts";

/** The most that one run reads. */
const MAX_A_RUN = 100;

/** The role that a member of staff has now, or null. */
type RoleNow = (context: Context, staffId: string) => Promise<Role | null>;

const SCHEMAS = {
  change: LicenseChanges,
  renew: Renewal,
  suspend: Reasoned,
  reinstate: Reinstatement,
  revoke: Reasoned,
  transfer: Transfer,
};

/** The change goes no further: staff decide. */
class Held extends Error {}

/** Another run was faster, or somebody cancelled it. */
class Gone extends Error {}

/** @throws Problem REQUEST_INVALID if this release does not know such an input any more */
function actionOf({ action, input }: PendingChange): Action {
  const read = SCHEMAS[action].safeParse(input);
  if (!read.success) throw new Problem("REQUEST_INVALID", "The change cannot be read any more.");
  return { action, input: read.data } as Action;
}

/** @throws Held */
function assertNotOvertaken(row: PendingChange, { before, after }: Plan): void {
  if (row.action === "transfer" && before.customer_id !== row.held_by) {
    throw new Held("The license went to another customer after this was ordered.");
  }
  if (row.overtaken_by !== null && isLessThan(after, before)) {
    throw new Held("The license was renewed, reinstated, transferred or edited after this was ordered.");
  }
}

async function carryOutOne(context: Context, row: PendingChange): Promise<void> {
  const ordered = actionOf(row);
  const { decide, reason, also } = await moveOf(context, ordered);
  let isSettled = false;
  await carryOut(context, row.license_id, row.action, decide, {
    reason,
    also,
    // Read anew each time: what overtakes it also moves the version of the license on, and so starts this again.
    unless: async (planned) => {
      const current = await getPendingChange(context, row.license_id, row.id);
      if (current.status !== "pending") throw new Gone();
      assertNotOvertaken(current, planned);
    },
    where: isPending(row.id),
    order: {
      id: row.id,
      settle: (after) => {
        isSettled = true;
        return settleDone(context, row, after);
      },
    },
  });
  if (!isSettled) await settle(context, row, "done", null);
}

async function attempt(context: Context, row: PendingChange, roleNow: RoleNow): Promise<void> {
  const by = row.released_by ?? row.ordered_by;
  const role = await roleNow(context, by);
  const ordered: Context = {
    ...context,
    actor: {
      type: "system",
      id: "pending-changes",
      ...(role === null ? {} : { orderedBy: { type: "staff", id: by, role } }),
    },
  };
  try {
    if (role === null) throw new Held("Who ordered this has no access any more.");
    await carryOutOne(ordered, row);
  } catch (error) {
    if (error instanceof Gone) return;
    if (error instanceof Held) return settle(ordered, row, "held", error.message);
    // Worth another try: the database, or a license that kept changing.
    if (!(error instanceof Problem) || error.type.status >= 500 || error.extras.retry_after !== undefined)
      throw error;
    const outcome = error.code === "FORBIDDEN" ? "held" : "failed";
    await settle(ordered, row, outcome, error.message);
  }
}

/**
 * Carries out what is due, in order. Running twice, or at the same time as another run, does nothing twice: the batch
 * that changes the license also settles the order. If one fails for no fault of its own, it and the later ones of its
 * license wait for the next run.
 * @param hasRoom whether another one may begin; what is left waits for the next run
 * @throws the first such failure, after all others were carried out
 */
export async function carryOutDue(context: Context, roleNow: RoleNow, hasRoom: () => boolean): Promise<void> {
  const due = await openChanges(context, "pending", context.clock.now(), MAX_A_RUN);
  const waiting = new Set<string>();
  const failures: unknown[] = [];
  for (const row of due) {
    if (!hasRoom()) break;
    if (waiting.has(row.license_id)) continue;
    try {
      await attempt(context, row, roleNow);
    } catch (error) {
      waiting.add(row.license_id);
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
