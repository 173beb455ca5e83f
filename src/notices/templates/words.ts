// How data becomes words in each language: dates, counts, names on one line, file names. Pure; the same data gives the
// same words in every time zone.
import { lastDayOf, SECOND } from "../../kernel/dates.ts";
import type { Language } from "../../kernel/languages.ts";
import { de } from "./languages/de.ts";
import { en } from "./languages/en.ts";
import { es } from "./languages/es.ts";
import { fr } from "./languages/fr.ts";
import { ja } from "./languages/ja.ts";
import type { Counted, Texts } from "./languages/texts.ts";
import type { Inline } from "./letter.ts";
import type { When } from "./notice.ts";

const TEXTS: Record<Language, Texts> = { en, de, fr, es, ja };

/** The texts of a language, and how it writes what goes into them. */
export interface Voice {
  language: Language;
  texts: Texts;
  number: (n: number) => string;
  counted: (text: Counted, n: number) => string;
  /** 31 January 2027, in UTC */
  date: (at: number) => string;
  /** 31 January 2027, 12:00 UTC */
  instant: (at: number) => string;
  /** Until when something lasts: "through 31 January 2027" if a date says it, otherwise "until … 12:00 UTC". */
  end: (at: number) => string;
  when: (when: When, end: number | null) => string;
  limit: (max: number | null) => string;
}

/** 12:00, or 12:00:01 */
const timeOf = (at: number): string => new Date(at).toISOString().slice(11, at % 60_000 < SECOND ? 16 : 19);

function voiceOf(language: Language): Voice {
  const texts = TEXTS[language];
  const numbers = new Intl.NumberFormat(texts.locale);
  const plurals = new Intl.PluralRules(texts.locale);
  const dates = new Intl.DateTimeFormat(texts.locale, {
    timeZone: "UTC",
    year: "numeric",
    month: "long",
    day: "numeric",
  });
  const number = (n: number): string => numbers.format(n);
  const counted = (text: Counted, n: number): string =>
    fillText((plurals.select(n) === "one" && text.one) || text.other, { n: number(n) });
  const date = (at: number): string => {
    const written = dates.format(at);
    // The first day of a month is an ordinal in French; Intl writes all days as cardinals.
    return language === "fr" ? written.replace(/^1 /, "1er ") : written;
  };
  return {
    language,
    texts,
    number,
    counted,
    date,
    instant: (at) => fillText(texts.instant, { date: date(at), time: timeOf(at) }),
    end(at) {
      const day = lastDayOf(at);
      return day === at
        ? fillText(texts.until, { date: date(at), time: timeOf(at) })
        : fillText(texts.through, { date: date(day) });
    },
    when(when, end) {
      if (when === "tomorrow") return texts.tomorrow;
      if (when !== "today") return counted(texts.inDays, when.in);
      return end === null ? texts.today : fillText(texts.todayAt, { time: timeOf(end) });
    },
    limit: (max) => (max === null ? texts.unlimited : number(max)),
  };
}

const voices = new Map<Language, Voice>();

/** Made when it is first needed: Intl takes its time, and most isolates send no mail. */
export function speak(language: Language): Voice {
  const voice = voices.get(language) ?? voiceOf(language);
  voices.set(language, voice);
  return voice;
}

// Staff read English.

/** 12,500 */
export const number = (n: number): string => speak("en").number(n);

/** "1 day", "2 days" */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${number(n)} ${n === 1 ? one : many}`;

/** "31 January 2027, 12:00 UTC" */
export const instantInWords = (at: number): string => speak("en").instant(at);

/** An end that only a date can give is that date. */
export const endInWords = (at: number): string =>
  lastDayOf(at) === at ? instantInWords(at) : speak("en").date(lastDayOf(at));

/** "31 January 2027" for 2027-01-31; a text that is not a date stays as it is. */
export function dayInWords(day: string): string {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? day : speak("en").date(at);
}

/** `text` with what goes into its {names}. What goes in is not read again, so a name in braces stays as it is. */
export const fill = (text: string, values: Record<string, Inline>): Inline[] =>
  text
    .split(/\{(\w+)\}/)
    .map((part, n) => (n % 2 === 0 ? part : (values[part] ?? "")))
    .filter((part) => part !== "");

export const fillText = (text: string, values: Record<string, string>): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");

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
  `${slug(type) || "license"}-${slug(customer) || slug(licenseId) || "key"}`;

/** The end of a long id: enough to tell the licenses of a customer apart. */
export const shortId = (id: string): string => (id.length > 12 ? `…${id.slice(-6)}` : id);
