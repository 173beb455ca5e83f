// /admin/licenses/{id}/correct-usage: staff correct one day of an instance.
import { CorrectedDay, correctUsage, UsageCorrection } from "../../../../licensing/usage/corrections.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { InstanceId } from "../../../../licensing/seats/calls/presented.ts";
import * as z from "zod/mini";
import { parsed } from "../../../ui/entry.ts";
import { Field } from "../../../ui/form.tsx";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { actionView, pathOf, Reason } from "./action.tsx";

const Input = z.extend(UsageCorrection, { date: CorrectedDay, instance_id: InstanceId });

export const correctUsageForm: Form = {
  path: "/admin/licenses/{id}/correct-usage",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
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
        <Field entry={entry} name="date" label="Day" type="date" required />
        <Field entry={entry} name="instance_id" label="Instance" maxlength={128} required />
        <Field entry={entry} name="requests" label="Requests" type="number" min={0} required />
        <Field entry={entry} name="services" label="Services" type="number" min={0} required />
        <Reason entry={entry} placeholder="A load test was counted." />
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
