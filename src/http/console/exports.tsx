// /admin/exports/licenses and /admin/exports/customers: all licenses with their keys, or all customers, as a file.
//
// By POST: any site can send a browser to an address by GET, and each export is recorded in the person's name.
import type { FC } from "hono/jsx";
import * as z from "zod/mini";
import { byName } from "../../kernel/inputs.ts";
import { LicenseFilter } from "../../licensing/licenses/license-list.ts";
import { exportCustomers } from "../../licensing/sheets/customer-exports.ts";
import { answerExport, answerFile, ExportQuery } from "../exports.ts";
import { type Entry, parsed } from "../ui/entry.ts";
import { Heading } from "./layout.tsx";
import type { Inquiry } from "./mount.tsx";
import { Choices, Field, PostForm, Submit } from "../ui/form.tsx";
import { wordsFor } from "../ui/show.tsx";

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

/** The filters among what was entered: those of the list that led here. */
function filterIn(entry: Entry): LicenseFilter | undefined {
  const given = Object.fromEntries(
    entry.entries().filter(([name, value]) => isFilter(name) && value.trim() !== ""),
  );
  return Object.keys(given).length === 0
    ? undefined
    : parsed(z.strictObject(LicenseFilter.shape), byName(given));
}

const isFilter = (name: string): boolean =>
  name !== "customer_id" && Object.hasOwn(LicenseFilter.shape, name.split(".")[0] ?? "");

const licenses: Inquiry = {
  path: "/admin/exports/licenses",
  access: "keys",
  show: async (visit, entry) => {
    const filters = entry.entries().filter(([name, value]) => isFilter(name) && value.trim() !== "");
    return {
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
              {filters.length === 0 ? null : (
                <p>
                  Only the licenses with{" "}
                  {filters.map(([name, value]) => `${wordsFor(name)}: ${value}`).join(", ")}.{" "}
                  <a href="/admin/exports/licenses">Export all</a>
                </p>
              )}
              {filters.map(([name, value]) => (
                <input type="hidden" name={name} value={value} />
              ))}
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
    };
  },
  async answer({ http, context }, entry) {
    const query = parsed(ExportQuery, {
      format: entry.text("format"),
      customer_id: entry.text("customer_id"),
    });
    return answerExport(http, context, { ...query, filter: filterIn(entry) });
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
          lead="All customers with their contacts, tags, notes and metadata. The export is recorded in your name."
        />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry}>
            <FormatChoice entry={entry} />
            <Submit back="/admin/customers">Download</Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async answer({ http, context }, entry) {
    const query = parsed(ExportQuery, { format: entry.text("format") });
    return answerFile(http, await exportCustomers(context, query), query.format);
  },
};

export const exportDoors = [licenses, customers];
