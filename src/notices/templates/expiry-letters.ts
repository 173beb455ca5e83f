// The mails about a license's end: it is near, or it has come.
import { type Block, heading, type Inline, type Letter, paragraph } from "./letter.ts";
import { customerLetter, graceEnd } from "./license-letters.ts";
import type { LicenseFacts, NoticeOf, When } from "./notice.ts";
import { counted, endInWords, instantInWords, timeInWords } from "./words.ts";

function renewal({ product, license_id, contact }: LicenseFacts): Block[] {
  return [
    heading("How to renew"),
    paragraph(
      "Reply to this mail, or get in touch with ",
      { contact },
      ". Once renewed, connected installations get the new key by themselves at their next check-in; for all others we send it to you.",
    ),
    {
      kind: "ask",
      label: "Ask for a renewal",
      contact,
      subject: `Renewal of ${product} license ${license_id}`,
    },
  ];
}

/** Names the license, because a customer may have several. */
const which = ({ product, license_id, license_type }: LicenseFacts): Inline[] => [
  `Your ${license_type} license for ${product}, `,
  { code: license_id },
  ",",
];

const inWords = (when: When): string => (typeof when === "string" ? when : `in ${counted(when.in, "day")}`);

const others = (licenses: { facts: LicenseFacts }[], verb: string): Block[] =>
  licenses.length < 2
    ? []
    : [
        {
          kind: "rows",
          title: "Licenses",
          lead: "This mail is about these.",
          count: licenses.length,
          rows: licenses.map(({ facts: { license_type, license_id, expires_at } }) => ({
            lead: license_type,
            detail: { code: license_id },
            note: expires_at === null ? "" : `${verb} ${endInWords(expires_at)}`,
          })),
        },
      ];

export function warningLetter({ licenses }: NoticeOf<"expiry_warning">): Letter {
  const [{ facts, when: nearest }] = licenses;
  const { product, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const at = nearest === "today" && expires_at !== null ? ` at ${timeInWords(expires_at)}` : "";
  const when = `${inWords(nearest)}${at}`;
  const end = expires_at === null ? null : endInWords(expires_at);
  const grace = graceEnd(facts);
  const title =
    licenses.length === 1
      ? `Your ${product} license expires ${when}`
      : `${counted(licenses.length, `${product} license`)} expire soon, the first ${when}`;
  return {
    ...common,
    subject: title,
    preheader: `${end === null ? "" : `It is valid through ${end}. `}What happens then, and how to renew.`,
    title,
    tone: "warn",
    blocks: [
      greeting,
      paragraph(...which(facts), ` expires ${when}.`),
      {
        kind: "callout",
        headline: `Expires ${when}`,
        words: end === null ? [] : [`Valid through ${end}.`],
      },
      ...others(licenses, "valid through"),
      heading("What happens then"),
      grace === null
        ? paragraph(`This license has no grace period: without a renewal ${product} stops at that moment.`)
        : paragraph(
            `Nothing stops at once. Without a renewal ${product} goes on in its grace period until `,
            { strong: instantInWords(grace) },
            "; then it stops.",
          ),
      ...renewal(facts),
    ],
    attachments: [],
  };
}

export function expiredLetter({ licenses }: NoticeOf<"license_expired">): Letter {
  const [{ facts }] = licenses;
  const { product, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const end = expires_at === null ? "" : `: it was valid through ${endInWords(expires_at)}`;
  const grace = graceEnd(facts);
  return {
    ...common,
    subject:
      licenses.length === 1
        ? `Your ${product} license has expired`
        : `${counted(licenses.length, `${product} license`)} have expired`,
    preheader:
      grace === null
        ? `It had no grace period, so ${product} has stopped. How to renew.`
        : `${product} goes on in grace until ${instantInWords(grace)}. How to renew.`,
    title: `Your ${product} license has expired`,
    tone: grace === null ? "stop" : "warn",
    blocks: [
      greeting,
      paragraph(...which(facts), ` expired${end}.`),
      ...others(licenses, "was valid through"),
      grace === null
        ? {
            kind: "callout",
            headline: `${product} has stopped`,
            words: ["This license has no grace period. A renewal lets it run again."],
          }
        : {
            kind: "callout",
            headline: `Grace until ${instantInWords(grace)}`,
            words: [`Until then ${product} goes on as before. Without a renewal it stops at that moment.`],
          },
      ...renewal(facts),
    ],
    attachments: [],
  };
}
