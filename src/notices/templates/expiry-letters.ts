// The mails about a license's end: it is near, or it has come.
import { type Block, heading, type Inline, type Letter, paragraph } from "./letter.ts";
import { customerLetter, graceEnd } from "./license-letters.ts";
import type { LicenseFacts, NoticeOf } from "./notice.ts";
import { counted, instantInWords } from "./words.ts";

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

export function warningLetter({ facts, days_left }: NoticeOf<"expiry_warning">): Letter {
  const { product, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const days = Math.max(0, Math.floor(days_left));
  const when = days === 0 ? "today" : days === 1 ? "tomorrow" : `in ${counted(days, "day")}`;
  const end = expires_at === null ? null : instantInWords(expires_at);
  const grace = graceEnd(facts);
  return {
    ...common,
    subject: `Your ${product} license expires ${when}`,
    preheader: `${end === null ? "" : `It ends on ${end}. `}What happens then, and how to renew.`,
    title: `Your ${product} license expires ${when}`,
    tone: "warn",
    blocks: [
      greeting,
      paragraph(...which(facts), ` expires ${when}.`),
      {
        kind: "callout",
        headline: days === 0 ? "Expires today" : `${counted(days, "day")} left`,
        words: end === null ? [] : [`Valid until ${end}.`],
      },
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

export function expiredLetter({ facts }: NoticeOf<"license_expired">): Letter {
  const { product, expires_at } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const end = expires_at === null ? "" : ` on ${instantInWords(expires_at)}`;
  const grace = graceEnd(facts);
  return {
    ...common,
    subject: `Your ${product} license has expired`,
    preheader:
      grace === null
        ? `It had no grace period, so ${product} has stopped. How to renew.`
        : `${product} goes on in grace until ${instantInWords(grace)}. How to renew.`,
    title: `Your ${product} license has expired`,
    tone: grace === null ? "stop" : "warn",
    blocks: [
      greeting,
      paragraph(...which(facts), ` expired${end}.`),
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
