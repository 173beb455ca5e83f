// SHA-256 as lower-case hex, and its comparison in constant time.

const encoder = new TextEncoder();

export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Compares digests in a time that reveals neither the content nor the length of what was hashed. */
export const equalDigests = (a: string, b: string): boolean =>
  a.length === b.length && crypto.subtle.timingSafeEqual(encoder.encode(a), encoder.encode(b));
