// What the customer's site mails: links to come in and to confirm, answers to requests, and that a contact was added.
import { type Block, heading, type Letter, paragraph, type Tone } from "./letter.ts";
import type { NoticeOf } from "./notice.ts";
import { fill, fillText, type Voice } from "./words.ts";

/** Letters of the site differ in their words and blocks alone. */
const letter = (
  { texts }: Voice,
  { product, contact }: { product: string; contact: string },
  words: Pick<Letter, "subject" | "preheader" | "title"> & { name: string; tone?: Tone },
  blocks: Block[],
): Letter => ({
  subject: words.subject,
  preheader: words.preheader,
  sender: fillText(texts.sender, { product }),
  title: words.title,
  tone: words.tone ?? "info",
  blocks: [paragraph(...fill(texts.hello, { name: { name: words.name } })), ...blocks],
  footer: fill(texts.signIn.footer, { contact: { contact } }),
  attachments: [],
});

export function signInLetter(voice: Voice, notice: NoticeOf<"sign_in">): Letter {
  const { product, name, link, minutes } = notice;
  const t = voice.texts.signIn;
  const values = { product, n: voice.number(minutes) };
  const words = {
    name,
    subject: fillText(t.subject, values),
    preheader: fillText(t.preheader, values),
    title: fillText(t.title, values),
  };
  return letter(voice, notice, words, [
    paragraph(...fill(t.words, values)),
    { kind: "link", label: t.button, href: link },
    paragraph(...fill(t.once, values)),
    paragraph(...fill(t.notYou, values)),
  ]);
}

export function invitedLetter(voice: Voice, notice: NoticeOf<"contact_invited">): Letter {
  const { product, name, company, by, link, days } = notice;
  const t = voice.texts.confirm;
  const values = { product, n: voice.number(days) };
  const words = {
    name,
    subject: fillText(t.subject, values),
    preheader: fillText(t.preheader, values),
    title: fillText(t.title, values),
  };
  return letter(voice, notice, words, [
    paragraph(...fill(t.words, { product, by: { name: by }, company: { name: company } })),
    { kind: "link", label: t.button, href: link },
    paragraph(...fill(t.notYou, values)),
  ]);
}

export function addedLetter(voice: Voice, notice: NoticeOf<"contact_added">): Letter {
  const { product, to, company, by, name, email, link, contact } = notice;
  const t = voice.texts.contactAdded;
  const words = {
    name: to,
    subject: fillText(t.subject, { product, name }),
    preheader: t.preheader,
    title: t.title,
  };
  const values = { by: { name: by }, name: { name }, email: { name: email }, company: { name: company } };
  return letter(voice, notice, words, [
    paragraph(...fill(t.words, values)),
    paragraph(t.allow),
    paragraph(...fill(t.wrong, { contact: { contact } })),
    { kind: "link", label: t.button, href: link },
  ]);
}

export function answerLetter(voice: Voice, notice: NoticeOf<"request_answered">): Letter {
  const { product, name, asked, seats, status, answer, link } = notice;
  const t = voice.texts.answer;
  const what = asked === "seats" ? fillText(t.seats, { n: voice.number(seats ?? 0) }) : t[asked];
  const values = { product, what };
  const of = asked === "question" && status === "accepted" ? t.answered : t[status];
  const words = {
    name,
    tone: status === "accepted" ? ("good" as const) : ("info" as const),
    subject: fillText(of.subject, values),
    preheader: t.preheader,
    title: fillText(of.title, values),
  };
  return letter(voice, notice, words, [
    paragraph(...fill(of.words, values)),
    ...(answer === null ? [] : [heading(t.said), paragraph({ name: answer })]),
    { kind: "link", label: t.button, href: link },
  ]);
}
