// Encrypts what only the service itself reads again: AES-256-GCM (NIST SP 800-38D) under a key that HKDF (RFC 5869)
// derives from SESSION_SECRET for one purpose.

const IV_BYTES = 12;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const derived = new Map<string, Promise<CryptoKey>>();

/** Derived once per isolate and purpose: the nightly job seals thousands of mails. */
function keyFor(secret: string, purpose: string): Promise<CryptoKey> {
  const name = `${purpose}\n${secret}`;
  const known = derived.get(name);
  if (known) return known;
  const key = derive(secret, purpose);
  derived.set(name, key);
  return key;
}

async function derive(secret: string, purpose: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encode(secret), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encode(purpose) },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** Encrypts `text`. It opens only with the same `belongsTo`, so that no row can pass for another. */
export async function seal(
  secret: string,
  purpose: string,
  belongsTo: string,
  text: string,
): Promise<ArrayBuffer> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: encode(belongsTo) },
    await keyFor(secret, purpose),
    encode(text),
  );
  const whole = new Uint8Array(IV_BYTES + sealed.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(sealed), IV_BYTES);
  return whole.buffer;
}

/** What was sealed, or null if the secret or the bytes have changed since. */
export async function unseal(
  secret: string,
  purpose: string,
  belongsTo: string,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<string | null> {
  try {
    const opened = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: sealed.subarray(0, IV_BYTES), additionalData: encode(belongsTo) },
      await keyFor(secret, purpose),
      sealed.subarray(IV_BYTES),
    );
    return new TextDecoder().decode(opened);
  } catch {
    return null;
  }
}
