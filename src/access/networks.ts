// Whom the brakes take for one caller. Pure.

/**
 * An IPv4 address by itself, or the first half of an IPv6 one: whoever has a single connection has at least all the
 * addresses behind it (RFC 6177), and would be another caller with each guess.
 */
export function networkOf(ip: string | null): string {
  if (ip === null) return "-";
  if (!ip.includes(":") || ip.includes(".")) return ip;
  // Cloudflare writes an address in its one spelling (RFC 5952), where :: stands for as many zeros as are missing.
  const [head = "", tail] = ip.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  return `${[...first, ...zeros, ...last].slice(0, 4).join(":")}::/64`;
}
