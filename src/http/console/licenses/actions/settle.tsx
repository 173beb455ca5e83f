// /admin/licenses/{id}/settle/{kind}: a kind of trouble that staff need not look at again; and …/unsettle/{kind}.
import * as z from "zod/mini";
import {
  Settlement,
  settleAttention,
  unsettleAttention,
  Unsettlement,
} from "../../../../licensing/figures/attention/settled.ts";
import { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { Problem } from "../../../../problems.ts";
import { ATTENTION_KINDS, type AttentionKind } from "../../../../storage/schema.ts";
import { parsed } from "../../../ui/entry.ts";
import { Choices, type Option } from "../../../ui/form.tsx";
import type { Form } from "../../mount.tsx";
import { KINDS } from "../../parts/attention.tsx";
import { idOf, type Visit } from "../../visit.ts";
import { actionView, Reason } from "./action.tsx";

const Kind = z.enum(ATTENTION_KINDS);

function kindOf({ params }: Visit) {
  const kind = Kind.safeParse(params["kind"]);
  if (!kind.success) throw new Problem("NOT_FOUND", "There is no such kind of trouble.");
  return kind.data;
}

/** For example. */
const REASONS: Record<AttentionKind, string> = {
  cloned: "A restored backup, looked at with the customer.",
  scattered: "The customer moved to another data center.",
  undelivered: "The customer has the key from us by phone.",
  stuck: "Done by hand.",
  ending: "The customer does not renew.",
  overused: "A load test; the customer knows.",
  implausible: "Asked the customer; the figures are being corrected.",
  silent: "The machine is in storage.",
};

const FOR: Option[] = [
  ["", "Until something new happens"],
  ["7", "For 7 days"],
  ["30", "For 30 days"],
  ["90", "For 90 days"],
];

export const settleForm: Form = {
  path: "/admin/licenses/{id}/settle/{kind}",
  access: "licenses",
  async show(visit, entry) {
    const kind = kindOf(visit);
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    return actionView(
      visit,
      entry,
      held,
      {
        action: `settle/${kind}`,
        title: `Settle “${KINDS[kind].word}”`,
        lead: "Takes it off the list of what needs attention. Nothing else changes.",
        submit: "Settle",
      },
      <>
        <Choices entry={entry} name="snooze_days" legend="How long" options={FOR} value="" />
        <Reason entry={entry} placeholder={REASONS[kind]} />
      </>,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Settlement, {
      kind: kindOf(visit),
      snooze_days: entry.number("snooze_days"),
      reason: entry.text("reason") ?? "",
    });
    await settleAttention(visit.context, idOf(visit), input);
    return { to: "/admin?done=settled" };
  },
};

export const unsettleForm: Form = {
  path: "/admin/licenses/{id}/unsettle/{kind}",
  access: "licenses",
  async show(visit, entry) {
    const kind = kindOf(visit);
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    return actionView(
      visit,
      entry,
      held,
      {
        action: `unsettle/${kind}`,
        title: `Take back that “${KINDS[kind].word}” is settled`,
        lead: "It is on the list of what needs attention again, if it is still there. Nothing else changes.",
        submit: "Take back",
      },
      <Reason entry={entry} placeholder="The machine is in use again." optional />,
    );
  },
  async submit(visit, entry) {
    const input = parsed(Unsettlement, { kind: kindOf(visit), reason: entry.text("reason") });
    await unsettleAttention(visit.context, idOf(visit), input);
    return { to: "/admin/attention/settled?done=unsettled" };
  },
};
