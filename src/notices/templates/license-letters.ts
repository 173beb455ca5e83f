// The mails that bring license keys: licenses as delivered, and as renewed.
import { type Block, heading, type Inline, type Letter, paragraph, type Row } from "./letter.ts";
import type { LicenseFacts, NoticeOf } from "./notice.ts";
import { fill, fillText, licenseFilename, shortId, type Voice } from "./words.ts";

/** A long list is counted in full, but only its beginning is shown: mail programs cut off long mails. */
const MAX_ROWS = 100;

/** So many types are named in a subject. */
const MAX_TYPES = 3;

/** When grace ends, or null if the license has none. */
export const graceEnd = ({ expires_at, grace_until }: LicenseFacts): number | null =>
  expires_at !== null && grace_until !== null && grace_until > expires_at ? grace_until : null;

export interface Licensed {
  facts: LicenseFacts;
}

/** What goes into the texts of a mail about these licenses. */
export function valuesOf({ texts, number }: Voice, licenses: readonly Licensed[]) {
  const [{ facts }] = licenses as [Licensed];
  const types = [...new Set(licenses.map((license) => license.facts.license_type))];
  return {
    n: number(licenses.length),
    product: facts.product,
    type: facts.license_type,
    which:
      licenses.length === 1
        ? fillText(texts.which, { type: facts.license_type, id: shortId(facts.license_id) })
        : types.slice(0, MAX_TYPES).join(texts.comma) + (types.length > MAX_TYPES ? " …" : ""),
  };
}

/** What each mail to a customer has: the sender, the greeting, and what it is about. */
export function customerLetter(voice: Voice, licenses: readonly Licensed[]) {
  const { texts } = voice;
  const [{ facts }] = licenses as [Licensed];
  const { customer_name, company, license_id, contact } = facts;
  const values = valuesOf(voice, licenses);
  return {
    sender: fillText(texts.sender, values),
    greeting: paragraph(...fill(texts.hello, { name: { name: customer_name } })),
    footer: fill(licenses.length === 1 ? texts.footer.one : texts.footer.more, {
      ...values,
      id: { code: license_id },
      company: { name: company ?? customer_name },
      contact: { contact },
    }),
  };
}

/** Several licenses, one a row, with what is to be said of each. */
export function table<Item extends Licensed>(licenses: Item[], notes: (item: Item) => string[]): Block {
  const rows = licenses.slice(0, MAX_ROWS).map((item): Row => ({
    lead: { strong: item.facts.license_type },
    detail: { code: item.facts.license_id },
    note: notes(item),
  }));
  return { kind: "rows", title: null, lead: null, count: licenses.length, rows };
}

/** The grace period of a license in a table. */
export function graceNote({ texts, end }: Voice, facts: LicenseFacts): string {
  const grace = graceEnd(facts);
  return grace === null ? texts.noGrace : fillText(texts.graceEnd, { end: end(grace) });
}

/** What the license covers, one fact per line. */
function covers({ texts, end, limit }: Voice, facts: LicenseFacts): Block {
  const { license_id, license_type, company, expires_at, features } = facts;
  const labels = texts.facts;
  const grace = graceEnd(facts);
  return {
    kind: "facts",
    facts: [
      [labels.license, { code: license_id }],
      ...(company === null ? [] : [[labels.company, { name: company }] satisfies [string, Inline]]),
      [labels.type, license_type],
      [labels.valid, expires_at === null ? texts.perpetual : end(expires_at)],
      ...(grace === null ? [] : [[labels.grace, end(grace)] satisfies [string, Inline]]),
      [labels.instances, limit(facts.max_instances)],
      [labels.services, limit(facts.max_services)],
      [labels.requests, limit(facts.max_requests_per_day)],
      [labels.features, features.length === 0 ? labels.basics : features.join(texts.comma)],
    ],
  };
}

const offline = ({ texts }: Voice, { product, contact }: LicenseFacts): Block =>
  paragraph({ strong: texts.offline.lead }, ...fill(texts.offline.words, { product, contact: { contact } }));

interface Keyed extends Licensed {
  license_key: string;
}

/** The keys as files. Two licenses of a type have the same name at first, and then get the ends of their ids. */
function filesOf(licenses: readonly Keyed[]): Letter["attachments"] {
  const names = licenses.map(({ facts }) =>
    licenseFilename(facts.license_type, facts.customer_name, facts.license_id),
  );
  return licenses.map(({ facts, license_key }, n) => {
    const name = names[n] ?? "";
    const isShared = names.filter((other) => other === name).length > 1;
    const filename = isShared ? `${name}-${facts.license_id.replaceAll(/\W/g, "").slice(-6)}-${n + 1}` : name;
    return { filename: `${filename}.license`, content: license_key };
  });
}

/** The names of the files in a sentence. */
const listed = ({ texts }: Voice, files: Letter["attachments"]): Inline[] =>
  files.flatMap(({ filename }, n): Inline[] => [...(n > 0 ? [texts.comma] : []), { code: filename }]);

/** `text` with the names of the files. */
function withFiles(voice: Voice, text: string, values: Record<string, string>, files: Letter["attachments"]) {
  const [before = "", after = ""] = text.split("{files}");
  return paragraph(...fill(before, values), ...listed(voice, files), ...fill(after, values));
}

/** The heading of one license among several. */
export const headingOf = ({ facts }: Licensed): Block =>
  heading(`${facts.license_type} · ${facts.license_id}`);

const keyOf = ({ license_key }: Keyed): Block => ({ kind: "key", key: license_key });

export function deliveryLetter(voice: Voice, { licenses }: NoticeOf<"license_delivery">): Letter {
  const { texts, end } = voice;
  const { subject, title, preheader, intro, perpetual, valid, key, secret, install, steps } = texts.delivery;
  const [first] = licenses;
  const how = licenses.length === 1 ? "one" : "more";
  const { greeting, ...common } = customerLetter(voice, licenses);
  const files = filesOf(licenses);
  const { expires_at } = first.facts;
  const values = {
    ...valuesOf(voice, licenses),
    validity: expires_at === null ? perpetual : fillText(valid, { end: end(expires_at) }),
  };
  return {
    ...common,
    subject: fillText(subject[how], values),
    preheader: fillText(preheader[how], values),
    title: fillText(title[how], values),
    tone: "info",
    blocks: [
      greeting,
      withFiles(voice, intro[how], values, files),
      ...(how === "one"
        ? [heading(texts.covers), covers(voice, first.facts), heading(key), keyOf(first)]
        : licenses.flatMap((license) => [headingOf(license), covers(voice, license.facts), keyOf(license)])),
      paragraph(secret),
      heading(install),
      { kind: "steps", steps: steps.map((step) => fill(step, values)) },
      offline(voice, first.facts),
    ],
    attachments: files,
  };
}

export function renewedLetter(voice: Voice, { licenses }: NoticeOf<"license_renewed">): Letter {
  const { texts, end } = voice;
  const t = texts.renewed;
  const [first] = licenses;
  const how = licenses.length === 1 ? "one" : "more";
  const { greeting, ...common } = customerLetter(voice, licenses);
  const files = filesOf(licenses);
  const { expires_at } = first.facts;
  const grace = graceEnd(first.facts);
  const validity = expires_at === null ? t.perpetual : fillText(t.valid, { end: end(expires_at) });
  const values = { ...valuesOf(voice, licenses), validity: how === "one" ? validity : "" };
  const news: Block =
    how === "one"
      ? {
          kind: "callout",
          headline: validity,
          words: grace === null ? [] : [fillText(t.grace, { end: end(grace) })],
        }
      : table([...licenses], ({ facts }) => [
          facts.expires_at === null ? texts.perpetual : fillText(t.validMore, { end: end(facts.expires_at) }),
          graceNote(voice, facts),
        ]);
  return {
    ...common,
    subject: fillText(t.subject[how], values),
    preheader: fillText(t.preheader, values).trim(),
    title: fillText(t.title[how], values),
    tone: "good",
    blocks: [
      greeting,
      paragraph(t.thanks),
      news,
      heading(t.connected),
      paragraph(t.nothing),
      heading(t.others),
      withFiles(voice, t.put[how], values, files),
      ...(how === "one"
        ? [keyOf(first)]
        : licenses.flatMap((license) => [headingOf(license), keyOf(license)])),
      offline(voice, first.facts),
      ...(how === "one" ? [heading(texts.covers), covers(voice, first.facts)] : []),
    ],
    attachments: files,
  };
}
