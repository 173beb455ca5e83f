// The mail that tells a customer what was changed in a license.
import { type Block, heading, type Inline, type Letter, paragraph } from "./letter.ts";
import { customerLetter, headingOf, valuesOf } from "./license-letters.ts";
import { type NoticeOf, TOLD_CHANGES } from "./notice.ts";
import { fill, fillText, type Voice } from "./words.ts";

type Changes = NoticeOf<"license_changed">["licenses"][0]["changes"];

interface Told {
  label: (voice: Voice) => string;
  /** How a value reads. */
  words: (voice: Voice, value: unknown) => string;
}

const most: Told["words"] = ({ limit }, max) => limit(typeof max === "number" ? max : null);

const TOLD: Record<(typeof TOLD_CHANGES)[number], Told> = {
  license_type: { label: ({ texts }) => texts.facts.type, words: (_, type) => String(type) },
  starts_at: {
    label: ({ texts }) => texts.changed.starts,
    words: ({ instant, texts }, at) => (typeof at === "number" ? instant(at) : texts.changed.issue),
  },
  expires_at: {
    label: ({ texts }) => texts.facts.valid,
    words: ({ end, texts }, at) => (typeof at === "number" ? end(at) : texts.changed.noEnd),
  },
  grace_days: {
    label: ({ texts }) => texts.facts.grace,
    words: ({ counted, texts }, days) => counted(texts.changed.days, Number(days)),
  },
  features: {
    label: ({ texts }) => texts.facts.features,
    words: ({ texts }, names) =>
      Array.isArray(names) && names.length > 0 ? names.join(texts.comma) : texts.facts.basics,
  },
  max_instances: { label: ({ texts }) => texts.facts.instances, words: most },
  max_services: { label: ({ texts }) => texts.facts.services, words: most },
  max_requests_per_day: { label: ({ texts }) => texts.facts.requests, words: most },
  updates_until: {
    label: ({ texts }) => texts.changed.versions,
    words: ({ end, texts }, at) => (typeof at === "number" ? end(at) : texts.changed.allVersions),
  },
};

const changed = (voice: Voice, changes: Changes): Block => ({
  kind: "facts",
  facts: TOLD_CHANGES.flatMap((name): [string, Inline][] => {
    const { label, words } = TOLD[name];
    const change = changes[name];
    return change ? [[label(voice), `${words(voice, change.from)} → ${words(voice, change.to)}`]] : [];
  }),
});

export function changedLetter(voice: Voice, { licenses, at }: NoticeOf<"license_changed">): Letter {
  const t = voice.texts.changed;
  const [first] = licenses;
  const how = licenses.length === 1 ? "one" : "more";
  const { greeting, ...common } = customerLetter(voice, licenses);
  const since = fillText(t.since, { at: voice.instant(at) });
  const values = { ...valuesOf(voice, licenses), since };
  return {
    ...common,
    subject: fillText(t.subject[how], values),
    preheader: fillText(t.preheader, values),
    title: fillText(t.title[how], values),
    tone: "info",
    blocks: [
      greeting,
      paragraph(t.words[how], { strong: since }),
      heading(t.what),
      ...(how === "one"
        ? [changed(voice, first.changes)]
        : licenses.flatMap((license) => [headingOf(license), changed(voice, license.changes)])),
      heading(t.installations),
      paragraph(...fill(t.install, { contact: { contact: first.facts.contact } })),
    ],
    attachments: [],
  };
}
