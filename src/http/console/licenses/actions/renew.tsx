// /admin/licenses/{id}/renew
import { ceilToSecond } from "../../../../kernel/dates.ts";
import { Renewal, renewLicense } from "../../../../licensing/licenses/lifecycle.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { parsed } from "../../../ui/entry.ts";
import { When } from "../../../ui/show.tsx";
import { Ending, endOf } from "../../parts/terms.tsx";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { actionView, pathOf } from "./action.tsx";

export const renew: Form = {
  path: "/admin/licenses/{id}/renew",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { expires_at } = held.license;
    const lead = (
      <>
        Ends {<When at={expires_at} now={visit.now} as="end" />}. The customer is told by mail; instances get
        the new end at their next check-in.
      </>
    );
    return actionView(
      visit,
      entry,
      held,
      { action: "renew", title: "Renew license", lead, submit: "Renew" },
      <Ending
        entry={entry}
        legend="Renew for"
        from={Math.max(expires_at ?? 0, ceilToSecond(visit.now))}
        value="365"
      />,
    );
  },
  async submit(visit, entry) {
    await renewLicense(visit.context, idOf(visit), parsed(Renewal, endOf(entry)));
    return { to: `${pathOf(visit)}?done=renewed` };
  },
};
