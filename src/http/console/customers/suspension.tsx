// /admin/customers/{id}/suspend and …/reinstate: all licenses of a customer at once.
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import {
  reinstateCustomer,
  suspendCustomer,
  type SuspensionOutcome,
} from "../../../licensing/licenses/customer-suspension.ts";
import { Reasoned, Reinstatement } from "../../../licensing/licenses/decisions.ts";
import { parsed } from "../../ui/entry.ts";
import { PostForm, Submit } from "../../ui/form.tsx";
import { Card, plural } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import { Reason } from "../licenses/actions/action.tsx";
import type { Form } from "../mount.tsx";
import { idOf, type Visit } from "../visit.ts";
import { trailOf } from "./shown.tsx";

interface Action {
  name: "suspend" | "reinstate";
  title: string;
  lead: string;
  button: string;
  tone: "primary" | "danger";
  placeholder: string;
  would: (outcome: SuspensionOutcome) => string;
  carryOut: (
    visit: Visit,
    id: string,
    reason: string | undefined,
    dryRun: boolean,
  ) => Promise<SuspensionOutcome>;
}

const ofSkipped = ({ skipped }: SuspensionOutcome, why: string): string =>
  skipped === 0
    ? ""
    : ` ${plural(skipped, "license")} ${skipped === 1 ? "stays" : "stay"} as ${skipped === 1 ? "it is" : "they are"}: ${why}.`;

const ACTIONS: Action[] = [
  {
    name: "suspend",
    title: "Suspend all licenses",
    lead: "Activations and check-ins are refused until the customer is reinstated.",
    button: "Suspend all",
    tone: "danger",
    placeholder: "Invoice 4711 is not paid.",
    would: (outcome) =>
      `${plural(outcome.changed, "license")} would be suspended, with ${plural(outcome.instances?.active ?? 0, "running instance")}.${ofSkipped(outcome, "suspended or revoked already")}`,
    carryOut: ({ context }, id, reason, dryRun) =>
      suspendCustomer(
        context,
        id,
        dryRun ? { reason: "" } : parsed(Reasoned, { reason: reason ?? "" }),
        dryRun,
      ),
  },
  {
    name: "reinstate",
    title: "Reinstate the customer",
    lead: "Lifts the suspension of all licenses that were suspended with the customer.",
    button: "Reinstate",
    tone: "primary",
    placeholder: "Invoice 4711 is paid.",
    would: (outcome) =>
      `${plural(outcome.changed, "license")} would be reinstated.${ofSkipped(outcome, "not suspended with the customer")}`,
    carryOut: ({ context }, id, reason, dryRun) =>
      reinstateCustomer(context, id, parsed(Reinstatement, { reason }), dryRun),
  },
];

const formOf = (action: Action): Form => ({
  path: `/admin/customers/{id}/${action.name}`,
  access: "licenses",
  async show(visit, entry) {
    const id = idOf(visit);
    const [customer, outcome] = await Promise.all([
      getCustomer(visit.context, id),
      action.carryOut(visit, id, undefined, true),
    ]);
    const here = `/admin/customers/${id}`;
    return {
      title: `${action.title}: ${displayNameOf(customer)}`,
      section: "customers",
      body: (
        <>
          <Heading trail={trailOf(customer)} title={action.title} lead={action.lead} />
          <Card>
            <PostForm visit={visit} entry={entry} action={`${here}/${action.name}`}>
              <p class={action.name === "suspend" && outcome.changed > 0 ? "note stop" : "note"}>
                {action.would(outcome)}
              </p>
              {outcome.changed === 0 ? (
                <a class="button" href={here} data-close>
                  Back
                </a>
              ) : (
                <>
                  <Reason
                    entry={entry}
                    placeholder={action.placeholder}
                    {...(action.name === "reinstate" ? { optional: true as const } : {})}
                  />
                  <Submit tone={action.tone} back={here}>
                    {action.button}
                  </Submit>
                </>
              )}
            </PostForm>
          </Card>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const id = idOf(visit);
    await action.carryOut(visit, id, entry.text("reason"), false);
    return { to: `/admin/customers/${id}?done=${action.name}` };
  },
});

export const customerSuspensions: Form[] = ACTIONS.map(formOf);
