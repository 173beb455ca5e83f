// E-mail addresses, as people write them: the domain may be in any script (RFC 5890), the part before the @ is ASCII,
// which every mail server takes. Pure.
import * as z from "zod/mini";

const LOCAL = /^(?!\.)(?!.*\.\.)[A-Za-z0-9_'+.-]{1,64}(?<![.'])$/;

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/** What a host name in any script may hold. The URL parser takes more, and would read it as something else. */
const HOST = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u;

const MAX_LENGTH = 254;

/**
 * The address as mail servers take it, with its domain in ASCII (xn--…); null if it is no address.
 */
export function asciiMailbox(text: string): string | null {
  const at = text.lastIndexOf("@");
  const [local, host] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || !LOCAL.test(local) || !HOST.test(host)) return null;
  // The parser applies IDNA (UTS 46), as browsers do.
  const domain = /[^\0-\x7f]/.test(host) ? URL.parse(`http://${host}`)?.hostname : host;
  if (domain === undefined || domain.length > 253 || !DOMAIN.test(domain.toLowerCase())) return null;
  const address = `${local}@${domain}`;
  return address.length <= MAX_LENGTH ? address : null;
}

/** An e-mail address of a customer, a contact or a recipient, kept as it is written. */
export const Mailbox = z.string().check(
  z.trim(),
  z.maxLength(MAX_LENGTH),
  z.refine(
    (text) => asciiMailbox(text) !== null,
    "Must be an e-mail address; only the part after the @ may hold other letters than ASCII",
  ),
  z.meta({ format: "idn-email" }),
);

/** Whether two addresses are the same mailbox. Servers tell letters before the @ apart by case in theory only. */
export const isSameMailbox = (one: string, other: string): boolean =>
  (asciiMailbox(one) ?? one).toLowerCase() === (asciiMailbox(other) ?? other).toLowerCase();

// RFC 5322 section 3.2.3: these are not allowed in a name without quotes.
const SPECIALS = /[()<>[\]:;@\\,."]/;

/**
 * A sender as a header has it: `address`, or `name <address>` with the name in quotes where it needs them.
 * @returns null if it is neither
 */
export function senderOf(text: string): string | null {
  const named = /^\s*([^\p{Cc}]{1,128}?)\s*<([^<>]+)>\s*$/u.exec(text);
  const address = asciiMailbox((named?.[2] ?? text).trim());
  if (address === null) return null;
  if (!named) return address;
  const given = named[1]!;
  const quoted = /^"(.*)"$/u.exec(given);
  const name = quoted ? quoted[1]!.replaceAll(/\\(.)/gu, "$1") : given;
  if (name.trim() === "") return address;
  return `${SPECIALS.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name} <${address}>`;
}
