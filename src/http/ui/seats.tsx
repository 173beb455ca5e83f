// The seats of a license: in a list, and as a meter.
import type { FC } from "hono/jsx";
import { Badge, formatCount } from "./show.tsx";

/** Seats used of those there are, as 2 / 5; a full license is marked. */
export const Seats: FC<{ seated: number; max: number | null }> = ({ seated, max }) =>
  max === null ? (
    <>{formatCount(seated)} / ∞</>
  ) : seated >= max ? (
    <Badge tone={seated > max ? "stop" : "warn"}>
      {formatCount(seated)} / {formatCount(max)}
    </Badge>
  ) : (
    <>
      {formatCount(seated)} / {formatCount(max)}
    </>
  );

/** How much of a limit is in use. */
export const Meter: FC<{ used: number; limit: number | null; label: string }> = ({ used, limit, label }) => {
  const words =
    limit === null
      ? `${formatCount(used)} in use, unlimited`
      : `${formatCount(used)} of ${formatCount(limit)} in use${used > limit ? `, ${formatCount(used - limit)} over the limit` : ""}`;
  if (limit === null) return <span>{words}</span>;
  const share = used < limit ? (used / limit) * 100 : 100;
  const tone = used > limit ? "stop" : used === limit ? "warn" : "good";
  return (
    <span class="meter">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`${label}: ${words}`}>
        <rect class="track" width="100" height="6" />
        <rect class={`bar ${tone}`} width={share} height="6" />
      </svg>
      <span>{words}</span>
    </span>
  );
};
