// The terms that customers and licenses are found by. A search is by prefix, so each word starts its own term.
import type { Contact, Customer, License } from "../../storage/schema.ts";
import { leavesOf } from "../../kernel/metadata.ts";

/** In code points, so that no character is cut in two. */
const MAX_LENGTH = 100;

/** How many words of a text begin a term. */
const MAX_STARTS = 100;

/** How much of a text, in UTF-16 code units, can be in a term that begins there. */
const MAX_READ = 4 * MAX_LENGTH;

/** Bounds what one row costs. Every whole text is a term even so. */
const MAX_TERMS = 1_000;

/** Letters that no decomposition takes apart, as they are written where a keyboard has none of them. */
const PLAIN = new Map([
  ["\u00df", "ss"],
  ["\u00e6", "ae"],
  ["\u0153", "oe"],
  ["\u00f8", "o"],
  ["\u0142", "l"],
  ["\u0111", "d"],
  ["\u00f0", "d"],
  ["\u00fe", "th"],
  ["\u0127", "h"],
  ["\u0167", "t"],
  ["\u014b", "n"],
  ["\u0131", "i"],
  ["\u0237", "j"],
  ["\u0138", "k"],
  ["\u017f", "s"],
  ["\u03c2", "\u03c3"],
  // Apostrophes and dashes, as word processors and telephones write them.
  ["\u2018", "'"],
  ["\u2019", "'"],
  ["\u02bc", "'"],
  ["\u2010", "-"],
  ["\u2012", "-"],
  ["\u2013", "-"],
  ["\u2014", "-"],
]);

const SPECIAL = new RegExp(`[${[...PLAIN.keys()].join("")}]`, "g");

/** Marks that take the script of the letter before them: accents. Vowel signs of other scripts stay. */
const ACCENTS = /\p{Script=Inherited}/gu;

const short = (text: string): string =>
  Array.from(text.replaceAll(/\s+/g, " ").trim()).slice(0, MAX_LENGTH).join("");

/** The form in which terms are stored and searched: it ignores compatibility characters, accents, case and spacing. */
export const normalizeTerm = (text: string): string =>
  short(
    text
      .normalize("NFKD")
      .toLowerCase()
      // Once more: a capital letter can become one with an accent.
      .normalize("NFKD")
      .replaceAll(ACCENTS, "")
      .replaceAll(SPECIAL, (letter) => PLAIN.get(letter)!)
      .normalize("NFC"),
  );

/** The form that releases before accents were ignored wrote. */
export const formerTerm = (text: string): string => short(text.normalize("NFKC").toLowerCase());

/**
 * Where a word begins: after white space, and after a mark within it, as in "(Berlin)" and "RE-2024/17". Dots and
 * underscores hold ids, versions and addresses together.
 */
const WORD = /(?<!\S)\S|(?<![\p{L}\p{M}\p{N}.@_])[\p{L}\p{N}]/gu;

function* startsOf(spaced: string): Generator<string> {
  const text = spaced.replaceAll(/\s+/g, " ");
  let starts = 0;
  for (const { index } of text.matchAll(WORD)) {
    if (starts++ === MAX_STARTS) break;
    yield normalizeTerm(text.slice(index, index + MAX_READ).toWellFormed());
  }
}

/** The texts themselves first, then each from every word on. */
function termsIn(texts: string[], notes: string | null): string[] {
  const terms = new Set(texts.map(normalizeTerm));
  for (const text of [...texts, notes ?? ""]) {
    if (terms.size >= MAX_TERMS) break;
    for (const term of startsOf(text)) terms.add(term);
  }
  terms.delete("");
  return [...terms];
}

type Noted = Pick<Customer, "metadata" | "tags" | "notes">;

const textsOf = ({ metadata, tags }: Noted): string[] => [
  ...tags,
  ...leavesOf(metadata).map(([, value]) => value),
];

/** The terms of a customer: all that staff typed, of its contacts, too, and the domains of addresses. */
export function termsOf(
  customer: Pick<Customer, "id" | "name" | "company" | "email"> & Noted,
  contacts: readonly Pick<Contact, "email" | "own" | "name">[] = [],
): string[] {
  const { id, name, company, email, notes } = customer;
  // Its own address is its e-mail, which may be about to change.
  const addresses = [email, ...contacts.filter(({ own }) => own === 0).map((contact) => contact.email)];
  const texts = [
    id,
    name,
    company,
    ...addresses.flatMap((address) => [address, address?.split("@")[1]]),
    ...contacts.map((contact) => contact.name),
  ].filter((text) => text != null);
  return termsIn([...texts, ...textsOf(customer)], notes);
}

/** The terms of a license, besides its id, by which it is found anyway. */
export const termsOfLicense = (license: Pick<License, keyof Noted>): string[] =>
  termsIn(textsOf(license), license.notes);
