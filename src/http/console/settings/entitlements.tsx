// /admin/settings/entitlements: what can be sold besides features and limits.
import {
  changeEntitlement,
  createEntitlement,
  deleteEntitlement,
  EntitlementChanges,
  getEntitlement,
  listEntitlements,
  NewEntitlement,
} from "../../../licensing/entitlements/definitions.ts";
import type { EntitlementDefinition } from "../../../storage/schema.ts";
import { parsed } from "../../ui/entry.ts";
import { Field, PostForm, Submit } from "../../ui/form.tsx";
import { versionOf } from "../../ui/overtaken.tsx";
import { Card, Pager, Table } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form, Page } from "../mount.tsx";
import type { Visit } from "../visit.ts";
import { MemberFields, membersIn } from "./entitlement-fields.tsx";
import { SETTINGS } from "./settings.tsx";

const ENTITLEMENTS: [href: string, label: string] = ["/admin/settings/entitlements", "Entitlements"];

const DONE: Record<string, string> = {
  created: "The entitlement is defined. License types and licenses can have it.",
  changed: "The definition is changed. What was sold keeps its value, and what happens above it.",
  deleted: "The entitlement is deleted.",
};

const countedInWords = ({ aggregate, period, over }: EntitlementDefinition): string =>
  aggregate === null
    ? ""
    : `${aggregate === "sum" ? "sum" : "highest day"} of a ${period}; above it ${over === "warn" ? "a warning" : "no new instances"}`;

const list: Page = {
  path: ENTITLEMENTS[0],
  access: "read",
  async show({ context, query, can }) {
    const { data, next_cursor: next } = await listEntitlements(context, {
      limit: 50,
      cursor: query["cursor"],
    });
    return {
      title: "Entitlements",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="Entitlements"
            lead="What can be sold besides features and the limits that every license has: GPUs, single sign-on, tokens a month."
            done={DONE[query["done"] ?? ""]}
            actions={
              can("license-types") ? (
                <a class="button primary" href="/admin/settings/new-entitlement">
                  New entitlement
                </a>
              ) : null
            }
          />
          <Card>
            <Table
              caption="Entitlements"
              rows={data}
              empty={
                can("license-types") ? (
                  <>
                    No entitlement yet. <a href="/admin/settings/new-entitlement">Define the first one</a>,
                    such as a number of GPUs or a meter of tokens.
                  </>
                ) : (
                  "No entitlement yet."
                )
              }
              columns={[
                {
                  label: "Entitlement",
                  main: true,
                  cell: ({ code, name }) => (
                    <>
                      {can("license-types") ? <a href={`${ENTITLEMENTS[0]}/${code}/edit`}>{name}</a> : name}
                      <span class="second">{code}</span>
                    </>
                  ),
                },
                { label: "Kind", cell: ({ kind }) => kind },
                { label: "Unit", cell: ({ unit }) => unit ?? "", minor: true },
                { label: "Counted", cell: countedInWords, long: true },
              ]}
            />
            <Pager path={ENTITLEMENTS[0]} query={query} next={next} count={data.length} />
          </Card>
        </>
      ),
    };
  },
};

const create: Form = {
  path: "/admin/settings/new-entitlement",
  access: "license-types",
  show: async (visit, entry) => ({
    title: "New entitlement",
    section: "settings",
    body: (
      <>
        <Heading trail={[SETTINGS, ENTITLEMENTS]} title="New entitlement" />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <Field
              entry={entry}
              name="code"
              label="Code"
              hint="What the product asks for: letters, digits and . _ - up to 64. It cannot be changed later."
              required
              maxlength={64}
            />
            <MemberFields entry={entry} />
            <Submit back={ENTITLEMENTS[0]}>Define the entitlement</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async submit({ context }, entry) {
    const input = { code: entry.text("code"), ...membersIn(entry) };
    await createEntitlement(context, parsed(NewEntitlement, input));
    return { to: `${ENTITLEMENTS[0]}?done=created` };
  },
};

const codeOf = ({ params }: Visit): string => params["code"] ?? "";

const edit: Form = {
  path: "/admin/settings/entitlements/{code}/edit",
  access: "license-types",
  async show(visit, entry) {
    const present = await getEntitlement(visit.context, codeOf(visit));
    return {
      title: `Edit ${present.name}`,
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS, ENTITLEMENTS]}
            title={`Edit ${present.name}`}
            lead={
              <>
                <code>{present.code}</code> · While something that was sold has it, its kind and how it is
                counted stay as they are.
              </>
            }
            actions={
              <a class="button quiet danger" href={`${ENTITLEMENTS[0]}/${present.code}/delete`} data-dialog>
                Delete
              </a>
            }
          />
          <section class="card narrow">
            <PostForm
              visit={visit}
              entry={entry}
              changes={{ present, entered: () => parsed(EntitlementChanges, membersIn(entry)) }}
            >
              <MemberFields entry={entry} present={present} />
              <Submit back={ENTITLEMENTS[0]}>Save the definition</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const changes = parsed(EntitlementChanges, membersIn(entry));
    await changeEntitlement(visit.context, codeOf(visit), changes, versionOf(entry));
    return { to: `${ENTITLEMENTS[0]}?done=changed` };
  },
};

const remove: Form = {
  path: "/admin/settings/entitlements/{code}/delete",
  access: "license-types",
  async show(visit, entry) {
    const { code, name } = await getEntitlement(visit.context, codeOf(visit));
    return {
      title: `Delete ${name}`,
      section: "settings",
      body: (
        <>
          <Heading trail={[SETTINGS, ENTITLEMENTS]} title={`Delete ${name}?`} />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry}>
              <p>
                <code>{code}</code> can no longer be sold. While a license or a license type has it, it cannot
                be deleted.
              </p>
              <Submit tone="danger" back={ENTITLEMENTS[0]}>
                Delete the entitlement
              </Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit) {
    await deleteEntitlement(visit.context, codeOf(visit));
    return { to: `${ENTITLEMENTS[0]}?done=deleted` };
  },
};

export const entitlementDoors = [list, create, edit, remove];
