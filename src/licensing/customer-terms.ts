// What a customer is found by: its id, name, company and e-mail address, each from every word on, so that a
// search for the start of any word is a range of one tree. Pure; written with the customer.
import type { Customer } from "../storage/schema.ts";

const MAX_LENGTH = 100;
const MAX_STARTS = 8;

const normalize = (text: string): string =>
  text.normalize("NFKC").toLowerCase().trim().replaceAll(/\s+/g, " ");

/** The normalized text from the start of each of its words on. */
function startsOf(text: string, wordStart: RegExp): string[] {
  const normal = normalize(text);
  const starts = [...normal.matchAll(wordStart)].slice(0, MAX_STARTS);
  // Cut between code points: half a surrogate pair is no text.
  return starts.map(({ index }) => Array.from(normal.slice(index)).slice(0, MAX_LENGTH).join(""));
}

const WORD = /(?<=^| )[^ ]/gu;
const WORD_OR_HOST = /(?<=^| |@)[^ ]/gu;

/** The rows of `customer_terms` for this customer, none twice. */
export function termsOf(customer: Pick<Customer, "id" | "name" | "company" | "email">): string[] {
  const { id, name, company, email } = customer;
  return [
    ...new Set([
      ...startsOf(id, WORD),
      ...startsOf(name, WORD),
      ...startsOf(company ?? "", WORD),
      ...startsOf(email ?? "", WORD_OR_HOST),
    ]),
  ];
}
