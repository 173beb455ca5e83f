// What a restore tells whoever carried it out: what came back, and what they have to do again.
import { formatInstant, formatInstantOrNull } from "../../kernel/dates.ts";
import type { Restore } from "./restores.ts";

const ACCESS =
  "API tokens, people, sessions, and webhook endpoints did not come back: make tokens and endpoints and name people anew.";

/** What happened after the backup and is known to nobody here, in sentences. */
function toRepeat({ manifest, options, found }: Restore): string[] {
  const since = formatInstant(manifest.begun_at);
  const made = Object.entries(found.made ?? {}).filter(([, n]) => n > 0);
  return [
    `What staff changed after ${since} is not there: issue, renew, suspend, revoke, and transfer again. If the former database can still be asked, caio-license events --since ${since} lists it, and caio-license export has the licenses that were issued since.`,
    `License files for installations without a network that were made after ${since}: hand in their requests again.`,
    "Mail that was sent since may be sent once more, and receipts that came since are not known.",
    "Erasures are applied again as far as the bucket BACKUPS knows them. Without it, erase again who was erased since.",
    ...(options.with_access ? [] : [ACCESS]),
    ...(found.rows?.["webhook_endpoints"]
      ? [
          `Webhook endpoints came back without their secrets, and get nothing until then: rotate the secret of each. Event ids above ${manifest.event} are used again: a receiver that remembers ids has to forget those.`,
        ]
      : []),
    ...(found.restarted
      ? [
          `The seals begin anew: caio-license audit verify --accept-break ${found.restarted}. Keep the heads of the seals that were given up with your notes.`,
        ]
      : []),
    ...made.map(
      ([table, n]) =>
        `${n} rows of ${table} were deleted while the backup was read, though licenses name them: they are back with their id as their name.`,
    ),
    ...(found.findings ?? []).map((says) => `Look at the seals: ${says}`),
  ];
}

export const reportOf = (restore: Restore) => {
  const { manifest, found, begun_at, ended_at, options } = restore;
  return {
    backup: manifest.jti,
    backup_at: formatInstant(manifest.begun_at),
    event: manifest.event,
    with_access: options.with_access,
    begun_at: formatInstant(begun_at),
    ended_at: formatInstantOrNull(ended_at),
    rows: found.rows ?? {},
    skipped: found.skipped ?? {},
    made: found.made ?? {},
    seats_held: found.seats_held ?? 0,
    seals: found.seals ?? 0,
    findings: found.findings ?? [],
    given_up: found.given_up ?? [],
    erasures: found.erasures ?? 0,
    restarted: found.restarted ?? null,
    repeat: toRepeat(restore),
  };
};
