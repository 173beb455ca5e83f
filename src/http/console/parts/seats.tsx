// Instances in lists, and how they are doing in a word or two.
import type { FC } from "hono/jsx";
import { isByFile, SILENT_DAYS } from "../../../licensing/instances/census.ts";
import { DAY } from "../../../kernel/dates.ts";
import { presentActivation } from "../../../licensing/instances/instances.ts";
import { hasOldKey } from "../../../licensing/instances/old-key.ts";
import { Badge, type Column, When } from "../../ui/show.tsx";

/** @param replacedAt when the key of the license was replaced, if that is to be told */
export function shownSeat(
  activation: Parameters<typeof presentActivation>[0],
  now: number,
  replacedAt: number | null = null,
) {
  const shown = presentActivation(activation, now);
  return {
    ...shown,
    old_key: shown.active ? hasOldKey(activation, replacedAt) : "no",
    /** Whether it was activated by a file because it has no network. */
    by_file: isByFile(activation),
  };
}

export type ShownSeat = ReturnType<typeof shownSeat>;

const ENDED = {
  instance: "deactivated itself",
  staff: "freed by staff",
  lease: "lease ran out",
} as const;

const stateOf = ({ active, ended_by, freed_at, last_seen_at, by_file }: ShownSeat, now: number) => {
  if (ended_by !== null) return { tone: "plain", word: ENDED[ended_by] } as const;
  if (!active) return { tone: "plain", word: ENDED.lease } as const;
  if (freed_at !== null) return { tone: "warn", word: "freed, counts until its file ends" } as const;
  if (by_file) return { tone: "good", word: "by file" } as const;
  return Date.parse(last_seen_at) <= now - SILENT_DAYS * DAY
    ? ({ tone: "warn", word: "silent" } as const)
    : ({ tone: "good", word: "live" } as const);
};

/** Its host and its role, in one line. */
const runsOn = ({ hostname, app_version }: ShownSeat): string =>
  [hostname, app_version && `version ${app_version}`].filter(Boolean).join(", ");

export const SeatBadges: FC<{ seat: ShownSeat; now: number }> = ({ seat, now }) => {
  const { tone, word } = stateOf(seat, now);
  return (
    <span class="badges">
      <Badge tone={tone}>{word}</Badge>
      {seat.clone_suspected_at === null ? null : <Badge tone="stop">clone suspected</Badge>}
      {seat.old_key === "no" ? null : (
        <Badge tone="warn">{seat.old_key === "yes" ? "old key" : "perhaps old key"}</Badge>
      )}
      {seat.fingerprint_changed_at === null ? null : <Badge tone="warn">fingerprint changed</Badge>}
    </span>
  );
};

export const seatPath = (id: string): string => `/admin/instances/${encodeURIComponent(id)}`;

/** @param hasVersion whether a column of its own says the version */
export const seatColumns = (now: number, hasVersion = false): Column<ShownSeat>[] => [
  {
    label: "Instance",
    main: true,
    cell: (seat) => (
      <>
        <a href={seatPath(seat.id)}>{seat.instance_id}</a>
        <span class="second">{hasVersion ? seat.hostname : runsOn(seat)}</span>
      </>
    ),
  },
  { name: "status", label: "Status", cell: (seat) => <SeatBadges seat={seat} now={now} /> },
  {
    name: "last_seen",
    label: "Last seen",
    cell: ({ last_seen_at }) => <When at={last_seen_at} now={now} />,
    minor: true,
  },
  {
    name: "lease",
    label: "Lease ends",
    // Also if it has expired: until the license's next activation nothing else says when.
    cell: ({ ended_at, lease_expires_at }) =>
      ended_at === null ? <When at={lease_expires_at} now={now} /> : <span class="soft">ended</span>,
    minor: true,
    spare: hasVersion,
  },
];
