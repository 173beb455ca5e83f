// The texts in a file that a mail program saved (RFC 5322, MIME): mail goes out encoded, so that what a reader sees does
// not stand in the file. Pure.

/** Mails in mails: a digest that was forwarded again and again. */
const DEEPEST = 20;

/** A first line "From …" is that of a mailbox: mails one after the other. */
const MAILBOX = /^From .*\r?\n/gm;

const HEADER = /^[!-9;-~]+:/;

/** Every mail, and every encoded part of one, has one of these; a text that begins like a head rarely does. */
const OF_MAIL = /^(?:from|date|subject|received|mime-version|content-type|content-transfer-encoding):/i;

const valueOf = (lines: string[], name: string): string =>
  lines
    .find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim() ?? "";

/** How the body is written, as the headers in front of it say; null if that is no head of a mail. */
function headersOf(head: string): { type: string; encoding: string } | null {
  const lines = head.replaceAll(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  if (!lines.every((line) => HEADER.test(line)) || !lines.some((line) => OF_MAIL.test(line))) return null;
  return {
    type: valueOf(lines, "content-type"),
    encoding: valueOf(lines, "content-transfer-encoding").toLowerCase(),
  };
}

function decoded(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  if (encoding !== "quoted-printable") return body;
  return body
    .replaceAll(/=[ \t]*\r?\n/g, "")
    .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The parts between the lines of the boundary; what stands before the first and after the last is no part. */
function partsOf(body: string, boundary: string): string[] {
  const parts: string[][] = [];
  for (const line of body.split(/\r?\n/)) {
    const mark = line.trimEnd();
    if (mark === `--${boundary}--`) break;
    if (mark === `--${boundary}`) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts.map((lines) => lines.join("\n"));
}

/**
 * The texts of a mail and of what is attached to it, or of several mails in one file; the content itself if it is no
 * mail. Characters beyond ASCII may come out wrong: what is looked for has none.
 */
export function textsIn(content: string, depth = 0): string[] {
  if (depth > DEEPEST) return [content];
  if (content.startsWith("From ")) {
    const [, ...mails] = content.split(MAILBOX);
    return mails.flatMap((mail) => textsIn(mail, depth + 1));
  }
  const [head = ""] = content.split(/\r?\n\r?\n/, 1);
  const headers = headersOf(head);
  if (!headers) return [content];
  const { type, encoding } = headers;
  const body = content.slice(head.length);
  const [, quoted, bare] = /^multipart\/.*?\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type) ?? [];
  const boundary = quoted ?? bare;
  if (boundary !== undefined) return partsOf(body, boundary).flatMap((part) => textsIn(part, depth + 1));
  const text = decoded(body, encoding);
  return /^message\/rfc822\b/i.test(type) ? textsIn(text.trimStart(), depth + 1) : [text];
}
