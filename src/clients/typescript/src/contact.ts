// One contact with the service: a check-in or an activation, and what came of it.
import { meaningOf } from "./answers.ts";
import { verifyLicenseKey } from "./documents.ts";
import { type Evidence, sha256 } from "./evidence.ts";
import type { LicenseOptions } from "./options.ts";
import { afterContact, afterInstall, type Outcome, usageFor } from "./outcomes.ts";
import { evaluate, usableCertificate } from "./rules.ts";
import type { State } from "./state.ts";
import type { Store } from "./store.ts";
import type { Transport } from "./transport.ts";
import { reportOf } from "./usage.ts";

export interface Contacts {
  options: LicenseOptions;
  instanceId: string;
  store: Store;
  evidence: Evidence;
  /** Tells the caller what went wrong; never throws. */
  report: (error: unknown) => void;
  /** null: there is no way to the service, and nothing is asked. */
  transport: Transport | null;
  clock: () => number;
  random: () => number;
}

/** Who is asking. Texts are cut to what the service takes. */
export function identityOf({ options, instanceId }: Contacts, license_key: string) {
  const { hostname, appVersion, fingerprint, labels } = options;
  return {
    license_key,
    instance_id: instanceId,
    ...(hostname === undefined ? {} : { hostname: cut(hostname, 255) }),
    ...(appVersion === undefined ? {} : { app_version: cut(appVersion, 64) }),
    ...(fingerprint === undefined ? {} : { fingerprint: cut(fingerprint, 256) }),
    ...(labels === undefined ? {} : { labels: cutLabels(labels) }),
  };
}

// By whole characters: half of one would come back from the service as another.
const cut = (text: string, most: number): string => Array.from(text).slice(0, most).join("");

// Callers in plain JavaScript hand over numbers, too.
const cutLabels = (labels: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([name]) => name !== "")
      .slice(0, 32)
      .map(([name, value]) => [cut(name, 64), cut(String(value), 256)]),
  );

/**
 * Asks for a lease and remembers what was said: by a check-in, with the usage, where `returning` and there is a
 * certificate to show; by an activation otherwise. Nothing is asked without a key.
 */
export async function contact(contacts: Contacts, returning: boolean): Promise<void> {
  const { store, evidence, transport, clock, random } = contacts;
  if (transport === null) return;
  await store.update((stored) => stored);
  if (evidence.facts.licenseKey?.fault === "unknown_key") await learnKeys(contacts);
  const { state } = store;
  const licenseKey = state.license_key;
  if (licenseKey === null) return;
  const request = identityOf(contacts, licenseKey);
  const send = (path: string, more: object = {}): Promise<Outcome> =>
    ask(contacts, transport, path, { ...request, ...more }, state);
  const held = usableCertificate(evidence.facts);
  let report = returning && held ? reportOf(usageFor(state, held.license_id)) : null;
  // The certificate proves that the seat is this installation's.
  const proof = held ? { certificate: state.certificate } : {};
  let outcome =
    report === null
      ? await send("/v1/activate", proof)
      : await send("/v1/check-in", { usage: report, ...proof });
  if (report !== null && outcome.kind === "not_activated") {
    report = null;
    outcome = await send("/v1/activate");
  }
  const about = { licenseKey, keyHash: await sha256(licenseKey), report: report ?? [], at: clock(), random };
  await store.update((stored) => afterContact(stored, outcome, about));
}

/**
 * Activates with another license key, which takes the place of the one held only where it is granted a seat.
 * @returns the status of that other license
 */
export async function exchangeKey(contacts: Contacts, transport: Transport, licenseKey: string) {
  const { store, evidence, clock, random } = contacts;
  const request = identityOf(contacts, licenseKey);
  const outcome = await ask(contacts, transport, "/v1/activate", request, store.state);
  const about = { licenseKey, keyHash: await sha256(licenseKey), report: [], at: clock(), random };
  if (outcome.kind === "good") {
    await store.update((stored) =>
      afterContact(afterInstall(stored, licenseKey, about.keyHash), outcome, about),
    );
    return evaluate(evidence.facts, clock());
  }
  const verdict = await verifyLicenseKey(licenseKey, evidence.trust(store.state));
  const refusal = outcome.kind === "refusal" ? { ...outcome, at: new Date(about.at).toISOString() } : null;
  return evaluate({ ...evidence.facts, licenseKey: verdict, refusal }, clock());
}

async function ask(
  { evidence }: Contacts,
  transport: Transport,
  path: string,
  request: { license_key: string },
  state: State,
): Promise<Outcome> {
  const meaning = meaningOf(await transport.post(path, request));
  if (meaning.kind !== "documents") return meaning;
  const { usageIgnored } = meaning;
  const grant = await evidence.judge(meaning, request.license_key, state);
  // A captive portal, or somebody in between: nothing that the service said.
  if (typeof grant === "string") return { kind: "outage", detail: grant, retryAfter: null };
  return { kind: "good", ...grant, usageIgnored };
}

/** Takes the published keys over where they know who signed the license key. */
async function learnKeys({ store, evidence }: Contacts): Promise<void> {
  const jwks = await evidence.publishedKeys();
  const { license_key } = store.state;
  if (!jwks || license_key === null) return;
  const { claims } = await verifyLicenseKey(license_key, evidence.trust({ jwks }));
  if (claims) await store.update((state) => ({ ...state, jwks }));
}
