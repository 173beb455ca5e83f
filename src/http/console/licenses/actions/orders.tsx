// /admin/licenses/{id}/changes/{change_id}: taking an order back, and letting one go on that is held.
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import {
  cancelChange,
  getPendingChange,
  releaseChange,
} from "../../../../licensing/licenses/pending-changes.ts";
import { presentPendingChange } from "../../../../licensing/licenses/pending-rows.ts";
import { PostForm, Submit } from "../../../ui/form.tsx";
import { Card } from "../../../ui/show.tsx";
import type { Form } from "../../mount.tsx";
import { Orders } from "../../parts/orders.tsx";
import { idOf, type Visit } from "../../visit.ts";
import { licenseView } from "../view.tsx";
import { pathOf } from "./action.tsx";

const changeOf = ({ params }: Visit): string => params["change_id"] ?? "";

const form = (
  verb: "cancel" | "release",
  words: { title: string; lead: string; submit: string; done: string },
  work: (visit: Visit) => Promise<unknown>,
): Form => ({
  path: `/admin/licenses/{id}/changes/{change_id}/${verb}`,
  access: "licenses",
  async show(visit, entry) {
    const [held, row] = await Promise.all([
      getLicenseAndCustomer(visit.context, idOf(visit)),
      getPendingChange(visit.context, idOf(visit), changeOf(visit)),
    ]);
    return licenseView(
      held,
      { title: words.title, lead: words.lead },
      <Card>
        <PostForm visit={visit} entry={entry}>
          <Orders orders={[presentPendingChange(row)]} now={visit.now} />
          <Submit tone={verb === "cancel" ? "danger" : "primary"} back={pathOf(visit)} leave="Back">
            {words.submit}
          </Submit>
        </PostForm>
      </Card>,
    );
  },
  async submit(visit) {
    await work(visit);
    return { to: `${pathOf(visit)}?done=${words.done}` };
  },
});

export const cancelOrder = form(
  "cancel",
  { title: "Cancel change", lead: "It is not carried out.", submit: "Cancel the change", done: "cancelled" },
  (visit) => cancelChange(visit.context, idOf(visit), changeOf(visit)),
);

export const releaseOrder = form(
  "release",
  {
    title: "Release change",
    lead: "It is carried out within ten minutes, or at its time, with your permission.",
    submit: "Release the change",
    done: "released",
  },
  (visit) => releaseChange(visit.context, idOf(visit), changeOf(visit)),
);
