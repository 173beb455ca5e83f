// The terms of a license type as a form.
import type { Child, FC } from "hono/jsx";
import { partsOf } from "../../../kernel/calendar.ts";
import type { LicenseTypeTerms } from "../../../licensing/licenses/license-types.ts";
import type { Entry } from "../../ui/entry.ts";
import { Field, type Option, PostForm, Select, Submit } from "../../ui/form.tsx";
import type { Change } from "../../ui/overtaken.tsx";
import type { EntitlementDefinition, Entitlements } from "../../../storage/schema.ts";
import { EntitlementFields, entitlementsOf } from "../parts/entitlements.tsx";
import { daysIn } from "../parts/notice-days.tsx";
import { FurtherTerms, TermFields, termsOf } from "../parts/terms.tsx";
import type { Visit } from "../visit.ts";

const UNITS: Option[] = [
  ["Y", "years"],
  ["M", "months"],
  ["W", "weeks"],
  ["D", "days"],
];

/** Left empty, it is perpetual. */
function durationFrom(entry: Entry): string | null {
  const count = entry.text("duration");
  return count === undefined ? null : `P${count}${entry.text("duration_unit") ?? ""}`;
}

/** A type has only what it has. */
const withoutNulls = (all: Record<string, unknown> | undefined) =>
  all && Object.fromEntries(Object.entries(all).filter(([, one]) => one !== null));

export const termsIn = (entry: Entry): Record<string, unknown> => ({
  ...termsOf(entry),
  name: entry.text("name"),
  duration: durationFrom(entry),
  lease_days: entry.number("lease_days"),
  check_in_hours: entry.number("check_in_hours"),
  entitlements: withoutNulls(entitlementsOf(entry)),
  notice_days: daysIn(entry.words("notice_days")),
});

export const TermsForm: FC<{
  visit: Visit;
  entry: Entry;
  terms: Omit<LicenseTypeTerms, "entitlements"> & { entitlements: Entitlements };
  definitions: EntitlementDefinition[];
  back: string;
  label: string;
  /** The existing type. */
  present?: Change["present"];
  children?: Child;
}> = ({ visit, entry, terms, definitions, back, label, present, children }) => {
  const runs = terms.duration == null ? null : partsOf(terms.duration);
  return (
    <section class="card narrow">
      <PostForm visit={visit} entry={entry} changes={present && { present, entered: () => termsIn(entry) }}>
        {children}
        <Field entry={entry} name="name" label="Name" value={terms.name} required maxlength={200} />
        <div class="pair">
          <Field
            entry={entry}
            name="duration"
            label="Duration"
            type="number"
            min={1}
            value={runs?.count}
            placeholder="no end"
          />
          <Select entry={entry} name="duration_unit" label="Unit" options={UNITS} value={runs?.unit ?? "Y"} />
          <Field
            entry={entry}
            name="lease_days"
            label="Lease in days"
            hint="A seat that is not renewed is free after this time."
            type="number"
            min={1}
            max={3650}
            required
            value={terms.lease_days}
          />
          <Field
            entry={entry}
            name="check_in_hours"
            label="Check-in in hours"
            type="number"
            min={1}
            max={8760}
            required
            value={terms.check_in_hours}
          />
        </div>
        <TermFields entry={entry} terms={terms} />
        <FurtherTerms entry={entry} terms={terms} />
        <EntitlementFields
          entry={entry}
          definitions={definitions}
          held={terms.entitlements}
          prefilled={present === undefined}
        />
        <Field
          entry={entry}
          name="notice_days"
          label="Notices"
          value={terms.notice_days.join(" ")}
          hint="Days before the end, up to 20 numbers from 0 to 365, such as 30 14 7 1 0. Empty: none."
        />
        <Submit back={back}>{label}</Submit>
      </PostForm>
    </section>
  );
};
