// Entitlements as fields that follow their definitions, and the entered values as input for the verbs.
import type { FC } from "hono/jsx";
import { dayOf, formatInstant, lastDayOf } from "../../../kernel/dates.ts";
import type { Entitled, EntitlementDefinition, Entitlements } from "../../../storage/schema.ts";
import type { Entry } from "../../ui/entry.ts";
import { Checkbox, Field, type Option, Select } from "../../ui/form.tsx";
import { Badge } from "../../ui/show.tsx";
import { entitlementInWords } from "../../ui/terms.ts";

/** The field that says which entitlements a form has, each with its kind. */
const LISTED = "entitlement_fields";

const nameOf = (code: string): string => `entitlement.${code}`;

/** The names of all fields of these entitlements. */
export const entitlementNames = (definitions: EntitlementDefinition[]): string[] => [
  LISTED,
  ...definitions.flatMap(({ code }) =>
    ["", ".until", ".was", ".unlimited"].map((part) => `${nameOf(code)}${part}`),
  ),
];

const labelOf = ({ name, unit, kind, period }: EntitlementDefinition): string =>
  [
    name,
    unit?.toLowerCase() === name.toLowerCase() ? null : unit && `(${unit})`,
    kind === "meter" ? `a ${period}` : "",
  ]
    .filter(Boolean)
    .join(" ");

const SWITCH: Option[] = [
  ["", "not included"],
  ["true", "on"],
  ["false", "off"],
];

const ValueField: FC<{ entry: Entry; definition: EntitlementDefinition; held: Entitled | undefined }> = ({
  entry,
  definition,
  held,
}) => {
  const { code, kind } = definition;
  const name = nameOf(code);
  const label = labelOf(definition);
  const standsFor = [`entitlements.${code}.value`, `entitlements.${code}`];
  // A box that is not checked sends nothing: then the list of fields says that the form was filled in.
  const isFilled = entry.all(LISTED).includes(`${kind} ${code}`);
  if (kind === "flag")
    return (
      <Select
        entry={entry}
        name={name}
        label={label}
        options={SWITCH}
        value={held === undefined ? "" : String(held.value)}
        standsFor={standsFor}
      />
    );
  if (kind === "text")
    return (
      <Field
        entry={entry}
        name={name}
        label={label}
        value={held?.value as string | undefined}
        maxlength={200}
        standsFor={standsFor}
        placeholder="not included"
      />
    );
  return (
    <>
      <Field
        entry={entry}
        name={name}
        label={label}
        type="number"
        min={0}
        value={held?.value as number | null | undefined}
        standsFor={standsFor}
        placeholder="not included"
      />
      <Checkbox
        name={`${name}.unlimited`}
        checked={isFilled ? entry.has(`${name}.unlimited`) : held?.value === null}
      >
        {definition.name} unlimited
      </Checkbox>
    </>
  );
};

/** @param prefilled whether what is not held begins with the default of its definition */
export const EntitlementFields: FC<{
  entry: Entry;
  definitions: EntitlementDefinition[];
  held: Entitlements;
  prefilled?: boolean;
}> = ({ entry, definitions, held, prefilled = false }) =>
  definitions.length === 0 ? null : (
    <fieldset class="entitlements">
      <legend>Entitlements</legend>
      {entry.fault("entitlements") ? <p class="fault">{entry.fault("entitlements")}</p> : null}
      {definitions.map((definition) => {
        const { code, kind, preset } = definition;
        const present = held[code] ?? (prefilled && preset !== null ? { value: preset } : undefined);
        const until = present?.until;
        return (
          <div class="pair">
            <input type="hidden" name={LISTED} value={`${kind} ${code}`} />
            <ValueField entry={entry} definition={definition} held={present} />
            <Field
              entry={entry}
              name={`${nameOf(code)}.until`}
              label={`${definition.name} through`}
              type="date"
              value={until === undefined ? undefined : dayOf(lastDayOf(until))}
              standsFor={[`entitlements.${code}.until`]}
            />
            {until === undefined ? null : (
              <input type="hidden" name={`${nameOf(code)}.was`} value={formatInstant(until)} />
            )}
          </div>
        );
      })}
    </fieldset>
  );

/** The value that a field has; undefined: not included. */
function valueIn(entry: Entry, kind: string, code: string): unknown {
  const name = nameOf(code);
  if (kind === "flag") {
    const chosen = entry.text(name);
    return chosen === "true" || chosen === "false" ? chosen === "true" : chosen;
  }
  if (kind === "text") return entry.text(name);
  return entry.has(`${name}.unlimited`) ? null : entry.number(name);
}

/** The day of a field. If it was not changed, the instant that the entitlement ends at. */
function untilIn(entry: Entry, code: string): string | undefined {
  const day = entry.text(`${nameOf(code)}.until`);
  const was = entry.text(`${nameOf(code)}.was`);
  return was !== undefined && day === dayOf(lastDayOf(Date.parse(was))) ? was : day;
}

/** What the form says of each entitlement that it has; undefined if it has none. */
export function entitlementsOf(entry: Entry): Record<string, unknown> | undefined {
  const listed = entry.all(LISTED).map((field) => field.split(" ") as [kind: string, code: string]);
  if (listed.length === 0) return undefined;
  return Object.fromEntries(
    listed.map(([kind, code]) => {
      const value = valueIn(entry, kind, code);
      const until = untilIn(entry, code);
      return [code, value === undefined ? null : { value, ...(until === undefined ? {} : { until }) }];
    }),
  );
}

/** Entitlements as they are shown on a page. */
export const ShownEntitlements: FC<{ held: Entitlements; now: number }> = ({ held, now }) => (
  <div class="badges">
    {Object.entries(held).map(([code, one]) => {
      const isOver = one.until !== undefined && one.until <= now;
      return (
        <Badge tone={isOver ? "warn" : "plain"}>
          {entitlementInWords(code, one, isOver ? "ended" : "through")}
        </Badge>
      );
    })}
  </div>
);
