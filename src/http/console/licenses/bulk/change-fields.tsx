// The fields of a bulk change.
import type { FC } from "hono/jsx";
import type { EntitlementDefinition, LicenseType } from "../../../../storage/schema.ts";
import type { Entry } from "../../../ui/entry.ts";
import { Checkbox, Field, type Option, Select } from "../../../ui/form.tsx";
import { FeaturesField, knownFeatures } from "../../parts/features.tsx";
import { ChangedNoticeDays } from "../../parts/notice-days.tsx";
import { POLICIES } from "../../parts/terms.tsx";
import { LIMITS } from "./changes.ts";
import { EntitlementChanges } from "./entitlement-changes.tsx";

const AS_IT_IS = "as it is";

const NAMES = {
  max_instances: "Instances",
  max_services: "Services",
  max_requests_per_day: "Requests a day",
} as const;

const NUMBERS = [
  ["grace_days", "Grace in days", 0],
  ["lease_days", "Lease in days", 1],
  ["check_in_hours", "Hours between check-ins", 1],
  ["unproven_lease_hours", "Unproven lease in hours", 1],
] as const;

export const ChangeFields: FC<{
  entry: Entry;
  types: LicenseType[];
  definitions: EntitlementDefinition[];
}> = ({ entry, types, definitions }) => (
  <>
    <Select
      entry={entry}
      name="license_type"
      label="Type"
      hint="With the terms of that type; what is entered here goes before them. A field left empty changes nothing."
      options={[["", AS_IT_IS], ...types.map(({ id, name }): Option => [id, name])]}
    />
    <FeaturesField
      entry={entry}
      name="features_add"
      label="Features to add"
      features={[]}
      known={knownFeatures(types)}
    />
    <Field entry={entry} name="features_remove" label="Features to take away" maxlength={700} />
    {LIMITS.map((name) => (
      <div class="pair">
        <Field entry={entry} name={name} label={NAMES[name]} type="number" min={1} placeholder={AS_IT_IS} />
        <Checkbox name={`${name}.unlimited`} checked={entry.has(`${name}.unlimited`)}>
          {NAMES[name]} unlimited
        </Checkbox>
      </div>
    ))}
    <div class="pair">
      {NUMBERS.map(([name, label, min]) => (
        <Field entry={entry} name={name} label={label} type="number" min={min} placeholder={AS_IT_IS} />
      ))}
      <Select
        entry={entry}
        name="clone_policy"
        label="Suspected clones"
        options={[["", AS_IT_IS], ...POLICIES]}
      />
    </div>
    <ChangedNoticeDays entry={entry} />
    <EntitlementChanges entry={entry} definitions={definitions} />
    <Checkbox name="send_email" checked={entry.has("send_email")}>
      Tell each customer by mail: one mail about all of their licenses
    </Checkbox>
  </>
);
