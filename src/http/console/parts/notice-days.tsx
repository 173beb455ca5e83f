// The days of notice that a license has instead of its type's, as a field.
import type { FC } from "hono/jsx";
import type { Entry } from "../../ui/entry.ts";
import { Field } from "../../ui/form.tsx";

const NONE = "none";

const written = (days: number[] | null): string =>
  days === null ? "" : days.length === 0 ? NONE : days.join(" ");

/** Words that are no numbers stay as they are: the verb refuses them by name. */
export const daysIn = (words: string[]): (number | string)[] =>
  words.map((word) => (/^\d{1,4}$/.test(word) ? Number(word) : word));

export const NoticeDaysField: FC<{ entry: Entry; days: number[] | null }> = ({ entry, days }) => (
  <Field
    entry={entry}
    name="notice_days"
    label="Notices of its own"
    value={written(days)}
    placeholder="as its type"
    hint={`Days before the end, such as 30 14 7 1 0, or “${NONE}”. Left empty, those of its type.`}
    maxlength={120}
  />
);

const daysOrNone = (words: string[]): (number | string)[] =>
  words.length === 1 && words[0]?.toLowerCase() === NONE ? [] : daysIn(words);

/** Null stands for the type's days; undefined if the form did not ask. */
export function noticeDaysOf(entry: Entry): (number | string)[] | null | undefined {
  if (!entry.has("notice_days")) return undefined;
  const words = entry.words("notice_days");
  return words.length === 0 ? null : daysOrNone(words);
}

/** In a change of several licenses, what is left empty stays as it is. */
const AS_TYPE = "type";

export const ChangedNoticeDays: FC<{ entry: Entry }> = ({ entry }) => (
  <Field
    entry={entry}
    name="notice_days"
    label="Notices of its own"
    placeholder="as it is"
    hint={`Days before the end, such as 30 14 7 1 0, “${NONE}”, or “${AS_TYPE}” for those of its type.`}
    maxlength={120}
  />
);

export function changedNoticeDaysOf(entry: Entry): (number | string)[] | null | undefined {
  const words = entry.words("notice_days");
  if (words.length === 0) return undefined;
  return words.length === 1 && words[0]?.toLowerCase() === AS_TYPE ? null : daysOrNone(words);
}
