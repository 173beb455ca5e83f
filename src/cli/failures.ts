// How a command ends: the exit codes, and the message on stderr if it fails.
import type { ProblemDocument } from "./shapes.ts";

export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  forbidden: 3,
  notFound: 4,
  refused: 5,
  unavailable: 6,
  interrupted: 130,
} as const;

export const EXIT_CODES = `Exit codes:
  0  done
  1  unexpected failure
  2  the command line is wrong, or a question was answered with no
  3  not signed in, or the role does not allow it
  4  not found
  5  refused: a conflict, invalid input, or a license that does not allow it
  6  the service cannot be reached, is unavailable, or asks you to wait
  verify, audit verify: 0 valid, 5 not valid, 2 cannot tell (no file, no keys, no head)
drill: 0 passed, 1 not passed, 2 cannot tell (the application takes no part)`;

/** An expected failure: shown as it is, without a stack. */
export class Failure extends Error {
  readonly exitCode: number;
  /** Lines below the message, such as what to do about it. */
  readonly lines: string[];

  constructor(exitCode: number, message: string, lines: string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

export const usage = (message: string, ...lines: string[]): Failure =>
  new Failure(EXIT.usage, message, lines);

const secrets = new Set<string>();

/** Makes sure that this secret never appears in a message, wherever the message comes from. */
export const keepSecret = (text: string): void => void secrets.add(text);

/** For a process that runs several commands: each has secrets of its own. */
export const forgetSecrets = (): void => secrets.clear();

const API_TOKEN = /caio_[A-Za-z0-9_-]{8,}|whsec_[A-Za-z0-9+/]{8,}/g;

// Also a key that a mail program wrapped: with blanks, line breaks or invisible characters between any two of its characters,
// up to the 86 of an Ed25519 signature.
const GAP = "[\\p{White_Space}\\p{Cf}]*";
const JWS = new RegExp(
  `eyJ(?:[\\w-]${GAP})+\\.${GAP}(?:[\\w-]${GAP})+\\.(?:${GAP}[\\w-]){0,86}[\\w-]*`,
  "gu",
);

/** Removes tokens and license keys: messages end up in CI logs and in tickets. */
export function redact(text: string): string {
  let redacted = text;
  for (const secret of secrets) redacted = redacted.replaceAll(secret, "[secret]");
  return redacted.replace(API_TOKEN, "[token]").replace(JWS, "[signed document]");
}

/**
 * Characters that a terminal obeys, or that change the order of the text: controls (colors, cursor, window title),
 * line separators, direction marks, lone surrogates.
 */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu;

const escaped = (sign: string): string =>
  `\\u${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;

/** On one line, with such characters as \uXXXX: installations choose their own host names. */
export const plain = (text: string): string => text.replace(OBEYED, escaped);

/** White space for layout, and the colors that output.ts paints. */
// oxlint-disable-next-line no-control-regex
const LAYOUT = /^(?:[\n\t]|\r(?=\n)|\u001B\[[\d;]*m)/;

/**
 * The same for a whole output: its lines and its own colors stay. In JSON such a character can only be inside a
 * string, where \uXXXX is the escape of JSON itself.
 */
export const safe = (output: string): string =>
  output.replace(OBEYED, (sign, at: number) =>
    LAYOUT.test(output.slice(at, at + 16)) ? sign : escaped(sign),
  );

export function fail({ message, lines }: Pick<Failure, "message" | "lines">): void {
  const text = [`error: ${plain(message)}`, ...lines.map((line) => `  ${plain(line)}`)].join("\n");
  process.stderr.write(`${redact(text)}\n`);
}

/** The exit code: by the service's code, or by the HTTP status if a proxy answered. */
function exitCodeOf(status: number, code: string | undefined): number {
  if (code === "UNAUTHENTICATED" || code === "FORBIDDEN" || status === 401) return EXIT.forbidden;
  if (status === 403) return code === undefined ? EXIT.forbidden : EXIT.refused;
  if (status === 404) return EXIT.notFound;
  if (status === 429 || status > 500) return EXIT.unavailable;
  return status >= 400 && status < 500 ? EXIT.refused : EXIT.unexpected;
}

const IMPORT_ROW = /^rows\.(\d+)(?:\.(.*))?$/;

/** `rows.3.email` as a person would look for it in the file. */
function place(path: string): string {
  const [, row, column] = IMPORT_ROW.exec(path) ?? [];
  if (row === undefined) return path;
  return column === undefined ? `row ${row}` : `row ${row}, column ${column}`;
}

export function failureOf(problem: Partial<ProblemDocument>, status: number, requestId: string): Failure {
  const { detail, title, remedy, code, errors = [], allowed_transitions } = problem;
  const faults = errors
    .map(({ path, message }) => (path === "" ? message : `${place(path)}: ${message}`))
    .filter((fault) => fault !== detail);
  return new Failure(
    exitCodeOf(status, code),
    detail ?? title ?? `The answer has status ${status}, and is not from this service.`,
    [
      ...faults,
      ...(allowed_transitions ? [`allowed now: ${allowed_transitions.join(", ") || "nothing"}`] : []),
      ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
      `code: ${code ?? `HTTP ${status}`}`,
      `request: ${requestId}`,
    ],
  );
}
