// What pages about a customer have in common: what is above them, and why mail does not arrive.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import type { Customer } from "../../../storage/schema.ts";
import { Badge } from "../../ui/show.tsx";

/** The pages above those of a customer. */
export const trailOf = (customer: Pick<Customer, "id" | "name" | "company">): [string, string][] => [
  ["/admin/customers", "Customers"],
  [`/admin/customers/${customer.id}`, displayNameOf(customer)],
];

const EMAIL_FAULTS = {
  bounced: "mail bounced",
  complained: "marked as spam",
} as const;

/** Why mail does not arrive at the address of a customer or a contact. */
export const EmailFault: FC<{ of: Pick<Customer, "email_status"> }> = ({ of: { email_status: fault } }) =>
  fault === null ? null : <Badge tone="stop">{EMAIL_FAULTS[fault]}</Badge>;
