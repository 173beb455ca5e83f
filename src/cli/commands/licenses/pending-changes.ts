// changes: list, cancel, release
import type { Command } from "commander";
import { define, group, handle, path, withDryRun, withList } from "../../command.ts";
import type { PendingChange } from "../../shapes.ts";
import { PENDING_COLUMNS, printOrdered } from "./license-view.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";
const CHANGE = "chg_01KB0S6M2J5R8T1V4X7Z9B3D6F";

export function addPendingChangeCommands(program: Command): void {
  const changes = group(
    program,
    "changes",
    "Changes of licenses that were ordered for later",
    `changes list ${ID}`,
  );

  withList(
    define(changes, "list <license>", "List the changes ordered for a license", [`changes list ${ID}`]),
  ).action(
    handle((call, id) =>
      call.list<PendingChange>(path("licenses", id, "pending-changes"), {}, PENDING_COLUMNS, "No changes."),
    ),
  );

  withDryRun(
    define(changes, "cancel <license> <change>", "Take a change back that waits or is held", [
      `changes cancel ${ID} ${CHANGE}`,
    ]),
  ).action(
    handle((call, id, change) =>
      call.end({ method: "DELETE", path: path("licenses", id, "pending-changes", change) }, "Cancelled."),
    ),
  );

  withDryRun(
    define(changes, "release <license> <change>", "Let a change that is held go on", [
      `changes release ${ID} ${CHANGE}`,
    ]),
  ).action(
    handle((call, id, change) =>
      call.change(
        { method: "POST", path: path("licenses", id, "pending-changes", change, "release") },
        printOrdered,
      ),
    ),
  );
}
