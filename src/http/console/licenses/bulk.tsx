// /admin/licenses/bulk: one action on several licenses, after a preview of its effect on each.
import type { FC } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import { listLicenseTypes } from "../../../licensing/licenses/license-types.ts";
import { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { Together } from "../../../notices/keys/together.ts";
import { Problem } from "../../../problems.ts";
import { answerExport, ExportQuery } from "../../exports.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Heading } from "../../ui/heading.tsx";
import { FormatChoice } from "../exports.tsx";
import type { Form, Inquiry, View } from "../mount.tsx";
import { Ending } from "../parts/terms.tsx";
import { Checkbox, Field, type Option, PostForm, Select, Submit, TextArea } from "../../ui/form.tsx";
import { Badge, Card, plural, Table } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";
import { assertEntered, BULK_ACTIONS, bulkActionOf, type BulkName } from "./bulk-actions.ts";

/** As many as a page of the list has at most. */
const MAX = 100;

interface Row {
  id: string;
  customer: string;
  /** What it would do, or did. */
  says: string;
  ok: boolean;
}

const idsOf = (entry: Entry): string[] => [...new Set(entry.all("id"))].slice(0, MAX);

/** One after the other; if one is refused, the others still go on. */
const each = async (
  { context }: Visit,
  ids: string[],
  tell: (id: string) => Promise<string>,
): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const id of ids) {
    let customer = "";
    try {
      customer = displayNameOf((await getLicenseAndCustomer(context, id)).customer);
      rows.push({ id, customer, says: await tell(id), ok: true });
    } catch (error) {
      if (!(error instanceof Problem) || error.type.status >= 500) throw error;
      // Without the member's name: nobody entered it.
      const says = error.extras.errors?.map(({ message }) => message).join("; ") ?? error.message;
      rows.push({ id, customer, says, ok: false });
    }
  }
  return rows;
};

const Rows: FC<{ rows: Row[]; done: boolean }> = ({ rows, done }) => (
  <Table
    caption="Licenses"
    rows={rows}
    empty="No license is selected. Go back and select some."
    columns={[
      {
        label: "License",
        main: true,
        cell: ({ id, customer }) => (
          <>
            <a href={`/admin/licenses/${encodeURIComponent(id)}`}>{customer || "unknown"}</a>
            <code class="second">{id}</code>
          </>
        ),
      },
      {
        label: done ? "Outcome" : "What it would do",
        long: true,
        cell: ({ says, ok }) => (
          <>
            <Badge tone={ok ? "good" : "stop"}>{ok ? (done ? "done" : "possible") : "refused"}</Badge>
            <span class="second">{says}</span>
          </>
        ),
      },
    ]}
  />
);

const viewOf = (title: string, body: View["body"]): View => ({ title, section: "licenses", body });

const doingOf = (entry: Entry): BulkName => {
  const name = entry.text("do") ?? "";
  return Object.hasOwn(BULK_ACTIONS, name) ? (name as BulkName) : "send";
};

const TERMS = [
  ["max_instances", "Instances", 1],
  ["max_services", "Services", 1],
  ["max_requests_per_day", "Requests a day", 1],
  ["grace_days", "Grace in days", 0],
] as const;

/** Those whose effect is shown while they are entered. */
const isLive = (asks: string): boolean => asks === "end" || asks === "terms";

/** What an action needs to know. */
const Asked: FC<{ entry: Entry; doing: BulkName; types: Option[] }> = ({ entry, doing, types }) => {
  const { asks } = bulkActionOf(doing);
  if (asks === "reason")
    return (
      <TextArea
        entry={entry}
        name="reason"
        label="Reason"
        hint="Kept in the record of each license."
        required
        maxlength={500}
      />
    );
  if (asks === "end")
    return (
      <Ending entry={entry} legend="Renew for" first={["type", "As the type of each says"]} value="type" />
    );
  if (asks === "terms")
    return (
      <>
        <div class="pair">
          <Select
            entry={entry}
            name="license_type"
            label="Type"
            hint="With the terms of that type; what is entered here goes before them."
            options={[["", "As it is"], ...types]}
          />
          {TERMS.map(([name, label, min]) => (
            <Field entry={entry} name={name} label={label} type="number" min={min} placeholder="as it is" />
          ))}
        </div>
        <Checkbox name="send_email" checked={entry.has("send_email")}>
          Tell each customer by mail
        </Checkbox>
      </>
    );
  return asks === "tags" ? (
    <Field entry={entry} name="tags" label="Tags to add" maxlength={700} required />
  ) : null;
};

const several: Form = {
  path: "/admin/licenses/bulk",
  access: "licenses",
  async show(visit, entry) {
    const doing = doingOf(entry);
    const { title, tone, asks, would, mail } = bulkActionOf(doing);
    const ids = idsOf(entry);
    const rows = await each(visit, ids, (id) => would(visit.context, id, entry));
    const types = asks === "terms" ? (await listLicenseTypes(visit.context, { limit: 100 })).data : [];
    return viewOf(
      title,
      <>
        <Heading
          title={title}
          lead={[plural(rows.length, "license"), mail].filter(Boolean).join(". ")}
          trail={[["/admin/licenses", "Licenses"]]}
        />
        <Card>
          <div id="rows" data-results>
            <Rows rows={rows} done={false} />
          </div>
          {rows.some(({ ok }) => ok) || isLive(asks) ? (
            <PostForm visit={visit} entry={entry} action="/admin/licenses/bulk" live={isLive(asks)}>
              <input type="hidden" name="do" value={doing} />
              {ids.map((id) => (
                <input type="hidden" name="id" value={id} />
              ))}
              <Asked entry={entry} doing={doing} types={types.map(({ id, name }) => [id, name])} />
              {isLive(asks) ? (
                <button class="no-script" name="look" value="yes">
                  Show what it would do
                </button>
              ) : null}
              <Submit back="/admin/licenses" tone={tone ?? "primary"}>
                {title}
              </Submit>
            </PostForm>
          ) : (
            <a class="button" href="/admin/licenses" data-close>
              Back
            </a>
          )}
        </Card>
      </>,
    );
  },
  async submit(visit, entry) {
    const doing = doingOf(entry);
    const { title, does } = bulkActionOf(doing);
    assertEntered(doing, entry);
    const together = new Together();
    const rows = await each(visit, idsOf(entry), (id) => does(visit.context, id, entry, together));
    await together.send(visit.context);
    const done = rows.filter(({ ok }) => ok).length;
    const outcome = `${done} of ${plural(rows.length, "license")} done.`;
    return viewOf(
      title,
      <>
        <Heading
          title={title}
          trail={[["/admin/licenses", "Licenses"]]}
          {...(done > 0 ? { done: outcome } : {})}
        />
        {done > 0 ? null : (
          <p class="note warn" role="status">
            {outcome}
          </p>
        )}
        <Card>
          <Rows rows={rows} done />
        </Card>
      </>,
    );
  },
};

/** By POST, like every export. Its preview is the list itself, with a choice of format. */
const bulkExport: Inquiry = {
  path: "/admin/licenses/bulk-export",
  access: "keys",
  async show(visit, entry) {
    const ids = idsOf(entry);
    const rows = await each(visit, ids, async () => "Goes into the file, with its key.");
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
          <PostForm visit={visit} entry={entry} action="/admin/licenses/bulk-export">
            {ids.map((id) => (
              <input type="hidden" name="id" value={id} />
            ))}
            <FormatChoice entry={entry} />
            {rows.length > 0 ? <Submit back="/admin/licenses">Download</Submit> : null}
          </PostForm>
        </Card>
      </>,
    );
  },
  async answer({ http, context }, entry) {
    const { format } = parsed(ExportQuery, { format: entry.text("format") });
    return answerExport(http, context, { format, license_ids: idsOf(entry) });
  },
};

export const bulkDoors = [several, bulkExport];
