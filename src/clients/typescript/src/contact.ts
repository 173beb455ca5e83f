// One contact with the service: a check-in or an activation, and its outcome.
import { meaningOf, problemOf, reasonOf } from "./answers.ts";
import { isAskable } from "./candidates.ts";
import { verifyLicenseKey } from "./documents.ts";
import type { Contacts } from "./contacts.ts";
import type { Asked } from "./evidence.ts";
import { usableCertificate } from "./facts.ts";
import { afterCandidate, afterContact, type Contact, type Outcome, usageFor } from "./outcomes.ts";
import { proofOf, sha256 } from "./proofs.ts";
import { evaluate } from "./rules.ts";
import type { CandidateState, State } from "./state.ts";
import type { Transport } from "./transport.ts";
import { upkeep } from "./upkeep.ts";
import { portionOf, reportOf, type Usage } from "./usage.ts";
import { LicenseError, type Status } from "./vocabulary.ts";

/** What to ask about: the license in force, the candidate, or both. */
export interface Questions {
  candidate: boolean;
  held: boolean;
  /** Whether a license in force that has a certificate checks in, which reports usage; otherwise it activates. */
  returning: boolean;
}

/** The installation, with the certificate that proves it. Texts are cut to the length that the service takes. */
export function identityOf({ options }: Contacts, { licenseKey, instanceId }: Asked, state: State) {
  const { hostname, appVersion, fingerprint, labels, leaseHours } = options;
  const certificate = proofOf(state, licenseKey, instanceId);
  return {
    license_key: licenseKey,
    instance_id: instanceId,
    ...(hostname === undefined ? {} : { hostname: cut(hostname, 255) }),
    ...(appVersion === undefined ? {} : { app_version: cut(appVersion, 64) }),
    ...(fingerprint === undefined ? {} : { fingerprint: cut(fingerprint, 256) }),
    ...(labels === undefined ? {} : { labels: cutLabels(labels) }),
    ...(leaseHours === undefined ? {} : { lease_hours: leaseHours }),
    ...(certificate === null ? {} : { certificate }),
  };
}

// By whole characters: half of one would come back from the service as a different character.
const cut = (text: string, most: number): string => Array.from(text).slice(0, most).join("");

// Callers in plain JavaScript may pass numbers.
const cutLabels = (labels: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([name]) => name !== "")
      .slice(0, 32)
      .map(([name, value]) => [cut(name, 64), cut(String(value), 256)]),
  );

/** Asks, and remembers the answer. Without a key nothing is asked. */
export async function contact(contacts: Contacts, questions: Questions): Promise<void> {
  const { store, transport } = contacts;
  if (transport === null) return;
  await store.update((stored) => stored);
  await learnKeys(contacts);
  const { candidate } = store.state;
  if (questions.candidate && isAskable(candidate)) {
    const outcome = await askForCandidate(contacts, transport, candidate);
    if (outcome.kind === "good") return;
  }
  if (questions.held) await askForHeld(contacts, transport, questions.returning);
}

async function askForHeld(contacts: Contacts, transport: Transport, returning: boolean): Promise<void> {
  const { store, evidence } = contacts;
  const { state } = store;
  const licenseKey = state.license_key;
  if (licenseKey === null) return;
  const asked = { licenseKey, instanceId: evidence.instanceIn(state) };
  const request = identityOf(contacts, asked, state);
  const held = usableCertificate(evidence.facts);
  let sent = returning && held ? portionOf(usageFor(state, held.license_id)) : null;
  let outcome =
    sent === null
      ? await ask(contacts, transport, "/v1/activate", asked, request)
      : await ask(contacts, transport, "/v1/check-in", asked, { ...request, usage: reportOf(sent) });
  if (sent !== null && outcome.kind === "not_activated") {
    sent = null;
    // Another process may have switched to another license meanwhile, and given this seat back.
    const now = await store.update((stored) => stored);
    if (now.license_key !== licenseKey) return;
    outcome = await ask(contacts, transport, "/v1/activate", asked, request);
  }
  const about = await aboutOf(contacts, licenseKey, sent ?? {});
  tell(contacts, outcome);
  await store.update((stored) => afterContact(stored, outcome, about));
  if (outcome.kind === "good") await upkeep(contacts, transport);
}

/** Asks for a seat for the candidate. If it is granted, the old seat is given back, now or later. */
async function askForCandidate(
  contacts: Contacts,
  transport: Transport,
  candidate: CandidateState,
): Promise<Outcome> {
  const { store, evidence } = contacts;
  const { state } = store;
  const instanceId = evidence.instanceIn(state);
  const asked = { licenseKey: candidate.license_key, instanceId: candidate.instance_id ?? instanceId };
  const outcome = await ask(contacts, transport, "/v1/activate", asked, identityOf(contacts, asked, state));
  const about = await aboutOf(contacts, candidate.license_key, {});
  tell(contacts, outcome);
  await store.update((stored) => afterCandidate(stored, outcome, about, instanceId));
  if (outcome.kind === "good") await upkeep(contacts, transport);
  return outcome;
}

/** Asks for a seat for the candidate. @returns the status that it would have in force, where it is refused; else null */
export async function tryCandidate(contacts: Contacts, candidate: CandidateState): Promise<Status | null> {
  const { transport, evidence, clock, time } = contacts;
  const isAsked = transport !== null && isAskable(candidate);
  const outcome = isAsked ? await askForCandidate(contacts, transport, candidate) : null;
  const { facts } = evidence;
  if (facts.candidate?.state !== "refused") return null;
  const said = outcome?.kind === "refusal" ? outcome : null;
  const at = new Date(clock()).toISOString();
  const refusal = said && { ...said, at, key_sha256: "", signed: said.signedAt !== null };
  const clocks = { clock: clock(), confirmed: time.now() };
  return evaluate({ ...facts, held: { ...facts.candidate, refusal } }, clocks);
}

/**
 * Gives back the seat in force.
 * @throws LicenseError with the service's code, or SERVICE_UNAVAILABLE
 */
export async function giveBack({ store, evidence, transport }: Contacts): Promise<void> {
  const { state } = store;
  const { license_key } = state;
  if (license_key === null || transport === null) return;
  const instanceId = evidence.instanceIn(state);
  const certificate = proofOf(state, license_key, instanceId);
  const request = { license_key, instance_id: instanceId, ...(certificate === null ? {} : { certificate }) };
  const answer = await transport.post("/v1/deactivate", request);
  if (answer.unreachable !== null) throw new LicenseError("SERVICE_UNAVAILABLE", answer.unreachable);
  if (answer.status === 204) return;
  const problem = problemOf(answer);
  throw new LicenseError(
    problem?.code ?? "SERVICE_UNAVAILABLE",
    problem?.detail ?? reasonOf(answer.status, null),
  );
}

/** A line for the operator, if the service was not reached or refused. */
function tell({ report }: Contacts, outcome: Outcome): void {
  if (outcome.kind === "outage")
    report(new LicenseError("SERVICE_UNAVAILABLE", `The license service was not reached: ${outcome.reason}`));
  if (outcome.kind === "refusal")
    report(new LicenseError(outcome.code, `The license service refuses: ${outcome.detail}`));
}

const aboutOf = async ({ clock, random }: Contacts, licenseKey: string, sent: Usage): Promise<Contact> => ({
  licenseKey,
  keyHash: await sha256(licenseKey),
  sent,
  at: clock(),
  random,
});

async function ask(
  { evidence, store }: Contacts,
  transport: Transport,
  path: string,
  asked: Asked,
  request: object,
): Promise<Outcome> {
  const sent = { ...asked, nonce: crypto.randomUUID() };
  const meaning = meaningOf(await transport.post(path, { ...request, nonce: sent.nonce }));
  if (meaning.kind === "refusal") {
    const { code, detail, document } = meaning;
    const signedAt =
      document === null ? null : await evidence.judgeRefusal(document, code, sent, store.state, transport);
    return { kind: "refusal", code, detail, signedAt };
  }
  if (meaning.kind !== "documents") return meaning;
  const grant = await evidence.judge(meaning, sent, store.state, transport);
  // A captive portal or a proxy: not an answer of the service.
  if (typeof grant === "string")
    return { kind: "outage", reason: `the answer does not count: ${grant}`, retryAfter: null };
  return { ...grant, kind: "good" };
}

/** Takes over the published keys if they verify the license key or the candidate. */
async function learnKeys({ store, evidence, transport }: Contacts): Promise<void> {
  const unknown = [evidence.facts.held, evidence.facts.candidate].some(
    (holding) => holding?.licenseKey?.fault === "unknown_key",
  );
  const jwks = unknown ? await evidence.publishedKeys(transport) : null;
  if (jwks === null) return;
  const { license_key, candidate } = store.state;
  const trust = evidence.trust({ jwks });
  const keys = [license_key, candidate?.license_key ?? null].filter((key) => key !== null);
  const verdicts = await Promise.all(keys.map((key) => verifyLicenseKey(key, trust)));
  // Not if that would remove the keys of a good license.
  const { held } = evidence.facts;
  const keepsHeld = held.licenseKey?.fault !== null || verdicts[0]?.fault === null;
  const isTheirs = verdicts.some(({ fault }) => fault === null || fault === "other_issuer");
  if (keepsHeld && isTheirs) await store.update((state) => ({ ...state, jwks }));
}
