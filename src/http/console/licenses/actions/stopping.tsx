// The two actions that stop a license.
import { previewChange } from "../../../../licensing/licenses/preview.ts";
import { Impact } from "../../parts/impact.tsx";
import type { Form } from "../../mount.tsx";
import { idOf } from "../../visit.ts";
import { effectOf, openLicense } from "./meanwhile.tsx";
import { actionView, Later, Reason, reasonFrom, takeAction } from "./action.tsx";

export const stopping = (
  action: "suspend" | "revoke",
  words: { title: string; lead: string; placeholder: string; done: string },
): Form => ({
  path: `/admin/licenses/{id}/${action}`,
  access: "licenses",
  async show(visit, entry) {
    const [{ held, changes }, preview] = await Promise.all([
      openLicense(visit, entry),
      effectOf(entry, previewChange(visit.context, idOf(visit), { action, input: { reason: "" } })),
    ]);
    const { title, lead, placeholder } = words;
    return actionView(
      visit,
      entry,
      held,
      { action, title, lead, submit: title, tone: "danger" },
      <>
        {preview === null ? null : <Impact preview={preview} now={visit.now} />}
        <Reason entry={entry} placeholder={placeholder} />
        <Later entry={entry} />
      </>,
      changes,
    );
  },
  async submit(visit, entry) {
    return takeAction(visit, entry, { action, input: reasonFrom(entry) }, `?done=${words.done}`);
  },
});
