// What a claim of a seat has to do, told once more: in TypeScript, beside the statement of src/licensing/seats/claim.ts.
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

export interface LicenseTerms {
  status: "active" | "suspended" | "revoked";
  revision: number;
  starts_at: number | null;
  expires_at: number | null;
  grace_days: number;
  lease_days: number;
  check_in_hours: number;
  max_instances: number | null;
}

export interface Claim {
  instance: string;
  now: number;
  revision: number;
  returning: boolean;
  /** The activation of the certificate shown, and when that was issued, in whole seconds. */
  certified: string | null;
  presented: number | null;
  fingerprint: string | null;
  usage: { day: string; requests: number; services: number } | null;
  lease_until: number | null;
  /** The rhythm of check-ins is this times the license's. */
  spread: number;
  /** The id of the activation, if it becomes one. */
  id: string;
  /** What it tells of itself, and keeps where it does not. */
  told: Partial<Told>;
  /** Who claims, from where, in which request. */
  by: By;
}

interface Told {
  hostname: string;
  app_version: string;
  labels: string;
}

interface By {
  ip: string | null;
  actor_type: "instance" | "staff";
  actor_id: string;
  request_id: string;
}

/** The columns of `activations` that a claim decides. */
export interface SeatRow extends By {
  hostname: string | null;
  app_version: string | null;
  labels: string | null;
  instance_id: string;
  id: string;
  activated_at: number;
  last_seen_at: number;
  lease_expires_at: number;
  check_in_at: number;
  seats_in_use: number;
  seats_lapsed: number;
  replaces: string | null;
  fingerprint: string | null;
  usage_day: string | null;
  requests: number;
  services: number;
  license_requests: number;
  license_services: number;
  presented_at: number | null;
  strays: number;
  clone_suspected_at: number | null;
  fingerprint_changed_at: number | null;
  occasion: string | null;
}

/** Whether the license lets this key run anything now. */
function isOpen(license: LicenseTerms, claim: Claim, own: SeatRow | null): boolean {
  const { now } = claim;
  const replaced = claim.revision < license.revision;
  if (license.status !== "active" || (license.starts_at !== null && now < license.starts_at)) return false;
  if (license.expires_at !== null && now >= license.expires_at + license.grace_days * DAY) return false;
  return !replaced || (own !== null && own.id === claim.certified);
}

function leaseOf(license: LicenseTerms, claim: Claim, own: SeatRow | null): number {
  const fromNow = Math.ceil(claim.now / SECOND) * SECOND + license.lease_days * DAY;
  const promised = Math.max(own?.lease_expires_at ?? 0, claim.lease_until ?? fromNow);
  const ends =
    license.expires_at === null
      ? Date.UTC(9999, 11, 31, 23, 59, 59)
      : license.expires_at + license.grace_days * DAY;
  return Math.min(promised, ends);
}

/** What the instance used on the last day known; a day is told cumulatively and again and again. */
function usageOf(
  known: SeatRow | null,
  told: Claim["usage"],
  others: { requests: number; services: number },
) {
  const before = known ?? {
    usage_day: null,
    requests: 0,
    services: 0,
    license_requests: 0,
    license_services: 0,
  };
  const { usage_day, requests, services, license_requests, license_services } = before;
  if (told === null || (usage_day !== null && told.day < usage_day))
    return { usage_day, requests, services, license_requests, license_services };
  const isSame = told.day === usage_day;
  const most = {
    requests: Math.max(isSame ? requests : 0, told.requests),
    services: Math.max(isSame ? services : 0, told.services),
  };
  return {
    usage_day: told.day,
    ...most,
    license_requests: others.requests + most.requests,
    license_services: others.services + most.services,
  };
}

/** The row of the instance after its claim, or null where it gets no seat and nothing changes. */
export function claimed(license: LicenseTerms, rows: SeatRow[], claim: Claim): SeatRow | null {
  const { now, presented, fingerprint } = claim;
  const known = rows.find(({ instance_id }) => instance_id === claim.instance) ?? null;
  const own = known !== null && known.lease_expires_at > now ? known : null;
  const others = rows.filter((row) => row !== known);
  const seated = others.filter(({ lease_expires_at }) => lease_expires_at > now);
  if (!isOpen(license, claim, own) || (claim.returning && known === null)) return null;
  const isFull = license.max_instances !== null && seated.length >= license.max_instances;
  if (own === null && isFull) return null;

  const lease = leaseOf(license, claim, own);
  const rhythm = license.check_in_hours * HOUR * claim.spread;
  const sameDay = others.filter(({ usage_day }) => claim.usage !== null && usage_day === claim.usage.day);
  const sum = (name: "requests" | "services"): number => sameDay.reduce((total, row) => total + row[name], 0);
  // The last certificate was issued when the instance was last seen.
  const isLast =
    known !== null && presented !== null && presented >= Math.floor(known.last_seen_at / SECOND) * SECOND;
  const isStray = known !== null && presented !== null && !isLast && presented !== known.presented_at;
  const isClone = isStray && known.strays === 1;
  const moved =
    known !== null && known.fingerprint !== null && fingerprint !== null && known.fingerprint !== fingerprint;
  return {
    instance_id: claim.instance,
    id: own?.id ?? claim.id,
    activated_at: own?.activated_at ?? now,
    last_seen_at: now,
    lease_expires_at: lease,
    check_in_at: Math.trunc(now + Math.min(rhythm, Math.trunc((lease - now) / 2))),
    seats_in_use: seated.length + 1,
    seats_lapsed: others.length - seated.length,
    replaces: known !== null && own === null ? known.id : (known?.replaces ?? null),
    fingerprint: fingerprint ?? known?.fingerprint ?? null,
    hostname: claim.told.hostname ?? known?.hostname ?? null,
    app_version: claim.told.app_version ?? known?.app_version ?? null,
    labels: claim.told.labels ?? known?.labels ?? null,
    ...claim.by,
    ...usageOf(known, claim.usage, { requests: sum("requests"), services: sum("services") }),
    presented_at: presented ?? known?.presented_at ?? null,
    strays: isLast ? 0 : (known?.strays ?? 0) + (isStray ? 1 : 0),
    clone_suspected_at: isClone ? now : (known?.clone_suspected_at ?? null),
    fingerprint_changed_at: moved ? now : (known?.fingerprint_changed_at ?? null),
    occasion:
      own === null
        ? "activation.created"
        : isClone
          ? "instance.clone_suspected"
          : moved
            ? "instance.fingerprint_changed"
            : null,
  };
}
