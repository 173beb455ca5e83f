// The form of what can be sold, and what was entered in it.
import {
  AGGREGATES,
  ENTITLEMENT_KINDS,
  type EntitlementDefinition,
  OVER,
  PERIODS,
} from "../../../storage/schema.ts";
import type { Entry } from "../../ui/entry.ts";
import { Field, type Option, Select } from "../../ui/form.tsx";

const KIND_WORDS: Record<(typeof ENTITLEMENT_KINDS)[number], string> = {
  flag: "flag: on or off",
  limit: "limit: a number",
  text: "text",
  meter: "meter: a number that instances count",
};

const named = (values: readonly string[]): Option[] => values.map((value) => [value, value]);

export function MemberFields({ entry, present }: { entry: Entry; present?: EntitlementDefinition }) {
  const preset = present?.preset ?? null;
  return (
    <>
      <Field entry={entry} name="name" label="Name" value={present?.name} required maxlength={200} />
      <Select
        entry={entry}
        name="kind"
        label="Kind"
        options={ENTITLEMENT_KINDS.map((kind): Option => [kind, KIND_WORDS[kind]])}
        value={present?.kind ?? "limit"}
      />
      <div class="pair">
        <Field entry={entry} name="unit" label="Unit" value={present?.unit} maxlength={40} />
        <Field
          entry={entry}
          name="default"
          label="Default"
          hint="Forms begin with it. What was sold stays as it is."
          value={preset === null ? undefined : String(preset)}
          maxlength={200}
        />
      </div>
      <fieldset>
        <legend>Only for a meter</legend>
        <div class="pair">
          <Select
            entry={entry}
            name="aggregate"
            label="A month’s figure"
            options={[
              ["sum", "sum of its days"],
              ["peak", "highest day"],
            ]}
            value={present?.aggregate ?? AGGREGATES[0]}
          />
          <Select
            entry={entry}
            name="period"
            label="The limit holds per"
            options={named(PERIODS)}
            value={present?.period ?? "month"}
          />
          <Select
            entry={entry}
            name="over"
            label="Above the limit"
            options={[
              ["warn", "warn"],
              ["refuse_new", "warn, and refuse new instances"],
            ]}
            value={present?.over ?? OVER[0]}
          />
        </div>
      </fieldset>
    </>
  );
}

/** The entered default, as its kind has it. */
function presetIn(entry: Entry, kind: string | undefined): unknown {
  const text = entry.text("default");
  if (text === undefined) return null;
  if (kind === "flag") return text === "true" ? true : text === "false" ? false : text;
  return kind === "text" ? text : /^\d{1,15}$/.test(text) ? Number(text) : text;
}

export function membersIn(entry: Entry): Record<string, unknown> {
  const kind = entry.text("kind");
  const rules =
    kind === "meter"
      ? { aggregate: entry.text("aggregate"), period: entry.text("period"), over: entry.text("over") }
      : {};
  return {
    name: entry.text("name"),
    kind,
    unit: entry.text("unit") ?? null,
    default: presetIn(entry, kind),
    ...rules,
  };
}
