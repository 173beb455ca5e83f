// The choice of a customer: those that a search finds, and the one that is chosen.
import type { Child, FC } from "hono/jsx";
import { listCustomers } from "../../../licensing/customers/customer-list.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";
import type { Entry } from "../../ui/entry.ts";
import { faultOf } from "../../ui/form.tsx";
import type { Visit } from "../visit.ts";

/** The choice "new customer"; no id can look like this. */
export const NEW = "+new";

export async function customersFor({ context }: Visit, entry: Entry) {
  const q = entry.text("customer_q");
  const chosen = entry.text("customer_id");
  const [page, current] = await Promise.all([
    listCustomers(context, { limit: 6 }, q === undefined ? {} : { q }),
    chosen === undefined || chosen === NEW ? null : getCustomer(context, chosen).catch(() => null),
  ]);
  const others = page.data.filter(({ id }) => id !== current?.id);
  return current ? [current, ...others] : others;
}

/** @param children one more choice after the customers, with the id `customer_id` */
export const CustomerChoice: FC<{
  entry: Entry;
  label: string;
  customers: Awaited<ReturnType<typeof customersFor>>;
  children?: Child;
}> = ({ entry, label, customers, children }) => {
  const chosen = entry.text("customer_id");
  const fault = faultOf({ entry, name: "customer_id", label });
  return (
    <div id="customers" data-results>
      <fieldset aria-describedby={fault ? "customer-fault" : undefined}>
        <legend class="unseen">{label}</legend>
        <div class="options stacked">
          {customers.map(({ id, name, company, email }, index) => (
            <label class="choice">
              <input
                id={index === 0 && children === undefined ? "customer_id" : undefined}
                type="radio"
                name="customer_id"
                value={id}
                checked={chosen === id}
              />
              <span>
                {displayNameOf({ name, company })}{" "}
                <span class="soft">
                  {[personOf({ name, company }), email ?? "no e-mail address"].filter(Boolean).join(", ")}
                </span>
              </span>
            </label>
          ))}
          {children}
        </div>
        {fault ? (
          <p class="fault" id="customer-fault">
            Choose a customer.
          </p>
        ) : null}
      </fieldset>
    </div>
  );
};
