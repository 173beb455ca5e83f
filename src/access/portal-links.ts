// Signing in to the customer's site by a mailed link. The link works once, for a quarter of an hour, and only in the
// browser that asked for it: the mail alone, read by somebody else or opened by a scanner, opens nothing.
import { base64url } from "jose";
import type { Context } from "../context.ts";
import { sha256 } from "../crypto/digests.ts";
import { macKey } from "../crypto/macs.ts";
import { asciiMailbox } from "../field/mailboxes.ts";
import { HOUR, MINUTE } from "../kernel/dates.ts";
import type { Language } from "../kernel/languages.ts";
import { Problem } from "../problems.ts";
import { named } from "../storage/database.ts";
import { networkOf } from "./networks.ts";
import { newSecret, openContactSession } from "./portal-sessions.ts";

export const LINK_MINUTES = 15;

const LASTS = LINK_MINUTES * MINUTE;

/** In an hour. Addresses that nobody has count alike, so that the limit does not tell which ones exist. */
const MOST_BY_ADDRESS = 3;
const MOST_BY_NETWORK = 20;

/** Counted by something that cannot be turned back into the address. */
async function counted({ config }: Context, what: "address" | "network", text: string): Promise<string> {
  const key = await macKey(config.sessionSecret, "portal-count");
  const mac = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(`${what}:${text}`));
  return base64url.encode(new Uint8Array(mac));
}

/** The contacts with an address: as it is written, and with its domain in ASCII. */
const AT_ADDRESS = `email COLLATE NOCASE IN (:email, :lower, :ascii) AND portal = 1
  AND EXISTS (SELECT 1 FROM customers u WHERE u.id = contacts.customer_id AND u.portal = 1)`;

const ASK = named(`
  INSERT INTO portal_links (hash, browser_hash, address_hash, network_hash, contacts, created_at)
  SELECT :hash, :browser, :address, :network,
    (SELECT json_group_array(json_array(id, version)) FROM contacts WHERE ${AT_ADDRESS}), :now
  WHERE (SELECT count(*) FROM portal_links WHERE address_hash = :address AND created_at > :since) < ${MOST_BY_ADDRESS}
    AND (SELECT count(*) FROM portal_links WHERE network_hash = :network AND created_at > :since) < ${MOST_BY_NETWORK}`);

const ADDRESSEE = named(`
  SELECT email, name, language FROM contacts WHERE ${AT_ADDRESS} ORDER BY created_at, id LIMIT 1`);

/** Whom to mail a link to. */
export interface Invitation {
  token: string;
  email: string;
  name: string | null;
  language: Language | null;
}

/**
 * Makes a link for an address, for the browser with this secret. The work is the same whether the address is known.
 * @returns what to mail, or null if no contact with this address may sign in
 * @throws Problem RATE_LIMITED
 */
export async function askForLink(
  context: Context,
  email: string,
  browserSecret: string,
): Promise<Invitation | null> {
  const { db, clock, ip } = context;
  const now = clock.now();
  const token = newSecret();
  const ascii = (asciiMailbox(email) ?? email).toLowerCase();
  const at = { email, lower: email.toLowerCase(), ascii };
  const [asked, found] = await db.batch([
    db.run(ASK, {
      ...at,
      hash: await sha256(token),
      browser: await sha256(browserSecret),
      address: await counted(context, "address", ascii),
      network: await counted(context, "network", networkOf(ip)),
      now,
      since: now - HOUR,
    }),
    db.run(ADDRESSEE, at),
  ]);
  if (asked?.meta.changes === 0) {
    throw new Problem("RATE_LIMITED", "Too many links were asked for. Wait an hour, or use a license key.", {
      retry_after: HOUR / 1_000,
    });
  }
  const contact = found?.results[0] as Omit<Invitation, "token"> | undefined;
  return contact === undefined ? null : { token, ...contact };
}

/** A contact that a link signs in. */
export interface Choice {
  contact_id: string;
  customer_id: string;
  customer_name: string;
}

const OPEN = `portal_links.hash = :hash AND portal_links.browser_hash = :browser
  AND portal_links.spent_at IS NULL AND portal_links.created_at > :since`;

const CHOICES = named(`
  SELECT c.id AS contact_id, u.id AS customer_id, coalesce(u.company, u.name) AS customer_name
  FROM portal_links, json_each(portal_links.contacts) asked
  JOIN contacts c ON c.id = asked.value ->> 0 AND c.version = asked.value ->> 1 AND c.portal = 1
  JOIN customers u ON u.id = c.customer_id AND u.portal = 1
  WHERE ${OPEN} ORDER BY customer_name, c.id`);

const termsOf = async ({ clock }: Context, token: string, browserSecret: string) => ({
  hash: await sha256(token),
  browser: await sha256(browserSecret),
  since: clock.now() - LASTS,
});

/** Whom the link can sign in; nobody if it is spent, too old or of another browser. Spends nothing. */
export async function choicesOf(context: Context, token: string, browserSecret: string): Promise<Choice[]> {
  const [found] = await context.db.batch([
    context.db.run(CHOICES, await termsOf(context, token, browserSecret)),
  ]);
  return (found?.results ?? []) as unknown as Choice[];
}

const SPEND = named(`
  UPDATE portal_links SET spent_at = :now WHERE ${OPEN} AND EXISTS (
    SELECT 1 FROM json_each(portal_links.contacts) asked
    JOIN contacts c ON c.id = asked.value ->> 0 AND c.version = asked.value ->> 1 AND c.portal = 1
    WHERE c.id = :contact)`);

/**
 * Signs a contact in and spends the link.
 * @returns the value of the session's cookie; null if the link does not sign this contact in
 */
export async function spendLink(
  context: Context,
  token: string,
  browserSecret: string,
  contactId: string,
): Promise<string | null> {
  const { db, clock } = context;
  const spend = db.run(SPEND, {
    ...(await termsOf(context, token, browserSecret)),
    now: clock.now(),
    contact: contactId,
  });
  return openContactSession(context, spend, contactId);
}
