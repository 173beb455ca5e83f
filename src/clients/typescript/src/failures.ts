// Why the service was not reached, in words that an operator can act on. Pure.

export const TOO_LATE = "no answer in time";

/** The words for the error codes of Node and undici; the Python client uses the same words. */
const REASONS: Record<string, string> = {
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "no route to host",
  ETIMEDOUT: TOO_LATE,
  UND_ERR_CONNECT_TIMEOUT: TOO_LATE,
  UND_ERR_HEADERS_TIMEOUT: TOO_LATE,
  UND_ERR_BODY_TIMEOUT: TOO_LATE,
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate verify failed: self-signed certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate verify failed: self-signed certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate verify failed: unknown issuer",
  UNABLE_TO_GET_ISSUER_CERT: "certificate verify failed: unknown issuer",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate verify failed: unknown issuer",
  CERT_HAS_EXPIRED: "certificate verify failed: expired",
  CERT_NOT_YET_VALID: "certificate verify failed: not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate verify failed: host name does not match",
};

/** fetch says "fetch failed" and hides why in the cause, or in the causes of several addresses. */
export function reasonOf(error: unknown): string {
  const chain = causesOf(error);
  for (const one of chain) {
    const known = REASONS[String((one as NodeJS.ErrnoException).code)];
    if (known !== undefined) return known;
    if (one.name === "TimeoutError") return TOO_LATE;
    // OpenSSL's own words are about its source files.
    const tls = /^ERR_SSL_(\w+)$/.exec(String((one as NodeJS.ErrnoException).code))?.[1];
    if (tls !== undefined) return `no TLS connection: ${tls}`;
    const proxy = /proxy response \((\d{3})\)/i.exec(one.message)?.[1];
    if (proxy !== undefined) return `proxy answered ${proxy}`;
  }
  // The one fault that fetch does not name: a proxy that answers in the service's place.
  if (chain.length > 1 && chain.at(-1)!.message === "") return "proxy answered 407";
  return chain.findLast(({ message }) => message !== "")?.message ?? "the request failed";
}

function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return typeof error === "string" ? [new Error(error)] : [];
  const several = error instanceof AggregateError ? error.errors.slice(0, 1) : [];
  return [error, ...several.flatMap(causesOf), ...causesOf(error.cause)];
}
