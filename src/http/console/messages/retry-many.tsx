// /admin/messages/retry: sending again all that failed, came back or was skipped, by kind and by when it was written.
import { countRetries, RetryFilter, retryMessages } from "../../../notices/retries.ts";
import { type Entry, parsed } from "../../ui/entry.ts";
import { Field, type Option, PostForm, Select, Submit } from "../../ui/form.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form } from "../mount.tsx";
import { KINDS } from "./list.tsx";

const HERE = "/admin/messages";

const STATUSES: Option[] = [
  ["failed", "failed"],
  ["bounced", "bounced"],
  ["skipped", "skipped"],
];

const filterOf = (entry: Entry): RetryFilter =>
  parsed(RetryFilter, {
    status: entry.text("status") ?? "failed",
    kind: entry.text("kind"),
    license_id: entry.text("license_id"),
    since: entry.text("since"),
    until: entry.text("until"),
  });

export const retryMany: Form = {
  path: "/admin/messages/retry",
  access: "licenses",
  async show(visit, entry) {
    // A refused form shows what is wrong with it in place of a number.
    const found = entry.problem === null ? await countRetries(visit.context, filterOf(entry)) : null;
    const number = found === null ? null : found.more ? `More than ${found.count}` : String(found.count);
    return {
      title: "Send messages again",
      section: "messages",
      body: (
        <>
          <Heading trail={[[HERE, "Messages"]]} title="Send messages again" />
          <section class="card narrow">
            <PostForm visit={visit} entry={entry} live>
              <Select entry={entry} name="status" label="Status" options={STATUSES} value="failed" />
              <Select
                entry={entry}
                name="kind"
                label="Kind"
                options={[["", "Any kind"], ...Object.entries(KINDS)]}
              />
              <Field entry={entry} name="license_id" label="License" placeholder="lic_…" maxlength={100} />
              <div class="pair">
                <Field entry={entry} name="since" label="Written since" type="date" />
                <Field entry={entry} name="until" label="Until" type="date" />
              </div>
              <div id="effect" data-results>
                {number === null ? null : (
                  <p>
                    <strong>{number}</strong> can be sent again. Notices that are not true any more and keys
                    that were replaced are left out.
                  </p>
                )}
              </div>
              <Submit back={HERE}>Send again</Submit>
            </PostForm>
          </section>
        </>
      ),
    };
  },
  async submit({ context }, entry) {
    const { retried } = await retryMessages(context, filterOf(entry));
    return { to: `${HERE}?retried=${retried}` };
  },
};
