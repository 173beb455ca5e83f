// Which public keys can prove anything. Pure.

/** 2^255 − 19, the prime of the field that Ed25519 works in (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n;

// The y of the points of order 1, 2, 4 and 8, one for each pair of signs. With such a public key, anybody can make
// signatures that verify, without a private half.
const Y8 =
  2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

/** 32 bytes in canonical base64url: the last character carries four bits and no others. */
const BYTES = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * Whether the `x` of an Ed25519 JWK (RFC 8037) is a key that only the holder of the private half can sign for: it is
 * canonical, and not of small order.
 */
export function isSoundKey(x: string): boolean {
  if (!BYTES.test(x)) return false;
  const bytes = Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (sign) =>
    sign.charCodeAt(0),
  );
  // Little-endian. The highest bit is the sign of x; the order of a point does not depend on it.
  bytes[31]! &= 0x7f;
  const y = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return y < P && !SMALL_ORDER.has(y);
}
