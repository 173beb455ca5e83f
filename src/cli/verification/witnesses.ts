// What others keep of the record: certificates, license files, heads from BACKUPS, and digests each name the head that
// the record had when they were made. It must still be in the chain.
import { decodeProtectedHeader } from "jose";
import { type Finding, isGivenUp } from "../../audit/chain.ts";
import { cleaned } from "../../field/pasted.ts";
import { authenticate, authenticateSeal, NotAuthentic, type Trust } from "./authenticity.ts";
import { textsIn } from "./mail.ts";
import type { Chain } from "./record.ts";

export interface Witness {
  file: string;
  content: string;
}

interface Named {
  head: string;
  /** Its number, if the witness names it. */
  seal?: number | undefined;
  /** Whether it is a seal itself. */
  signed?: true;
}

/** A signed document begins with a JSON object. */
const COMPACT = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;
const HEAD = /(?<![\w-])[0-9a-f]{64}(?![\w-])/g;
const IN_DIGEST = /\bSeal (\d+) of the record:\s*(?:<[^>]*>\s*)*([0-9a-f]{64})(?![\w-])/g;
/** Marks of a mail that was quoted in another one. */
const QUOTED = /^(?:> ?)+/gm;

/** The signed document that a text is, or null. */
function documentIn(content: string): string | null {
  try {
    const file = JSON.parse(content) as { certificate?: unknown } | null;
    if (typeof file?.certificate === "string") return cleaned(file.certificate);
  } catch {
    // No JSON.
  }
  const token = cleaned(content);
  return COMPACT.test(token) ? token : null;
}

/** @throws NotAuthentic for a document that is not genuine */
async function headsSigned(token: string, trust: Trust): Promise<Named[]> {
  if (typeOf(token) === "audit-seal+jwt") {
    const { seal, head } = await authenticateSeal(token, trust);
    return [{ seal, head, signed: true }];
  }
  const { claims } = await authenticate(token, trust);
  const { seal: head } = claims as { seal?: unknown };
  return typeof head === "string" ? [{ head }] : [];
}

/**
 * The heads that a file names, each once. What is only 64 digits counts where nothing says that it is a head.
 * @returns null if nothing in it is a signed document or names a head
 * @throws NotAuthentic for a document that is not genuine
 */
async function headsIn(content: string, trust: Trust): Promise<Named[] | null> {
  const named = new Map<string, Named>();
  const texts: string[] = [];
  let isSigned = false;
  for (const part of textsIn(content)) {
    const token = documentIn(part);
    if (token === null) texts.push(part.replaceAll(QUOTED, ""));
    else {
      isSigned = true;
      for (const one of await headsSigned(token, trust)) named.set(`${one.seal} ${one.head}`, one);
    }
  }
  for (const text of texts)
    for (const [, seal, head = ""] of text.matchAll(IN_DIGEST))
      named.set(`${seal} ${head}`, { seal: Number(seal), head });
  if (named.size > 0 || isSigned) return [...named.values()];
  const bare = new Set(texts.flatMap((text) => text.match(HEAD) ?? []));
  return bare.size > 0 ? [...bare].map((head) => ({ head })) : null;
}

function typeOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).typ;
  } catch {
    return undefined;
  }
}

/**
 * What the witnesses say against the chain. A certificate does not say which seal its head is of: if that was given up
 * with an accepted break, the seal from BACKUPS must be among the witnesses, too.
 * @returns the findings, how many heads were named in all, the genuine documents that name none, and the files in which
 *   nothing was found
 */
export async function hear(
  witnesses: Witness[],
  { claims, breaks }: Chain,
  trust: Trust,
  accepted: ReadonlySet<number>,
): Promise<{ findings: Finding[]; heads: number; silent: string[]; empty: string[] }> {
  const numbers = new Map(claims.map(({ head, seal }) => [head, seal]));
  const findings: Finding[] = [];
  const silent: string[] = [];
  const empty: string[] = [];
  const said: (Named & { n: number; file: string })[] = [];
  const finding = (n: number, file: string, says: string): number =>
    findings.push({ kind: "witness", id: n + 1, says: `${file} ${says}` });
  for (const [n, { file, content }] of witnesses.entries()) {
    try {
      const named = await headsIn(content, trust);
      if (named === null) empty.push(file);
      else if (named.length === 0) silent.push(file);
      for (const one of named ?? []) said.push({ ...one, n, file });
    } catch (error) {
      if (!(error instanceof NotAuthentic)) throw error;
      finding(n, file, `proves nothing. ${error.message}`);
    }
  }
  const isUp = ({ seal }: Named): boolean => seal !== undefined && isGivenUp(seal, breaks, accepted);
  const givenUp = new Set(said.filter((one) => one.signed && isUp(one)).map(({ head }) => head));
  for (const { n, file, head, seal } of said) {
    if (isUp({ head, seal }) || (seal === undefined && givenUp.has(head))) continue;
    if (numbers.has(head) && (seal === undefined || numbers.get(head) === seal)) continue;
    const which = seal === undefined ? "" : ` of seal ${seal}`;
    finding(n, file, `names the head ${head}${which}, which the record does not have.`);
  }
  return { findings, heads: said.length, silent, empty };
}
