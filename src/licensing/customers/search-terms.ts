// The terms that customers are found by. A search is by prefix, so each word starts its own term.
import type { Customer } from "../../storage/schema.ts";

/** In code points, so that no character is cut in two. */
const MAX_LENGTH = 100;
const MAX_STARTS = 8;

/** The form in which terms are stored and searched: it ignores compatibility characters, case and spacing. */
export const normalizeTerm = (text: string): string =>
  Array.from(text.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").trim())
    .slice(0, MAX_LENGTH)
    .join("");

function startsOf(text: string): string[] {
  const words = text.split(" ");
  return words.slice(0, MAX_STARTS).map((_, index) => words.slice(index).join(" "));
}

/** The terms of a customer: id, name, company and e-mail, each from every word on, and the domain of the e-mail. */
export function termsOf(customer: Pick<Customer, "id" | "name" | "company" | "email">): string[] {
  const { id, name, company, email } = customer;
  const texts = [id, name, company, email, email?.split("@")[1]];
  return [
    ...new Set(
      texts
        .filter((text) => text != null)
        .flatMap((text) => startsOf(normalizeTerm(text)))
        .filter((term) => term !== ""),
    ),
  ];
}
