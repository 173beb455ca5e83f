// The mail to staff about a day: what ends, what ended, and which customers no mail reaches.
import { type Block, type Inline, type Letter, paragraph, type Row } from "./letter.ts";
import type { DigestJob, DigestRow, NoticeOf } from "./notice.ts";
import { counted, dayInWords, instantInWords, number } from "./words.ts";

/** Mail programs cut off a long mail, and nobody reads one: the letter counts all rows but lists only the first. */
const MAX_ROWS = 50;

function section<T>(title: string, lead: string, items: T[], row: (item: T) => Row): Block[] {
  if (items.length === 0) return [];
  return [{ kind: "rows", title, lead, count: items.length, rows: items.slice(0, MAX_ROWS).map(row) }];
}

const licenseRow =
  (verb: string) =>
  ({ license_id, customer_name, expires_at }: DigestRow): Row => ({
    lead: { name: customer_name },
    detail: { code: license_id },
    note: expires_at === null ? "does not expire" : `${verb} ${instantInWords(expires_at)}`,
  });

const jobRow = ({ job, is, at, steps }: DigestJob): Row => ({
  lead: { name: job },
  detail: steps.length > 0 ? { code: steps.join(", ") } : null,
  note:
    is === "failed"
      ? `failed ${instantInWords(at ?? 0)}`
      : at === null
        ? "no good run yet"
        : `no good run since ${instantInWords(at)}`,
});

const code = (id: string | null): Inline | null => (id === null ? null : { code: id });

export function digestLetter(notice: NoticeOf<"admin_digest">): Letter {
  const { product, expiring, expired, bounced, at_limit, unreachable, jobs } = notice;
  const day = dayInWords(notice.day);
  const totals = (
    [
      [jobs, jobs.length === 1 ? "job failed" : "jobs failed"],
      [expiring, "expiring"],
      [expired, "expired"],
      [bounced, "bounced"],
      [at_limit, "at the limit"],
      [unreachable, "without an address"],
    ] as const
  )
    .filter(([items]) => items.length > 0)
    .map(([items, what]) => `${number(items.length)} ${what}`);
  const calm = totals.length === 0;
  const summary = calm ? "all clear" : totals.join(", ");
  return {
    subject: `${product} licenses, ${day}: ${summary}`,
    preheader: calm ? "Nothing needs you today." : `${summary}.`,
    sender: `${product} Licensing, for staff`,
    title: day,
    tone: calm ? "good" : "info",
    blocks: calm
      ? [
          {
            kind: "callout",
            headline: "All clear",
            words: [
              "Nothing is about to expire or has expired, no mail bounced, and no license is at its limit.",
            ],
          },
          paragraph("Nothing needs you today."),
        ]
      : [
          ...section(
            "Jobs",
            "The service did not do all of its work; the runbooks say what to do.",
            jobs,
            jobRow,
          ),
          ...section("Expiring", "Ending within 30 days.", expiring, licenseRow("ends")),
          ...section(
            "Expired",
            "Ended since yesterday: running in grace, or stopped.",
            expired,
            licenseRow("ended"),
          ),
          ...section(
            "Mail that bounced",
            "The customer was not told: mend the address, then send it again.",
            bounced,
            ({ to, kind, license_id }) => ({
              lead: { name: to },
              detail: code(license_id),
              note: kind.replaceAll("_", " "),
            }),
          ),
          ...section(
            "At the limit",
            "Every instance is taken; the next activation will be refused.",
            at_limit,
            ({ license_id, customer_name, active, max }) => ({
              lead: { name: customer_name },
              detail: code(license_id),
              note: `${number(active)} of ${counted(max, "instance")}`,
            }),
          ),
          ...section(
            "Without an e-mail address",
            "A notice is due and nobody can be told.",
            unreachable,
            licenseRow("until"),
          ),
        ],
    footer: [`${product} Licensing writes this once a day.`],
    attachments: [],
  };
}
