// /admin/settings/view: how somebody sees the console.
import { keepView } from "../../../access/views.ts";
import { parsed } from "../../ui/entry.ts";
import { Choices, type Option, PostForm, Submit } from "../../ui/form.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { Choices as Chosen, STARTS } from "../view-choices.ts";
import { SETTINGS } from "./settings.tsx";

const HERE = "/admin/settings/view";

const ROWS: Option[] = [
  ["comfortable", "comfortable"],
  ["dense", "dense: more rows on a screen"],
];

const THEMES: Option[] = [
  ["system", "as my system is"],
  ["light", "light"],
  ["dark", "dark"],
];

const TIMES: Option[] = [
  ["local", "in my own zone and spelling"],
  ["utc", "in UTC"],
];

export const viewForm: Form = {
  path: HERE,
  access: "read",
  async show(visit, entry) {
    const { view } = visit;
    return {
      title: "My view",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="My view"
            lead="For you, in each browser that you sign in with."
            done={visit.query["done"] === "kept" ? "Saved." : undefined}
          />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} action={HERE}>
              <Choices entry={entry} name="rows" legend="Rows of lists" options={ROWS} value={view.rows} />
              <Choices
                entry={entry}
                name="start"
                legend="First page after the sign-in"
                hint="Through Cloudflare Access it is the page that you ask for."
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
              <Choices entry={entry} name="theme" legend="Colors" options={THEMES} value={view.theme} />
              <p class="hint">
                Which columns a list has is chosen on its page, with <em>Columns</em>.
              </p>
              <Submit back={SETTINGS[0]}>Save</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ context }, entry) {
    const chosen = Object.keys(Chosen.shape).map((name) => [name, entry.text(name)]);
    await keepView(context, parsed(Chosen, Object.fromEntries(chosen)));
    return { to: `${HERE}?done=kept` };
  },
};
