// A backup on disk: written page by page so that a run that was killed goes on, and read page by page so that its size
// does not matter.
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { chained, type Manifest, NO_PAGES, pageHead, type PageHead } from "../backup/file.ts";
import { EXIT, Failure, usage } from "./failures.ts";

/** Where a backup stopped. */
export interface Unfinished {
  url: string;
  id: string;
  cursor: string;
  /** How much of the part is whole pages. */
  bytes: number;
  /** What was asked for. */
  asked: string;
}

const partOf = (path: string): string => `${path}.part`;
const stateOf = (path: string): string => `${path}.part.json`;

const cannotWrite = (path: string, error: unknown): Failure =>
  usage(`${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "EIO"}).`);

/** What an earlier run left, if it was the same backup; null if there is nothing to go on with. */
export function unfinishedAt(path: string, url: string, asked: string): Unfinished | null {
  try {
    const state = JSON.parse(readFileSync(stateOf(path), "utf8")) as Unfinished;
    const isWhole = existsSync(partOf(path)) && statSync(partOf(path)).size >= state.bytes;
    return isWhole && state.url === url && state.asked === asked ? state : null;
  } catch {
    return null;
  }
}

/** The file that a backup is written to. Only its owner can read it. */
export class BackupWriter {
  readonly #path: string;
  readonly #fd: number;
  #bytes: number;

  /** @param bytes how much of an earlier run is kept; 0 begins anew */
  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
    try {
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw usage(`${path} is a folder.`);
      if (bytes === 0) rmSync(partOf(path), { force: true });
      this.#fd = openSync(partOf(path), bytes === 0 ? "wx" : "r+", 0o600);
      ftruncateSync(this.#fd, bytes);
    } catch (error) {
      throw error instanceof Failure ? error : cannotWrite(path, error);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#fd, bytes, at, bytes.length - at, this.#bytes + at);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
    this.#bytes += bytes.length;
  }

  /** Notes where a later run goes on; what was written up to here is on disk. */
  note(state: Omit<Unfinished, "bytes">): void {
    try {
      fsyncSync(this.#fd);
      const next = `${stateOf(this.#path)}.next`;
      writeFileSync(next, JSON.stringify({ ...state, bytes: this.#bytes }), { mode: 0o600 });
      renameSync(next, stateOf(this.#path));
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }

  /** Gives the file its name. */
  finish(): void {
    try {
      fsyncSync(this.#fd);
      closeSync(this.#fd);
      renameSync(partOf(this.#path), this.#path);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
    rmSync(stateOf(this.#path), { force: true });
  }
}

/** A page in a file. */
interface Place {
  at: number;
  length: number;
}

export interface BackupFile {
  token: string;
  manifest: Manifest;
  /** The pages of each table, in their order. */
  pages: Map<string, Place[]>;
  /** The text of a page. */
  read(place: Place): string;
}

const refused = (message: string, ...lines: string[]): Failure => new Failure(EXIT.refused, message, lines);

const notOurs = (path: string): Failure => refused(`${path} is not a backup of this service.`);

const cutOff = (path: string): Failure =>
  refused(
    `${path} ends early: it was cut off, or the backup was not finished.`,
    "remedy: use a whole backup.",
  );

/** The service takes no page that is longer; a longer line would only fill the memory. Bytes. */
const LONGEST_LINE = 32 * 1024 * 1024;

/** The lines of a file, each with its place. @throws Failure for a line that no backup has */
async function* linesOf(path: string): AsyncGenerator<Place & { text: string; isWhole: boolean }> {
  let at = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      yield { at: at + from, length: end + 1 - from, text: bytes.toString("utf8", from, end), isWhole: true };
      from = end + 1;
    }
    at += from;
    rest = bytes.subarray(from);
    if (rest.length > LONGEST_LINE) throw notOurs(path);
  }
  if (rest.length > 0) yield { at, length: rest.length, text: rest.toString("utf8"), isWhole: false };
}

function member(line: string, name: string): string | null {
  try {
    const value = (JSON.parse(line) as Record<string, unknown> | null)?.[name];
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/** The claims of a manifest. The service checks its signature before anything is loaded. */
function claimsIn(token: string): Manifest | null {
  try {
    const claims = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString(),
    ) as Partial<Manifest>;
    return typeof claims.tables === "object" && typeof claims.iss === "string" ? (claims as Manifest) : null;
  } catch {
    return null;
  }
}

/**
 * Reads a backup through and compares each page with the manifest.
 * @throws Failure for what is no backup, is cut off, or is not what was signed
 */
export async function openBackupFile(path: string, progress: (bytes: number) => void): Promise<BackupFile> {
  const pages = new Map<string, Place[]>();
  const hashes = new Map<string, string>();
  let page: { head: PageHead; place: Place; lines: string[] } | null = null;
  let token: string | null = null;
  let isFirst = true;
  const close = async (): Promise<void> => {
    if (!page) return;
    const { head, place, lines } = page;
    if (lines.length !== head.rows + 1) throw cutOff(path);
    pages.set(head.table, [...(pages.get(head.table) ?? []), place]);
    hashes.set(head.table, await chained(hashes.get(head.table) ?? NO_PAGES, `${lines.join("\n")}\n`));
    page = null;
  };
  for await (const { text, at, length, isWhole } of linesOf(path)) {
    progress(at + length);
    if (isFirst) {
      if (member(text, "backup") === null) throw notOurs(path);
      isFirst = false;
      continue;
    }
    if (token !== null) throw refused(`${path} was changed: something follows its manifest.`);
    if (page && page.lines.length <= page.head.rows) {
      if (!isWhole) throw cutOff(path);
      page.lines.push(text);
      page.place.length += length;
      continue;
    }
    await close();
    token = member(text, "manifest");
    if (token !== null) continue;
    const head = pageHead(text);
    if (!head)
      throw isWhole ? refused(`${path} was changed: a line of it is not what a backup has.`) : cutOff(path);
    page = { head, place: { at, length }, lines: [text] };
  }
  if (isFirst) throw notOurs(path);
  if (token === null) throw cutOff(path);
  const manifest = claimsIn(token);
  if (!manifest) throw refused(`${path} was changed: its manifest is not one.`);
  for (const table of new Set([...Object.keys(manifest.tables), ...pages.keys()])) {
    const signed = manifest.tables[table];
    if (
      !signed ||
      signed.pages !== (pages.get(table)?.length ?? 0) ||
      signed.hash !== (hashes.get(table) ?? NO_PAGES)
    )
      throw refused(`${path} was changed: the rows of ${table} are not those that were signed.`);
  }
  const fd = openSync(path, "r");
  return {
    token,
    manifest,
    pages,
    read({ at, length }) {
      const bytes = Buffer.alloc(length);
      for (let got = 0; got < length;) {
        const more = readSync(fd, bytes, got, length - got, at + got);
        if (more === 0) throw cutOff(path);
        got += more;
      }
      return bytes.toString();
    },
  };
}
