// A backup as a file: pages of rows as NDJSON, and the signed manifest as its last line. Pure; the command line reads and
// writes it by the same rules.
//
//   {"backup":"bck_…","issuer":"https://…","at":"…","event":4711}     what it is, for people; the manifest decides
//   {"table":"activations","columns":["license_id",…],"rows":2}       a page begins
//   ["lic_…",0,"box-1",…]                                             a row, a line each
//   ["lic_…",0,"box-2",…]
//   {"manifest":"eyJ…"}                                               a JWS of typ backup+jwt

/** Raised by a change that an earlier release could not read. */
export const FORMAT = 1;

/** What the manifest says of a table. */
export interface TableClaims {
  columns: string[];
  pages: number;
  rows: number;
  /** Over the pages: `chained`. */
  hash: string;
}

export interface Manifest {
  iss: string;
  iat: number;
  /** The id of the backup. */
  jti: string;
  format: number;
  /** Milliseconds: when it was begun. No row is older than that. */
  begun_at: number;
  /** The event that records it, the last of its record. */
  event: number;
  with_access: boolean;
  /** In the order in which they come back. */
  tables: Record<string, TableClaims>;
}

/** The first line of a page. */
export interface PageHead {
  table: string;
  columns: string[];
  rows: number;
}

/** The hash before the first page of a table. */
export const NO_PAGES = "";

const utf8 = new TextEncoder();

/** SHA-256, as lower-case hex, over the hash before and the text of a page, with a line feed in between. */
export async function chained(before: string, page: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8.encode(`${before}\n${page}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The text of a page; each line ends with a line feed. */
export const pageText = (head: PageHead, rows: string[]): string =>
  `${[JSON.stringify(head), ...rows].join("\n")}\n`;

const isList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** The head of a page; null if the line is none. */
export function pageHead(line: string): PageHead | null {
  try {
    const { table, columns, rows } = JSON.parse(line) as Partial<PageHead>;
    return typeof table === "string" && isList(columns) && Number.isSafeInteger(rows) && rows! > 0
      ? { table, columns, rows: rows! }
      : null;
  } catch {
    return null;
  }
}
