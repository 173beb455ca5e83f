// Making, changing and deleting a license type.
import * as z from "zod/mini";
import {
  createLicenseType,
  deleteLicenseType,
  getLicenseType,
  LicenseTypeId,
  LicenseTypeTerms,
  putLicenseType,
} from "../../../licensing/licenses/license-types.ts";
import { shownEntitlements } from "../../../licensing/entitlements/definitions.ts";
import { parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import { termsIn, TermsForm } from "./license-type-fields.tsx";
import { LICENSE_TYPES } from "./license-types.tsx";
import type { Form } from "../mount.tsx";
import { Field, PostForm, Submit } from "../../ui/form.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { SETTINGS } from "./settings.tsx";

/** What a new type starts with: the defaults of the API. */
const DEFAULTS = LicenseTypeTerms.parse({ name: "-", duration: "P1Y" });

const create: Form = {
  path: "/admin/settings/new-license-type",
  access: "license-types",
  show: async (visit, entry) => ({
    title: "New license type",
    section: "settings",
    body: (
      <>
        <Heading trail={[SETTINGS, LICENSE_TYPES]} title="New license type" />
        <TermsForm
          visit={visit}
          entry={entry}
          terms={{ ...DEFAULTS, name: "", entitlements: {} }}
          definitions={await shownEntitlements(visit.context)}
          back={LICENSE_TYPES[0]}
          label="Create the license type"
        >
          <Field
            entry={entry}
            name="id"
            label="Id"
            hint="Letters, digits and . _ - up to 64. It cannot be changed later."
            required
            maxlength={64}
          />
        </TermsForm>
      </>
    ),
  }),
  async submit({ context }, entry) {
    const { id, ...terms } = parsed(z.safeExtend(LicenseTypeTerms, { id: LicenseTypeId }), {
      id: entry.text("id"),
      ...termsIn(entry),
    });
    await createLicenseType(context, id, terms);
    return { to: `${LICENSE_TYPES[0]}/${id}?done=created` };
  },
};

const edit: Form = {
  path: "/admin/settings/license-types/{id}/edit",
  access: "license-types",
  async show(visit, entry) {
    const type = await getLicenseType(visit.context, visit.params["id"] ?? "");
    const path = `${LICENSE_TYPES[0]}/${type.id}`;
    return {
      title: `Edit ${type.name}`,
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS, LICENSE_TYPES, [path, type.name]]}
            title={`Edit ${type.name}`}
            lead="Licenses already issued keep their terms."
          />
          <TermsForm
            visit={visit}
            entry={entry}
            terms={type}
            definitions={await shownEntitlements(visit.context, [type.id])}
            back={path}
            label="Save the terms"
            present={type}
          />
        </>
      ),
    };
  },
  async submit({ context, params }, entry) {
    const terms = parsed(LicenseTypeTerms, termsIn(entry));
    const { type } = await putLicenseType(context, params["id"] ?? "", terms, versionOf(entry));
    return { to: `${LICENSE_TYPES[0]}/${type.id}?done=changed` };
  },
};

const remove: Form = {
  path: "/admin/settings/license-types/{id}/delete",
  access: "license-types",
  async show(visit, entry) {
    const type = await getLicenseType(visit.context, visit.params["id"] ?? "");
    const path = `${LICENSE_TYPES[0]}/${type.id}`;
    return {
      title: `Delete ${type.name}`,
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, LICENSE_TYPES, [path, type.name]]} title={`Delete ${type.name}?`} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <p>
                No license can be issued from <code>{type.id}</code> any more. While a license is of this
                type, it cannot be deleted.
              </p>
              <Submit tone="danger" back={path}>
                Delete the license type
              </Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ context, params }) {
    await deleteLicenseType(context, params["id"] ?? "");
    return { to: `${LICENSE_TYPES[0]}?done=deleted` };
  },
};

export const licenseTypeFormDoors = [create, edit, remove];
