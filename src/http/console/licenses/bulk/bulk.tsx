// /admin/licenses/bulk: one action on several licenses, after a preview of its effect on each.
import type { FC } from "hono/jsx";
import { shownEntitlements } from "../../../../licensing/entitlements/definitions.ts";
import { listLicenseTypes } from "../../../../licensing/licenses/license-types.ts";
import { Together } from "../../../../notices/keys/together.ts";
import type { EntitlementDefinition, LicenseType } from "../../../../storage/schema.ts";
import type { Entry } from "../../../ui/entry.ts";
import { PostForm, Submit, TextArea, Field } from "../../../ui/form.tsx";
import { Heading } from "../../../ui/heading.tsx";
import { Card, plural } from "../../../ui/show.tsx";
import type { Form, View } from "../../mount.tsx";
import { assertKnownFeatures, knownFeatures } from "../../parts/features.tsx";
import { Ending } from "../../parts/terms.tsx";
import type { Visit } from "../../visit.ts";
import { assertEntered, BULK_ACTIONS, bulkActionOf, type BulkName } from "./actions.ts";
import { ChangeFields } from "./change-fields.tsx";
import { CHOICE, type Chosen, chosenIn, MAX_CHOSEN, STEP } from "./chosen.ts";
import { assertSeen, type Row, Rows, rowOf, Seen } from "./rows.tsx";

const LIST = "/admin/licenses";
const PATH = "/admin/licenses/bulk";

export const viewOf = (title: string, body: View["body"]): View => ({ title, section: "licenses", body });

const doingOf = (entry: Entry): BulkName => {
  const name = entry.text("do") ?? "";
  return Object.hasOwn(BULK_ACTIONS, name) ? (name as BulkName) : "send";
};

/** Those whose effect is shown while they are entered. */
const isLive = (asks: string): boolean => asks === "end" || asks === "terms";

interface Offered {
  types: LicenseType[];
  definitions: EntitlementDefinition[];
}

/** What an action needs to know. */
const Asked: FC<{ entry: Entry; doing: BulkName; offered: Offered }> = ({ entry, doing, offered }) => {
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
  if (asks === "terms") return <ChangeFields entry={entry} {...offered} />;
  return asks === "tags" ? (
    <Field entry={entry} name="tags" label="Tags to add" maxlength={700} required />
  ) : null;
};

const Ids: FC<{ ids: string[]; rest: string[] }> = ({ ids, rest }) => (
  <>
    {ids.map((id) => (
      <input type="hidden" name="id" value={id} />
    ))}
    {rest.length === 0 ? null : <input type="hidden" name="rest" value={rest.join(" ")} />}
  </>
);

/** How many licenses, and what of their mail. */
const leadOf = ({ ids, rest, isCut }: Chosen, mail: string | undefined): string =>
  [
    rest.length === 0
      ? plural(ids.length, "license")
      : `The first ${ids.length} of ${plural(ids.length + rest.length, "license")}: the others follow, ${STEP} at a time`,
    isCut ? `The filters find more than ${MAX_CHOSEN}: choose the others afterwards` : null,
    ids.length === 0 ? null : mail,
  ]
    .filter(Boolean)
    .join(". ");

/** Goes on with those that are left, with what was entered. */
const GoOn: FC<{ visit: Visit; entry: Entry; rest: string[] }> = ({ visit, entry, rest }) =>
  rest.length === 0 ? null : (
    <PostForm visit={visit} action={PATH}>
      {entry
        .without([...CHOICE, "form_token", "once", "look"])
        .texts()
        .map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
      <Ids ids={[]} rest={rest} />
      <div class="submit">
        <button class="primary" name="look" value="yes">
          Go on with the next {Math.min(rest.length, STEP)} of {rest.length}
        </button>
        <a class="button quiet" href={LIST}>
          Stop here
        </a>
      </div>
    </PostForm>
  );

/** More rows than this would push the fields out of sight. */
const FEW = 6;

const Refused: FC<{ rows: Row[] }> = ({ rows }) => {
  const refused = rows.filter(({ ok }) => !ok).length;
  return refused === 0 ? null : (
    <p class="hint">
      {rows.length - refused} possible, {refused} refused.
    </p>
  );
};

/** Leaves room for one more license, whose customer may have many contacts, and for the mails of all. */
const ROOM = 150;

const offeredBy = async ({ context }: Visit, asks: string): Promise<Offered> => {
  if (asks !== "terms") return { types: [], definitions: [] };
  const [{ data: types }, definitions] = await Promise.all([
    listLicenseTypes(context, { limit: 100 }),
    shownEntitlements(context),
  ]);
  return { types, definitions };
};

export const bulk: Form = {
  path: PATH,
  access: "licenses",
  async show(visit, entry) {
    const doing = doingOf(entry);
    const { title, tone, asks, would, mail } = bulkActionOf(doing);
    const { context } = visit;
    const [chosen, offered] = await Promise.all([chosenIn(context, entry), offeredBy(visit, asks)]);
    const rows = await Promise.all(
      chosen.ids.map((id) => rowOf(context, id, (license) => would(context, license, entry))),
    );
    return viewOf(
      title,
      <>
        <Heading title={title} lead={leadOf(chosen, mail)} trail={[[LIST, "Licenses"]]} />
        <Card>
          <div id="rows" data-results>
            {isLive(asks) && rows.length > FEW ? (
              // Beside the fields that change it.
              <div class="wide short" tabindex={0} role="region" aria-label="Licenses">
                <Rows rows={rows} done={false} />
              </div>
            ) : (
              <Rows rows={rows} done={false} />
            )}
            <Refused rows={rows} />
          </div>
          {rows.some(({ ok }) => ok) || (isLive(asks) && rows.length > 0) ? (
            <PostForm visit={visit} entry={entry} action={PATH} live={isLive(asks)}>
              <input type="hidden" name="do" value={doing} />
              <Ids {...chosen} />
              <Seen rows={rows} />
              <Asked entry={entry} doing={doing} offered={offered} />
              {isLive(asks) ? (
                <button class="no-script" name="look" value="yes">
                  Show what it would do
                </button>
              ) : null}
              <Submit back={LIST} tone={tone ?? "primary"}>
                {title}
              </Submit>
            </PostForm>
          ) : chosen.rest.length > 0 ? (
            <GoOn visit={visit} entry={entry.with("do", doing)} rest={chosen.rest} />
          ) : (
            <a class="button" href={LIST} data-close>
              Back
            </a>
          )}
        </Card>
      </>,
    );
  },
  async submit(visit, entry) {
    const doing = doingOf(entry);
    const { title, asks, does } = bulkActionOf(doing);
    const { context } = visit;
    await assertEntered(context, doing, entry);
    if (asks === "terms")
      assertKnownFeatures(entry, knownFeatures((await offeredBy(visit, asks)).types), "features_add");
    const together = new Together();
    const { ids, rest } = await chosenIn(context, entry);
    const rows: Row[] = [];
    // One after the other; if one is refused, the others still go on.
    for (const id of ids) {
      if (!visit.hasRoom(ROOM)) break;
      const row = await rowOf(context, id, (license) => {
        assertSeen(entry, license);
        return does(context, license, entry, together);
      });
      if (!row.ok) together.forget(id);
      rows.push(row);
    }
    await together.send(context);
    const done = rows.filter(({ ok }) => ok).length;
    const overtaken = rows.flatMap(({ id, isOvertaken }) => (isOvertaken ? [id] : []));
    const outcome = `${done} of ${plural(rows.length, "license")} done.`;
    return viewOf(
      title,
      <>
        <Heading title={title} trail={[[LIST, "Licenses"]]} {...(done > 0 ? { done: outcome } : {})} />
        {done > 0 ? null : (
          <p class="note warn" role="status">
            {outcome}
          </p>
        )}
        <Card>
          <Rows rows={rows} done />
          <GoOn visit={visit} entry={entry} rest={[...overtaken, ...ids.slice(rows.length), ...rest]} />
        </Card>
      </>,
    );
  },
};
