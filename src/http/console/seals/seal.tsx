// /admin/activity/seals/{id}: one seal, checked against the events as they are now; and beginning the seals anew.
import * as z from "zod/mini";
import { restartSeals } from "../../../audit/restart.ts";
import { verifySeal } from "../../../audit/verify-seal.ts";
import { Reason, written } from "../../../kernel/inputs.ts";
import { parsed } from "../../ui/entry.ts";
import { PostForm, Submit, TextArea } from "../../ui/form.tsx";
import { Copyable } from "../../ui/copyable.tsx";
import { Card, Facts, formatCount, plural, When } from "../../ui/show.tsx";
import { Heading } from "../../ui/heading.tsx";
import type { Form, Page } from "../mount.tsx";
import { idOf } from "../visit.ts";
import { ACTIVITY, SEALS } from "./list.tsx";

const Numbered = z.object({ id: written(z.int().check(z.minimum(1))) });

/** More would help nobody; the command line names all. */
const NAMED = 50;

export const sealPage: Page = {
  path: `${SEALS[0]}/{id}`,
  access: "read",
  async show(visit) {
    const { id } = parsed(Numbered, { id: idOf(visit) });
    const { seal, findings, begins } = await verifySeal(visit.context, id);
    const count = seal.up_to - seal.from_id + 1;
    return {
      title: `Seal ${id}`,
      section: "activity",
      body: (
        <>
          <Heading trail={[ACTIVITY, SEALS]} title={`Seal ${id}`} />
          {findings.length === 0 ? (
            <p class="note good">
              Checked just now: {plural(count, "event")}, each as it was sealed, and the seal is signed by
              this service.
            </p>
          ) : (
            <div class="note stop" role="alert">
              <p>
                <strong>The record is not what was sealed.</strong>
              </p>
              <ul>
                {findings.slice(0, NAMED).map(({ says }) => (
                  <li>{says}</li>
                ))}
                {findings.length > NAMED ? <li>and {plural(findings.length - NAMED, "other")}</li> : null}
              </ul>
            </div>
          )}
          {begins === null ? null : (
            <p class="note warn">
              It begins a new segment after seal {begins}: an owner gave up what came between.
            </p>
          )}
          <Card>
            <Facts
              rows={[
                ["Events", `${formatCount(seal.from_id)} to ${formatCount(seal.up_to)}`],
                ["Sealed", <When at={seal.sealed_at} now={visit.now} time />],
                ["Head", <code>{seal.head}</code>],
              ]}
            />
          </Card>
          <Card title="Signed">
            <Copyable id="token" text={seal.token} label="Signed seal">
              {id > 1 ? (
                <a class="button" href={`${SEALS[0]}/${id - 1}`}>
                  Seal {id - 1}
                </a>
              ) : null}
            </Copyable>
            <p class="hint">
              Anybody can check it with the key set of this service. Its type is audit-seal+jwt.
            </p>
          </Card>
        </>
      ),
    };
  },
};

export const restartForm: Form = {
  path: `${SEALS[0]}/restart`,
  access: "seals",
  show: async (visit, entry) => ({
    title: "Begin the seals anew",
    section: "activity",
    body: (
      <>
        <Heading
          trail={[ACTIVITY, SEALS]}
          title="Begin the seals anew"
          lead="For a chain that cannot go on, as after a restore. The break stays visible: it is signed, and each check names it."
        />
        <section class="card narrow">
          <PostForm visit={visit} entry={entry} action={`${SEALS[0]}/restart`}>
            <TextArea
              entry={entry}
              name="reason"
              label="Reason"
              hint="Kept in the record."
              placeholder="Restored the database of 23 November."
              required
              maxlength={500}
              autofocus
            />
            <Submit tone="danger" back={SEALS[0]}>
              Begin anew
            </Submit>
          </PostForm>
        </section>
      </>
    ),
  }),
  async submit({ context }, entry) {
    const { reason } = parsed(z.object({ reason: Reason }), { reason: entry.text("reason") ?? "" });
    await restartSeals(context, reason);
    return { to: `${SEALS[0]}?done=restarted` };
  },
};
