// /admin/exports/licenses: all licenses with their keys as a file.
//
// By POST: any site can send a browser to an address by GET, and each export is recorded in the person's name.
import type { FC } from "hono/jsx";
import { answerExport, ExportQuery } from "../exports.ts";
import { type Entry, parsed } from "../ui/entry.ts";
import { Heading } from "./layout.tsx";
import type { Inquiry } from "./mount.tsx";
import { Choices, Field, PostForm, Submit } from "../ui/form.tsx";

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
    return answerExport(http, context, query);
  },
};

export const exportDoors = [licenses];
