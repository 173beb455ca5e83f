// The mail with a link to the customer's site.
import { type Letter, paragraph } from "./letter.ts";
import type { NoticeOf } from "./notice.ts";
import { fill, fillText, type Voice } from "./words.ts";

export function signInLetter(voice: Voice, notice: NoticeOf<"sign_in">): Letter {
  const { texts } = voice;
  const { product, name, link, minutes, contact } = notice;
  const t = texts.signIn;
  const values = { product, n: voice.number(minutes) };
  return {
    subject: fillText(t.subject, values),
    preheader: fillText(t.preheader, values),
    sender: fillText(texts.sender, values),
    title: fillText(t.title, values),
    tone: "info",
    blocks: [
      paragraph(...fill(texts.hello, { name: { name } })),
      paragraph(...fill(t.words, values)),
      { kind: "link", label: t.button, href: link },
      paragraph(...fill(t.once, values)),
      paragraph(...fill(t.notYou, values)),
    ],
    footer: fill(t.footer, { contact: { contact } }),
    attachments: [],
  };
}
