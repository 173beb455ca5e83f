// What this isolate knows about whether anybody is to be told of events. Most services have no endpoint, and must not
// pay a look at the database for each change.
import type { Services } from "../context.ts";
import { SECOND } from "../kernel/dates.ts";

/** For how long nobody is looked for again. Until then the ten-minute trigger tells an endpoint that another isolate added. */
const QUIET = 60 * SECOND;

const known = new WeakMap<Services["config"], { any: boolean; at: number }>();

export const noteEndpoints = ({ config, clock }: Pick<Services, "config" | "clock">, any: boolean): void =>
  void known.set(config, { any, at: clock.now() });

/** Whether there were active endpoints when this isolate last looked; undefined if that is too long ago. */
export function areEndpoints({ config, clock }: Pick<Services, "config" | "clock">): boolean | undefined {
  const seen = known.get(config);
  if (!seen) return undefined;
  const since = clock.now() - seen.at;
  return seen.any || (since >= 0 && since < QUIET) ? seen.any : undefined;
}
