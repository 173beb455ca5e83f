// The terms of a license type as a form.
import type { Child, FC } from "hono/jsx";
import type { LicenseTypeTerms } from "../../licensing/license-types.ts";
import type { Entry } from "./entry.ts";
import type { LicenseType } from "./license-types.tsx";
import { Field, PostForm, Submit, TextArea } from "./parts/form.tsx";
import { Table } from "./parts/show.tsx";
import type { Visit } from "./visit.ts";

const LABELS: Record<keyof LicenseTypeTerms, string> = {
  name: "Name",
  duration_days: "Runs for days",
  grace_days: "Grace in days",
  lease_days: "Lease of a seat in days",
  check_in_hours: "Check-in every … hours",
  max_instances: "Instances",
  max_services: "Services",
  max_requests_per_day: "Requests a day",
  features: "Features",
  notice_days: "Notices, days before the end",
};

export const termsIn = (entry: Entry): Record<keyof LicenseTypeTerms, unknown> => ({
  name: entry.text("name"),
  duration_days: entry.limit("duration_days"),
  grace_days: entry.number("grace_days"),
  lease_days: entry.number("lease_days"),
  check_in_hours: entry.number("check_in_hours"),
  max_instances: entry.limit("max_instances"),
  max_services: entry.limit("max_services"),
  max_requests_per_day: entry.limit("max_requests_per_day"),
  features: entry.words("features"),
  notice_days: entry.words("notice_days").map((word) => (/^\d{1,4}$/.test(word) ? Number(word) : word)),
});

const worded = (value: unknown): string => {
  if (value === null) return "unlimited";
  if (Array.isArray(value)) return value.join(" ") || "none";
  return typeof value === "number" || typeof value === "string" ? String(value) : "";
};

type Term = Exclude<keyof LicenseTypeTerms, "name" | "features" | "notice_days">;

export const TermsForm: FC<{
  visit: Visit;
  entry: Entry;
  terms: LicenseTypeTerms;
  back: string;
  label: string;
  children?: Child;
}> = ({ visit, entry, terms, back, label, children }) => {
  const number = (name: Term, hint: string, min: number, max?: number) => (
    <Field
      entry={entry}
      name={name}
      label={LABELS[name]}
      hint={hint}
      type="number"
      min={min}
      {...(max === undefined ? {} : { max, required: true })}
      value={terms[name]}
    />
  );
  return (
    <section class="card narrow">
      <PostForm visit={visit} entry={entry}>
        {children}
        <Field entry={entry} name="name" label={LABELS.name} value={terms.name} required maxlength={200} />
        <div class="pair">
          {number("duration_days", "Empty: no end.", 1)}
          {number("grace_days", "Runs on after the end, 0 to 3650.", 0, 3_650)}
        </div>
        <div class="pair">
          {number("lease_days", "A seat not renewed is free again, 1 to 3650.", 1, 3_650)}
          {number("check_in_hours", "1 to 8760.", 1, 8_760)}
        </div>
        <div class="pair">
          {number("max_instances", "Empty: unlimited.", 1)}
          {number("max_services", "Empty: unlimited.", 1)}
          {number("max_requests_per_day", "Empty: unlimited.", 1)}
        </div>
        <TextArea
          entry={entry}
          name="features"
          label={LABELS.features}
          value={terms.features.join(" ")}
          hint="Words of letters, digits and . _ : / - between blanks, commas or lines."
        />
        <Field
          entry={entry}
          name="notice_days"
          label={LABELS.notice_days}
          value={terms.notice_days.join(" ")}
          hint="Up to 20 numbers from 0 to 365, such as 30 14 7 1 0. Empty: no notices."
        />
        <Submit back={back}>{label}</Submit>
      </PostForm>
    </section>
  );
};

/** What is there now beside what was entered, after somebody else changed the type. */
export const Overtaken: FC<{ type: LicenseType; entry: Entry }> = ({ type, entry }) => {
  const entered = termsIn(entry);
  const rows = (Object.keys(LABELS) as (keyof LicenseTypeTerms)[])
    .map((name) => ({ name, now: worded(type[name]), yours: worded(entered[name]) }))
    .filter(({ now, yours }) => now !== yours);
  return (
    <div class="note warn">
      <p>
        Somebody changed this type after you opened it. Below is what you entered; save it again to put it in
        place of what is there now.
      </p>
      <Table
        caption="What differs"
        rows={rows}
        empty="What you entered is what is there now."
        columns={[
          { label: "Term", cell: ({ name }) => LABELS[name] },
          { label: "Now", cell: ({ now }) => now },
          { label: "Yours", cell: ({ yours }) => yours },
        ]}
      />
    </div>
  );
};
