// The variable BRAND: how the vendor looks to customers. A fault in it must not stop anything, so it is read apart from
// the other variables: then the default is used, and staff are told.
import * as z from "zod/mini";
import { Mailbox } from "./mailboxes.ts";

export interface Brand {
  /** Who writes; null: the product. */
  name: string | null;
  /** An https address, or null. */
  logo: string | null;
  /** #rrggbb, in lower case. Whoever uses it makes it readable (src/kernel/contrast.ts). */
  color: string;
  /** Lines at the end of each mail. */
  footer: string[];
  /** Whom customers ask; null: the address that mail comes from. */
  support: string | null;
}

export const DEFAULT_BRAND: Brand = { name: null, logo: null, color: "#1d5bd6", footer: [], support: null };

const line = (max: number) =>
  z
    .string()
    .check(z.trim(), z.minLength(1), z.maxLength(max), z.regex(/^\P{Cc}*$/u, "holds control characters"));

/** An https address, or the path of a file that this service serves. Mail has no base, so paths are made absolute. */
const logoOf = (text: string, issuer: string): string | null => {
  const url = /^\/(?!\/)(?:[\w-]+\/)*assets\//.test(text) ? URL.parse(text, issuer) : URL.parse(text);
  const ownPath = text.startsWith("/") && url?.origin === URL.parse(issuer)?.origin;
  return url !== null && (ownPath || url.protocol === "https:") && !url.username && !url.password
    ? url.href
    : null;
};

const BrandInput = z.strictObject({
  name: z.optional(line(80)),
  logo: z.optional(line(500)),
  color: z.optional(
    z.string().check(z.regex(/^#[0-9a-f]{6}$/i, "is not a color like #1d5bd6"), z.toLowerCase()),
  ),
  footer: z.optional(z.string().check(z.maxLength(1_000), z.regex(/^[\P{Cc}\r\n\t]*$/u))),
  support: z.optional(Mailbox),
});

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns the default and the fault, in words, if `value` cannot be used */
export function readBrand(value: unknown, issuer: string): { brand: Brand; fault: string | null } {
  const none = (fault: string | null) => ({ brand: DEFAULT_BRAND, fault });
  if (value === undefined || value === null || value === "") return none(null);
  // wrangler.toml can hold it as a table; then it is an object already.
  const input = typeof value === "string" ? parsedJson(value) : value;
  if (input === undefined) return none("BRAND is not JSON");
  const { data, error } = BrandInput.safeParse(input);
  if (data === undefined) {
    const [issue] = error.issues;
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    if (unknown !== undefined) return none(`BRAND has an unknown member: ${unknown.slice(0, 40)}`);
    const member = issue?.path[0];
    return none(member === undefined ? "BRAND is not a JSON object" : `BRAND has a wrong ${String(member)}`);
  }
  const logo = data.logo === undefined ? null : logoOf(data.logo, issuer);
  if (data.logo !== undefined && logo === null)
    return none("BRAND has a wrong logo: it is neither an https address nor a path with /assets/");
  return {
    brand: {
      name: data.name ?? null,
      logo,
      color: data.color ?? DEFAULT_BRAND.color,
      footer: (data.footer ?? "")
        .split("\n")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
      support: data.support ?? null,
    },
    fault: null,
  };
}
