// Notices as mails: subject, HTML, text and attachments from data. The same notice always gives the same bytes, so
// sending a mail again does not make a second one.
import type { Brand } from "../../field/brand.ts";
import type { Language } from "../../kernel/languages.ts";
import { changedLetter } from "./changed-letter.ts";
import { digestLetter } from "./digest-letter.ts";
import { expiredLetter, partsLetter, warningLetter } from "./expiry-letters.ts";
import type { Letter } from "./letter.ts";
import { deliveryLetter, renewedLetter } from "./license-letters.ts";
import type { Notice } from "./notice.ts";
import { letterHtml } from "./page.tsx";
import { letterText } from "./plain-text.ts";
import { addedLetter, answerLetter, invitedLetter, signInLetter } from "./portal-letters.ts";
import { oneLine, speak, type Voice } from "./words.ts";

export type {
  DigestJob,
  DigestNote,
  DigestRow,
  KeptNotice,
  EndingPart,
  LicenseFacts,
  Notice,
  SealHead,
  Several,
  When,
} from "./notice.ts";

export interface Rendered {
  subject: string;
  html: string;
  text: string;
  attachments: { filename: string; content: string }[];
}

/** Puts every text in `notice` on one line, so that no letter has to do so; customers ask the brand's support. */
const cleaned = (notice: Notice, { support }: Brand): Notice =>
  JSON.parse(JSON.stringify(notice), (name, value: unknown) =>
    name === "contact" && support !== null ? support : typeof value === "string" ? oneLine(value) : value,
  ) as Notice;

function letterOf(voice: Voice, notice: Notice): Letter {
  switch (notice.kind) {
    case "license_delivery":
      return deliveryLetter(voice, notice);
    case "license_renewed":
      return renewedLetter(voice, notice);
    case "license_changed":
      return changedLetter(voice, notice);
    case "expiry_warning":
      return warningLetter(voice, notice);
    case "license_expired":
      return expiredLetter(voice, notice);
    case "sign_in":
      return signInLetter(voice, notice);
    case "contact_invited":
      return invitedLetter(voice, notice);
    case "contact_added":
      return addedLetter(voice, notice);
    case "request_answered":
      return answerLetter(voice, notice);
    case "entitlement_expiring":
      return partsLetter(voice, notice);
    default:
      return digestLetter(notice);
  }
}

/** The language in which a kind of mail is written: staff read English. */
const languageOf = ({ kind }: Notice, language: Language): Language =>
  kind === "admin_digest" ? "en" : language;

export async function render({
  language,
  brand,
  input,
}: {
  language: Language;
  brand: Brand;
  input: Notice;
}): Promise<Rendered> {
  const voice = speak(languageOf(input, language));
  const letter = letterOf(voice, cleaned(input, brand));
  return {
    subject: letter.subject,
    html: await letterHtml(letter, voice, brand),
    text: letterText(letter, voice, brand),
    attachments: letter.attachments,
  };
}
