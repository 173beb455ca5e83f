// /admin/licenses/bulk-export: the licenses that were chosen, with their keys, as a file.
import { answerExport, ExportQuery } from "../../../exports.ts";
import { parsed } from "../../../ui/entry.ts";
import { PostForm, Submit } from "../../../ui/form.tsx";
import { Heading } from "../../../ui/heading.tsx";
import { Card, plural } from "../../../ui/show.tsx";
import { FormatChoice } from "../../exports.tsx";
import type { Inquiry } from "../../mount.tsx";
import { viewOf } from "./bulk.tsx";
import { chosenIn } from "./chosen.ts";
import { Rows, rowOf } from "./rows.tsx";

/** By POST, like every export. Its preview is the list itself, with a choice of format. */
export const bulkExport: Inquiry = {
  path: "/admin/licenses/bulk-export",
  access: "keys",
  async show(visit, entry) {
    const { context } = visit;
    const { ids, rest } = await chosenIn(context, entry);
    const rows = await Promise.all(
      ids.map((id) => rowOf(context, id, async () => "Goes into the file, with its key.")),
    );
    return viewOf(
      "Export licenses",
      <>
        <Heading
          title="Export licenses"
          lead="The file contains the license keys: keep it as safe as the keys. The export is recorded in your name."
          trail={[["/admin/licenses", "Licenses"]]}
        />
        <Card>
          <Rows rows={rows} done={false} />
          {rest.length === 0 ? null : <p class="hint">And {plural(rest.length, "license")} more.</p>}
          <PostForm visit={visit} entry={entry} action="/admin/licenses/bulk-export">
            <input type="hidden" name="rest" value={[...ids, ...rest].join(" ")} />
            <FormatChoice entry={entry} />
            {rows.length > 0 ? <Submit back="/admin/licenses">Download</Submit> : null}
          </PostForm>
        </Card>
      </>,
    );
  },
  async answer({ http, context }, entry) {
    const { format } = parsed(ExportQuery, { format: entry.text("format") });
    const { ids, rest } = await chosenIn(context, entry);
    return answerExport(http, context, { format, license_ids: [...ids, ...rest] });
  },
};
