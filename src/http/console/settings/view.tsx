// /admin/settings/view: how somebody sees the console.
import { parsed } from "../../ui/entry.ts";
import { Choices, type Option, PostForm, Submit } from "../../ui/form.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { keepView, STARTS, View, viewOf } from "../view-choices.ts";
import { SETTINGS } from "./settings.tsx";

const HERE = "/admin/settings/view";

const ROWS: Option[] = [
  ["comfortable", "comfortable"],
  ["dense", "dense: more rows on a screen"],
];

const TIMES: Option[] = [
  ["local", "in my own zone and spelling"],
  ["utc", "in UTC"],
];

export const viewForm: Form = {
  path: HERE,
  access: "read",
  async show(visit, entry) {
    const view = viewOf(visit.http);
    return {
      title: "My view",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="My view"
            lead="For you, in this browser."
            done={visit.query["done"] === "kept" ? "Kept in this browser." : undefined}
          />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} action={HERE}>
              <Choices entry={entry} name="rows" legend="Rows of lists" options={ROWS} value={view.rows} />
              <Choices
                entry={entry}
                name="start"
                legend="First page after the sign-in"
                options={STARTS.map((name): Option => [name, name])}
                value={view.start}
              />
              <Choices
                entry={entry}
                name="times"
                legend="Times"
                options={TIMES}
                value={view.times}
                hint="Hold the pointer over a time to see it in UTC. First and last days of a license are days, the same everywhere."
              />
              <Submit back={SETTINGS[0]}>Keep</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ http }, entry) {
    const chosen = { rows: entry.text("rows"), start: entry.text("start"), times: entry.text("times") };
    keepView(http, parsed(View, chosen));
    return { to: `${HERE}?done=kept` };
  },
};
