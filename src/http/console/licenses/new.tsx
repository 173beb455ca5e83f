// /admin/licenses/new: for whom, what, until when; and a live preview of the key's content.
import type { Child, FC } from "hono/jsx";
import { addDuration } from "../../../kernel/calendar.ts";
import { createCustomer, NewCustomer } from "../../../licensing/customers/customers.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { IssueRequest, issueLicense, NewLicense } from "../../../licensing/licenses/licenses.ts";
import { previewIssue } from "../../../licensing/licenses/preview.ts";
import { Problem } from "../../../problems.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import { shownEntitlements } from "../../../licensing/entitlements/definitions.ts";
import { EntitlementFields, entitlementNames, entitlementsOf } from "../parts/entitlements.tsx";
import { assertKnownFeatures, knownFeatures } from "../parts/features.tsx";
import { MetadataField, metadataOf } from "../parts/metadata.tsx";
import { NoticeDaysField, noticeDaysOf } from "../parts/notice-days.tsx";
import { NotedFields, notedOf } from "../parts/noted.tsx";
import { CustomerChoice, customersFor, NEW } from "./choice.tsx";
import type { Form } from "../mount.tsx";
import { Checkbox, Field, NotYet, type Option, PostForm, Select, Submit } from "../../ui/form.tsx";
import type { LicenseType } from "../../../storage/schema.ts";
import { Card, When } from "../../ui/show.tsx";
import {
  asTheTypeSays,
  Ending,
  endOf,
  FURTHER_TERMS,
  FurtherTerms,
  TermFields,
  TERMS,
  termsOf,
} from "../parts/terms.tsx";
import type { Visit } from "../visit.ts";

/** Stands for the customer in a preview if none is chosen yet. */
const NOBODY = "-";

/** The terms shown may still be those of the type that was chosen before. */
function areOwnTerms(entry: Entry): boolean {
  const [type, shown] = [entry.text("license_type"), entry.text("terms_of")];
  return shown === type && (entry.text("further_of") ?? shown) === type;
}

/** Whether one of the further terms is entered, is not as the type says, or is refused. */
const isFurtherOpen = (entry: Entry, type: LicenseType): boolean =>
  ["updates_until", "notice_days", "metadata"].some((name) => entry.text(name) ?? entry.fault(name)) ||
  FURTHER_TERMS.some(
    (name) => entry.fault(name) ?? (entry.text(name) ?? String(type[name])) !== String(type[name]),
  );

const inputOf = (entry: Entry, customerId: string | undefined): Record<string, unknown> => ({
  customer_id: customerId,
  license_type: entry.text("license_type"),
  starts_at: entry.text("starts_at"),
  updates_until: entry.text("updates_until"),
  ...endOf(entry),
  metadata: metadataOf(entry),
  notice_days: noticeDaysOf(entry),
  ...notedOf(entry),
  ...(areOwnTerms(entry) ? { ...termsOf(entry), entitlements: entitlementsOf(entry) } : {}),
});

const Customer: FC<{ entry: Entry; children?: Child }> = ({ entry, children }) => (
  <Card title="Customer">
    <Field
      entry={entry}
      name="customer_q"
      label="Search"
      type="search"
      placeholder="Name, company or e-mail"
      maxlength={100}
    />
    <button class="no-script" name="look" value="yes">
      Find
    </button>
    {children}
    <div class="pair">
      <Field entry={entry} name="new_name" label="New customer’s name" standsFor={["name"]} maxlength={200} />
      <Field
        entry={entry}
        name="new_email"
        label="E-mail"
        type="email"
        standsFor={["email"]}
        maxlength={254}
      />
      <Field entry={entry} name="new_company" label="Company" standsFor={["company"]} maxlength={200} />
    </div>
  </Card>
);

/** What the key would say now, or what is still missing. */
async function preview({ context, now }: Visit, entry: Entry): Promise<Child> {
  const chosen = entry.text("customer_id") ?? NEW;
  try {
    const input = parsed(NewLicense, inputOf(entry, chosen === NEW ? NOBODY : chosen));
    const { claims, license } = await previewIssue(context, input);
    const sub = chosen === NEW ? "…" : claims.sub;
    return (
      <>
        <p>
          {license.starts_at === null ? null : (
            <>
              Starts <When at={license.starts_at} now={now} as="start" />.{" "}
            </>
          )}
          Ends <When at={license.expires_at} now={now} as="end" />.
        </p>
        <pre class="claims">{JSON.stringify({ ...claims, sub }, null, 2)}</pre>
      </>
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return <NotYet entry={entry} problem={error} />;
  }
}

/** The chosen customer; a new one is made only after everything else was found valid. */
async function customerFrom({ context }: Visit, entry: Entry): Promise<string | undefined> {
  const chosen = entry.text("customer_id");
  if (chosen !== NEW) return chosen;
  const email = entry.text("new_email");
  const input = parsed(NewCustomer, {
    name: entry.text("new_name") ?? "",
    email,
    company: entry.text("new_company"),
  });
  await previewIssue(context, parsed(NewLicense, inputOf(entry, NOBODY)));
  if (entry.has("send_email") && email === undefined) {
    throw new Problem("REQUEST_INVALID", "The new customer has no e-mail address to send to.", {
      errors: [{ path: "new_email", message: "Is needed to mail the key" }],
    });
  }
  return (await createCustomer(context, input)).id;
}

export const newLicense: Form = {
  path: "/admin/licenses/new",
  access: "licenses",
  async show(visit, entry) {
    const [{ data: types }, definitions] = await Promise.all([
      listLicenseTypes(visit.context, { limit: 100 }),
      shownEntitlements(visit.context, [entry.text("license_type") ?? "standard"]),
    ]);
    const type = types.find(({ id }) => id === (entry.text("license_type") ?? "standard")) ?? types[0];
    if (!type)
      throw new Problem("CONFLICT", "There is no license type to issue from. Create one under Settings.");
    const sent = entry.has("license_type") ? entry : entry.with("license_type", type.id);
    const [customers, claims] = await Promise.all([customersFor(visit, sent), preview(visit, sent)]);
    const fields = areOwnTerms(entry) ? entry : entry.without([...TERMS, ...entitlementNames(definitions)]);
    const chosen = entry.text("customer_id");
    const isNew = chosen === NEW || (chosen === undefined && customers.length === 0);
    return {
      title: "New license",
      section: "licenses",
      body: (
        <>
          <Heading title="New license" trail={[["/admin/licenses", "Licenses"]]} />
          <PostForm visit={visit} entry={entry} action="/admin/licenses/new" live>
            <div class="columns lopsided">
              <div>
                <Customer entry={entry}>
                  <CustomerChoice entry={entry} label="Customer" customers={customers}>
                    <label class="choice">
                      <input id="customer_id" type="radio" name="customer_id" value={NEW} checked={isNew} />
                      <span>A new customer, entered below</span>
                    </label>
                  </CustomerChoice>
                </Customer>
                <Card title="Terms">
                  <Select
                    entry={entry}
                    name="license_type"
                    label="Type"
                    options={types.map(({ id, name }): Option => [id, name])}
                    value={type.id}
                  />
                  <button class="no-script" name="look" value="yes">
                    Take the terms of this type
                  </button>
                  <div id="terms" data-results>
                    <input type="hidden" name="terms_of" value={type.id} />
                    <Ending
                      entry={entry}
                      legend="Ends after"
                      after={(duration) => addDuration(visit.now, duration)}
                      first={asTheTypeSays(type.duration)}
                      value="type"
                    />
                    <TermFields entry={fields} terms={type} known={knownFeatures(types)} />
                    <EntitlementFields
                      entry={fields}
                      definitions={definitions}
                      held={type.entitlements}
                      prefilled
                    />
                  </div>
                  <Field
                    entry={entry}
                    name="starts_at"
                    label="Starts on"
                    type="date"
                    hint="Left empty, the license is valid at once."
                  />
                  <NotedFields entry={entry} />
                  <details open={isFurtherOpen(fields, type)}>
                    <summary>Further terms: grace, clones, covered versions, notices, metadata</summary>
                    {/* Apart from the terms above, so that it stays open when the type changes. */}
                    <div id="further" data-results>
                      <input type="hidden" name="further_of" value={type.id} />
                      <FurtherTerms entry={fields} terms={type} />
                    </div>
                    <Field
                      entry={entry}
                      name="updates_until"
                      label="Covers versions built until"
                      type="date"
                      hint="Left empty, it covers all that appear while it runs."
                    />
                    <NoticeDaysField entry={entry} days={null} />
                    <MetadataField entry={entry} />
                  </details>
                </Card>
              </div>
              <div class="follows">
                <Card title="Content of the key">
                  <div id="claims" data-results aria-live="polite">
                    {claims}
                  </div>
                  <button class="no-script" name="look" value="yes">
                    Update the preview
                  </button>
                </Card>
                <Card>
                  <Checkbox name="send_email" checked={entry.has("send_email")}>
                    Mail the key to the customer
                  </Checkbox>
                  {entry.fault("send_email") ? <p class="fault">{entry.fault("send_email")}</p> : null}
                  <Submit back="/admin/licenses">Issue license</Submit>
                </Card>
              </div>
            </div>
          </PostForm>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const { data: types } = await listLicenseTypes(visit.context, { limit: 100 });
    assertKnownFeatures(entry, knownFeatures(types));
    const customerId = await customerFrom(visit, entry);
    const input = parsed(IssueRequest, {
      ...inputOf(entry, customerId),
      send_email: entry.has("send_email") ? true : undefined,
    });
    const { license } = await issueLicense(visit.context, input);
    return { to: `/admin/licenses/${license.id}/key?done=${entry.has("send_email") ? "mailed" : "issued"}` };
  },
};
