// Which addresses the rate limits count as one caller. Pure.

/**
 * A whole IPv4 address, or the first half of an IPv6 address: a single connection has at least all the addresses in
 * that half (RFC 6177), so each guess could come from another one.
 */
export function networkOf(ip: string | null): string {
  if (ip === null) return "-";
  if (!ip.includes(":") || ip.includes(".")) return ip;
  // Cloudflare writes addresses in their canonical form (RFC 5952): :: stands for the missing groups of zeros.
  const [head = "", tail] = ip.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}
