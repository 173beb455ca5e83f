// Output for people: tables, details, dates in words. Colors only on a terminal that shows them (and if NO_COLOR
// is not set). Programs get JSON.
import { styleText } from "node:util";
import stringWidth from "string-width";
import { DAY, HOUR, lastDayOf, SECOND } from "../kernel/dates.ts";
import type { Standing } from "../licensing/licenses/standing.ts";
import { EXIT, plain, safe } from "./failures.ts";

type Format = Parameters<typeof styleText>[0];

const paint = (format: Format, text: string): string => styleText(format, text, { stream: process.stdout });

/** Without its own line end. */
export const write = (text: string): void => void process.stdout.write(safe(text));

export const print = (text: string): void => write(`${text}\n`);

/** A secret that is shown only once: if the reader has closed the pipe, it must be reported as lost. */
export const printOnce = (text: string): Promise<void> =>
  new Promise((resolve) => {
    // The exit code if the pipe breaks now; elsewhere a broken pipe is not a fault.
    process.exitCode = EXIT.unexpected;
    process.stdout.write(`${safe(text)}\n`, (error) => {
      if (!error) process.exitCode = EXIT.ok;
      resolve();
    });
  });

/** Remarks for people, on stderr, so that the output can be piped. */
export const note = (text: string): void => void process.stderr.write(`${safe(text)}\n`);

export type Column<T> = [head: string, cell: (row: T) => string];

/** Columns as wide as their widest cell on a terminal, without counting colors. */
function grid(rows: string[][]): string {
  const widths: number[] = [];
  const sized = rows.map((row) =>
    row.map((cell, column) => {
      const width = stringWidth(cell);
      widths[column] = Math.max(widths[column] ?? 0, width);
      return { cell, width };
    }),
  );
  return sized
    .map((row) =>
      row
        .map(({ cell, width }, column) => cell + " ".repeat((widths[column] ?? 0) - width))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Cells come from outside: only the colors that this file paints may reach a terminal. */
export const text = (value: string | null | undefined): string =>
  value === null || value === undefined || value === "" ? "–" : plain(value);

/** The same for text of several lines. */
export const plainLines = (value: string): string => value.split(/\r?\n/).map(plain).join("\n");

export function printTable<T>(rows: T[], columns: Column<T>[]): void {
  const head = columns.map(([name]) => paint("bold", name.toUpperCase()));
  print(grid([head, ...rows.map((row) => columns.map(([, cell]) => cell(row)))]));
}

export const printDetails = (details: [name: string, value: string][]): void =>
  print(grid(details.map(([name, value]) => [paint("dim", name), value])));

const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const UNITS: [Intl.RelativeTimeFormatUnit, size: number, upTo: number][] = [
  ["second", SECOND, 90 * SECOND],
  ["minute", 60 * SECOND, 90 * 60 * SECOND],
  ["hour", HOUR, 48 * HOUR],
  ["day", DAY, 90 * DAY],
  ["month", 30.44 * DAY, 730 * DAY],
  ["year", 365.25 * DAY, Number.POSITIVE_INFINITY],
];

/** "in 30 days", "2 hours ago". */
function relative(at: number, now: number): string {
  const distance = at - now;
  const [unit, size] = UNITS.find(([, , upTo]) => Math.abs(distance) < upTo) ?? UNITS.at(-1)!;
  return WORDS.format(Math.trunc(distance / size), unit);
}

/** An instant as the service writes it, absolute and relative. */
export function when(instant: string | null, nothing = "–"): string {
  if (instant === null) return nothing;
  const absolute = `${instant.slice(0, 10)} ${instant.slice(11, 16)}Z`;
  return `${plain(absolute)} (${relative(Date.parse(instant), Date.now())})`;
}

const DATE = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC",
  day: "numeric",
  month: "long",
  year: "numeric",
});

/** Whether an end was given as a date, which lasts until that day is over everywhere on Earth. */
const isDate = (instant: string): boolean => lastDayOf(Date.parse(instant)) !== Date.parse(instant);

/** When something ends: "through 31 January 2027" if a date was meant, else the instant. */
export const end = (instant: string | null, nothing = "–"): string =>
  instant !== null && isDate(instant)
    ? `through ${DATE.format(lastDayOf(Date.parse(instant)))} (${relative(Date.parse(instant), Date.now())})`
    : when(instant, nothing);

/** The same, after a verb. */
export const untilEnd = (instant: string): string =>
  isDate(instant) ? end(instant) : `until ${when(instant)}`;

export const limit = (value: number | null): string => (value === null ? "unlimited" : String(value));

/** A value of an entitlement. */
export const entitled = (value: boolean | number | string | null): string =>
  value === null ? "unlimited" : text(String(value));

/** Entitlements by code: gpus=8 (through 30 June 2027), sso=true */
export const entitlements = (
  all: Record<string, { value: boolean | number | string | null; until?: string | undefined }>,
): string =>
  Object.entries(all)
    .map(
      ([code, { value, until }]) =>
        `${text(code)}=${entitled(value)}${until === undefined ? "" : ` (${untilEnd(until)})`}`,
    )
    .join(", ") || "none";

export const list = (values: readonly (string | number)[]): string => plain(values.join(", ")) || "none";

const STANDING_FORMATS: Record<Standing, Format> = {
  active: "green",
  scheduled: "cyan",
  expiring: "yellow",
  grace: "yellow",
  expired: "red",
  suspended: "red",
  revoked: "red",
};

export const standing = (value: Standing): string => paint(STANDING_FORMATS[value], value);

const GOOD = new Set(["sent", "delivered"]);
const BAD = new Set(["failed", "bounced"]);

/** The status of a mail. */
export const delivery = (status: string): string =>
  GOOD.has(status) ? paint("green", status) : BAD.has(status) ? paint("red", status) : status;

export const verdict = (valid: boolean): string =>
  valid ? paint("green", "valid") : paint("red", "NOT VALID");
