// /admin/licenses/{id}/reissue
import { reissueLicense } from "../../../../licensing/licenses/lifecycle.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { actionView, pathOf, Reason, reasonFrom } from "./action.tsx";

export const reissue: Form = {
  path: "/admin/licenses/{id}/reissue",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { revision } = held.license;
    const lead = `For a key that leaked. Revision ${revision} is refused from then on, revision ${revision + 1} takes its place.`;
    return actionView(
      visit,
      entry,
      held,
      { action: "reissue", title: "Replace key", lead, submit: "Replace key", tone: "danger" },
      <>
        <p>
          Running instances of our clients go over by themselves at their next check-in, with the certificate
          they hold. New installations need the new key.
        </p>
        <Reason entry={entry} placeholder="The key was posted in a public forum." />
      </>,
    );
  },
  async submit(visit, entry) {
    await reissueLicense(visit.context, idOf(visit), reasonFrom(entry));
    return { to: `${pathOf(visit)}/key?done=reissued` };
  },
};
