// /admin/licenses/{id}/transfer: to another customer, with a look at what that does.
import type { Child } from "hono/jsx";
import { CustomerChoice, customersFor } from "../choice.tsx";
import { Transfer } from "../../../../licensing/licenses/decisions.ts";
import { previewChange } from "../../../../licensing/licenses/preview.ts";
import { Problem } from "../../../../problems.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { Checkbox, Field, PostForm, Submit } from "../../../ui/form.tsx";
import { Card } from "../../../ui/show.tsx";
import type { Form } from "../../mount.tsx";
import { Impact } from "../../parts/impact.tsx";
import { idOf, type Visit } from "../../visit.ts";
import { licenseView } from "../view.tsx";
import { openLicense } from "./meanwhile.tsx";
import { Later, pathOf, Reason, takeAction } from "./action.tsx";

const inputFrom = (entry: Entry, reason: string) =>
  parsed(Transfer, {
    customer_id: entry.text("customer_id"),
    reason,
    send_email: entry.has("send_email") ? true : undefined,
  });

async function impact(visit: Visit, entry: Entry): Promise<Child> {
  if (!entry.has("customer_id")) return <p class="hint">Choose a customer to see what it would do.</p>;
  try {
    // Only the choice of the customer matters here.
    const input = inputFrom(entry, "-");
    return (
      <Impact
        preview={await previewChange(visit.context, idOf(visit), { action: "transfer", input })}
        now={visit.now}
      />
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return <p class="fault">{error.message}</p>;
  }
}

export const transfer: Form = {
  path: "/admin/licenses/{id}/transfer",
  access: "licenses",
  async show(visit, entry) {
    const { held, changes } = await openLicense(visit, entry);
    const [found, effect] = await Promise.all([customersFor(visit, entry), impact(visit, entry)]);
    const customers = found.filter(({ id }) => id !== held.customer.id);
    return licenseView(
      held,
      { title: "Transfer license", lead: "To another customer. Running instances go on." },
      <Card>
        <PostForm visit={visit} entry={entry} changes={changes} action={`${pathOf(visit)}/transfer`} live>
          <Field
            entry={entry}
            name="customer_q"
            label="Search the new customer"
            type="search"
            placeholder="Name, company or e-mail"
            maxlength={100}
            autofocus
          />
          <button class="no-script" name="look" value="yes">
            Find
          </button>
          <CustomerChoice entry={entry} label="New customer" customers={customers} />
          <div id="impact" data-results aria-live="polite">
            {effect}
          </div>
          <button class="no-script" name="look" value="yes">
            See what that does
          </button>
          <Reason entry={entry} placeholder="Acme Europe took the contract over." first={false} />
          <Checkbox name="send_email" checked={entry.has("send_email")}>
            Mail the new key to the new customer
          </Checkbox>
          {entry.fault("send_email") ? <p class="fault">{entry.fault("send_email")}</p> : null}
          <Later entry={entry} />
          <Submit tone="danger" back={pathOf(visit)}>
            Transfer
          </Submit>
        </PostForm>
      </Card>,
    );
  },
  submit: (visit, entry) =>
    takeAction(
      visit,
      entry,
      { action: "transfer", input: inputFrom(entry, entry.text("reason") ?? "") },
      "?done=transferred",
    ),
};
