// Judging signed documents without the service: a license key, an activation certificate, a .caio-license file,
// a revocation list, a usage statement. The facts come from the document and the revocation list, if given. Pure.
import { createHash } from "node:crypto";
import { cleaned, wasMarked } from "../../field/pasted.ts";
import { DAY, formatInstant, formatInstantOrNull, SECOND } from "../../kernel/dates.ts";
import { refusalOf, type Standing, standingOf, type Term } from "../../licensing/licenses/standing.ts";
import type { Statement } from "../shapes.ts";
import { authenticate, authenticateAs, KINDS, NotAuthentic, type Trust } from "./authenticity.ts";

interface Terms {
  license_type: string;
  features: string[];
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
}

interface KeyClaims extends Terms {
  sub: string;
  jti: string;
  nbf?: number;
  exp?: number;
  rev: number;
}

interface CertificateClaims extends Terms {
  sub: string;
  iat: number;
  exp: number;
  license_id: string;
  customer_id: string;
  license_expires_at: string | null;
  grace_until: string | null;
}

interface ListClaims {
  iat: number;
  exp: number;
  revoked: string[];
  suspended: string[];
  superseded: Record<string, number>;
}

/** What was used, as a statement says it. */
type Figures = Pick<Statement, "meters" | "requests" | "services" | "days_without_report">;

interface StatementClaims extends Figures {
  iat: number;
  license_id: string;
  customer_id: string;
  month: string;
  revision: number;
  previous: string | null;
}

export interface Verdict {
  valid: boolean;
  /** VALID, or why not; the service's own code if it has one. */
  code: string;
  detail: string;
  kind: string;
  issuer?: string;
  kid?: string;
  standing?: Standing;
  license_id?: string;
  customer_id?: string;
  instance_id?: string;
  revision?: number;
  /** The first instant when the document no longer lets anything run; null: it has no end. */
  valid_until?: string | null;
  license_expires_at?: string | null;
  terms?: Terms;
  entries?: { revoked: number; suspended: number; superseded: number };
  /** `hash` is what the next revision has as `previous`. */
  statement?: Figures & { month: string; closed_at: string; previous: string | null; hash: string };
}

/** What is known apart from the document itself. */
export interface Circumstances {
  now: number;
  revocations: ListClaims | null;
}

const VALID = { valid: true, code: "VALID", detail: "It is genuine and valid." };

const statusIn = (list: ListClaims | null, licenseId: string): Term["status"] =>
  list?.revoked.includes(licenseId)
    ? "revoked"
    : list?.suspended.includes(licenseId)
      ? "suspended"
      : "active";

const termsOf = ({
  license_type,
  features,
  max_instances,
  max_services,
  max_requests_per_day,
}: Terms): Terms => ({
  license_type,
  features,
  max_instances,
  max_services,
  max_requests_per_day,
});

const refused = (code: string, detail: string) => ({ valid: false, code, detail });

/** Whether a license lets anything run, as far as the document and the list tell. */
function outcomeOf(standing: Standing) {
  const refusal = refusalOf(standing);
  return refusal === null ? VALID : refused(refusal, `The license is ${standing}.`);
}

function judgeKey(claims: KeyClaims, { now, revocations }: Circumstances) {
  const expires = claims.exp === undefined ? null : claims.exp * SECOND;
  const standing = standingOf(
    {
      status: statusIn(revocations, claims.jti),
      starts_at: claims.nbf === undefined ? null : claims.nbf * SECOND,
      expires_at: expires,
      // A key does not contain the grace; the service and its certificates do.
      grace_days: 0,
    },
    now,
  );
  const lowest = revocations?.superseded[claims.jti] ?? 1;
  return {
    ...(claims.rev < lowest
      ? refused(
          "LICENSE_KEY_SUPERSEDED",
          `The key is of revision ${claims.rev}; ${lowest} is the lowest accepted.`,
        )
      : outcomeOf(standing)),
    standing,
    license_id: claims.jti,
    customer_id: claims.sub,
    revision: claims.rev,
    valid_until: formatInstantOrNull(expires),
    license_expires_at: formatInstantOrNull(expires),
    terms: termsOf(claims),
  };
}

function judgeCertificate(claims: CertificateClaims, { now, revocations }: Circumstances) {
  const ends = claims.exp * SECOND;
  const expires = claims.license_expires_at === null ? null : Date.parse(claims.license_expires_at);
  const grace =
    claims.grace_until === null || expires === null ? 0 : Date.parse(claims.grace_until) - expires;
  const status = statusIn(revocations, claims.license_id);
  const standing = standingOf({ status, starts_at: null, expires_at: expires, grace_days: grace / DAY }, now);
  const outcome = outcomeOf(standing);
  return {
    ...(outcome.valid && now >= ends
      ? refused("LEASE_EXPIRED", "The lease of the instance has ended.")
      : outcome),
    standing,
    license_id: claims.license_id,
    customer_id: claims.customer_id,
    instance_id: claims.sub,
    valid_until: formatInstant(ends),
    license_expires_at: claims.license_expires_at,
    terms: termsOf(claims),
  };
}

function judgeList({ exp, revoked, suspended, superseded }: ListClaims, { now }: Circumstances) {
  return {
    ...(now < exp * SECOND ? VALID : refused("LIST_EXPIRED", "The list is too old: get a new one.")),
    valid_until: formatInstant(exp * SECOND),
    entries: {
      revoked: revoked.length,
      suspended: suspended.length,
      superseded: Object.keys(superseded).length,
    },
  };
}

/** It has no end: what was used in a month stays what it was. */
function judgeStatement(claims: StatementClaims, token: string) {
  const { iat, license_id, customer_id, month, revision, previous } = claims;
  const { meters, requests, services, days_without_report } = claims;
  return {
    ...VALID,
    license_id,
    customer_id,
    revision,
    statement: {
      month,
      closed_at: formatInstant(iat * SECOND),
      previous,
      hash: createHash("sha256").update(token).digest("hex"),
      meters,
      requests,
      services,
      days_without_report,
    },
  };
}

interface FileContent {
  license_key: string;
  certificate: string;
  [member: string]: unknown;
}

const fileContent = (content: string): FileContent | null => {
  try {
    const file = JSON.parse(content) as Partial<FileContent> | null;
    const isOurs =
      file?.["format"] === "caio-license" &&
      typeof file.license_key === "string" &&
      typeof file.certificate === "string";
    return isOurs ? (file as FileContent) : null;
  } catch {
    return null;
  }
};

/** As installations judge: a certificate newer than the list wins, since the service knew the list when it signed. */
const besides = (certificate: CertificateClaims, { now, revocations }: Circumstances): Circumstances => ({
  now,
  revocations: revocations && certificate.iat > revocations.iat ? null : revocations,
});

/** Both documents in the file must be genuine, and match the file's plain text. */
async function judgeFile(file: FileContent, trust: Trust, given: Circumstances) {
  const key = await authenticateAs("license+jwt", cleaned(file.license_key), trust);
  const certificate = await authenticateAs("activation+jwt", cleaned(file.certificate), trust);
  const keyClaims = key.claims as KeyClaims;
  const claims = certificate.claims as CertificateClaims;
  const circumstances = besides(claims, given);
  const judged = judgeCertificate(claims, circumstances);
  const said: Record<string, unknown> = {
    issuer: certificate.issuer,
    license_id: keyClaims.jti,
    customer_id: keyClaims.sub,
    instance_id: claims.sub,
    lease_expires_at: judged.valid_until,
    license_expires_at: judged.license_expires_at,
  };
  const altered = Object.keys(said).filter((member) => file[member] !== said[member]);
  const fits = keyClaims.jti === claims.license_id && altered.length === 0;
  const { code, detail } = judgeKey(keyClaims, circumstances);
  const outcome = fits
    ? // The certificate outlives the key's dates by the grace, but a replaced key stays replaced.
      code === "LICENSE_KEY_SUPERSEDED"
      ? refused(code, detail)
      : {}
    : refused(
        "FILE_ALTERED",
        `The file was altered: ${altered.join(", ") || "its two documents do not belong together"}.`,
      );
  return {
    issuer: certificate.issuer,
    kid: certificate.kid,
    ...judged,
    revision: keyClaims.rev,
    ...outcome,
  };
}

/** A revocation list to judge other documents by; the caller judges its age. @throws NotAuthentic */
export async function readRevocations(token: string, trust: Trust): Promise<ListClaims> {
  const { claims } = await authenticateAs("revocations+jwt", cleaned(token), trust);
  return claims as ListClaims;
}

const MARKED = " Quotes, a name in front, and blanks or invisible characters in it were ignored.";

/** Judges a document of any type, however it was pasted. */
export async function judge(content: string, trust: Trust, circumstances: Circumstances): Promise<Verdict> {
  const file = fileContent(content);
  let kind = file ? ".caio-license file" : "document";
  try {
    if (file) return { kind, ...(await judgeFile(file, trust, circumstances)) };
    const token = cleaned(content);
    const { type, kid, issuer, claims } = await authenticate(token, trust);
    kind = KINDS[type];
    const judged = {
      "license+jwt": () => judgeKey(claims as KeyClaims, circumstances),
      "activation+jwt": () => {
        const certificate = claims as CertificateClaims;
        return judgeCertificate(certificate, besides(certificate, circumstances));
      },
      "revocations+jwt": () => judgeList(claims as ListClaims, circumstances),
      "usage-statement+jwt": () => judgeStatement(claims as StatementClaims, token),
    }[type]();
    return { kind, issuer, kid, ...judged };
  } catch (error) {
    if (error instanceof NotAuthentic) {
      const marked = !file && wasMarked(content) ? MARKED : "";
      return { kind, ...refused(error.code, `${error.message}${marked}`) };
    }
    throw error;
  }
}
