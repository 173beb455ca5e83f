// Reads a license key or an instance id as it was pasted, wrapped, quoted or exported. The clients have the same rules.
// Pure, and linear in the length of the text, because strangers send it.

// Unicode's White_Space and Cf: blanks and line breaks of every kind, zero-width characters, the byte order mark.
const MARK = /[\p{White_Space}\p{Cf}]/u;
const MARKS = /[\p{White_Space}\p{Cf}]+/gu;
const BLANK = /\p{White_Space}/u;

/** Quotes around a key: each opening one with its closing one. */
const QUOTES = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["<", ">"],
]);

/** A name in front of a key. The blank of `export NAME=` is already removed here. */
const NAME = /[A-Za-z_][A-Za-z0-9_]*=/y;

/**
 * A license key, certificate or receipt as it was signed: without blanks, line breaks and invisible characters anywhere
 * in it, quotes around it, or `NAME=` in front. A compact JWS contains none of these, so nothing that was signed is
 * lost, and the signature still decides.
 */
export function cleaned(pasted: string): string {
  const bare = pasted.replace(MARKS, "");
  let start = 0;
  let end = bare.length;
  for (;;) {
    if (end - start > 1 && QUOTES.get(bare[start]!) === bare[end - 1]) {
      start += 1;
      end -= 1;
      continue;
    }
    NAME.lastIndex = start;
    if (!NAME.test(bare)) return bare.slice(start, end);
    start = NAME.lastIndex;
  }
}

/** Whether more was removed than the blanks at both ends, which nobody sees. */
export const wasMarked = (pasted: string): boolean => cleaned(pasted) !== within(pasted, BLANK);

/** The text from the first to the last character that `outside` does not match. */
function within(text: string, outside: RegExp): string {
  if (!outside.test(text)) return text;
  const characters = Array.from(text);
  const isInside = (character: string): boolean => !outside.test(character);
  return characters.slice(characters.findIndex(isInside), characters.findLastIndex(isInside) + 1).join("");
}

/** A text without blanks and invisible characters at its ends. */
export const trimmed = (text: string): string => within(text, MARK);

/** An instance id in canonical form: trimmed, and in Unicode's NFC. */
export const instanceIdOf = (text: string): string => trimmed(text).normalize("NFC");
