// What counts as a text file: UTF-8, with or without the byte order mark that editors write in front. Pure.

/** Why bytes are no text; the message goes behind the name of the file. */
export class NotText extends Error {}

const PAIRS_LOOKED_AT = 64;

/** By its byte order mark; without one by the zeros that every other byte of it is, as no text in UTF-8 has them. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const start = bytes.subarray(0, 2 * Math.min(PAIRS_LOOKED_AT, Math.floor(bytes.length / 2)));
  if (start.length === 0) return false;
  const isZero = (parity: number): boolean =>
    start.every((byte, at) => at % 2 !== parity || byte === 0) && start.some((byte) => byte !== 0);
  return isZero(0) || isZero(1);
}

/**
 * The text of a file, without one byte order mark in front.
 * @throws NotText for UTF-16, by that name, and for what is not UTF-8
 */
export function textIn(bytes: Uint8Array): string {
  if (isUtf16(bytes)) throw new NotText("is in UTF-16: save it as UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new NotText("is not in UTF-8");
  }
}
