// The actions on one license: each has its own page, which shows the effect before it happens.
import type { Child, FC } from "hono/jsx";
import * as z from "zod/mini";
import { StartInstant } from "../../../../kernel/inputs.ts";
import { Reasoned } from "../../../../licensing/licenses/decisions.ts";
import { act, type Action } from "../../../../licensing/licenses/lifecycle.ts";
import { assertNothingOrdered, orderChange } from "../../../../licensing/licenses/pending-changes.ts";
import type { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { Field, PostForm, Submit, TextArea } from "../../../ui/form.tsx";
import type { Change } from "../../../ui/overtaken.tsx";
import { Card } from "../../../ui/show.tsx";
import type { View } from "../../mount.tsx";
import { idOf, type Visit } from "../../visit.ts";
import { licenseView } from "../view.tsx";

export const pathOf = (visit: Visit): string => `/admin/licenses/${idOf(visit)}`;

type Held = Awaited<ReturnType<typeof getLicenseAndCustomer>>;

export const actionView = (
  visit: Visit,
  entry: Entry,
  held: Held,
  words: { action: string; title: string; lead: Child; submit: string; tone?: "danger"; live?: true },
  children?: Child,
  changes?: Change,
): View =>
  licenseView(
    held,
    words,
    <Card>
      <PostForm
        visit={visit}
        entry={entry}
        changes={changes}
        action={`${pathOf(visit)}/${words.action}`}
        live={words.live ?? false}
      >
        {children}
        <Submit tone={words.tone ?? "primary"} back={pathOf(visit)}>
          {words.submit}
        </Submit>
      </PostForm>
    </Card>,
  );

/** @param first whether nothing is entered before it, so that the cursor waits here */
export const Reason: FC<{ entry: Entry; placeholder: string; optional?: true; first?: boolean }> = ({
  entry,
  placeholder,
  optional,
  first = true,
}) => (
  <TextArea
    entry={entry}
    name="reason"
    label="Reason"
    hint={optional ? "Optional. Kept in the record." : "Kept in the record."}
    placeholder={placeholder}
    required={!optional}
    maxlength={500}
    autofocus={first}
  />
);

/** When it takes effect, if not now. */
export const Later: FC<{ entry: Entry }> = ({ entry }) => (
  <Field
    entry={entry}
    name="effective_at"
    label="Takes effect on"
    type="date"
    hint="Left empty: now. On a later day it is done as soon as that day begins anywhere on Earth, if you may still do it then."
  />
);

const Effective = z.object({ effective_at: z.optional(StartInstant) });

/**
 * Takes the action now, or orders it for the entered day, if the license is as the form showed it. A form without a
 * version is of a page that a former release made.
 * @param done what the license's page says of it
 */
export async function takeAction(
  visit: Visit,
  entry: Entry,
  action: Action,
  done: string,
  ifMatch = entry.text("version"),
): Promise<{ to: string }> {
  const { context } = visit;
  const id = idOf(visit);
  const lastOrder = entry.text("last_order");
  const { effective_at: at } = parsed(Effective, { effective_at: entry.text("effective_at") });
  if (at === undefined)
    await act(context, id, action, ifMatch, { unless: () => assertNothingOrdered(context, id, lastOrder) });
  else await orderChange(context, id, action, at, ifMatch, lastOrder);
  return { to: `${pathOf(visit)}${at === undefined ? done : "?done=ordered"}` };
}

export const reasonFrom = (entry: Entry) => parsed(Reasoned, { reason: entry.text("reason") ?? "" });
