// What a claim of a seat must do, written a second time: in TypeScript, for the statement in src/licensing/seats/claim.ts.
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

export interface LicenseTerms {
  status: "active" | "suspended" | "revoked";
  revision: number;
  starts_at: number | null;
  expires_at: number | null;
  grace_days: number;
  lease_days: number;
  check_in_hours: number;
  max_instances: number | null;
  unproven_lease_hours: number;
  clone_policy: "warn" | "refuse";
  /** Until when a replaced key renews any live seat. */
  unproven_until: number | null;
}

export interface Claim {
  instance: string;
  now: number;
  revision: number;
  returning: boolean;
  /** The activation in the certificate that is shown, and when that certificate was issued, in whole seconds. */
  certified: string | null;
  presented: number | null;
  fingerprint: string | null;
  usage: { day: string; requests: number; services: number } | null;
  /** Of a request file: its end, the key that it proves, and whether staff say that it replaces another one. */
  file: { lease_until: number; key: string | null; replace: boolean } | null;
  lease_hours: number | null;
  /** The check-in interval is this times the license's. */
  spread: number;
  /** The id of the activation, if there is a new one. */
  id: string;
  /** What the instance says about itself; if it says nothing, the old value stays. */
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

interface UnprovenDay {
  day: string;
  count: number;
  at: number;
  ip: string | null;
  hostname: string | null;
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
  presented_at: number | null;
  strays: number;
  clone_suspected_at: number | null;
  fingerprint_changed_at: number | null;
  occasion: string | null;
  proven: number;
  /** Null where a release of before gave the last lease. */
  proven_until: number | null;
  unproven_until: number | null;
  /** The days as the row keeps them, latest last; JSON. */
  unproven: string | null;
  scattered_at: number | null;
  proven_request: string | null;
  public_key: string | null;
  public_key_since: number | null;
  freed_at: number | null;
  /** Whether staff corrected the figures of the last day; 0 or 1. */
  usage_corrected: number;
  /** When a request last showed the seat's certificate. */
  certified_at: number | null;
}

/** The counters of the license. */
export interface Kept {
  /** Activations that are not ended. */
  seated: number;
  /** How many instance ids newly took a seat today, and some of them. */
  newIds: number;
  known: string[];
}

const FOREVER = Date.UTC(9999, 11, 31, 23, 59, 59);

const endOf = ({ expires_at, grace_days }: LicenseTerms): number =>
  expires_at === null ? FOREVER : expires_at + grace_days * DAY;

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

const differs = <T>(one: T | null, other: T | null): boolean =>
  one !== null && other !== null && one !== other;

/** Whether the request has the seat's certificate, or is a file signed with the seat's key. */
const isCertified = (own: SeatRow, { certified, file }: Claim): boolean =>
  own.id === certified || (file !== null && file.key !== null && file.key === own.public_key);

/** The end of the last proven lease. */
const provenUntil = ({ proven_until, lease_expires_at }: SeatRow): number => proven_until ?? lease_expires_at;

/** Whether the last proven request showed a certificate. */
const isKept = ({ certified_at, last_seen_at }: SeatRow): boolean => certified_at === last_seen_at;

/** Whether the request proves which instance asks. */
function isProven(license: LicenseTerms, claim: Claim, own: SeatRow | null): boolean {
  if (own === null || isCertified(own, claim)) return true;
  if (claim.revision < license.revision) return false;
  if (claim.by.actor_type === "staff" || claim.now >= provenUntil(own)) return true;
  return own.request_id === claim.by.request_id && own.proven === 1;
}

/** Whether the license allows this key to run anything now. */
function isOpen(license: LicenseTerms, claim: Claim, own: SeatRow | null): boolean {
  const { now } = claim;
  if (license.status !== "active" || (license.starts_at !== null && now < license.starts_at)) return false;
  if (now >= endOf(license)) return false;
  if (claim.revision >= license.revision) return true;
  return own !== null && (isCertified(own, claim) || now < (license.unproven_until ?? 0));
}

/** Whether a file of another key runs on the seat. */
const isOtherKey = (own: SeatRow | null, { file }: Claim): boolean =>
  file !== null && own !== null && own.public_key !== null && own.public_key !== file.key;

/** "At most" so many hours from now: never more, so by the second that has begun. */
const atMost = ({ now }: Claim, hours: number): number => Math.floor(now / SECOND) * SECOND + hours * HOUR;

const latest = (license: LicenseTerms, claim: Claim): number =>
  Math.min(
    Math.ceil(claim.now / SECOND) * SECOND + license.lease_days * DAY,
    claim.lease_hours === null ? Infinity : atMost(claim, claim.lease_hours),
  );

function provenLease(license: LicenseTerms, claim: Claim, own: SeatRow | null): number {
  const wanted = claim.file?.lease_until ?? latest(license, claim);
  // What a file of another key promised is not the holder's.
  const promised = own === null || isOtherKey(own, claim) ? 0 : provenUntil(own);
  return Math.min(Math.max(promised, wanted), endOf(license));
}

function unprovenLease(license: LicenseTerms, claim: Claim): number {
  const until = claim.revision < license.revision ? (license.unproven_until ?? 0) : FOREVER;
  const longest = atMost(claim, license.unproven_lease_hours);
  return Math.min(latest(license, claim), longest, endOf(license), until);
}

/** What the instance used on its last known day. Reports of a day are cumulative and repeated. */
function usageOf(known: SeatRow | null, told: Claim["usage"]) {
  const before = {
    usage_day: known?.usage_day ?? null,
    requests: known?.requests ?? 0,
    services: known?.services ?? 0,
    usage_corrected: known?.usage_corrected ?? 0,
  };
  const { usage_day, requests, services } = before;
  if (told === null || (usage_day !== null && told.day < usage_day)) return before;
  const isSame = told.day === usage_day;
  // A day that staff corrected takes no more reports.
  if (isSame && before.usage_corrected === 1) return before;
  return {
    usage_corrected: isSame ? before.usage_corrected : 0,
    usage_day: told.day,
    requests: Math.max(isSame ? requests : 0, told.requests),
    services: Math.max(isSame ? services : 0, told.services),
  };
}

const daysOf = (row: SeatRow | null): UnprovenDay[] =>
  Object.values(JSON.parse(row?.unproven ?? "{}") as Record<string, UnprovenDay>);

/** The mark of a clone, by the last suspicion; gone after a quiet week. */
const markOf = (known: SeatRow | null, now: number): number | null =>
  known?.clone_suspected_at != null && now - known.clone_suspected_at < WEEK
    ? known.clone_suspected_at
    : null;

/** The row of the instance after its claim, or null if it gets no seat and nothing changes. */
export function claimed(license: LicenseTerms, rows: SeatRow[], claim: Claim, kept: Kept): SeatRow | null {
  const { now } = claim;
  const known = rows.find(({ instance_id }) => instance_id === claim.instance) ?? null;
  const own = known !== null && known.lease_expires_at > now ? known : null;
  const others = rows.filter((row) => row !== known);
  const seated = others.filter(({ lease_expires_at }) => lease_expires_at > now);
  if (!isOpen(license, claim, own)) return null;
  if (claim.returning && (known === null || known.freed_at !== null)) return null;
  if (isOtherKey(own, claim) && !claim.file?.replace) return null;
  const isFull = license.max_instances !== null && seated.length >= license.max_instances;
  if (own === null && isFull) return null;
  if (known === null && claim.by.actor_type !== "staff") {
    const bound = license.max_instances === null ? 100_000 : Math.max(1_000, 10 * license.max_instances);
    if (kept.newIds >= bound && !kept.known.includes(claim.instance)) return null;
  }
  if (own !== null && !isProven(license, claim, own)) return unproven(license, own, claim);
  const isCounted = license.max_instances !== null;
  const inUse = isCounted ? seated.length : kept.seated - (known ? 1 : 0);
  return proven(license, known, own, { inUse, seated: kept.seated }, claim);
}

/** An unproven claim: everything that it changes in the seat's row. */
function unproven(license: LicenseTerms, own: SeatRow, claim: Claim): SeatRow | null {
  const { now, by, told } = claim;
  const mark = markOf(own, now);
  if (license.clone_policy === "refuse" && mark !== null && isKept(own) && now < provenUntil(own))
    return null;
  const lease = unprovenLease(license, claim);
  const today = dayOf(now);
  const days = JSON.parse(own.unproven ?? "{}") as Record<string, UnprovenDay>;
  const slot = `d${new Date(now).getUTCDay()}`;
  const before = days[slot]?.day === today ? days[slot].count : 0;
  const again = own.request_id === by.request_id;
  const hostname = told.hostname ?? null;
  const entry = { day: today, count: before + (again ? 0 : 1), at: now, ip: by.ip, hostname };
  const isScattered = daysOf(own).some(({ day, ip }) => day > dayOf(now - WEEK) && differs(ip, by.ip));
  const isElsewhere =
    isKept(own) &&
    dayOf(own.last_seen_at) === today &&
    provenUntil(own) - own.last_seen_at > license.unproven_lease_hours * HOUR &&
    (differs(by.ip, own.ip) ||
      differs(hostname, own.hostname) ||
      differs(claim.fingerprint, own.fingerprint));
  return {
    ...own,
    lease_expires_at: Math.max(own.lease_expires_at, lease),
    request_id: by.request_id,
    clone_suspected_at: isElsewhere ? now : mark,
    occasion: null,
    proven: 0,
    proven_until: provenUntil(own),
    unproven_until: lease,
    unproven: JSON.stringify({ ...days, [slot]: entry }),
    scattered_at: isScattered ? now : own.scattered_at,
  };
}

/** A proven claim, with or without a seat before. */
function proven(
  license: LicenseTerms,
  known: SeatRow | null,
  own: SeatRow | null,
  others: { inUse: number; seated: number },
  claim: Claim,
): SeatRow {
  const { now, presented, fingerprint } = claim;
  const lease = provenLease(license, claim, own);
  const rhythm = license.check_in_hours * HOUR * claim.spread;
  // The last certificate was issued when the instance was last seen.
  const isLast =
    known !== null && presented !== null && presented >= Math.floor(known.last_seen_at / SECOND) * SECOND;
  const isStray = known !== null && presented !== null && !isLast && presented !== known.presented_at;
  // Today somebody without proof asked from elsewhere, and the process with the certificate kept running.
  const isParted =
    own !== null &&
    isCertified(own, claim) &&
    daysOf(own).some(
      ({ day, at, ip, hostname }) =>
        day === dayOf(now) &&
        at > own.last_seen_at &&
        (differs(ip, claim.by.ip) || differs(hostname, claim.told.hostname ?? own.hostname)),
    );
  // A new seat is no clone: its event is that of the activation.
  const isClone = (own !== null && isStray && own.strays >= 1) || isParted;
  const mark = markOf(known, now);
  const moved = known !== null && differs(known.fingerprint, fingerprint);
  return {
    instance_id: claim.instance,
    id: own?.id ?? claim.id,
    activated_at: own?.activated_at ?? now,
    last_seen_at: now,
    // The seat is held for as long as anybody was promised, the holder only for his own lease.
    lease_expires_at: Math.max(lease, own ? Math.min(own.lease_expires_at, endOf(license)) : 0),
    check_in_at: Math.trunc(now + Math.min(rhythm, Math.trunc((lease - now) / 2))),
    // Only a new seat counts the others.
    seats_in_use: own?.seats_in_use ?? others.inUse + 1,
    seats_lapsed: own?.seats_lapsed ?? Math.max(0, others.seated - others.inUse - (known ? 1 : 0)),
    replaces: known !== null && own === null ? known.id : (known?.replaces ?? null),
    fingerprint: fingerprint ?? known?.fingerprint ?? null,
    hostname: claim.told.hostname ?? known?.hostname ?? null,
    app_version: claim.told.app_version ?? known?.app_version ?? null,
    labels: claim.told.labels ?? known?.labels ?? null,
    ...claim.by,
    ...usageOf(known, claim.usage),
    presented_at: presented ?? known?.presented_at ?? null,
    strays: isLast ? 0 : (known?.strays ?? 0) + (isStray ? 1 : 0),
    clone_suspected_at: isClone ? now : mark,
    fingerprint_changed_at: moved ? now : (known?.fingerprint_changed_at ?? null),
    occasion:
      own === null
        ? "activation.created"
        : isClone && mark === null
          ? "instance.clone_suspected"
          : isOtherKey(own, claim)
            ? "instance.key_replaced"
            : moved
              ? "instance.fingerprint_changed"
              : null,
    proven: 1,
    proven_until: lease,
    certified_at: own !== null && isCertified(own, claim) ? now : (known?.certified_at ?? null),
    unproven_until: known?.unproven_until ?? null,
    unproven: known?.unproven ?? null,
    scattered_at: known?.scattered_at ?? null,
    proven_request: claim.by.request_id,
    ...keyOf(own, claim),
    freed_at: null,
  };
}

/** A file sets the key. Otherwise a live seat keeps its key. */
function keyOf(own: SeatRow | null, { file, now }: Claim): Pick<SeatRow, "public_key" | "public_key_since"> {
  const { public_key, public_key_since } = own ?? { public_key: null, public_key_since: null };
  if (file === null) return { public_key, public_key_since };
  if (file.key === null) return { public_key: null, public_key_since: null };
  return { public_key: file.key, public_key_since: file.key === public_key ? public_key_since : now };
}
