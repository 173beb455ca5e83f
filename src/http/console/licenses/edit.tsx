// /admin/licenses/{id}/edit: changes the terms, and shows their effect while they are entered.
import type { Child } from "hono/jsx";
import { changeLicense, LicenseChanges } from "../../../licensing/licenses/lifecycle.ts";
import { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { previewChange } from "../../../licensing/licenses/preview.ts";
import { Problem } from "../../../problems.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { licenseView } from "./view.tsx";
import type { Form } from "../mount.tsx";
import { Field, NotYet, PostForm, Submit } from "../../ui/form.tsx";
import { Impact } from "../parts/impact.tsx";
import { NotedFields, notedOf } from "../parts/noted.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { Card, formatEnd, formatStart } from "../../ui/show.tsx";
import { TermFields, termsOf } from "../parts/terms.tsx";
import { idOf, type Visit } from "../visit.ts";

const changesFrom = (entry: Entry) =>
  parsed(LicenseChanges, {
    ...termsOf(entry),
    lease_days: entry.number("lease_days"),
    check_in_hours: entry.number("check_in_hours"),
    // An unchanged day keeps its instant to the second; a chosen day means that whole day.
    expires_at: entry.has("perpetual") ? null : entry.text("ends_on"),
    starts_at: entry.text("starts_at"),
    ...notedOf(entry),
  });

async function impact({ context, now, params }: Visit, entry: Entry): Promise<Child> {
  if (!entry.has("version")) return <p class="hint">Change something to see its effect.</p>;
  try {
    const preview = await previewChange(context, params["id"] ?? "", "change", { input: changesFrom(entry) });
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
          <TermFields entry={entry} terms={license} />
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
              name="lease_days"
              label="Lease in days"
              type="number"
              min={1}
              value={license.lease_days}
            />
            <Field
              entry={entry}
              name="check_in_hours"
              label="Hours between check-ins"
              type="number"
              min={1}
              value={license.check_in_hours}
            />
          </div>
          {license.expires_at === null ? null : (
            <label class="check">
              <input type="checkbox" name="perpetual" value="yes" checked={entry.has("perpetual")} />
              <span>Perpetual: remove the end</span>
            </label>
          )}
          <NotedFields entry={entry} present={license} />
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
    const id = idOf(visit);
    await changeLicense(visit.context, id, changesFrom(entry), versionOf(entry));
    return { to: `/admin/licenses/${id}?done=changed` };
  },
};
