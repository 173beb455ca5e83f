// What needs attention, in rows: by license and kind, with how often and the worst.
import type { Child, FC } from "hono/jsx";
import { type JobTrouble, runbookFor } from "../../../health/rules.ts";
import type { readAttention, Trouble } from "../../../licensing/figures/attention/attention.ts";
import type { openRequests } from "../../../licensing/portal/requests.ts";
import type { Standing } from "../../../licensing/licenses/standing.ts";
import type { AttentionKind } from "../../../storage/schema.ts";
import { Badge, formatCount, formatDate, plural, type Tone, When } from "../../ui/show.tsx";
import { ACTION_NAMES, wordsFor } from "../../ui/terms.ts";
import { askedFor } from "../requests/list.tsx";
import { seatPath } from "./seats.tsx";

/** What a kind is called, how grave it is, and what is counted. */
export const KINDS: Record<AttentionKind, { tone: Tone; word: string; counted: string }> = {
  cloned: { tone: "stop", word: "clone suspected", counted: "instance" },
  scattered: { tone: "warn", word: "unproven requests", counted: "instance" },
  undelivered: { tone: "stop", word: "mail undelivered", counted: "mail" },
  stuck: { tone: "stop", word: "change stuck", counted: "change" },
  ending: { tone: "warn", word: "end of license", counted: "license" },
  overused: { tone: "warn", word: "over the limit", counted: "time" },
  implausible: { tone: "stop", word: "usage to check", counted: "day" },
  silent: { tone: "info", word: "silent", counted: "instance" },
};

interface Concern {
  tone: Tone;
  kind: string;
  href: string;
  what: Child;
  when: Child;
  /** What is behind it, and what to do. */
  more?: Child[];
  /** Where it is settled. */
  settle?: string;
}

type Attention = Awaited<ReturnType<typeof readAttention>>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A day as the API names it, as pages name it. The record keeps what it has: an event may say none. */
function dayIn(day: unknown): string {
  const at = Date.parse(text(day));
  return Number.isNaN(at) ? text(day) || "a day that is not known" : formatDate(at);
}

const number = (value: unknown): number => Number(value ?? 0);

/** The worst of it, with a link to its page if it has one. */
function worstOf({ kind, license_id, worst }: Trouble): Child {
  if (kind === "overused") {
    const { limit, allowed, observed, day } = worst;
    return (
      <a href={`/admin/licenses/${license_id}#usage`}>
        {wordsFor(text(limit))}: {formatCount(number(observed))} of {formatCount(number(allowed))} on{" "}
        {dayIn(day)}
      </a>
    );
  }
  if (kind === "implausible") {
    const { code, allowed, observed, day } = worst;
    return (
      <>
        <a href={`/admin/licenses/${license_id}#usage`}>
          {formatCount(number(observed))} {text(code)} on {dayIn(day)}
        </a>
        , more than ten times the {formatCount(number(allowed))} allowed: it may be a mistake, and refuses no
        new instance until its figures are corrected, or confirmed by a correction to the same.
      </>
    );
  }
  if (kind === "undelivered")
    return <a href={`/admin/messages/${text(worst["message_id"])}`}>{text(worst["recipient"])}</a>;
  if (kind === "stuck") return ACTION_NAMES[worst["action"] as keyof typeof ACTION_NAMES];
  if (kind === "ending") return null;
  const { activation_id, instance_id, hostname } = worst;
  return (
    <a href={seatPath(text(activation_id))}>
      {text(instance_id)}
      {hostname === null ? "" : ` (${text(hostname)})`}
    </a>
  );
}

/** Its kind in a word or two, as it stands now. */
function wordOf({ kind, worst }: Trouble, now: number): string {
  if (kind === "ending") return number(worst["expires_at"]) <= now ? "grace" : "expiring";
  if (kind === "undelivered") return `mail ${text(worst["status"])}`;
  return kind === "stuck" ? `change ${text(worst["status"])}` : KINDS[kind].word;
}

function troubleRow(trouble: Trouble, now: number, maySettle: boolean): Concern {
  const { kind, license_id, customer_name, license_type, count, at, worst } = trouble;
  const { tone, counted } = KINDS[kind];
  const word = wordOf(trouble, now);
  const one = worstOf(trouble);
  const ends = number(worst["expires_at"]);
  return {
    tone: word === "grace" ? "late" : tone,
    kind: word,
    href: `/admin/licenses/${license_id}`,
    what: `${customer_name}, ${license_type}`,
    more:
      one === null
        ? []
        : count > 1
          ? [
              <>
                {plural(count, counted)}, worst: {one}
              </>,
            ]
          : [one],
    when:
      kind === "ending" ? (
        <When at={ends} now={now} as="end" />
      ) : (
        <When at={kind === "silent" ? number(worst["last_seen_at"]) : at} now={now} />
      ),
    ...(maySettle ? { settle: `/admin/licenses/${license_id}/settle/${kind}` } : {}),
  };
}

/** The number of licenses that end, of a standing of which none is among the rows although not all were looked at. */
const missedOf = (
  { troubles, moreEnds }: Attention,
  counted: Record<Standing, number>,
  now: number,
): Concern[] =>
  (["grace", "expiring"] as const)
    .filter(
      (standing) =>
        moreEnds[standing] &&
        counted[standing] > 0 &&
        !troubles.some(
          ({ kind, worst }) =>
            kind === "ending" && number(worst["expires_at"]) <= now === (standing === "grace"),
        ),
    )
    .map((standing) => ({
      tone: standing === "grace" ? "late" : "warn",
      kind: standing,
      href: `/admin/licenses?standing=${standing}`,
      what: plural(counted[standing], "license"),
      when: null,
    }));

const jobRow = (trouble: JobTrouble, now: number): Concern => {
  const { job, is, at, steps, why } = trouble;
  return {
    tone: "stop",
    kind: `job ${is}`,
    href: "/admin/activity?action=job.failed",
    what: steps.length > 0 ? `${job}: ${steps.join(", ")}` : job,
    when: at === null ? null : <When at={at} now={now} />,
    more: [...(why === null ? [] : [why]), `What to do: ${runbookFor(trouble)}`],
  };
};

/** Everything in rows, what stops customers first. */
export function concernsOf(
  found: Attention,
  asked: Awaited<ReturnType<typeof openRequests>>,
  jobs: JobTrouble[],
  counted: Record<Standing, number>,
  { now, maySettle }: { now: number; maySettle: boolean },
): Concern[] {
  const { troubles, otherMail } = found;
  return [
    ...jobs.map((trouble) => jobRow(trouble, now)),
    ...asked.map((request): Concern => ({
      tone: "info",
      kind: "request",
      href: `/admin/requests/${request.id}`,
      what: `${request.customer_name}, ${askedFor(request)}`,
      when: <When at={request.created_at} now={now} />,
    })),
    ...otherMail.map(({ id, status, recipient, updated_at }): Concern => ({
      tone: "stop",
      kind: `mail ${status}`,
      href: `/admin/messages/${id}`,
      what: recipient,
      when: <When at={updated_at} now={now} />,
    })),
    ...troubles.map((trouble) => troubleRow(trouble, now, maySettle)),
    ...missedOf(found, counted, now),
  ];
}

export const Concerns: FC<{ concerns: Concern[] }> = ({ concerns }) =>
  concerns.length === 0 ? (
    <p class="empty">
      Nothing. No customer waits for an answer, no license ends soon, no mail came back, no instance is
      silent, and the jobs ran.
    </p>
  ) : (
    <ul class="list kinds">
      {concerns.map(({ tone, kind, href, what, when, more = [], settle }) => (
        <li>
          <span>
            <Badge tone={tone}>{kind}</Badge>
          </span>
          <span class="what">
            <a href={href}>{what}</a>
            {more.map((line) => (
              <span class="hint">{line}</span>
            ))}
          </span>
          <span class="aside">
            {when}
            {settle === undefined ? null : (
              <a class="button small" href={settle} aria-label={`Settle: ${kind}`} data-dialog>
                Settle
              </a>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
