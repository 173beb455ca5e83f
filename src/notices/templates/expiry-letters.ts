// The mails about ends: that of a license is near, or has come, or that of what it entitles to is near.
import { type Block, heading, type Letter, paragraph } from "./letter.ts";
import { customerLetter, graceEnd, graceNote, type Licensed, table, valuesOf } from "./license-letters.ts";
import type { EndingPart, LicenseFacts, NoticeOf, Several, When } from "./notice.ts";
import { fill, fillText, type Voice } from "./words.ts";

/** So many licenses are named in the subject of a customer's answer. */
const MAX_NAMED = 10;

function renewal({ texts }: Voice, licenses: readonly Licensed[]): Block[] {
  const [{ facts }] = licenses as [Licensed];
  const ids = licenses.slice(0, MAX_NAMED).map((license) => license.facts.license_id);
  const { product, contact } = facts;
  return [
    heading(texts.renewal.heading),
    paragraph(...fill(texts.renewal.words, { contact: { contact } })),
    {
      kind: "ask",
      label: texts.renewal.ask,
      contact,
      subject: fillText(texts.renewal.subject, { product, ids: ids.join(", ") }),
    },
  ];
}

/** Names the license, because a customer may have several. */
const sentence = (text: string, { product, license_type, license_id }: LicenseFacts, more: object): Block =>
  paragraph(...fill(text, { product, type: license_type, id: { code: license_id }, ...more }));

const daysOf = (when: When): number => (when === "today" ? 0 : when === "tomorrow" ? 1 : when.in);

const endOf = ({ end, texts }: Voice, { expires_at }: LicenseFacts): string =>
  expires_at === null ? texts.perpetual : end(expires_at);

/** Nearest end first, so that the order does not depend on who collects them. */
const byEnd = <Item extends Licensed>(licenses: Several<Item>): Several<Item> =>
  licenses.toSorted(
    ({ facts: a }, { facts: b }) =>
      (a.expires_at ?? 0) - (b.expires_at ?? 0) || (a.license_id < b.license_id ? -1 : 1),
  ) as Several<Item>;

export function warningLetter(voice: Voice, notice: NoticeOf<"expiry_warning">): Letter {
  const { texts, end } = voice;
  const t = texts.warning;
  const licenses = byEnd(notice.licenses);
  const [{ facts, when }] = licenses;
  const { greeting, ...common } = customerLetter(voice, licenses);
  const whens = licenses.map((license) => voice.when(license.when, license.facts.expires_at));
  const values = { ...valuesOf(voice, licenses), when: whens[0] ?? "", end: endOf(voice, facts) };
  if (licenses.length > 1) {
    const isOne = new Set(whens).size === 1;
    return {
      ...common,
      subject: fillText(isOne ? t.subject.more : t.subjectFirst, values),
      preheader: t.preheaderMore,
      title: fillText(isOne ? t.title.more : t.titleFirst, values),
      tone: "warn",
      blocks: [
        greeting,
        paragraph(fillText(t.wordsMore, values)),
        table(licenses, (license) => [
          fillText(t.expires, { when: voice.when(license.when, license.facts.expires_at) }),
          fillText(texts.validEnd, { end: endOf(voice, license.facts) }),
          graceNote(voice, license.facts),
        ]),
        heading(t.next),
        paragraph(fillText(t.graceMore, values)),
        ...renewal(voice, licenses),
      ],
      attachments: [],
    };
  }
  const grace = graceEnd(facts);
  const days = daysOf(when);
  return {
    ...common,
    subject: fillText(t.subject.one, values),
    preheader: fillText(t.preheader, values),
    title: fillText(t.title.one, values),
    tone: "warn",
    blocks: [
      greeting,
      sentence(t.words, facts, values),
      {
        kind: "callout",
        headline: days < 2 ? fillText(t.expires, values) : voice.counted(t.left, days),
        words: fill(t.valid, values),
      },
      heading(t.next),
      grace === null
        ? paragraph(fillText(t.stops, values))
        : paragraph(...fill(t.grace, { ...values, end: { strong: end(grace) } })),
      ...renewal(voice, licenses),
    ],
    attachments: [],
  };
}

export function expiredLetter(voice: Voice, notice: NoticeOf<"license_expired">): Letter {
  const { texts, end } = voice;
  const t = texts.expired;
  const licenses = byEnd(notice.licenses);
  const [{ facts }] = licenses;
  const { greeting, ...common } = customerLetter(voice, licenses);
  const values = { ...valuesOf(voice, licenses), end: endOf(voice, facts) };
  const hasStopped = licenses.some((license) => graceEnd(license.facts) === null);
  const tone = hasStopped ? "stop" : "warn";
  if (licenses.length > 1) {
    return {
      ...common,
      subject: fillText(t.subject.more, values),
      preheader: t.preheaderMore,
      title: fillText(t.title.more, values),
      tone,
      blocks: [
        greeting,
        paragraph(fillText(t.wordsMore, values)),
        table(licenses, (license) => [
          fillText(t.was, { end: endOf(voice, license.facts) }),
          graceNote(voice, license.facts),
        ]),
        paragraph(fillText(t.graceMore, values)),
        ...renewal(voice, licenses),
      ],
      attachments: [],
    };
  }
  const grace = graceEnd(facts);
  const graceValues = { ...values, end: grace === null ? "" : end(grace) };
  return {
    ...common,
    subject: fillText(t.subject.one, values),
    preheader: fillText(grace === null ? t.preheaderStopped : t.preheaderGrace, graceValues),
    title: fillText(t.title.one, values),
    tone,
    blocks: [
      greeting,
      sentence(t.words, facts, values),
      grace === null
        ? {
            kind: "callout",
            headline: fillText(t.stopped, values),
            words: fill(t.stoppedWords, values),
          }
        : {
            kind: "callout",
            headline: fillText(t.grace, graceValues),
            words: fill(t.graceWords, values),
          },
      ...renewal(voice, licenses),
    ],
    attachments: [],
  };
}

/** What an entitlement is: its name, and its value unless that only says that it is there. */
function partOf({ texts, limit }: Voice, { name, value, unit }: EndingPart): string {
  if (typeof value === "boolean") return name;
  if (typeof value === "string") return `${name}${texts.colon} ${value}`;
  return `${name}${texts.colon} ${limit(value)}${unit === null ? "" : ` ${unit}`}`;
}

export function partsLetter(voice: Voice, notice: NoticeOf<"entitlement_expiring">): Letter {
  const { texts, end } = voice;
  const t = texts.part;
  const licenses = notice.licenses
    .map(({ facts, parts }) => ({
      facts,
      parts: parts.toSorted((a, b) => a.until - b.until || (a.name < b.name ? -1 : 1)),
    }))
    .toSorted(
      ({ facts: a, parts: [one] }, { facts: b, parts: [other] }) =>
        (one?.until ?? 0) - (other?.until ?? 0) || (a.license_id < b.license_id ? -1 : 1),
    );
  const [{ facts, parts }] = licenses as [(typeof licenses)[number]];
  const how = licenses.length === 1 ? "one" : "more";
  const { greeting, ...common } = customerLetter(voice, licenses);
  const whenOf = (part: EndingPart): string => voice.when(part.when, part.until);
  const values = { ...valuesOf(voice, licenses), when: whenOf(parts[0]!) };
  const rows = parts.map((part) => ({
    lead: { strong: partOf(voice, part) },
    detail: null,
    note: [
      fillText(texts.warning.expires, { when: whenOf(part) }),
      fillText(texts.validEnd, { end: end(part.until) }),
    ],
  }));
  return {
    ...common,
    subject: fillText(t.subject[how], values),
    preheader: fillText(t.preheader, values),
    title: fillText(t.title[how], values),
    tone: "warn",
    blocks: [
      greeting,
      how === "one" ? sentence(t.words, facts, {}) : paragraph(fillText(t.wordsMore, values)),
      how === "one"
        ? { kind: "rows", title: null, lead: null, count: rows.length, rows }
        : table(licenses, (license) =>
            license.parts.map((part) => `${partOf(voice, part)}${texts.comma}${end(part.until)}`),
          ),
      heading(texts.warning.next),
      paragraph(fillText(t.after, values)),
      ...renewal(voice, licenses),
    ],
    attachments: [],
  };
}
