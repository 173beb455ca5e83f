// How an instance is doing, in a word or two.
import type { FC } from "hono/jsx";
import { SILENT_DAYS } from "../../../licensing/instance-census.ts";
import { DAY } from "../../../licensing/dates.ts";
import type { presentActivation } from "../../../licensing/instances.ts";
import { Badge } from "./show.tsx";

export type ShownSeat = ReturnType<typeof presentActivation>;

const ENDED = {
  instance: "deactivated itself",
  staff: "freed by staff",
  lease: "lease ran out",
} as const;

const stateOf = ({ active, ended_by, last_seen_at }: ShownSeat, now: number) => {
  if (ended_by !== null) return { tone: "plain", word: ENDED[ended_by] } as const;
  if (!active) return { tone: "plain", word: ENDED.lease } as const;
  return Date.parse(last_seen_at) <= now - SILENT_DAYS * DAY
    ? ({ tone: "warn", word: "silent" } as const)
    : ({ tone: "good", word: "live" } as const);
};

/** Where it runs and as what, in a line. */
export const runsOn = (hostname: string | null, version: string | null): string =>
  [hostname, version && `version ${version}`].filter(Boolean).join(", ");

export const SeatBadges: FC<{ seat: ShownSeat; now: number }> = ({ seat, now }) => {
  const { tone, word } = stateOf(seat, now);
  return (
    <span class="badges">
      <Badge tone={tone}>{word}</Badge>
      {seat.clone_suspected_at === null ? null : <Badge tone="stop">clone suspected</Badge>}
      {seat.fingerprint_changed_at === null ? null : <Badge tone="warn">fingerprint changed</Badge>}
    </span>
  );
};
