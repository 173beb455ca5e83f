// HMAC-SHA-256 (RFC 2104) for what only the service itself checks: sessions, forms, the marks of tokens.

const utf8 = new TextEncoder();

const imported = new Map<string, Promise<CryptoKey>>();

/** A key for one purpose, imported once per isolate: a page needs two, and importing costs more than signing. */
export function macKey(
  secret: string,
  purpose: "session" | "form" | "token" | "portal-form" | "portal-count",
): Promise<CryptoKey> {
  const name = `${purpose}:${secret}`;
  const known = imported.get(name);
  if (known) return known;
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = crypto.subtle.importKey("raw", utf8.encode(name), hmac, false, ["sign", "verify"]);
  imported.set(name, key);
  return key;
}
