// /admin/licenses/{id}/edit: changes the terms, and shows their effect while they are entered.
import type { Child } from "hono/jsx";
import { changesIn, LicenseChanges } from "../../../licensing/licenses/decisions.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { getLicense, getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import { Problem } from "../../../problems.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Later, takeAction } from "./actions/action.tsx";
import { shownEntitlements } from "../../../licensing/entitlements/definitions.ts";
import { EntitlementFields, entitlementNames, entitlementsOf } from "../parts/entitlements.tsx";
import { licenseView } from "./view.tsx";
import type { Form } from "../mount.tsx";
import { Checkbox, Choices, Field, NotYet, type Option, PostForm, Select, Submit } from "../../ui/form.tsx";
import { Impact } from "../parts/impact.tsx";
import { assertKnownFeatures, knownFeatures } from "../parts/features.tsx";
import { MetadataField, metadataOf } from "../parts/metadata.tsx";
import { NoticeDaysField, noticeDaysOf } from "../parts/notice-days.tsx";
import { NotedFields, notedOf } from "../parts/noted.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { Card, formatEnd, formatStart } from "../../ui/show.tsx";
import { FurtherTerms, TermFields, TERMS, termsOf } from "../parts/terms.tsx";
import { idOf, type Visit } from "../visit.ts";

/** The type whose terms the form is to show; undefined: those of the license itself. */
const typeShown = (entry: Entry): string | undefined =>
  entry.text("terms") === "type" && entry.text("license_type") !== entry.text("type_now")
    ? entry.text("license_type")
    : undefined;

/** The terms shown may still be those of a type that was chosen before. */
const areOwnTerms = (entry: Entry): boolean => entry.text("terms_of") === typeShown(entry);

const changesFrom = (entry: Entry) =>
  parsed(LicenseChanges, {
    license_type: entry.text("license_type"),
    terms: entry.text("terms"),
    ...(areOwnTerms(entry)
      ? {
          ...termsOf(entry),
          lease_days: entry.number("lease_days"),
          check_in_hours: entry.number("check_in_hours"),
          entitlements: entitlementsOf(entry),
          notice_days: noticeDaysOf(entry),
        }
      : {}),
    // An unchanged day keeps its instant to the second; a chosen day means that whole day.
    expires_at: entry.has("perpetual") ? null : entry.text("ends_on"),
    starts_at: entry.text("starts_at"),
    updates_until: entry.has("all_versions") ? null : entry.text("updates_until"),
    send_email: entry.has("send_email") ? true : undefined,
    metadata: metadataOf(entry),
    ...notedOf(entry),
  });

async function impact({ context, now, params }: Visit, entry: Entry): Promise<Child> {
  if (!entry.has("version")) return <p class="hint">Change something to see its effect.</p>;
  try {
    const preview = await previewChange(context, params["id"] ?? "", {
      action: "change",
      input: changesFrom(entry),
    });
    return <Impact preview={preview} now={now} />;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return <NotYet entry={entry} problem={error} />;
  }
}

export const editLicense: Form = {
  path: "/admin/licenses/{id}/edit",
  access: "licenses",
  async show(visit, entry) {
    const held = await getLicenseAndCustomer(visit.context, idOf(visit));
    const { license } = held;
    const [{ data: types }, definitions] = await Promise.all([
      listLicenseTypes(visit.context, { limit: 100 }),
      shownEntitlements(visit.context, [license.id, typeShown(entry) ?? ""]),
    ]);
    const chosen = types.find(({ id }) => id === typeShown(entry));
    const terms = { ...license, ...chosen };
    const fields = areOwnTerms(entry)
      ? entry
      : entry.without([
          ...TERMS,
          "lease_days",
          "check_in_hours",
          "notice_days",
          ...entitlementNames(definitions),
        ]);
    const path = `/admin/licenses/${license.id}`;
    return licenseView(
      held,
      { title: "Edit terms", lead: "Instances get them at their next check-in." },
      <Card>
        <PostForm
          visit={visit}
          entry={entry}
          action={`${path}/edit`}
          changes={{ present: license, entered: () => changesFrom(entry) }}
          live
        >
          <input type="hidden" name="type_now" value={license.license_type} />
          <Select
            entry={entry}
            name="license_type"
            label="Type"
            options={types.map(({ id, name }): Option => [id, name])}
            value={license.license_type}
          />
          <Choices
            entry={entry}
            name="terms"
            legend="Under another type"
            options={[
              ["type", "The terms of that type"],
              ["keep", "The terms that it has"],
            ]}
            hint="Its end stays as it is. Below, single terms can still be changed."
          />
          <button class="no-script" name="look" value="yes">
            Take the terms of this type
          </button>
          <div id="terms-shown" data-results>
            <input type="hidden" name="terms_of" value={chosen?.id ?? ""} />
            <TermFields entry={fields} terms={terms} known={knownFeatures([...types, license])} />
            <EntitlementFields entry={fields} definitions={definitions} held={terms.entitlements} />
            <FurtherTerms entry={fields} terms={terms} />
            <div class="pair">
              <Field
                entry={fields}
                name="lease_days"
                label="Lease in days"
                type="number"
                min={1}
                value={terms.lease_days}
              />
              <Field
                entry={fields}
                name="check_in_hours"
                label="Hours between check-ins"
                type="number"
                min={1}
                value={terms.check_in_hours}
              />
            </div>
            {/* Under another type, the days are those of that type. */}
            <NoticeDaysField entry={fields} days={chosen ? null : license.notice_days} />
          </div>
          <div class="pair">
            <Field
              entry={entry}
              name="ends_on"
              label="New last day"
              type="date"
              standsFor={["expires_at"]}
              hint={
                license.expires_at === null
                  ? "Perpetual now. Left empty, it stays so."
                  : `${formatEnd(license.expires_at)} now. Left empty, it stays so.`
              }
            />
            <Field
              entry={entry}
              name="starts_at"
              label="Starts on"
              type="date"
              hint={
                license.starts_at === null
                  ? "Valid since its issue. Left empty, it stays so."
                  : `${formatStart(license.starts_at)} now. Left empty, it stays so.`
              }
            />
            <Field
              entry={entry}
              name="updates_until"
              label="Covers versions built until"
              type="date"
              hint={
                license.updates_until === null
                  ? "All that appear while it runs. Left empty, it stays so."
                  : `${formatEnd(license.updates_until)} now. Left empty, it stays so.`
              }
            />
            <Later entry={entry} />
          </div>
          {license.updates_until === null ? null : (
            <Checkbox name="all_versions" checked={entry.has("all_versions")}>
              Covers all versions: remove that date
            </Checkbox>
          )}
          {license.expires_at === null ? null : (
            <label class="check">
              <input type="checkbox" name="perpetual" value="yes" checked={entry.has("perpetual")} />
              <span>Perpetual: remove the end</span>
            </label>
          )}
          <MetadataField entry={entry} present={license.metadata} />
          <NotedFields entry={entry} present={license} />
          <Checkbox name="send_email" checked={entry.has("send_email")}>
            Tell the customer by mail what changed
          </Checkbox>
          {entry.fault("send_email") ? <p class="fault">{entry.fault("send_email")}</p> : null}
          <div id="impact" data-results aria-live="polite">
            {await impact(visit, entry)}
          </div>
          <button class="no-script" name="look" value="yes">
            See the effect
          </button>
          <Submit back={path}>Save</Submit>
        </PostForm>
      </Card>,
    );
  },
  async submit(visit, entry) {
    const entered = changesFrom(entry);
    const [license, { data: types }] = await Promise.all([
      getLicense(visit.context, idOf(visit)),
      listLicenseTypes(visit.context, { limit: 100 }),
    ]);
    assertKnownFeatures(entry, knownFeatures([...types, license]));
    const type = types.find(({ id }) => id === entered.license_type);
    const action = { action: "change", input: changesIn(entered, license, type) } as const;
    return takeAction(visit, entry, action, "?done=changed", versionOf(entry));
  },
};
