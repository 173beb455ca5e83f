// /admin/settings/columns/{list}: which columns somebody sees in a list.
import { keepView } from "../../../access/views.ts";
import { Problem } from "../../../problems.ts";
import { withoutTelling } from "../../notice.ts";
import { Checkbox, PostForm, Submit } from "../../ui/form.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Column } from "../../ui/show.tsx";
import { customerColumns } from "../customers/list.tsx";
import { instanceColumns } from "../instances/list.tsx";
import { licenseColumns } from "../licenses/columns.tsx";
import { messageListColumns } from "../messages/list.tsx";
import type { Form } from "../mount.tsx";
import type { ListName } from "../parts/columns.tsx";
import type { Visit } from "../visit.ts";

/** The columns that can be chosen: what their cells would say does not matter here. */
const LISTS: Record<ListName, Pick<Column<never>, "name" | "label" | "extra">[]> = {
  licenses: licenseColumns(0, {}),
  customers: customerColumns(new Map(), 0, {}),
  instances: instanceColumns(new Map(), 0, {}),
  messages: messageListColumns(0),
};

const isList = (name: string): name is ListName => Object.hasOwn(LISTS, name);

function listOf({ params }: Visit) {
  const list = params["list"] ?? "";
  if (!isList(list)) throw new Problem("NOT_FOUND", "There is no such list.");
  const offered = LISTS[list].flatMap(({ name, ...column }) =>
    name === undefined ? [] : [{ name, ...column }],
  );
  return { list, offered };
}

export const columnsForm: Form = {
  path: "/admin/settings/columns/{list}",
  access: "read",
  async show(visit, entry) {
    const { list, offered } = listOf(visit);
    const chosen = visit.view.columns[list];
    const back = entry.text("back") ?? "";
    return {
      title: `Columns of ${list}`,
      section: list,
      body: (
        <>
          <Heading
            trail={[[`/admin/${list}`, `${list[0]!.toUpperCase()}${list.slice(1)}`]]}
            title={`Columns of ${list}`}
            lead="For you, in each browser that you sign in with. Exports have all columns, whatever you choose."
          />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} action={`/admin/settings/columns/${list}`}>
              <input type="hidden" name="back" value={back} />
              <fieldset>
                <legend>Shown</legend>
                {offered.map(({ name, label, extra = false }) => (
                  <Checkbox name="column" value={name} checked={chosen?.includes(name) ?? !extra}>
                    {label}
                  </Checkbox>
                ))}
              </fieldset>
              <Submit back={`/admin/${list}${back === "" ? "" : `?${back}`}`}>Save</Submit>
              {chosen === undefined ? null : (
                <button class="quiet" name="usual" value="yes">
                  Back to the usual columns
                </button>
              )}
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit(visit, entry) {
    const { list, offered } = listOf(visit);
    const wanted = entry.all("column");
    // In their order, and none that is not there.
    const columns = offered.map(({ name }) => name).filter((name) => wanted.includes(name));
    await keepView(visit.context, { columns: { [list]: entry.has("usual") ? null : columns } });
    // Only a query: it cannot lead to another page.
    const back = withoutTelling(entry.text("back") ?? "").toString();
    return { to: `/admin/${list}${back === "" ? "" : `?${back}`}` };
  },
};
