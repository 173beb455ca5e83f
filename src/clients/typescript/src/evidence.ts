// What documents prove: the stored ones, and those from an answer or a file.
import { parseOrNull } from "./clocks.ts";
import {
  type CertificateClaims,
  type KeySet,
  type LicenseKeyClaims,
  parseObject,
  readKeySet,
  type RevocationClaims,
  type Trust,
  type Verdict,
  verifyCertificate,
  verifyLicenseKey,
  verifyRefusal,
  verifyRevocations,
} from "./documents.ts";
import { withoutDrill } from "./drill.ts";
import type { Facts, Holding } from "./facts.ts";
import type { LicenseOptions } from "./options.ts";
import type { Brought, Grant } from "./grant.ts";
import { endsOf, isVouched, sha256 } from "./proofs.ts";
import { DEFAULT_INDETERMINATE_DAYS } from "./rules.ts";
import type { State } from "./state.ts";
import { issuersOf } from "./texts.ts";
import type { Transport } from "./transport.ts";
import { type Failure, SIGNED_REFUSALS } from "./vocabulary.ts";

/** Who asked, and with which key. */
export interface Asked {
  licenseKey: string;
  instanceId: string;
  /** Over the network: the service signs it along, so that an old answer that somebody kept does not count. */
  nonce?: string;
}

interface Verified {
  licenseKey: Verdict<LicenseKeyClaims> | null;
  candidateKey: Verdict<LicenseKeyClaims> | null;
  certificates: CertificateClaims[];
  revocations: RevocationClaims | null;
}

const NOTHING: Verified = { licenseKey: null, candidateKey: null, certificates: [], revocations: null };

export class Evidence {
  readonly #options: LicenseOptions;
  readonly #issuers: readonly string[];
  readonly #unasked: Failure | null;
  /** The instance id of the storage. */
  readonly #instanceId: string;
  /** The texts that `#verified` was read from. */
  #source = "";
  #verified = NOTHING;
  /** Hashes of keys that had more than blanks around them when they were given. */
  readonly marked = new Set<string>();
  /** The license key in force, if it is vouched for. */
  #vouched: { licenseKey: string; hash: string } | null = null;
  facts: Facts;

  constructor(
    options: LicenseOptions,
    instanceId: string,
    transport: Transport | null,
    /** Why the service is not asked at all. */
    unasked: Failure | null,
  ) {
    this.#options = options;
    this.#unasked = unasked;
    this.#issuers = withoutDrill(issuersOf(options));
    this.#instanceId = instanceId;
    this.facts = {
      held: { ...NOBODY, instanceId },
      candidate: null,
      certificates: [],
      revocations: null,
      warnings: [],
      overLimit: [],
      nextCheckIn: null,
      lastFailure: unasked,
      onlyPinned: options.trustedKeys !== undefined && (options.fetchKeys === false || transport === null),
      isKept: true,
      issuers: this.#issuers,
      highWater: 0,
      lastSeenAt: null,
      lastAttemptAt: null,
      clockAhead: null,
      boundedSince: 0,
      builtAt: options.builtAt,
      onIndeterminate: options.onIndeterminate ?? "allow",
      indeterminateDays:
        options.indeterminateDays === undefined ? DEFAULT_INDETERMINATE_DAYS : options.indeterminateDays,
    };
  }

  trust({ jwks }: Pick<State, "jwks">): Trust {
    const { trustedKeys, fetchKeys } = this.#options;
    const published = fetchKeys === false ? [] : (jwks?.keys ?? []);
    // Pinned keys first: a published key with the same kid does not replace one.
    return { issuers: this.#issuers, keys: { keys: [...(trustedKeys?.keys ?? []), ...published] } };
  }

  /** The installation's id, by this state. */
  instanceIn = ({ instance_id }: State): string => instance_id ?? this.#instanceId;

  /** Takes in a state, whether it could be written or not. */
  async read(state: State, isKept: boolean): Promise<void> {
    await this.#verify(state);
    const { licenseKey, candidateKey, certificates, revocations } = this.#verified;
    const { license_key, candidate, refusal, high_water } = state;
    const instanceId = this.instanceIn(state);
    const hash = license_key === null ? null : await sha256(license_key);
    const held: Holding = {
      ...(license_key === null ? NOBODY : { licenseKey, ...endsOf(state, license_key, instanceId) }),
      instanceId,
      marked: hash !== null && this.marked.has(hash),
      vouched: licenseKey?.fault === null || isVouched(state, hash),
      seenAt: parseOrNull(state.key_seen_at) ?? parseOrNull(state.confirmed_at) ?? 0,
      refusal: refusal?.key_sha256 === hash ? refusal : null,
    };
    this.#vouched = license_key !== null && held.vouched ? { licenseKey: license_key, hash: hash! } : null;
    const dates = [...certificates, ...(revocations ? [revocations] : [])].map(({ iat }) => iat);
    this.facts = {
      ...this.facts,
      held,
      candidate: candidate && {
        ...candidate,
        ...endsOf(state, candidate.license_key, candidate.instance_id ?? instanceId),
        licenseKey: candidateKey,
        instanceId: candidate.instance_id ?? instanceId,
        marked: this.marked.has(await sha256(candidate.license_key)),
        vouched: candidateKey?.fault === null,
        seenAt: Date.parse(candidate.seen_at),
        refusal: null,
      },
      certificates,
      revocations,
      warnings: state.warnings,
      overLimit: state.over_limit,
      nextCheckIn: state.next_check_in,
      lastFailure: this.#unasked ?? state.last_failure,
      isKept,
      highWater: Math.max((parseOrNull(high_water) ?? 0) / 1000, ...dates),
      lastSeenAt: state.last_seen_at,
      lastAttemptAt: state.last_attempt_at,
      clockAhead: state.clock_ahead,
      boundedSince: parseOrNull(state.bounded_since) ?? 0,
    };
  }

  /** The state with a note that its license key was vouched for: keys that go missing later do not change that. */
  note(state: State): State {
    const vouched = this.#vouched;
    return vouched && vouched.licenseKey === state.license_key && vouched.hash !== state.vouched_key_sha256
      ? { ...state, vouched_key_sha256: vouched.hash }
      : state;
  }

  /** Signatures are verified when a document changes, not at each call. */
  async #verify(state: State): Promise<void> {
    const { license_key, candidate, certificate, proven_certificate, revocations, jwks } = state;
    const candidateKey = candidate?.license_key ?? null;
    const source = JSON.stringify([
      license_key,
      candidateKey,
      certificate,
      proven_certificate,
      revocations,
      jwks,
    ]);
    if (source === this.#source) return;
    const trust = this.trust(state);
    const [key, other, list, ...held] = await Promise.all([
      license_key === null ? null : verifyLicenseKey(license_key, trust),
      candidateKey === null ? null : verifyLicenseKey(candidateKey, trust),
      revocations === null ? null : verifyRevocations(revocations, trust),
      ...[certificate, proven_certificate].map((text) =>
        text === null ? null : verifyCertificate(text, trust),
      ),
    ]);
    this.#verified = {
      licenseKey: key,
      candidateKey: other,
      certificates: held.flatMap((verdict) => verdict?.claims ?? []),
      revocations: list?.claims ?? null,
    };
    this.#source = source;
  }

  verified = (certificate: string, state: State): Promise<Verdict<CertificateClaims>> =>
    verifyCertificate(certificate, this.trust(state));

  /**
   * Documents that verify, belong to each other, to this instance and to the sent license key (null: none was
   * sent), and are not older than the stored ones; or a sentence that says why not.
   */
  async judge(
    brought: Brought,
    asked: Asked | null,
    state: State,
    from: Transport | null,
  ): Promise<Grant | string> {
    const known = await this.#judge(brought, asked, this.trust(state));
    if (known !== "unknown_key") return known;
    const keys = await this.publishedKeys(from);
    const judged = keys && (await this.#judge(brought, asked, this.trust({ jwks: keys })));
    if (judged === null || judged === "unknown_key") return "the documents are signed by an unknown key";
    return typeof judged === "string" ? judged : { ...judged, keys };
  }

  async #judge(brought: Brought, asked: Asked | null, trust: Trust): Promise<Grant | string> {
    const { licenseKey, certificate } = brought;
    const [key, read, sent] = await Promise.all([
      verifyLicenseKey(licenseKey, trust),
      verifyCertificate(certificate, trust),
      asked && verifyLicenseKey(asked.licenseKey, trust),
    ]);
    if (key.fault === "unknown_key" || read.fault === "unknown_key") return "unknown_key";
    const other = [key, read].find(({ fault }) => fault === "other_issuer");
    if (other?.fault === "other_issuer")
      return `the documents are of the issuer ${other.issuer}, and this installation expects ${this.#issuers.join(", ")}`;
    if (!key.claims || !read.claims) return "the documents do not verify";
    const { claims } = read;
    if (claims.sub !== (asked?.instanceId ?? this.facts.held.instanceId))
      return "the certificate is of another instance";
    if (claims.license_id !== key.claims.jti)
      return "the certificate and the license key are of two licenses";
    if (sent && sent.claims?.jti !== claims.license_id) return "the documents are of another license";
    if (asked?.nonce !== undefined && claims.nonce !== null && claims.nonce !== asked.nonce)
      return "it is the answer to another request";
    // A replayed old answer must not undo what the service said later.
    if (claims.iat < this.#newest(claims.license_id, claims.sub))
      return "the certificate is older than the one held";
    return {
      ...brought,
      licenseKey: licenseKey.trim(),
      certificate: certificate.trim(),
      claims,
      keyHash: await sha256(licenseKey.trim()),
      keys: null,
    };
  }

  /** When the newest certificate of that license and instance was signed, seconds; zero if none is stored. */
  #newest(licenseId: string, instanceId: string): number {
    const held = this.facts.certificates.filter(
      ({ license_id, sub }) => license_id === licenseId && sub === instanceId,
    );
    return Math.max(0, ...held.map(({ iat }) => iat));
  }

  /**
   * The signed time of a refusal, in seconds, if its document is the service's answer to this request and newer than
   * the stored documents; null if it counts as unsigned.
   */
  async judgeRefusal(
    token: string,
    code: string,
    asked: Asked,
    state: State,
    from: Transport,
  ): Promise<number | null> {
    if (!SIGNED_REFUSALS.includes(code)) return null;
    let trust = this.trust(state);
    let verdict = await verifyRefusal(token, trust);
    if (verdict.fault === "unknown_key") {
      const keys = await this.publishedKeys(from);
      if (keys === null) return null;
      trust = this.trust({ jwks: keys });
      verdict = await verifyRefusal(token, trust);
    }
    const { claims } = verdict;
    const licenseId = (await verifyLicenseKey(asked.licenseKey, trust)).claims?.jti;
    if (!claims || claims.sub !== asked.instanceId || claims.license_id !== licenseId || claims.code !== code)
      return null;
    if (claims.nonce !== asked.nonce) return null;
    return claims.iat < this.#newest(claims.license_id, claims.sub) ? null : claims.iat;
  }

  /** The keys that the service publishes; null if only pinned ones count, or nothing useful came. */
  async publishedKeys(from: Transport | null): Promise<KeySet | null> {
    if (this.#options.fetchKeys === false || from === null) return null;
    const answer = await from.get("/.well-known/jwks.json");
    return answer.unreachable === null && answer.status === 200 ? readKeySet(parseObject(answer.body)) : null;
  }
}

const NOBODY = {
  licenseKey: null,
  marked: false,
  vouched: false,
  seenAt: 0,
  leaseEnd: null,
  keyEnd: null,
  refusal: null,
};
