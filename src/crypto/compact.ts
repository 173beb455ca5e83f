// The outer shape of a compact JWS (RFC 7515 section 7.1) and of base64url, checked before anything is decoded.

/** Far above any genuine document; bounds the work that a hostile one can cause. */
const MAX_LENGTH = 16_384;

// Canonical base64url. Decoders ignore padding, blanks and the unused bits of the last character, so without this
// check one signature would be valid for many tokens (RFC 4648 section 3.5).
const PART = "(?:[\\w-]{4})*(?:[\\w-]{2}[AEIMQUYcgkosw048]|[\\w-][AQgw])?";

const ENCODED = new RegExp(`^${PART}$`);
const SHAPE = new RegExp(`^${PART}\\.${PART}\\.${PART}$`);

/** Whether a text is canonical base64url, as an encoder writes it. */
export const isBase64url = (text: string): boolean => ENCODED.test(text);

/** Whether a token could have been signed as it stands, character by character. */
export const isCompactJws = (token: string, maxLength = MAX_LENGTH): boolean =>
  token.length <= maxLength && SHAPE.test(token);
