// A letter: what a mail says, before it becomes HTML or text. Both are rendered from the same letter, so they say the
// same.
import { asciiMailbox } from "../../field/mailboxes.ts";

/** A piece of a sentence. `name` is a text that somebody chose, which may run in either direction. */
export type Inline = string | { name: string } | { code: string } | { strong: string } | { contact: string };

export type Tone = "info" | "good" | "warn" | "stop";

export interface Row {
  lead: Inline;
  detail: Inline | null;
  /** Several stand on a line each. */
  note: string | string[];
}

export type Block =
  | { kind: "paragraph"; words: Inline[] }
  | { kind: "heading"; title: string }
  | { kind: "callout"; headline: string; words: Inline[] }
  | { kind: "facts"; facts: [label: string, value: Inline][] }
  | { kind: "steps"; steps: Inline[][] }
  | { kind: "key"; key: string }
  | { kind: "link"; label: string; href: string }
  /** The first of `count` rows. */
  | { kind: "rows"; title: string | null; lead: string | null; count: number; rows: Row[] }
  | { kind: "ask"; label: string; contact: string; subject: string };

export interface Letter {
  subject: string;
  /** What an inbox shows beside the subject. */
  preheader: string;
  /** Who writes, above the title. */
  sender: string;
  title: string;
  tone: Tone;
  blocks: Block[];
  footer: Inline[];
  attachments: { filename: string; content: string }[];
}

export const paragraph = (...words: Inline[]): Block => ({ kind: "paragraph", words });
export const heading = (title: string): Block => ({ kind: "heading", title });

// Narrow on purpose: an address must not be able to add recipients or headers to a mailto link.
const ADDRESS = /^[\w.+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+$/;

/** A mailto link to `contact`, or null if that is not an address but, for example, a telephone number. */
export function mailto(contact: string, subject?: string): string | null {
  const address = asciiMailbox(contact);
  if (address === null || !ADDRESS.test(address)) return null;
  return `mailto:${address}${subject === undefined ? "" : `?subject=${encodeURIComponent(subject)}`}`;
}
