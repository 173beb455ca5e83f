// Texts from people and tools: pasted keys, addresses, ids and files. Pure.

/** Blanks and invisible characters: mail programs, wikis and shells put them into keys. */
const UNSEEN = /[\p{White_Space}\p{Cf}]/gu;

const EDGES = /^[\p{White_Space}\p{Cf}]+|[\p{White_Space}\p{Cf}]+$/gu;

/** One pair of quotes around a key, or the name of a variable in front. "export NAME=" has lost its blank by then. */
const WRAPPINGS = [/^"(.*)"$/, /^'(.*)'$/, /^`(.*)`$/, /^<(.*)>$/, /^[A-Za-z_][A-Za-z0-9_]*=(.*)$/];

/** No key is this long, even with added marks; a longer text must not cause work. */
const LONGEST = 65_536;

/** The license key in a text: base64url and dots contain no dropped character, so the signature still decides. */
export function cleanKey(text: string): string {
  if (text.length > LONGEST) return text;
  let key = text.replaceAll(UNSEEN, "");
  for (;;) {
    const peeled = WRAPPINGS.map((wrapping) => wrapping.exec(key)?.[1]).find((inner) => inner !== undefined);
    if (peeled === undefined) return key;
    key = peeled;
  }
}

/** Whether more than blanks around the key had to be removed. */
export const hasMarks = (text: string): boolean => cleanKey(text) !== text.trim();

/** What a detail says about a key that had marks. Nothing of the key is echoed. */
export const PASSED_OVER = " Quotes, a name in front or characters that nobody sees were passed over in it.";

/** An instance id as it is compared and sent: "a " and "a" are one instance. */
export const cleanId = (text: string): string => text.replaceAll(EDGES, "").normalize("NFC");

/** Whether there is nothing in it that anybody sees. */
export const isBlank = (text: string | undefined): boolean => (text ?? "").replaceAll(UNSEEN, "") === "";

/** Whether the service accepts it. */
export const isInstanceId = (text: string): boolean => /^[^\p{C}]{1,128}$/u.test(text) && text.trim() !== "";

const DEFAULT_PORTS: Record<string, string> = { http: ":80", https: ":443" };

/** An address as it is compared and requested: differences without meaning are removed. */
export function canonicalAddress(text: string): string {
  const trimmed = text
    .replaceAll(EDGES, "")
    .replaceAll(/[\t\r\n]/g, "")
    .replace(/\/+$/, "");
  // A user is not part of it: fetch takes none, and a password would get into logs.
  const [, scheme, host, path = ""] =
    /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#@]+)([^?#]*)/.exec(trimmed) ?? [];
  if (scheme === undefined || host === undefined) return trimmed;
  const protocol = scheme.toLowerCase();
  const port = DEFAULT_PORTS[protocol];
  const named = port !== undefined && host.endsWith(port) ? host.slice(0, -port.length) : host;
  const plain = named.toLowerCase().replace(/\.(?=:\d+$|$)/, "");
  return `${protocol}://${plain}${path.replace(/\/+$/, "")}`;
}

/** Host names may have letters of all scripts. */
const SERVICE =
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  /^https?:\/\/(?:\[[0-9a-f:.]+\]|[^\s\u0000-\u0020\u007F/?#@:[\]\\<>^`{|}%"]+)(?::(\d{1,5}))?(?:\/\S*)?$/u;

/**
 * Why no service can be asked at an address, which is canonical; null if it can. Nothing of it is repeated: it may hold
 * a password.
 */
export function addressFault(address: string): string | null {
  const found = SERVICE.exec(address);
  return found === null || Number(found[1] ?? 0) > 65_535
    ? "the url is no address of a service, which looks like https://licensing.example"
    : null;
}

/** The addresses of a comma-separated list. */
export const addressesOf = (list: string): string[] =>
  list
    .split(",")
    .map(canonicalAddress)
    .filter((address) => address !== "");

/** Without the byte order mark that Windows puts in front. */
export const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");

/**
 * The text of a file, which is UTF-8 with a byte order mark or without.
 * @throws TypeError that says so if it is UTF-16, as PowerShell writes it, or not text at all
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const [first, second] = bytes;
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (marked || (bytes.length > 1 && bytes.length % 2 === 0 && (first === 0) !== (second === 0)))
    throw new TypeError(`${name} is UTF-16; save it as UTF-8.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new TypeError(`${name} is not UTF-8.`);
  }
}

/** The issuers whose documents count, by the options of these names. @throws TypeError where neither is given */
export function issuersOf({
  issuer,
  url,
}: {
  issuer?: string | undefined;
  url?: string | undefined;
}): readonly string[] {
  const named = addressesOf(issuer ?? "");
  // A mistyped address is an issuer too: one whose documents nobody has.
  const issuers = named.length > 0 || isBlank(url) ? named : [canonicalAddress(url!) || url!.trim()];
  if (issuers.length === 0) throw new TypeError("Where is the license service? Give its url, or the issuer.");
  return issuers;
}
