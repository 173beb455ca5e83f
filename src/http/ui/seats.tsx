// The seats of a license in a list.
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
