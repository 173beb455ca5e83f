// /admin/licenses/{id}/renew
import { renewedFor, Renewal } from "../../../../licensing/licenses/decisions.ts";
import { findLicenseType } from "../../../../licensing/licenses/license-types.ts";
import { parsed } from "../../../ui/entry.ts";
import { When } from "../../../ui/show.tsx";
import { Ending, endOf } from "../../parts/terms.tsx";
import type { Form } from "../../mount.tsx";
import { openLicense } from "./meanwhile.tsx";
import { actionView, Later, takeAction } from "./action.tsx";

export const renew: Form = {
  path: "/admin/licenses/{id}/renew",
  access: "licenses",
  async show(visit, entry) {
    const { held, changes } = await openLicense(visit, entry);
    const { expires_at, license_type } = held.license;
    const type = await findLicenseType(visit.context, license_type);
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
      { action: "renew", title: "Renew license", lead, submit: "Renew", live: true },
      <>
        <Ending
          entry={entry}
          legend="Renew for"
          after={(duration) => renewedFor(expires_at ?? 0, duration, visit.now)}
          value={type?.duration ?? "P1Y"}
        />
        <Later entry={entry} />
      </>,
      changes,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Renewal, endOf(entry));
    return takeAction(visit, entry, { action: "renew", input }, "?done=renewed");
  },
};
