// Customers of the same name or address as another one: a hint, since two firms may well share a name.
import type { FC } from "hono/jsx";
import type { listAlike } from "../../../licensing/customers/customer-list.ts";
import { displayNameOf, personOf } from "../../../licensing/customers/display-name.ts";

export const Alike: FC<{ customers: Awaited<ReturnType<typeof listAlike>> }> = ({ customers }) =>
  customers.length === 0 ? null : (
    <div class="note warn">
      <p>There is already a customer with this name or address:</p>
      <ul>
        {customers.map((customer) => (
          <li>
            <a href={`/admin/customers/${customer.id}`}>{displayNameOf(customer)}</a>{" "}
            <span class="soft">
              {[personOf(customer), customer.email, customer.id].filter(Boolean).join(" · ")}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
