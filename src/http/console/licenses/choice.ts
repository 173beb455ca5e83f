// Which customers a form offers: those that a search finds, and the one that is chosen.
import { listCustomers } from "../../../licensing/customers/customer-list.ts";
import { getCustomer } from "../../../licensing/customers/customers.ts";
import type { Entry } from "../../ui/entry.ts";
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
