// Notices as mails: subject, HTML, text and attachments from data. The same notice always gives the same bytes, so
// sending a mail again does not make a second one.
import { changedLetter } from "./changed-letter.ts";
import { digestLetter } from "./digest-letter.ts";
import { expiredLetter, warningLetter } from "./expiry-letters.ts";
import type { Letter } from "./letter.ts";
import { deliveryLetter, renewedLetter } from "./license-letters.ts";
import type { Notice } from "./notice.ts";
import { letterHtml } from "./page.tsx";
import { letterText } from "./plain-text.ts";
import { oneLine } from "./words.ts";

export type { DigestRow, LicenseFacts, Notice } from "./notice.ts";

export interface Rendered {
  subject: string;
  html: string;
  text: string;
  attachments: { filename: string; content: string }[];
}

/** Puts every text in `notice` on one line, so that no letter has to do so. */
const cleaned = (notice: Notice): Notice =>
  JSON.parse(JSON.stringify(notice), (_, value: unknown) =>
    typeof value === "string" ? oneLine(value) : value,
  ) as Notice;

function letterOf(notice: Notice): Letter {
  switch (notice.kind) {
    case "license_delivery":
      return deliveryLetter(notice);
    case "license_renewed":
      return renewedLetter(notice);
    case "license_changed":
      return changedLetter(notice);
    case "expiry_warning":
      return warningLetter(notice);
    case "license_expired":
      return expiredLetter(notice);
    default:
      return digestLetter(notice);
  }
}

export async function render(notice: Notice): Promise<Rendered> {
  const letter = letterOf(cleaned(notice));
  return {
    subject: letter.subject,
    html: await letterHtml(letter),
    text: letterText(letter),
    attachments: letter.attachments,
  };
}
