// What a customer is called: the company, and the person only where there is no company. Pure.
import type { Customer } from "../../storage/schema.ts";

type Named = Pick<Customer, "name" | "company">;

export const displayNameOf = ({ name, company }: Named): string => company ?? name;

/** The person at a customer that is called by its company; null if the name says nothing more. */
export const personOf = ({ name, company }: Named): string | null =>
  company === null || company === name ? null : name;

/** Both in one line: ACME GmbH (Ada Price). */
export function fullNameOf(customer: Named): string {
  const person = personOf(customer);
  return person === null ? displayNameOf(customer) : `${displayNameOf(customer)} (${person})`;
}
