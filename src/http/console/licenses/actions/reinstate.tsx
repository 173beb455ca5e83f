// /admin/licenses/{id}/reinstate
import { Reinstatement } from "../../../../licensing/licenses/decisions.ts";
import { parsed } from "../../../ui/entry.ts";
import type { Form } from "../../mount.tsx";
import { openLicense } from "./meanwhile.tsx";
import { actionView, Later, Reason, takeAction } from "./action.tsx";

export const reinstate: Form = {
  path: "/admin/licenses/{id}/reinstate",
  access: "licenses",
  async show(visit, entry) {
    const { held, changes } = await openLicense(visit, entry);
    return actionView(
      visit,
      entry,
      held,
      {
        action: "reinstate",
        title: "Reinstate license",
        lead: "Lifts the suspension: activations and check-ins are accepted again at once.",
        submit: "Reinstate",
      },
      <>
        <Reason entry={entry} placeholder="Invoice 4711 is paid." optional />
        <Later entry={entry} />
      </>,
      changes,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Reinstatement, { reason: entry.text("reason") });
    return takeAction(visit, entry, { action: "reinstate", input }, "?done=reinstated");
  },
};
