// A letter: what a mail says, before it is HTML or text. Both are rendered from the same letter, so neither
// can say what the other does not.

/** A piece of a sentence. `name` is somebody's own words, in whatever direction they are written. */
export type Inline = string | { name: string } | { code: string } | { strong: string } | { contact: string };

export type Tone = "info" | "good" | "warn" | "stop";

export interface Row {
  lead: Inline;
  detail: Inline | null;
  note: string;
}

export type Block =
  | { kind: "paragraph"; words: Inline[] }
  | { kind: "heading"; title: string }
  | { kind: "callout"; headline: string; words: Inline[] }
  | { kind: "facts"; facts: [label: string, value: Inline][] }
  | { kind: "steps"; steps: Inline[][] }
  | { kind: "key"; key: string }
  | { kind: "rows"; title: string; lead: string; count: number; rows: Row[] }
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

// Narrow on purpose: what goes into a mailto link must not be able to add recipients or headers to it.
const ADDRESS = /^[\w.+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+$/;

/** A mailto link to `contact`, or null where that is no address but, say, a telephone number. */
export function mailto(contact: string, subject?: string): string | null {
  if (!ADDRESS.test(contact)) return null;
  return `mailto:${contact}${subject === undefined ? "" : `?subject=${encodeURIComponent(subject)}`}`;
}
