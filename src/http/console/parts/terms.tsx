// The terms of a license as fields, and the entered values as input for the verbs.
import type { FC } from "hono/jsx";
import { DURATION, durationInWords } from "../../../kernel/calendar.ts";
import { invalid } from "../../../problems.ts";
import type { Entry } from "../../ui/entry.ts";
import { Choices, Field, type Option, Select } from "../../ui/form.tsx";
import { FeaturesField } from "./features.tsx";
import { formatEnd } from "../../ui/show.tsx";

interface Terms {
  features: string[];
  grace_days: number;
  max_instances: number | null;
  max_services: number | null;
  max_requests_per_day: number | null;
  unproven_lease_hours: number;
  clone_policy: "warn" | "refuse";
}

export const POLICIES: Option[] = [
  ["warn", "report to staff"],
  ["refuse", "report to staff, and refuse requests without proof"],
];

const LIMITS = [
  ["max_instances", "Instances"],
  ["max_services", "Services"],
  ["max_requests_per_day", "Requests a day"],
] as const;

export const TermFields: FC<{
  entry: Entry;
  terms: Terms;
  /** The features to offer; without them, none is thought a slip. */
  known?: string[];
}> = ({ entry, terms, known }) => (
  <>
    <FeaturesField entry={entry} features={terms.features} known={known} />
    <div class="pair">
      {LIMITS.map(([name, label]) => (
        <Field
          entry={entry}
          name={name}
          label={label}
          type="number"
          min={1}
          value={terms[name]}
          placeholder="unlimited"
        />
      ))}
    </div>
  </>
);

/** Those that are seldom other than the type says. */
export const FURTHER_TERMS = ["grace_days", "unproven_lease_hours", "clone_policy"] as const;

export const TERMS = [
  "features",
  "max_instances",
  "max_services",
  "max_requests_per_day",
  ...FURTHER_TERMS,
] as const;

export const FurtherTerms: FC<{ entry: Entry; terms: Terms }> = ({ entry, terms }) => (
  <div class="pair">
    <Field
      entry={entry}
      name="grace_days"
      label="Grace in days"
      type="number"
      min={0}
      max={3650}
      value={terms.grace_days}
    />
    <Field
      entry={entry}
      name="unproven_lease_hours"
      label="Unproven lease in hours"
      hint="For requests that come without the instance's certificate."
      type="number"
      min={1}
      max={8760}
      value={terms.unproven_lease_hours}
    />
    <Select
      entry={entry}
      name="clone_policy"
      label="Suspected clones"
      options={POLICIES}
      value={terms.clone_policy}
    />
  </div>
);

/** Only the fields that the form had. */
export const termsOf = (entry: Entry): Record<string, unknown> => ({
  features: entry.has("features") ? entry.words("features") : undefined,
  grace_days: entry.number("grace_days"),
  unproven_lease_hours: entry.number("unproven_lease_hours"),
  clone_policy: entry.text("clone_policy"),
  ...Object.fromEntries(LIMITS.map(([name]) => [name, entry.limit(name)])),
});

const DURATIONS = ["P30D", "P1Y", "P2Y"];

/** When a license ends: after a duration, on a day, or never. */
export const Ending: FC<{
  entry: Entry;
  legend: string;
  /** The end that a duration leads to; left out where that differs from one license to the next. */
  after?: (duration: string) => number;
  /** A choice before all others. */
  first?: Option;
  value: string;
}> = ({ entry, legend, after, first, value }) => {
  const onDate = (entry.text("ends") ?? value) === "date";
  const another = entry.text("ends") === "for" && !entry.problem ? anotherOf(entry) : undefined;
  const durations = DURATIONS.includes(value) || !isDuration(value) ? DURATIONS : [value, ...DURATIONS];
  return (
    <>
      <Choices
        entry={entry}
        name="ends"
        legend={legend}
        options={[
          ...(first ? [first] : []),
          ...durations.map((duration): Option => [
            duration,
            `${durationInWords(duration)}${after ? `: ${formatEnd(after(duration))}` : ""}`,
          ]),
          ["for", "Another duration"],
          ["date", "On a date"],
          ["never", "Perpetual"],
        ]}
        value={value}
        standsFor={onDate ? ["expires_in"] : ["expires_at", "expires_days", "expires_in"]}
      />
      <Field
        entry={entry}
        name="ends_on"
        label="Last day"
        type="date"
        standsFor={onDate ? ["expires_at"] : []}
        hint="The license holds through that whole day, everywhere on Earth."
      />
      <div class="another">
        <div class="pair">
          <Field
            entry={entry}
            name="ends_count"
            label="Another duration"
            type="number"
            min={1}
            max={9_999}
            standsFor={entry.text("ends") === "for" ? ["expires_in"] : []}
          />
          <Select entry={entry} name="ends_unit" label="Its unit" options={DURATION_UNITS} value="D" />
        </div>
        <div id="ends-then" data-results>
          {after && another !== undefined ? (
            <p class="hint">
              {durationInWords(another)}: {formatEnd(after(another))}
            </p>
          ) : null}
        </div>
      </div>
    </>
  );
};

const DURATION_UNITS: Option[] = [
  ["D", "days"],
  ["W", "weeks"],
  ["M", "months"],
  ["Y", "years"],
];

/** The duration of a number and a unit; undefined while there is no number that makes one. */
function anotherOf(entry: Entry): string | undefined {
  const duration = `P${entry.number("ends_count") ?? ""}${entry.text("ends_unit") ?? "D"}`;
  return isDuration(duration) ? duration : undefined;
}

const isDuration = (text: string): boolean => DURATION.test(text);

/**
 * The choice, as `expires_in` or `expires_at`; neither of them for a choice of `first`.
 * @throws Problem REQUEST_INVALID if the day is missing
 */
export function endOf(entry: Entry): { expires_in?: string; expires_at?: string | null } {
  const ends = entry.text("ends");
  if (ends === "never") return { expires_at: null };
  if (ends === "date") {
    const day = entry.text("ends_on");
    if (day === undefined) throw invalid("ends_on", "Choose the last day");
    return { expires_at: day };
  }
  if (ends === "for") {
    const duration = anotherOf(entry);
    if (duration === undefined) throw invalid("ends_count", "Enter how many");
    return { expires_in: duration };
  }
  return ends !== undefined && isDuration(ends) ? { expires_in: ends } : {};
}

/** The type's own duration, as the first choice. */
export const asTheTypeSays = (duration: string | null): Option => [
  "type",
  `As its type: ${duration === null ? "perpetual" : durationInWords(duration)}`,
];
