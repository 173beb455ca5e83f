// Which addresses may be told of events. Whoever may add an endpoint could otherwise make this service call machines
// that only it can reach (SSRF). Pure. What a name resolves to is the platform's: the compatibility flag
// global_fetch_strictly_public of wrangler.toml.
import { LOOPBACK } from "../field/variables.ts";

export const MAX_URL = 2_048;

/** The last labels of names that are private, or mean this machine: RFC 6761, 6762 and its appendix G, 8375; ICANN. */
const PRIVATE = new Set([
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "arpa",
  "onion",
]);

const IPV4 = /^\d+(?:\.\d+){3}$/;

/** What programs read differently from each other, so that one would check another address than is called. */
const AMBIGUOUS = /[\s\\\p{C}]/u;

const portOf = ({ port, protocol }: URL): string => port || (protocol === "https:" ? "443" : "80");

const isLoopback = (url: URL): boolean => LOOPBACK.has(url.hostname);

/**
 * Why events must not be sent to an address, or null if they may.
 * @param issuers the addresses of this service. If the first is on this machine, receivers may be there, too
 */
export function addressFault(text: string, issuers: readonly string[]): string | null {
  if (text.length > MAX_URL) return `Must have at most ${MAX_URL} characters`;
  const url = AMBIGUOUS.test(text) || !/^https?:\/\/[^/]/i.test(text) ? null : URL.parse(text);
  if (url === null) return "Must be an https address";
  // Also an empty name, which the parsed address does not show any more.
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) return "Must not have a user name or a password";
  if (text.includes("#")) return "Must not have a fragment";
  const own = issuers.flatMap((issuer) => URL.parse(issuer) ?? []);
  if (own[0] && isLoopback(own[0]) && isLoopback(url)) {
    // All names of this machine are one host; only the port tells its services apart.
    return own.some((issuer) => isLoopback(issuer) && portOf(issuer) === portOf(url))
      ? "Must not be an address of this service"
      : null;
  }
  if (url.protocol !== "https:") return "Must be an https address";
  // The parser leaves the default port out, also where it is written.
  if (url.port !== "") return "Must have no other port than 443";
  return (
    hostFault(url.hostname) ?? (own.some(({ hostname }) => bare(hostname) === url.hostname) ? OWN : null)
  );
}

const OWN = "Must not be an address of this service";

const bare = (host: string): string => host.replace(/\.$/, "");

/** @param host as a URL has it: the parser turned every spelling of an IPv4 address into four decimal numbers, and refused
 * other hosts that end with a number */
function hostFault(host: string): string | null {
  if (host.startsWith("[") || IPV4.test(bare(host))) return "Must name a host, not an IP address";
  if (host.endsWith(".")) return "The host must not end with a dot";
  const labels = host.split(".");
  const last = labels.at(-1)!;
  if (PRIVATE.has(last)) return "Must be a public host";
  return labels.length < 2 || labels.includes("") ? "Must be the full name of a public host" : null;
}
