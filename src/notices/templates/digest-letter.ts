// The mail to staff about a day: what ends, what ended, and which customers no mail reaches.
import { type Block, type Inline, type Letter, paragraph, type Row } from "./letter.ts";
import type { DigestJob, DigestRow, NoticeOf, SealHead, UndeliveredRow } from "./notice.ts";
import { counted, dayInWords, endInWords, instantInWords, number } from "./words.ts";

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
    note: expires_at === null ? "does not expire" : `${verb} ${endInWords(expires_at)}`,
  });

/** What belongs to one customer stands together. */
const byCustomer = <T extends { customer_name: string | null }>(rows: readonly T[]): T[] =>
  rows.toSorted((one, other) => (one.customer_name ?? "").localeCompare(other.customer_name ?? "", "en"));

const undeliveredRow = ({ to, kind, license_id, customer_name, why }: UndeliveredRow): Row => ({
  lead: { name: customer_name === null ? to : `${customer_name}, ${to}` },
  detail: code(license_id),
  note: `${kind.replaceAll("_", " ")}${why === null ? "" : `: ${why}`}`,
});

const lineRow = (line: string): Row => ({ lead: line, detail: null, note: [] });

const jobRow = ({ job, is, at, steps, why, runbook }: DigestJob): Row => ({
  lead: { name: job },
  detail: steps.length > 0 ? { code: steps.join(", ") } : null,
  note: [
    is === "failed"
      ? `failed ${instantInWords(at ?? 0)}`
      : at === null
        ? "no good run yet"
        : `no good run since ${instantInWords(at)}`,
    ...(why === null ? [] : [why]),
    `What to do: ${runbook}`,
  ],
});

const code = (id: string | null): Inline | null => (id === null ? null : { code: id });

/** The head of the record: `audit verify --witness` looks for it in the text of the mail. */
const sealLine = (seal: SealHead | null): Inline[] =>
  seal === null ? [] : [` Seal ${seal.seal} of the record: `, { code: seal.head }];

const senderLines = (sender: NoticeOf<"admin_digest">["sender"]): string[] => {
  if (sender === null) return [];
  const { fault, since, waiting } = sender;
  const began = since === null ? "" : `, since ${instantInWords(since)}`;
  const count = waiting === 0 ? "" : ` ${counted(waiting, "message waits", "messages wait")}.`;
  return [`${fault}${began}.${count}`];
};

export function digestLetter(notice: NoticeOf<"admin_digest">): Letter {
  const {
    product,
    expiring,
    expired,
    bounced,
    failed,
    sender,
    faults,
    at_limit,
    unreachable,
    jobs,
    more,
    seal,
  } = notice;
  const day = dayInWords(notice.day);
  const totals = (
    [
      [jobs, jobs.length === 1 ? "job failed" : "jobs failed"],
      [expiring, "expiring"],
      [expired, "expired"],
      [bounced, "bounced"],
      [failed, "not sent"],
      [at_limit, "at the limit"],
      [unreachable, "without an address"],
    ] as const
  )
    .filter(([items]) => items.length > 0)
    .map(([items, what]) => `${number(items.length)} ${what}`);
  if (sender !== null) totals.unshift("no mail goes out");
  if (faults.length > 0)
    totals.push(counted(faults.length, "fault of the configuration", "faults of the configuration"));
  totals.push(...more.map(({ title }) => title.charAt(0).toLowerCase() + title.slice(1)));
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
            "No mail goes out",
            "It waits and nothing is lost; mend this first.",
            senderLines(sender),
            lineRow,
          ),
          ...section("Jobs", "The service did not do all of its work. Installations go on.", jobs, jobRow),
          ...section(
            "Configuration",
            "The service goes on without these; mend them in the deployment.",
            faults,
            lineRow,
          ),
          ...section("Expiring", "Ending within 30 days.", byCustomer(expiring), licenseRow("ends")),
          ...section(
            "Expired",
            "Ended since yesterday: running in grace, or stopped.",
            byCustomer(expired),
            licenseRow("ended"),
          ),
          ...section(
            "Mail that bounced",
            "The customer was not told: mend the address, then send it again.",
            byCustomer(bounced),
            undeliveredRow,
          ),
          ...section(
            "Mail that was not sent",
            "It was given up: see why, then send it again.",
            byCustomer(failed),
            undeliveredRow,
          ),
          ...section(
            "At the limit",
            "Every instance is taken; the next activation will be refused.",
            byCustomer(at_limit),
            ({ license_id, customer_name, active, max }) => ({
              lead: { name: customer_name },
              detail: code(license_id),
              note: `${number(active)} of ${counted(max, "instance")}`,
            }),
          ),
          ...section(
            "Without an e-mail address",
            "A notice is due and nobody can be told.",
            byCustomer(unreachable),
            licenseRow("until"),
          ),
          ...more.flatMap(({ title, lead, lines }) => section(title, lead, lines, lineRow)),
        ],
    footer: [`${product} Licensing writes this once a day.`, ...sealLine(seal)],
    attachments: [],
  };
}
