// Entitlements in a bulk change: each is left as it is, given a value, or taken away.
import type { FC } from "hono/jsx";
import { invalid } from "../../../../problems.ts";
import type { EntitlementDefinition } from "../../../../storage/schema.ts";
import type { Entry } from "../../../ui/entry.ts";
import { Checkbox, Field, type Option, Select } from "../../../ui/form.tsx";

/** The field that says which entitlements the form has, each with its kind. */
const LISTED = "entitlement_fields";

const nameOf = (code: string): string => `entitlement.${code}`;

const FLAG: Option[] = [
  ["", "as it is"],
  ["true", "on"],
  ["false", "off"],
];

export const EntitlementChanges: FC<{ entry: Entry; definitions: EntitlementDefinition[] }> = ({
  entry,
  definitions,
}) =>
  definitions.length === 0 ? null : (
    <fieldset class="entitlements">
      <legend>Entitlements</legend>
      {definitions.map(({ code, kind, name, unit }) => {
        const field = nameOf(code);
        const shared = {
          entry,
          name: field,
          label: unit ? `${name} (${unit})` : name,
          standsFor: [`entitlements.${code}.value`, `entitlements.${code}`],
        };
        const isNumber = kind === "limit" || kind === "meter";
        return (
          <div class="pair">
            <input type="hidden" name={LISTED} value={`${kind} ${code}`} />
            {kind === "flag" ? (
              <Select {...shared} options={FLAG} />
            ) : (
              <Field
                {...shared}
                placeholder="as it is"
                {...(isNumber ? { type: "number" as const, min: 0 } : { maxlength: 200 })}
              />
            )}
            <Field
              entry={entry}
              name={`${field}.until`}
              label={`${name} through`}
              type="date"
              standsFor={[`entitlements.${code}.until`]}
            />
            {isNumber ? (
              <Checkbox name={`${field}.unlimited`} checked={entry.has(`${field}.unlimited`)}>
                {name} unlimited
              </Checkbox>
            ) : null}
            <Checkbox name={`${field}.unset`} checked={entry.has(`${field}.unset`)}>
              Without {name}
            </Checkbox>
          </div>
        );
      })}
    </fieldset>
  );

/** The value that is entered; undefined: none. */
function valueIn(entry: Entry, kind: string, name: string): unknown {
  const text = entry.text(name);
  if (kind === "flag") return text === "true" || text === "false" ? text === "true" : text;
  if (kind === "text") return text;
  if (!entry.has(`${name}.unlimited`)) return entry.number(name);
  if (text === undefined) return null;
  throw invalid(name, "Enter a number, or choose unlimited");
}

/**
 * What the form says of the entitlements that it changes; undefined if it changes none.
 * @throws Problem REQUEST_INVALID for an end without a value, or a value of one that is taken away
 */
export function changedEntitlementsOf(entry: Entry): Record<string, unknown> | undefined {
  const changed = entry.all(LISTED).flatMap((field): [string, unknown][] => {
    const [kind, code] = field.split(" ") as [kind: string, code: string];
    const name = nameOf(code);
    const value = valueIn(entry, kind, name);
    const until = entry.text(`${name}.until`);
    if (entry.has(`${name}.unset`)) {
      if (value === undefined && until === undefined) return [[code, null]];
      throw invalid(name, "Enter a value, or choose to be without it");
    }
    if (value !== undefined) return [[code, { value, ...(until === undefined ? {} : { until }) }]];
    if (until !== undefined) throw invalid(name, "Enter its value, too");
    return [];
  });
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}
