// /admin/settings/license-types: the types, and each with its terms.
import { durationInWords } from "../../../kernel/calendar.ts";
import { getLicenseType, listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import { Badge, Card, Facts, formatLimit, Pager, plural, Table, When } from "../../ui/show.tsx";
import { ShownEntitlements } from "../parts/entitlements.tsx";
import { SETTINGS } from "./settings.tsx";

export const LICENSE_TYPES: [href: string, label: string] = [
  "/admin/settings/license-types",
  "License types",
];

const DONE: Record<string, string> = {
  created: "The license type is created and can be used.",
  changed: "The terms are changed. They apply to licenses that are issued from now on.",
  deleted: "The license type is deleted.",
};

const runs = ({ duration }: { duration: string | null }): string =>
  duration === null ? "no end" : durationInWords(duration);

const list: Page = {
  path: LICENSE_TYPES[0],
  access: "read",
  async show({ context, query, can }) {
    const { data, next_cursor: next } = await listLicenseTypes(context, {
      limit: 50,
      cursor: query["cursor"],
    });
    return {
      title: "License types",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="License types"
            lead="A license copies its terms from its type when it is issued. Changing a type changes no license already sold."
            done={DONE[query["done"] ?? ""]}
            actions={
              can("license-types") ? (
                <a class="button primary" href="/admin/settings/new-license-type">
                  New license type
                </a>
              ) : null
            }
          />
          <Card>
            <Table
              caption="License types"
              rows={data}
              empty="There is no license type yet. Licenses need one."
              columns={[
                {
                  label: "Type",
                  main: true,
                  cell: ({ id, name }) => (
                    <>
                      <a href={`${LICENSE_TYPES[0]}/${id}`}>{name}</a>
                      <span class="second">{id}</span>
                    </>
                  ),
                },
                { label: "Duration", cell: runs },
                { label: "Grace", cell: (type) => plural(type.grace_days, "day"), minor: true },
                { label: "Instances", cell: (type) => formatLimit(type.max_instances), numeric: true },
                {
                  label: "Services",
                  cell: (type) => formatLimit(type.max_services),
                  numeric: true,
                  minor: true,
                },
                {
                  label: "Requests a day",
                  cell: (type) => formatLimit(type.max_requests_per_day),
                  numeric: true,
                  minor: true,
                },
              ]}
            />
            <Pager path={LICENSE_TYPES[0]} query={query} next={next} count={data.length} />
          </Card>
        </>
      ),
    };
  },
};

const one: Page = {
  path: "/admin/settings/license-types/{id}",
  access: "read",
  async show({ context, params, query, now, can }) {
    const type = await getLicenseType(context, params["id"] ?? "");
    const path = `${LICENSE_TYPES[0]}/${type.id}`;
    return {
      title: type.name,
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS, LICENSE_TYPES]}
            title={type.name}
            lead={<code>{type.id}</code>}
            done={DONE[query["done"] ?? ""]}
            actions={
              can("license-types") ? (
                <>
                  <a class="button" href={`${path}/edit`}>
                    Edit
                  </a>
                  <a class="button quiet danger" href={`${path}/delete`} data-dialog>
                    Delete
                  </a>
                </>
              ) : null
            }
          />
          <Card title="Terms of a new license">
            <Facts
              rows={[
                ["Duration", runs(type)],
                ["Grace after the end", plural(type.grace_days, "day")],
                ["Lease of a seat", plural(type.lease_days, "day")],
                ["Checks in every", plural(type.check_in_hours, "hour")],
                ["Lease without proof", plural(type.unproven_lease_hours, "hour")],
                [
                  "Suspected clones",
                  type.clone_policy === "refuse" ? "refused without proof" : "reported to staff",
                ],
                ["Instances", formatLimit(type.max_instances)],
                ["Services", formatLimit(type.max_services)],
                ["Requests a day", formatLimit(type.max_requests_per_day)],
                [
                  "Notices before the end",
                  type.notice_days.length > 0 ? `${type.notice_days.join(", ")} days` : "none",
                ],
                [
                  "Features",
                  type.features.length > 0 ? (
                    <span class="badges">
                      {type.features.map((feature) => (
                        <Badge tone="plain">{feature}</Badge>
                      ))}
                    </span>
                  ) : (
                    "none"
                  ),
                ],
                [
                  "Entitlements",
                  Object.keys(type.entitlements).length === 0 ? (
                    "none"
                  ) : (
                    <ShownEntitlements held={type.entitlements} now={now} />
                  ),
                ],
                ["Changed", <When at={type.updated_at} now={now} />],
              ]}
            />
            <p>
              <a href={`/admin/licenses?license_type=${type.id}`}>Licenses of this type</a>
            </p>
          </Card>
        </>
      ),
    };
  },
};

export const licenseTypeDoors = [list, one];
