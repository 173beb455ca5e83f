// The mail that tells a customer what was changed in a license.
import { heading, type Inline, type Letter, paragraph } from "./letter.ts";
import { customerLetter } from "./license-letters.ts";
import type { NoticeOf } from "./notice.ts";
import { instantInWords, limit } from "./words.ts";

type Changes = NoticeOf<"license_changed">["changes"];

const end = (at: unknown): string => (typeof at === "number" ? instantInWords(at) : "no end");
const most = (max: unknown): string => limit(typeof max === "number" ? max : null);
const names = (list: unknown): string => (Array.isArray(list) && list.length > 0 ? list.join(", ") : "none");

/** What a customer wants to know of, in this order: the label of a member, and how its values read. */
const TOLD: Record<string, [label: string, words: (value: unknown) => string]> = {
  license_type: ["License type", String],
  starts_at: ["Valid from", (at) => (typeof at === "number" ? instantInWords(at) : "its issue")],
  expires_at: ["Valid until", end],
  grace_days: ["Grace in days", String],
  features: ["Features", names],
  max_instances: ["Instances", most],
  max_services: ["Services", most],
  max_requests_per_day: ["Requests a day", most],
  updates_until: ["Covers versions built until", end],
};

/** Whether a change has anything in it that a customer wants to know. */
export const isTold = (changes: Changes): boolean => Object.keys(TOLD).some((name) => name in changes);

export function changedLetter({ facts, changes, at }: NoticeOf<"license_changed">): Letter {
  const { product } = facts;
  const { greeting, ...common } = customerLetter(facts);
  const since = `From ${instantInWords(at)}.`;
  return {
    ...common,
    subject: `Your ${product} license was changed`,
    preheader: `What is different now. ${since}`,
    title: `Your ${product} license was changed`,
    tone: "info",
    blocks: [
      greeting,
      paragraph("Your license was changed. ", { strong: since }),
      heading("What changed"),
      {
        kind: "facts",
        facts: Object.entries(TOLD).flatMap(([name, [label, words]]): [string, Inline][] => {
          const change = changes[name];
          return change ? [[label, `${words(change.from)} → ${words(change.to)}`]] : [];
        }),
      },
      heading("Your installations"),
      paragraph(
        "Connected ones get this by themselves at their next check-in, and the key that they hold goes on working. Others need a new file: get in touch with us.",
      ),
    ],
    attachments: [],
  };
}
