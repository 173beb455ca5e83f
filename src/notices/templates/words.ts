// How data becomes words: dates, counts, names on one line, file names. Pure; the same data gives the same words in
// every time zone and locale.

import { lastDayOf } from "../../kernel/dates.ts";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const twoDigits = (n: number): string => String(n).padStart(2, "0");

const dayOf = (at: Date): string =>
  `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ""} ${at.getUTCFullYear()}`;

/** "31 January 2027, 12:00 UTC" */
export function instantInWords(at: number): string {
  const date = new Date(at);
  const seconds = date.getUTCSeconds();
  const time = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
  return `${dayOf(date)}, ${time}${seconds === 0 ? "" : `:${twoDigits(seconds)}`} UTC`;
}

/** "12:00 UTC" */
export const timeInWords = (at: number): string => instantInWords(at).split(", ")[1] ?? "";

/** An end that only a date can give is that date. */
export const endInWords = (at: number): string =>
  lastDayOf(at) === at ? instantInWords(at) : dayOf(new Date(lastDayOf(at)));

/** "31 January 2027" for 2027-01-31; a text that is not a date stays as it is. */
export function dayInWords(day: string): string {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? day : dayOf(new Date(at));
}

/** 12,500 */
export const number = (n: number): string => String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");

/** "1 day", "2 days" */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;

export const limit = (max: number | null): string => (max === null ? "unlimited" : number(max));

const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}\s]+/gu;
// Marks, embeddings and overrides of direction: in a name, they would reverse the text after it.
const DIRECTION_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** `text` on one line, unable to rearrange or break the text around it: no CR or LF gets into a header. */
export const oneLine = (text: string): string =>
  text.toWellFormed().replaceAll(DIRECTION_CONTROLS, "").replaceAll(BREAKS, " ").trim();

const slug = (text: string): string =>
  text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, "");

/** Plain ASCII, because file systems and mail programs treat everything else differently. */
export const licenseFilename = (type: string, customer: string, licenseId: string): string =>
  `${slug(type) || "license"}-${slug(customer) || slug(licenseId) || "key"}.license`;
