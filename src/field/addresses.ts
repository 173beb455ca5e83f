// Whether two addresses of a service are the same. This only compares: a document keeps the address it was signed with.
// Pure.
import { trimmed } from "./pasted.ts";

const ADDRESS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is;

const DEFAULT_PORTS: Record<string, RegExp> = { http: /:80$/, https: /:443$/ };

function withoutSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

/**
 * An address in canonical form: trimmed, with scheme and host in lower case, and without the scheme's default port, a
 * dot at the end of the host, and slashes at the end. A text that is no URL only loses blanks and the slashes at its
 * end.
 */
export function canonicalAddress(text: string): string {
  const address = withoutSlashes(trimmed(text));
  const [, scheme, host, path] = ADDRESS.exec(address) ?? [];
  if (scheme === undefined || host === undefined || path === undefined) return address;
  const known = scheme.toLowerCase();
  const [, name = "", port = ""] =
    /^(.*?)(:\d*)?$/.exec(host.toLowerCase().replace(DEFAULT_PORTS[known] ?? /$^/, "")) ?? [];
  return `${known}://${name.replace(/\.$/, "")}${port}${path}`;
}

export const isSameAddress = (one: string, other: string): boolean =>
  one === other || canonicalAddress(one) === canonicalAddress(other);

/** The addresses of a comma-separated list, which may be empty. */
export const addressesIn = (list: string): string[] =>
  list
    .split(",")
    .map((address) => withoutSlashes(trimmed(address)))
    .filter((address) => address !== "");
