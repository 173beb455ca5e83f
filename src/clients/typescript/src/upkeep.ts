// What is done while the service answers: seats of licenses before go back, and keys that it dropped go.
import type { Contacts } from "./contacts.ts";
import { dateOf, type KeySet, verifyCertificate, verifyLicenseKey, verifyRevocations } from "./documents.ts";
import type { OwedSeat, State } from "./state.ts";
import type { Transport } from "./transport.ts";

const DAY = 86_400_000;

/** After a good answer. */
export async function upkeep(contacts: Contacts, transport: Transport): Promise<void> {
  await giveBackOwed(contacts, transport);
  await refreshKeys(contacts);
}

/** Tried again after each good answer, until the service has the seat or its certificate ends. */
export async function giveBackOwed({ store }: Contacts, transport: Transport): Promise<void> {
  const owed = owedNow(store.state);
  if (owed.length === 0) return;
  const certificates = new Set<string>();
  for (const seat of owed) {
    const answer = await transport.post("/v1/deactivate", seat);
    if (answer.unreachable === null && answer.status === 204) certificates.add(seat.certificate);
  }
  await store.update((state) => ({
    ...state,
    owed_seats: owedNow(state).filter(({ certificate }) => !certificates.has(certificate)),
  }));
}

/** Without those that are free by now, by the latest time that the service signed. */
const owedNow = ({ owed_seats, high_water }: State): OwedSeat[] =>
  owed_seats.filter(
    ({ certificate }) => (dateOf(certificate, "exp") ?? 0) * 1000 > Date.parse(high_water ?? ""),
  );

/**
 * At most once a day: a key that the service no longer publishes is no longer trusted. The stored keys stay if anything
 * that they verify here would not be verified any more, so this ends nothing that is in force. Pinned keys stay.
 */
async function refreshKeys({ store, evidence, transport }: Contacts): Promise<void> {
  const { jwks, keys_read_at, high_water } = store.state;
  if (jwks === null || high_water === null) return;
  if (keys_read_at !== null && Date.parse(high_water) - Date.parse(keys_read_at) < DAY) return;
  // The first day begins with the first answer.
  const published = keys_read_at === null ? null : await evidence.publishedKeys(transport);
  const isBetter = published !== null && (await verifiesAll(published, store.state, evidence));
  await store.update((state) => ({
    ...state,
    keys_read_at: high_water,
    jwks: isBetter && state.jwks !== null ? published : state.jwks,
  }));
}

async function verifiesAll(keys: KeySet, state: State, evidence: Contacts["evidence"]): Promise<boolean> {
  const { license_key, candidate, certificate, proven_certificate, revocations } = state;
  const [known, given] = [evidence.trust(state), evidence.trust({ jwks: keys })];
  const held = [
    [verifyLicenseKey, license_key],
    [verifyLicenseKey, candidate?.license_key ?? null],
    [verifyCertificate, certificate],
    [verifyCertificate, proven_certificate],
    [verifyRevocations, revocations],
  ] as const;
  const verdicts = await Promise.all(
    held.map(async ([verify, text]) => {
      if (text === null) return true;
      const [before, after] = await Promise.all([verify(text, known), verify(text, given)]);
      return after.fault === null || before.fault !== null;
    }),
  );
  return !verdicts.includes(false);
}
