// /admin/exports/licenses, /admin/exports/customers, /admin/exports/instances: licenses with their keys, customers, or
// instances, as a file.
//
// By POST: any site can send a browser to an address by GET, and each export is recorded in the person's name.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { byName } from "../../kernel/inputs.ts";
import { exportInstances } from "../../licensing/sheets/instance-exports.ts";
import { InstanceListFilter, soughtBy } from "./instances/filters.ts";
import { CustomerFilter } from "../../licensing/customers/customer-list.ts";
import { exportCustomers } from "../../licensing/sheets/customer-exports.ts";
import { answerExport, answerFile, ExportQuery, LICENSE_FILTERS } from "../exports.ts";
import { type Entry, parsed } from "../ui/entry.ts";
import { Heading } from "../ui/heading.tsx";
import type { Inquiry } from "./mount.tsx";
import { Choices, Field, PostForm, Submit } from "../ui/form.tsx";
import { wordsFor } from "../ui/terms.ts";

export const FormatChoice: FC<{ entry: Entry }> = ({ entry }) => (
  <Choices
    entry={entry}
    name="format"
    legend="Format"
    options={[
      ["csv", "CSV, for spreadsheets"],
      ["json", "JSON"],
    ]}
    value="csv"
  />
);

/** What was entered for the filters of a list: they come from the list that led here. */
const filtersIn = (entry: Entry, shape: object): [name: string, value: string][] =>
  entry
    .entries()
    .filter(([name, value]) => Object.hasOwn(shape, name.split(".")[0] ?? "") && value.trim() !== "");

/** Undefined without any filter. @throws Problem REQUEST_INVALID */
function filterIn<S extends z.core.$ZodShape>(entry: Entry, shape: S) {
  const given = filtersIn(entry, shape);
  return given.length === 0 ? undefined : parsed(z.strictObject(shape), byName(Object.fromEntries(given)));
}

/** Says which filters are in force, and sends them along. */
const InForce: FC<{ entry: Entry; shape: object; what: string; all: string }> = ({
  entry,
  shape,
  what,
  all,
}) => {
  const filters = filtersIn(entry, shape);
  if (filters.length === 0) return null;
  return (
    <>
      {filters.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <p>
        Only the {what} with {filters.map(([name, value]) => `${wordsFor(name)}: ${value}`).join(", ")}.{" "}
        <a href={all}>Export all</a>
      </p>
    </>
  );
};

/** An export of what the filters of a list find. */
export const ExportLink: FC<{
  list: "licenses" | "customers" | "instances";
  query: Record<string, string>;
}> = ({ list, query }) => {
  const { cursor: _place, row: _row, limit: _size, sort: _order, count: _census, ...filters } = query;
  const asked = new URLSearchParams(filters).toString();
  return (
    <span id="export" data-results>
      <a class="button" href={`/admin/exports/${list}${asked === "" ? "" : `?${asked}`}`}>
        {asked === "" ? "Export all" : "Export these"}
      </a>
    </span>
  );
};

const licenses: Inquiry = {
  path: "/admin/exports/licenses",
  access: "keys",
  show: async (visit, entry) => ({
    title: "Export licenses",
    section: "licenses",
    body: (
      <>
        <Heading
          trail={[["/admin/licenses", "Licenses"]]}
          title="Export licenses"
          lead="The file contains the license keys: keep it as safe as the keys. The export is recorded in your name."
        />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <InForce entry={entry} shape={LICENSE_FILTERS} what="licenses" all="/admin/exports/licenses" />
            <FormatChoice entry={entry} />
            <Field
              entry={entry}
              name="customer_id"
              label="Customer id"
              hint="Empty: the licenses of all customers."
              maxlength={64}
            />
            <Submit back="/admin/licenses">Download</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async answer({ http, context }, entry) {
    const query = parsed(ExportQuery, {
      format: entry.text("format"),
      customer_id: entry.text("customer_id"),
    });
    return answerExport(http, context, { ...query, filter: filterIn(entry, LICENSE_FILTERS) });
  },
};

const customers: Inquiry = {
  path: "/admin/exports/customers",
  access: "customers",
  show: async (visit, entry) => ({
    title: "Export customers",
    section: "customers",
    body: (
      <>
        <Heading
          trail={[["/admin/customers", "Customers"]]}
          title="Export customers"
          lead="Each with its contacts, tags, notes and metadata. The export is recorded in your name."
        />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <InForce
              entry={entry}
              shape={CustomerFilter.shape}
              what="customers"
              all="/admin/exports/customers"
            />
            <FormatChoice entry={entry} />
            <Submit back="/admin/customers">Download</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async answer({ http, context }, entry) {
    const { format } = parsed(ExportQuery, { format: entry.text("format") });
    const filter = filterIn(entry, CustomerFilter.shape);
    return answerFile(http, await exportCustomers(context, { format, filter }), format);
  },
};

const instances: Inquiry = {
  path: "/admin/exports/instances",
  access: "read",
  show: async (visit, entry) => ({
    title: "Export instances",
    section: "instances",
    body: (
      <>
        <Heading
          trail={[["/admin/instances", "Instances"]]}
          title="Export instances"
          lead="Each with its customer, host, version and labels. The export is recorded in your name."
        />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <InForce
              entry={entry}
              shape={InstanceListFilter}
              what="instances"
              all="/admin/exports/instances"
            />
            <FormatChoice entry={entry} />
            <Submit back="/admin/instances">Download</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async answer({ http, context }, entry) {
    const { format } = parsed(ExportQuery, { format: entry.text("format") });
    const { sought } = soughtBy(filterIn(entry, InstanceListFilter) ?? {}, context.clock.now());
    return answerFile(http, await exportInstances(context, format, sought), format);
  },
};

export const exportDoors = [licenses, customers, instances];
