// What counts as a text file: UTF-8, with or without the byte order mark that some editors write; and what it is
// instead, where that can be told. Pure.

/** Why bytes are not text. The message continues a sentence that begins with the name of the file. */
export class NotText extends Error {}

const PAIRS_LOOKED_AT = 64;

/** Recognized by its byte order mark, or else by every other byte being zero, which no text in UTF-8 has. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  const start = bytes.subarray(0, 2 * Math.min(PAIRS_LOOKED_AT, Math.floor(bytes.length / 2)));
  if (start.length === 0) return false;
  const isZero = (parity: number): boolean =>
    start.every((byte, at) => at % 2 !== parity || byte === 0) && start.some((byte) => byte !== 0);
  return isZero(0) || isZero(1);
}

/** How files begin that are opened as tables and are no text: ZIP (.xlsx, .ods) and the older .xls. */
const WORKBOOKS = [
  [0x50, 0x4b, 0x03, 0x04],
  [0xd0, 0xcf, 0x11, 0xe0],
];

const isWorkbook = (bytes: Uint8Array): boolean =>
  WORKBOOKS.some((beginning) => beginning.every((byte, at) => bytes[at] === byte));

/**
 * The text of a file, without a byte order mark in front.
 * @throws NotText for anything but UTF-8; for UTF-16 and workbooks the message says so
 */
export function textIn(bytes: Uint8Array): string {
  if (isWorkbook(bytes)) {
    throw new NotText("is a workbook or an archive, such as .xlsx: save it as CSV in UTF-8");
  }
  if (isUtf16(bytes)) throw new NotText("is in UTF-16: save it as UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new NotText("is not in UTF-8");
  }
}
