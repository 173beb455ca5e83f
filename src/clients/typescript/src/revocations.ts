// The revocation list, for installations that cannot check in: anybody may deliver it.
import type { Contacts } from "./contacts.ts";
import { MAX_LIST_LENGTH, verifyRevocations } from "./documents.ts";
import { laterOf } from "./state.ts";
import { LicenseError } from "./vocabulary.ts";

/** @throws LicenseError REVOCATION_LIST_INVALID, SERVICE_UNAVAILABLE */
export async function takeRevocations(contacts: Contacts, given: string | undefined): Promise<void> {
  const { store, evidence } = contacts;
  const token = (given ?? (await published(contacts))).trim();
  const state = await store.update((stored) => stored);
  const { claims } = await verifyRevocations(token, evidence.trust(state));
  if (!claims) throw new LicenseError("REVOCATION_LIST_INVALID", "The revocation list does not verify.");
  const held = evidence.facts.revocations;
  // An old list must not undo a newer one.
  if (held && held.iat > claims.iat) return;
  await store.update((stored) => ({
    ...stored,
    revocations: token,
    high_water: laterOf(stored.high_water, claims.iat),
  }));
}

async function published({ transport }: Contacts): Promise<string> {
  const answer = (await transport?.get("/v1/revocations", MAX_LIST_LENGTH)) ?? {
    unreachable: "There is no url to ask.",
  };
  if (answer.unreachable === null && answer.status === 200) return answer.body;
  throw new LicenseError(
    "SERVICE_UNAVAILABLE",
    answer.unreachable ?? `The service answered ${answer.status}.`,
  );
}
