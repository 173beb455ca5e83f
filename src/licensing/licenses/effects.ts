// What running instances notice of a change, term by term, in words for staff. Pure.
import type { Changes } from "../../kernel/resources.ts";
import type { License } from "../../storage/schema.ts";
import { isLower } from "./decisions.ts";
import { refusalOf, standingOf } from "./standing.ts";

/** By member of the license. */
export type Effects = Record<string, string>;

/** The two sides of a change, and how many instances hold a seat. */
interface Scene {
  before: License;
  after: License;
  active: number;
  now: number;
}

const NOTHING = "Nothing.";

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

function seats({ before, after, active }: Scene): string {
  const { max_instances: max } = after;
  if (max !== null && active > max) {
    return `All ${active} that run go on, and each keeps its seat as long as it checks in. No other gets in until their number is below ${max}.`;
  }
  return isLower(before.max_instances, max)
    ? `Those that run go on. At most ${max} hold a seat.`
    : "More of them get in, at once.";
}

const usage = (was: number | null, is: number | null): string =>
  isLower(was, is)
    ? "Use above it is warned of from the next check-in on. Nothing stops."
    : "Counts from the next check-in on.";

function features({ before, after }: Scene): string {
  const gone = before.features.filter((feature) => !after.features.includes(feature));
  const come = after.features.filter((feature) => !before.features.includes(feature));
  const parts = [
    ...(gone.length > 0 ? [`Without ${gone.join(", ")} from the next check-in on.`] : []),
    ...(come.length > 0 ? [`With ${come.join(", ")} from the next check-in on.`] : []),
  ];
  return parts.join(" ") || NOTHING;
}

/** What running instances have more or less of, from the next check-in on. */
function entitled({ before, after }: Scene): string {
  const codes = [...new Set([...Object.keys(before.entitlements), ...Object.keys(after.entitlements)])];
  const parts = codes.toSorted().flatMap((code) => {
    const [was, is] = [before.entitlements[code], after.entitlements[code]];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    return is ? [`${code} as it is now`] : [`without ${code}`];
  });
  return `From the next check-in on: ${parts.join(", ")}.`;
}

const lease = ({ before, after }: Scene): string =>
  after.lease_days < before.lease_days
    ? `From the next check-in on, leases are of ${plural(after.lease_days, "day")}. One that was given holds until it ends.`
    : `From the next check-in on, they run ${plural(after.lease_days, "day")} without the service.`;

function standing({ after, now }: Scene): string {
  const refusal = refusalOf(standingOf(after, now));
  return refusal === null
    ? "Activations and check-ins are answered again."
    : `Refused with ${refusal} at the next check-in; each runs until its lease ends.`;
}

function end(scene: Scene): string {
  const { before, after, now } = scene;
  if (refusalOf(standingOf(after, now)) !== null) return standing(scene);
  return isLower(before.expires_at, after.expires_at)
    ? "From the next check-in on, leases end with it. One that was given holds until it ends."
    : "They learn the new end at the next check-in. Nobody installs a key.";
}

const TELLERS: Partial<Record<keyof License, (scene: Scene) => string>> = {
  license_type: () => "The new name, in key and certificate, at the next check-in.",
  status: standing,
  starts_at: (scene) =>
    refusalOf(standingOf(scene.after, scene.now)) === "LICENSE_NOT_STARTED" ? standing(scene) : NOTHING,
  expires_at: end,
  grace_days: ({ after }) => `After the end they run ${plural(after.grace_days, "day")} more.`,
  lease_days: lease,
  check_in_hours: ({ after }) =>
    `They come back every ${plural(after.check_in_hours, "hour")}, from the next check-in on.`,
  features,
  max_instances: seats,
  max_services: ({ before, after }) => usage(before.max_services, after.max_services),
  max_requests_per_day: ({ before, after }) => usage(before.max_requests_per_day, after.max_requests_per_day),
  entitlements: entitled,
  customer_id: () => "The new customer, in key and certificate, at the next check-in. They go on.",
  updates_until: () => "Those that were built later are warned of, and go on.",
  revision: () =>
    "They go on by their certificate, and get the new key at the next check-in. New installations need the new key.",
  unproven_until: ({ after }) =>
    after.unproven_until === null
      ? "With the replaced key and without a certificate they are refused."
      : "With the replaced key and without a certificate they are renewed until then.",
  unproven_lease_hours: ({ after }) =>
    `A request without proof holds a seat for ${plural(after.unproven_lease_hours, "hour")}.`,
  clone_policy: ({ after }) =>
    after.clone_policy === "refuse"
      ? "A seat that two places seem to share refuses who proves nothing."
      : "A seat that two places seem to share answers both.",
};

/** What the running instances notice of each change. */
export const effectsOf = (changes: Changes, scene: Scene): Effects =>
  Object.fromEntries(
    Object.keys(changes).map((name) => [name, TELLERS[name as keyof License]?.(scene) ?? NOTHING]),
  );
