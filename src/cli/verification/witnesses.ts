// What others keep of the record: certificates, license files, heads from BACKUPS, and digests each name the head that
// the record had when they were made. It must still be in the chain.
import { type Finding, isGivenUp } from "../../audit/chain.ts";
import { cleaned } from "../../field/pasted.ts";
import { authenticate, authenticateSeal, NotAuthentic, type Trust } from "./authenticity.ts";
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

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
// In a digest; a mail program may have broken the line.
const HEAD = /(?<![\w-])[0-9a-f]{64}(?![\w-])/g;
const IN_DIGEST = /\bSeal (\d+) of the record:\s*(?:<[^>]*>\s*)*([0-9a-f]{64})(?![\w-])/g;

/** The signed document in a file, or null if it is a text. */
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
async function headsIn(content: string, trust: Trust): Promise<Named[]> {
  const token = documentIn(content);
  if (token === null) {
    const text = content.replaceAll(/=\r?\n/g, "");
    const digests = [...text.matchAll(IN_DIGEST)].map(([, seal, head = ""]) => ({
      seal: Number(seal),
      head,
    }));
    return digests.length > 0 ? digests : [...new Set(text.match(HEAD))].map((head) => ({ head }));
  }
  const type = typeOf(token);
  if (type === "audit-seal+jwt") {
    const { seal, head } = await authenticateSeal(token, trust);
    return [{ seal, head, signed: true }];
  }
  const { claims } = await authenticate(token, trust);
  const { seal: head } = claims as { seal?: unknown };
  return typeof head === "string" ? [{ head }] : [];
}

function typeOf(token: string): unknown {
  try {
    const header = JSON.parse(Buffer.from(token.split(".")[0], "base64url").toString()) as { typ?: unknown };
    return header.typ;
  } catch {
    return undefined;
  }
}

/**
 * What the witnesses say against the chain. A certificate does not say which seal its head is of: if that was given up
 * with an accepted break, the seal from BACKUPS must be among the witnesses, too.
 * @returns the findings, how many heads were named in all, and the files that name none
 */
export async function hear(
  witnesses: Witness[],
  { claims, breaks }: Chain,
  trust: Trust,
  accepted: ReadonlySet<number>,
): Promise<{ findings: Finding[]; heads: number; silent: string[] }> {
  const numbers = new Map(claims.map(({ head, seal }) => [head, seal]));
  const findings: Finding[] = [];
  const silent: string[] = [];
  const said: (Named & { n: number; file: string })[] = [];
  const finding = (n: number, file: string, says: string): number =>
    findings.push({ kind: "witness", id: n + 1, says: `${file} ${says}` });
  for (const [n, { file, content }] of witnesses.entries()) {
    try {
      const named = await headsIn(content, trust);
      if (named.length === 0) silent.push(file);
      for (const one of named) said.push({ ...one, n, file });
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
  return { findings, heads: said.length, silent };
}
