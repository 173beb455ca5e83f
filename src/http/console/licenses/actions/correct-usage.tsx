// /admin/licenses/{id}/correct-usage: staff correct one day of an instance.
import { CorrectedDay, correctUsage, UsageCorrection } from "../../../../licensing/usage/corrections.ts";
import { listByContact } from "../../../../licensing/instances/by-contact.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { InstanceId } from "../../../../licensing/seats/calls/presented.ts";
import * as z from "zod/mini";
import { parsed } from "../../../ui/entry.ts";
import { Field } from "../../../ui/form.tsx";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { actionView, pathOf, Reason } from "./action.tsx";

/** In the order of the fields. */
const Input = z.extend(
  z.strictObject({ date: CorrectedDay, instance_id: InstanceId }),
  UsageCorrection.shape,
);

/** So many instances are offered; any other can be typed. */
const OFFERED = 100;

export const correctUsageForm: Form = {
  path: "/admin/licenses/{id}/correct-usage",
  access: "licenses",
  async show(visit, entry) {
    const id = idOf(visit);
    const [held, seats] = await Promise.all([
      getLicenseAndCustomer(visit.context, id),
      listByContact(visit.context, id, OFFERED),
    ]);
    return actionView(
      visit,
      entry,
      held,
      {
        action: "correct-usage",
        title: "Correct usage",
        lead: "Sets what one instance used on one day (UTC). The day takes no more reports of it.",
        submit: "Correct",
      },
      <>
        <Field entry={entry} name="date" label="Day" type="date" required autofocus />
        <Field
          entry={entry}
          name="instance_id"
          label="Instance"
          maxlength={128}
          list="instances"
          autocomplete="off"
          required
        />
        <datalist id="instances">
          {seats.map(({ instance_id }) => (
            <option value={instance_id}></option>
          ))}
        </datalist>
        <Field entry={entry} name="requests" label="Requests" type="number" min={0} required />
        <Field entry={entry} name="services" label="Services" type="number" min={0} required />
        <Reason entry={entry} placeholder="A load test was counted." first={false} />
      </>,
    );
  },
  async submit(visit, entry) {
    const { date, instance_id, ...correction } = parsed(Input, {
      date: entry.text("date") ?? "",
      instance_id: entry.text("instance_id") ?? "",
      requests: entry.number("requests") ?? Number.NaN,
      services: entry.number("services") ?? Number.NaN,
      reason: entry.text("reason") ?? "",
    });
    await correctUsage(visit.context, { id: idOf(visit), date, instance_id }, correction);
    return { to: `${pathOf(visit)}?done=corrected` };
  },
};
