// What a notice says: subject, HTML and a plain-text twin, from the same data.
import { html } from "hono/html";

export interface Rendered {
  subject: string;
  html: string;
  text: string;
  attachments: { filename: string; content: string }[];
}

export interface LicenseFacts {
  product: string;
  customer_name: string;
  company: string | null;
  license_id: string;
  license_type: string;
  expires_at: number | null;
  grace_until: number | null;
  features: string[];
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
  /** Whom to ask. */
  contact: string;
}

export interface DigestRow {
  license_id: string;
  customer_name: string;
  expires_at: number | null;
}

export type Notice =
  | { kind: "license_delivery"; facts: LicenseFacts; license_key: string }
  | { kind: "license_renewed"; facts: LicenseFacts; license_key: string }
  | { kind: "expiry_warning"; facts: LicenseFacts; days_left: number }
  | { kind: "license_expired"; facts: LicenseFacts }
  | {
      kind: "admin_digest";
      product: string;
      day: string;
      expiring: DigestRow[];
      expired: DigestRow[];
      bounced: { to: string; kind: string; license_id: string | null }[];
      at_limit: { license_id: string; customer_name: string; active: number; max: number }[];
      /** Due a notice, but the customer has no e-mail address. */
      unreachable: DigestRow[];
    };

const day = (at: number | null): string => (at === null ? "never" : new Date(at).toISOString().slice(0, 10));

const listed = (title: string, lines: string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `- ${line}`)];

const licenseLine = (row: DigestRow): string =>
  `${row.license_id} (${row.customer_name}), ends ${day(row.expires_at)}`;

function linesOf(notice: Notice): string[] {
  if (notice.kind === "admin_digest") {
    const bounced = notice.bounced.map(({ to, kind }) => `${to}: ${kind}`);
    const full = notice.at_limit.map(
      (row) => `${row.license_id} (${row.customer_name}): ${row.active}/${row.max}`,
    );
    return [
      ...listed("Expiring", notice.expiring.map(licenseLine)),
      ...listed("Expired", notice.expired.map(licenseLine)),
      ...listed("Bounced", bounced),
      ...listed("At their limit", full),
      ...listed("Without an e-mail address", notice.unreachable.map(licenseLine)),
    ];
  }
  const { facts } = notice;
  return [
    `Hello ${facts.customer_name},`,
    `your ${facts.product} license ${facts.license_id} ends: ${day(facts.expires_at)}.`,
    `With its grace period: ${day(facts.grace_until)}.`,
    ...("license_key" in notice ? [notice.license_key] : []),
    `Questions and renewals: ${facts.contact}`,
  ];
}

const SUBJECTS = {
  license_delivery: "Your license",
  license_renewed: "Your license is renewed",
  license_expired: "Your license has ended",
};

function subjectOf(notice: Notice): string {
  if (notice.kind === "admin_digest") return `${notice.product} licenses, ${notice.day}`;
  const { product } = notice.facts;
  if (notice.kind === "expiry_warning") return `${product}: your license ends in ${notice.days_left} days`;
  return `${product}: ${SUBJECTS[notice.kind]}`;
}

export async function render(notice: Notice): Promise<Rendered> {
  const lines = linesOf(notice);
  const page = await html`<!doctype html>
    <html lang="en">
      <body>
        ${lines.map((line) => html`<p>${line}</p>`)}
      </body>
    </html>`;
  const attachments =
    notice.kind === "license_delivery" || notice.kind === "license_renewed"
      ? [{ filename: `${notice.facts.license_id}.license`, content: btoa(notice.license_key) }]
      : [];
  return { subject: subjectOf(notice), html: page.toString(), text: lines.join("\n\n"), attachments };
}
