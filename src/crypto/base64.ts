// Base64 with padding (RFC 4648 section 4), for standards that ask for it.
export const base64 = {
  encode: (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)),
  /** @throws if it is not base64 */
  decode: (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
};
