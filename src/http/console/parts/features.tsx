// The features of a license as a field. A feature is known if a license type or the license itself has it: another one
// may be a slip of the pen, which no program would ever ask for, so it is issued only if somebody says that it is new.
import { distance } from "fastest-levenshtein";
import type { FC } from "hono/jsx";
import { invalid } from "../../../problems.ts";
import type { Entry } from "../../ui/entry.ts";
import { Checkbox, TextArea } from "../../ui/form.tsx";

/** The features that any of these have. */
export const knownFeatures = (holders: { features: string[] }[]): string[] =>
  [...new Set(holders.flatMap(({ features }) => features))].toSorted();

/** Two letters put in, taken out or changed still make a slip of the pen. */
const isNear = (one: string, other: string): boolean => distance(one.toLowerCase(), other.toLowerCase()) <= 2;

/** The words that are not known. */
const strangeIn = (entry: Entry, known: string[], name: string): string[] =>
  entry.words(name).filter((word) => !known.includes(word));

/** @throws Problem REQUEST_INVALID for a feature that is not known, unless the form says that it is new */
export function assertKnownFeatures(entry: Entry, known: string[], name = "features"): void {
  if (entry.has("new_features")) return;
  const [strange] = strangeIn(entry, known, name);
  if (strange === undefined) return;
  const meant = known.find((one) => isNear(one, strange));
  const ask = meant === undefined ? "" : ` Did you mean “${meant}”?`;
  throw invalid(name, `No license type has “${strange}”.${ask} If it is new, say so below.`);
}

export const FeaturesField: FC<{
  entry: Entry;
  name?: string;
  label?: string;
  features: string[];
  known: string[] | undefined;
}> = ({ entry, name = "features", label = "Features", features, known }) => {
  const words = entry.has(name) ? entry.words(name) : features;
  const strange = known === undefined ? [] : strangeIn(entry, known, name);
  return (
    <>
      <TextArea
        entry={entry}
        name={name}
        label={label}
        hint="Names, separated by spaces, commas or lines."
        code
        value={features.join("\n")}
        rows={Math.min(Math.max(words.length, 2), 8)}
      />
      {known === undefined || known.length === 0 ? null : (
        <div class="badges" role="group" aria-label="Known features">
          {known.map((word) => (
            <button type="button" class="chip script" data-word={word} data-field={name}>
              {word}
            </button>
          ))}
          <span class="hint no-script">Known: {known.join(", ")}</span>
        </div>
      )}
      {strange.length === 0 ? null : (
        <Checkbox name="new_features" checked={entry.has("new_features")}>
          {strange.join(", ")}: new, and spelled as meant
        </Checkbox>
      )}
    </>
  );
};
